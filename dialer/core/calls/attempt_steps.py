"""What an attempt does on each event: the handlers that `attempts.TABLE` names. Pure.

The switch ends calls by itself (ring time-out, script, ceiling); our deadlines are fuses behind
it. A fuse first orders a hang-up; if nothing comes of that either, the attempt is settled as
LOST: maybe dialed is dialed. Only HungUp, Gone, a refusal or a fuse settle, and only once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dialer.core.calls import attempt_value as value
from dialer.core.calls.attempt_value import Attempt, AttemptState, message_due_s
from dialer.core.calls.causes import LOST, Reply, read_reply
from dialer.core.calls.effects import (
    Bridge,
    GiveBack,
    KillCustomer,
    Originate,
    PlayMessage,
    Rescue,
    Settle,
    StartRecording,
    StopPhone,
)
from dialer.core.calls.events import (
    Answered,
    Bridged,
    Created,
    Denied,
    Event,
    FoundRinging,
    Go,
    HungUp,
    KeyPressed,
    MachineHeard,
    OfferFailed,
    OperatorGone,
    OptedOut,
    Paired,
    Progressed,
    Ready,
    Refused,
    Started,
    Stop,
    TimedOut,
)
from dialer.core.calls.machine import Effects
from dialer.core.model import Evidence, Moment
from dialer.errors import Bug

Step = tuple[Attempt, Effects]

#: The one reason to stop that is ours alone: more calls were launched than operators are free.
OVERDIAL = "overdial"
#: Reasons with which a claim is given back by its own deadline and by a lost link
#: (values of `core.permission.reasons.Reason`, to which there is no door from here).
STORE_FAILED = "store_failed"
SWITCH_BLIND = "switch_blind"
CARD_WAITED = "card_waited"

#: Causes of hang-ups that we order: they say who wanted it, not what the phone is.
CANCEL, MANAGER, CLEAR, CEILING = (
    "ORIGINATOR_CANCEL",
    "MANAGER_REQUEST",
    "NORMAL_CLEARING",
    "ALLOTTED_TIMEOUT",
)


def enter(attempt: Attempt, state: AttemptState, deadline_at: float, **changes: Any) -> Attempt:
    return replace(attempt, state=state, deadline_at=deadline_at, **changes)


def order(attempt: Attempt, cause: str) -> KillCustomer:
    return KillCustomer(attempt.claimed.attempt_id, cause)


def hang_up(attempt: Attempt, cause: str, now: Moment) -> Step:
    """Order the hang-up (again); its HungUp is awaited for a while."""
    after = replace(
        attempt,
        killed=attempt.killed or cause,
        deadline_at=now.mono_s + value.KILL_GRACE_S,
    )
    return after, (order(attempt, cause),)


def end(attempt: Attempt, evidence: Evidence, now: Moment) -> Step:
    after = replace(
        attempt, state=AttemptState.ENDED, deadline_at=None, ended_at=now, evidence=evidence
    )
    return after, (Settle(attempt.claimed.attempt_id, evidence),)


def _give_back(attempt: Attempt, reason: str, now: Moment) -> Step:
    after = replace(attempt, state=AttemptState.ENDED, deadline_at=None, ended_at=now)
    return after, (GiveBack(attempt.claimed.attempt_id, reason),)


# ------------------------------------------------------------------ SHOWN


def started(attempt: Attempt, event: Started, now: Moment) -> Step:
    """From here on as any claim; how long it rings counts from now."""
    deadline_at = now.mono_s + value.CLAIM_S
    return enter(attempt, AttemptState.CLAIMED, deadline_at, claimed_at=now), ()


def card_timed_out(attempt: Attempt, event: TimedOut, now: Moment) -> Step:
    """Nobody looks at this card: its contact goes to the next one."""
    return _give_back(replace(attempt, stop_reason=CARD_WAITED), CARD_WAITED, now)


# ------------------------------------------------------------------ CLAIMED


def go(attempt: Attempt, event: Go, now: Moment) -> Step:
    claimed = attempt.claimed
    deadline_at = now.mono_s + attempt.rules.ring_timeout_s + value.DIAL_GRACE_S
    call = Originate(
        claimed.attempt_id,
        event.digits,
        claimed.number,
        claimed.gateway,
        claimed.entry.campaign,
    )
    return enter(attempt, AttemptState.DIALING, deadline_at, dialed_at=now), (call,)


def denied(attempt: Attempt, event: Denied, now: Moment) -> Step:
    return _give_back(attempt, event.reason, now)


def stopped_before_go(attempt: Attempt, event: Stop, now: Moment) -> Step:
    return _give_back(replace(attempt, stop_reason=event.reason), event.reason, now)


def claim_timed_out(attempt: Attempt, event: TimedOut, now: Moment) -> Step:
    """The ledger has not answered; if its Go still comes, `go_too_late` withdraws it."""
    return _give_back(attempt, STORE_FAILED, now)


def claim_unlinked(attempt: Attempt, event: Event, now: Moment) -> Step:
    """Nothing was sent, and nothing may be sent blind."""
    return _give_back(attempt, SWITCH_BLIND, now)


# ------------------------------------------------------------------ DIALING, RINGING


def stopped(attempt: Attempt, event: Stop, now: Moment) -> Step:
    """Cancel at once; a kill before the channel exists is repeated at Created (proofs 10)."""
    if attempt.killed is not None:
        return attempt, ()
    cause = CANCEL if event.reason == OVERDIAL else MANAGER
    after, effects = hang_up(replace(attempt, stop_reason=event.reason), cause, now)
    if not attempt.created and attempt.deadline_at is not None:
        # On a busy switch the channel may still come seconds later: wait as long as it could.
        after = replace(after, deadline_at=max(attempt.deadline_at, after.deadline_at or 0.0))
    return after, effects


def created(attempt: Attempt, event: Created | FoundRinging, now: Moment) -> Step:
    if attempt.created:
        return attempt, ()
    after = replace(attempt, created=True)
    return (after, ()) if attempt.killed is None else hang_up(after, attempt.killed, now)


def progressed(attempt: Attempt, event: Progressed, now: Moment) -> Step:
    """180 or 183; both may come, in either order, and each is kept as first seen."""
    after = replace(attempt, state=AttemptState.RINGING, created=True)
    if event.early_media:
        after = replace(after, early_media_at=attempt.early_media_at or now)
    else:
        after = replace(after, rang_at=attempt.rang_at or now)
    if attempt.killed is not None and not attempt.created:
        return hang_up(after, attempt.killed, now)
    return after, ()


def refused(attempt: Attempt, event: Refused, now: Moment) -> Step:
    """The job says -ERR: no channel ever was (settle), or its hang-up must follow (wait).

    The job and the hang-up race, either order (freeswitch.md 1.5); a call that we killed at
    once may have had a channel of which only the hang-up is told (proofs 10).
    """
    reply = read_reply(event.reply)
    if reply.had_channel or attempt.created or attempt.killed is not None:
        return await_hang_up(attempt, event, now)
    return end(attempt, reply.evidence(), now)


def await_hang_up(attempt: Attempt, event: Refused, now: Moment) -> Step:
    if attempt.refusal is not None:
        return attempt, ()
    deadline_at = now.mono_s + value.REFUSED_S
    return replace(attempt, refusal=event.reply, deadline_at=deadline_at), ()


def unanswered_timed_out(attempt: Attempt, event: TimedOut, now: Moment) -> Step:
    """The switch should have ended this ringing long ago."""
    if attempt.refusal is not None:
        return end(attempt, refusal(attempt), now)
    if attempt.killed is not None:
        return lost(attempt, event, now)
    return hang_up(attempt, CEILING, now)


def refusal(attempt: Attempt) -> Evidence:
    """The hang-up that the job's answer foretold was never seen: the answer must do."""
    reply = read_reply(attempt.refusal or "")
    seen = attempt.created or attempt.rang_at is not None or attempt.early_media_at is not None
    return Reply(reply.text, reply.cause, reply.had_channel or seen).evidence()


