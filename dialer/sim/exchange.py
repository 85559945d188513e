"""The simulated switch's inside: channels, gateways, limits, clock and listeners.

It holds state and gives services (make an event, wait, look up); what channels do lies in
`originate`, `legs` and `hand_over`, what is asked of it in `api`. Nothing here knows sockets.
"""

from __future__ import annotations

import uuid as uuids
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import structlog

from dialer.sim.behaviour import check_patterns
from dialer.sim.channel import Channel
from dialer.sim.clock import Scheduler, Timer
from dialer.sim.headers import VERSION, Event, Stamp, bulk_of, channel_headers
from dialer.sim.limits import Limits
from dialer.sim.record import Record
from dialer.sim.world import Gateway, World

log = structlog.get_logger(__name__)

PROFILES = ("external", "internal")


class Listener(Protocol):
    """An event-socket client's end."""

    def wants(self, name: str, subclass: str) -> bool: ...

    def offer(self, event: Event) -> None:
        """Must not block."""
        ...


@dataclass(slots=True)
class GatewayState:
    """A gateway as it is now."""

    name: str
    settings: Gateway
    up: bool
    calls_out: int = 0
    failed_calls_out: int = 0
    second: int = 0
    calls_this_second: int = 0

    def over_rate(self, now: float) -> bool:
        """Counts one call; True if the carrier refuses it as too many in this second."""
        self.calls_out += 1
        if int(now) != self.second:
            self.second, self.calls_this_second = int(now), 0
        self.calls_this_second += 1
        most = self.settings.calls_per_s
        return most is not None and self.calls_this_second > most


