"""`due` of 500 on a base of 1,000,000 with 10 priority rules and all permissions, at any fill.

DIALER_BENCH_ROWS sets the size, DIALER_BENCH_SHARED_BUFFERS PostgreSQL's memory (its default
holds a fifteenth of it; docs/install.md asks for the whole). Each fill is measured as the
feeder asks: `due`, then what is held is postponed; best, median and worst of 15 `due` calls, in
milliseconds, with the entries that it wakes and the scores that it counts anew; and the time of
it that was on a processor, which neighbours on the machine disturb less.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from benchmarks.intents import CAMPAIGN
from dialer.core.model import Campaign, Caps, Disposition, Order, Rolling, Rule
from dialer.ledger.migrate import migrate
from dialer.ledger.store import PostgresLedger
from dialer.sim.servers import start_postgres

ROWS = int(os.environ.get("DIALER_BENCH_ROWS", "1000000"))
SHARED_BUFFERS = os.environ.get("DIALER_BENCH_SHARED_BUFFERS", "2GB")
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CALLS = 15
RANKED: Campaign = replace(
    CAMPAIGN,
    order=Order.PRIORITY,
    rules=(
        Rule(field="status", condition="equals", value="New", weight=40),
        Rule(field="source", condition="in", value=("site", "webinar"), weight=300),
        Rule(field="region", condition="equals", value="Moscow", weight=20),
        Rule(field="segment", condition="equals", value="old", weight=-10),
        Rule(field="tags", condition="contains", value="loyal", weight=50),
        Rule(field="last_contact_at", condition="older_than_days", value=90, weight=70),
        Rule(field="last_contact_at", condition="absent", value=None, weight=30),
        Rule(field="added_at", condition="newer_than_days", value=14, weight=100),
        Rule(field="fields.last_order", condition="above", value=10_000, weight=80),
        Rule(field="fields.renewal", condition="older_than_days", value=-7, weight=200),
    ),
    caps=Caps(
        talks_per_week=2,
        talks_per_month=4,
        min_gap_s=3 * 3600.0,
        rolling=(Rolling("tries", 4, 720), Rolling("talks", 1, 168)),
        rest_s={Disposition.ABANDONED: 72 * 3600.0, Disposition.REJECTED: 60 * 86400.0},
    ),
)
FILL = (
    "INSERT INTO phones (lookup_key, digits, zones)"
    " SELECT int8send(n), '+7' || (9000000000 + n), ARRAY['Europe/Moscow']"
    " FROM generate_series(1, {n}) n",
    "INSERT INTO contacts (id, status, source, region, segment, tags, fields, added_at,"
    " last_contact_at, updated_at)"
    " SELECT n, (ARRAY['New', 'In progress', 'Call-back'])[1 + n % 3],"
    " (ARRAY['site', 'list', 'webinar', 'fair'])[1 + n % 4],"
    " (ARRAY['Moscow', 'Tula', NULL])[1 + n % 3], (ARRAY['old', 'young'])[1 + n % 2],"
    " CASE WHEN n % 5 = 0 THEN ARRAY['loyal'] ELSE '{{}}' END,"
    " jsonb_build_object('last_order', n % 20000, 'renewal',"
    " to_char(timestamp '2026-11-24' + n % 400 * interval '1 day', 'YYYY-MM-DD')),"
    " timestamptz '2026-11-24 09:00+00' - n % 300000 * interval '1 minute',"
    " CASE WHEN n % 3 > 0 THEN timestamptz '2026-11-20' - n % 200 * interval '1 day' END, now()"
    " FROM generate_series(1, {n}) n",
    "INSERT INTO contact_identity (contact_id, name_key)"
    " SELECT n, '' FROM generate_series(1, {n}) n",
    "INSERT INTO contact_phones (phone_id, contact_id, position)"
    " SELECT n, n, 1 FROM generate_series(1, {n}) n",
    "INSERT INTO consents (phone_id, contact_id, purpose, given_at)"
    " SELECT n, n, 'sales', '2026-01-01' FROM generate_series(1, {n}) n",
    "INSERT INTO list_entries (list_id, contact_id, position)"
    " SELECT (SELECT id FROM lists WHERE name = 'bench'), n, n FROM generate_series(1, {n}) n",
    "INSERT INTO attempts (id, campaign, contact_id, phone_id, number, number_day, gateway,"
    " instance, tier, grounds, committed_at, ended_at, disposition)"
    " SELECT gen_random_uuid(), 'other', n, n, '+7', '2026-11-01', 'g', 'i', 1, '{{}}', t.at,"
    " t.at + interval '1 minute', 'no_answer' FROM generate_series(1, {n}) n,"
    " LATERAL (SELECT timestamptz '2026-11-24 09:00+00' - (3 + 9 * k) * interval '1 day' AS at"
    " FROM generate_series(1, 2) k) t",
)
ANALYZE = (
    "VACUUM ANALYZE phones, contacts, contact_identity, contact_phones, consents, list_entries,"
    " attempts"
)
STOPS = (
    "INSERT INTO stops (phone_id, category, scope, added_at, origin)"
    " SELECT id, 'never', 'global', now(), 'bench' FROM phones WHERE id % 2 = 0"
)
CALLED = (
    "INSERT INTO attempts (id, campaign, contact_id, phone_id, number, number_day, gateway,"
    " instance, tier, grounds, committed_at, ended_at, disposition)"
    " SELECT gen_random_uuid(), 'other', contact_id, phone_id, '+7', '2026-11-24', 'g', 'i', 1,"
    " '{}', timestamptz '2026-11-24 08:40+00', timestamptz '2026-11-24 08:41+00', 'busy'"
    " FROM queue_entries ORDER BY tier, score DESC, position LIMIT %s"
)


def run(rows: int = ROWS) -> dict[str, Any]:
    """In a child process that gevent patches before psycopg is imported, as in service."""
    child = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import json\n"
        "from benchmarks import due\n"
        f"print(json.dumps(due.measure({rows})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", child], check=True, stdout=subprocess.PIPE, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(rows: int) -> dict[str, Any]:
    """The measurement itself, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_postgres(Path(folder), shared_buffers=SHARED_BUFFERS)
        try:
            migrate(server.dsn)
            ledger = PostgresLedger(server.dsn)
            ledger.open()
            try:
                return Bench(ledger, server.dsn, rows).all()
            finally:
                ledger.close()
        finally:
            server.remove()


