"""Events reach their handlers: all of them, in order, whatever is in them."""

from __future__ import annotations

import re

import gevent
import pytest
from gevent.event import Event
from gevent.queue import Queue
from structlog.testing import capture_logs

from dialer.errors import Bug
from dialer.esl.link import CommandTimedOut, Link, WrongPassword
from tests.rooms.esl.linked import SOON, linked, names
from tests.rooms.esl.scripted import (
    NOTHING,
    ScriptedSwitch,
    event,
)

# ------------------------------------------------------------------ events


def test_a_handlers_mistake_does_not_deafen_us():
    with linked() as (link, _, wire):
        got: Queue[int] = Queue()

        def handler(headers: dict[str, int]) -> None:
            got.put(headers["n"])
            raise KeyError("a mistake")

        link.register_handle("*", handler)
        with capture_logs() as logs:
            for n in range(20):
                wire.write(event({"Event-Name": "X", "n": n}))
            assert [got.get(timeout=SOON) for _ in range(20)] == list(range(20))
            assert link.send("api still alive", SOON) == "+OK"
        assert link.handler_failures == 20
        assert [line["event"] for line in logs] == ["event handler failed"] * 20


def test_undecodable_events_are_counted_and_the_next_one_is_read():
    with linked() as (link, _, wire):
        got = names(link)
        wire.write(event(b"{broken") + event(b"[]") + event({"Event-Name": "GOOD"}))
        assert got.get(timeout=SOON) == "GOOD"
        assert link.undecodable == 2


def test_hostile_names_forge_nothing():
    with linked() as (link, _, wire):
        got: Queue[dict[str, str]] = Queue()
        link.register_handle("*", got.put)
        for name in (rb"a\nReply-Text: +OK", b"%0AUnique-ID: forged", b"\xff\xfe", rb"\ud800"):
            wire.write(event(b'{"Event-Name": "X", "Caller": "' + name + b'"}'))
            assert set(got.get(timeout=SOON)) == {"Event-Name", "Caller"}


def test_what_came_before_the_end_is_handled_and_the_end_is_told_once():
    with linked() as (link, _, wire):
        got = names(link)
        ends: Queue[str] = Queue()
        link.register_handle("DISCONNECT", ends.put)
        wire.write(b"".join(event({"Event-Name": f"E{n}"}) for n in range(100)))
        wire.cut()
        assert ends.get(timeout=SOON) == "closed by the switch"
        assert got.qsize() == 100
        link.stop()
        assert ends.empty()


@pytest.mark.parametrize("cut", [1, 30, 60, 61, 70])
def test_an_end_inside_a_frame_is_the_end(cut: int):
    """As shipped, greenswitch turned it into a loop that froze the whole process."""
    with linked() as (link, _, wire):
        got = names(link)
        whole = event({"Event-Name": "X", "a": "b" * 20})
        wire.write(whole[:cut])
        wire.cut()
        assert link.ended.wait(SOON)
        assert got.empty()


def test_custom_events_go_by_their_subclass():
    with linked() as (link, _, wire):
        ours: Queue[object] = Queue()
        others = names(link)
        link.register_handle("dialer::ready", ours.put)
        wire.write(event({"Event-Name": "CUSTOM", "Event-Subclass": "dialer::ready"}))
        wire.write(event({"Event-Name": "CHANNEL_PARK"}))
        assert others.get(timeout=SOON) == "CHANNEL_PARK"
        assert ours.qsize() == 1


def test_stop_inside_a_handler_returns():
    with linked() as (link, _, wire):
        stopped = Event()

        def handler(headers: object) -> None:
            link.stop()
            stopped.set()

        link.register_handle("*", handler)
        wire.write(event({"Event-Name": "X"}))
        assert stopped.wait(SOON)
        assert link.ended.wait(SOON)


def test_a_handler_cannot_wait_for_a_reply():
    with linked() as (link, _, wire):
        errors: Queue[Bug] = Queue()

        def handler(headers: object) -> None:
            with pytest.raises(Bug) as caught:
                link.send("api x", SOON)
            errors.put(caught.value)

        link.register_handle("*", handler)
        wire.write(event({"Event-Name": "X"}))
        assert "handler" in str(errors.get(timeout=SOON))


def test_a_flood_of_events_leaves_room_for_others():
    """A burst after a freeze must not stop the dispatcher's clock."""
    with linked() as (link, _, wire):
        turns = [0]
        seen: list[int] = []
        link.register_handle("*", lambda headers: seen.append(turns[0]))

        def others() -> None:
            while True:
                turns[0] += 1
                gevent.sleep(0)

        ticking = gevent.spawn(others)
        wire.write(event({"Event-Name": "X"}) * 1000)
        while len(seen) < 1000:
            gevent.sleep(0)
        ticking.kill()
        in_a_row = max(seen.count(turn) for turn in set(seen))
        assert in_a_row <= 50


def test_errors_never_show_a_number_or_the_password():
    with linked(lambda c, w: NOTHING if c.startswith(("api", "bgapi")) else None) as (
        link,
        _,
        _,
    ):
        with pytest.raises(CommandTimedOut) as caught:
            link.send("bgapi originate {a=b}sofia/gateway/x/79161234567 &park()", 0.01)
        assert not re.search(r"\d{5}", str(caught.value))
    with ScriptedSwitch() as switch, pytest.raises(WrongPassword) as refused:
        Link("127.0.0.1", switch.port, "s3cret").connect()
    assert "s3cret" not in str(refused.value)
