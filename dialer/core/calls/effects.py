"""What a step orders; the performer carries it out through ports, outside the dispatcher.

An effect is a frozen value that holds all it needs: by the time it is performed the live value
may have moved on.
"""

from __future__ import annotations

from dataclasses import dataclass

from dialer.core.model import (
    AttemptId,
    Evidence,
    GatewayName,
    LegId,
    NumberId,
    OperatorId,
    Tone,
)


class Effect:
    """Base of all effects; it holds nothing."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Originate(Effect):
    """Call the customer. From here on "maybe dialed" is treated as dialed, for ever."""

    attempt: AttemptId
    digits: str
    number: NumberId
    gateway: GatewayName
    campaign: str


@dataclass(frozen=True, slots=True)
class KillCustomer(Effect):
    """Hang up the customer's leg; the cause says who wanted it, not what the phone is."""

    attempt: AttemptId
    cause: str  # ORIGINATOR_CANCEL | MANAGER_REQUEST | NORMAL_CLEARING | ALLOTTED_TIMEOUT


@dataclass(frozen=True, slots=True)
class PlayMessage(Effect):
    """The leg has left its script: send it into the recorded message and release."""

    attempt: AttemptId
    campaign: str


@dataclass(frozen=True, slots=True)
class Bridge(Effect):
    """Join them: operator first. Success is CHANNEL_BRIDGE, not the reply."""

    operator: OperatorId
    operator_leg: LegId
    attempt: AttemptId


@dataclass(frozen=True, slots=True)
class Rescue(Effect):
    """No bridge in time: look at both legs, park the operator's again, say what was found."""

    operator: OperatorId
    operator_leg: LegId
    attempt: AttemptId


@dataclass(frozen=True, slots=True)
class GiveBack(Effect):
    """The claim came to nothing before any call: lease and the number's count are returned."""

    attempt: AttemptId
    reason: str


@dataclass(frozen=True, slots=True)
class Settle(Effect):
    """The attempt has ended: exactly one result goes to the ledger, the lease is settled."""

    attempt: AttemptId
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class StopPhone(Effect):
    """The person pressed the key: never call this phone again, in force at once."""

    attempt: AttemptId


@dataclass(frozen=True, slots=True)
class StartRecording(Effect):
    """The talk has begun and this campaign records."""

    attempt: AttemptId


@dataclass(frozen=True, slots=True)
class Beep(Effect):
    """A customer is joined to him: he alone hears this tone."""

    operator: OperatorId
    leg: LegId
    tone: Tone


@dataclass(frozen=True, slots=True)
class CallOperator(Effect):
    """Call his phone and keep the leg parked."""

    operator: OperatorId
    leg: LegId
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class KillOperator(Effect):
    """Hang up his leg: he logs out, or the leg belongs to nobody."""

    operator: OperatorId
    leg: LegId


@dataclass(frozen=True, slots=True)
class ParkOperator(Effect):
    """Take his leg out of whatever it is in and park it."""

    operator: OperatorId
    leg: LegId


@dataclass(frozen=True, slots=True)
class CleanLeg(Effect):
    """After a talk: unset what grows with each bridge on a persistent leg (proofs 2)."""

    operator: OperatorId
    leg: LegId
