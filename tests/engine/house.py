"""A daemon in memory: the unchanged engine between a scripted line, scripted books and a clock
that is moved by hand (or, where a test says so, on a simulated switch by the wall's clock).

Hopper, presence and meter are the rooms' own in-memory ones. `House.settle` lets every
greenlet go on until nothing is left to do; nothing here waits for time to pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import gevent

from dialer.core.calls import events as happened
from dialer.core.calls.attempts import Attempt, AttemptState
from dialer.core.calls.operators import Operator, enrol
from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    ContactId,
    Entry,
    Evidence,
    Gateway,
    GatewayName,
    Group,
    GroupName,
    InstanceName,
    LegId,
    Moment,
    Number,
    NumberId,
    OperatorId,
    OperatorProfile,
    PhoneId,
    PoolName,
    Source,
)
from dialer.core.permission.reasons import Reason
from dialer.engine.daemon import Daemon, Plan, Ports
from dialer.engine.dispatcher import Dispatcher, ToAttempt, ToOperator
from dialer.engine.supervision import Notifier
from dialer.hopper.memory import MemoryHopper
from dialer.hopper.memory_presence import MemoryPresence
from dialer.metrics.meter import MemoryMeter
from dialer.ports import Clock, Sealer, Switch
from dialer.recordings.folder import RecordingFolder
from tests.engine.books import Books, MemoryDiary, MemoryJournal
from tests.engine.line import Line

US = InstanceName("d1")
SPRING = CampaignName("spring")
SALES = GroupName("sales")
CARRIER = GatewayName("carrier")
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday, noon in Moscow

TALKED = Evidence(channel=True, cause="NORMAL_CLEARING", q850=16, hangup_disposition="recv_bye")
BUSY = Evidence(
    channel=True, cause="USER_BUSY", q850=17, sip_status=486, hangup_disposition="recv_refuse"
)


class HandClock:
    """Both clocks, moved together by hand."""

    def __init__(self) -> None:
        self._now = Moment(1_000.0, START)

    def now(self) -> Moment:
        return self._now

    def move(self, seconds: float) -> Moment:
        mono_s, wall = self._now
        self._now = Moment(mono_s + seconds, wall + timedelta(seconds=seconds))
        return self._now


def campaign(name: str = "spring", **changes: Any) -> Campaign:
    values: dict[str, Any] = {
        "name": CampaignName(name),
        "list_name": "people",
        "group": SALES,
        "pool": PoolName("cities"),
        "gateways": (CARRIER,),
        "purpose": "marketing",
        "consent_required": False,
        "consent_ground": "a test",
        "default_zone": "Europe/Moscow",
    }
    return Campaign(**{**values, **changes})


def number(n: int = 1, **changes: Any) -> Number:
    values: dict[str, Any] = {
        "id": NumberId(f"+7495000010{n}"),
        "pool": PoolName("cities"),
        "kind": "landline",
        "region": None,
        "gateways": (CARRIER,),
    }
    return Number(**{**values, **changes})


def profile(name: str, **groups: int) -> OperatorProfile:
    named = {GroupName(group): place for group, place in (groups or {"sales": 1}).items()}
    return OperatorProfile(
        id=OperatorId(name), endpoint=f"user/{name}@test.invalid", groups=named, extension=name
    )


def gateway(name: str = "carrier", **changes: Any) -> Gateway:
    values: dict[str, Any] = {
        "name": GatewayName(name),
        "calls_per_s": 1e6,  # none waits for another's turn: the clock is moved by hand
        "calls_at_once": 1_000,
    }
    return Gateway(**{**values, **changes})


def entry(n: int, name: str = "spring", **changes: Any) -> Entry:
    """Contact and phone n, in the nth place."""
    values: dict[str, Any] = {
        "campaign": CampaignName(name),
        "contact_id": ContactId(n),
        "phone_id": PhoneId(10_000 + n),
        "rank": float(n),
        "position": n,
        "source": Source.FIRST,
        "zones": ("Europe/Moscow",),
    }
    return Entry(**{**values, **changes})


def plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "campaigns": {SPRING: campaign()},
        "groups": {SALES: Group(name=SALES, wrapup_s=10.0)},
        "operators": {OperatorId(name): profile(name) for name in ("anna", "boris", "vera")},
        "gateways": {CARRIER: gateway()},
        "numbers": [number(n) for n in (1, 2, 3)],
        "switch_calls_per_s": 1_000.0,
        "switch_calls_at_once": 1_000,
        "drain_s": 5.0,
    }
    return Plan(**{**values, **changes})


class House:
    """The daemon with dispatcher and outbox running; everything else is asked by the test."""

    def __init__(
        self,
        configured: Plan | None = None,
        *,
        strict: bool = True,
        switch: Switch | None = None,
        clock: Clock | None = None,
        sealer: Sealer | None = None,
    ) -> None:
        self.clock = HandClock()
        self.line = Line()
        self.books = Books()
        self.hopper = MemoryHopper()
        self.presence = MemoryPresence(lambda: self.clock.now().mono_s)
        self.meter = MemoryMeter()
        self.diary = MemoryDiary()
        self.plan = configured or plan()
        self.daemon = Daemon(
            US,
            Ports(
                switch=switch or cast("Any", self.line),
                hopper=self.hopper,
                presence=self.presence,
                ledger=cast("Any", self.books),
                meter=self.meter,
                clock=clock or self.clock,
                diary=self.diary,
                journal=MemoryJournal(),
                recordings=RecordingFolder(sealer),
            ),
            self.plan,
            load=lambda: self.plan,
            holidays=lambda one: frozenset(),
            notifier=Notifier(""),
            strict=strict,
        )
        self.calls = self.daemon.calls
        self.gate = self.daemon.gate
        self.line.inbox = self.daemon._inbox

    # ------------------------------------------------------------------ life

    def begin(self) -> None:
        daemon = self.daemon
        daemon.nursery.start("dispatcher", daemon.dispatcher.run)
        daemon.nursery.start("to postgresql", daemon.outbox.to_ledger.run)
        daemon.nursery.start("to redis", daemon.outbox.to_hopper.run)
        daemon.store_watch.rebuild(self.clock.now())
        daemon.pacing.caps.refresh(self.clock.now())
        self.gate.open(Reason.SWITCH_BLIND)

    def end(self) -> None:
        nursery = self.daemon.nursery
        nursery.stop()
        nursery.check()

    def settle(self) -> None:
        """Until inbox and errands are empty."""
        for _ in range(5):
            self.daemon.dispatcher.do(lambda now: None)
            gevent.sleep(0)
        self.daemon.nursery.check()

    def written(self) -> None:
        """Until both stores have everything."""
        self.settle()
        assert self.daemon.outbox.wait_empty(5.0)

    def pass_time(self, seconds: float) -> None:
        self.clock.move(seconds)
        self.settle()

    # ------------------------------------------------------------------ operators

    def log_in(self, *names: str) -> None:
        """Parked and ready, each a moment later than the one before."""
        dispatcher = self.daemon.dispatcher
        for name in map(OperatorId, names):
            asked = happened.LoginAsked(LegId(f"leg-{name}"))
            dispatcher.do(partial(_enlist, dispatcher, name))
            dispatcher.put(ToOperator(name, asked))
            self.clock.move(0.001)
            self.settle()
            self.park(name)

    def park(self, name: str) -> None:
        """His leg is in park (again)."""
        self.line.has_operator(name, parked=True)
        self.line.tell("parked", f"leg-{name}")
        self.settle()

    def bridge(self, name: str, key: AttemptId) -> None:
        """The switch joins the two."""
        self.line.has_operator(name, bridged_to=LegId(key))
        self.line.has_customer(key, bridged_to=LegId(f"leg-{name}"))
        self.line.tell("bridged", f"leg-{name}", other=key)
        self.settle()

    def hang_up(self, key: AttemptId, evidence: Evidence = TALKED) -> None:
        self.line.hang_up(key, evidence)
        self.settle()

    def operator(self, name: str) -> Operator:
        return self.calls.operators[OperatorId(name)]

    # ------------------------------------------------------------------ customers

    def queue(self, *entries: Entry, name: CampaignName = SPRING) -> None:
        self.hopper.offer(name, entries)

    def dial(self) -> list[AttemptId]:
        """One look of the pacer; the calls that it sent out, in order."""
        before = len(self.line.dialed)
        self.daemon.pacer.look(self.clock.now())
        self.settle()
        return [one.attempt for one in self.line.dialed[before:]]

    def dial_one(self, n: int = 1) -> AttemptId:
        """A call that is on its way, whatever operators there are."""
        waits = self.calls.campaigns[SPRING]
        self.queue(entry(n))
        claimed, shown, _ = self.daemon.pacing.launcher.claim(waits, 1, self.clock.now())
        self.daemon.pacing.launcher.commit(waits, claimed, shown, self.clock.now())
        self.settle()
        return claimed[0].attempt_id

    def waiting(self, n: int = 1) -> AttemptId:
        """A customer who has picked up and is in his script."""
        key = self.dial_one(n)
        self.line.has_customer(key, in_script=True)
        for kind in ("created", "progressed", "answered", "ready"):
            self.line.tell(kind, key)
        self.settle()
        return key

    def talking(self, name: str, n: int = 1) -> AttemptId:
        """This operator (the only ready one) in a talk."""
        key = self.waiting(n)
        self.bridge(name, key)
        assert self.state(key) is AttemptState.TALKING
        return key

    def attempt(self, key: AttemptId) -> Attempt:
        found = self.calls.find_attempt(key)
        assert found is not None
        return found

    def state(self, key: AttemptId) -> AttemptState:
        return self.attempt(key).state

    def put(self, key: AttemptId, event: happened.Event) -> None:
        self.daemon.dispatcher.put(ToAttempt(key, event))
        self.settle()

    def disposition(self, key: AttemptId) -> str:
        self.written()
        return str(self.books.results[key].verdict.disposition.value)


def _enlist(dispatcher: Dispatcher, name: OperatorId, now: Moment) -> None:
    dispatcher.enlist(enrol(name, now))


@contextmanager
def house(configured: Plan | None = None, **options: Any) -> Iterator[House]:
    one = House(configured, **options)
    one.begin()
    try:
        yield one
    finally:
        one.end()
