"""Batched, retried writes: results, withdrawn intents and stops, in the order in which they
came.

A result is written to the ledger first and only then is its lease in the hopper settled:
between the two the phone stays leased, so that nobody can dial it on the strength of an old
row. The two stores have a box each, so that results reach the ledger while Redis is away. While
a store is away the items wait here; the pacer launches nothing then, so a box is bounded by the
calls that were live.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import gevent
import structlog
from gevent.event import Event as Signal

from dialer.core.base.rounds import next_step
from dialer.core.calls.attempts import Attempt
from dialer.core.calls.operators import Operator
from dialer.core.calls.outcome import judge, outcome
from dialer.core.model import (
    AttemptId,
    Campaign,
    Claimed,
    Disposition,
    Evidence,
    GatewayName,
    InstanceName,
    Moment,
    Outcome,
    PhoneId,
    Price,
)
from dialer.core.permission.hours import is_zone
from dialer.core.permission.money import cost
from dialer.core.permission.reasons import REQUEUED
from dialer.errors import StoreError
from dialer.ports import Clock, Hopper, Ledger, Meter, OperatorChange

log = structlog.get_logger(__name__)

BATCH = 200
#: A batch is written when it is full or so old.
LINGER_S = 0.05
RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)
#: So often a store that is otherwise well may refuse one item; then that is set aside.
ENOUGH_TRIES = 6


@dataclass(frozen=True, slots=True)
class Settled:
    """An attempt's one result."""

    outcome: Outcome
    claimed: Claimed


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A claim that came to nothing before any call."""

    claimed: Claimed
    reason: str


@dataclass(frozen=True, slots=True)
class OptedOut:
    """A person pressed the key in this attempt's message: never again."""

    attempt: AttemptId
    at: datetime


@dataclass(frozen=True, slots=True)
class Stopped:
    """The ledger knows the stop: the phone leaves every queue."""

    phone: PhoneId


Item = Settled | Withdrawn | OptedOut | Stopped | OperatorChange


