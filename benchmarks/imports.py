"""Rows imported per second with all checks, beside raw COPY of the same rows in the same run.

Raw is COPY of the finished values into an unlogged table without index, by the same client; the
import holds everything from the ImportRow to the list: phones, cards, duplicates, stops,
consents, in transactions of one batch. Raw is measured before, between and after: its median
counts. `python -m benchmarks.imports` prints the result, with `sealed` behind it that of a base
under data keys (docs/decisions/0016-sealed-for-its-row.md).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from dialer.ledger.migrate import migrate
from dialer.ledger.store import PostgresLedger
from dialer.ledger.vault import Vault, new_entry, read_ring
from dialer.ports import ImportedConsent, ImportedPhone, ImportRow
from dialer.sim.servers import start_postgres

ROWS = 200_000
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
RAW_TABLE = (
    "CREATE UNLOGGED TABLE raw (line integer, digits text, kind text, region text,"
    " zones text[], name text, email text, source text, added_at timestamptz, segment text,"
    " tags text[], fields jsonb, purpose text, given_at timestamptz, evidence text)"
)


def run(rows: int = ROWS, *, sealed: bool = False) -> dict[str, Any]:
    """Rows per second: raw COPY, first import, the same file again; and the ratios.

    In a child process that gevent patches before psycopg is imported, as in service.
    """
    child = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import json\n"
        "from benchmarks import imports\n"
        f"print(json.dumps(imports.measure({rows}, {sealed})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", child], check=True, stdout=subprocess.PIPE, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(rows: int, sealed: bool = False) -> dict[str, Any]:
    """The measurement itself, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_postgres(Path(folder))
        try:
            return _measure(server.dsn, rows, sealed)
        finally:
            server.remove()


def _measure(dsn: str, rows: int, sealed: bool) -> dict[str, Any]:
    migrate(dsn)
    keys = read_ring(new_entry("bench"), "bench") if sealed else ()
    ledger = PostgresLedger(dsn, vault=Vault(keys, lookup=b"bench" if sealed else None))
    ledger.open()
    file = list(_file(rows))
    try:
        before = _raw(dsn, file)
        first = rows / _import(ledger, file)
        between = _raw(dsn, file)
        again = rows / _import(ledger, file)
        raw = rows / median((before, between, _raw(dsn, file)))
    finally:
        ledger.close()
    return {
        "rows": rows,
        "raw_copy_rows_per_s": round(raw),
        "import_rows_per_s": round(first),
        "repeat_rows_per_s": round(again),
        "import_of_raw": round(first / raw, 3),
        "repeat_of_raw": round(again / raw, 3),
    }


def _file(rows: int) -> Iterator[ImportRow]:
    """People with a mobile or a landline each, one row in fifty a duplicate."""
    consent = ImportedConsent(
        purpose="sales",
        given_at=datetime(2026, 3, 1, tzinfo=UTC),
        text_version="2",
        evidence="form 7",
    )
    zones = (("Europe/Moscow",), ("Asia/Omsk",), ("Europe/Samara",))
    for line in range(1, rows + 1):
        who = line - 25 if line % 50 == 0 else line
        yield ImportRow(
            line=line,
            phones=(
                ImportedPhone(
                    digits=f"+79{who * 7919 % 10**9:09}",
                    kind="mobile",
                    region="Омская область",
                    zones=zones[who % 3],
                ),
            ),
            name=f"Иванов Пётр {who}",
            email=f"person{who}@example.org",
            source="Сайт",
            added_at=datetime(2026, 1 + who % 12, 1, tzinfo=UTC),
            segment="cold",
            tags=("Холодный_контакт",),
            fields={"last_order": who % 30_000, "city": "Омск"},
            consent=consent,
        )


def _raw(dsn: str, file: Sequence[ImportRow]) -> float:
    values = [_values(row) for row in file]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS raw")
        connection.execute(RAW_TABLE)
        started = time.perf_counter()
        with connection.cursor().copy("COPY raw FROM STDIN") as copy:
            for row in values:
                copy.write_row(row)
        return time.perf_counter() - started


def _values(row: ImportRow) -> tuple[Any, ...]:
    phone, consent = row.phones[0], row.consent
    assert consent is not None
    return (
        row.line,
        phone.digits,
        phone.kind,
        phone.region,
        "{" + ",".join(phone.zones) + "}",
        row.name,
        row.email,
        row.source,
        row.added_at,
        row.segment,
        "{" + ",".join(row.tags) + "}",
        json.dumps(row.fields, ensure_ascii=False),
        consent.purpose,
        consent.given_at,
        consent.evidence,
    )


def _import(ledger: PostgresLedger, file: Sequence[ImportRow]) -> float:
    started = time.perf_counter()
    ledger.import_rows("bench", file, source="bench", now=NOW)
    return time.perf_counter() - started


if __name__ == "__main__":
    print(json.dumps(run(sealed="sealed" in sys.argv[1:]), indent=2))