class Bench:
    """One base, and one fill after the other."""

    def __init__(self, ledger: PostgresLedger, dsn: str, rows: int) -> None:
        self.ledger = ledger
        self.rows = rows
        self.sql = psycopg.connect(dsn, autocommit=True)
        self.sql.execute("SET work_mem = '256MB'")

    def say(self, *statements: str) -> None:
        for statement in statements:
            self.sql.execute(statement.encode())

    def all(self) -> dict[str, Any]:
        started = time.perf_counter()
        self.ledger.save_campaigns([RANKED], NOW)
        for statement in FILL:
            self.say(statement.format(n=self.rows))
        self.say(ANALYZE)
        filled = time.perf_counter()
        self.ledger.save_campaigns([replace(RANKED, revision="filled")], NOW)
        told: dict[str, Any] = {
            "rows": self.rows,
            "shared_buffers": SHARED_BUFFERS,
            "fill_s": round(filled - started, 1),
            "enrolled_per_s": round(self.rows / (time.perf_counter() - filled)),
        }
        self.say("VACUUM ANALYZE queue_entries")
        for name, fill in self.fills().items():
            fill()
            told[name] = self.timed()
        return told

    def fills(self) -> dict[str, Callable[[], None]]:
        all_due = "UPDATE queue_entries SET state = 'due', held_reason = NULL"
        wait = "UPDATE queue_entries SET state = 'waiting', due_at = '{}'"
        vacuum = "VACUUM ANALYZE queue_entries"
        soon, past = "2026-11-25 06:00+00", "2026-11-24 08:59+00"
        stale = "UPDATE queue_entries SET rescore_at = '2026-11-24 08:59+00'"
        # A statement over the whole table leaves it twice its size, as bad as it gets.
        return {
            "all due": lambda: None,
            "nothing due": lambda: self.say(wait.format(soon)),
            "nothing due, vacuumed": lambda: self.say(vacuum),
            "all wake at one instant": lambda: self.say(wait.format(past)),
            "all scores change at one instant": lambda: self.say(all_due, stale, vacuum),
            "a third due, two thirds waiting": lambda: self.say(
                "UPDATE queue_entries SET rescore_at = NULL",
                wait.format(soon),
                all_due + " WHERE contact_id % 3 = 0",
                vacuum,
            ),
            "half stopped": lambda: self.say(all_due, STOPS, vacuum, "ANALYZE stops"),
            "almost all in the gap": lambda: self.called(),
        }

    def called(self) -> None:
        """Everybody but the last hundred was called twenty minutes ago."""
        self.say("UPDATE queue_entries SET state = 'due'", "DELETE FROM stops")
        self.sql.execute(CALLED.encode(), [self.rows - 100])
        self.say("VACUUM ANALYZE queue_entries", "ANALYZE attempts")

    def timed(self) -> dict[str, float]:
        """`due` and what the feeder does with it."""
        taken_ms: list[float] = []
        on_cpu_ms: list[float] = []
        held = 0
        for turn in range(CALLS):
            now = NOW + timedelta(seconds=turn)
            before_ms, started = self.on_cpu_ms(), time.perf_counter()
            found = self.ledger.due(RANKED, now, 500)
            taken_ms.append((time.perf_counter() - started) * 1e3)
            on_cpu_ms.append(self.on_cpu_ms() - before_ms)
            later = [
                (d.entry.contact_id, d.held, d.held_until)
                for d in found
                if d.held is not None and d.held_until is not None
            ]
            held += len(later)
            self.ledger.postpone(RANKED.name, later)
        return {
            "best_ms": round(min(taken_ms), 1),
            "median_ms": round(median(taken_ms), 1),
            "worst_ms": round(max(taken_ms), 1),
            "median_on_cpu_ms": round(median(on_cpu_ms), 1),
            "worst_on_cpu_ms": round(max(on_cpu_ms), 1),
            "found_last": len(found),
            "held": held,
        }

    def on_cpu_ms(self) -> float:
        """Time on a processor so far, ours and the ledger's backends': what a call costs where
        nobody else wants the processor (Linux, /proc/PID/schedstat: its first figure, in ns).
        """
        backends = self.sql.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchall()
        pids = [os.getpid(), *(pid for (pid,) in backends)]
        return (
            sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids)
            / 1e6
        )


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
