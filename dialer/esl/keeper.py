"""Keeps two links to the switch up and tells when it is lost, blind or seeing again.

Two connections (freeswitch.md 2.5): events alone on one, so that no `api` holds them up;
commands on the other. They live and die together: with one of them gone what we believe is in
doubt, and whoever reconnects must reconcile. Greenlets: keep (connect, wait for the end,
pause with jitter), tick (an own event each second), judge (seeing or blind), wake (a newline
while customers are on the line: events then come within 2 ms instead of 20, proofs 3).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import gevent
import structlog
from gevent.event import Event

from dialer.errors import CommandRefused, LinkDown, SwitchError
from dialer.esl import commands
from dialer.esl.link import Link, NotSent, WrongPassword
from dialer.esl.originates import Originates
from dialer.esl.pulse import Pulse, percentile
from dialer.esl.translate import worth_decoding
from dialer.ports import Clock, SwitchEvent

log = structlog.get_logger(__name__)

SUPPORTED = (1, 11, 2)  # freeswitch.md 8: 21 security fixes came with it
_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketSettings:
    """Where the switch is and how patient we are with it."""

    host: str
    port: int
    password: str = field(repr=False)
    user: str | None = None  # "user@domain" for userauth, the least privilege
    connect_timeout_s: float = 5.0
    command_timeout_s: float = 5.0
    tick_every_s: float = 0.75  # three missing are noticed within 3 s, whatever the phase
    slow_answer_s: float = 2.0  # a command waits longer than this: the switch is blind
    wake_every_ms: int = 2
    reconnect_least_s: float = 0.2
    reconnect_most_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Both links, and which switch (which life of it) they lead to."""

    events: Link
    commands: Link
    core_uuid: str
    version: str