class Box:
    """Items in order, written in batches, each batch however often it takes."""

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[Item]], None],
        probe: Callable[[], object],
        clock: Clock,
        meter: Meter,
    ) -> None:
        self.name = name
        self._probe = probe
        self._clock = clock
        self._waiting_since_s: float | None = None
        self._write = write
        self._meter = meter
        self._items: deque[Item] = deque()
        self._filled = Signal()
        self._idle = Signal()
        self._idle.set()

    def put(self, *items: Item) -> None:
        """Never blocks, never yields."""
        if not self._items:
            self._waiting_since_s = self._clock.now().mono_s
        self._items.extend(items)
        self._idle.clear()
        self._filled.set()

    @property
    def items(self) -> tuple[Item, ...]:
        return tuple(self._items)

    @property
    def size(self) -> int:
        return len(self._items)

    def age_s(self, now_s: float) -> float:
        """For how long the box has not been seen empty, or its head not written."""
        since_s = self._waiting_since_s
        return 0.0 if not self._items or since_s is None else now_s - since_s

    def wait_empty(self, timeout_s: float) -> bool:
        return bool(self._idle.wait(timeout_s))

    def run(self) -> None:
        while True:
            self._filled.wait()
            if len(self._items) < BATCH:
                gevent.sleep(LINGER_S)
            self._filled.clear()
            while self._items:
                self._write_with_patience()
            self._idle.set()

    def _write_with_patience(self) -> None:
        """Smaller batches after a failure, so that one bad item holds up none before it."""
        batch = list(islice(self._items, BATCH))
        tries = refused = 0
        while not self._written(batch):
            # Asked at once: a store that comes back in the pause has refused nothing.
            refused += len(batch) == 1 and self._store_is_well()
            if refused == ENOUGH_TRIES:
                # Its row stays open, its lease held: a restart resolves both.
                log.error("set aside: the store takes all but this", item=repr(batch[0]))
                break
            gevent.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
            tries += 1
            batch = batch[: max(1, len(batch) // 2)]
        for _ in batch:
            self._items.popleft()
        self._waiting_since_s = self._clock.now().mono_s

    def _store_is_well(self) -> bool:
        try:
            self._probe()
        except StoreError:
            return False
        return True

    def _written(self, batch: Sequence[Item]) -> bool:
        try:
            self._write(batch)
        except StoreError as error:
            self._meter.count("dialer_store_errors_total", store=self.name)
            log.warning("writes wait", error=str(error), items=self.size)
            return False
        return True


def _may_have_rung(attempt: Attempt, evidence: Evidence) -> bool:
    """Some carriers never signal ringing: whoever was let wait until we gave up may have heard
    it.
    """
    return (
        attempt.rang_at is not None
        or attempt.early_media_at is not None
        or evidence.hangup_disposition == "send_cancel"
    )


class Outbox:
    """Filled inside the dispatcher's turn; each box is emptied by a greenlet of its own."""

    def __init__(
        self,
        ledger: Ledger,
        hopper: Hopper,
        instance: InstanceName,
        clock: Clock,
        meter: Meter,
        *,
        opt_out_is_written: Callable[[AttemptId], None],
        price: Callable[[GatewayName], Price | None] = lambda name: None,
    ) -> None:
        self._price = price
        self._opt_out_is_written = opt_out_is_written
        self._ledger = ledger
        self._hopper = hopper
        self._instance = instance
        self._meter = meter
        self.to_ledger = Box(
            "postgresql", self._write_ledger, ledger.clock_offset_s, clock, meter
        )
        self.to_hopper = Box("redis", self._write_hopper, hopper.epoch, clock, meter)

    # ------------------------------------------------------------------ filled

    def settle(
        self, attempt: Attempt, evidence: Evidence, campaign: Campaign, now: Moment
    ) -> Outcome:
        """Judge the ending, decide the contact's next step, keep both."""
        entry = attempt.claimed.entry
        verdict = judge(attempt, evidence, now)
        zone = (entry.zones[0] if entry.zones else campaign.default_zone) or "UTC"
        zone = zone if is_zone(zone) else "UTC"  # as the ledger does: it comes from outside
        step = next_step(
            entry.history,
            verdict,
            campaign,
            now.wall,
            today=now.wall.astimezone(ZoneInfo(zone)).date(),
            gateway=attempt.claimed.gateway,
            zone=zone,
            rang=_may_have_rung(attempt, evidence),
        )
        result = self._priced(outcome(attempt, evidence, verdict, step, now))
        self._meter.count(
            "dialer_attempts_ended_total",
            campaign=entry.campaign,
            disposition=verdict.disposition.value,
        )
        self._meter.count(
            "dialer_gateway_attempts_ended_total",
            gateway=attempt.claimed.gateway,
            disposition=verdict.disposition.value,
        )
        if verdict.disposition is Disposition.ABANDONED:
            self._meter.count("dialer_abandoned_total", campaign=entry.campaign)
        if result.talk_ms is not None:
            talk_s = result.talk_ms / 1000
            self._meter.observe("dialer_talk_seconds", talk_s, campaign=entry.campaign)
        self.to_ledger.put(Settled(result, attempt.claimed))
        return result

    def _priced(self, result: Outcome) -> Outcome:
        answered_s = None
        if result.answered_at is not None:
            answered_s = max(0.0, (result.ended_at - result.answered_at).total_seconds())
        price, reached = self._price(result.gateway), result.verdict.number_charged
        return replace(result, cost=cost(price, reached=reached, answered_s=answered_s))

    def withdraw(self, claimed: Claimed, reason: str) -> None:
        self.to_ledger.put(Withdrawn(claimed, reason))

    def opt_out(self, attempt: AttemptId, now: Moment) -> None:
        self.to_ledger.put(OptedOut(attempt, now.wall))

    def operator_moved(self, operator: Operator, now: Moment) -> None:
        self.to_ledger.put(
            OperatorChange(
                now.wall,
                self._instance,
                operator.id,
                operator.state.value,
                operator.pause_reason,
            )
        )

    def unwritten(self) -> list[Outcome]:
        """Results that no book holds yet."""
        return [one.outcome for one in self.to_ledger.items if isinstance(one, Settled)]

    @property
    def size(self) -> int:
        return self.to_ledger.size + self.to_hopper.size

    def wait_empty(self, timeout_s: float) -> bool:
        return self.to_ledger.wait_empty(timeout_s) and self.to_hopper.wait_empty(timeout_s)

    # ------------------------------------------------------------------ emptied

    def _write_ledger(self, batch: Sequence[Item]) -> None:
        for item in batch:
            if isinstance(item, OptedOut):
                self._write_opt_out(item)
        settled = [item.outcome for item in batch if isinstance(item, Settled)]
        if settled:
            self._ledger.end_attempts(settled)
        withdrawn = [item for item in batch if isinstance(item, Withdrawn)]
        if withdrawn:
            self._ledger.withdraw_intents(
                [item.claimed.attempt_id for item in withdrawn], withdrawn[0].reason
            )
        moved = [item for item in batch if isinstance(item, OperatorChange)]
        if moved:
            self._ledger.log_operators(moved)
        self.to_hopper.put(*(item for item in batch if isinstance(item, Settled | Withdrawn)))

    def _write_opt_out(self, item: OptedOut) -> None:
        """What this base does not know may be another daemon's on the same switch: it stays."""
        answer = self._ledger.opt_out(item.attempt, item.at)
        if answer.phone is not None:
            self.to_hopper.put(Stopped(answer.phone))
        if answer.known:
            self._opt_out_is_written(item.attempt)

    def _write_hopper(self, batch: Sequence[Item]) -> None:
        stopped = [item.phone for item in batch if isinstance(item, Stopped)]
        if stopped:
            self._hopper.void(stopped)
        settled = [item for item in batch if isinstance(item, Settled)]
        if settled:
            self._hopper.settle(
                [item.claimed for item in settled],
                number_charged=[item.outcome.verdict.number_charged for item in settled],
                owner=self._instance,
            )
        withdrawn = [item for item in batch if isinstance(item, Withdrawn)]
        for requeue in (True, False):
            claimed = [one.claimed for one in withdrawn if (one.reason in REQUEUED) is requeue]
            if claimed:
                self._hopper.give_back(claimed, requeue=requeue, owner=self._instance)
