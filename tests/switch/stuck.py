"""Somebody else's event-socket client that subscribes to everything and never reads (proofs 8).

The switch keeps 100,000 events for it; at 500 more it tries to send the client away while it
holds the lock of all listeners, and nobody gets events any more until that client is gone.
"""

from __future__ import annotations

import time
from types import TracebackType

import gevent
from gevent import socket

from tests.switch.instances import HOST, Instance
from tests.switch.wire import TIMEOUT_S, Wire

PULSE_S = 0.1
SILENCE_S = 4.0  # a busy machine is late by a second or two
FLOOD = "sendevent CUSTOM\nEvent-Subclass: test::flood"
AT_ONCE, CONNECTIONS = 500, 2


class StuckClient:
    """Connected, subscribed, deaf. A context: left, the client is gone."""

    def __init__(self, instance: Instance) -> None:
        self._sock = socket.socket()
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._sock.settimeout(TIMEOUT_S)
        self._sock.connect((HOST, instance.port))
        for command, answer in (
            (f"auth {instance.password}", b"+OK accepted"),
            ("event plain ALL", b"+OK event listener enabled"),
        ):
            self._sock.sendall(f"{command}\n\n".encode())
            heard = b""
            while answer not in heard:
                heard += self._sock.recv(4096)

    def __enter__(self) -> StuckClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sock.close()


class Pulse:
    """An own event every 0.1 s: when did the last one come back? (epoch seconds)"""

    def __init__(self, instance: Instance) -> None:
        self.last_at = time.time()
        self._say = instance.wire()
        self._hear = Wire(HOST, instance.port, instance.password, self._on_event)
        self._hear.subscribe("CUSTOM test::pulse", wake_every_s=0.01)
        self._greenlet = gevent.spawn(self._beat)

    def _on_event(self, event: object, arrived_s: float) -> None:
        self.last_at = time.time()

    def _beat(self) -> None:
        """Not waiting for answers: a blind switch may give none."""
        while True:
            self._say.begin("sendevent CUSTOM\nEvent-Subclass: test::pulse")
            gevent.sleep(PULSE_S)

    def silent_s(self) -> float:
        return time.time() - self.last_at

    def close(self) -> None:
        self._greenlet.kill()
        self._hear.close()
        self._say.close()


def flood(instance: Instance, pulse: Pulse, most: int = 150_000) -> int:
    """Events until nobody hears any more, or `most`; how many were sent.

    The senders are ended where they stand: once the switch is blind it may answer them no more.
    """
    sent = [0]

    def send() -> None:
        with instance.wire() as wire:
            while sent[0] < most:
                answers = [wire.begin(FLOOD) for _ in range(AT_ONCE)]
                sent[0] += AT_ONCE
                answers[-1].get()

    senders = [gevent.spawn(send) for _ in range(CONNECTIONS)]
    while pulse.silent_s() < SILENCE_S and not all(sender.dead for sender in senders):
        gevent.sleep(PULSE_S)
    gevent.killall(senders)
    for sender in senders:
        sender.get()
    return sent[0]
