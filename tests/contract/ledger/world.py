"""Builders for the ledger's tests: a campaign with people on its list, claims, endings.

Time is an argument everywhere: NOW is a Tuesday noon in Moscow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg

from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    Caps,
    Claimed,
    Disposition,
    Entry,
    Evidence,
    GatewayName,
    GroupName,
    HungUpBy,
    InstanceName,
    Intent,
    IntentAnswer,
    Next,
    Number,
    NumberId,
    Outcome,
    PoolName,
    Verdict,
)
from dialer.ledger.store import PostgresLedger
from dialer.ports import ImportedConsent, ImportedPhone, ImportReport, ImportRow

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
NUMBER = NumberId("+74951230001")
GATEWAY = GatewayName("alpha")
INSTANCE = InstanceName("first")
WIDE = Caps(per_day=100, per_week=100, per_month=100, talks_per_day=100)
CONSENT = ImportedConsent(
    purpose="sales", given_at=datetime(2026, 1, 1, tzinfo=UTC), evidence="form 7"
)


def campaign(name: str = "spring", **changes: Any) -> Campaign:
    plain = Campaign(
        name=CampaignName(name),
        list_name="people",
        group=GroupName("sales"),
        pool=PoolName("moscow"),
        gateways=(GATEWAY,),
        purpose="sales",
        revision="1",
    )
    return replace(plain, **changes)


def row(line: int, **changes: Any) -> ImportRow:
    plain = ImportRow(
        line=line,
        phones=(phone(line),),
        name=f"Person {line}",
        consent=CONSENT,
        added_at=datetime(2026, 11, 1, tzinfo=UTC),
    )
    return plain._replace(**changes)


def phone(nth: int, **changes: Any) -> ImportedPhone:
    return ImportedPhone(
        digits=f"+7495{2000000 + nth}",
        kind="landline",
        region="Moscow",
        zones=("Europe/Moscow",),
    )._replace(**changes)


def verdict(disposition: Disposition = Disposition.NO_ANSWER, **changes: Any) -> Verdict:
    plain = Verdict(
        disposition=disposition,
        charged=True,
        number_charged=True,
        number_suspect=disposition is Disposition.INVALID_NUMBER,
        hung_up_by=HungUpBy.THEM,
    )
    return replace(plain, **changes)


def retry(at: datetime, rounds_failed: int = 0) -> Next:
    return Next(step="retry", due_at=at, reason="again later", rounds_failed=rounds_failed)


class World:
    """What the tests do with a ledger, in few words."""

    def __init__(self, ledger: PostgresLedger, dsn: str) -> None:
        self.ledger = ledger
        self.dsn = dsn
        ledger.save_numbers([number()])

    def clear(self) -> None:
        """Back to an empty base; between the examples of one hypothesis test."""
        self.ask(
            "TRUNCATE contacts, contact_identity, contact_phones, phones, lists, list_entries,"
            " consents, merges, queue_entries, campaigns RESTART IDENTITY CASCADE"
        )

    def people(self, count: int, **changes: Any) -> ImportReport:
        return self.rows([row(line, **changes) for line in range(1, count + 1)])

    def rows(self, rows: Iterable[Any], list_name: str = "people", **more: Any) -> ImportReport:
        return self.ledger.import_rows(list_name, rows, source="test", now=NOW, **more)

    def save(self, *saved: Campaign, now: datetime = NOW) -> None:
        self.ledger.save_campaigns(saved, now)

    def entries(self, of: Campaign, limit: int = 100, now: datetime = NOW) -> list[Entry]:
        return [d.entry for d in self.ledger.due(of, now, limit) if d.held is None]

    def held(self, of: Campaign, now: datetime = NOW) -> dict[int, str]:
        """Reason by the list's position."""
        return {
            d.entry.position: d.held
            for d in self.ledger.due(of, now, 100)
            if d.held is not None
        }

    def commit(
        self, of: Campaign, entries: Sequence[Entry], now: datetime = NOW, **changes: Any
    ) -> list[IntentAnswer]:
        asked = [intent(of, entry, **changes) for entry in entries]
        return list(self.ledger.commit_intents(asked, now))

    def end(self, answer: IntentAnswer, now: datetime = NOW, **changes: Any) -> Outcome:
        """End one open attempt; `changes` of the outcome."""
        opened = {a.claimed.attempt_id: a.claimed for a in self.ledger.open_attempts()}
        told = outcome(opened[answer.attempt_id], now, **changes)
        self.ledger.end_attempts([told])
        return told

    def dial(
        self,
        of: Campaign,
        entry: Entry,
        at: datetime = NOW,
        *,
        preset: str | None = None,
        **changes: Any,
    ) -> IntentAnswer:
        """Commit and end at one instant; `preset`: whose law its grounds name."""
        law = {"grounds": {"preset": preset, "purpose": of.purpose}} if preset else {}
        (answer,) = self.commit(of, [entry], at, **law)
        assert answer.committed, answer
        self.end(answer, at, **changes)
        return answer

    def ask(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def one(self, query: str, *parameters: Any) -> Any:
        return self.ask(query, *parameters)[0][0]

    def dialed(self, number: NumberId = NUMBER, day: date = TODAY) -> int:
        return self.ledger.charges([day]).get((number, day), 0)


def number(**changes: Any) -> Number:
    plain = Number(
        id=NUMBER,
        pool=PoolName("moscow"),
        kind="landline",
        region="Moscow",
        gateways=(GATEWAY,),
    )
    return replace(plain, **changes)


def intent(
    of: Campaign,
    entry: Entry,
    *,
    attempt: str | None = None,
    limit: int = 80,
    reserved: int = 0,
    grounds: dict[str, Any] | None = None,
    **changes: Any,
) -> Intent:
    claimed = Claimed(
        attempt_id=AttemptId(attempt or str(uuid4())),
        entry=entry,
        number=NUMBER,
        number_day=TODAY,
        gateway=GATEWAY,
    )
    return Intent(
        claimed=replace(claimed, **changes),
        campaign=of,
        number_hard_limit=limit,
        instance=INSTANCE,
        grounds=grounds or {"consent": "form 7"},
        reserved=reserved,
    )


def outcome(claimed: Claimed, now: datetime, **changes: Any) -> Outcome:
    plain = Outcome(
        attempt_id=claimed.attempt_id,
        campaign=claimed.entry.campaign,
        contact_id=claimed.entry.contact_id,
        phone_id=claimed.entry.phone_id,
        number=claimed.number,
        number_day=claimed.number_day,
        gateway=claimed.gateway,
        verdict=verdict(),
        evidence=Evidence(channel=True, cause="NO_ANSWER", q850=19, sip_status=487),
        next=retry(now + timedelta(hours=2)),
        dialed_at=now,
        rang_at=now,
        answered_at=None,
        bridged_at=None,
        ended_at=now,
        ring_ms=25_000,
        early_media_ms=None,
        wait_ms=None,
        talk_ms=None,
        operator=None,
        short_answer=False,
    )
    return replace(plain, **changes)
