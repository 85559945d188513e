"""One channel of the simulated switch: what it is, where it is in its life, whom it talks to.

Mutable and dumb: `legs`, `originate` and `hand_over` change it, `headers` shows it. Times are
epoch seconds, 0.0 = has not happened. `state` and `state_number` are the switch's own pair, the
number being the state that comes next (samples).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from dialer.sim.behaviour import CallPlan
from dialer.sim.clock import Timer
from dialer.sim.dial_string import Application

STATE_NUMBERS = {
    "CS_INIT": 2,
    "CS_SOFT_EXECUTE": 3,
    "CS_EXECUTE": 4,
    "CS_EXCHANGE_MEDIA": 5,
    "CS_PARK": 6,
    "CS_CONSUME_MEDIA": 7,
    "CS_HIBERNATE": 8,
    "CS_RESET": 9,
    "CS_HANGUP": 10,
    "CS_REPORTING": 11,
    "CS_DESTROY": 12,
}


class HandOver(Protocol):
    """What a channel knows of the hand-over that it is in."""

    def lost(self, channel: Channel) -> None:
        """This leg has hung up in the middle."""
        ...

    def cancel(self) -> None:
        """Another command took one of the legs away."""
        ...


@dataclass(slots=True, kw_only=True)
class Bridge:
    """Two legs that talk; `first` is the first argument of uuid_bridge."""

    first: Channel
    second: Channel
    began_at: float

    def other(self, channel: Channel) -> Channel:
        return self.second if channel is self.first else self.first


@dataclass(slots=True, kw_only=True)
class Playing:
    """A playback in progress; `then` runs when it has come to its end."""

    path: str
    began_at: float
    length_s: float
    then: Callable[[], None]


@dataclass(slots=True, kw_only=True)
class Channel:
    """A leg. `gateway` None = an operator's phone; `number` is what was dialed."""

    uuid: str
    session_id: int
    number: str
    domain: str
    gateway: str | None
    variables: dict[str, Any]
    plan: CallPlan
    draw: Random
    created_at: float
    caller_number: str
    caller_name: str
    script: tuple[Application, ...] | None
    target: str
    inline: bool
    name: str = ""
    nth: int = 1

    state: str = "CS_INIT"
    state_number: int = 2
    call_state: str = "DOWN"
    answer_state: str = "ringing"
    hit_dialplan: bool = False
    hangup_cause: str = ""

    caller_id: str = ""
    caller_id_name: str = ""
    callee_id: str = ""
    callee_id_name: str = "Outbound Call"
    profile_index: int = 1
    profile_created_at: float = 0.0
    transfer_source: str = ""
    call_uuid: str = ""

    attempt: str | None = None  # dialer_attempt, dialer_agent, dialer_instance as asked for
    agent: str | None = None
    instance: str | None = None
    visible: bool = False  # CHANNEL_CREATE is out
    invited: bool = False  # the INVITE has left for a carrier
    heard: bool = False  # the far end has said something (then a SIP Call-ID is known)
    progress_at: float = 0.0
    media_at: float = 0.0
    answered_at: float = 0.0
    bridged_at: float = 0.0
    ended_at: float = 0.0

    position: int = 0  # next step of the script
    playing: Playing | None = None
    parked: bool = False
    limbo: bool = False
    bridge: Bridge | None = None
    hand_over: HandOver | None = None
    other: Channel | None = None
    other_type: str = ""
    pending: Callable[[str], None] | None = None  # takes the originate's reply
    timers: dict[str, Timer] = field(default_factory=dict)
    recordings: dict[str, float] = field(default_factory=dict)
    listens_to: str = ""  # the leg on which this one eavesdrops
    bound_keys: dict[str, Application] = field(default_factory=dict)
    bridges: list[tuple[str, float, float]] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        return self.ended_at == 0.0

    @property
    def answered(self) -> bool:
        return self.answered_at > 0.0

    def variable(self, name: str) -> str:
        """A variable's text, "" where it is unset."""
        value = self.variables.get(name, "")
        return value if isinstance(value, str) else ""

    def true(self, name: str) -> bool:
        """As `switch_true`: yes, true, on, enabled, active, allow, or a non-zero number."""
        text = self.variable(name).lower()
        if text.lstrip("-").isdigit():
            return int(text) != 0
        return text in ("yes", "true", "on", "enabled", "active", "allow", "t", "y")

    def enter(self, state: str, following: str = "") -> None:
        """Go into a state; `following` names the one that is already asked for."""
        self.state = state
        self.state_number = STATE_NUMBERS[following or state]

    def set_timer(self, purpose: str, timer: Timer) -> None:
        self.cancel_timer(purpose)
        self.timers[purpose] = timer

    def cancel_timer(self, *purposes: str) -> None:
        for purpose in purposes:
            timer = self.timers.pop(purpose, None)
            if timer is not None:
                timer.cancel()

    def cancel_all_timers(self) -> None:
        for timer in self.timers.values():
            timer.cancel()
        self.timers.clear()

    def append_history(self, line: str) -> None:
        """`transfer_history` grows to an array with every transfer and bridge (proofs 2)."""
        history = self.variables.get("transfer_history")
        if history is None:
            self.variables["transfer_history"] = line
        elif isinstance(history, list):
            history.append(line)
        else:
            self.variables["transfer_history"] = [history, line]
        self.variables["transfer_source"] = line
        self.transfer_source = line
