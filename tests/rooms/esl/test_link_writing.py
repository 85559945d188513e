"""What is written to the switch: nothing half, nothing glued, nothing injected."""

from __future__ import annotations

import os
from collections.abc import Iterator

import gevent
import pytest
from gevent import socket
from gevent.event import Event
from gevent.server import StreamServer

from dialer.errors import Bug, LinkDown
from dialer.esl.link import Link, NotSent
from tests.rooms.esl.linked import SOON, linked
from tests.rooms.esl.scripted import (
    PASSWORD,
    port_of,
)

# ------------------------------------------------------------------ writing


@pytest.mark.parametrize("text", ["api a\n\napi hupall", "api a\rb", "api a\0b", ""])
def test_nothing_is_written_of_what_would_break_the_wire(text: str):
    with linked() as (link, switch, _):
        with pytest.raises(Bug):
            link.send(text, SOON)
        link.send("api uuid_kill a", SOON)
        assert switch.commands.get(timeout=SOON) == "api uuid_kill a"
        assert switch.commands.empty()


class Deaf:
    """Greets and authenticates, then never reads again."""

    def __init__(self) -> None:
        self.end = Event()
        self.server = StreamServer(("127.0.0.1", 0), self.serve)

    def serve(self, sock: socket.socket, address: object) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(b"Content-Type: auth/request\n\n")
        sock.recv(4096)
        sock.sendall(b"Content-Type: command/reply\nReply-Text: +OK accepted\n\n")
        self.end.wait(SOON)
        sock.close()


@pytest.fixture
def full() -> Iterator[Link]:
    """A link whose switch reads nothing and whose buffers are full."""
    deaf = Deaf()
    deaf.server.start()
    link = Link("127.0.0.1", port_of(deaf.server), PASSWORD)
    link.connect()
    link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    try:
        yield link
    finally:
        deaf.end.set()
        link.stop()
        deaf.server.stop()


class Halting:
    """A socket that takes `most` bytes more and then no more, as a full one does."""

    def __init__(self, sock: socket.socket, most: int) -> None:
        self._sock = sock
        self._most = most

    def send(self, data: memoryview) -> int:
        if not self._most:
            Event().wait(SOON)
        taken = min(self._most, len(data))
        self._most -= taken
        return self._sock.send(data[:taken])

    def __getattr__(self, name: str) -> object:
        return getattr(self._sock, name)


def test_a_half_written_command_closes_the_link():
    """The rest of it would be glued to the next command."""
    with linked() as (link, _, _):
        link.sock = Halting(link.sock, 10)
        with pytest.raises(LinkDown, match="does not read") as caught:
            link.send("api uuid_kill a", 0.02)
        assert not isinstance(caught.value, NotSent)
        assert link.ended.wait(SOON)
        assert link.why_ended == "a command was half written"


def test_a_caller_killed_in_the_middle_of_a_write_closes_the_link():
    with linked() as (link, _, _):
        link.sock = Halting(link.sock, 10)
        victim = gevent.spawn(link.send, "api uuid_kill a", SOON)
        while not link.in_flight():
            gevent.sleep(0)
        victim.kill()
        assert link.ended.wait(SOON)


def test_a_command_of_which_nothing_left_is_surely_not_carried_out():
    """It may be said again: nobody is called twice by that."""
    with linked() as (link, switch, _):
        real, link.sock = link.sock, Halting(link.sock, 0)
        with pytest.raises(NotSent):
            link.send("api uuid_kill a", 0.02)
        link.sock = real
        assert link.send("api uuid_kill b", SOON) == "+OK"
        assert switch.commands.get(timeout=SOON) == "api uuid_kill b"
        assert switch.commands.empty()


def test_waking_a_frozen_switch_never_waits(full: Link):
    with pytest.raises(BlockingIOError):
        while True:
            os.write(full.sock.fileno(), b"x" * 65536)
    with gevent.Timeout(SOON):
        for _ in range(100):
            full.wake()
    assert full.connected


def test_a_wake_is_a_bare_newline_and_never_inside_a_command():
    with linked() as (link, switch, wire):
        for n in range(50):
            link.wake()
            link.send(f"api {n}", SOON)
        assert [switch.commands.get(timeout=SOON) for _ in range(50)] == [
            f"api {n}" for n in range(50)
        ]
        assert wire.newlines == 50
        link._writing.acquire()
        link.wake()
        link._writing.release()
        link.send("api end", SOON)
        assert wire.newlines == 50


# ------------------------------------------------------------------ written at once


def test_a_hand_over_is_on_its_way_before_anybody_else_runs():
    """The dispatcher's turn does not yield: what waited behind it would be heard as silence."""
    with linked() as (link, switch, _):
        others = gevent.spawn(link.send, "api later", SOON)
        answered = link.begin("api uuid_bridge a b", SOON)
        assert link.in_flight() == 1
        assert answered() == "+OK"
        others.join()
        said = [switch.commands.get(timeout=SOON) for _ in range(2)]
        assert said == ["api uuid_bridge a b", "api later"]


def test_a_hand_over_does_not_wait_behind_the_limit_of_commands_in_flight():
    with linked() as (link, _, _):
        while link._in_flight.acquire(blocking=False):
            pass
        assert link.begin("api uuid_bridge a b", SOON)() == "+OK"


def test_a_hand_over_waits_for_a_command_that_is_half_out():
    """Written into it, both would be garbage."""
    with linked() as (link, _, _):
        real, link.sock = link.sock, Halting(link.sock, 4)
        first = gevent.spawn(link.send, "api a", SOON)
        while not link.in_flight():
            gevent.sleep(0)
        answered = link.begin("api uuid_bridge a b", SOON)
        assert link.in_flight() == 1
        link.sock = real
        first.kill()  # the link is closed then: half a command can't be taken back
        with pytest.raises(LinkDown):
            answered()


def test_a_hand_over_to_a_full_socket_waits_and_is_surely_not_carried_out(full: Link):
    with pytest.raises(BlockingIOError):
        while True:
            os.write(full.sock.fileno(), b"x" * 65536)
    answered = full.begin("api uuid_bridge a b", 0.02)
    assert full.in_flight() == 0
    with pytest.raises(NotSent):
        answered()


def test_a_hand_over_on_a_closed_link_says_so_when_it_is_asked():
    with linked() as (link, _, _):
        link.stop()
        answered = link.begin("api uuid_bridge a b", SOON)
        with pytest.raises(NotSent):
            answered()
