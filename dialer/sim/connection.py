"""One client of the simulated event socket: a greenlet that reads, one that writes.

Replies go out in the order of the commands; `api` answers before the next command is read, so
an `api originate` holds up its connection as it does on the real one. Events are put into the
same outgoing queue. For who does not read 100,000 are kept; when 500 more are lost he blinds
everybody until he is gone: no event, no `api`, no greeting, while `bgapi` works (proofs 8).
"""

from __future__ import annotations

import hmac
import uuid as uuids
from collections.abc import Callable
from typing import Protocol

import gevent
import structlog
from gevent import socket
from gevent.event import AsyncResult, Event

from dialer.sim import api, legs
from dialer.sim.dial_string import Application
from dialer.sim.exchange import Exchange
from dialer.sim.headers import Event as SwitchEvent
from dialer.sim.wire import (
    AUTH_REQUEST,
    GOODBYE,
    CommandReader,
    Packet,
    Subscription,
    TooLongError,
    api_response,
    command_reply,
)

log = structlog.get_logger(__name__)

MOST_QUEUED = 100_000
MOST_MISSED = 500
_LAST_WORDS_S = 2.0
_LOOK_S = 0.06  # until a leg's thread looks for messages to it


class Host(Protocol):
    """What a connection asks of the server."""

    password: str
    exchange: Exchange
    known_subclasses: set[str]

    #: Cleared while a stuck client blinds everybody.
    sight: Event

    def left(self, connection: Connection) -> None: ...

    def stuck(self, connection: Connection) -> None: ...


