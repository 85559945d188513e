"""Which ringing calls may be given up (R3.14, pacing.md 4): never before 15 s of ringing.

A call whose carrier never signals ringing may be given up only after 15 s and the longest
post-dial delay seen on its gateway: it may have begun to ring so late. A contact is given up at
most once a day, so that nobody is rung and dropped all day long.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

RING_MIN_S = 15.0
#: What is assumed of a gateway of which nothing was seen yet.
LONGEST_DELAY_S = 8.0
#: A delay longer than this is no delay but a lost signal.
_UNBELIEVABLE_S = 30.0
#: Each call seen shortens the longest by so much, so that one bad hour is forgotten.
_FORGET = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class RingingCall:
    """A call in flight. Monotonic seconds; `rang_s` None: no ringing was signalled."""

    launched_s: float
    rang_s: float | None
    gateway: Hashable
    cancelled_today: bool = False


class PostDialDelays:
    """The longest time from launch to ringing, by gateway. Mutable, owned by the shell."""

    def __init__(self) -> None:
        self._longest_s: dict[Hashable, float] = {}

    def rang(self, gateway: Hashable, delay_s: float) -> None:
        if 0.0 <= delay_s <= _UNBELIEVABLE_S:
            known = self._longest_s.get(gateway, 0.0) * _FORGET
            self._longest_s[gateway] = max(known, delay_s)

    def longest_s(self, gateway: Hashable) -> float:
        return self._longest_s.get(gateway, LONGEST_DELAY_S)


def may_give_up(call: RingingCall, delays: PostDialDelays, now_s: float) -> bool:
    """Whether the law and manners allow it; whether it is worth it, `predictive` says."""
    if call.cancelled_today:
        return False
    if call.rang_s is None:
        begun_s = call.launched_s + delays.longest_s(call.gateway)
    else:
        begun_s = max(call.rang_s, call.launched_s)
    return now_s - begun_s >= RING_MIN_S
