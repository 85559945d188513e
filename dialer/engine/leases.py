"""Leases and open attempts that nobody looks after: those of dead daemons, and our own orphans.

A lease past its deadline is ended only when its attempt is resolved: not open in the ledger
(its result is in the books, or its intent never was), or open and gone from the switch. What is
live here, what waits in the outbox and what a living daemon holds is left alone. A row of ours
that no live attempt stands for was committed after we had given up waiting for the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import gevent
import structlog

from dialer.core.calls import events as happened
from dialer.core.model import AttemptId, Claimed, InstanceName, LegId, Moment, OpenAttempt
from dialer.core.permission.reasons import Reason
from dialer.engine.calls import Calls
from dialer.engine.dispatcher import Dispatcher
from dialer.errors import StoreError, SwitchError
from dialer.ports import Clock, Hopper, Ledger, Meter, Presence, Switch

log = structlog.get_logger(__name__)

EVERY_S = 20.0
#: Leases looked at in one go: more than a daemon's calls at once.
MOST = 2_000
#: A younger row may be one whose answer is still on its way to us.
YOUNG = timedelta(seconds=30)


class Leases:
    """One greenlet."""

    def __init__(
        self,
        calls: Calls,
        dispatcher: Dispatcher,
        switch: Switch,
        stores: tuple[Hopper, Ledger],
        presence: Presence,
        clock: Clock,
        meter: Meter,
        *,
        instance: InstanceName,
        withdraw: Callable[[Claimed, str], None],
    ) -> None:
        self._calls = calls
        self._dispatcher = dispatcher
        self._switch = switch
        self._hopper, self._ledger = stores
        self._presence = presence
        self._clock = clock
        self._meter = meter
        self._instance = instance
        self._withdraw = withdraw

    def run(self) -> None:
        while True:
            gevent.sleep(EVERY_S)
            try:
                self.look(self._clock.now())
            except (StoreError, SwitchError) as error:
                log.warning("leases are looked at later", error=str(error))

    def look(self, now: Moment) -> None:
        """Once. Raises StoreError, SwitchError; what was not resolved is found again."""
        # In this order: a lease that ended between the two questions has no open row, and one
        # whose intent was committed between them is open.
        expired = self._hopper.expired(now, MOST)
        open_rows = {one.claimed.attempt_id: one for one in self._ledger.open_attempts()}
        alive = set(self._presence.statuses()) | {self._instance}
        unknown = [one for one in expired if not self._is_ours(one.attempt_id)]
        self._settle([one for one in unknown if one.attempt_id not in open_rows])
        orphans = [
            open_rows[one.attempt_id]
            for one in unknown
            if one.attempt_id in open_rows and open_rows[one.attempt_id].instance not in alive
        ]
        self._resolve(orphans)
        self._own_orphans(open_rows, now)

    def _is_ours(self, attempt: AttemptId) -> bool:
        """Live here, or ended a while ago and on its way to the stores."""
        return self._calls.find_attempt(attempt) is not None

    def _settle(self, claims: Sequence[Claimed]) -> None:
        """The numbers' counts stay: whether the call reached the carrier is not known here, and
        the ledger's own count is exact.
        """
        if not claims:
            return
        self._hopper.settle(claims, number_charged=[True] * len(claims), owner=self._instance)
        self._meter.count("dialer_leases_expired_total", len(claims))
        log.warning("leases of nobody ended", leases=len(claims))

    def _own_orphans(self, open_rows: Mapping[AttemptId, OpenAttempt], now: Moment) -> None:
        orphans = []
        for key, row in open_rows.items():
            if row.instance != self._instance or key in self._calls.attempts:
                continue
            if now.wall - row.committed_at < YOUNG:
                continue
            ended = self._calls.ended.get(key)
            if ended is None:
                orphans.append(row)
            elif ended.dialed_at is None:
                self._withdraw(ended.claimed, ended.stop_reason or Reason.STORE_FAILED)
        self._resolve(orphans)

    def _resolve(self, rows: Sequence[OpenAttempt]) -> None:
        """Of whom the switch knows nothing they end here, as lost: maybe dialed is dialed."""
        gone = [row for row in rows if not self._switch.exists(LegId(row.claimed.attempt_id))]
        if not gone:
            return

        def turn(now: Moment) -> None:
            self._dispatcher.adopt(gone, now)
            for row in gone:
                self._dispatcher.to_attempt(row.claimed.attempt_id, happened.Gone(), now)

        self._dispatcher.do(turn)
        self._meter.count("dialer_leases_expired_total", len(gone))
        log.warning("attempts that nobody looked after resolved", attempts=len(gone))
