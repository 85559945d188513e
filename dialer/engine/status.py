"""What a person sees of a running daemon: one value, published each second and served as
health.

Bounded and without personal data: operators by id, campaigns with their decision in words, our
own numbers with their counts.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gevent
import structlog

from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.operators import OperatorState
from dialer.core.model import Campaign, InstanceName, Moment
from dialer.core.numbers.pools import NumberLoad, number_day, pool_load
from dialer.core.permission.reasons import SENTENCES, Reason
from dialer.core.trouble import Trouble
from dialer.engine.calls import Calls
from dialer.engine.gate import Gate
from dialer.engine.lines import Lines
from dialer.engine.outbox import Outbox
from dialer.engine.pacing import Pacing
from dialer.errors import StoreError
from dialer.ports import Clock, Hopper, Meter, Presence, Switch

log = structlog.get_logger(__name__)

EVERY_S = 1.0
#: Counts of our numbers are read from the hopper so often.
NUMBERS_EVERY_S = 2.0
#: More results than these wait only where a store is slow or away.
MANY_RESULTS = 200


class Status:
    """One greenlet; `now()` may be asked by anybody."""

    def __init__(
        self,
        calls: Calls,
        switch: Switch,
        hopper: Hopper,
        presence: Presence,
        lines: Lines,
        gate: Gate,
        pacing: Pacing,
        outbox: Outbox,
        clock: Clock,
        meter: Meter,
        *,
        instance: InstanceName,
        phase: Callable[[], str],
        recordings: Callable[[], Mapping[str, Any] | None],
        supervisions: Callable[[], Sequence[Mapping[str, Any]]],
        troubles: Callable[[Moment], Sequence[Trouble]] = lambda now: (),
        tell: Callable[[str], None],
    ) -> None:
        self._calls = calls
        self._switch = switch
        self._hopper = hopper
        self._presence = presence
        self._lines = lines
        self._gate = gate
        self._pacing = pacing
        self._outbox = outbox
        self._clock = clock
        self._meter = meter
        self._instance = instance
        self._phase = phase
        self._recordings = recordings
        self._supervisions = supervisions
        self._troubles = troubles
        self._tell = tell
        self._started = clock.now()
        self._numbers: dict[str, int] = {}
        self._numbers_at_s = -NUMBERS_EVERY_S

    def run(self) -> None:
        while True:
            now = self._clock.now()
            try:
                self._read_numbers(now)
                self._presence.publish_status(self._instance, self.value(now))
                self._presence.publish_operators(self._instance, self.operators(now))
            except StoreError as error:
                log.debug("status cannot be published", error=str(error))
            self._measure(now)
            self._tell(self.line())
            gevent.sleep(EVERY_S)

    def show_waiting(self) -> None:
        """Beside the daemon whose name we have, not in its place."""
        now, name = self._clock.now(), InstanceName(f"{self._instance}+{os.getpid()}")
        try:
            self._presence.publish_status(name, self.value(now) | {"instance": name})
        except StoreError as error:
            log.debug("status cannot be published", error=str(error))
        self._measure(now)

    # ------------------------------------------------------------------ values

    def line(self) -> str:
        """One line for `systemctl status`: the phase, what holds everything back, how much."""
        held = "; ".join(
            f"held back by {reason.value}: {detail or SENTENCES[reason]}"
            for reason, detail in self._gate.reasons.items()
        )
        waits = self._outbox.size
        parts = [
            f"{self._phase()}: {len(self._calls.attempts)} calls",
            f"{waits} results not written" if waits > MANY_RESULTS else "",
            held,
        ]
        return "; ".join(part for part in parts if part)

    def value(self, now: Moment) -> dict[str, Any]:
        """Everything at once, as JSON holds it."""
        campaigns = self._calls.campaigns.values()
        return {
            "instance": self._instance,
            "pid": os.getpid(),
            "phase": self._phase(),
            "at": now.wall.isoformat(),
            "uptime_s": round(now.mono_s - self._started.mono_s, 1),
            "switch": self._switch.health() | {"usable": self._switch.usable()},
            "held_back_by": {
                reason.value: detail or SENTENCES[reason]
                for reason, detail in self._gate.reasons.items()
            },
            "campaigns": {one.name: self._campaign(one) for one in campaigns if one.active},
            "operators": dict(
                Counter(one.state.value for one in self._calls.operators.values())
            ),
            "gateways": {
                name: {
                    "up": self._lines.is_up(name, now),
                    "calls": self._calls.on_gateway(name),
                }
                for name in self._lines.gateways
            },
            "numbers": self._numbers,
            "pools": self._pools(now),
            "outbox": self._outbox.size,
            "recordings": self._recordings(),
            "supervisions": list(self._supervisions()),
            "troubles": [
                {"kind": one.kind.value, "subject": one.subject, "text": one.sentence}
                for one in self._troubles(now)
            ],
        }

    def _campaign(self, campaign: Campaign) -> dict[str, Any]:
        states = {
            state.value: self._calls.count(campaign.name, state)
            for state in AttemptState
            if state is not AttemptState.ENDED
        }
        return {
            "mode": campaign.mode.value,
            "group": campaign.group,
            "calls": states,
            **self._pacing.seen(campaign.name),
        }

    def operators(self, now: Moment) -> dict[Any, Mapping[str, Any]]:
        """Each operator's state, since when, and with which attempt."""
        return {
            name: {
                "state": one.state.value,
                "for_s": round(max(0.0, now.mono_s - one.since.mono_s), 1),
                "attempt": one.attempt or "",
                "wish": one.wish.value if one.wish else "",
                "pause_reason": one.pause_reason or "",
                "groups": sorted(self._calls.profiles[name].groups),
                "card": self._pacing.preview.card_of(name) is not None,
                "instance": self._instance,
            }
            for name, one in self._calls.operators.items()
        }

    # ------------------------------------------------------------------ numbers and metrics

    def _read_numbers(self, now: Moment) -> None:
        if now.mono_s - self._numbers_at_s < NUMBERS_EVERY_S:
            return
        self._numbers_at_s = now.mono_s
        numbers = [one for pool in self._lines.pools.values() for one in pool]
        keys = [(one.id, number_day(one, now.wall)) for one in numbers]
        used = self._hopper.used(keys) if keys else []
        self._numbers = {one.id: count for one, count in zip(numbers, used, strict=True)}

    def _pools(self, now: Moment) -> dict[str, Any]:
        """R1.11: a pool's end is known before it comes."""
        pools = {}
        for name, numbers in self._lines.pools.items():
            load = pool_load(
                NumberLoad(self._numbers.get(one.id, 0), one.soft_limit, one.hard_limit)
                for one in numbers
            )
            self._meter.gauge("dialer_pool_used_ratio", load.share, pool=name)
            self._meter.gauge("dialer_pool_calls_left", load.hard_left, pool=name)
            pools[name] = {
                "used": load.used,
                "left": load.hard_left,
                "share": round(load.share, 4),
                "warning": load.warning,
                "used_up": load.used_up,
            }
        return pools

    def _measure(self, now: Moment) -> None:
        for campaign in self._calls.campaigns.values():
            self._measure_campaign(campaign)
        self._measure_operators()
        self._measure_lines(now)
        meter, shut = self._meter, self._gate.reasons
        for reason in Reason:
            meter.gauge("dialer_gate_shut", float(reason in shut), reason=reason.value)
        meter.gauge("dialer_switch_usable", float(self._switch.usable()))
        for box in (self._outbox.to_ledger, self._outbox.to_hopper):
            meter.gauge("dialer_outbox_items", box.size, store=box.name)
            meter.gauge("dialer_outbox_age_seconds", box.age_s(now.mono_s), store=box.name)

    def _measure_campaign(self, campaign: Campaign) -> None:
        meter, name = self._meter, campaign.name
        meter.gauge("dialer_campaign_active", float(campaign.active), campaign=name)
        for state in AttemptState:
            if state is not AttemptState.ENDED:
                live = self._calls.count(name, state)
                meter.gauge("dialer_calls", live, campaign=name, state=state.value)
        abandoned, answered = self._pacing.caps.abandonment(name)
        ratio = abandoned / answered if answered else 0.0
        meter.gauge("dialer_abandonment_ratio", ratio, campaign=name)
        meter.gauge("dialer_abandonment_cap_ratio", campaign.abandonment_cap, campaign=name)

    def _measure_operators(self) -> None:
        for group in self._calls.groups:
            states = Counter(one.state for _, one in self._calls.members(group))
            for state in OperatorState:
                self._meter.gauge(
                    "dialer_operators", states[state], group=group, state=state.value
                )

    def _measure_lines(self, now: Moment) -> None:
        meter = self._meter
        for name, gateway in self._lines.gateways.items():
            meter.gauge("dialer_gateway_up", float(self._lines.is_up(name, now)), gateway=name)
            meter.gauge("dialer_gateway_calls", self._calls.on_gateway(name), gateway=name)
            meter.gauge("dialer_gateway_calls_limit", gateway.calls_at_once, gateway=name)


def health(status: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:
    """(well, details) for /healthz: well = running, and nothing that a person must mend."""
    held = dict(status["held_back_by"])
    recordings = status["recordings"]
    trouble = recordings["trouble"] if recordings else None
    well = (
        status["phase"] in ("running", "draining")
        and not (held.keys() - {"halted"})
        and trouble is None
    )
    return well, {
        "phase": status["phase"],
        "held_back_by": held,
        "recordings": trouble or "fine" if recordings else "not configured",
        "outbox": status["outbox"],
        "troubles": [one["text"] for one in status["troubles"]],
    }
