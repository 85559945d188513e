"""The meeting place in memory: the same behaviour as `presence.RedisPresence`, for tests.

`clock_s` gives the seconds by which states expire; waiting is real (a condition), so a command
wakes its receiver at once.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any

from dialer.core.model import InstanceName, OperatorId
from dialer.hopper.presence import COMMAND_S, MOST_COMMANDS, REPLY_S, STATE_S
from dialer.ports import Command


class MemoryPresence:
    """Implements `ports.Presence` for the daemons and askers of one process."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._changed = threading.Condition()
        self._status: dict[InstanceName, tuple[float, dict[str, Any]]] = {}
        self._operators: dict[
            InstanceName, tuple[float, dict[OperatorId, Mapping[str, Any]]]
        ] = {}
        self._lists: dict[str, deque[Any]] = defaultdict(deque)
        self._lists_end_at: dict[str, float] = {}

    # ------------------------------------------------------------------ states

    def publish_operators(
        self, instance: InstanceName, states: Mapping[OperatorId, Mapping[str, Any]]
    ) -> None:
        copy = {operator: dict(state) for operator, state in states.items()}
        self._operators[instance] = (self._clock_s() + STATE_S, dict(copy))

    def publish_status(self, instance: InstanceName, status: Mapping[str, Any]) -> None:
        end_at = self._clock_s() + STATE_S
        self._status[instance] = (end_at, dict(status))
        if instance in self._operators and self._operators[instance][0] > self._clock_s():
            self._operators[instance] = (end_at, self._operators[instance][1])

    def statuses(self) -> Mapping[InstanceName, Mapping[str, Any]]:
        now_s = self._clock_s()
        return {
            name: status for name, (end_at, status) in self._status.items() if end_at > now_s
        }

    def operators(self) -> Mapping[OperatorId, Mapping[str, Any]]:
        now_s = self._clock_s()
        return {
            operator: state
            for end_at, states in self._operators.values()
            if end_at > now_s
            for operator, state in states.items()
        }

    def forget(self, instance: InstanceName) -> None:
        self._status.pop(instance, None)
        self._operators.pop(instance, None)
        self._lists.pop(f"commands:{instance}", None)

    # ------------------------------------------------------------------ commands

    def send(self, instance: InstanceName, command: Command) -> None:
        self._push(f"commands:{instance}", command, COMMAND_S)

    def receive(self, instance: InstanceName, timeout_s: float) -> Command | None:
        found: Command | None = self._wait(f"commands:{instance}", timeout_s)
        return found

    def reply(self, command_id: str, answer: Mapping[str, Any]) -> None:
        self._lists.pop(f"reply:{command_id}", None)
        self._push(f"reply:{command_id}", dict(answer), REPLY_S)

    def await_reply(self, command_id: str, timeout_s: float) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = self._wait(f"reply:{command_id}", timeout_s)
        return found

    def _push(self, name: str, item: Any, lives_s: float) -> None:
        with self._changed:
            self._drop_expired(name)
            items = self._lists[name]
            items.append(item)
            if len(items) > MOST_COMMANDS:
                items.popleft()
            self._lists_end_at[name] = self._clock_s() + lives_s
            self._changed.notify_all()

    def _wait(self, name: str, timeout_s: float) -> Any:
        with self._changed:
            self._changed.wait_for(lambda: bool(self._drop_expired(name)), timeout_s)
            items = self._drop_expired(name)
            return items.popleft() if items else None

    def _drop_expired(self, name: str) -> deque[Any]:
        items = self._lists[name]
        if self._lists_end_at.get(name, 0.0) <= self._clock_s():
            items.clear()
        return items
