"""The daemon's own parts on real stores, with a clock that the test sets and a line by script.

Feeder, pacer, dispatcher, outbox are those that `Daemon` has joined; only its loops that wait
for real time do not run. The line takes each originate down and says of it what the script
tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import gevent
import psycopg

from dialer.app import holidays_of, plan_of
from dialer.core.base.priority import place_of
from dialer.core.calls.events import LoginAsked
from dialer.core.calls.operators import enrol
from dialer.core.model import (
    Campaign,
    CampaignName,
    Entry,
    Evidence,
    GatewayName,
    LegId,
    Moment,
    OperatorId,
)
from dialer.core.permission.reasons import Reason
from dialer.engine.daemon import Daemon, Ports
from dialer.engine.dispatcher import ToOperator
from dialer.engine.supervision import Notifier
from dialer.engine.translation import fresh_leg
from dialer.hopper.client import connect
from dialer.hopper.presence import RedisPresence
from dialer.hopper.queue import RedisHopper
from dialer.ledger.store import PostgresLedger
from dialer.metrics.meter import MemoryMeter
from dialer.ports import (
    CustomerCall,
    ImportReport,
    OperatorCall,
    RejectedRow,
    Switch,
    SwitchEvent,
)
from dialer.settings.columns import ColumnMapping
from dialer.settings.csv_rows import open_contacts
from dialer.settings.loading import Loaded, load
from dialer.settings.phones import PhoneReader
from tests.engine.books import MemoryDiary, MemoryJournal
from tests.system.paper.tables import HERE, NUMBERS, Row, clock, day, instant, paper

START = instant("24.11 11:30")
LATEST = 50

_TALKED = Evidence(
    channel=True,
    cause="NORMAL_CLEARING",
    q850=16,
    sip_status=200,
    sip_term_status=200,
    hangup_disposition="recv_bye",
)
_REFUSED = {
    "busy": ("USER_BUSY", 17, 486),
    "invalid_number": ("UNALLOCATED_NUMBER", 1, 404),
    "carrier_failure": ("NORMAL_TEMPORARY_FAILURE", 41, 503),
    "rejected": ("CALL_REJECTED", 21, 603),
    "unavailable": ("NO_USER_RESPONSE", 18, 480),
}
_RINGS = frozenset({"busy", "rejected", "unavailable", "no_answer", "talked", "short_hangup"})
_RANG_OUT = Evidence(channel=True, cause="NO_ANSWER", q850=19, hangup_disposition="send_cancel")


class PaperClock:
    """Both clocks, moved by hand."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> Moment:
        return Moment(1_000.0 + (self.at - START).total_seconds(), self.at)


class Line:
    """The switch's side of a call: takes originates down; operators are always in park."""

    def __init__(self) -> None:
        self.calls: list[CustomerCall] = []
        self.inbox: Any = None

    def originate_customer(self, call: CustomerCall) -> None:
        self.calls.append(call)

    def originate_operator(self, call: OperatorCall) -> None:
        self.inbox(SwitchEvent(kind="parked", leg=call.leg))

    def begin_bridge(self, operator_leg: LegId, customer_leg: LegId) -> Callable[[], None]:
        self.inbox(SwitchEvent(kind="bridged", leg=operator_leg, other=customer_leg))
        return lambda: None

    def clean(self, leg: LegId) -> None:
        pass


