"""The event-socket protocol itself. If it differs from the real one, the link's hardening is
tested against nothing: framing, order of replies, subscriptions, injections, refusals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import gevent
import pytest
from gevent import socket

from dialer.sim import connection
from dialer.sim.wire import CommandReader, Packet, TooLongError
from tests.rooms.sim.client import Client
from tests.rooms.sim.compare import SAMPLES
from tests.rooms.sim.conftest import CALM, Scene, pattern


def all_bytes(port: int, sent: bytes) -> bytes:
    """Everything that the server says until it closes."""
    plain = socket.create_connection(("127.0.0.1", port))
    plain.sendall(sent)
    received = b""
    while data := plain.recv(65536):
        received += data
    plain.close()
    return received


def test_a_wrong_password_is_answered_byte_for_byte_as_by_freeswitch(
    scene: Callable[..., Scene],
) -> None:
    recorded = (SAMPLES / "raw_wrong_password.server.bin").read_bytes()
    assert all_bytes(scene().switch.port, b"auth wrong\n\n") == recorded


def test_the_recorded_session_gets_the_recorded_replies(scene: Callable[..., Scene]) -> None:
    """The raw session's own commands; only uptime, counts and events' bodies may differ."""
    one = scene("busy", "answer")
    client = Client(one.switch.port, "simulated-switch")
    one.others.append(client)
    session = (SAMPLES / "raw_session.client.bin").read_bytes().decode()
    for command in session.split("\n\n")[1:]:
        if command.strip():
            client.send(command)
    client.until(lambda: client.closed)
    texts = [body or headers["Reply-Text"] for headers, body in client.replies[2:]]
    assert texts[0] == "+OK event listener enabled json"
    assert texts[1] == "false"
    assert "FreeSWITCH (Version 1.11.2" in texts[2]
    assert texts[3] == "-ERR command not found"
    assert texts[4] == "-ERR nosuchapi Command not found!\n"
    assert texts[5] == "-ERR No such channel!\n"
    assert texts[6] == "+OK filter added. [Event-Name]=[HEARTBEAT]"
    assert texts[7] == "+OK filter deleted. [all][]"
    assert texts[8] == "+OK Job-UUID: 00000000-0000-4000-8000-00000000abcd"
    assert texts[9].startswith('{"row_count":')
    assert texts[10] == "+OK bye"
    assert client.frames[-1] == "text/disconnect-notice"


def test_nothing_is_obeyed_before_the_password(scene: Callable[..., Scene]) -> None:
    one = scene("busy")
    received = all_bytes(
        one.switch.port,
        b"bgapi originate sofia/gateway/carrier/79160000001 &park()\n\nexit\n\n",
    )
    assert b"-ERR command not found" in received
    assert one.switch.exchange.channels == {}


def test_commands_may_arrive_in_any_pieces() -> None:
    stream = (
        b"\n\nauth x\r\n\r\n\nsendevent CUSTOM\nEvent-Subclass: a::b\ncontent-length: 4\n\n"
        + "äz\n".encode()
        + b"api status\n\n"
    )
    expected = [
        Packet("auth x", {}),
        Packet("sendevent CUSTOM", {"Event-Subclass": "a::b", "content-length": "4"}, "äz\n"),
        Packet("api status", {}),
    ]
    for size in (1, 2, 3, 7, len(stream)):
        reader, packets = CommandReader(), []
        for at in range(0, len(stream), size):
            packets += reader.feed(stream[at : at + size])
        assert [(p.command, p.body) for p in packets] == [(p.command, p.body) for p in expected]


@pytest.mark.parametrize("length", ["-1", "x", "99999999999"])
def test_a_nonsensical_length_ends_the_connection(length: str) -> None:
    with pytest.raises(TooLongError):
        CommandReader().feed(f"sendevent CUSTOM\nContent-Length: {length}\n\n".encode())


def test_a_line_break_in_a_value_is_a_second_command(scene: Callable[..., Scene]) -> None:
    """The daemon must refuse this; here it is as dangerous as on the real switch."""
    client = scene("busy").client
    client.send("api uuid_exists x\n\napi strepoch")
    assert client.reply()[1] == "false"
    assert client.reply()[1].isdigit()


def test_bare_newlines_are_answered_by_nothing(scene: Callable[..., Scene]) -> None:
    client = scene("busy").client
    client.socket.sendall(b"\n\n\n\napi strepoch\n\n\n\n")
    assert client.reply()[1].isdigit()
    assert client.api("uuid_exists x") == "false"
    assert len(client.replies) == 5


def test_events_come_only_to_those_who_asked(scene: Callable[..., Scene]) -> None:
    one = scene("busy")
    silent, nixed, narrow = one.another(), one.another(), one.another()
    nixed.command("event json CHANNEL_CREATE BACKGROUND_JOB CUSTOM dialer::tick")
    assert nixed.command("nixevent CHANNEL_CREATE CUSTOM dialer::tick") == "+OK events nixed"
    narrow.command("event json CHANNEL_CREATE BACKGROUND_JOB")
    narrow.command("noevents")
    narrow.command("event json CHANNEL_CREATE")
    one.call()
    one.job()
    nixed.event("BACKGROUND_JOB")
    narrow.event("CHANNEL_CREATE")
    assert silent.events == []
    assert nixed.names() == ["BACKGROUND_JOB"]
    assert narrow.names() == ["CHANNEL_CREATE"]
    assert silent.command("noevents") == "-ERR not listening for events"


def test_filters_are_or_and_hide_jobs_unless_named(scene: Callable[..., Scene]) -> None:
    """proofs 12: who filters by instance and forgets BACKGROUND_JOB never hears of failures."""
    one = scene("busy")
    mine, blind, other = one.another(), one.another(), one.another()
    for client, filters in (
        (mine, ["variable_dialer_instance i1", "Event-Name BACKGROUND_JOB"]),
        (blind, ["variable_dialer_instance i1"]),
        (other, ["Event-Name /.*/", "variable_dialer_instance -i1"]),
    ):
        client.command("event json CHANNEL_CREATE CHANNEL_DESTROY BACKGROUND_JOB")
        for text in filters:
            assert client.command(f"filter {text}").startswith("+OK filter added.")
    one.call()
    one.job()
    one.client.event("CHANNEL_DESTROY")
    mine.event("CHANNEL_DESTROY")
    blind.event("CHANNEL_DESTROY")
    other.event("BACKGROUND_JOB")
    assert sorted(mine.names()) == ["BACKGROUND_JOB", "CHANNEL_CREATE", "CHANNEL_DESTROY"]
    assert blind.names() == ["CHANNEL_CREATE", "CHANNEL_DESTROY"]
    assert other.names() == ["BACKGROUND_JOB"]


def test_an_own_tick_comes_back(scene: Callable[..., Scene]) -> None:
    """Without it the daemon can't tell a quiet switch from a blind one (proofs 8)."""
    one = scene("busy")
    sender = one.another()
    reply = sender.command(
        "sendevent CUSTOM\nEvent-Subclass: dialer::tick\nInstance: i1\nContent-Length: 3\n\nabc"
    )
    event = one.client.event("dialer::tick")
    assert (event["Instance"], event["_body"]) == ("i1", "abc")
    assert reply == f"+OK {event['Event-UUID']}"


