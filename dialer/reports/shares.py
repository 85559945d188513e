"""A share with its evidence: part, whole, and Wilson's interval; never a bare percentage.

The interval is Wilson's score interval (E. B. Wilson, 1927): it holds for few cases and near 0
and 1, where the textbook's plus-minus does not. A quantile of the normal distribution is all it
needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

CONFIDENCE = 0.95

#: Of fewer cases no percentage is said, only the counts and the interval.
PERCENT_FROM = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`part` of `whole`, with the bounds of its interval (shares of 1)."""

    part: int
    whole: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """None: of nothing there is no share."""
        return self.part / self.whole if self.whole else None

    @property
    def enough(self) -> bool:
        """Are there enough cases to say a percentage?"""
        return self.whole >= PERCENT_FROM

    def __str__(self) -> str:
        """`3.1 % (2.2-4.4 %, 31 of 1000)`; of few cases `2 of 9 (6-55 %)`."""
        if not self.whole:
            return "no cases"
        if not self.enough:
            return f"{self.part} of {self.whole} ({self.low:.0%}–{self.high:.0%})"
        value = self.part / self.whole
        bounds = f"{100 * self.low:.1f}–{100 * self.high:.1f} %"
        return f"{100 * value:.1f} % ({bounds}, {self.part} of {self.whole})"


def share_of(part: int, whole: int, confidence: float = CONFIDENCE) -> Share:
    """`part` of `whole` (0 <= part <= whole) with its two-sided interval."""
    low, high = wilson(part, whole, confidence)
    return Share(part=part, whole=whole, low=low, high=high)


def wilson(part: int, whole: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The score interval; of nothing everything is possible: (0, 1)."""
    if not whole:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    p, shrink = part / whole, 1 + z * z / whole
    middle = (p + z * z / (2 * whole)) / shrink
    half = z / shrink * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    # At the ends the formula gives them exactly; a float may miss by its last bit.
    low = 0.0 if part == 0 else max(0.0, middle - half)
    high = 1.0 if part == whole else min(1.0, middle + half)
    return low, high
