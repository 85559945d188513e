"""The line: what the engine orders of the switch, and what it hears of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from dialer.core.model import (
    AttemptId,
    Gateway,
    GatewayName,
    LegId,
    NumberId,
    OperatorId,
    Supervision,
    Tone,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCall:
    """Everything that the originate of a customer needs; typed, so that nothing is escaped."""

    attempt: AttemptId
    digits: str  # E.164 with +
    caller: NumberId
    gateway: GatewayName
    ring_timeout_s: int
    silence_ms: int
    message: str  # file name from the configuration
    max_talk_s: int
    opt_out_key: str = ""  # one digit, heard by the leg's own script; "" = none


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCall:
    """The originate of an operator's persistent leg."""

    operator: OperatorId
    leg: LegId
    endpoint: str
    timeout_s: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorCall:
    """The originate of a supervisor's leg, which hears the operator's."""

    leg: LegId
    supervisor: str
    endpoint: str
    operator: OperatorId
    operator_leg: LegId
    timeout_s: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchEvent:
    """One event of the switch, translated: names of `esl.translate.KINDS`.

    `leg` is the channel; `other` the second leg of a bridge; `at` when the switch made it
    (epoch seconds). `data` holds the kind's own values (Evidence of a hang-up, reply of a job,
    ...).
    """

    kind: str
    leg: LegId | None = None
    other: LegId | None = None
    at: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLeg:
    """One channel of ours that exists now, from `show channels` and `uuid_dump`."""

    leg: LegId
    attempt: AttemptId | None  # variable dialer_attempt
    operator: OperatorId | None  # variable dialer_agent
    instance: str | None
    answered: bool
    parked: bool
    in_script: bool
    bridged_to: LegId | None
    created_at: float  # epoch seconds
    answered_at: float | None
    supervisor: str | None = None  # variable dialer_supervisor
    supervised: OperatorId | None = None  # variable dialer_supervised


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerStop:
    """Somebody called us back and pressed 9. `caller`: E.164, None = unknown."""

    call: LegId
    caller: str | None


class Switch(Protocol):
    """The telephone switch. Commands return when it has answered; events come by the inbox."""

    def start(self, inbox: Callable[[SwitchEvent], None]) -> None: ...

    def stop(self) -> None: ...

    def usable(self) -> bool:
        """Connected, and events really flow (own tick seen within 3 s): may we originate?"""
        ...

    def originate_customer(self, call: CustomerCall) -> None:
        """Accepted by the switch (its end comes as events). Raises LinkDown: maybe dialed."""
        ...

    def originate_operator(self, call: OperatorCall) -> None: ...

    def originate_supervisor(self, call: SupervisorCall) -> None: ...

    def supervise(self, leg: LegId, mode: Supervision) -> None:
        """Of a supervisor's leg that is up: who hears him."""
        ...

    def begin_bridge(self, operator_leg: LegId, customer_leg: LegId) -> Callable[[], object]:
        """Ordered before it returns and without a wait, so within the dispatcher's turn.

        Never raises; what is returned waits for the answer and raises as the others do.
        """
        ...

    def park(self, leg: LegId) -> None: ...

    def kill(self, leg: LegId, cause: str) -> None: ...

    def play_message(self, leg: LegId, message: str, opt_out_key: str) -> None: ...

    def opt_outs(self) -> Sequence[AttemptId]:
        """Whose key the switch remembers, from whichever daemon's life."""
        ...

    def forget_opt_out(self, attempt: AttemptId) -> None:
        """It stands in the ledger now."""
        ...

    def record(self, leg: LegId, path: str) -> None: ...

    def mask(self, leg: LegId, path: str, *, masked: bool) -> None:
        """Silence in the recording, or its end; the talk itself is not touched."""
        ...

    def announce(self, legs: Sequence[LegId], sound: str) -> None:
        """Mixed into what each of them hears; the bridge stays."""
        ...

    def beep(self, leg: LegId, tone: Tone) -> None:
        """Mixed into what this leg hears, and nobody else."""
        ...

    def clean(self, leg: LegId) -> None: ...

    def gateways_up(self) -> Mapping[GatewayName, bool]:
        """Each configured gateway as the switch sees it; an unknown one is down."""
        ...

    def caller_stops(self) -> Sequence[CallerStop]:
        """Kept by the switch until they are forgotten; some may be told more than once."""
        ...

    def forget_caller_stops(self, calls: Sequence[LegId]) -> None: ...

    def missing_sounds(self, names: Sequence[str]) -> Sequence[str]:
        """Those message files that the switch does not have."""
        ...

    def set_gateways(self, gateways: Mapping[GatewayName, Gateway]) -> None:
        """After a reload of the configuration."""
        ...

    def exists(self, leg: LegId) -> bool: ...

    def find(self, leg: LegId) -> FoundLeg | None: ...

    def find_all(self) -> Sequence[FoundLeg]:
        """Every channel that carries our instance's name."""
        ...

    def hang_up_all(self, cause: str, *, unanswered_only: bool) -> int: ...

    def health(self) -> dict[str, Any]:
        """Figures of the link for status and metrics, as JSON holds them."""
        ...
