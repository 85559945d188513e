"""The moves that an operator's handlers are made of: pure, each used by several."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dialer.core.calls import operator_value as value
from dialer.core.calls.effects import CallOperator, KillOperator, ParkOperator
from dialer.core.calls.machine import Effects
from dialer.core.calls.operator_value import Operator, OperatorState, Wish
from dialer.core.model import LegId, Moment
from dialer.errors import Bug

S = OperatorState
Step = tuple[Operator, Effects]


def enter(operator: Operator, state: S, deadline_at: float | None, now: Moment) -> Operator:
    since = operator.since if operator.state is state else now
    return replace(operator, state=state, deadline_at=deadline_at, since=since)


def leg_of(operator: Operator) -> LegId:
    if operator.leg is None:
        raise Bug(f"operator {operator.id} is {operator.state} without a leg")
    return operator.leg


def log_out(operator: Operator, now: Moment, *, kill: bool) -> Step:
    """OFFLINE with nothing left of the day but who he is."""
    effects = (KillOperator(operator.id, leg_of(operator)),) if kill else ()
    return replace(
        value.enrol(operator.id, now), last_offered_at=operator.last_offered_at
    ), effects


def pause_now(operator: Operator, reason: str | None, now: Moment) -> Operator:
    after = enter(operator, S.PAUSED, None, now)
    return replace(
        after,
        wish=None,
        pause_reason=reason,
        attempt=None,
        park_ordered=False,
        wrapup_until=None,
    )


def free(operator: Operator, now: Moment, *, idle_since: Moment) -> Step:
    """Done with the call, the leg in park: what he wishes, else ready."""
    if operator.wish is Wish.LOGOUT:
        return log_out(operator, now, kill=True)
    if operator.wish is Wish.PAUSE:
        return pause_now(operator, operator.pause_reason, now), ()
    if not operator.parked:
        raise Bug(f"operator {operator.id} would be ready with his leg out of park")
    after = replace(
        enter(operator, S.READY, None, now),
        idle_since=idle_since,
        pause_reason=None,
        attempt=None,
        wrapup_until=None,
        disposed=False,
        park_ordered=False,
    )
    return after, ()


def call(operator: Operator, leg: LegId, return_to: S, now: Moment) -> Step:
    until_s = now.mono_s + value.REDIAL_S
    after = replace(
        enter(operator, S.REDIALED, until_s, now),
        leg=leg,
        parked=False,
        park_ordered=False,
        return_to=return_to,
        redials=0,
        redial_until=until_s,
    )
    return after, (CallOperator(operator.id, leg),)


def order_park(operator: Operator, now: Moment, **changes: Any) -> Step:
    after = replace(
        operator, park_ordered=True, deadline_at=now.mono_s + value.PARK_S, **changes
    )
    return after, (ParkOperator(operator.id, leg_of(operator)),)