def test_bytes_that_are_no_utf8_pass_through(scene: Callable[..., Scene]) -> None:
    one = scene("busy")
    one.client.socket.sendall(
        b"sendevent CUSTOM\nEvent-Subclass: dialer::tick\nName: \xff\xfe\xd0 bad\n\n"
    )
    name = one.client.event("dialer::tick")["Name"]
    assert name.encode("utf-8", "surrogateescape") == b"\xff\xfe\xd0 bad"


def test_api_originate_holds_up_its_connection_and_no_other(
    scene: Callable[..., Scene],
) -> None:
    one = scene(pattern("busy", dial_s=4.0))
    waiting = one.another()
    waiting.send("api originate sofia/gateway/carrier/79160000001 &park()")
    waiting.send("api strepoch")
    one.client.event("CHANNEL_CREATE")
    assert len(waiting.replies) == 2
    assert waiting.reply()[1] == "-ERR USER_BUSY\n"
    assert waiting.reply()[1].isdigit()


def test_a_lost_connection_leaves_the_calls_alone(scene: Callable[..., Scene]) -> None:
    """And the job begun on the dead connection is told to the living one (proofs 7)."""
    one = scene("answer")
    dying = one.another()
    dying.send(
        "bgapi originate {origination_uuid=c1,ignore_early_media=true}"
        "sofia/gateway/carrier/79160000001 &park()\nJob-UUID: j1"
    )
    dying.reply()
    one.client.event("CHANNEL_PROGRESS", "c1")
    dying.close()
    assert one.client.event("BACKGROUND_JOB", "j1")["_body"] == "+OK c1\n"
    one.client.event("CHANNEL_PARK", "c1")
    assert one.client.api("uuid_exists c1") == "true"


