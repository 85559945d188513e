"""A switch object that runs against the scripted switch."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import gevent
from gevent.queue import Queue

from dialer.core.model import (
    AttemptId,
    Gateway,
    GatewayName,
    InstanceName,
    Moment,
    NumberId,
)
from dialer.esl.commands import House
from dialer.esl.keeper import SocketSettings
from dialer.esl.switch import EventSocketSwitch
from dialer.ports import CustomerCall, SwitchEvent
from tests.rooms.esl.scripted import (
    PASSWORD,
    Connection,
    ScriptedSwitch,
)

SOON = 5.0
U = "11111111-2222-4333-8444-555555555555"
V = "66666666-7777-4888-9999-aaaaaaaaaaaa"
CALL = CustomerCall(
    attempt=AttemptId(U),
    digits="+79161234567",
    caller=NumberId("+74951230001"),
    gateway=GatewayName("mts"),
    ring_timeout_s=25,
    silence_ms=1800,
    message="abandoned.wav",
    max_talk_s=7200,
)
GATEWAYS = {
    GatewayName("mts"): Gateway(name=GatewayName("mts"), calls_per_s=5, calls_at_once=30)
}
Answer = Callable[[str, Connection], bytes | None]


class WallClock:
    def now(self) -> Moment:
        return Moment(time.monotonic(), datetime.now(UTC))


class Inbox:
    """Collects; `wait` gives the next event of a kind, whatever comes between."""

    def __init__(self) -> None:
        self.queue: Queue[SwitchEvent] = Queue()
        self.passed: list[str] = []

    def wait(self, kind: str) -> SwitchEvent:
        with gevent.Timeout(SOON):
            while True:
                event = self.queue.get()
                self.passed.append(event.kind)
                if event.kind == kind:
                    return event


def make(port: int, password: str = PASSWORD, **changes: Any) -> EventSocketSwitch:
    settings: dict[str, Any] = {
        "connect_timeout_s": 2.0,
        "reconnect_least_s": 0.001,
        "reconnect_most_s": 0.01,
        **changes,
    }
    return EventSocketSwitch(
        SocketSettings(host="127.0.0.1", port=port, password=password, **settings),
        house=House(instance=InstanceName("d1")),
        gateways=GATEWAYS,
        clock=WallClock(),
        chance=random.Random(7),
    )


@contextmanager
def running(
    answer: Answer = lambda command, wire: None, **changes: Any
) -> Iterator[tuple[EventSocketSwitch, ScriptedSwitch, Inbox]]:
    """Connected and seeing."""
    with ScriptedSwitch(answer) as scripted:
        switch, inbox = make(scripted.port, **changes), Inbox()
        switch.start(inbox.queue.put)
        try:
            inbox.wait("seeing")
            yield switch, scripted, inbox
        finally:
            switch.stop()


def of_leg(name: str, leg: str, **headers: object) -> dict[str, object]:
    return {
        "Event-Name": name,
        "Unique-ID": leg,
        "Event-Date-Timestamp": "1795535600489057",
        "variable_dialer_instance": "d1",
        **headers,
    }


def job_done(command: str, reply_text: str) -> dict[str, object]:
    text, _, job = command.partition("\nJob-UUID: ")
    return {
        "Event-Name": "BACKGROUND_JOB",
        "Job-UUID": job,
        "Job-Command": "originate",
        "Job-Command-Arg": text.removeprefix("bgapi originate "),
        "_body": reply_text,
    }
