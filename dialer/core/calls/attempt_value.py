"""An attempt: one call to one phone, from its claim to its one result. The value, no behaviour.

Milestones are kept as they were first seen; every duration of the result is made from them, by
the monotonic clock (the switch's own milliseconds are unreliable: proofs 6). `deadline_at` is
set in every state but ENDED: whatever the switch forgets to say, the attempt ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from dialer.core.calls.acd import WaitingCustomer
from dialer.core.model import (
    Campaign,
    Claimed,
    Evidence,
    LegId,
    Moment,
    OpenAttempt,
    OperatorId,
)

#: Seconds that a state may last; what each is for stands where it is used (`attempt_steps`).
CLAIM_S = 10.0
DIAL_GRACE_S = 5.0
REFUSED_S = 2.0
KILL_GRACE_S = 5.0
GONE_GRACE_S = 2.0
READY_S = 2.0
MESSAGE_S = 60.0
OFFER_S = 0.5
RESCUE_S = 3.0
TALK_GRACE_S = 10.0
ADRIFT_S = 60.0


class AttemptState(StrEnum):
    """What the line does (docs/architecture.md 4)."""

    SHOWN = "shown"  # preview: on an operator's card; nothing is committed, nothing dialed
    CLAIMED = "claimed"
    DIALING = "dialing"
    RINGING = "ringing"
    WAITING = "waiting"  # answered, in its script's silence, no operator yet
    MESSAGE = "message"  # abandoned by us: hears who called; the line is still open
    OFFERED = "offered"
    TALKING = "talking"
    ADRIFT = "adrift"  # out of sight: the link was lost, or we were started again
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRules:
    """What a call keeps of its campaign; a reload changes only later calls."""

    ring_timeout_s: int = 25
    silence_ms: int = 1800
    max_talk_s: float = 7200.0
    opt_out_key: str = "9"
    record: bool = False
    card_s: float = 60.0

    @classmethod
    def of(cls, campaign: Campaign) -> CallRules:
        return cls(
            ring_timeout_s=campaign.ring_timeout_s,
            silence_ms=campaign.silence_ms,
            max_talk_s=campaign.max_talk_s,
            opt_out_key=campaign.opt_out_key,
            record=campaign.record,
            card_s=campaign.card_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One live or ended attempt.

    `created`: its channel has been seen. `in_script`: the dead man's script still runs on its
    leg, so the message plays by itself. `killed`: the cause with which we ordered a hang-up, or
    would have: its leg is gone; either way its HungUp is awaited and nobody is paired with it.
    `refusal`: the job's answer, while the hang-up that must follow is awaited. `blind`: it was
    out of sight for a while, so it may have rung or more without our seeing. `meant_for`: who
    has started it himself (preview), and is kept for it.
    """

    claimed: Claimed
    rules: CallRules
    state: AttemptState
    deadline_at: float | None
    claimed_at: Moment
    dialed_at: Moment | None = None
    rang_at: Moment | None = None
    early_media_at: Moment | None = None
    answered_at: Moment | None = None
    ready_at: Moment | None = None
    offered_at: Moment | None = None
    bridged_at: Moment | None = None
    message_at: Moment | None = None
    ended_at: Moment | None = None
    operator: OperatorId | None = None
    operator_leg: LegId | None = None
    meant_for: OperatorId | None = None
    created: bool = False
    in_script: bool = False
    rescued: bool = False
    machine: bool = False
    blind: bool = False
    stop_reason: str | None = None
    killed: str | None = None
    refusal: str | None = None
    keys: str = ""
    opt_out: bool = False
    evidence: Evidence | None = None


def claim(claimed: Claimed, rules: CallRules, now: Moment) -> Attempt:
    """A fresh claim; the intent is being committed (longer than 10 s: it is given back)."""
    return Attempt(
        claimed=claimed,
        rules=rules,
        state=AttemptState.CLAIMED,
        deadline_at=now.mono_s + CLAIM_S,
        claimed_at=now,
    )


def show(claimed: Claimed, rules: CallRules, operator: OperatorId, now: Moment) -> Attempt:
    """A fresh claim on this operator's card: he starts the call or skips it (R3.1)."""
    return Attempt(
        claimed=claimed,
        rules=rules,
        state=AttemptState.SHOWN,
        deadline_at=now.mono_s + rules.card_s,
        claimed_at=now,
        meant_for=operator,
    )


def adopt(found: OpenAttempt, rules: CallRules, now: Moment) -> Attempt:
    """An attempt that the ledger holds open after a restart: maybe dialed, so dialed."""
    dialed_at = before(now, (now.wall - found.committed_at).total_seconds())
    return Attempt(
        claimed=found.claimed,
        rules=rules,
        state=AttemptState.ADRIFT,
        deadline_at=now.mono_s + ADRIFT_S,
        claimed_at=dialed_at,
        dialed_at=dialed_at,
        blind=True,
    )


def before(now: Moment, ago_s: float) -> Moment:
    """The moment so many seconds ago (never later than now)."""
    past_s = max(0.0, ago_s)
    return Moment(now.mono_s - past_s, now.wall - timedelta(seconds=past_s))


def message_due_s(attempt: Attempt) -> float:
    """When the silence of the customer's script ends and the message begins (monotonic s)."""
    start = attempt.ready_at or attempt.answered_at or attempt.claimed_at
    return start.mono_s + attempt.rules.silence_ms / 1000.0


def may_be_paired(attempt: Attempt) -> bool:
    """Answered, its script has said that it runs (proofs 0.3), and we don't want it gone."""
    return (
        attempt.state is AttemptState.WAITING
        and attempt.ready_at is not None
        and attempt.killed is None
        and attempt.stop_reason is None
    )


def waiting_key(attempt: Attempt) -> tuple[float, str]:
    """The place in the line: oldest answer first. A failed offer keeps it: head of the line."""
    answered_at = attempt.answered_at or attempt.claimed_at
    return answered_at.mono_s, attempt.claimed.attempt_id


def waiting_customer(attempt: Attempt) -> WaitingCustomer:
    """The attempt as the ACD sees it."""
    return WaitingCustomer(
        attempt=attempt.claimed.attempt_id,
        answered_at_s=waiting_key(attempt)[0],
        meant_for=attempt.meant_for,
    )
