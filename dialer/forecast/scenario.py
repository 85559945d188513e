"""What is true in one simulated shift: people, operators, lines. A frozen value, no dice in it.

Times are seconds from the shift's beginning. Rates that move are paths with a value each 10 s.
The dialer's side never looks in here: it sees calls, answers and operators only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dialer.forecast.spreads import Spread, gamma, lognormal

Floats = NDArray[np.float64]

#: A path has a value for each so many seconds.
PATH_STEP_S = 10.0
#: A call whose carrier never signals ringing may be given up so much later: the longest
#: post-dial delay that is reckoned with.
SILENT_EXTRA_S = 4.0


class What(StrEnum):
    """What an operator does."""

    IN = "in"  # logs in, comes back
    OUT = "out"  # goes after this call, and says so before
    GONE = "gone"  # the phone is lost: at the end of this call, unannounced


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Move:
    """One entry of the roster."""

    at_s: float
    operator: int
    what: What


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class People:
    """Those who are called. `answered`: P(a call launched at t is answered), by machine or
    person; of the others `failed_share` are busy or wrong at once, and of the rest
    `rejected_share` are refused while it rings.
    """

    answered: Floats
    talk_pace: Floats  # factor of the talks that begin at t
    ring: Spread = field(default_factory=lambda: gamma(9.0, 2.5))
    talk: Spread = field(default_factory=lambda: lognormal(90.0, 1.0))
    post_dial_s: tuple[float, float] = (0.6, 1.6)
    failed_share: float = 0.10
    rejected_share: float = 0.08
    machine_share: float = 0.0  # of the answers; operators tell them apart
    silent_share: float = 0.0  # of the calls: their carrier never signals ringing
    hang_ups_per_s: float = 0.0  # of people who wait for an operator
    machine_talk_s: tuple[float, float] = (3.0, 9.0)
    machine_wrapup_s: tuple[float, float] = (1.0, 3.0)
    later_odds: float = 1.0  # odds of an answer at later tries, against the first

    def chance(self, now_s: float, tries: int) -> float:
        """P(a call that goes out now is answered), after so many tries before."""
        path = self.answered
        rate = float(path[min(int(now_s / PATH_STEP_S), len(path) - 1)])
        if tries == 0 or self.later_odds == 1.0:
            return rate
        return rate * self.later_odds / (1.0 - rate + rate * self.later_odds)

    def pace_of_talk(self, now_s: float) -> float:
        """Factor of the talks that begin now."""
        path = self.talk_pace
        return float(path[min(int(now_s / PATH_STEP_S), len(path) - 1)])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Staff:
    """Operators of one group. `sd`: how much their talks differ (sd of the logarithm)."""

    operators: int
    roster: tuple[Move, ...]
    wrapup: Spread = field(default_factory=lambda: lognormal(20.0, 0.6))
    sd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A carrier takes only this share of the calls per second between two instants."""

    from_s: float
    until_s: float
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What carriers and switch let through, and how long an answered person is kept."""

    calls_per_s: float = 5.0
    calls_at_once: int = 10_000
    ring_timeout_s: float = 28.0
    ring_least_s: float = 15.0
    patience_s: float = 2.0
    hand_over_s: float = 0.0
    early_hang_ups_count: bool = False  # who leaves while he waits counts as abandoned
    pauses: tuple[Pause, ...] = ()

    def rate(self, at_s: float) -> float:
        """Calls per second at this instant."""
        for one in self.pauses:
            if one.from_s <= at_s < one.until_s:
                return self.calls_per_s * one.share
        return self.calls_per_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenario:
    """One shift of `lasts_s` seconds. `seed`: of everybody's luck in it."""

    name: str
    seed: int
    lasts_s: float
    people: People
    staff: Staff
    line: Line = field(default_factory=Line)


def level(value: float, lasts_s: float) -> Floats:
    """A path that stands still."""
    return np.full(int(lasts_s / PATH_STEP_S) + 2, value)
