"""A stop list of 1,000,000 rows with dirt, taken over as `dialer stoplist import` does, twice.

DIALER_BENCH_ROWS sets the size. Each five hundred rows hold one of each kind of dirt; numbers
run on with one wide gap. Time, the process's memory, what was rejected and why, and what the
repeat brings.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dialer.ledger.migrate import migrate
from dialer.ledger.store import PostgresLedger
from dialer.ledger.vault import Vault, new_entry, read_ring
from dialer.ports import RejectedRow, Wish
from dialer.settings.stop_rows import open_stops
from dialer.sim.servers import start_postgres

ROWS = int(os.environ.get("DIALER_BENCH_ROWS", "1000000"))
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
GAP = 17
DIRT = (
    "12,,,,",
    "+7900000000000000,never,,,",
    "89161234567,perhaps,,,",
    "89161234567,not now,,,",
    "89161234567,never,pigeon,,",
    "89161234567,never,phone,31.02.2026,",
    '"8916""1234567;',
    "\x00\ufffd,,,,",
    "",
)


def run(rows: int = ROWS) -> dict[str, Any]:
    """In a child process that gevent patches before psycopg is imported, as in service."""
    child = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import json\n"
        "from benchmarks import stoplist\n"
        f"print(json.dumps(stoplist.measure({rows})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", child], check=True, stdout=subprocess.PIPE, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(rows: int) -> dict[str, Any]:
    """The measurement itself, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stops.csv"
        dirty = write(file, rows)
        server = start_postgres(Path(folder))
        try:
            migrate(server.dsn)
            keys = read_ring(new_entry("bench"), "bench")
            ledger = PostgresLedger(server.dsn, vault=Vault(keys, lookup=b"bench"))
            ledger.open()
            try:
                before_mb = resident_mb()
                first = take(ledger, file)
                after_mb = resident_mb()
                return {
                    "rows": rows,
                    "dirty": dirty,
                    "first": first,
                    "again": take(ledger, file),
                    "memory_before_mb": before_mb,
                    "memory_peak_mb": after_mb,
                }
            finally:
                ledger.close()
        finally:
            server.remove()


def resident_mb() -> int:
    """The most that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def write(file: Path, rows: int) -> int:
    """The file; how many of its rows are dirt."""
    dirty = 0
    with file.open("w", encoding="utf-8") as out:
        out.write("phone,category,channel,until,seq\n")
        for n in range(1, rows + 1):
            if n % 500 < len(DIRT) and n > 500:
                out.write(DIRT[n % 500] + "\n")
                dirty += 1
            else:
                seq = n if n < rows // 2 else n + GAP
                out.write(f"+7{9_000_000_000 + n},never,phone,,{seq}\n")
    return dirty


def take(ledger: PostgresLedger, file: Path) -> dict[str, Any]:
    """As the verb does."""
    reasons: Counter[str] = Counter()
    lines: list[int] = []

    def rejected(row: RejectedRow) -> None:
        reasons[row.reason] += 1
        lines.append(row.line)

    stops = open_stops(file, default=Wish(), zone="Europe/Moscow")
    started = time.perf_counter()
    report = ledger.import_stops(
        stops.rows(), source="bench", by="bench", now=NOW, rejected=rejected
    )
    taken_s = time.perf_counter() - started
    return {
        "seconds": round(taken_s, 1),
        "rows_per_s": round(report.rows / taken_s),
        "read": report.rows,
        "added": report.added,
        "repeated": report.repeated,
        "rejected": report.rejected,
        "each_with_its_line": len(lines) == len(set(lines)) == report.rejected,
        "reasons": dict(reasons),
        "widest_gap": max((last - first + 1 for first, last in report.gaps), default=0),
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