def test_events_may_wait_until_the_client_wakes_the_socket(scene: Callable[..., Scene]) -> None:
    """proofs 3: the switch looks at its queue only on bytes or after its poll."""
    ways = replace(CALM.ways, delivery_s=3600.0)
    one = scene("busy", ways=ways)
    one.client.send("bgapi originate sofia/gateway/carrier/79160000001 &park()")
    one.client.reply()
    x = one.switch.exchange
    while x.channels:
        gevent.sleep(0.01)
    assert one.client.events == []
    one.client.socket.sendall(b"\n")
    one.client.event("BACKGROUND_JOB")


def test_one_stuck_client_blinds_everybody_and_commands_still_work(
    scene: Callable[..., Scene],
) -> None:
    one = scene("busy")
    one.switch.exchange.hold_events(True)
    one.call()
    while one.switch.exchange.channels:
        assert one.client.api("status").startswith("UP ")
    assert one.client.events == []
    one.switch.exchange.hold_events(False)
    assert one.job() == "-ERR USER_BUSY\n"


def test_a_client_that_never_reads_blinds_everybody_until_it_is_gone(
    scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    """proofs 8: 100,000 events wait for it, 500 more are lost, then nobody hears anything.

    `bgapi` is carried out all the same, no `api` is answered; afterwards all events come.
    """
    monkeypatch.setattr(connection, "MOST_QUEUED", 50)
    monkeypatch.setattr(connection, "MOST_MISSED", 5)
    one = scene("busy")
    plain = socket.create_connection(("127.0.0.1", one.switch.port))
    plain.sendall(b"auth simulated-switch\n\nevent json CUSTOM dialer::tick\n\n")
    x = one.switch.exchange
    while len(x.listeners) < 2 or not x.listeners[1].wants("CUSTOM", "dialer::tick"):
        gevent.sleep(0.005)
    for number in range(400):
        x.fire("CUSTOM", {"Number": str(number), "Bulk": "x" * 65536}, "dialer::tick")
        # We read as we go: else it would be our own queue that overflows.
        while one.switch.sight.is_set() and len(one.client.events) <= number:
            gevent.sleep(0.001)
    assert not one.switch.sight.is_set()
    heard = len(one.client.events)
    assert heard < 400
    one.client.send("bgapi status")
    headers, _ = one.client.reply()
    assert headers["Reply-Text"].startswith("+OK Job-UUID")
    one.client.send("api status")
    monkeypatch.setattr(connection, "MOST_QUEUED", 100_000)  # now all of them come at once
    plain.close()
    one.client.until(lambda: len(one.client.events) >= 400)
    told = [e["Number"] for e in one.client.events if "Number" in e]
    assert told == [str(n) for n in range(400)]
    one.client.event("BACKGROUND_JOB")


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("linger", "-ERR not controlling a session"),
        ("event json", "-ERR no keywords supplied"),
        ("filter Event-Name", "-ERR invalid syntax"),
        ("api uuid_kill", "-USAGE: <uuid> [cause]\n"),
        ("api uuid_bridge a", "-USAGE: <uuid> <other_uuid>\n"),
        ("api uuid_bridge a b", "-ERR Invalid uuid\n"),
        ("api uuid_park a", "-ERR No such channel!\n"),
        ("api uuid_dump a json", "-ERR No such channel!\n"),
        ("api uuid_getvar a b", "-ERR No such channel!\n"),
        ("api uuid_setvar a b c", "-ERR No such channel!\n"),
        ("api uuid_setvar_multi a b=c", "-ERR No such channel!\n"),
        ("api uuid_transfer a b", "-ERR No such channel!\n"),
        ("api uuid_broadcast a b", "-ERR invalid uuid\n"),
        ("api uuid_record a start /x", "-ERR Cannot locate session!\n"),
        ("api uuid_recv_dtmf a 1", "-ERR Cannot locate session!\n"),
        ("api show channels as json", '{"row_count": 0}\n'),
        ("api show channels count", "\n0 total.\n"),
        ("api fsctl sps 77", "+OK sessions per second: 77\n"),
        ("api fsctl ready_check", "true"),
        ("api fsctl last_sps", "+OK last sessions per second: 0\n"),
        ("api fsctl nonsense", "-ERR Invalid command\nUSAGE: fsctl "),
        ("api sofia status gateway nosuch", "Invalid Gateway!\n"),
        ("api reloadxml", "+OK [Success]\n"),
        ("api originate", "-USAGE: <call url>"),
    ],
)
def test_replies_are_word_for_word(
    scene: Callable[..., Scene], command: str, reply: str
) -> None:
    assert scene("busy").client.command(command).startswith(reply)
