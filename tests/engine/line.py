"""The switch as a script: takes commands down, knows the legs that a test gives it, and answers
as it is told. Implements what the engine asks of `ports.Switch`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from dialer.core.model import (
    AttemptId,
    Evidence,
    Gateway,
    GatewayName,
    InstanceName,
    LegId,
    OperatorId,
    Supervision,
    Tone,
)
from dialer.errors import LinkDown
from dialer.ports import (
    CallerStop,
    CustomerCall,
    FoundLeg,
    OperatorCall,
    SupervisorCall,
    SwitchEvent,
)


class Line:
    """`said` are the commands in order; `errors` maps a verb to what it raises."""

    def __init__(self) -> None:
        self.inbox: Callable[[SwitchEvent], None] = lambda event: None
        self.said: list[tuple[str, ...]] = []
        self.dialed: list[CustomerCall] = []
        self.errors: dict[str, Exception] = {}
        self.legs: dict[LegId, FoundLeg] = {}
        self.spies: list[LegId] = []
        self.keys: list[AttemptId] = []  # opt-outs that the switch remembers
        self.callers: dict[LegId, CallerStop] = {}
        self.without_sounds: set[str] = set()
        self.told: dict[str, Any] = {}
        self.up = True
        self.gateways: Mapping[GatewayName, Gateway] = {}
        #: Called within `find_all`, after it has looked: what happens while we look.
        self.meanwhile: Callable[[], None] = lambda: None

    def _say(self, verb: str, *words: str) -> None:
        self.said.append((verb, *words))
        self._answer(verb)

    def _answer(self, verb: str) -> None:
        if verb in self.errors:
            raise self.errors[verb]
        if not self.up:
            raise LinkDown("no connection to the switch")

    def verbs(self, verb: str) -> list[tuple[str, ...]]:
        return [tuple(words) for first, *words in self.said if first == verb]

    # ------------------------------------------------------------------ legs of a test

    def has(self, leg: str, **changes: Any) -> None:
        """This leg exists now: answered and in nothing, unless told otherwise."""
        values: dict[str, Any] = {
            "leg": LegId(leg),
            "attempt": None,
            "operator": None,
            "instance": InstanceName("d1"),
            "answered": True,
            "parked": False,
            "in_script": False,
            "bridged_to": None,
            "created_at": 1.0,
            "answered_at": None,
        }
        self.legs[LegId(leg)] = FoundLeg(**{**values, **changes})

    def has_customer(self, leg: str, **changes: Any) -> None:
        self.has(leg, **{"attempt": AttemptId(leg), **changes})

    def has_operator(self, name: str, leg: str | None = None, **changes: Any) -> None:
        self.has(leg or f"leg-{name}", **{"operator": OperatorId(name), **changes})

    def change(self, leg: str, **changes: Any) -> None:
        self.legs[LegId(leg)] = replace(self.legs[LegId(leg)], **changes)

    def tell(
        self, kind: str, leg: str | None = None, *, other: str | None = None, **data: Any
    ) -> None:
        self.inbox(
            SwitchEvent(
                kind=kind,
                leg=None if leg is None else LegId(leg),
                other=None if other is None else LegId(other),
                data=data,
            )
        )

    def hang_up(self, leg: str, evidence: Evidence) -> None:
        self.legs.pop(LegId(leg), None)
        self.tell("hung_up", leg, evidence=evidence)

    # ------------------------------------------------------------------ the port

    def start(self, inbox: Callable[[SwitchEvent], None]) -> None:
        self.inbox = inbox

    def stop(self) -> None:
        self.inbox = lambda event: None

    def usable(self) -> bool:
        return self.up

    def originate_customer(self, call: CustomerCall) -> None:
        self._say("originate_customer", call.attempt)
        self.dialed.append(call)

    def originate_operator(self, call: OperatorCall) -> None:
        self._say("originate_operator", call.operator, call.leg)

    def originate_supervisor(self, call: SupervisorCall) -> None:
        self._say("originate_supervisor", call.endpoint, call.operator_leg)
        self.spies.append(call.leg)

    def supervise(self, leg: LegId, mode: Supervision) -> None:
        self._say("supervise", leg, mode.value)

    def begin_bridge(self, operator_leg: LegId, customer_leg: LegId) -> Callable[[], None]:
        """Said at once; what the switch answers is told when it is asked for."""
        self.said.append(("bridge", operator_leg, customer_leg))
        return partial(self._answer, "bridge")

    def park(self, leg: LegId) -> None:
        self._say("park", leg)

    def kill(self, leg: LegId, cause: str) -> None:
        self._say("kill", leg, cause)

    def play_message(self, leg: LegId, message: str, opt_out_key: str) -> None:
        self._say("play_message", leg, message, opt_out_key)

    def opt_outs(self) -> list[AttemptId]:
        self._say("opt_outs")
        return list(self.keys)

    def forget_opt_out(self, attempt: AttemptId) -> None:
        self._say("forget_opt_out", attempt)
        self.keys = [one for one in self.keys if one != attempt]

    def record(self, leg: LegId, path: str) -> None:
        self._say("record", leg, path)

    def mask(self, leg: LegId, path: str, *, masked: bool) -> None:
        self._say("mask" if masked else "unmask", leg, path)

    def announce(self, legs: Sequence[LegId], sound: str) -> None:
        self._say("announce", *legs, sound)

    def beep(self, leg: LegId, tone: Tone) -> None:
        self._say("beep", leg, f"{tone.frequency_hz} Hz {tone.length_ms} ms")

    def clean(self, leg: LegId) -> None:
        self._say("clean", leg)

    def gateways_up(self) -> Mapping[GatewayName, bool]:
        return {name: True for name in self.gateways}

    def caller_stops(self) -> list[CallerStop]:
        self._say("caller_stops")
        return list(self.callers.values())

    def forget_caller_stops(self, calls: Sequence[LegId]) -> None:
        self._say("forget_caller_stops", *calls)
        for call in calls:
            self.callers.pop(call, None)

    def missing_sounds(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name in self.without_sounds]

    def set_gateways(self, gateways: Mapping[GatewayName, Gateway]) -> None:
        self.gateways = gateways

    def exists(self, leg: LegId) -> bool:
        self._say("exists", leg)
        return leg in self.legs

    def find(self, leg: LegId) -> FoundLeg | None:
        self._say("find", leg)
        return self.legs.get(leg)

    def find_all(self) -> list[FoundLeg]:
        self._say("find_all")
        found = list(self.legs.values())
        self.meanwhile()
        return found

    def health(self) -> dict[str, Any]:
        return self.told
