"""An operator with his persistent leg: the value, no behaviour.

`state` is what the line does; `wish` is what the person wants after this call. Resting states
(OFFLINE, READY, PAUSED) have no deadline, all others do. First login and the loss of a phone
are the same thing to the line, his phone is being called: both are REDIALED, with the state to
which he returns. READY means parked: nobody is paired whose leg may be in something else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dialer.core.calls.acd import ReadyOperator
from dialer.core.model import AttemptId, LegId, Moment, OperatorId, Tone
from dialer.errors import Bug

#: Seconds that a state may last; what each is for stands where it is used (`operator_steps`).
OFFER_S = 2.0
PARK_S = 2.0
TALK_GRACE_S = 15.0
ADRIFT_S = 60.0
REDIAL_S = 60.0
REDIAL_FIRST_DELAY_S = 0.5
REDIAL_MOST_DELAY_S = 8.0

#: The pause that we order: his leg did not do what it was told (R2.3).
HAND_OVER_FAILED = "hand-over failed"


class OperatorState(StrEnum):
    """What the operator's line does (docs/architecture.md 4)."""

    OFFLINE = "offline"
    READY = "ready"
    OFFERED = "offered"
    TALKING = "talking"
    WRAPUP = "wrapup"
    PAUSED = "paused"
    REDIALED = "redialed"  # his phone is being called: first login, or its leg was lost
    ADRIFT = "adrift"


RESTING = frozenset({OperatorState.OFFLINE, OperatorState.READY, OperatorState.PAUSED})


class Wish(StrEnum):
    """What he wants as soon as the present call is done with."""

    PAUSE = "pause"
    LOGOUT = "logout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """One operator.

    `parked`: his leg is known to be in park. `attempt`: the call that he is offered, has, or
    has still to dispose; `beep`: what he hears when that customer is joined to him.
    `wrapup_until`: when the present wrap-up ends (kept in REDIALED). `park_ordered`: we have
    told the switch to park his leg, so the next time-out gives up. `return_to`: where REDIALED
    and ADRIFT lead. `redial_until`: when calling him is given up.
    """

    id: OperatorId
    state: OperatorState
    since: Moment
    idle_since: Moment
    leg: LegId | None = None
    parked: bool = False
    deadline_at: float | None = None
    wish: Wish | None = None
    pause_reason: str | None = None
    attempt: AttemptId | None = None
    last_offered_at: Moment | None = None
    wrapup_s: float = 30.0
    max_talk_s: float = 7200.0
    beep: Tone | None = None
    wrapup_until: float | None = None
    disposed: bool = False
    park_ordered: bool = False
    return_to: OperatorState = OperatorState.READY
    redials: int = 0
    redial_until: float | None = None


def enrol(operator_id: OperatorId, now: Moment) -> Operator:
    """A configured operator who has not logged in."""
    return Operator(id=operator_id, state=OperatorState.OFFLINE, since=now, idle_since=now)


def adopt(
    operator_id: OperatorId,
    leg: LegId,
    now: Moment,
    *,
    wrapup_s: float,
    max_talk_s: float = 7200.0,
    pause_reason: str | None = None,
) -> Operator:
    """A leg of his was found after our restart: what it does, the next sweep's events say.

    `wrapup_s`, `max_talk_s`: of the talk that he may be in.
    """
    return Operator(
        id=operator_id,
        state=OperatorState.ADRIFT,
        since=now,
        idle_since=now,
        leg=leg,
        deadline_at=now.mono_s + ADRIFT_S,
        wrapup_s=wrapup_s,
        max_talk_s=max_talk_s,
        wish=None if pause_reason is None else Wish.PAUSE,
        pause_reason=pause_reason,
    )


def may_be_paired(operator: Operator) -> bool:
    """Free, with his leg in park."""
    return operator.state is OperatorState.READY and operator.parked


def ready_operator(operator: Operator, place: int, *, kept: bool = False) -> ReadyOperator:
    """The operator as the ACD sees him; `place` is his order in the group (1 = first)."""
    if operator.leg is None:
        raise Bug(f"operator {operator.id} is {operator.state} without a leg")
    return ReadyOperator(
        operator=operator.id,
        leg=operator.leg,
        place=place,
        idle_since_s=operator.idle_since.mono_s,
        kept=kept,
    )
