"""The meeting place of processes on Redis: states to see, commands, replies (`ports.Presence`).

Everything here expires by itself, so that a dead daemon neither looks alive nor finds old
orders when it comes back. Commands are delivered at most once: who sends one waits for its
reply, and asks again when none comes. `receive` and `await_reply` hold a connection while they
wait: give this class a client of its own, never the one that claims.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, cast

import orjson
import redis
import structlog

from dialer.core.model import InstanceName, OperatorId
from dialer.hopper.client import translated
from dialer.hopper.keys import Keys
from dialer.ports import Command

log = structlog.get_logger(__name__)

STATE_S = 10  # a daemon tells its state each second or so
COMMAND_S = 60  # nobody waits longer for an order to be carried out
REPLY_S = 60
MOST_COMMANDS = 1000
#: One blocking look; shorter than the client's socket time-out.
LOOK_S = 1.0


class RedisPresence:
    """Publishes, looks, sends and receives. Safe to use from many greenlets."""

    def __init__(self, client: redis.Redis, keys: Keys | None = None) -> None:
        self._client = client
        self._keys = keys or Keys()

    # ------------------------------------------------------------------ states

    def publish_operators(
        self, instance: InstanceName, states: Mapping[OperatorId, Mapping[str, Any]]
    ) -> None:
        """The whole picture of this instance: who is not in it is gone."""
        key = self._keys.operators(instance)
        packed = {operator: orjson.dumps(dict(state)) for operator, state in states.items()}
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.delete(key)
            if packed:
                steps.hset(key, mapping=cast("dict[Any, Any]", packed))
                steps.expire(key, STATE_S)
            steps.sadd(self._keys.instances, instance)
            steps.execute()

    def publish_status(self, instance: InstanceName, status: Mapping[str, Any]) -> None:
        """Seen for 10 s; it keeps the operators' states in sight, too."""
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.set(self._keys.status(instance), orjson.dumps(dict(status)), ex=STATE_S)
            steps.expire(self._keys.operators(instance), STATE_S)
            steps.sadd(self._keys.instances, instance)
            steps.execute()

    def statuses(self) -> Mapping[InstanceName, Mapping[str, Any]]:
        with translated():
            names = self._instances()
            if not names:
                return {}
            found = self._client.mget([self._keys.status(name) for name in names])
        return {
            name: orjson.loads(packed)
            for name, packed in zip(names, found, strict=True)
            if packed is not None
        }

    def operators(self) -> Mapping[OperatorId, Mapping[str, Any]]:
        with translated():
            names = self._instances()
            with self._client.pipeline(transaction=False) as steps:
                for name in names:
                    steps.hgetall(self._keys.operators(name))
                found = steps.execute()
        return {
            OperatorId(operator.decode()): orjson.loads(packed)
            for states in found
            for operator, packed in states.items()
        }

    def forget(self, instance: InstanceName) -> None:
        """It has ended in order: it and its operators are out of sight at once."""
        keys = self._keys
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.delete(
                *(keys.status(instance), keys.operators(instance), keys.commands(instance))
            )
            steps.srem(keys.instances, instance)
            steps.execute()

    def _instances(self) -> list[InstanceName]:
        names = cast("set[bytes]", self._client.smembers(self._keys.instances))
        return sorted(InstanceName(name.decode()) for name in names)

    # ------------------------------------------------------------------ commands

    def send(self, instance: InstanceName, command: Command) -> None:
        key = self._keys.commands(instance)
        packed = orjson.dumps((command.id, command.verb, dict(command.words)))
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.lpush(key, packed)
            steps.ltrim(key, 0, MOST_COMMANDS - 1)
            steps.expire(key, COMMAND_S)
            steps.execute()

    def receive(self, instance: InstanceName, timeout_s: float) -> Command | None:
        """The oldest command, or None after `timeout_s`. What cannot be read is dropped."""
        packed = self._wait(self._keys.commands(instance), timeout_s)
        if packed is None:
            return None
        try:
            key, verb, words = orjson.loads(packed)
            return Command(id=str(key), verb=str(verb), words=dict(words))
        except (orjson.JSONDecodeError, TypeError, ValueError):
            log.warning("unreadable command dropped", instance=instance, size=len(packed))
            return None

    def reply(self, command_id: str, answer: Mapping[str, Any]) -> None:
        key = self._keys.reply(command_id)
        with translated(), self._client.pipeline(transaction=True) as steps:
            steps.delete(key)
            steps.lpush(key, orjson.dumps(dict(answer)))
            steps.expire(key, REPLY_S)
            steps.execute()

    def await_reply(self, command_id: str, timeout_s: float) -> Mapping[str, Any] | None:
        """The answer, once. None after `timeout_s`: nobody can tell whether it was done."""
        packed = self._wait(self._keys.reply(command_id), timeout_s)
        return None if packed is None else cast("dict[str, Any]", orjson.loads(packed))

    def _wait(self, key: str, timeout_s: float) -> bytes | None:
        """The last element of the list, waiting in looks shorter than the socket's time-out."""
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = deadline - time.monotonic()
            with translated():
                if left_s <= 0.01:  # BRPOP takes 0 for ever
                    return cast("bytes | None", self._client.rpop(key))
                found = self._client.brpop([key], timeout=min(left_s, LOOK_S))
            if found is not None:
                return cast("bytes", found[1])
