"""The attempt's state table and its step: (attempt, event, now) -> (attempt, effects).

A pair that stands in no row raises Bug: it means that we misunderstand the line. Rows that
`ignore` are ordinary races (freeswitch.md 1.5, 3.3; proofs 4, 10), listed so that they do not
raise. Each row names the states that it may lead to; the handlers are in `attempt_steps` and
`attempt_recovery`, the value and its limits in `attempt_value`. CLAIMED takes nothing from the
line, Paired comes in WAITING only, and Go only once. ENDED rests: what still lives is hung up.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialer.core.calls import attempt_recovery as found
from dialer.core.calls import attempt_steps as do
from dialer.core.calls import events as e
from dialer.core.calls.attempt_steps import OVERDIAL, Step
from dialer.core.calls.attempt_value import (
    Attempt,
    AttemptState,
    CallRules,
    adopt,
    claim,
    may_be_paired,
    message_due_s,
    show,
    waiting_customer,
    waiting_key,
)
from dialer.core.calls.events import Event
from dialer.core.calls.machine import Table, Transition, ignore, on, take
from dialer.core.model import Moment

__all__ = [
    "OVERDIAL",
    "TABLE",
    "Attempt",
    "AttemptState",
    "CallRules",
    "adopt",
    "claim",
    "may_be_paired",
    "message_due_s",
    "show",
    "step",
    "waiting_customer",
    "waiting_key",
]

S = AttemptState
Rows = Mapping[type[Event], Transition[Attempt]]

IGNORED: Transition[Attempt] = on(ignore)
ENDS = on(do.hung_up, S.ENDED)
DRIFTS = on(found.link_lost, S.ADRIFT)

#: In every state with an answered call: a talk goes on whatever is stopped (R6.2), and what the
#: line told before the answer may be told late. The rows of a state come over these.
ANSWERED: Rows = {
    e.HungUp: ENDS,
    e.Gone: on(do.going),
    e.LinkLost: DRIFTS,
    e.Stop: IGNORED,
    e.Created: IGNORED,
    e.Progressed: IGNORED,
    e.Answered: IGNORED,
    e.Refused: IGNORED,
    e.KeyPressed: IGNORED,
    e.OptedOut: on(do.opted_out),
    e.MachineHeard: on(do.machine_noted),
    e.FoundRinging: IGNORED,
    e.FoundAnswered: IGNORED,
    e.FoundTalking: on(found.found_talking, S.TALKING),
    e.OfferFailed: IGNORED,
    e.OperatorGone: IGNORED,
    e.Bridged: on(do.bridged, S.TALKING),
}

#: Before the answer: the line may skip a step, and a bridge proves that we missed several.
UNANSWERED: Rows = {
    e.Created: on(do.created),
    e.Progressed: on(do.progressed, S.RINGING),
    e.Answered: on(do.answered, S.WAITING),
    e.Ready: on(do.ready_unannounced, S.WAITING),
    e.Bridged: on(do.bridged, S.TALKING),
    e.Stop: on(do.stopped),
    e.Refused: on(do.refused, S.ENDED),
    e.HungUp: ENDS,
    e.TimedOut: on(do.unanswered_timed_out, S.ENDED),
    e.LinkLost: DRIFTS,
    e.KeyPressed: IGNORED,
    e.OptedOut: on(do.opted_out),
    e.FoundRinging: on(do.created),
    e.FoundAnswered: on(found.found_answered, S.WAITING, S.MESSAGE),
    e.FoundTalking: on(found.found_talking, S.TALKING),
    e.Gone: on(do.going_early),
}

STATES: Mapping[AttemptState, Rows] = {
    S.SHOWN: {
        e.Started: on(do.started, S.CLAIMED),
        e.Denied: on(do.denied, S.ENDED),
        e.Stop: on(do.stopped_before_go, S.ENDED),
        e.TimedOut: on(do.card_timed_out, S.ENDED),
        e.LinkLost: on(do.claim_unlinked, S.ENDED),
        e.Gone: IGNORED,
    },
    S.CLAIMED: {
        e.Go: on(do.go, S.DIALING),
        e.Denied: on(do.denied, S.ENDED),
        e.Stop: on(do.stopped_before_go, S.ENDED),
        e.TimedOut: on(do.claim_timed_out, S.ENDED),
        e.LinkLost: on(do.claim_unlinked, S.ENDED),
        e.Gone: IGNORED,  # a sweep that looked before the call went out
    },
    S.DIALING: UNANSWERED,
    S.RINGING: {**UNANSWERED, e.Gone: on(do.going)},
    S.WAITING: {
        **ANSWERED,
        e.Ready: on(do.ready),
        e.Paired: on(do.paired, S.OFFERED),
        e.TimedOut: on(do.waited_too_long, S.MESSAGE, S.ENDED),
        e.MachineHeard: on(do.machine_in_line),
        e.FoundAnswered: on(found.found_waiting),
    },
    S.MESSAGE: {
        **ANSWERED,
        e.Ready: on(do.ready_late),
        e.KeyPressed: on(do.key_pressed),
        e.TimedOut: on(do.message_timed_out, S.ENDED),
    },
    S.OFFERED: {
        **ANSWERED,
        e.Ready: IGNORED,
        e.OfferFailed: on(do.offer_failed, S.WAITING),
        e.OperatorGone: on(do.operator_gone, S.WAITING),
        e.TimedOut: on(do.offer_timed_out, S.WAITING, S.ENDED),
    },
    S.TALKING: {
        **ANSWERED,
        e.Ready: IGNORED,
        e.Bridged: on(do.bridged_again),
        e.TimedOut: on(do.talk_timed_out, S.ENDED),
        e.FoundTalking: IGNORED,
    },
    S.ADRIFT: {
        e.FoundRinging: on(found.found_ringing, S.RINGING),
        e.FoundAnswered: on(found.found_answered, S.WAITING, S.MESSAGE),
        e.FoundTalking: on(found.found_talking, S.TALKING),
        e.Gone: on(do.gone, S.ENDED),
        e.HungUp: ENDS,
        e.TimedOut: on(found.adrift_timed_out, S.ENDED),
        e.Stop: on(found.stopped_adrift),
        e.Refused: on(found.refused_adrift, S.ENDED),
        # The link is back and events come before the sweep does.
        e.Created: on(do.created),
        e.Progressed: on(found.progressed_adrift, S.RINGING),
        e.Answered: on(found.answered_adrift, S.WAITING),
        e.Ready: on(found.ready_adrift, S.WAITING, S.MESSAGE),
        e.Bridged: on(do.bridged, S.TALKING),
        e.KeyPressed: on(do.key_pressed),
        e.OptedOut: on(do.opted_out),
        e.MachineHeard: on(do.machine_noted),
        e.LinkLost: IGNORED,
        e.OfferFailed: IGNORED,
        e.OperatorGone: IGNORED,
    },
    S.ENDED: {
        e.Go: on(found.go_too_late),
        e.Answered: on(found.alive_after_end),
        e.Ready: on(found.alive_after_end),
        e.Bridged: on(found.alive_after_end),
        e.FoundRinging: on(found.alive_after_end),
        e.FoundAnswered: on(found.alive_after_end),
        e.Created: on(found.begun_after_end),
        e.Progressed: on(found.begun_after_end),
        # He pressed it in his last second: the stop counts, whatever the result says.
        e.KeyPressed: on(do.key_pressed),
        e.OptedOut: on(do.opted_out),
        e.Denied: IGNORED,
        e.Stop: IGNORED,
        e.TimedOut: IGNORED,
        e.LinkLost: IGNORED,
        e.Refused: IGNORED,
        e.HungUp: IGNORED,
        e.MachineHeard: IGNORED,
        e.OfferFailed: IGNORED,
        e.OperatorGone: IGNORED,
        e.FoundTalking: IGNORED,  # we lost sight of it; the two talk on to their ceiling
        e.Gone: IGNORED,
    },
}

TABLE: Table[Attempt] = {
    (state, kind): row for state, rows in STATES.items() for kind, row in rows.items()
}


def step(attempt: Attempt, event: Event, now: Moment) -> Step:
    """One step; the same object comes back where nothing changed. Raises Bug (see the head)."""
    return take(TABLE, attempt, event, now)