def answered(attempt: Attempt, event: Answered, now: Moment) -> Step:
    """Not yet safe to bridge: the originate loop has not noticed (proofs 0.3)."""
    after = enter(
        attempt, AttemptState.WAITING, now.mono_s + value.READY_S, answered_at=now, created=True
    )
    # A stop that crossed the answer: the hang-up goes on, nobody is bridged to him.
    return (after, ()) if attempt.killed is None else hang_up(after, attempt.killed, now)


def ready_unannounced(attempt: Attempt, event: Ready, now: Moment) -> Step:
    """Its answer was not told, or comes later."""
    after, effects = answered(attempt, Answered(), now)
    return ready(after, event, now)[0], effects


# ------------------------------------------------------------------ WAITING, MESSAGE


def ready(attempt: Attempt, event: Ready, now: Moment) -> Step:
    if attempt.ready_at is not None:
        return attempt, ()
    after = replace(attempt, ready_at=now, in_script=True)
    if attempt.killed is None:
        after = replace(after, deadline_at=message_due_s(after))
    return after, ()


def ready_late(attempt: Attempt, event: Ready, now: Moment) -> Step:
    """He hears the message already, by our order: only the milestone is kept."""
    return replace(attempt, ready_at=attempt.ready_at or now), ()


def paired(attempt: Attempt, event: Paired, now: Moment) -> Step:
    """The hand-over: operator first. Raises Bug for a customer who may not be bridged."""
    if not value.may_be_paired(attempt):
        raise Bug(f"attempt {attempt.claimed.attempt_id} may not be bridged")
    after = enter(
        attempt,
        AttemptState.OFFERED,
        now.mono_s + value.OFFER_S,
        offered_at=now,
        operator=event.operator,
        operator_leg=event.operator_leg,
        rescued=False,
    )
    order = Bridge(event.operator, event.operator_leg, attempt.claimed.attempt_id)
    return after, (order,)


