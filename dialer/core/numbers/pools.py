"""A pool of our own numbers: which of them may be shown, in whose day they count, and when the
pool will be used up (R1.3, R1.4, R1.10, R1.11).

A number's day and hour are those of its own zone. In the hour that autumn repeats both share
one key: the hour's limit then holds for the two together, the strict side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dialer.core.model import GatewayName, Number

#: Kinds that outbound calls may show; toll-free and virtual PBX numbers are inbound only
#: (R1.1).
OUTBOUND_KINDS = frozenset({"mobile", "landline"})

#: A pool warns when so much of its day's capacity is used (R1.11).
WARN_SHARE = 0.80


def number_day(number: Number, wall: datetime) -> date:
    """The day in the number's own zone to which a call at `wall` (aware) is charged."""
    return wall.astimezone(ZoneInfo(number.zone)).date()


def number_hour(number: Number, wall: datetime) -> str:
    """The hour in the number's own zone: "2026-11-24T17"."""
    return wall.astimezone(ZoneInfo(number.zone)).strftime("%Y-%m-%dT%H")


def may_show(
    numbers: Iterable[Number],
    gateways: Sequence[GatewayName],
    up: Collection[GatewayName],
) -> list[tuple[Number, GatewayName]]:
    """The active outbound numbers in the pool's order, each with the gateway that would show
    it.

    That is the first of the campaign's `gateways` that may show this number and is `up`; a
    number that none of them may show now is left out.
    """
    return [(number, ways[0]) for number, ways in routes(numbers, gateways, up)]


def routes(
    numbers: Iterable[Number],
    gateways: Sequence[GatewayName],
    up: Collection[GatewayName],
) -> list[tuple[Number, tuple[GatewayName, ...]]]:
    """As `may_show`, each number with all gateways that would show it, best first."""
    usable = [name for name in gateways if name in up]
    shown: list[tuple[Number, tuple[GatewayName, ...]]] = []
    for number in numbers:
        if number.state != "active" or number.kind not in OUTBOUND_KINDS:
            continue
        ways = tuple(name for name in usable if name in number.gateways)
        if ways:
            shown.append((number, ways))
    return shown


class NumberLoad(NamedTuple):
    """One number's calls today beside its limits."""

    used: int
    soft_limit: int
    hard_limit: int


class PoolLoad(NamedTuple):
    """How much of a pool's day is used.

    `soft_left`: calls until every number is at its soft limit; `hard_left`: until nothing may
    be dialed. `share` is of the hard limits, 1.0 = used up (also for a pool without any
    number).
    """

    used: int
    soft_left: int
    hard_left: int
    share: float

    @property
    def warning(self) -> bool:
        return self.share >= WARN_SHARE

    @property
    def used_up(self) -> bool:
        return self.hard_left == 0


def pool_load(loads: Iterable[NumberLoad]) -> PoolLoad:
    """Sum up a pool. What one number has over its limit is not taken from the others' room."""
    used = soft_left = hard_left = capacity = 0
    for load in loads:
        used += load.used
        soft_left += max(0, min(load.soft_limit, load.hard_limit) - load.used)
        hard_left += max(0, load.hard_limit - load.used)
        capacity += load.hard_limit
    share = (capacity - hard_left) / capacity if capacity else 1.0
    return PoolLoad(used, soft_left, hard_left, share)


class PoolPlan(NamedTuple):
    """A pool's day against what is to be dialed: `capacity` at the soft limits (100 x 70)."""

    numbers: int
    capacity: int
    hard_capacity: int
    expected_calls: int

    @property
    def share(self) -> float:
        """The plan's share of the capacity; above 1 the pool's end comes before the day's."""
        if self.capacity:
            return self.expected_calls / self.capacity
        return float("inf") if self.expected_calls else 0.0

    @property
    def warning(self) -> bool:
        return self.share >= WARN_SHARE

    @property
    def enough(self) -> bool:
        return self.expected_calls <= self.capacity


def plan(pool: Iterable[Number], expected_calls: int) -> PoolPlan:
    """Said at the start (R1.11): would the active outbound numbers carry this day's calls?"""
    carrying = [n for n in pool if n.state == "active" and n.kind in OUTBOUND_KINDS]
    return PoolPlan(
        numbers=len(carrying),
        capacity=sum(min(n.soft_limit, n.hard_limit) for n in carrying),
        hard_capacity=sum(n.hard_limit for n in carrying),
        expected_calls=expected_calls,
    )
