"""When calls are answered: a slow shape (how long it rings) and a fast level (how often).

A call is answerable with probability p, which moves in minutes, and then is answered after a
time with distribution G, which moves in days; else it ends by itself with distribution R. The
level is a hidden Markov chain over the launch time: calls launched in the same two seconds
share one p, which drifts a little from cohort to cohort and now and then jumps. Forward and
backward over the open cohorts gives the present p with its uncertainty, and the p of each call
still ringing: those launched before a jump keep the old one. A call in flight counts by its
survival, 1 - p G(age) - (1 - p) R(age), so nothing lags by a ring time. Each carrier's p is the
level's with its log-odds shifted (`carriers`).

`Answers` is mutable and owned by the shell: one writer, no clock, no random.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dialer.core.pacing import carriers
from dialer.core.pacing.carriers import GRID, ODDS, RATES, Carrier

Floats = NDArray[np.float64]

#: Ages are counted in half seconds, cohorts of one p in four of them.
STEP_S = 0.5
COHORT = 4
#: How far ahead risk is looked at, in seconds.
HORIZON_S = 32

_LOG_P = np.log(RATES)
_LOG_Q = np.log1p(-RATES)
#: How much the log-odds drift in two seconds (variance), and how often they jump, how far (sd).
_DRIFT = 3.0e-4
_JUMP = 1.0 / 700.0
_JUMP_SD = 1.1
#: Shapes remember so many calls; the prior shape weighs so many.
_MEMORY = 3000.0
_PRIOR = 40.0
#: The answer rate that is assumed of a list of which nothing is known (pacing.md 4).
CAUTIOUS_RATE = 0.45
#: After so many answers the start is over.
START_ANSWERS = 40
#: So many calls without an answer end it as well: then hardly anybody does answer.
START_CALLS = 600
#: A saved level is worth a third of its weight after so long.
_FADES_S = 3600.0


def _kernel() -> Floats:
    """One step of the level: a little drift, seldom a jump."""
    spacing = ODDS[1] - ODDS[0]
    side = _DRIFT / spacing**2 / 2.0
    drift = np.eye(GRID) * (1.0 - 2.0 * side)
    drift += (np.eye(GRID, k=1) + np.eye(GRID, k=-1)) * side
    distance = ODDS[:, None] - ODDS[None, :]
    jump = np.exp(-np.abs(distance) / (_JUMP_SD / math.sqrt(2.0)))
    kernel = (1.0 - _JUMP) * drift / drift.sum(1, keepdims=True)
    mixed: Floats = kernel + _JUMP * jump / jump.sum(1, keepdims=True)
    return mixed


_KERNEL = _kernel()
_FLAT: Floats = np.ones(GRID)
_KERNEL_BACK = np.ascontiguousarray(_KERNEL.T)


def prior_level(rate: float, weight: float) -> Floats:
    """A level believed to be about `rate`, as sure as after `weight` calls."""
    density = rate * weight * _LOG_P + (1.0 - rate) * weight * _LOG_Q
    belief: Floats = np.exp(density - density.max()) + 1e-9
    belief /= belief.sum()
    return belief


class Answers:
    """Level and shape of answering for one campaign on one switch.

    Times are monotonic seconds. `refresh(now_s)` brings the beliefs up to date; between
    refreshes the attributes `rate`, `spread` and the arrays of `shape()` stand still.
    """

    def __init__(
        self,
        *,
        ring_timeout_s: float = 30.0,
        rate: float = CAUTIOUS_RATE,
        weight: float = 6.0,
        start_s: float = 0.0,
    ) -> None:
        self.ages = max(36, min(300, math.ceil((ring_timeout_s + 3.0) / STEP_S)))
        self._cohorts = self.ages // COHORT + 2
        self.rate = rate
        self.spread = 0.0
        self.answers = self.unanswered = 0
        self._floor = rate
        self._level = self._now = prior_level(rate, weight)
        self._first = self._cohort(start_s) - self._cohorts + 1
        self._closed = np.zeros((self._cohorts, GRID))
        self._rates = np.full(self._cohorts, rate)
        self._carriers: dict[str, Carrier] = {}
        self._answered, self._ended = _prior_shape(self.ages, ring_timeout_s)
        self.revision = 0
        self._shape_now()

    # ------------------------------------------------------------------ what happens

    def launched(self, count: int, now_s: float, carrier: str = "") -> None:
        """So many calls went out by this carrier."""
        self._advance(now_s)
        place = self._place(now_s)
        if place is not None:
            own = self._carrier(carrier)
            own.open[place] += count
            carriers.count_launch(self._carriers.values(), own, count)

    def answered(self, launched_s: float, now_s: float, carrier: str = "") -> None:
        """A call was answered, by whomever."""
        self.answers += 1
        age = self._age(launched_s, now_s)
        self._answered *= 1.0 - 1.0 / _MEMORY
        self._answered[age] += 1.0
        own = self._carrier(carrier)
        self._learn(own, launched_s, answered=True)
        self._close(own, launched_s, now_s, own.log_p)

    def ended(self, launched_s: float, now_s: float, carrier: str = "") -> None:
        """A call ended without an answer: busy, invalid, rejected, rung out."""
        self.unanswered += 1
        age = self._age(launched_s, now_s)
        self._ended *= 1.0 - 1.0 / _MEMORY
        self._ended[age] += 1.0
        own = self._carrier(carrier)
        self._learn(own, launched_s, answered=False)
        self._close(own, launched_s, now_s, own.log_q)

    def cancelled(self, launched_s: float, now_s: float, carrier: str = "") -> None:
        """A call was given up by us: it says no more than that it had lived so long."""
        age = self._age(launched_s, now_s)
        own = self._carrier(carrier)
        self._close(own, launched_s, now_s, own.survival_log[age])
        chance = self._answerable(age, self.rate)
        for shape, share in ((self._answered, chance), (self._ended, 1.0 - chance)):
            rest = shape[age:].sum()
            if rest > 0.0:
                shape[age:] *= 1.0 + share / rest

    def forget_open(self) -> None:
        """The switch was lost: nothing is known of the calls in flight."""
        for one in self._carriers.values():
            one.open[:] = 0.0

    def slow_start(self, rate: float) -> None:
        """A new list, a new gateway or a long pause: until forty answers have come, no rate
        lower than this is believed (it falls linearly with them, and with calls in vain).
        """
        self.answers = self.unanswered = 0
        self._floor = rate

    @property
    def is_starting(self) -> bool:
        return self.answers < START_ANSWERS and self.unanswered < START_CALLS

    # ------------------------------------------------------------------ over a restart

    def state(self) -> dict[str, Any]:
        """What is worth keeping: level, shape; no calls in flight."""
        return {
            "level": self._level.tolist(),
            "answered": self._answered.tolist(),
            "ended": self._ended.tolist(),
            "answers": self.answers,
            "carriers": {name: carriers.saved(one) for name, one in self._carriers.items()},
        }

    def take(self, state: Mapping[str, Any], idle_s: float) -> None:
        """Go on from a state that is `idle_s` old: the shape is believed, the level fades."""
        level = np.array(state["level"], dtype=float)
        if len(level) != GRID or not np.isfinite(level).all() or level.min() < 0.0:
            raise ValueError("level")
        keep = math.exp(-max(0.0, idle_s) / _FADES_S)
        self._level = keep * level / level.sum() + (1.0 - keep) * self._level
        for name in ("answered", "ended"):
            kept = np.array(state[name], dtype=float)
            if not np.isfinite(kept).all() or kept.min() < 0.0 or kept.sum() <= 0.0:
                raise ValueError(name)
            # Another ring time-out than before: what lies beyond it is put into its last bin.
            fitted = np.zeros(self.ages)
            fitted[: len(kept)] = kept[: self.ages]
            fitted[-1] += kept[self.ages :].sum()
            setattr(self, f"_{name}", fitted)
        for name, kept_carrier in dict(state.get("carriers", {})).items():
            carriers.take(self._carrier(name), kept_carrier)
        self.answers = int(state["answers"] * keep)
        self._now = self._level
        self._rates[:] = self.rate = float(self._level @ RATES)
        self._shape_now()

    # ------------------------------------------------------------------ what is believed

    def refresh(self, now_s: float, *, shape: bool = False) -> None:
        """Bring level (and, asked to, shape) up to `now_s`."""
        self._advance(now_s)
        if shape:
            self._shape_now()
        likelihood = self._likelihood(now_s)
        forward, backward = np.empty_like(likelihood), np.empty_like(likelihood)
        # No step is normalised: over one ring time nothing underflows that matters.
        level, back = self._level, _FLAT
        for place in range(self._cohorts):
            level = forward[place] = (level @ _KERNEL) * likelihood[place]
        for place in range(self._cohorts - 1, -1, -1):
            backward[place] = back
            back = (back * likelihood[place]) @ _KERNEL_BACK
        both = forward * backward + 1e-300
        self._rates = (both @ RATES) / both.sum(1)
        level = level / level.sum()
        mean = float(level @ RATES)
        ways = list(self._carriers.values())
        variance = float(level @ RATES**2) - mean * mean
        self.spread = math.sqrt(max(0.0, variance)) / mean
        told = max(self.answers / START_ANSWERS, self.unanswered / START_CALLS)
        floor = self._floor * (1.0 - told)
        self._rates = np.maximum(self._rates, floor)
        for one in ways:
            one.cohort_rates = self._rates
            if one.shift:
                one.cohort_rates = np.maximum((both @ one.rates) / both.sum(1), floor)
        if len(ways) > 1:
            mean = carriers.rate_of_next(ways, level)
        self.rate = max(mean, floor)
        self._now = level

    def in_flight(self, now_s: float) -> tuple[NDArray[np.intp], Floats, Floats]:
        """(ages in half seconds, calls, their answer rates), only ages that hold calls; calls
        of several carriers apart.
        """
        self._advance(now_s)
        parts = [
            (one, places)
            for one in self._carriers.values()
            if len(places := np.flatnonzero(one.open))
        ]
        if not parts:
            return np.zeros(0, dtype=np.intp), np.zeros(0), np.zeros(0)
        at = np.concatenate([places for _, places in parts])
        ages = int(now_s / STEP_S) - self._first * COHORT - at
        return (
            np.minimum(np.maximum(ages, 0), self.ages - 1),
            np.concatenate([one.open[places] for one, places in parts]),
            np.concatenate([one.cohort_rates[places // COHORT] for one, places in parts]),
        )

    def by_carrier(self) -> dict[str, float]:
        """The answer rate now, by carrier."""
        return carriers.seen(self._carriers, self._now)

    # ------------------------------------------------------------------ inside

    def _cohort(self, at_s: float) -> int:
        return int(at_s / STEP_S) // COHORT

    def _age(self, launched_s: float, now_s: float) -> int:
        return max(0, min(self.ages - 1, int((now_s - launched_s) / STEP_S)))

    def _carrier(self, name: str) -> Carrier:
        known = self._carriers.get(name)
        if known is None:
            known = Carrier(self._cohorts * COHORT, self._rates)
            known.moved(0.0, self.answered_by, self.ended_by)
            self._carriers[name] = known
        return known

    def _learn(self, own: Carrier, launched_s: float, *, answered: bool) -> None:
        place = self._place(launched_s)
        if place is not None:
            own.closed(answered=answered, expected=float(self._rates[place // COHORT]))

    def _place(self, launched_s: float) -> int | None:
        """Where calls of this launch are kept; None: too old, or from before a clock step."""
        place = int(launched_s / STEP_S) - self._first * COHORT
        return place if 0 <= place < self._cohorts * COHORT else None

    def _close(self, own: Carrier, launched_s: float, now_s: float, likelihood: Floats) -> None:
        self._advance(now_s)
        place = self._place(launched_s)
        if place is not None and own.open[place] >= 1.0:
            own.open[place] -= 1.0
            self._closed[place // COHORT] += likelihood

    def _advance(self, now_s: float) -> None:
        """Fold cohorts whose calls have all ended into the level that precedes the rest."""
        gone = self._cohort(now_s) - self._cohorts + 1 - self._first
        if gone <= 0:
            return
        for place in range(min(gone, self._cohorts)):
            seen = self._closed[place]
            for one in self._carriers.values():
                stale = one.open[place * COHORT : (place + 1) * COHORT].sum()
                seen = seen + stale * one.log_q
            level = (self._level @ _KERNEL) * np.exp(seen - seen.max())
            self._level = level / level.sum()
        for _ in range(min(gone - self._cohorts, 2000)):
            self._level = self._level @ _KERNEL
        kept = max(0, self._cohorts - gone)
        shift = self._cohorts - kept
        self._closed[:kept] = self._closed[shift:]
        self._closed[kept:] = 0.0
        self._rates[:kept] = self._rates[shift:]
        self._rates[kept:] = self.rate
        for one in self._carriers.values():
            one.open[: kept * COHORT] = one.open[shift * COHORT :]
            one.open[kept * COHORT :] = 0.0
            if one.cohort_rates is not self._rates:
                one.cohort_rates[:kept] = one.cohort_rates[shift:]
                one.cohort_rates[kept:] = float(self._now @ one.rates)
        self._first += gone

    def _likelihood(self, now_s: float) -> Floats:
        """What each open cohort says of its own p, scaled to at most 1."""
        newest = int(now_s / STEP_S) - self._first * COHORT
        ages = np.clip(newest - np.arange(self._cohorts * COHORT), 0, self.ages - 1)
        seen = self._closed
        for one in self._carriers.values():
            alive = one.open[:, None] * one.survival_log[ages]
            seen = seen + alive.reshape(self._cohorts, COHORT, GRID).sum(1)
        scaled: Floats = np.exp(seen - seen.max(1, keepdims=True))
        return scaled

    def _shape_now(self) -> None:
        """G and R on the edges of the half seconds, with what follows from them."""
        self.answered_by = _cumulative(self._answered)
        self.ended_by = _cumulative(self._ended)
        ways = list(self._carriers.values())
        for one, shift in zip(ways, carriers.shifts(ways), strict=True):
            one.moved(shift, self.answered_by, self.ended_by)
        self.revision += 1

    def _answerable(self, age: int, rate: float) -> float:
        """P(answerable | still in flight at this age)."""
        yes = rate * (1.0 - self.answered_by[age])
        no = (1.0 - rate) * (1.0 - self.ended_by[age])
        return float(yes / (yes + no)) if yes + no > 0.0 else 0.0


def _cumulative(weights: Floats) -> Floats:
    total: Floats = np.empty(len(weights) + 1)
    total[0] = 0.0
    np.cumsum(weights, out=total[1:])
    total /= total[-1]
    return total


def _prior_shape(ages: int, ring_timeout_s: float) -> tuple[Floats, Floats]:
    """What is assumed before anything was seen: most answers come within 4 to 16 s; a tenth is
    busy or invalid in the first seconds, the rest rings out.
    """
    at = (np.arange(ages) + 0.5) * STEP_S
    answered = np.where(at < ring_timeout_s, np.maximum(at - 1.0, 0.05) ** 1.5, 0.0)
    answered *= np.exp(-np.maximum(at - 1.0, 0.0) / 3.8)
    ended = np.full(ages, 0.06 / ages)
    ended[2:4] += 0.06
    ended[max(0, min(ages - 1, int(ring_timeout_s / STEP_S)))] += 0.82
    return answered / answered.sum() * _PRIOR, ended / ended.sum() * _PRIOR