def waited_too_long(attempt: Attempt, event: TimedOut, now: Moment) -> Step:
    """The script's silence ends: its message plays by itself, else we send him into it."""
    return lost(attempt, event, now) if attempt.killed is not None else message(attempt, now)


def message(attempt: Attempt, now: Moment) -> Step:
    after = enter(
        attempt,
        AttemptState.MESSAGE,
        now.mono_s + value.MESSAGE_S,
        message_at=attempt.message_at or now,
    )
    if attempt.in_script:
        return after, ()
    return after, (PlayMessage(attempt.claimed.attempt_id, attempt.claimed.entry.campaign),)


def message_timed_out(attempt: Attempt, event: TimedOut, now: Moment) -> Step:
    if attempt.killed is not None:
        return lost(attempt, event, now)
    return hang_up(attempt, CLEAR, now)


def key_pressed(attempt: Attempt, event: KeyPressed, now: Moment) -> Step:
    """During the message the key means "never again", in force at once (R6.4)."""
    after = replace(attempt, keys=(attempt.keys + event.digit)[-32:])
    if (
        attempt.message_at is None
        or attempt.opt_out
        or event.digit != attempt.rules.opt_out_key
    ):
        return after, ()
    return replace(after, opt_out=True), (StopPhone(attempt.claimed.attempt_id),)


def opted_out(attempt: Attempt, event: OptedOut, now: Moment) -> Step:
    """The key is bound only while the message plays, whatever we have seen of that.

    Who was bridged in that very moment pressed it in his talk: that is no opt-out.
    """
    if attempt.opt_out or attempt.bridged_at is not None:
        return attempt, ()
    return replace(attempt, opt_out=True), (StopPhone(attempt.claimed.attempt_id),)


def machine_in_line(attempt: Attempt, event: MachineHeard, now: Moment) -> Step:
    """It never reaches an operator (R3.7); its HungUp brings the evidence."""
    return hang_up(replace(attempt, machine=True), CLEAR, now)


def machine_noted(attempt: Attempt, event: MachineHeard, now: Moment) -> Step:
    return replace(attempt, machine=True), ()


# ------------------------------------------------------------------ OFFERED, TALKING