class Keeper:
    """Owns the links. `receive` gets each event's headers, `tell` our own events."""

    def __init__(
        self,
        settings: SocketSettings,
        house: commands.House,
        *,
        originates: Originates,
        clock: Clock,
        chance: random.Random,
        receive: Callable[[dict[str, Any]], None],
        tell: Callable[[SwitchEvent], None],
    ) -> None:
        self._settings = settings
        self._house = house
        self._originates = originates
        self._clock = clock
        self._chance = chance
        self._receive = receive
        self._tell = tell
        self.pulse = Pulse(settings.tick_every_s, settings.slow_answer_s)
        self.core_uuid: str | None = None
        self.version: str | None = None
        self._pair: Pair | None = None
        self._linked = Event()
        self._fresh = Event()  # a new pair: its first tick goes out at once
        self._seeing = False
        self._trouble: str | None = None
        self._warned_of: tuple[int, ...] | None = None
        self._dead: str | None = None
        self._greenlets: list[gevent.Greenlet[[], None]] = []

    # ------------------------------------------------------------------ from outside

    def start(self) -> None:
        for run in (self._keep, self._tick, self._judge_again, self._wake):
            greenlet = gevent.Greenlet(run)
            greenlet.name = f"switch {run.__name__.strip('_')}"
            greenlet.link_exception(self._died)
            self._greenlets.append(greenlet)
            greenlet.start()

    def stop(self) -> None:
        gevent.killall(self._greenlets, timeout=self._settings.connect_timeout_s)
        self._greenlets.clear()

    def link(self) -> Link:
        """The commands connection. Raises NotSent where there is none."""
        if self._pair is None:
            raise NotSent(self._trouble or "no connection to the switch yet")
        return self._pair.commands

    def why_unusable(self) -> str | None:
        """None when we may originate: connected, and events really flow."""
        if self._dead is not None:
            return self._dead
        if self._pair is None or not self._pair.commands.connected:
            return self._trouble or "no connection to the switch"
        return self.pulse.why_blind(
            self._clock.now().mono_s, self._pair.commands.oldest_wait_s()
        )

    def open_pair(self) -> Pair:
        """Two fresh links, subscribed. Raises LinkDown with a sentence for a person."""
        events, commanding = self._new_link(), self._new_link()
        events.register_handle("*", self._receive)
        opened = False
        try:
            events.connect()
            events.send(commands.EVENTS, self._settings.connect_timeout_s)
            commanding.connect()
            pair = Pair(
                events=events,
                commands=commanding,
                core_uuid=commanding.send(commands.CORE_UUID).strip(),
                version=commanding.send(commands.VERSION).strip(),
            )
            opened = True
        except CommandRefused as error:
            raise LinkDown(refusing(error.reply)) from error
        finally:
            if not opened:
                events.stop()
                commanding.stop()
        return pair

    def tick_came(self, number: int, made_at_s: float) -> None:
        """Our own tick is back; by the reader's greenlet."""
        if self.pulse.seen(number, self._clock.now().mono_s, made_at_s):
            self._judge()

    def look_at_version(self, version: str) -> None:
        """Warn once of each version that is known to be unsafe."""
        self.version = version
        found = _VERSION.search(version)
        numbers = tuple(map(int, found.groups())) if found else SUPPORTED
        if numbers < SUPPORTED and numbers != self._warned_of:
            self._warned_of = numbers
            log.warning(
                "switch is too old: it lacks security fixes",
                version=version,
                supported=".".join(map(str, SUPPORTED)),
            )

    def health(self) -> dict[str, Any]:
        """Figures for metrics and `status`; None where there is nothing to say."""
        pair = self._pair
        p99_s = percentile(list(pair.commands.reply_times), 0.99) if pair else None
        return {
            "connected": pair is not None,
            "usable": self.why_unusable() is None,
            "why": self.why_unusable(),
            "core_uuid": self.core_uuid,
            "version": self.version,
            "too_old": self._warned_of is not None,
            "reply_p99_s": p99_s,
            "event_lag_s": self.pulse.lag_s,
            "clock_offset_s": self.pulse.clock_offset_s,
            "commands_in_flight": pair.commands.in_flight() if pair else 0,
            "undecodable_events": pair.events.undecodable if pair else 0,
            "handler_failures": pair.events.handler_failures if pair else 0,
            "customers_live": self._originates.live(),
        }

    # ------------------------------------------------------------------ keep

    def _keep(self) -> None:
        failures = 0
        while True:
            try:
                pair = self.open_pair()
            except SwitchError as error:
                failures += 1
                self._complain(error)
            else:
                failures = 0
                self._serve(pair)
            gevent.sleep(self._pause_s(failures))

    def _serve(self, pair: Pair) -> None:
        """From link up to link lost."""
        restarted = self.core_uuid is not None and self.core_uuid != pair.core_uuid
        self.core_uuid = pair.core_uuid
        self.look_at_version(pair.version)
        self.pulse.begin()
        self._pair, self._trouble = pair, None
        try:
            self._announce_up(pair, restarted=restarted)
            gevent.wait([pair.events.ended, pair.commands.ended], count=1)
        finally:
            self._pair = None
            self._linked.clear()
            self._seeing = False
            # Both readers end before the loss is told: no event of theirs comes after it.
            pair.events.stop()
            pair.commands.stop()
        self._trouble = "the connection to the switch was lost"
        why = _why_ended(pair)
        log.warning("link lost", host=self._settings.host, port=self._settings.port, why=why)
        self._say("link_lost", why=why)

    def _announce_up(self, pair: Pair, *, restarted: bool) -> None:
        log.info(
            "link up",
            host=self._settings.host,
            port=self._settings.port,
            version=pair.version,
            restarted=restarted,
        )
        self._say(
            "link_up", core_uuid=pair.core_uuid, version=pair.version, restarted=restarted
        )
        self._linked.set()
        self._fresh.set()

    def _complain(self, error: SwitchError) -> None:
        """Each trouble once, not once for each try."""
        trouble = str(error)
        if trouble != self._trouble:
            level = log.error if isinstance(error, WrongPassword) else log.warning
            level("no link to the switch", why=trouble)
            self._say("no_link", why=trouble)
        self._trouble = trouble

    def _pause_s(self, failures: int) -> float:
        """Longer with each failure, never in step with other daemons."""
        least_s, most_s = self._settings.reconnect_least_s, self._settings.reconnect_most_s
        return self._chance.uniform(
            least_s, min(most_s, least_s * 2.0 ** min(failures + 1, 16))
        )

    def _new_link(self) -> Link:
        settings = self._settings
        return Link(
            settings.host,
            settings.port,
            settings.password,
            settings.connect_timeout_s,
            user=settings.user,
            worth_decoding=worth_decoding,
            monotonic=lambda: self._clock.now().mono_s,
        )

    # ------------------------------------------------------------------ tick, judge, wake

    def _tick(self) -> None:
        while True:
            self._linked.wait()
            self._fresh.clear()
            pair = self._pair
            if pair is not None:
                self._tick_once(pair)
            self._fresh.wait(self._settings.tick_every_s)

    def _tick_once(self, pair: Pair) -> None:
        """The event that must come back, and an `api`: a stuck switch answers one, not both."""
        now = self._clock.now()
        number = self.pulse.sending(now.mono_s, now.wall.timestamp())
        command, headers = commands.tick(number, self._house)
        try:
            pair.commands.send(command, self._settings.command_timeout_s, headers)
            pair.commands.send(commands.PING, self._settings.command_timeout_s)
        except LinkDown as error:
            log.debug("tick without an answer", why=str(error))
        except CommandRefused as error:
            self._complain(LinkDown(refusing(error.reply)))

    def _judge_again(self) -> None:
        while True:
            self._linked.wait()
            self._judge()
            gevent.sleep(self._settings.tick_every_s / 4)

    def _judge(self) -> None:
        """Tell each change once. What ends the link is told by link_lost alone."""
        if self._pair is None:
            return
        why = self.why_unusable()
        if why is None and not self._seeing:
            self._seeing = True
            self._say("seeing")
        elif why is not None and self._seeing and self._pair.commands.connected:
            self._seeing = False
            log.error("switch is blind: nothing is originated", why=why)
            self._say("blind", why=why)

    def _wake(self) -> None:
        pause_s = self._settings.wake_every_ms / 1000
        while True:
            self._linked.wait()
            self._originates.customers_live.wait()
            if self._pair is not None:
                self._pair.events.wake()
            gevent.sleep(pause_s)

    def _say(self, kind: str, **data: Any) -> None:
        self._tell(SwitchEvent(kind=kind, at=self._clock.now().wall.timestamp(), data=data))

    def _died(self, greenlet: gevent.Greenlet[[], None]) -> None:
        """A bug in here: from now on nothing is originated, and the log says why."""
        self._dead = f"{greenlet.name} died: {greenlet.exception!r}"
        log.critical("greenlet died", greenlet=greenlet.name, error=repr(greenlet.exception))


def refusing(reply: str) -> str:
    """A switch that answers and does not obey: what a person can do about it."""
    return (
        f"the switch refuses the dialer's commands ({reply}): its event-socket user must be"
        " allowed our commands and events (esl-allowed-api, esl-allowed-events)"
    )


def _why_ended(pair: Pair) -> str:
    first = pair.events if pair.events.ended.is_set() else pair.commands
    return first.why_ended or "unknown"
