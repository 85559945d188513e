"""The one result of an attempt: milestones and evidence -> facts -> verdict -> outcome. Pure.

`judge` gives the verdict (the caller lets `core.base.rounds` decide the next step from it),
then `outcome` puts all together. Durations come from our own monotonic milestones: the switch's
progressmsec is mostly 0 (proofs 6).
"""

from __future__ import annotations

from datetime import datetime

from dialer.core.calls.attempt_value import Attempt
from dialer.core.calls.causes import Facts, derive, hung_up_by
from dialer.core.model import (
    Disposition,
    Evidence,
    HungUpBy,
    Moment,
    Next,
    Outcome,
    Verdict,
)

#: R2.2: a live answer that has no operator so long after the answer is abandoned by us.
ABANDONED_AFTER_S = 2.0
#: R5.4: an answer shorter than this, not ended by us, is a suspected machine or instant
#: hang-up.
SHORT_ANSWER_MS = 3_000


def judge(attempt: Attempt, evidence: Evidence, now: Moment) -> Verdict:
    """What the ending means."""
    return derive(evidence, facts=facts_of(attempt, evidence, now))


def facts_of(attempt: Attempt, evidence: Evidence, now: Moment) -> Facts:
    """What our milestones say; `now` ends an attempt that has no `ended_at` yet."""
    ended_at = attempt.ended_at or now
    seen = attempt.answered_at is not None
    told = evidence.hangup_disposition or ""
    # Only an answered call ends with a BYE; a glare ends with send_cancel and has no answer.
    answered = seen or told.endswith("_bye")
    # Who hangs up in the moment of his answer has no CHANNEL_ANSWER (sample 29): if we looked
    # all the time, nothing was missed.
    at_once = told.startswith("recv_") and not attempt.blind
    return Facts(
        answered=answered,
        bridged=attempt.bridged_at is not None,
        abandoned=_abandoned(attempt, evidence, ended_at),
        machine=attempt.machine,
        unseen=answered and not seen and not at_once,
        rang=attempt.rang_at is not None or attempt.early_media_at is not None or attempt.blind,
        stop_reason=attempt.stop_reason,
        ring_ms=_ms(attempt.rang_at, attempt.answered_at or ended_at),
        elapsed_ms=_ms(attempt.dialed_at, attempt.answered_at or ended_at),
    )


def _abandoned(attempt: Attempt, evidence: Evidence, ended_at: Moment) -> bool:
    """In the message, or too long without an operator, or let go by us before that (R2.2).

    A machine that was heard in time is nobody whom we could abandon.
    """
    if attempt.answered_at is None or attempt.bridged_at is not None:
        return False
    if attempt.message_at is not None:
        return True
    if attempt.machine:
        return False
    if hung_up_by(evidence, Disposition.ABANDONED, answered=True) is HungUpBy.US:
        return True
    return ended_at.mono_s - attempt.answered_at.mono_s >= ABANDONED_AFTER_S


def outcome(
    attempt: Attempt, evidence: Evidence, verdict: Verdict, next_step: Next, now: Moment
) -> Outcome:
    """The result as it goes to the ledger."""
    claimed, entry = attempt.claimed, attempt.claimed.entry
    ended_at = attempt.ended_at or now
    picked_up_at = attempt.answered_at or ended_at
    talked = attempt.bridged_at is not None
    return Outcome(
        attempt_id=claimed.attempt_id,
        campaign=entry.campaign,
        contact_id=entry.contact_id,
        phone_id=entry.phone_id,
        number=claimed.number,
        number_day=claimed.number_day,
        gateway=claimed.gateway,
        verdict=verdict,
        evidence=evidence,
        next=next_step,
        dialed_at=_wall(attempt.dialed_at),
        rang_at=_wall(attempt.rang_at),
        answered_at=_wall(attempt.answered_at),
        bridged_at=_wall(attempt.bridged_at),
        ended_at=ended_at.wall,
        ring_ms=_ms(attempt.rang_at, picked_up_at),
        early_media_ms=_ms(attempt.early_media_at, picked_up_at),
        wait_ms=_ms(attempt.answered_at, attempt.bridged_at or ended_at),
        talk_ms=_ms(attempt.bridged_at, ended_at),
        operator=attempt.operator if talked else None,
        short_answer=_short_answer(attempt, verdict, ended_at),
        stop_reason=attempt.stop_reason,
        opt_out_key=attempt.opt_out,
    )


def _short_answer(attempt: Attempt, verdict: Verdict, ended_at: Moment) -> bool:
    answered_ms = _ms(attempt.answered_at, ended_at)
    if answered_ms is None and verdict.disposition is Disposition.SHORT_HANGUP:
        answered_ms = 0
    theirs = verdict.hung_up_by in (HungUpBy.THEM, HungUpBy.CARRIER)
    return theirs and answered_ms is not None and answered_ms < SHORT_ANSWER_MS


def _ms(start: Moment | None, end: Moment) -> int | None:
    return None if start is None else max(0, round((end.mono_s - start.mono_s) * 1000))


def _wall(moment: Moment | None) -> datetime | None:
    return None if moment is None else moment.wall
