"""The operators of a rehearsal: they log in by the same commands as people and note results.

Nothing here reaches into the daemon: a robot reads the published state and sends commands, as a
desk would.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import gevent
import structlog

from dialer.core.model import InstanceName, OperatorId
from dialer.errors import StoreError
from dialer.ports import Command, Presence

log = structlog.get_logger(__name__)

#: What talks come to, with weights (R4.3's statuses).
RESULTS = (("Decided", 12), ("Refused", 45), ("Call-back", 18), ("In progress", 25))
#: The share of cards that a robot skips (preview).
SKIPS = 0.1
#: How long a robot thinks over its note.
THINKS_S = (0.5, 4.0)


class Robots:
    """One greenlet for all; seeded, so that a rehearsal can be repeated."""

    def __init__(
        self,
        presence: Presence,
        instance: InstanceName,
        operators: Sequence[OperatorId],
        *,
        seed: int,
        time_scale: float,
    ) -> None:
        self._presence = presence
        self._instance = instance
        self._operators = operators
        self._chance = random.Random(seed)
        self._scale = time_scale
        self._noted: set[str] = set()

    def run(self) -> None:
        while True:
            try:
                known = self._presence.operators()
                for name in self._operators:
                    self._act(name, known.get(name, {}))
            except StoreError as error:
                log.debug("robots wait", error=str(error))
            gevent.sleep(0.25)

    def _act(self, name: OperatorId, seen: Mapping[str, Any]) -> None:
        if seen.get("state", "offline") == "offline":
            self.log_in(name)
        elif seen.get("card"):
            # Asked again at each look until the card is gone: a second start does no harm.
            verb = "skip" if self._chance.random() < SKIPS else "start"
            self._send(f"operator.{verb}", {"operator": name})
        elif seen["state"] == "wrapup" and seen["attempt"] not in self._noted:
            self._noted.add(str(seen["attempt"]))
            results = [name for name, _ in RESULTS]
            result = self._chance.choices(results, [weight for _, weight in RESULTS])[0]
            delay_s = self._chance.uniform(*THINKS_S) * self._scale
            words = {"operator": name, "attempt": seen["attempt"], "result": result}
            gevent.spawn_later(delay_s, self._send, "operator.dispose", words)

    def log_in(self, name: OperatorId) -> None:
        self._send("operator.login", {"operator": name})

    def _send(self, verb: str, words: Mapping[str, Any]) -> None:
        try:
            command = Command(id=str(uuid4()), verb=verb, words=words)
            self._presence.send(self._instance, command)
        except StoreError as error:
            log.debug("a robot was not heard", error=str(error))
