"""The link to the switch under everything a network and a switch can do to it.

What a user would lose: a daemon that hangs for ever, answers that belong to another command, a
second command injected by a name, events that die with one bad byte.
"""

from __future__ import annotations

import gevent
import pytest
from gevent import socket
from gevent.event import Event
from gevent.queue import Queue
from gevent.server import StreamServer

from dialer.errors import CommandRefused, LinkDown
from dialer.esl.link import CommandTimedOut, Link, NotSent, WrongPassword
from tests.rooms.esl.linked import SOON, linked, names
from tests.rooms.esl.scripted import (
    NOTHING,
    PASSWORD,
    SAMPLES,
    Connection,
    ScriptedSwitch,
    port_of,
    response,
)

# ------------------------------------------------------------------ a real switch's bytes


def play(size: int) -> tuple[list[str], list[str], str]:
    """The recorded session over a socket, cut into `size` bytes: replies, events, the end."""
    said = (SAMPLES / "raw_session.server.bin").read_bytes()
    index = (SAMPLES / "raw_session.index.txt").read_text().splitlines()
    turns = [line.split() for line in index if not line.startswith("#")]

    def serve(sock: socket.socket, address: object) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for side, start, length in turns:
            if side == "client":
                awaited = b""
                while not awaited.endswith(b"\n\n"):
                    awaited += sock.recv(4096)
                continue
            piece = said[int(start) : int(start) + int(length)]
            for at in range(0, len(piece), size or len(piece)):
                sock.sendall(piece[at : at + (size or len(piece))])
        sock.close()

    server = StreamServer(("127.0.0.1", 0), serve)
    server.start()
    link = Link("127.0.0.1", port_of(server), "ClueCon")
    got = names(link)
    ends: Queue[str] = Queue()
    link.register_handle("DISCONNECT", ends.put)
    try:
        link.connect()
        replies = [ask(link, text) for text in COMMANDS]
        end = ends.get(timeout=SOON)
        assert ends.empty()
        return replies, [got.get_nowait() for _ in range(got.qsize())], end
    finally:
        link.stop()
        server.stop()


def ask(link: Link, text: str) -> str:
    command, _, job = text.partition("\nJob-UUID: ")
    try:
        return link.send(command, SOON, {"Job-UUID": job} if job else {})
    except CommandRefused as error:
        return f"refused: {error.reply}"


COMMANDS = [
    text
    for text in (SAMPLES / "raw_session.client.bin").read_text().split("\n\n")
    if text and not text.startswith("auth")
]


@pytest.mark.parametrize("size", [0, 7, 1], ids=["whole", "7 bytes", "1 byte"])
def test_a_recorded_session_is_understood_however_it_is_cut(size: int):
    replies, events, end = play(size)
    assert replies[0] == "+OK event listener enabled json"
    assert replies[1] == "false"
    assert replies[2].startswith("UP 0 years")
    assert replies[3:6] == [
        "refused: -ERR command not found",
        "refused: -ERR nosuchapi Command not found!",
        "refused: -ERR No such channel!",
    ]
    assert replies[8] == "+OK Job-UUID: 00000000-0000-4000-8000-00000000abcd"
    assert replies[9] == '{"row_count": 0}'
    assert replies[10] == "+OK bye"
    assert events == ["CHANNEL_CREATE", "CHANNEL_HANGUP_COMPLETE", "BACKGROUND_JOB"]
    assert end == "the switch said good-bye"


# ------------------------------------------------------------------ connecting


def test_a_wrong_password_is_said_in_one_sentence():
    with ScriptedSwitch() as switch:
        link = Link("127.0.0.1", switch.port, "wrong")
        with pytest.raises(WrongPassword, match="refused the password"):
            link.connect()
        assert link.ended.is_set()
        assert not link.connected


def test_the_real_switchs_answer_to_a_wrong_password():
    raw = (SAMPLES / "raw_wrong_password.server.bin").read_bytes()
    server = StreamServer(("127.0.0.1", 0), lambda sock, address: sock.sendall(raw))
    server.start()
    try:
        with pytest.raises(LinkDown):
            Link("127.0.0.1", port_of(server), "wrong").connect()
    finally:
        server.stop()


def test_nobody_listens():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(LinkDown, match="no connection to the switch at"):
            Link("127.0.0.1", unused.getsockname()[1], PASSWORD).connect()


def test_a_silent_switch_does_not_hold_the_daemon():
    with ScriptedSwitch() as switch:
        switch.greets = False
        with pytest.raises(LinkDown, match="says nothing"):
            Link("127.0.0.1", switch.port, PASSWORD).connect(0.05)


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
    ids=["EOF", "rude", "another protocol"],
)
def test_who_is_no_switch_or_wants_us_not(greeting: bytes):
    def serve(sock: socket.socket, address: object) -> None:
        sock.sendall(greeting)
        sock.close()

    server = StreamServer(("127.0.0.1", 0), serve)
    server.start()
    try:
        with pytest.raises(LinkDown, match="refused us"):
            Link("127.0.0.1", port_of(server), PASSWORD).connect()
    finally:
        server.stop()


RIGHTS = b"Allowed-Events: all\nAllowed-API: uuid_exists\nAllowed-LOG: false\n"


