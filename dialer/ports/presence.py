"""Where daemons and commands meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from dialer.core.model import (
    InstanceName,
    OperatorId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Somebody asks the daemon for something: `verb` and its words; answered by `id`."""

    id: str
    verb: str  # operator.login | operator.pause | ... | halt | resume | stop_phone
    words: Mapping[str, Any]


class Presence(Protocol):
    """The meeting place of processes: operators' and daemons' states, commands, replies."""

    def publish_operators(
        self, instance: InstanceName, states: Mapping[OperatorId, Mapping[str, Any]]
    ) -> None: ...

    def publish_status(self, instance: InstanceName, status: Mapping[str, Any]) -> None: ...

    def statuses(self) -> Mapping[InstanceName, Mapping[str, Any]]: ...

    def operators(self) -> Mapping[OperatorId, Mapping[str, Any]]: ...

    def send(self, instance: InstanceName, command: Command) -> None: ...

    def receive(self, instance: InstanceName, timeout_s: float) -> Command | None: ...

    def reply(self, command_id: str, answer: Mapping[str, Any]) -> None: ...

    def await_reply(self, command_id: str, timeout_s: float) -> Mapping[str, Any] | None: ...

    def forget(self, instance: InstanceName) -> None: ...
