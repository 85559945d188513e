"""May this number be shown once more now? Its limits against what it has done (R1.3, R1.9).

The day's hard limit is told apart (NUMBER_LIMIT: over for the day) from the limits that pass by
themselves (NUMBERS_BUSY: calls at once, the gap, the hour). The soft limit refuses nothing: it
only orders the choice. `Held` has the values of `permission.reasons.Reason`, to which this
field has no door.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Held(StrEnum):
    """Why a number, or a whole pool, is not shown: values of `permission.reasons.Reason`."""

    NUMBER_LIMIT = "number_limit"  # one number: the day's hard limit
    NUMBERS_BUSY = "numbers_busy"  # passes by itself: calls at once, gap, hour
    POOL_USED_UP = "pool_used_up"  # all numbers: the day's hard limit


class Limits(Protocol):
    """What `model.Number` and `ports.Shown` have in common; None = no such limit."""

    @property
    def soft_limit(self) -> int: ...

    @property
    def hard_limit(self) -> int: ...

    @property
    def calls_at_once(self) -> int | None: ...

    @property
    def min_gap_s(self) -> float: ...

    @property
    def calls_per_hour(self) -> int | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a number has done: calls charged in its own day and hour, calls open now, its last
    call.

    `last_at` is the instant (epoch seconds, as `now_s`) at which it was last shown, None =
    never.
    """

    used_today: int = 0
    used_hour: int = 0
    at_once: int = 0
    last_at: float | None = None


def refusal(limits: Limits, usage: Usage, now_s: float) -> Held | None:
    """Why the number may not be shown once more at `now_s`; None = it may.

    The gap is over at exactly `last_at + min_gap_s`. A `last_at` in the future (a clock was set
    back) keeps the number back until then: the strict side.
    """
    if usage.used_today >= limits.hard_limit:
        return Held.NUMBER_LIMIT
    if limits.calls_per_hour is not None and usage.used_hour >= limits.calls_per_hour:
        return Held.NUMBERS_BUSY
    if limits.calls_at_once is not None and usage.at_once >= limits.calls_at_once:
        return Held.NUMBERS_BUSY
    if usage.last_at is not None and now_s < usage.last_at + limits.min_gap_s:
        return Held.NUMBERS_BUSY
    return None


def pool_refusal(refusals: Iterable[Held]) -> Held:
    """What a pool says of which every number was refused: used up, or only busy for now.

    A pool without a single number to show counts as used up: nothing passes by itself.
    """
    if all(refused is Held.NUMBER_LIMIT for refused in refusals):
        return Held.POOL_USED_UP
    return Held.NUMBERS_BUSY
