"""The balance of operators over the next half minute, and what one more call would risk.

D(s) = idle - waiting + F(s + patience) - A(s): operators who become free less calls that are
answered, both sums of independent indicators (pacing.md 3). A call answered at s is lost where
D has fallen to 0 by then, or makes a later one be lost: P(D <= 0) from s on counts, at its
largest. Few operators: the exact distributions, by convolution. Many: a normal with continuity
and skewness corrected. What is not known of the answer rate moves all calls together; it is
mixed over two levels, or added to the variance.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dialer.core.pacing.answers import HORIZON_S

Floats = NDArray[np.float64]

#: Up to so many operators, idle and busy, sums are exact.
EXACT_OPERATORS = 14
_ROOT_2 = math.sqrt(2.0)
_ROOT_2PI = math.sqrt(2.0 * math.pi)


class Balance(Protocol):
    """D over the horizon, to which calls are added one by one. Made for one decision."""

    def add(self, answered: Floats) -> None:
        """One call more, answered by s with this probability."""

    def lost(self) -> Floats:
        """P(D(s) <= 0) for s = 0.5, 1.5, .. seconds from now."""


class ExactBalance:
    """Distributions as they are: F by count, A cumulative by count up to what could matter."""

    def __init__(self, spare: int, free: Floats, below: Floats, spread: float) -> None:
        """`spare` = idle - waiting; `free`: P(so many operators become free), see
        `free_counts`; `below`: P(calls that come first <= count), see `poisson_below`.
        """
        self._factors = np.array([1.0 - spread, 1.0 + spread])[:, None]
        # Only those counts of F that leave D a chance: k with spare + k >= 1.
        self._free = free[:, max(0, 1 - spare) :]
        self._skip = max(0, spare - 1)
        self._below = np.stack([below, below])

    def with_calls(self, answered: Floats, calls: Floats) -> ExactBalance:
        """The calls in flight: a row of `answered` for each age, and how many of them."""
        if self._below.shape[2]:
            chances = np.minimum(self._factors * answered[:, None, :], 1.0)[:, :, :, None]
            for chance, count in zip(chances, calls.tolist(), strict=True):
                for _ in range(int(count)):
                    self._add(chance)
        return self

    def add(self, answered: Floats) -> None:
        if self._below.shape[2]:
            self._add(np.minimum(self._factors * answered, 1.0)[:, :, None])

    def _add(self, chance: Floats) -> None:
        below = self._below
        up = below * chance
        below -= up
        below[:, :, 1:] += up[:, :, :-1]

    def lost(self) -> Floats:
        if self._below.shape[2] == 0:
            return np.ones(HORIZON_S)
        held = (self._free * self._below[:, :, self._skip :]).sum((0, 2)) * 0.5
        lost: Floats = np.minimum(1.0, np.maximum(0.0, 1.0 - held))
        return lost


class NormalBalance:
    """Mean, variance and third central moment of D."""

    def __init__(self, spare: int, free: Floats, chances: Floats, spread: float) -> None:
        """`free`: the three moments of F, over s; `chances`: those of A (see `moments`)."""
        self._mean = spare + free[0] - chances[0]
        self._variance = free[1] + chances[1]
        self._third = free[2] - chances[2]
        self._answers = chances[0].copy()
        self._spread = spread

    def add(self, answered: Floats) -> None:
        held = answered * (1.0 - answered)
        self._mean = self._mean - answered
        self._variance = self._variance + held
        self._third = self._third - held * (1.0 - 2.0 * answered)
        self._answers = self._answers + answered

    def lost(self) -> Floats:
        variance = self._variance + (self._spread * self._answers) ** 2 + 1e-9
        sd = np.sqrt(variance)
        z = (0.5 - self._mean) / sd
        skew = np.clip(self._third / (variance * sd), -1.5, 1.5)
        below = np.array([math.erf(one) for one in (z / _ROOT_2).tolist()])
        chance = 0.5 * (1.0 + below)
        chance += skew / 6.0 * (1.0 - z * z) * np.exp(-0.5 * z * z) / _ROOT_2PI
        return np.minimum(1.0, np.maximum(0.0, chance))


def free_counts(chances: Floats) -> Floats:
    """The distribution of how many operators become free; `chances`: one row for each."""
    pmf = np.zeros((HORIZON_S, len(chances) + 1))
    pmf[:, 0] = 1.0
    for row, chance in enumerate(chances):
        up = pmf[:, : row + 1] * chance[:, None]
        pmf[:, : row + 1] -= up
        pmf[:, 1 : row + 2] += up
    return pmf


def poisson_below(mean: Floats, counts: int) -> Floats:
    """P(a Poisson number <= j) for j below `counts`, by row of mean."""
    if counts == 0 or not mean.any():
        return np.ones((len(mean), counts))
    term = np.exp(-mean)
    terms = [term]
    for count in range(1, counts):
        term = term * mean / count
        terms.append(term)
    return np.cumsum(np.stack(terms, axis=1), axis=1)


def moments(chances: Floats) -> Floats:
    """Mean, variance and third central moment of indicators, beside each other: (n, 3 s)."""
    held = chances * (1.0 - chances)
    return np.concatenate([chances, held, held * (1.0 - 2.0 * chances)], axis=-1)


def worst_from(lost: Floats) -> Floats:
    """The largest risk at s or later."""
    return np.maximum.accumulate(lost[::-1])[::-1]


def marginal(worst: Floats, arrival: Floats) -> float:
    """q: what the call, if it is answered, costs in lost customers (`worst_from`)."""
    return float(arrival @ worst)
