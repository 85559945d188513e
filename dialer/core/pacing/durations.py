"""How long operators are busy: hazards of talk and wrap-up by age, and when one will be free.

Talk ends with a hazard that is piecewise constant over its age: after 200 s of a 90 s mean a
talk is not about to end. A slow shape (hundreds of talks) is multiplied by a fast level (about
sixty), of which a faster twin takes the place at once where the two disagree by three sigma.
Wrap-up after a short talk (a refusal, a machine) has a law of its own. Talks still going on
count as exposure.

`Durations` is mutable and owned by the shell: one writer, no clock, no random.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dialer.core.pacing.answers import HORIZON_S

Floats = NDArray[np.float64]

#: An answered person has so long until he is lost (core/calls: silence before the message).
PATIENCE_S = 2.0
#: Up to here a talk is short: what follows is not the wrap-up of a conversation.
SHORT_TALK_S = 10.0

_TALK_EDGES = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    8,
    10,
    13,
    17,
    22,
    28,
    36,
    46,
    60,
    78,
    100,
    130,
    170,
    220,
    290,
    380,
    500,
    700,
)
_WRAP_EDGES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 29, 35, 43, 55, 75, 110)
_MEMORY = 800.0
_LEVEL_MEMORY = 60.0
_TWIN_MEMORY = 12.0
#: Ages for which a row is kept: each second, later each five, later each twenty.
_ROW_AGES = np.concatenate(
    [np.arange(120) + 0.5, np.arange(120, 400, 5) + 2.5, np.arange(400, 1400, 20) + 10.5]
)
ROWS = len(_ROW_AGES)
_ROW_STARTS = _ROW_AGES.astype(int)
#: From which age on a row is used.
_ROW_FROM = np.concatenate(
    [np.arange(120.0), np.arange(120.0, 400.0, 5.0), np.arange(400.0, 1400.0, 20.0)]
)
_AHEAD = np.arange(HORIZON_S + 3)


def rows_of(ages_s: Sequence[float]) -> tuple[int, ...]:
    """The rows of the tables for these ages, all at once: there may be a thousand."""
    if not ages_s:
        return ()
    rows = np.searchsorted(_ROW_FROM, np.array(ages_s, dtype=float), "right") - 1
    return tuple(np.maximum(rows, 0).tolist())


class Hazard:
    """Events and exposure by age, with forgetting."""

    def __init__(self, edges: tuple[int, ...], mean_s: float, weight: float) -> None:
        self.edges = np.array(edges, dtype=float)
        self._widths = np.diff(self.edges)
        # An exponential prior, weak, and weaker at ages that are seldom reached.
        reach = np.exp(-self.edges / mean_s)
        self.exposure = weight * mean_s * (reach - np.append(reach[1:], 0.0)) + 0.5
        self.events = self.exposure / mean_s

    def seen(self, duration_s: float) -> None:
        """One that has ended after so long."""
        self.events *= 1.0 - 1.0 / _MEMORY
        self.exposure *= 1.0 - 1.0 / _MEMORY
        last = max(0, int(np.searchsorted(self.edges, duration_s, "right")) - 1)
        self.exposure[:last] += self._widths[:last]
        self.exposure[last] += duration_s - self.edges[last]
        self.events[last] += 1.0

    def cumulative(self, ages_s: Floats) -> Floats:
        """The integral of the hazard from 0 to each age."""
        rate = self.events / np.maximum(self.exposure, 1e-9)
        # Beyond the last edge it goes on as it was.
        edges = np.append(self.edges, self.edges[-1] + 5000.0)
        total = np.concatenate([[0.0], np.cumsum(rate * np.diff(edges))])
        curve: Floats = np.interp(ages_s, edges, total)
        return curve


class Level:
    """Real over expected endings: slow, with a fast twin that takes over after a jump."""

    def __init__(self) -> None:
        self.real = self.expected = 8.0
        self._twin_real = self._twin_expected = 2.0

    def expect(self, endings: float) -> None:
        keep = math.exp(-endings / _LEVEL_MEMORY)
        self.real *= keep
        self.expected = self.expected * keep + endings
        keep = math.exp(-endings / _TWIN_MEMORY)
        self._twin_real *= keep
        self._twin_expected = self._twin_expected * keep + endings

    def ended(self) -> None:
        self.real += 1.0
        self._twin_real += 1.0
        surplus = self._twin_real - self._twin_expected * self.value
        if abs(surplus) > 3.0 * math.sqrt(max(2.0, self._twin_expected * self.value)):
            self.real, self.expected = self._twin_real, self._twin_expected

    @property
    def value(self) -> float:
        return min(5.0, max(0.2, (self.real + 4.0) / (self.expected + 4.0)))


class Durations:
    """Talk and wrap-up of one campaign; `tables()` says when a busy operator will be free."""

    def __init__(self, *, talk_mean_s: float = 90.0, wrapup_mean_s: float = 20.0) -> None:
        self.talk = Hazard(_TALK_EDGES, talk_mean_s, 12.0)
        self.wrapups = (
            Hazard(_WRAP_EDGES, wrapup_mean_s, 6.0),
            Hazard(_WRAP_EDGES, wrapup_mean_s, 6.0),
        )
        self.level = Level()
        self._curve = self.talk.cumulative(np.arange(1400.0)).tolist()

    def state(self) -> dict[str, Any]:
        hazards = (self.talk, *self.wrapups)
        return {
            "hazards": [[one.events.tolist(), one.exposure.tolist()] for one in hazards],
            "level": [self.level.real, self.level.expected],
        }

    def take(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state; ValueError where it does not fit."""
        for hazard, (events, exposure) in zip(
            (self.talk, *self.wrapups), state["hazards"], strict=True
        ):
            kept = np.array([events, exposure], dtype=float)
            if kept.shape != (2, len(hazard.edges)) or not np.isfinite(kept).all():
                raise ValueError("hazards")
            hazard.events, hazard.exposure = np.maximum(kept, 1e-9)
        real, expected = (float(one) for one in state["level"])
        if not 0.0 < expected < 1e6 or not 0.0 <= real < 1e6:
            raise ValueError("level")
        self.level.real, self.level.expected = real, expected

    def talk_ended(self, duration_s: float) -> None:
        self.talk.seen(max(0.0, duration_s))
        self.level.ended()

    def wrapup_ended(self, duration_s: float, *, talk_s: float) -> None:
        self.wrapups[talk_s < SHORT_TALK_S].seen(max(0.0, duration_s))

    def talking(self, age_s: float, told_s: float) -> None:
        """A talk has come to this age; up to `told_s` it has been told before."""
        self.level.expect(max(0.0, self.expected(told_s, age_s)))

    def expected(self, from_s: float, to_s: float) -> float:
        """Endings that the shape expects of one talk between two ages."""
        return self._at(to_s) - self._at(from_s)

    def _at(self, age_s: float) -> float:
        whole = int(age_s)
        if whole < 0:
            return 0.0
        if whole >= 1399:
            return float(self._curve[1399])
        low = self._curve[whole]
        return float(low + (self._curve[whole + 1] - low) * (age_s - whole))

    def tables(self) -> tuple[Floats, Floats, Floats]:
        """P(free within s + 0.5 + patience) by row and s: talk, wrap-up, short wrap-up."""
        curve = self.talk.cumulative(np.arange(1440.0))
        self._curve = curve[:1400].tolist()
        level = self.level.value
        halves = 0.5 * (curve[:-1] + curve[1:])
        alive = np.exp(-level * halves[_ROW_STARTS[:, None] + _AHEAD[None, :]])
        alive /= alive[:, :1]
        ends = alive[:, :-1] - alive[:, 1:]  # in (v, v + 1], v = 0 .. horizon + 1
        wraps = [_survival(hazard) for hazard in self.wrapups]
        long, short = (1.0 - one[0] for one in wraps)
        is_short = (_ROW_AGES[:, None] + _AHEAD[None, :-1] + 0.5) < SHORT_TALK_S
        free = np.where(is_short, 0.0, ends) @ _shifted(long)
        free += np.where(is_short, ends, 0.0) @ _shifted(short)
        return free, wraps[0][1], wraps[1][1]


def _survival(hazard: Hazard) -> tuple[Floats, Floats]:
    """(survival of a new wrap-up at 0, 1, .. s; P(over within s + 0.5 + patience) by row)."""
    curve = hazard.cumulative(np.arange(1440.0))
    fresh = np.exp(-curve[: HORIZON_S + 3])
    now = 0.5 * (curve[_ROW_STARTS] + curve[_ROW_STARTS + 1])
    then = curve[_ROW_STARTS[:, None] + np.arange(HORIZON_S)[None, :] + 1 + int(PATIENCE_S)]
    return fresh, 1.0 - np.exp(now[:, None] - then)


_LAG = np.arange(HORIZON_S)[None, :] + int(PATIENCE_S) - np.arange(HORIZON_S + 2)[:, None]


def _shifted(over: Floats) -> Floats:
    """W(s + patience - v): the wrap-up that begins when the talk ends in v is over by then."""
    return np.where(_LAG >= 0, over[np.maximum(_LAG, 0)], 0.0)
