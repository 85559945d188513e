"""Retention once a day, by one of the daemons, at the quiet hour (R6.7).

The day is a row in the ledger: one daemon holds it by a lease, and where it dies half-way
another one goes on. Rows go in small transactions with pauses, so that dialing never waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date

import gevent
import structlog

from dialer.core.model import InstanceName, Moment
from dialer.core.permission.retention import LATE_S, due_day, limits
from dialer.core.trouble import Kind, Trouble
from dialer.engine.plan import Plan
from dialer.errors import StoreError
from dialer.ports import Clock, Ledger, Meter

log = structlog.get_logger(__name__)

LOOK_S = 60.0
#: Rows of one transaction: some tens of milliseconds.
MOST = 500
#: Deleting takes one part in so many of the time; the least pause between two transactions.
PART_OF_TIME, LEAST_PAUSE_S = 5, 0.05
#: The lease is renewed so often.
RENEW_S = 60.0


class RetentionRun:
    """`run` is a greenlet; `troubles` may be asked by anybody."""

    def __init__(
        self,
        plan: Callable[[], Plan],
        ledger: Ledger,
        clock: Clock,
        meter: Meter,
        *,
        instance: InstanceName,
        pause: Callable[[float], object] = gevent.sleep,
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._clock = clock
        self._meter = meter
        self._instance = instance
        self._pause = pause
        self._age_s = 0.0

    def run(self) -> None:
        while True:
            gevent.sleep(LOOK_S)
            try:
                self.look(self._clock.now())
            except StoreError as error:
                self._meter.count("dialer_store_errors_total", store=error.store)
                log.warning("retention waits for the ledger", error=str(error))

    def look(self, now: Moment) -> None:
        """Run what is due, if no other daemon does. Raises StoreError."""
        last_day, last_at = self._ledger.retention_state()
        self._age_s = 0.0 if last_at is None else (now.wall - last_at).total_seconds()
        self._meter.gauge("dialer_retention_age_seconds", self._age_s)
        day = due_day(now.wall, self._plan().quiet_hour, last_day)
        if day is not None and self._ledger.begin_retention(day, self._instance, now.wall):
            self._work(day, now)

    def _work(self, day: date, now: Moment) -> None:
        log.info("retention begins", day=day.isoformat())
        gone: Counter[str] = Counter()
        renewed_s = began_s = now.mono_s
        before = limits(self._plan().retention, now.wall)
        for kind, rows in self._ledger.retention_steps(before, now.wall, MOST):
            gone[kind] += rows
            self._meter.count("dialer_retention_rows_total", rows, kind=kind)
            at = self._clock.now()
            if at.mono_s - renewed_s >= RENEW_S:
                if not self._ledger.begin_retention(day, self._instance, at.wall):
                    log.info("retention goes on with another daemon", day=day.isoformat())
                    return
                renewed_s = at.mono_s
            self._pause(max(LEAST_PAUSE_S, PART_OF_TIME * (at.mono_s - began_s)))
            began_s = self._clock.now().mono_s
        at = self._clock.now()
        self._ledger.end_retention(day, self._instance, gone, at.wall)
        self._age_s = 0.0
        self._meter.gauge("dialer_retention_age_seconds", 0.0)
        log.info("retention is done", day=day.isoformat(), rows=dict(gone))

    def troubles(self) -> Sequence[Trouble]:
        """Nobody has run it for two days."""
        if self._age_s <= LATE_S:
            return ()
        text = f"retention has not run for {self._age_s / 86_400:.1f} days"
        return (Trouble(kind=Kind.RETENTION_LATE, subject="retention", text=text),)
