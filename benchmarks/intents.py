"""Intents committed per second with all their checks, beside bare INSERTs of the same rows.

Both in batches of the same size, each batch one transaction, by the same client in the same
run; bare is `INSERT ... SELECT FROM unnest` into a table with its primary key only. Also: `due`
of 500 out of a long queue, and endings. `python -m benchmarks.intents` prints the result.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    Claimed,
    Disposition,
    Entry,
    Evidence,
    GatewayName,
    GroupName,
    HungUpBy,
    InstanceName,
    Intent,
    Next,
    Number,
    NumberId,
    Outcome,
    PoolName,
    Verdict,
)
from dialer.ledger.migrate import migrate
from dialer.ledger.pool import connect
from dialer.ledger.store import PostgresLedger
from dialer.sim.servers import start_postgres

QUEUE = 1_000_000
BATCHES = 60
BATCH = 50
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY = date(2026, 11, 24)
NUMBERS = [NumberId(f"+7495123{n:04}") for n in range(100)]
GATEWAY = GatewayName("alpha")
CAMPAIGN = Campaign(
    name=CampaignName("bench"),
    list_name="bench",
    group=GroupName("all"),
    pool=PoolName("moscow"),
    gateways=(GATEWAY,),
    purpose="sales",
)
FILL = (
    "INSERT INTO phones (lookup_key, digits, zones)"
    " SELECT int8send(n), '+7' || (9000000000 + n), ARRAY['Europe/Moscow']"
    " FROM generate_series(1, {n}) n",
    "INSERT INTO contacts (id, added_at, updated_at)"
    " SELECT n, now(), now() FROM generate_series(1, {n}) n",
    "INSERT INTO contact_identity (contact_id, name_key)"
    " SELECT n, '' FROM generate_series(1, {n}) n",
    "INSERT INTO contact_phones (phone_id, contact_id, position)"
    " SELECT n, n, 1 FROM generate_series(1, {n}) n",
    "INSERT INTO consents (phone_id, contact_id, purpose, given_at)"
    " SELECT n, n, 'sales', '2026-01-01' FROM generate_series(1, {n}) n",
    "INSERT INTO list_entries (list_id, contact_id, position)"
    " SELECT (SELECT id FROM lists WHERE name = 'bench'), n, n FROM generate_series(1, {n}) n",
)
BARE = (
    "INSERT INTO bare SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::bigint[],"
    " %s::text[], %s::date[], %s::text[], %s::text[], %s::text[])"
)


def run(queue: int = QUEUE) -> dict[str, Any]:
    """Rows per second and microseconds per row; milliseconds of one `due`.

    In a child process that gevent patches before psycopg is imported, as in service.
    """
    child = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import json\n"
        "from benchmarks import intents\n"
        f"print(json.dumps(intents.measure({queue})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", child], check=True, stdout=subprocess.PIPE, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(queue: int) -> dict[str, Any]:
    """The measurement itself, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_postgres(Path(folder))
        try:
            migrate(server.dsn)
            ledger = PostgresLedger(server.dsn)
            ledger.open()
            try:
                return _measure(ledger, server.dsn, queue)
            finally:
                ledger.close()
        finally:
            server.remove()


def _measure(ledger: PostgresLedger, dsn: str, queue: int) -> dict[str, Any]:
    _fill(ledger, dsn, queue)
    due_ms = [_timed(lambda: ledger.due(CAMPAIGN, NOW, 500)) * 1e3 for _ in range(12)]
    entries = [due.entry for due in ledger.due(CAMPAIGN, NOW, BATCHES * BATCH)]
    batches = [_intents(entries[at : at + BATCH]) for at in range(0, len(entries), BATCH)]
    bare = _bare(dsn, batches)
    commits = [_timed(partial(ledger.commit_intents, batch, NOW)) for batch in batches]
    outcomes = [[_outcome(intent.claimed) for intent in batch] for batch in batches]
    endings = [_timed(partial(ledger.end_attempts, batch)) for batch in outcomes]
    after_ms = [_timed(lambda: ledger.due(CAMPAIGN, NOW, 500)) * 1e3 for _ in range(12)]
    per_row = {
        "bare_insert": median(bare) / BATCH,
        "commit_intents": median(commits) / BATCH,
        "end_attempts": median(endings) / BATCH,
    }
    return {
        "queue": queue,
        "batch": BATCH,
        "committed": len(ledger.open_attempts()) + sum(_ended(ledger).values()),
        "due_500_ms": round(median(due_ms), 1),
        "due_500_after_ms": round(median(after_ms), 1),
        **{f"{name}_us_per_row": round(s * 1e6, 1) for name, s in per_row.items()},
        **{f"{name}_rows_per_s": round(1 / s) for name, s in per_row.items()},
    }


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _ended(ledger: PostgresLedger) -> dict[str, int]:
    return ledger.reports.dispositions(CAMPAIGN.name, NOW, NOW + timedelta(hours=1))