class Exchange:
    """All state of one run of the switch; a new one has a new Core-UUID."""

    def __init__(self, world: World, clock: Scheduler, record: Record) -> None:
        check_patterns(world)
        self.world = world
        self.clock = clock
        self.record = record
        self.draw = Random(world.seed)
        self.core_uuid = str(uuids.uuid4())
        self.started_at = clock.now()
        self.globals: dict[str, str] = {}  # set_global, global_setvar
        self.limits = Limits(world.sps, world.max_sessions)
        self.channels: dict[str, Channel] = {}
        self.gateways = {
            name: GatewayState(name, settings, settings.up)
            for name, settings in world.gateways.items()
        }
        self.listeners: list[Listener] = []
        self.held: list[Event] | None = None  # events wait here while delivery stands still
        self._stamp = Stamp(self.core_uuid, "simulated")
        self._calls: Counter[str] = Counter()
        self._wanted: dict[tuple[str, str], bool] = {}
        self._running = True
        record.write("started", core_uuid=self.core_uuid, at=self.started_at, seed=world.seed)

    # ------------------------------------------------------------------ time

    def now(self) -> float:
        return self.clock.now()

    def after(self, seconds: float, function: Callable[..., None], *arguments: Any) -> Timer:
        """Call later; `seconds` of the world, which may run faster than ours."""
        when = self.clock.now() + seconds * self.world.time_scale
        return self.clock.call_at(when, function, *arguments)

    def between(self, span: tuple[float, float], draw: Random | None = None) -> float:
        return (draw or self.draw).uniform(*span)

    def start(self) -> None:
        """Begin what goes on by itself: heartbeats, flapping gateways."""
        self._heartbeat()
        for gateway in self.gateways.values():
            settings = gateway.settings
            if settings.up_s is not None and settings.down_s is not None:
                wait_s = settings.up_s if gateway.up else settings.down_s
                self.after(wait_s, self._flap, gateway)

    def end(self) -> None:
        self._running = False

    # ------------------------------------------------------------------ events

    def emit(
        self,
        channel: Channel,
        name: str,
        extra: dict[str, Any] | None = None,
        subclass: str = "",
    ) -> None:
        """An event of a channel as it is at this moment, to everybody who wants it."""
        first = self._stamp_if_wanted(name, subclass)
        if first is None:
            return
        headers = channel_headers(channel, {**first, **(extra or {})})
        self.publish(Event(headers, bulk_of(channel)))

    def fire(self, name: str, values: dict[str, Any], subclass: str = "") -> None:
        """An event that belongs to no channel."""
        first = self._stamp_if_wanted(name, subclass)
        if first is not None:
            self.publish(Event({**first, **values}))

    def channel_data(self, channel: Channel) -> bytes:
        """What `uuid_dump UUID json` shows."""
        first = self._stamp.headers("CHANNEL_DATA", self.now())
        return Event(channel_headers(channel, first), bulk_of(channel)).json()

    def publish(self, event: Event) -> None:
        if self.held is not None:
            self.held.append(event)
            return
        for listener in self.listeners:
            if listener.wants(event.name, event.subclass):
                listener.offer(event)

    def hold_events(self, hold: bool) -> None:
        """Freeze delivery for everybody as one stuck client does (proofs 8); thaw: all come."""
        if hold:
            self.held = self.held or []
            return
        waiting, self.held = self.held or [], None
        for event in waiting:
            self.publish(event)

    def subscriptions_changed(self) -> None:
        self._wanted.clear()

    def _stamp_if_wanted(self, name: str, subclass: str) -> dict[str, Any] | None:
        key = (name, subclass)
        wanted = self._wanted.get(key)
        if wanted is None:
            wanted = any(one.wants(name, subclass) for one in self.listeners)
            self._wanted[key] = wanted
        return self._stamp.headers(name, self.now(), subclass) if wanted else None

    # ------------------------------------------------------------------ channels

    def channel(self, uuid: str) -> Channel | None:
        return self.channels.get(uuid)

    def nth_call(self, number: str) -> int:
        """Counts the calls to a number, 1 = the first."""
        self._calls[number] += 1
        return self._calls[number]

    def new_uuid(self) -> str:
        return str(uuids.UUID(int=self.draw.getrandbits(128), version=4))

    # ------------------------------------------------------------------ gateways

    def set_gateway(self, name: str, *, up: bool) -> None:
        """What the OPTIONS ping says from now on; tells by sofia::gateway_state."""
        gateway = self.gateways[name]
        if gateway.up == up:
            return
        gateway.up = up
        self.fire(
            "CUSTOM",
            {
                "Gateway": name,
                "State": "NOREG",
                "Ping-Status": "UP" if up else "DOWN",
                "Phrase": "OK" if up else "Request Timeout",
                "Status": "200" if up else "408",
            },
            "sofia::gateway_state",
        )

    def _flap(self, gateway: GatewayState) -> None:
        if not self._running:
            return
        self.set_gateway(gateway.name, up=not gateway.up)
        settings = gateway.settings
        self.after(
            (settings.up_s if gateway.up else settings.down_s) or 1.0, self._flap, gateway
        )

    # ------------------------------------------------------------------ heartbeat

    def _heartbeat(self) -> None:
        """Every 20 s of our own time, never scaled: the daemon's watchdogs count on it."""
        if not self._running:
            return
        now = self.now()
        self.fire("HEARTBEAT", self.heartbeat_values(now))
        self.clock.call_at(now + self.world.ways.heartbeat_s, self._heartbeat)

    def heartbeat_values(self, now: float) -> dict[str, str]:
        limits = self.limits
        last = limits.last_second(now)
        return {
            "Event-Info": "System Ready",
            "Up-Time": _up_time(now - self.started_at),
            "FreeSWITCH-Version": VERSION,
            "Uptime-msec": str(int((now - self.started_at) * 1000)),
            "Session-Count": str(len(self.channels)),
            "Max-Sessions": str(limits.max_sessions),
            "Session-Per-Sec": str(limits.remaining(now)),
            "Session-Per-Sec-Last": str(last),
            "Session-Per-Sec-Max": str(limits.peak_sps),
            "Session-Per-Sec-FiveMin": str(limits.peak_sps),
            "Session-Since-Startup": str(limits.sessions_since_start),
            "Session-Peak-Max": str(limits.peak_sessions),
            "Session-Peak-FiveMin": str(limits.peak_sessions),
            "Idle-CPU": "95.000000",
        }

    def up_time(self) -> str:
        return _up_time(self.now() - self.started_at)


def _up_time(seconds: float) -> str:
    whole = int(seconds)
    micros = int((seconds - whole) * 1_000_000)
    years, rest = divmod(whole, 365 * 86400)
    days, rest = divmod(rest, 86400)
    hours, rest = divmod(rest, 3600)
    return (
        f"{years} years, {days} days, {hours} hours, {rest // 60} minutes, "
        f"{rest % 60} seconds, {micros // 1000} milliseconds, {micros % 1000} microseconds"
    )
