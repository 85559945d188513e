"""A link that is connected to the scripted switch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gevent.queue import Queue

from dialer.esl.link import HUNG_S, Link
from tests.rooms.esl.scripted import (
    PASSWORD,
    Connection,
    ScriptedSwitch,
)

SOON = 5.0  # an upper bound for what comes at once


@contextmanager
def linked(
    answer: Callable[[str, Connection], bytes | None] = lambda command, wire: None,
    *,
    hung_s: float = HUNG_S,
) -> Iterator[tuple[Link, ScriptedSwitch, Connection]]:
    with ScriptedSwitch(answer) as switch:
        link = Link("127.0.0.1", switch.port, PASSWORD, hung_s=hung_s)
        link.connect()
        wire = switch.connected.get(timeout=SOON)
        try:
            yield link, switch, wire
        finally:
            link.stop()


def names(link: Link) -> Queue[str]:
    got: Queue[str] = Queue()
    link.register_handle("*", lambda headers: got.put(headers.get("Event-Name")))
    return got
