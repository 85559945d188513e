"""A gateway that fails call after call is rested, for longer each time (R3.9).

A gateway's own "UP" is necessary, not sufficient: any answer to a ping counts as up
(freeswitch.md 2.5). What a carrier's failure costs is never charged to the person called; the
breaker keeps it from costing a hundred calls. One odd refusal means nothing (proofs 9).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: So many failures in a row open the breaker.
FAILURES = 5
#: The first rest; doubled with each new failure after a rest, at most `LONGEST_REST_S`.
FIRST_REST_S = 15.0
LONGEST_REST_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Failures in a row and, while it rests, until when (monotonic seconds)."""

    failures: int = 0
    rest_s: float = 0.0
    resting_until_s: float = 0.0


def record(breaker: Breaker, *, failed: bool, now_s: float) -> Breaker:
    """The breaker after one more call that ended at the carrier (failed) or beyond it."""
    if not failed:
        return breaker if breaker == Breaker() else Breaker()
    failures = breaker.failures + 1
    if failures < FAILURES or now_s < breaker.resting_until_s:
        return replace(breaker, failures=failures)
    rest_s = min(LONGEST_REST_S, breaker.rest_s * 2 if breaker.rest_s else FIRST_REST_S)
    return Breaker(failures=failures, rest_s=rest_s, resting_until_s=now_s + rest_s)


def is_resting(breaker: Breaker, now_s: float) -> bool:
    """Closed again after the rest: the next calls try it; one failure more rests it longer."""
    return now_s < breaker.resting_until_s