class Desk:
    """Everything that a test of the case does, in few words. A context."""

    def __init__(self, dsn: str, redis_url: str) -> None:
        self.dsn = dsn
        self.clock = PaperClock(START)
        self.line = Line()
        self.meter = MemoryMeter()
        self.hopper = RedisHopper(connect(redis_url))
        self.ledger = PostgresLedger(dsn, wall=lambda: self.clock.at.timestamp())
        self.loaded = self._load(dsn, redis_url)
        self.campaigns = {one.name: one for one in self.loaded.campaigns}
        settings, clock = self.loaded.settings, cast("Any", self.clock)
        self.daemon = Daemon(
            settings.instance,
            Ports(
                switch=cast("Switch", self.line),
                hopper=self.hopper,
                presence=RedisPresence(connect(redis_url)),
                ledger=self.ledger,
                meter=self.meter,
                clock=clock,
                diary=MemoryDiary(),
                journal=MemoryJournal(),
            ),
            plan_of(self.loaded),
            load=lambda: plan_of(self.loaded),
            holidays=holidays_of(settings, clock),
            notifier=Notifier(""),
        )
        self.line.inbox = self.daemon.dispatcher.put

    def _load(self, dsn: str, redis_url: str) -> Loaded:
        environ = {
            "DIALER_SWITCH_PASSWORD": "not asked for",
            "DIALER_POSTGRESQL_DSN": dsn,
            "DIALER_REDIS_URL": redis_url,
        }
        return load(HERE / "dialer.yaml", environ=environ)

    def __enter__(self) -> Desk:
        daemon = self.daemon
        self.ledger.open()
        self.ledger.save_numbers(self.loaded.settings.numbers)
        self.ledger.save_campaigns(self.loaded.campaigns, self.clock.at)
        for name, run in (
            ("dispatcher", daemon.dispatcher.run),
            ("outbox to postgresql", daemon.outbox.to_ledger.run),
            ("outbox to redis", daemon.outbox.to_hopper.run),
        ):
            daemon.nursery.start(name, run)
        daemon.store_watch.rebuild(self.clock.now())
        daemon.gate.open(Reason.SWITCH_BLIND)  # the line needs no reconcile
        return self

    def __exit__(self, *_: object) -> None:
        self.daemon.nursery.stop()
        self.ledger.close()

    # ------------------------------------------------------------------ doing

    def bring_in(
        self, path: Path = HERE / "contacts.csv"
    ) -> tuple[ImportReport, list[RejectedRow]]:
        """Import: (report, every rejected row)."""
        settings = self.loaded.settings
        rejected: list[RejectedRow] = []
        phones = PhoneReader(
            destinations=settings.destinations, own_numbers=settings.own_numbers
        )
        rows = open_contacts(path, ColumnMapping(), phones).rows()
        report = self.ledger.import_rows(
            "people", rows, source="paper", now=self.clock.at, rejected=rejected.append
        )
        return report, rejected

    def hear(self) -> None:
        """Олег withdraws his consent, Пётр says never again."""
        oleg = self.ledger.find_phone("+74952000016")
        pyotr = self.ledger.find_phone("+74952000017")
        assert oleg is not None
        assert pyotr is not None
        assert self.ledger.withdraw_consents(oleg, purpose="marketing", now=self.clock.at) == 1
        self.ledger.add_stop(pyotr, origin="a letter", now=self.clock.at)

    def log_in(self, *names: str) -> None:
        dispatcher = self.daemon.dispatcher
        for name in map(OperatorId, names):
            self._enlist(name)
            dispatcher.put(ToOperator(name, LoginAsked(fresh_leg())))
        self.settle_down()

    def _enlist(self, name: OperatorId) -> None:
        dispatcher = self.daemon.dispatcher
        dispatcher.do(lambda now: dispatcher.enlist(enrol(name, now)))

    def gateway(self, name: str, *, up: bool) -> None:
        self.daemon.lines.gateway_state(GatewayName(name), up, self.clock.now())

    def feed(self, campaign: str = "spring", *, at: str | datetime | None = None) -> None:
        """The feeder's look, as when somebody has become due."""
        if at is not None:
            self.clock.at = instant(at) if isinstance(at, str) else at
        self.daemon.dispatcher.do(lambda now: None)  # deadlines of the time that passed
        self.settle_down()
        self.daemon.feeder.feed(self.campaign(campaign), urgent=True)

    def dial(self) -> list[CustomerCall]:
        """The pacer's look: the calls that went out, in their order."""
        before = len(self.line.calls)
        self.daemon.pacer.look(self.clock.now())
        self.settle_down()
        return self.line.calls[before:]

    def settle_down(self) -> None:
        """Until the dispatcher has seen everything and its errands are done."""
        for _ in range(6):
            self.daemon.dispatcher.do(lambda now: None)
            gevent.sleep(0)
        assert self.daemon.outbox.wait_empty(10.0)

    # ------------------------------------------------------------------ the line

    def play(self, calls: Sequence[CustomerCall], endings: Mapping[str, str]) -> None:
        """Each call to the end that is told by its contact's name."""
        began = self.clock.at
        told = [(call, endings[self.name_of(call)]) for call in calls]
        self._at(began, 1)
        for call, ending in told:
            if ending != "local_failure":
                self._say("created", call)
            if ending in _RINGS:
                self._say("progressed", call, early_media=False)
        self._at(began, 6)
        for call, ending in told:
            self._end_early(call, ending)
        self._end(began, 7, told, "short_hangup", _TALKED)
        self._end(began, 26, told, "no_answer", _RANG_OUT)
        self._end(began, 66, told, "talked", _TALKED)
        for operator in self.daemon.calls.operators.values():
            if not operator.parked:
                self.line.inbox(SwitchEvent(kind="parked", leg=operator.leg))
        self.settle_down()

    def _end_early(self, call: CustomerCall, ending: str) -> None:
        if ending in ("talked", "short_hangup"):
            self._say("answered", call)
            if ending == "talked":
                self._say("ready", call)
        elif ending == "local_failure":
            self._say("originate_failed", call, reply="-ERR GATEWAY_DOWN")
        elif ending in _REFUSED:
            cause, q850, sip = _REFUSED[ending]
            told = Evidence(
                channel=True,
                cause=cause,
                q850=q850,
                sip_status=sip,
                sip_term_status=sip,
                hangup_disposition="recv_refuse",
            )
            self._say("hung_up", call, evidence=told)

    def _end(
        self,
        began: datetime,
        after_s: int,
        told: Sequence[tuple[CustomerCall, str]],
        ending: str,
        evidence: Evidence,
    ) -> None:
        self._at(began, after_s)
        for call, its_ending in told:
            if its_ending == ending:
                self._say("hung_up", call, evidence=evidence)

    def _at(self, began: datetime, after_s: int) -> None:
        self.settle_down()
        self.clock.at = began + timedelta(seconds=after_s)

    def _say(self, kind: str, call: CustomerCall, **data: Any) -> None:
        self.line.inbox(SwitchEvent(kind=kind, leg=LegId(call.attempt), data=data))

    # ------------------------------------------------------------------ seeing

    def campaign(self, name: str) -> Campaign:
        return self.campaigns[CampaignName(name)]

    def ask(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def name_of(self, call: CustomerCall) -> str:
        query = (
            "SELECT i.name FROM attempts AS a JOIN contact_identity AS i"
            " ON i.contact_id = a.contact_id WHERE a.id = %s"
        )
        return first_name(self.ask(query, call.attempt)[0][0])

    def head(self, campaign: str = "spring") -> list[Entry]:
        """The hopper's entries that are open now, in their order."""
        entries = self.hopper.head(CampaignName(campaign), LATEST)
        now_s = self.clock.at.timestamp()
        return [one for one in entries if one.callable_until and one.callable_until > now_s]

    def order(self, campaign: str = "spring") -> list[Row]:
        """who, score, open until."""
        names = dict(self.ask("SELECT contact_id, name FROM contact_identity"))
        return [
            {
                "who": first_name(names[one.contact_id]),
                "score": str(place_of(one.rank).score),
                "open until": clock(
                    datetime.fromtimestamp(one.callable_until or 0, self.clock.at.tzinfo)
                ),
            }
            for one in self.head(campaign)
        ]

    def held(self, campaign: str = "spring") -> list[Row]:
        """who, reason, until: as the ledger keeps them, by name."""
        query = (
            "SELECT i.name, q.held_reason, q.due_at FROM queue_entries AS q"
            " JOIN campaigns AS c ON c.id = q.campaign_id"
            " JOIN contact_identity AS i ON i.contact_id = q.contact_id"
            " WHERE c.name = %s AND q.state = 'waiting'"
        )
        rows = [
            {"who": first_name(name), "reason": reason, "until": clock(until)}
            for name, reason, until in self.ask(query, campaign)
        ]
        return sorted(rows, key=lambda row: row["who"])

    def shown(self, calls: Sequence[CustomerCall]) -> list[Row]:
        """who, phone, number, gateway: as the switch was told."""
        return [
            {
                "who": self.name_of(call),
                "phone": call.digits,
                "number": NUMBERS[call.caller],
                "gateway": call.gateway,
            }
            for call in calls
        ]

    def ends(self, calls: Sequence[CustomerCall]) -> list[Row]:
        """who, disposition, next, due, failed rounds: as the ledger keeps them."""
        query = (
            "SELECT i.name, a.disposition, a.next_step, q.state, q.due_at, q.rounds_failed"
            " FROM attempts AS a JOIN contact_identity AS i ON i.contact_id = a.contact_id"
            " JOIN campaigns AS c ON c.name = a.campaign"
            " JOIN queue_entries AS q"
            "   ON q.contact_id = a.contact_id AND q.campaign_id = c.id WHERE a.id = %s"
        )
        rows = []
        for call in calls:
            name, disposition, step, state, due_at, failed = self.ask(query, call.attempt)[0]
            rows.append(
                {
                    "who": first_name(name),
                    "disposition": disposition,
                    "next": step,
                    "due": clock(due_at) if state == "waiting" else "",
                    "failed rounds": str(failed),
                }
            )
        return rows

    def charges(self) -> list[Row]:
        """number, day, calls: of the ledger; the hopper's counts must be the same."""
        query = "SELECT number, day, dialed FROM number_days WHERE dialed > 0"
        charged = self.ask(query)
        used = self.hopper.used([(number, of) for number, of, _ in charged])
        assert list(used) == [calls for _, _, calls in charged]
        rows = sorted((NUMBERS[number], of, calls) for number, of, calls in charged)
        return [{"number": n, "day": day(of), "calls": str(calls)} for n, of, calls in rows]

    def wave(self, at: str) -> None:
        """One wave of calls of the case, held against its two tables."""
        self.feed(at=at)
        calls = self.dial()
        columns = ("who", "phone", "number", "gateway")
        assert self.shown(calls) == paper(f"calls at {at}", *columns)
        wanted = paper(f"ends at {at}")
        self.play(calls, {row["who"]: row["disposition"] for row in wanted})
        assert self.ends(calls) == wanted


def first_name(name: str) -> str:
    """Жанна's goes on behind a line break."""
    return name.split()[0]
