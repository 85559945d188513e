"""What an attempt does out of sight (ADRIFT), found again, and after its end: pure handlers.

After a lost link or a restart the line is the authority: a sweep's Found... events and those
that come by themselves bring the attempt back to where it is now. What was not seen meanwhile
counts against us: it may have rung, it was maybe dialed.
"""

from __future__ import annotations

from dataclasses import replace

from dialer.core.calls import attempt_value as value
from dialer.core.calls.attempt_steps import (
    CANCEL,
    CLEAR,
    MANAGER,
    OVERDIAL,
    STORE_FAILED,
    Step,
    answered,
    await_hang_up,
    end,
    enter,
    gone,
    hang_up,
    message,
    order,
    progressed,
    ready,
    ready_unannounced,
    refusal,
)
from dialer.core.calls.attempt_value import Attempt, AttemptState, before, message_due_s
from dialer.core.calls.cause_codes import NEVER_CHANNEL
from dialer.core.calls.causes import LOST, read_reply
from dialer.core.calls.effects import GiveBack, StartRecording
from dialer.core.calls.events import (
    Answered,
    Event,
    FoundAnswered,
    FoundRinging,
    FoundTalking,
    Go,
    Progressed,
    Ready,
    Refused,
    Stop,
    TimedOut,
)
from dialer.core.model import Evidence, Moment
from dialer.errors import Bug

# ------------------------------------------------------------------ ADRIFT


def link_lost(attempt: Attempt, event: Event, now: Moment) -> Step:
    deadline_at = now.mono_s + value.ADRIFT_S
    return enter(attempt, AttemptState.ADRIFT, deadline_at, blind=True), ()


def stopped_adrift(attempt: Attempt, event: Stop, now: Moment) -> Step:
    """Tried now, in case the link is back; repeated when it is found unanswered."""
    if attempt.answered_at is not None or attempt.killed is not None:
        return attempt, ()
    cause = CANCEL if event.reason == OVERDIAL else MANAGER
    after = replace(attempt, stop_reason=event.reason, killed=cause)
    return after, (order(attempt, cause),)


def progressed_adrift(attempt: Attempt, event: Progressed, now: Moment) -> Step:
    if attempt.answered_at is not None:
        return attempt, ()
    after, effects = found_ringing(attempt, FoundRinging(), now)
    return replace(progressed(after, event, now)[0], deadline_at=after.deadline_at), effects


def answered_adrift(attempt: Attempt, event: Answered, now: Moment) -> Step:
    return (attempt, ()) if attempt.answered_at is not None else answered(attempt, event, now)


def ready_adrift(attempt: Attempt, event: Ready, now: Moment) -> Step:
    """The script has just begun, unless this was told before he was offered to somebody."""
    if attempt.offered_at is not None or attempt.bridged_at is not None:
        return attempt, ()
    if attempt.answered_at is None:
        return ready_unannounced(attempt, event, now)
    return found_answered(attempt, FoundAnswered(in_script=True, answered_ago_s=0.0), now)


def refused_adrift(attempt: Attempt, event: Refused, now: Moment) -> Step:
    """The job's answer outlived the link. What was not seen meanwhile counts as dialed.

    A cause like DESTINATION_OUT_OF_ORDER means "no channel" only where no CREATE can have been
    missed (freeswitch.md 1.4): here it proves nothing.
    """
    if attempt.answered_at is not None:
        return attempt, ()
    reply = read_reply(event.reply)
    if reply.had_channel or attempt.created:
        return await_hang_up(attempt, event, now)
    if reply.cause in NEVER_CHANNEL:
        return end(attempt, reply.evidence(), now)
    return end(attempt, Evidence(channel=True, cause=LOST, reply=reply.text), now)


def adrift_timed_out(attempt: Attempt, event: TimedOut, now: Moment) -> Step:
    """No hang-up is ordered: if the link was down all the time, the talk may well go on."""
    if attempt.refusal is not None:
        return end(attempt, refusal(attempt), now)
    return gone(attempt, event, now)


def found_ringing(attempt: Attempt, event: FoundRinging, now: Moment) -> Step:
    """An old sweep's word against an answer that we have seen is ignored."""
    if attempt.answered_at is not None:
        return attempt, ()
    dialed_at = attempt.dialed_at or attempt.claimed_at
    fuse_s = dialed_at.mono_s + attempt.rules.ring_timeout_s + value.DIAL_GRACE_S
    after = enter(attempt, AttemptState.RINGING, max(fuse_s, now.mono_s + 1.0), created=True)
    return (after, ()) if attempt.killed is None else hang_up(after, attempt.killed, now)


def found_answered(attempt: Attempt, event: FoundAnswered, now: Moment) -> Step:
    """Back into the line, or into the message if its time has come meanwhile."""
    answered_at = attempt.answered_at or before(now, event.answered_ago_s)
    after = enter(
        attempt,
        AttemptState.WAITING,
        now.mono_s,
        answered_at=answered_at,
        ready_at=attempt.ready_at or answered_at,
        in_script=event.in_script,
        operator=None,
        operator_leg=None,
        created=True,
    )
    if attempt.killed is not None:
        return hang_up(after, attempt.killed, now)
    if attempt.message_at is not None or now.mono_s >= message_due_s(after):
        return message(after, now)
    return replace(after, deadline_at=message_due_s(after)), ()


def found_waiting(attempt: Attempt, event: FoundAnswered, now: Moment) -> Step:
    """A sweep sees the script run: a Ready that was lost is made good."""
    if attempt.ready_at is not None or not event.in_script:
        return attempt, ()
    return ready(attempt, Ready(), now)


def found_talking(attempt: Attempt, event: FoundTalking, now: Moment) -> Step:
    answered_at = attempt.answered_at or before(now, event.answered_ago_s)
    bridged_at = attempt.bridged_at or attempt.offered_at or answered_at
    ceiling_s = bridged_at.mono_s + attempt.rules.max_talk_s + value.TALK_GRACE_S
    after = enter(
        attempt,
        AttemptState.TALKING,
        max(ceiling_s, now.mono_s + 1.0),
        answered_at=answered_at,
        bridged_at=bridged_at,
        operator=event.operator or attempt.operator,
        in_script=False,
        created=True,
    )
    # Bridged while we were away; the recorder knows whether it is recorded already.
    if attempt.rules.record and attempt.killed is None:
        return after, (StartRecording(attempt.claimed.attempt_id),)
    return after, ()


# ------------------------------------------------------------------ ENDED


def go_too_late(attempt: Attempt, event: Go, now: Moment) -> Step:
    """Given back while its intent was being committed: the intent is withdrawn too.

    The same GiveBack again: both stores do it by the attempt's id and once only.
    """
    if attempt.dialed_at is not None:
        raise Bug(f"attempt {attempt.claimed.attempt_id} was dialed and is told to go again")
    return attempt, (GiveBack(attempt.claimed.attempt_id, attempt.stop_reason or STORE_FAILED),)


def alive_after_end(attempt: Attempt, event: Event, now: Moment) -> Step:
    """A person is on a line that nobody looks after: hang up."""
    return attempt, (order(attempt, CLEAR),)


def begun_after_end(attempt: Attempt, event: Event, now: Moment) -> Step:
    """Settled without having seen its hang-up, and now it begins: cancel before he answers."""
    seen = attempt.evidence
    if seen is not None and seen.channel and seen.cause != LOST and seen.reply is None:
        return attempt, ()
    return attempt, (order(attempt, attempt.killed or CANCEL),)
