"""One connection to the event socket: greenswitch's InboundESL with every defect cured.

What dependencies.md 1 reproduced as shipped and this class replaces: waits without limit,
loops frozen on EOF, forged headers, replies that shift by one, half-written commands, leaked
sockets. Rules: one lock around "append the reply's place, write"; replies are matched by
order alone, so a timed-out command keeps its place; a half-written command closes the link,
and half a minute without an answer; its end fails whoever waits. Events go to handlers in
the reader's own greenlet (no queue: a slow handler makes TCP push back). It never
reconnects: its keeper makes a new one.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

import gevent
import greenswitch
import structlog
from gevent import socket
from gevent.event import AsyncResult, Event
from gevent.lock import BoundedSemaphore

from dialer.errors import Bug, CommandRefused, LinkDown
from dialer.esl.deadline import Expired, limited
from dialer.esl.framing import (
    NO_HEADERS,
    Frame,
    FrameReader,
    FramingError,
    command_bytes,
    decode_json,
    reply_text,
    verb_of,
)

log = structlog.get_logger(__name__)

IN_FLIGHT = 64  # freeswitch.md 2.5
EVENTS_PER_TURN = (
    50  # then others get the loop (dependencies.md 1: timers late by 31 ms at most)
)
TIMEOUTS_TO_CLOSE = 2
#: And only then: a switch that somebody's stuck client blinds answers nobody for a while, but
#: keeps our events for us (proofs 8). Who reconnects loses them, and gets no greeting.
HUNG_S = 30.0
_RECEIVE = 65_536


class NotSent(LinkDown):
    """No byte of the command was written: the switch can't have carried it out."""


class CommandTimedOut(LinkDown):
    """No answer within the deadline: whether it was carried out is unknown."""


class WrongPassword(LinkDown):
    """The switch refused the password."""


class _Place:
    """A command's place in the order of replies."""

    __slots__ = ("given_up", "result", "sent_at")

    def __init__(self, sent_at: float) -> None:
        self.result: AsyncResult[Frame] = AsyncResult()
        self.sent_at = sent_at
        self.given_up = False


