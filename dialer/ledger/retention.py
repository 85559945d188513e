"""Retention by kind of data (R6.7): what would go, and its deletion, logged in the audit.

Attempts go in batches, each a transaction of its own: dialing goes on beside it, and what was
interrupted goes on at the next run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dialer.core.permission.retention import DataKind
from dialer.ledger import service
from dialer.ledger.pool import Pool
from dialer.ledger.statements import statements

SQL = statements("retention")

BATCH = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """Rows by kind; `locked`: campaign -> (attempts that a law keeps, the oldest of them)."""

    rows: Mapping[DataKind, int]
    locked: Mapping[str, tuple[int, datetime]]
    recorded: int


def preview(
    pool: Pool, before: Mapping[DataKind, datetime], locked: Mapping[str, datetime]
) -> Old:
    """Changes nothing."""
    rows: dict[DataKind, int] = {}
    kept: dict[str, tuple[int, datetime]] = {}
    recorded = 0
    with pool.sweep() as connection:
        for kind, instant in before.items():
            asked: dict[str, object] = {"before": instant}
            if kind is DataKind.ATTEMPTS:
                row = connection.execute(SQL["count_recorded"], asked).fetchone()
                recorded = int(row[0]) if row else 0
                asked |= {"names": list(locked), "locked": list(locked.values())}
                found = connection.execute(SQL["count_locked"], asked)
                kept = {name: (int(count), oldest) for name, count, oldest in found}
            row = connection.execute(SQL[f"count_{kind}"], asked).fetchone()
            rows[kind] = int(row[0]) if row else 0
    return Old(rows=rows, locked=kept, recorded=recorded)


def apply(
    pool: Pool,
    before: Mapping[DataKind, datetime],
    locked: Mapping[str, datetime],
    *,
    by: str,
    now: datetime,
) -> Mapping[DataKind, int]:
    """Deletes; how many rows of each kind went."""
    gone: dict[DataKind, int] = {}
    for kind, instant in before.items():
        if kind is DataKind.ATTEMPTS:
            gone[kind] = _attempts(pool, instant, locked)
        else:
            with pool.sweep() as connection:
                gone[kind] = connection.execute(
                    SQL[f"delete_{kind}"], {"before": instant}
                ).rowcount
    with pool.transaction() as connection:
        details = {
            kind.value: {"rows": rows, "before": before[kind].isoformat()}
            for kind, rows in gone.items()
        }
        service.add_audit(
            connection, who=by, what="retention", subject=None, details=details, now=now
        )
    return gone


def _attempts(pool: Pool, before: datetime, locked: Mapping[str, datetime]) -> int:
    asked = {
        "before": before,
        "names": list(locked),
        "locked": list(locked.values()),
        "most": BATCH,
    }
    total = 0
    while True:
        with pool.sweep() as connection:
            ids = [row[0] for row in connection.execute(SQL["old_attempts"], asked)]
            if not ids:
                return total
            row = connection.execute(SQL["delete_attempts"], {"ids": ids}).fetchone()
            went = int(row[0]) if row else 0
        total += went
        if not went:
            return total
