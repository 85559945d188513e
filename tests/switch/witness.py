"""The switch's own record of each channel, heard by a listener that knows nothing of dialers.

Instants are the switch's (epoch seconds, in steps of its 20 ms tick), None = never. Whether the
witness itself missed a channel is told by the switch's own count of sessions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.switch.instances import HOST, Instance
from tests.switch.wire import Wire

NAMES = (
    "CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER CHANNEL_PARK"
    " CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_HANGUP_COMPLETE"
)
_SESSIONS = re.compile(r"(\d+) session\(s\) since startup")


@dataclass(slots=True)
class Bridge:
    """A talk of this channel."""

    other: str
    since: float
    until: float | None = None


@dataclass(slots=True)
class Seen:
    """One channel. `attempt` and `operator` are the dialer's variables on it."""

    uuid: str
    number: str
    created_at: float
    attempt: str | None = None
    operator: str | None = None
    shown: str | None = None
    answered_at: float | None = None
    ended_at: float | None = None
    cause: str | None = None
    status: int | None = None
    hung_up_by: str | None = None
    bridges: list[Bridge] = field(default_factory=list)
    parked_at: list[float] = field(default_factory=list)


class Witness:
    """Listens from when it is made."""

    def __init__(self, instance: Instance) -> None:
        self.channels: dict[str, Seen] = {}
        self._commands = instance.wire()
        self._at_start = self._sessions()
        self._events = Wire(HOST, instance.port, instance.password, self._on_event)
        self._events.subscribe(NAMES, wake_every_s=0.01)

    def close(self) -> None:
        self._events.close()
        self._commands.close()

    # ------------------------------------------------------------------ questions

    def customers(self) -> list[Seen]:
        """Those of the dialer's attempts."""
        return [one for one in self.channels.values() if one.attempt is not None]

    def operators(self) -> list[Seen]:
        """Operators' legs, also those that have ended."""
        return [one for one in self.channels.values() if one.operator is not None]

    def talking(self) -> list[Seen]:
        """Customers in a talk now."""
        return [one for one in self.customers() if one.bridges and not one.bridges[-1].until]

    def missed(self) -> int:
        """Channels that the switch counted and this listener has not seen."""
        return self._sessions() - self._at_start - len(self.channels)

    def left_on_switch(self) -> list[str]:
        """`show channels`: uuids."""
        answer = json.loads(self._commands.api("show channels as json"))
        return [row["uuid"] for row in answer.get("rows", ())]

    def in_park(self, legs: Iterable[Seen]) -> list[str]:
        """Operators' legs that the switch itself says to be in park."""
        parked = []
        for leg in legs:
            answer = self._commands.api(f"uuid_dump {leg.uuid} json")
            dump = json.loads(answer) if answer.startswith("{") else {}
            application = dump.get("variable_current_application")
            if dump.get("Channel-State") == "CS_PARK" or application == "park":
                parked.append(leg.uuid)
        return parked

    def _sessions(self) -> int:
        found = _SESSIONS.search(self._commands.api("status"))
        assert found is not None
        return int(found[1])

    # ------------------------------------------------------------------ events

    def _on_event(self, event: dict[str, Any], arrived_s: float) -> None:
        name, at = event["Event-Name"], int(event["Event-Date-Timestamp"]) / 1e6
        if name in ("CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE"):
            self._talk(event, at, begins=name == "CHANNEL_BRIDGE")
            return
        seen = self._seen(event, at)
        if name == "CHANNEL_ANSWER":
            seen.answered_at = at
        elif name == "CHANNEL_PARK":
            seen.parked_at.append(at)
        elif name == "CHANNEL_HANGUP_COMPLETE":
            self._ended(seen, event, at)

    def _seen(self, event: dict[str, Any], at: float) -> Seen:
        uuid = event["Unique-ID"]
        seen = self.channels.get(uuid)
        if seen is None:
            number = event.get("Caller-Destination-Number", "")
            seen = self.channels[uuid] = Seen(uuid=uuid, number=number, created_at=at)
        seen.attempt = seen.attempt or event.get("variable_dialer_attempt")
        seen.operator = seen.operator or event.get("variable_dialer_agent")
        seen.shown = seen.shown or event.get("variable_origination_caller_id_number")
        return seen

    def _talk(self, event: dict[str, Any], at: float, *, begins: bool) -> None:
        both = event["Bridge-A-Unique-ID"], event["Bridge-B-Unique-ID"]
        for uuid, other in (both, both[::-1]):
            seen = self.channels.get(uuid)
            if seen is None:
                continue
            if begins:
                seen.bridges.append(Bridge(other, at))
            else:
                _close(seen, at)

    def _ended(self, seen: Seen, event: dict[str, Any], at: float) -> None:
        seen.ended_at, seen.cause = at, event.get("Hangup-Cause")
        status = event.get("variable_sip_term_status") or event.get(
            "variable_sip_invite_failure_status"
        )
        seen.status = int(status) if status else None
        seen.hung_up_by = event.get("variable_sip_hangup_disposition")
        _close(seen, at)


def _close(seen: Seen, at: float) -> None:
    """UNBRIDGE may come after the hang-up: the first of both ends the talk."""
    if seen.bridges and seen.bridges[-1].until is None:
        seen.bridges[-1].until = at