def _fill(ledger: PostgresLedger, dsn: str, queue: int) -> None:
    ledger.save_numbers(
        [
            Number(
                id=number,
                pool=PoolName("moscow"),
                kind="mobile",
                region=None,
                gateways=(GATEWAY,),
            )
            for number in NUMBERS
        ]
    )
    ledger.save_campaigns([CAMPAIGN], NOW)
    with connect(dsn, statement_ms=600_000) as connection:
        for statement in FILL:
            connection.execute(statement.format(n=queue).encode())
        # Not the tables that are empty yet: nobody analyses those in service either.
        connection.execute(
            "ANALYZE phones, contacts, contact_identity, contact_phones, consents, list_entries"
        )
    ledger.save_campaigns([replace(CAMPAIGN, revision="filled")], NOW)
    with connect(dsn, statement_ms=600_000) as connection:
        connection.execute("VACUUM ANALYZE queue_entries")


def _intents(entries: Sequence[Entry]) -> list[Intent]:
    return [
        Intent(
            claimed=Claimed(
                attempt_id=AttemptId(str(uuid4())),
                entry=entry,
                number=NUMBERS[entry.position % len(NUMBERS)],
                number_day=DAY,
                gateway=GATEWAY,
            ),
            campaign=CAMPAIGN,
            number_hard_limit=1_000_000,
            instance=InstanceName("first"),
            grounds={
                "consent": "form 7",
                "window": ["09:00", "21:00"],
                "zone": "Europe/Moscow",
            },
        )
        for entry in entries
    ]


def _bare(dsn: str, batches: Sequence[Sequence[Intent]]) -> list[float]:
    with connect(dsn) as connection:
        connection.execute(
            "CREATE TABLE bare (id uuid PRIMARY KEY, campaign text, contact_id bigint,"
            " phone_id bigint, number text, number_day date, gateway text, instance text,"
            " grounds text)"
        )

        def insert(batch: Sequence[Intent]) -> None:
            claims = [intent.claimed for intent in batch]
            connection.execute(
                BARE,
                [
                    [claimed.attempt_id for claimed in claims],
                    [CAMPAIGN.name] * len(claims),
                    [claimed.entry.contact_id for claimed in claims],
                    [claimed.entry.phone_id for claimed in claims],
                    [claimed.number for claimed in claims],
                    [claimed.number_day for claimed in claims],
                    [claimed.gateway for claimed in claims],
                    [intent.instance for intent in batch],
                    [json.dumps(intent.grounds) for intent in batch],
                ],
                prepare=True,
            )

        return [_timed(partial(insert, batch)) for batch in batches]


def _outcome(claimed: Claimed) -> Outcome:
    return Outcome(
        attempt_id=claimed.attempt_id,
        campaign=CAMPAIGN.name,
        contact_id=claimed.entry.contact_id,
        phone_id=claimed.entry.phone_id,
        number=claimed.number,
        number_day=claimed.number_day,
        gateway=claimed.gateway,
        verdict=Verdict(
            disposition=Disposition.NO_ANSWER,
            charged=True,
            number_charged=True,
            number_suspect=False,
            hung_up_by=HungUpBy.US,
        ),
        evidence=Evidence(channel=True, cause="NO_ANSWER", q850=19, sip_status=487),
        next=Next(step="retry", due_at=NOW + timedelta(hours=2), reason="no answer"),
        dialed_at=NOW,
        rang_at=NOW,
        answered_at=None,
        bridged_at=None,
        ended_at=NOW,
        ring_ms=25_000,
        early_media_ms=None,
        wait_ms=None,
        talk_ms=None,
        operator=None,
        short_answer=False,
    )


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
