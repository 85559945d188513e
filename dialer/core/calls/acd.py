"""Who talks to whom: waiting customers and ready operators of one group -> pairs. Pure.

Customers: oldest answer first. Operators by the group's strategy (R2.1): in order (place 1
first), longest idle, or round robin (the next free one in order after the last one used).
Every tie is broken by place, then by id, so that the same input gives the same pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, NamedTuple

from dialer.core.model import AttemptId, LegId, Moment, OperatorId, Strategy


class Turn(NamedTuple):
    """An operator's place in the order of his group; the id breaks ties of equal places."""

    place: int
    operator: OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCustomer:
    """A customer who may be bridged now (`attempts.may_be_paired`)."""

    attempt: AttemptId
    answered_at_s: float
    meant_for: OperatorId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyOperator:
    """An operator who may be given a call (`operators.may_be_paired`).

    `kept`: for a call that is meant for him and has not been answered yet: nobody else's.
    `free_from_s` leaves the place for a breath between calls (R2.8): not paired before it.
    """

    operator: OperatorId
    leg: LegId
    place: int
    idle_since_s: float
    free_from_s: float = 0.0
    kept: bool = False

    @property
    def turn(self) -> Turn:
        return Turn(self.place, self.operator)


class Pair(NamedTuple):
    """Bridge these two. `turn` is what the group's next `pair` is given as `last`."""

    attempt: AttemptId
    operator: OperatorId
    operator_leg: LegId
    turn: Turn


Key = Callable[[ReadyOperator, Turn | None], Any]


def _in_order(one: ReadyOperator, last: Turn | None) -> Any:
    return one.turn


def _longest_idle(one: ReadyOperator, last: Turn | None) -> Any:
    return one.idle_since_s, one.turn


def _round_robin(one: ReadyOperator, last: Turn | None) -> Any:
    """Those behind the last one used come before those up to him: once around the table."""
    return last is not None and one.turn <= last, one.turn


KEYS: Mapping[Strategy, Key] = {
    Strategy.IN_ORDER: _in_order,
    Strategy.LONGEST_IDLE: _longest_idle,
    Strategy.ROUND_ROBIN: _round_robin,
}


def pair(
    waiting: Iterable[WaitingCustomer],
    ready: Iterable[ReadyOperator],
    strategy: Strategy,
    *,
    now: Moment,
    last: Turn | None = None,
) -> Sequence[Pair]:
    """As many pairs as both sides allow, in the order in which they are to be offered: who is
    meant for an operator goes to him, or to anybody if he is not there.

    `last`: the turn of the group's last pair (None: nobody yet); he need not be ready, nor even
    be in the group any more.
    """
    customers = sorted(waiting, key=lambda one: (one.answered_at_s, one.attempt))
    free = {one.operator: one for one in ready if one.free_from_s <= now.mono_s}
    found, others = [], []
    for customer in customers:
        own = None if customer.meant_for is None else free.pop(customer.meant_for, None)
        if own is None:
            others.append(customer)
        else:
            found.append((customer, own))
    open_now = [one for one in free.values() if not one.kept]
    found += zip(others, first(open_now, len(others), strategy, last=last), strict=False)
    return [
        Pair(customer.attempt, operator.operator, operator.leg, operator.turn)
        for customer, operator in found
    ]


def first(
    ready: Iterable[ReadyOperator], count: int, strategy: Strategy, *, last: Turn | None = None
) -> Sequence[ReadyOperator]:
    """At most so many, in the order in which the group's strategy gives them work."""
    key = KEYS[strategy]
    return nsmallest(count, ready, key=lambda one: key(one, last))
