"""May it be said that the abandonment rate is at most the cap, with 95 % confidence?

A bound that holds at every moment, however often it is looked at and however the pacing steers
(pacing.md 5): with u = 1 - e^-l the product of e^(-l X) / (1 - u p) is a martingale of mean 1
for the conditional drop probabilities p, and log(1 - u p) is concave, so a mixture over several
l of e^(-l S) (1 - u p)^-n stays under 1/alpha with probability 1 - alpha (Ville). A bound
for one n only, looked at after each answer, certifies falsely in a quarter of the days.

The state is two counts of the cap's window. Below the certifying volume the answer is
"uncertified (n of at least N)", never a bare percentage.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

#: The rates that the mixture looks for, in caps, equally weighed.
_LOOKED_FOR = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.92)
_BISECTIONS = 60
#: No campaign has so many answers in a window: what needs more can never certify.
NEVER = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Live answers `answers` and drops `abandoned` of the window so far."""

    cap: float
    confidence: float = 0.95
    answers: int = 0
    abandoned: int = 0

    @property
    def bound(self) -> float:
        """The rate is at most this, with the confidence, whenever it is looked at."""
        need = -math.log(1.0 - self.confidence)
        low, high = 0.0, 1.0
        if not 0.0 < self.cap < 1.0 or self._evidence(high) < need:
            return 1.0
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self._evidence(middle) < need else (low, middle)
        return high

    @property
    def is_certified(self) -> bool:
        if not 0.0 < self.cap < 1.0:
            return self.cap >= 1.0
        return self._evidence(self.cap) >= -math.log(1.0 - self.confidence)

    def _evidence(self, rate: float) -> float:
        """log of the mixture against a true mean rate of `rate`."""
        terms = [
            -tilt * self.abandoned - self.answers * math.log1p(-min(u * rate, 1.0 - 1e-15))
            for tilt, u in tilts(self.cap)
        ]
        largest = max(terms)
        total = sum(math.exp(one - largest) for one in terms)
        return largest + math.log(total / len(terms))


@lru_cache(maxsize=64)
def tilts(cap: float) -> tuple[tuple[float, float], ...]:
    """(l, u) of the mixture for a cap."""
    ratios = [(part * (1.0 - cap)) / (1.0 - part * cap) for part in _LOOKED_FOR]
    return tuple((-math.log(ratio), 1.0 - ratio) for ratio in ratios)


@lru_cache(maxsize=64)
def least_answers(cap: float, confidence: float = 0.95) -> int:
    """First volume that can certify at all, with no drop; `NEVER` where none can."""
    if not 0.0 < cap < 1.0:
        return 0 if cap >= 1.0 else NEVER
    low, high = 0, 1
    while not _can(cap, confidence, high, 0):
        low, high = high, high * 2
        if high > NEVER:
            return NEVER
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _can(cap, confidence, middle, 0) else (middle, high)
    return high


def most_drops(cap: float, answers: int, confidence: float = 0.95) -> int | None:
    """Most drops with which so many answers still certify; None: not even none."""
    if not _can(cap, confidence, answers, 0):
        return None
    low, high = 0, answers + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _can(cap, confidence, answers, middle) else (low, middle)
    return low


def target(cap: float, answers: int, confidence: float = 0.95) -> float:
    """The rate to aim at, so that so many answers certify: under the cap, 0 where none can."""
    drops = most_drops(cap, answers, confidence)
    return 0.0 if not drops else drops / answers


def said(certificate: Certificate) -> str:
    """The certificate in words, with its volume."""
    counted = f"{certificate.abandoned} of {certificate.answers} abandoned"
    needed = least_answers(certificate.cap, certificate.confidence)
    if certificate.answers < needed:
        return f"uncertified ({certificate.answers} of at least {needed} answers); {counted}"
    word = "certified" if certificate.is_certified else "not certified"
    bound = f"at most {certificate.bound:.2%} with {certificate.confidence:.0%} confidence"
    return f"{word}: {bound}; {counted}"


def _can(cap: float, confidence: float, answers: int, abandoned: int) -> bool:
    return Certificate(
        cap=cap, confidence=confidence, answers=answers, abandoned=abandoned
    ).is_certified