@pytest.mark.parametrize("cut", [0, 1, 2, 8, 25, len(RIGHTS)])
def test_userauth_is_the_least_privilege(cut: int):
    """FreeSWITCH cuts the reply at 512 bytes, so that its end is the next reply's: were that
    not known, every answer from then on would be taken for another command's.
    """
    rights = (RIGHTS + b"\n")[: len(RIGHTS) + 1 - cut]

    def answer(command: str, wire: Connection) -> bytes | None:
        if command.startswith("userauth "):
            assert command == f"userauth dialer@pbx.example:{PASSWORD}"
            return b"Content-Type: command/reply\nReply-Text: +OK accepted\n" + rights
        return response("first") if command == "api status" else None

    with ScriptedSwitch(answer) as switch:
        link = Link("127.0.0.1", switch.port, PASSWORD, user="dialer@pbx.example")
        link.connect()
        assert link.send("api status") == "first"
        assert link.send("api version") == switch.version
        link.stop()


def test_small_commands_leave_at_once_and_a_dead_peer_is_noticed():
    with linked() as (link, _, _):
        assert link.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert link.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert link.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) > 0


# ------------------------------------------------------------------ deadlines, order of replies


def test_a_late_reply_finds_its_own_place():
    """Else every later answer would belong to another command."""
    late = Event()

    def answer(command: str, wire: Connection) -> bytes | None:
        if command == "api late":
            late.wait(SOON)
            return response("late")
        return response(command.removeprefix("api ")) if command.startswith("api ") else None

    with linked(answer) as (link, _, _):
        with pytest.raises(CommandTimedOut):
            link.send("api late", 0.02)
        assert link.in_flight() == 1
        waiting = gevent.spawn(link.send, "api next", SOON)
        late.set()
        assert waiting.get(timeout=SOON) == "next"
        assert link.in_flight() == 0
        assert link.connected


def silent(command: str, wire: Connection) -> bytes | None:
    return NOTHING if command.startswith("api ") else None


def test_a_link_that_answers_nothing_any_more_is_closed():
    with linked(silent, hung_s=0.01) as (link, _, _):
        for _ in range(2):
            with pytest.raises(CommandTimedOut):
                link.send("api silence", 0.01)
        assert link.ended.wait(SOON)
        assert link.why_ended == "commands have no answer any more"
        with pytest.raises(NotSent):
            link.send("api more", SOON)


def test_a_switch_that_is_blind_for_a_while_keeps_its_link():
    """It keeps our events for us: who closes and comes again has lost the ends of his calls."""
    with linked(silent) as (link, _, _):
        for _ in range(5):
            with pytest.raises(CommandTimedOut):
                link.send("api silence", 0.01)
        assert link.connected


def test_a_good_answer_between_two_timeouts_keeps_the_link():
    def answer(command: str, wire: Connection) -> bytes | None:
        if command == "api slow":
            return NOTHING  # its answer comes with the next one's
        return response("slow") + response("ok") if command == "api ok" else None

    with linked(answer, hung_s=0.0) as (link, _, _):
        for _ in range(3):
            with pytest.raises(CommandTimedOut):
                link.send("api slow", 0.01)
            assert link.send("api ok", SOON) == "ok"
        assert link.connected


def test_replies_to_many_at_once_are_not_mixed_up():
    def answer(command: str, wire: Connection) -> bytes | None:
        return response(command[4:]) if command.startswith("api ") else None

    with linked(answer) as (link, _, _):
        jobs = [gevent.spawn(link.send, f"api number {n}", SOON) for n in range(200)]
        gevent.joinall(jobs, timeout=SOON, raise_error=True)
        assert [job.get() for job in jobs] == [f"number {n}" for n in range(200)]
        assert len(link.reply_times) >= 200


def test_waiters_are_told_at_once_when_the_link_ends():
    with linked(lambda c, w: NOTHING if c.startswith("api ") else None) as (link, _, wire):
        jobs = [gevent.spawn(link.send, f"api {n}", 600) for n in range(5)]
        while link.in_flight() < 5:
            gevent.sleep(0)
        wire.cut()
        gevent.joinall(jobs, timeout=SOON)
        assert all(isinstance(job.exception, LinkDown) for job in jobs)


def test_somebody_elses_timeout_is_not_swallowed():
    with linked(lambda c, w: NOTHING if c.startswith("api ") else None) as (link, _, _):
        with gevent.Timeout(0.02) as theirs, pytest.raises(gevent.Timeout) as caught:
            link.send("api silence", 600)
        assert caught.value is theirs
        assert link.connected


def test_a_killed_caller_leaves_the_order_of_replies_alone():
    def answer(command: str, wire: Connection) -> bytes | None:
        if command == "api first":
            return NOTHING
        return response("first") + response("second") if command == "api second" else None

    with linked(answer) as (link, _, _):
        victim = gevent.spawn(link.send, "api first", SOON)
        while not link.in_flight():
            gevent.sleep(0)
        victim.kill()
        assert link.send("api second", SOON) == "second"


def test_the_oldest_wait_is_seen():
    now = [100.0]
    with ScriptedSwitch(lambda c, w: NOTHING if c == "api x" else None) as switch:
        link = Link("127.0.0.1", switch.port, PASSWORD, monotonic=lambda: now[0])
        link.connect()
        assert link.oldest_wait_s() == 0.0
        waiting = gevent.spawn(link.send, "api x", 60)
        while not link.in_flight():
            gevent.sleep(0)
        now[0] += 2.5
        assert link.oldest_wait_s() == 2.5
        link.stop()
        assert isinstance(waiting.exception or waiting.get(block=True), LinkDown)


def test_a_reply_that_nobody_asked_for_ends_the_link():
    """From then on no answer could be trusted."""
    with linked() as (link, _, wire):
        wire.write(response("true"))
        assert link.ended.wait(SOON)
