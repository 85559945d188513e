"""The ways out: gateways with their rates, rests and limits, and the numbers that they may
show.

Keeps the token buckets and breakers (values of the core) for the pacer, and answers two
questions: how many calls may go out now, and which numbers may be shown for them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

import structlog

from dialer.core.model import Campaign, Gateway, GatewayName, Moment, Number, NumberId, Price
from dialer.core.numbers.pools import number_day, number_hour, routes
from dialer.core.pacing import breaker, flapping, throttle
from dialer.core.trouble import Kind
from dialer.engine.calls import Calls
from dialer.ports import Shown

log = structlog.get_logger(__name__)

#: A bucket holds so many seconds of its rate and a call more: what one look may launch, and no
#: part of a call is lost between two looks.
BURST_S = 0.25


class Lines:
    """Mutable only through `take`, `ended` and `gateway_state`."""

    def __init__(
        self,
        gateways: Mapping[GatewayName, Gateway],
        numbers: Sequence[Number],
        *,
        switch_calls_per_s: float,
        switch_calls_at_once: int,
    ) -> None:
        self._switch_at_once = switch_calls_at_once
        self._switch = _bucket(switch_calls_per_s)
        self._buckets: dict[GatewayName, throttle.Bucket] = {}
        self._breakers: dict[GatewayName, breaker.Breaker] = {}
        self._flaps: dict[GatewayName, flapping.Flaps] = {}
        self._next_turn_s: dict[GatewayName, float] = {}
        self.down: set[GatewayName] = set()
        self.gateways: dict[GatewayName, Gateway] = {}
        self.pools: dict[str, list[Number]] = {}
        self.configure(gateways, numbers)

    def configure(
        self, gateways: Mapping[GatewayName, Gateway], numbers: Sequence[Number]
    ) -> None:
        """New gateways and numbers; buckets of known gateways keep their tokens."""
        self.gateways = dict(gateways)
        for name, gateway in gateways.items():
            known = self._buckets.get(name)
            if known is None or known.rate_per_s != gateway.calls_per_s:
                self._buckets[name] = _bucket(gateway.calls_per_s)
            self._breakers.setdefault(name, breaker.Breaker())
            self._flaps.setdefault(name, flapping.Flaps())
        self.pools = {}
        for number in numbers:
            self.pools.setdefault(number.pool, []).append(number)

    # ------------------------------------------------------------------ questions

    def price(self, gateway: GatewayName) -> Price | None:
        found = self.gateways.get(gateway)
        return None if found is None else found.price

    def is_up(self, gateway: GatewayName, now: Moment) -> bool:
        """A reload may take a gateway away while a campaign of before is still launching."""
        return (
            gateway in self.gateways
            and gateway not in self.down
            and not breaker.is_resting(self._breakers[gateway], now.mono_s)
            and not flapping.is_resting(self._flaps[gateway], now.mono_s)
        )

    def trouble(self, gateway: GatewayName, now: Moment) -> tuple[Kind | None, str]:
        """What is wrong with it and how long it rests; (None, "") while calls go out by it."""
        flaps, failing = self._flaps[gateway], self._breakers[gateway]
        if flapping.is_resting(flaps, now.mono_s):
            left_s = flaps.resting_until_s - now.mono_s
            return Kind.GATEWAY_FLAPS, f"goes up and down and rests for {left_s:.0f} s more"
        if gateway in self.down:
            return Kind.GATEWAY_DOWN, "is down, says the switch"
        if breaker.is_resting(failing, now.mono_s):
            left_s = failing.resting_until_s - now.mono_s
            return Kind.GATEWAY_FAILS, (
                f"failed {failing.failures} calls in a row and rests for {left_s:.0f} s more"
            )
        return None, ""

    def up(self, campaign: Campaign, now: Moment) -> list[GatewayName]:
        return [name for name in campaign.gateways if self.is_up(name, now)]

    def room(self, campaign: Campaign, calls: Calls, now: Moment) -> dict[GatewayName, int]:
        """Calls that may go out this moment, by gateway of the campaign (those with room)."""
        switch = min(
            throttle.available(self._switch, now.mono_s),
            self._switch_at_once - len(calls.attempts),
        )
        room = {}
        for name in self.up(campaign, now):
            free = min(
                switch,
                throttle.available(self._buckets[name], now.mono_s),
                self.gateways[name].calls_at_once - calls.on_gateway(name),
            )
            if free > 0:
                room[name] = free
        return room

    def channels(self, campaign: Campaign, calls: Calls, now: Moment) -> int:
        """Calls that switch and gateways still hold at once, however fast they may go out."""
        free = sum(
            max(0, self.gateways[name].calls_at_once - calls.on_gateway(name))
            for name in self.up(campaign, now)
        )
        return max(0, min(free, self._switch_at_once - len(calls.attempts)))

    def shown(
        self,
        campaign: Campaign,
        open_gateways: Collection[GatewayName],
        spent: Collection[tuple[NumberId, date]],
        now: Moment,
    ) -> list[Shown]:
        """The pool's numbers that may be shown now, each with the gateways that would show
        it.
        """
        candidates = []
        for number, ways in routes(
            self.pools.get(campaign.pool, []), campaign.gateways, open_gateways
        ):
            day = number_day(number, now.wall)
            if (number.id, day) in spent:
                continue
            candidates.append(
                Shown(
                    number=number.id,
                    region=number.region,
                    gateway=ways[0],
                    others=ways[1:],
                    day=day,
                    hour=number_hour(number, now.wall),
                    soft_limit=number.soft_limit,
                    hard_limit=number.hard_limit,
                    calls_at_once=number.calls_at_once,
                    min_gap_s=number.min_gap_s,
                    calls_per_hour=number.calls_per_hour,
                )
            )
        return candidates

    # ------------------------------------------------------------------ what happened

    def take(self, gateway: GatewayName, calls: int, now: Moment) -> None:
        """These calls go out."""
        self._switch, _ = throttle.take(self._switch, now.mono_s, calls)
        self._buckets[gateway], _ = throttle.take(self._buckets[gateway], now.mono_s, calls)

    def turn_s(self, gateway: GatewayName, now: Moment) -> float:
        """In how many seconds its next call may leave: one look decides several, and a carrier
        that counts by the second refuses what comes in a heap.
        """
        found = self.gateways.get(gateway)
        if found is None or found.calls_per_s <= 0:
            return 0.0  # a reload took it away; the originate will say so
        turn_s = max(now.mono_s, self._next_turn_s.get(gateway, 0.0))
        self._next_turn_s[gateway] = turn_s + 1.0 / found.calls_per_s
        return turn_s - now.mono_s

    def ended(self, gateway: GatewayName, *, failed: bool, now: Moment) -> None:
        """A call on this gateway ended, at the carrier's fault or not."""
        if gateway in self._breakers:
            self._breakers[gateway] = breaker.record(
                self._breakers[gateway], failed=failed, now_s=now.mono_s
            )

    def gateway_state(self, gateway: GatewayName, up: bool, now: Moment) -> None:
        """What the switch says of it; told at each change and at each sweep."""
        if gateway not in self.gateways or up is not (gateway in self.down):
            return
        log.warning("gateway changed", gateway=gateway, up=up)
        (self.down.discard if up else self.down.add)(gateway)
        if not up:
            before = self._flaps[gateway]
            self._flaps[gateway] = after = flapping.went_down(before, now.mono_s)
            if after.resting_until_s != before.resting_until_s:
                log.warning("gateway flaps and rests", gateway=gateway, rest_s=after.rest_s)


def _bucket(rate_per_s: float) -> throttle.Bucket:
    burst = 1.0 + rate_per_s * BURST_S
    return throttle.Bucket(rate_per_s=rate_per_s, burst=burst, tokens=burst, at_s=0.0)
