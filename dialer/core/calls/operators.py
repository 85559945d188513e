"""The operator's state table and its step: (operator, event, now) -> (operator, effects).

As in `attempts`: a pair without a row raises Bug, `ignore` marks ordinary races, each row names
where it may lead. Only Paired is forbidden anywhere but in READY, and TimedOut in a resting
state. Inbound calls, hold and transfer, a kept operator and a breath come later, as rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialer.core.calls import events as e
from dialer.core.calls import operator_leg as leg
from dialer.core.calls import operator_steps as do
from dialer.core.calls.events import Event
from dialer.core.calls.machine import Table, Transition, ignore, on, take
from dialer.core.calls.operator_moves import Step
from dialer.core.calls.operator_value import (
    HAND_OVER_FAILED,
    RESTING,
    Operator,
    OperatorState,
    Wish,
    adopt,
    enrol,
    may_be_paired,
    ready_operator,
)
from dialer.core.model import Moment

__all__ = [
    "HAND_OVER_FAILED",
    "RESTING",
    "TABLE",
    "Operator",
    "OperatorState",
    "Wish",
    "adopt",
    "enrol",
    "may_be_paired",
    "ready_operator",
    "step",
]

S = OperatorState
Rows = Mapping[type[Event], Transition[Operator]]

IGNORED: Transition[Operator] = on(ignore)
#: After a call: what he wishes, else ready.
FREE = (S.READY, S.PAUSED, S.OFFLINE)
LOST = (S.REDIALED, S.OFFLINE)
DRIFTS = on(leg.link_lost, S.ADRIFT)

#: In every state: what may come late, or says what is known. A state's rows come over these.
ALWAYS: Rows = {
    e.LoginAsked: on(leg.keep_on),
    e.LegUp: on(leg.stray),
    e.CallerGone: IGNORED,
    e.OfferFailed: IGNORED,
    e.CallEnded: IGNORED,
    e.Disposed: IGNORED,
    e.LinkLost: IGNORED,
    e.Gone: IGNORED,
}

#: In every state with a call: wishes wait for its end.
WITH_CALL: Rows = {
    **ALWAYS,
    e.PauseAsked: on(do.pause_later),
    e.ResumeAsked: on(do.resume_later),
    e.LogoutAsked: on(do.logout_later),
}

STATES: Mapping[OperatorState, Rows] = {
    S.OFFLINE: {
        **ALWAYS,
        e.LoginAsked: on(leg.login, S.REDIALED),
        e.LegLost: IGNORED,
        e.Parked: IGNORED,
        e.Bridged: IGNORED,
        e.FoundTalking: IGNORED,
        e.PauseAsked: IGNORED,
        e.ResumeAsked: IGNORED,
        e.LogoutAsked: IGNORED,
    },
    S.READY: {
        **ALWAYS,
        e.Paired: on(do.paired, S.OFFERED),
        e.Bridged: on(do.bridged, S.TALKING),
        e.FoundTalking: on(do.found_talking, S.TALKING),
        e.Parked: on(leg.parked_in_rest),
        e.LegUp: on(leg.up_in_rest),
        e.LegLost: on(leg.lost_ready, *LOST),
        e.PauseAsked: on(do.pause, S.PAUSED),
        e.ResumeAsked: IGNORED,
        e.LogoutAsked: on(do.logout, S.OFFLINE),
    },
    S.OFFERED: {
        **WITH_CALL,
        e.Bridged: on(do.bridged, S.TALKING),
        e.FoundTalking: on(do.found_talking, S.TALKING),
        e.Parked: on(do.back_in_park, *FREE),
        e.CallerGone: on(do.back_in_park, *FREE),
        e.OfferFailed: on(do.offer_failed),
        e.TimedOut: on(do.offer_timed_out, S.PAUSED, S.OFFLINE),
        e.LegLost: on(leg.lost_ready, *LOST),
        e.LinkLost: DRIFTS,
    },
    S.TALKING: {
        **WITH_CALL,
        e.Bridged: on(do.bridged_again),
        e.FoundTalking: on(do.bridged_again),
        e.Parked: on(do.talk_parked, S.WRAPUP, *FREE),
        e.CallEnded: on(do.call_ended, S.WRAPUP, *FREE),
        e.CallerGone: on(do.call_ended, S.WRAPUP, *FREE),
        e.Gone: on(do.call_ended, S.WRAPUP, *FREE),
        e.TimedOut: on(do.talk_timed_out, S.WRAPUP, *FREE),
        e.Disposed: on(do.disposed_early),
        e.LegLost: on(leg.lost_in_talk, *LOST),
        e.LinkLost: DRIFTS,
    },
    S.WRAPUP: {
        **WITH_CALL,
        e.Disposed: on(do.disposed, *FREE),
        e.TimedOut: on(do.wrapup_timed_out, S.REDIALED, *FREE),
        e.Parked: on(do.wrapup_parked, *FREE),
        e.LegUp: on(leg.wrapup_up, *FREE),
        e.Bridged: on(do.bridged_again, S.TALKING),
        e.FoundTalking: on(do.bridged_again, S.TALKING),
        e.LegLost: on(leg.lost_in_wrapup, *LOST),
    },
    S.PAUSED: {
        **ALWAYS,
        e.ResumeAsked: on(do.resume, S.READY, S.REDIALED),
        e.PauseAsked: on(do.pause),
        e.LogoutAsked: on(do.logout, S.OFFLINE),
        e.Parked: on(leg.parked_in_rest, S.READY),
        e.LegUp: on(leg.up_in_rest, S.READY),
        e.Bridged: on(do.bridged, S.TALKING),
        e.FoundTalking: on(do.found_talking, S.TALKING),
        e.LegLost: on(leg.lost_paused, *LOST),
    },
    S.REDIALED: {
        **ALWAYS,
        e.LegUp: on(leg.leg_up, S.WRAPUP, *FREE),
        e.Parked: on(leg.up_by_park, S.WRAPUP, *FREE),
        e.LegLost: on(leg.lost_again, S.OFFLINE),
        e.TimedOut: on(leg.redial_timed_out, S.OFFLINE),
        e.Disposed: on(do.disposed_early),
        e.PauseAsked: on(do.pause_redialed),
        e.ResumeAsked: on(do.resume_redialed),
        e.LogoutAsked: on(do.logout, S.OFFLINE),
        e.Bridged: IGNORED,
        e.FoundTalking: IGNORED,  # it was seen of the leg that is lost
    },
    S.ADRIFT: {
        **WITH_CALL,
        e.FoundTalking: on(do.found_talking, S.TALKING),
        e.Bridged: on(do.bridged, S.TALKING),
        e.Parked: on(leg.adrift_parked, S.WRAPUP, *FREE),
        e.LegUp: on(leg.adrift_up, S.WRAPUP, *FREE),
        e.CallEnded: on(leg.adrift_call_gone, S.WRAPUP, S.OFFERED, *FREE),
        e.CallerGone: on(leg.adrift_call_gone, S.WRAPUP, S.OFFERED, *FREE),
        e.Gone: on(leg.adrift_call_gone, S.WRAPUP, S.OFFERED, *FREE),
        e.LegLost: on(leg.lost_adrift, *LOST),
        e.Disposed: on(do.disposed_early),
        e.TimedOut: on(leg.adrift_timed_out, S.OFFLINE),
    },
}

TABLE: Table[Operator] = {
    (state, kind): row for state, rows in STATES.items() for kind, row in rows.items()
}


def step(operator: Operator, event: Event, now: Moment) -> Step:
    """One step; the same object comes back where nothing changed. Raises Bug (see the head)."""
    return take(TABLE, operator, event, now)