class Connection:
    """A client from its greeting to its end."""

    def __init__(self, host: Host, client: socket.socket, address: str) -> None:
        self._host = host
        self._x = host.exchange
        self._socket = client
        self._address = address
        self._reader = CommandReader()
        self._subscription = Subscription()
        self._authorised = False
        self._open = True
        self._queue: list[bytes] = []
        self._waiting: list[SwitchEvent] = []
        self._missed = 0
        self._flush_set = False
        self._busy = False
        self._more = Event()
        self._writer = gevent.spawn(self._write)

    # ------------------------------------------------------------------ reading

    def run(self) -> None:
        """Serve the client until it leaves or is sent away; never raises for what it does."""
        self._host.sight.wait()
        self._send(AUTH_REQUEST)
        self._socket.settimeout(self._x.world.ways.auth_s)
        try:
            while self._open:
                data = self._socket.recv(65536)
                if not data:
                    break
                self._flush_events()
                for packet in self._reader.feed(data):
                    if self._open:
                        self._handle(packet)
        except (OSError, TooLongError) as error:
            if self._open:
                log.info("client lost", client=self._address, error=repr(error))
        finally:
            self.close()
            self._writer.join(_LAST_WORDS_S)  # the server closes the socket after this
            self._writer.kill(block=False)

    def _handle(self, packet: Packet) -> None:
        words = packet.command.strip().split(" ")
        verb = words[0].lower()
        if verb.startswith(("exit", "...")):
            self._send(command_reply("+OK bye"))
            self._say_goodbye()
        elif not self._authorised:
            self._authorise(packet, verb)
        else:
            handler = self._verbs().get(verb)
            if handler is None:
                self._send(command_reply("-ERR command not found"))
            else:
                handler(packet, packet.command.strip()[len(verb) + 1 :])

    def _verbs(self) -> dict[str, Callable[[Packet, str], None]]:
        return {
            "api": self._api,
            "bgapi": self._background_api,
            "event": self._event,
            "nixevent": self._nix_event,
            "noevents": self._no_events,
            "filter": self._filter,
            "sendevent": self._send_event,
            "sendmsg": self._send_message,
            "linger": self._linger,
            "nolinger": self._linger,
            "log": self._log,
            "nolog": self._log,
        }

    def _authorise(self, packet: Packet, verb: str) -> None:
        text = packet.command.strip()[len(verb) + 1 :]
        given = text.rpartition(":")[2] if verb == "userauth" else text
        if verb not in ("auth", "userauth"):
            self._send(command_reply("-ERR command not found"))
            return
        if not hmac.compare_digest(given.encode(), self._host.password.encode()):
            self._send(command_reply("-ERR invalid"))
            self._say_goodbye()
            return
        self._authorised = True
        self._socket.settimeout(None)
        rights = "Allowed-Events: all\nAllowed-API: all\n" if verb == "userauth" else ""
        self._send(command_reply("+OK accepted", rights))

    # ------------------------------------------------------------------ commands

    def _api(self, _packet: Packet, text: str) -> None:
        self._host.sight.wait()
        name, _, argument = text.strip().partition(" ")
        result: AsyncResult[str] = AsyncResult()
        api.run(self._x, name, argument, result.set)
        self._busy = True
        try:
            reply: str = result.get() or ""
        finally:
            self._busy = False
        self._send(api_response(reply))
        self._flush_events()

    def _background_api(self, packet: Packet, text: str) -> None:
        name, _, argument = text.strip().partition(" ")
        job = packet.header("Job-UUID") or str(uuids.uuid4())
        self._send(command_reply(f"+OK Job-UUID: {job}", f"Job-UUID: {job}\n"))
        x = self._x

        def done(reply: str) -> None:
            values = {"Job-UUID": job, "Job-Command": name}
            if argument:
                values["Job-Command-Arg"] = argument
            length = str(len(reply.encode("utf-8", "surrogateescape")))
            x.fire("BACKGROUND_JOB", {**values, "Content-Length": length, "_body": reply})

        wait_s = x.between(x.world.ways.job_s)
        if wait_s > 0:
            x.after(wait_s, api.run, x, name, argument, done)
        else:
            api.run(x, name, argument, done)

    def _event(self, _packet: Packet, text: str) -> None:
        self._send(
            command_reply(self._subscription.add(text.split(), self._host.known_subclasses))
        )
        self._x.subscriptions_changed()

    def _nix_event(self, _packet: Packet, text: str) -> None:
        self._send(command_reply(self._subscription.remove(text.split())))
        self._x.subscriptions_changed()

    def _no_events(self, _packet: Packet, _text: str) -> None:
        self._waiting.clear()
        self._send(command_reply(self._subscription.clear()))
        self._x.subscriptions_changed()

    def _filter(self, _packet: Packet, text: str) -> None:
        self._send(command_reply(self._subscription.filter(text)))

    def _send_message(self, packet: Packet, text: str) -> None:
        """`execute` of an application by the leg's own thread, at its next look."""
        channel = self._x.channel(text.strip())
        if channel is None:
            self._send(command_reply(f"-ERR invalid session id [{text.strip()}]"))
            return
        step = Application(packet.header("execute-app-name"), packet.header("execute-app-arg"))
        self._x.after(_LOOK_S, legs.obey, self._x, channel, step)
        self._send(command_reply("+OK"))

    def _send_event(self, packet: Packet, text: str) -> None:
        event_uuid = str(uuids.uuid4())
        values: dict[str, str] = {"Command": packet.command, **packet.headers}
        name = text.strip() or "CUSTOM"
        subclass = packet.header("Event-Subclass")
        for header in ("Event-Subclass", "Event-Name", "Core-UUID"):
            values.pop(header, None)
        values["Event-UUID"] = event_uuid
        if packet.body:
            values["_body"] = packet.body
        if subclass:
            self._host.known_subclasses.add(subclass)
        self._send(command_reply(f"+OK {event_uuid}"))
        self._x.fire(name, values, subclass)

    def _linger(self, _packet: Packet, _text: str) -> None:
        self._send(command_reply("-ERR not controlling a session"))

    def _log(self, packet: Packet, _text: str) -> None:
        on = not packet.command.lower().startswith("nolog")
        self._send(command_reply("+OK log level  [7]" if on else "+OK no longer logging"))

    # ------------------------------------------------------------------ events

    def wants(self, name: str, subclass: str) -> bool:
        return self._subscription.wants(name, subclass)

    def offer(self, event: SwitchEvent) -> None:
        if not self._subscription.passes(event.headers):
            return
        if len(self._queue) + len(self._waiting) >= MOST_QUEUED:
            self._missed += 1
            if self._missed > MOST_MISSED:
                self._host.stuck(self)
            return
        self._missed = 0
        delay_s = self._x.world.ways.delivery_s
        if delay_s <= 0 and not self._busy:
            self._send(event.frame())
            return
        self._waiting.append(event)
        if not self._flush_set:
            self._flush_set = True
            self._x.clock.call_at(self._x.now() + delay_s, self._flush_late)

    def _flush_late(self) -> None:
        self._flush_set = False
        self._flush_events()

    def _flush_events(self) -> None:
        """Bytes of the client wake its event queue, as does the end of an api command."""
        if self._busy or not self._waiting:
            return
        events, self._waiting = self._waiting, []
        for event in events:
            self._send(event.frame())

    # ------------------------------------------------------------------ writing

    def _send(self, data: bytes) -> None:
        self._queue.append(data)
        self._more.set()

    def _write(self) -> None:
        try:
            while True:
                self._more.wait()
                self._more.clear()
                chunk, self._queue = b"".join(self._queue), []
                if chunk:
                    self._socket.sendall(chunk)
                if not self._open and not self._queue:
                    return
        except OSError:
            self._queue.clear()
        finally:
            self._open = False
            self._shut()

    def _say_goodbye(self) -> None:
        self._send(GOODBYE)
        self._open = False
        self._more.set()

    def say_goodbye(self) -> None:
        """The switch goes down: a notice, then the end."""
        self._flush_events()
        self._say_goodbye()

    def close(self) -> None:
        """End it; what is queued still goes out if the client reads it."""
        self._open = False
        self._more.set()
        self._host.left(self)

    def abort(self) -> None:
        """End it as a dead machine does: at once, with no notice."""
        self._writer.kill(block=False)
        self.close()
        self._shut()

    def join(self, timeout_s: float) -> None:
        self._writer.join(timeout_s)

    def _shut(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("client was gone", client=self._address)
        self._socket.close()
