"""When calls may go out: a token bucket per gateway and one per switch (R3.9), as values.

A bucket fills at `rate_per_s` up to `burst`; a call takes one token; what is not there is not
granted and not owed: nothing is queued, the next decision starts afresh. In any stretch of t
seconds at most `burst + rate_per_s * t` calls are granted. A clock that steps back fills
nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

#: Sums of fractions come out a hair under a whole token; this much is not waited for.
_HAIR = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """`tokens` is how much was in it at `at_s` (monotonic seconds)."""

    rate_per_s: float
    burst: float
    tokens: float
    at_s: float


def fill(bucket: Bucket, now_s: float) -> Bucket:
    """The bucket as it is at `now_s`."""
    elapsed_s = now_s - bucket.at_s
    if elapsed_s <= 0:
        return bucket
    tokens = min(bucket.burst, bucket.tokens + elapsed_s * bucket.rate_per_s)
    return replace(bucket, tokens=tokens, at_s=now_s)


def available(bucket: Bucket, now_s: float) -> int:
    """Whole calls that may go out at `now_s`."""
    return max(0, math.floor(fill(bucket, now_s).tokens + _HAIR))


def take(bucket: Bucket, now_s: float, want: int) -> tuple[Bucket, int]:
    """The bucket after, and how many of the wanted calls are granted: 0 to `want`."""
    filled = fill(bucket, now_s)
    granted = max(0, min(want, math.floor(filled.tokens + _HAIR)))
    return replace(filled, tokens=filled.tokens - granted), granted


def not_before(bucket: Bucket, now_s: float, want: int = 1) -> float:
    """When `want` calls could go out at once (monotonic seconds), not before `now_s`.

    Infinite where the bucket never holds so much: no rate, or a burst below `want`.
    """
    filled = fill(bucket, now_s)
    lacking = want - filled.tokens - _HAIR
    if lacking <= 0:
        return now_s
    if bucket.rate_per_s <= 0 or want > bucket.burst + _HAIR:
        return math.inf
    return filled.at_s + lacking / bucket.rate_per_s
