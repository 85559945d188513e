"""The interval over seeds: between the order statistics that hold what comes next in 80 %.

The true course is one more draw of the same kind as the n simulated ones (if the assumptions
hold), so it lies between the k-th smallest and the k-th largest with probability
(n + 1 - 2 k) / (n + 1): nine seeds give exactly 80 % between the least and the largest. Other
n interpolate between ranks; fewer than nine cannot reach 80 %: `confidence` says what they do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WANTED = 0.80
#: Seeds that are needed for it.
ENOUGH = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """`middle` is the median; bounds may be infinite (a list that is not finished)."""

    low: float
    middle: float
    high: float

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


def interval(values: Sequence[float]) -> Interval:
    """Of at least one value."""
    ordered = sorted(values)
    each = (1.0 - WANTED) / 2.0
    rank = max(1.0, each * (len(ordered) + 1))
    return Interval(
        low=_at(ordered, rank),
        middle=_at(ordered, (len(ordered) + 1) / 2.0),
        high=_at(ordered, len(ordered) + 1 - rank),
    )


def confidence(seeds: int) -> float:
    """With which probability the interval of so many seeds holds what comes."""
    return min(WANTED, max(0.0, (seeds - 1) / (seeds + 1)))


def _at(ordered: Sequence[float], rank: float) -> float:
    """The value at a rank from 1, between two of them in proportion."""
    place = min(len(ordered) - 1, max(0, math.floor(rank) - 1))
    part = rank - 1 - place
    low = ordered[place]
    high = ordered[min(len(ordered) - 1, place + 1)]
    # Two infinite ends have no distance between them.
    return low if part <= 0.0 or low == high else low + part * (high - low)