def bridged(attempt: Attempt, event: Bridged, now: Moment) -> Step:
    """They talk. A late bridge, or one to another operator than we thought, is as true."""
    first = attempt.bridged_at is None
    same = event.operator == attempt.operator
    deadline_at = now.mono_s + attempt.rules.max_talk_s + value.TALK_GRACE_S
    if attempt.killed is not None:
        deadline_at = now.mono_s + value.KILL_GRACE_S
    after = enter(
        attempt,
        AttemptState.TALKING,
        deadline_at,
        bridged_at=attempt.bridged_at or now,
        answered_at=attempt.answered_at or now,
        operator=event.operator,
        operator_leg=attempt.operator_leg if same else None,
        in_script=False,
        created=True,
    )
    if first and attempt.rules.record and attempt.killed is None:
        return after, (StartRecording(attempt.claimed.attempt_id),)
    return after, ()


def bridged_again(attempt: Attempt, event: Bridged, now: Moment) -> Step:
    if event.operator == attempt.operator:
        return attempt, ()
    return replace(attempt, operator=event.operator, operator_leg=None), ()


def offer_timed_out(attempt: Attempt, event: TimedOut, now: Moment) -> Step:
    """No CHANNEL_BRIDGE in 500 ms: have both legs looked at, once; then back into the line."""
    if attempt.killed is not None:
        return lost(attempt, event, now)
    if attempt.rescued or attempt.operator is None or attempt.operator_leg is None:
        return offer_failed(attempt, OfferFailed(), now)
    order = Rescue(attempt.operator, attempt.operator_leg, attempt.claimed.attempt_id)
    return replace(attempt, rescued=True, deadline_at=now.mono_s + value.RESCUE_S), (order,)


def offer_failed(attempt: Attempt, event: OfferFailed, now: Moment) -> Step:
    """He lives, but has left his script (proofs 4): we must order the message when due."""
    return _back_in_line(replace(attempt, in_script=False), now), ()


def operator_gone(attempt: Attempt, event: OperatorGone, now: Moment) -> Step:
    """The command was refused: he is untouched, his script goes on."""
    return _back_in_line(attempt, now), ()


def _back_in_line(attempt: Attempt, now: Moment) -> Attempt:
    """The head of the line: `answered_at` is kept. Pairing comes before the deadline's turn."""
    return enter(
        attempt,
        AttemptState.WAITING,
        max(now.mono_s, message_due_s(attempt)),
        operator=None,
        operator_leg=None,
    )


def talk_timed_out(attempt: Attempt, event: TimedOut, now: Moment) -> Step:
    if attempt.killed is not None:
        return lost(attempt, event, now)
    return hang_up(attempt, CEILING, now)


# ------------------------------------------------------------------ ends, whatever came before


def hung_up(attempt: Attempt, event: HungUp, now: Moment) -> Step:
    """The authority for a call's end; it may come with no Created at all (proofs 0.7)."""
    return end(attempt, event.evidence, now)


def lost(attempt: Attempt, event: Event, now: Moment) -> Step:
    """Nobody can tell what became of it: treated as dialed; if it still exists, it must go."""
    after, effects = gone(attempt, event, now)
    return after, (order(attempt, attempt.killed or CLEAR), *effects)


def gone(attempt: Attempt, event: Event, now: Moment) -> Step:
    """The switch knows no such leg and its end was not told."""
    return end(attempt, Evidence(channel=True, cause=LOST), now)


def going(attempt: Attempt, event: Event, now: Moment) -> Step:
    """The switch forgets a leg up to a tick (20 ms) before it tells the hang-up: await that.

    What it tells is the cause; settled at once, who hung up during his hand-over would be LOST.
    """
    if attempt.killed is not None:
        return attempt, ()
    return replace(attempt, killed=CLEAR, deadline_at=now.mono_s + value.GONE_GRACE_S), ()


def going_early(attempt: Attempt, event: Event, now: Moment) -> Step:
    """A sweep that looked before the channel was made proves nothing; the fuse stays."""
    return going(attempt, event, now) if attempt.created else (attempt, ())
