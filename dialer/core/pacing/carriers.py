"""Carriers that answer differently: each one's odds beside the level of its campaign.

The level (`answers`) moves in minutes and is common; a carrier's odds move in days: one whose
calls are marked as spam, or go by a detour, is answered by a tenth where another is by four.
So each has a shift of the level's log-odds, learned from its calls against what the level
expected of them and believed as far as they are many: a new carrier is used like the others.
With one carrier there is no shift, and nothing is reckoned.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# The grid of answer rates, in log-odds from about 0.2 % to 97 %.
GRID = 44
ODDS: Floats = np.linspace(-6.2, 3.4, GRID)
RATES: Floats = 1.0 / (1.0 + np.exp(-ODDS))
#: A carrier remembers so many calls, and is believed as one of whom so many were as the others.
MEMORY = 1500.0
BELIEF = 40.0
#: No carrier is further from the level: odds of one to twelve.
FURTHEST = 2.5
#: The share of a carrier in what is launched is that of about so many calls.
_SHARE_MEMORY = 200.0
_LEAST_SHARE = 1e-3


class Carrier:
    """One way out of a campaign: what became of its calls, and its calls in flight."""

    def __init__(self, places: int, cohort_rates: Floats) -> None:
        self.calls = self.answers = self.expected = 0.0
        self.launches = 0.0
        self.shift = 0.0
        #: Calls in flight by half second of launch, and the rate of each cohort of them (the
        #: level's own array where nothing is shifted).
        self.open: Floats = np.zeros(places)
        self.cohort_rates = cohort_rates
        self.rates: Floats = RATES
        self.log_p: Floats = np.log(RATES)
        self.log_q: Floats = np.log1p(-RATES)
        self.survival_log: Floats = np.zeros((0, GRID))

    def closed(self, *, answered: bool, expected: float) -> None:
        """One of its calls has ended; `expected`: the level's own rate for it."""
        keep = 1.0 - 1.0 / MEMORY
        self.calls = self.calls * keep + 1.0
        self.answers = self.answers * keep + answered
        self.expected = self.expected * keep + expected

    @property
    def seems(self) -> float:
        """The shift that its calls speak for, drawn towards none."""
        if self.calls < 1.0:
            return 0.0
        level = min(0.97, max(0.002, self.expected / self.calls))
        own = (self.answers + BELIEF * level) / (self.calls + BELIEF)
        return _logit(min(0.97, max(0.002, own))) - _logit(level)

    def moved(self, shift: float, answered_by: Floats, ended_by: Floats) -> None:
        """Its tables for this shift and these shapes of ringing."""
        if shift != self.shift:
            self.shift = shift
            self.rates = 1.0 / (1.0 + np.exp(-(ODDS + shift)))
            self.log_p, self.log_q = np.log(self.rates), np.log1p(-self.rates)
        alive = (
            1.0
            - self.rates[None, :] * answered_by[:-1, None]
            - (1.0 - self.rates[None, :]) * ended_by[:-1, None]
        )
        self.survival_log = np.log(np.maximum(alive, 1e-6))


def shifts(carriers: Collection[Carrier]) -> list[float]:
    """Each one's shift; their mean over the calls that are launched is none, so that the level
    stays the campaign's own.
    """
    if len(carriers) < 2:
        return [0.0] * len(carriers)
    seem = [one.seems for one in carriers]
    weights = [one.launches + _LEAST_SHARE for one in carriers]
    mean = sum(a * b for a, b in zip(seem, weights, strict=True)) / sum(weights)
    return [max(-FURTHEST, min(FURTHEST, one - mean)) for one in seem]


def count_launch(carriers: Collection[Carrier], own: Carrier, count: int) -> None:
    """`count` calls went out by one of them."""
    keep = math.exp(-count / _SHARE_MEMORY)
    for one in carriers:
        one.launches *= keep
    own.launches += count


def rate_of_next(carriers: Sequence[Carrier], level: Floats) -> float:
    """The answer rate of a call of which nobody knows yet by whom it goes."""
    total = sum(one.launches for one in carriers) + _LEAST_SHARE * len(carriers)
    return sum(
        (one.launches + _LEAST_SHARE) / total * float(level @ one.rates) for one in carriers
    )


def saved(carrier: Carrier) -> list[float]:
    return [carrier.calls, carrier.answers, carrier.expected]


def take(carrier: Carrier, state: Sequence[float]) -> None:
    """Go on from a saved state; ValueError where it does not fit."""
    calls, answers, expected = (float(one) for one in state)
    if not (0.0 <= answers <= calls < 1e6 and 0.0 <= expected <= calls):
        raise ValueError("carriers")
    carrier.calls, carrier.answers, carrier.expected = calls, answers, expected


def seen(carriers: Mapping[str, Carrier], level: Floats) -> dict[str, float]:
    """The answer rate now, by carrier."""
    return {name: float(level @ one.rates) for name, one in carriers.items()}


def _logit(rate: float) -> float:
    return math.log(rate / (1.0 - rate))
