"""Keeps watch on the stores: leases renewed, a lost Redis rebuilt, clocks compared, caps read.

What is found wrong shuts the gate with a reason; when it is mended the gate opens by itself.
Redis may come back empty at any moment: claims are refused by its own scripts until everything
has been rebuilt from PostgreSQL (architecture 2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import uuid4

import gevent
import structlog

from dialer.core.model import InstanceName, Moment
from dialer.core.permission.reasons import Reason
from dialer.engine.calls import Calls
from dialer.engine.gate import Gate
from dialer.engine.launch import LEASE_S
from dialer.engine.outbox import Box
from dialer.errors import StoreError
from dialer.ports import Clock, Hopper, Ledger, Meter

log = structlog.get_logger(__name__)

TICK_S = 1.0
RENEW_S = 10.0
#: R10.7: alarm at half a second, no new calls at two.
CLOCK_ALARM_S, CLOCK_STOP_S = 0.5, 2.0
#: Results that wait so long: something is wrong that a look does not see; dial nothing more.
UNWRITTEN_S = 30.0
#: The clocks and the caps are read so often.
SLOW_S = 5.0


class StoreWatch:
    """One greenlet."""

    def __init__(
        self,
        calls: Calls,
        stores: tuple[Hopper, Ledger],
        gate: Gate,
        clock: Clock,
        meter: Meter,
        *,
        instance: InstanceName,
        caps: Callable[[Moment], None],
        refill: Callable[[], None],
        halted: Callable[[], object],
        boxes: Sequence[Box],
        switch_clock_offset_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._switch_clock_offset_s = switch_clock_offset_s
        self._calls = calls
        self._hopper, self._ledger = stores
        self._gate = gate
        self._clock = clock
        self._meter = meter
        self._instance = instance
        self._caps = caps
        self._refill = refill
        self._halted = halted
        self._boxes = boxes
        self._slow_at_s = -SLOW_S
        self._renewed_at_s = -RENEW_S

    def run(self) -> None:
        while True:
            self.watch(self._clock.now())
            gevent.sleep(TICK_S)

    def watch(self, now: Moment) -> None:
        """One look; the gate says what came of it."""
        try:
            self.look(now)
        except StoreError as error:
            self._meter.count("dialer_store_errors_total", store=error.store)
            self._gate.shut(Reason.STORE_FAILED, str(error))
        else:
            self._gate.open(Reason.STORE_FAILED)

    def look(self, now: Moment) -> None:
        """Both stores once, so that the gate opens only when both have answered.

        Raises StoreError where one of them does not; the other one is looked at all the same.
        """
        try:
            self._look_at_hopper(now)
        finally:
            self._look_at_ledger(now)
        for box in self._boxes:
            if box.age_s(now.mono_s) > UNWRITTEN_S:
                what = f"results have waited for more than {UNWRITTEN_S:.0f} s"
                raise StoreError(box.name, what, "the log says which write fails")

    def _look_at_hopper(self, now: Moment) -> None:
        if not self._hopper.epoch():
            self.rebuild(now)
        if now.mono_s - self._renewed_at_s >= RENEW_S:
            self._hopper.renew(self._instance, LEASE_S, now)
            self._renewed_at_s = now.mono_s

    def _look_at_ledger(self, now: Moment) -> None:
        self._read_halt()
        if now.mono_s - self._slow_at_s >= SLOW_S:
            self._compare_clocks()
            self._caps(now)
            self._slow_at_s = now.mono_s

    def rebuild(self, now: Moment) -> None:
        """Everything in Redis, from the truth: counts of the days, leases of open attempts."""
        today = now.wall.date()
        days = [today + timedelta(days=shift) for shift in (-1, 0, 1)]
        open_attempts = self._ledger.open_attempts()
        self._hopper.rebuild(
            epoch=str(uuid4()),
            charges=self._ledger.charges(days),
            open_attempts=open_attempts,
            lease_s=LEASE_S,
            now=now,
        )
        self._meter.count("dialer_hopper_rebuilds_total")
        log.info("hopper rebuilt", open_attempts=len(open_attempts))
        self._refill()

    def _compare_clocks(self) -> None:
        """R10.7: the ledger's against ours, and the switch's, of which each tick tells."""
        offset_s, whose = self._ledger.clock_offset_s(), "PostgreSQL's"
        self._meter.gauge("dialer_clock_offset_seconds", offset_s, against="postgresql")
        of_switch_s = self._switch_clock_offset_s() or 0.0
        if abs(of_switch_s) > abs(offset_s):
            offset_s, whose = of_switch_s, "the switch's"
        if abs(offset_s) >= CLOCK_STOP_S:
            self._gate.shut(
                Reason.CLOCK_OFF, f"{whose} clock is {offset_s:+.1f} s off: mend NTP"
            )
        else:
            self._gate.open(Reason.CLOCK_OFF)
            if abs(offset_s) >= CLOCK_ALARM_S:
                log.warning("clocks differ", whose=whose, offset_s=round(offset_s, 3))

    def _read_halt(self) -> None:
        """The emergency stop is kept in the ledger: it outlives us and binds every daemon.

        Its command may not reach us (Redis away): ringing calls end by this look, too.
        """
        if self._ledger.halted():
            self._gate.shut(Reason.HALTED, "said by the ledger")
            self._halted()
        else:
            self._gate.open(Reason.HALTED)
