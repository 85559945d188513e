"""What can happen to an attempt or to an operator: frozen values, named in the past tense.

The shell translates the wire into these; `attempts.TABLE` and `operators.TABLE` say which may
come in which state. Events of a leg carry nothing of the leg's name: the dispatcher has already
found whose they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from dialer.core.model import AttemptId, Evidence, LegId, OperatorId, Tone


class Event:
    """Base of all events; it holds nothing."""

    __slots__ = ()


# ------------------------------------------------------------------ attempts: our own steps


@dataclass(frozen=True, slots=True)
class Started(Event):
    """Preview: the operator who has the card wants the call; now its intent is committed."""


@dataclass(frozen=True, slots=True)
class Go(Event):
    """The intent is committed; the call may go out. `digits` is the phone in E.164."""

    digits: str


@dataclass(frozen=True, slots=True)
class Denied(Event):
    """The intent was refused, or could not be committed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Stop(Event):
    """We want the call gone before it is answered: a stop, a halt, an over-dial, a pause."""

    reason: str


@dataclass(frozen=True, slots=True)
class TimedOut(Event):
    """The deadline of the present state has passed."""


@dataclass(frozen=True, slots=True)
class LinkLost(Event):
    """The event socket is gone: what happens on the line is unknown until it is found again."""


# ------------------------------------------------------------------ attempts: the line


@dataclass(frozen=True, slots=True)
class Created(Event):
    """CHANNEL_CREATE: the leg exists now (a stop that came too early is repeated here)."""


@dataclass(frozen=True, slots=True)
class Progressed(Event):
    """180 (`early_media` False) or 183 with media (True)."""

    early_media: bool


@dataclass(frozen=True, slots=True)
class Answered(Event):
    """The far end picked up. Not yet safe to bridge (proofs 0.3)."""


@dataclass(frozen=True, slots=True)
class Ready(Event):
    """dialer::ready: the leg runs its own script and may be bridged."""


@dataclass(frozen=True, slots=True)
class Refused(Event):
    """The originate failed and there never was a channel; `reply` is the job's answer."""

    reply: str


@dataclass(frozen=True, slots=True)
class HungUp(Event):
    """CHANNEL_HANGUP_COMPLETE of this leg."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class MachineHeard(Event):
    """A machine answered, by the detector's verdict."""


@dataclass(frozen=True, slots=True)
class KeyPressed(Event):
    """A key during the recorded message."""

    digit: str


@dataclass(frozen=True, slots=True)
class OptedOut(Event):
    """The leg's own script heard the opt-out key in the message; we may have been away."""


# ------------------------------------------------------------------ hand-over (both sides)


@dataclass(frozen=True, slots=True)
class Paired(Event):
    """The ACD chose: for the attempt its operator, for the operator his attempt and its leg."""

    operator: OperatorId
    operator_leg: LegId
    attempt: AttemptId
    wrapup_s: float  # of the campaign, or of the operator's group
    max_talk_s: float
    beep: Tone | None = None


@dataclass(frozen=True, slots=True)
class Bridged(Event):
    """CHANNEL_BRIDGE of the two legs."""

    operator: OperatorId
    attempt: AttemptId


@dataclass(frozen=True, slots=True)
class OfferFailed(Event):
    """The hand-over did not come about, the customer's leg is alive and out of its script."""


@dataclass(frozen=True, slots=True)
class OperatorGone(Event):
    """The hand-over never began: the operator's leg is gone, the customer untouched."""


# ------------------------------------------------------------------ attempts: found again


@dataclass(frozen=True, slots=True)
class FoundRinging(Event):
    """Reconcile: the leg exists and is not answered."""


@dataclass(frozen=True, slots=True)
class FoundAnswered(Event):
    """Reconcile: the leg is answered, not bridged. `in_script`: its own script still runs."""

    in_script: bool
    answered_ago_s: float


@dataclass(frozen=True, slots=True)
class FoundTalking(Event):
    """Reconcile: the leg is bridged to this operator (None: to somebody that we don't know)."""

    operator: OperatorId | None
    attempt: AttemptId | None
    answered_ago_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Gone(Event):
    """Reconcile: the switch knows no such leg."""


# ------------------------------------------------------------------ operators


@dataclass(frozen=True, slots=True)
class LoginAsked(Event):
    """He wants to work: his phone is called."""

    leg: LegId


@dataclass(frozen=True, slots=True)
class LegUp(Event):
    """His leg is answered and parked for the first time (or was found parked)."""

    leg: LegId


@dataclass(frozen=True, slots=True)
class LegLost(Event):
    """His leg hung up, or could not be called; `new_leg` is the uuid to try next."""

    cause: str
    new_leg: LegId


@dataclass(frozen=True, slots=True)
class Parked(Event):
    """CHANNEL_PARK of his leg: free of any partner."""


@dataclass(frozen=True, slots=True)
class CallerGone(Event):
    """The customer vanished in the hand-over; the leg itself is well."""


@dataclass(frozen=True, slots=True)
class CallEnded(Event):
    """The talk is over."""


@dataclass(frozen=True, slots=True)
class Disposed(Event):
    """He has said what the talk came to."""


@dataclass(frozen=True, slots=True)
class PauseAsked(Event):
    """He wants a pause, at once or after this call."""

    reason: str


@dataclass(frozen=True, slots=True)
class ResumeAsked(Event):
    """He is back."""


@dataclass(frozen=True, slots=True)
class LogoutAsked(Event):
    """He goes home, at once or after this call."""