class Link(greenswitch.InboundESL):
    """One authenticated connection.

    `register_handle(NAME, handler)` as in greenswitch: a handler gets the event's headers as a
    dict (JSON events); "*" takes what has no handler of its own; "DISCONNECT" is called once,
    with the reason, after the last event.
    """

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        timeout: float = 5.0,
        *,
        user: str | None = None,
        worth_decoding: Callable[[bytes], bool] = lambda body: True,
        monotonic: Callable[[], float] = time.monotonic,
        hung_s: float = HUNG_S,
    ) -> None:
        super().__init__(host, port, password, timeout)
        self.user = user
        self._worth_decoding = worth_decoding  # False: an event is passed over undecoded
        self.ended = Event()
        self.undecodable = 0
        self.handler_failures = 0
        self.reply_times: deque[float] = deque(maxlen=1000)  # seconds, newest last
        self._monotonic = monotonic
        self._hung_s = hung_s
        self._frames = FrameReader()
        self._greeted = Event()
        self._places: deque[_Place] = deque()
        self._writing = BoundedSemaphore(1)
        self._in_flight = BoundedSemaphore(IN_FLIGHT)
        self._timeouts_in_a_row = 0
        self._why_ended: str | None = None
        self._reader: gevent.Greenlet[[], None] | None = None
        self._events = 0

    # ------------------------------------------------------------------ beginning and end

    def connect(self, timeout_s: float | None = None) -> None:
        """Connect and authenticate, all within `timeout_s`. Raises LinkDown, WrongPassword."""
        left_s = self.timeout if timeout_s is None else timeout_s
        until = self._monotonic() + left_s
        where = f"the switch at {self.host}:{self.port}"
        try:
            with limited(left_s):
                self.sock = socket.create_connection((self.host, self.port), timeout=None)
            _tune(self.sock)
            self.start_event_handlers()
            if not self._greeted.wait(max(0.0, until - self._monotonic())):
                raise LinkDown(f"{where} accepts connections but says nothing")
            self._authenticate(max(0.001, until - self._monotonic()), where)
            if self.ended.is_set():
                raise LinkDown(f"{where} hung up: {self._why_ended}")
            self.connected = True
        except Expired:
            raise LinkDown(f"{where} does not answer within {left_s:g} s") from None
        except OSError as error:
            raise LinkDown(f"no connection to {where}: {error.strerror or error}") from error
        finally:
            if not self.connected:
                self.stop()

    def _authenticate(self, timeout_s: float, where: str) -> None:
        if self._why_ended is not None:
            raise LinkDown(f"{where} refused us: {self._why_ended}")
        try:
            if self.user:
                self._authenticate_user(f"userauth {self.user}:{self.password}", timeout_s)
            else:
                self.send(f"auth {self.password}", timeout_s)
        except CommandRefused as error:
            raise WrongPassword(
                f"{where} refused the password of the event socket ({error.reply});"
                " it must equal the one in event_socket.conf.xml"
            ) from error

    def _authenticate_user(self, command: str, timeout_s: float) -> None:
        """The reply lists our rights and is cut at 512 bytes, its blank line with them.

        So a second command goes along, whose reply ends it. Both came as one where the first
        lacks its last line, Allowed-LOG, or has the second's Content-Length.
        """
        until = self._monotonic() + timeout_s
        place = self._write(command_bytes(command, NO_HEADERS), until, "userauth")
        behind = self._write(command_bytes("api version", NO_HEADERS), until, "version")
        frame = self._await(place, until, "userauth")
        reply_text(frame)
        whole = frame.headers.get("Allowed-LOG") in ("true", "false")
        if whole and "Content-Length" not in frame.headers:
            self._await(behind, until, "version")
        elif self._places and self._places[0] is behind:
            self._places.popleft()

    def start_event_handlers(self) -> None:
        """One greenlet reads and handles; there is no second one that could die silently."""
        self._reader = gevent.Greenlet(self.receive_events)
        self._reader.name = f"event socket {self.host}:{self.port}"
        self._reader.start()

    def stop(self) -> None:
        """Close; returns at once when called by a handler, else after the reader has ended."""
        self._abort("closed by us")
        if self._reader is None:
            self._finish("closed by us")
        elif self._reader is not gevent.getcurrent():
            self._reader.join(timeout=self.timeout)

    def _abort(self, why: str) -> None:
        """End the stream; the reader sees it and does the rest."""
        if self._why_ended is None:
            self._why_ended = why
        sock = getattr(self, "sock", None)
        if sock is not None:
            with suppress(OSError):  # it may be closed already
                sock.shutdown(socket.SHUT_RDWR)

    def _finish(self, why: str) -> None:
        """Once, by the reader: fail whoever waits, close, tell. Cannot yield before it has."""
        if self.ended.is_set():
            return
        self._why_ended = self._why_ended or why
        self.connected = False
        self.ended.set()
        self._greeted.set()
        while self._places:
            place = self._places.popleft()
            place.result.set_exception(LinkDown(f"link ended: {self._why_ended}"))
        sock = getattr(self, "sock", None)
        if sock is not None:
            sock.close()
        for handler in self.event_handlers.get("DISCONNECT") or ():
            self._guarded(handler, self._why_ended)

    # ------------------------------------------------------------------ reading

    def receive_events(self) -> None:
        """The reader's whole life."""
        why = "closed by the switch"
        try:
            while self._why_ended is None and (data := self.sock.recv(_RECEIVE)):
                for frame in self._frames.feed(data):
                    self._handle(frame)
        except OSError as error:
            why = f"lost: {error.strerror or error}"
        except FramingError as error:
            why = f"no event-socket stream: {error}"
        finally:
            self._finish(why)

    def _handle(self, frame: Frame) -> None:
        kind = frame.headers.get("Content-Type", "")
        if kind == "text/event-json":
            self._event(frame)
        elif kind in ("command/reply", "api/response"):
            self._reply(frame)
        elif kind == "auth/request":
            self._greeted.set()
        elif kind == "text/rude-rejection":
            self._abort("our address is not in its access list")
        elif kind == "text/disconnect-notice" and (
            frame.headers.get("Content-Disposition") != "linger"
        ):
            self._why_ended = self._why_ended or "the switch said good-bye"

    def _event(self, frame: Frame) -> None:
        self._events += 1
        if self._events % EVENTS_PER_TURN == 0:
            gevent.sleep(0)
        if not self._worth_decoding(frame.body):
            return
        headers = decode_json(frame.body)
        if headers is None:
            self.undecodable += 1
            if self.undecodable == 1:  # a caller's name may do it: no flood of the log
                log.warning("undecodable event dropped; more are only counted")
            return
        name = headers.get("Event-Name")
        if name == "CUSTOM":
            name = headers.get("Event-Subclass")
        for handler in self._handlers(name if isinstance(name, str) else "*"):
            self._guarded(handler, headers)

    def _handlers(self, name: str) -> Sequence[Callable[[Any], None]]:
        return self.event_handlers.get(name) or self.event_handlers.get("*") or ()

    def _guarded(self, handler: Callable[[object], None], value: object) -> None:
        """A handler's mistake must not end the reading: the link would be deaf unseen."""
        try:
            handler(value)
        except Exception:
            self.handler_failures += 1
            log.exception("event handler failed", handler=repr(handler))

    def _reply(self, frame: Frame) -> None:
        if not self._places:
            raise FramingError("a reply that nobody asked for")
        place = self._places.popleft()
        self.reply_times.append(self._monotonic() - place.sent_at)
        if not place.given_up:
            self._timeouts_in_a_row = 0
        place.result.set(frame)

    # ------------------------------------------------------------------ writing

    def send(
        self, data: str, timeout_s: float = 5.0, headers: Mapping[str, str] = NO_HEADERS
    ) -> str:
        """One command and its answer's text. `headers` are its further lines (Job-UUID ...).

        Raises CommandRefused (-ERR, -USAGE), NotSent, CommandTimedOut, LinkDown; Bug for text
        that would break the wire.
        """
        payload = command_bytes(data, headers)
        if self._reader is gevent.getcurrent():
            raise Bug("a handler may not wait for a reply: only the reader could bring it")
        verb = verb_of(data)
        until = self._monotonic() + timeout_s
        if not self._in_flight.acquire(timeout=timeout_s):
            raise NotSent(f"{verb}: {IN_FLIGHT} commands wait for an answer already")
        try:
            place = self._write(payload, until, verb)
            frame = self._await(place, until, verb)
        finally:
            self._in_flight.release()
        return reply_text(frame)

    def begin(self, data: str, timeout_s: float = 5.0) -> Callable[[], str]:
        """Write now, without a wait; what is returned waits for the answer, as `send` does.

        Where the socket is busy or full the whole of it waits. Not held up by IN_FLIGHT: a
        person on the line goes ahead of those who are still to be dialed.
        """
        place = self._write_now(command_bytes(data, NO_HEADERS))
        if place is None:
            return partial(self.send, data, timeout_s)
        until = self._monotonic() + timeout_s
        return lambda: reply_text(self._await(place, until, verb_of(data)))

    def _write_now(self, payload: bytes) -> _Place | None:
        """None where nothing was written. No yield in here, so no lock."""
        if self._why_ended is not None or self._reader is None or self._writing.locked():
            return None
        place = _Place(self._monotonic())
        try:
            sent = os.write(self.sock.fileno(), payload)
        except OSError:  # full, or just closed: `send` finds out which
            return None
        self._places.append(place)
        self._settle_write(place, sent, len(payload))
        return place

    def _write(self, payload: bytes, until: float, verb: str) -> _Place:
        if not self._writing.acquire(timeout=max(0.0, until - self._monotonic())):
            raise NotSent(f"{verb}: an earlier command is still being written")
        sent = 0
        place = _Place(self._monotonic())
        try:
            if self._why_ended is not None or self._reader is None:
                raise NotSent(f"{verb}: link ended: {self._why_ended or 'not connected'}")
            self._places.append(place)
            with memoryview(payload) as view, limited(max(0.001, until - self._monotonic())):
                while sent < len(payload):
                    sent += self.sock.send(view[sent:])
        except Expired:
            raise (LinkDown if sent else NotSent)(f"{verb}: the switch does not read") from None
        except OSError as error:
            self._abort(f"lost: {error.strerror or error}")
            raise LinkDown(f"{verb}: {error.strerror or error}") from error
        finally:
            self._settle_write(place, sent, len(payload))
            self._writing.release()
        return place

    def _settle_write(self, place: _Place, sent: int, length: int) -> None:
        """Cut short by whatever (also a kill): a started command can't be taken back."""
        if sent == length:
            return
        if sent:
            self._abort("a command was half written")
        elif self._places and self._places[-1] is place:
            self._places.pop()  # nothing of it left us: no reply will come

    def _await(self, place: _Place, until: float, verb: str) -> Frame:
        try:
            place.result.wait(timeout=max(0.0, until - self._monotonic()))
        finally:
            place.given_up = not place.result.ready()
        if place.given_up:
            self._timeouts_in_a_row += 1
            hung = self.oldest_wait_s() >= self._hung_s
            if hung and self._timeouts_in_a_row >= TIMEOUTS_TO_CLOSE:
                self._abort("commands have no answer any more")
            raise CommandTimedOut(f"{verb}: no answer in time")
        return cast("Frame", place.result.get(block=False))

    def wake(self) -> None:
        """A bare newline: the switch looks at its event queue now (proofs 3). Never waits.

        Only between commands: inside one it would end it. Dropped when the socket is full, as
        with a frozen switch that reads nothing.
        """
        if self._why_ended is None and not self._writing.locked():
            with suppress(OSError):  # full, or just closed: the reader finds out by itself
                os.write(self.sock.fileno(), b"\n")

    # ------------------------------------------------------------------ how it fares

    @property
    def why_ended(self) -> str | None:
        """None while it lives."""
        return self._why_ended

    def oldest_wait_s(self) -> float:
        """For how long the oldest command has been without an answer; 0 when none is."""
        return self._monotonic() - self._places[0].sent_at if self._places else 0.0

    def in_flight(self) -> int:
        return len(self._places)


def _tune(sock: socket.socket) -> None:
    """Small commands leave at once; a peer that vanished without a word is noticed in ~15 s."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", 5),
        ("TCP_KEEPINTVL", 3),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 15_000),
    ):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
