"""The stop list as a whole: a file taken over in batches, changes by number, the audit.

A batch is one transaction that locks its phones like the intents do: when `import_stops` goes
on to the next, nothing of it is dialed any more. `ringing` is told which phones of a batch may
be ringing now, so that the caller cancels them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from dialer.core.model import PhoneId
from dialer.ledger import phones, service, stored
from dialer.ledger.importer import MEMORY, STATEMENT_MS
from dialer.ledger.pool import Connection, Pool, connect, store_errors
from dialer.ledger.statements import statements
from dialer.ledger.vault import Vault
from dialer.ports import RejectedRow, StopImport, StopRow

SQL = statements("stoplist")

BATCH = 10_000
PAGE = 5_000
FIRST_REJECTED = 100

Ringing = Callable[[Sequence[PhoneId]], None]


class StopEntry(NamedTuple):
    """One entry in force, with the phone's digits (for whoever may see them)."""

    seq: int
    phone_id: PhoneId
    digits: str
    channel: str
    category: str
    scope: str
    scope_value: str | None
    added_at: datetime
    expires_at: datetime | None
    origin: str
    audited_at: datetime | None


class StopChange(NamedTuple):
    """One change by its number, for a sync."""

    number: int
    change: str
    at: datetime
    phone_id: PhoneId
    digits: str
    channel: str
    category: str
    scope: str
    scope_value: str | None
    added_at: datetime
    expires_at: datetime | None
    origin: str


ENTRY_DIGITS = StopEntry._fields.index("digits")
CHANGE_DIGITS = StopChange._fields.index("digits")


class _Import:
    """One file on a connection of its own."""

    def __init__(
        self, connection: Connection, *, source: str, vault: Vault, now: datetime
    ) -> None:
        self._connection = connection
        self._source = stored.clean(source, 200) or "file"
        self._vault = vault
        self._now = now
        self._totals: Counter[str] = Counter()
        self._first_rejected: list[RejectedRow] = []
        self._gaps: list[tuple[int, int]] = []
        row = connection.execute(SQL["last_number"], {"source": self._source}).fetchone()
        self._last_number: int | None = row[0] if row else None
        connection.execute(SQL["create_staging"])

    def run(
        self,
        rows: Iterable[StopRow | RejectedRow],
        rejected: Callable[[RejectedRow], None] | None,
        ringing: Ringing,
    ) -> StopImport:
        batch: list[tuple[Any, ...]] = []
        for row in rows:
            self._totals["rows"] += 1
            if isinstance(row, RejectedRow):
                self._reject(row, rejected)
            elif self._is_next(row):
                batch.append(self._values(row))
            if len(batch) == BATCH:
                self._write(batch, ringing)
                batch = []
        self._write(batch, ringing)
        return StopImport(
            rows=self._totals["rows"],
            added=self._totals["added"],
            removed=self._totals["removed"],
            known=self._totals["taken"] - self._totals["added"] - self._totals["removed"],
            repeated=self._totals["repeated"],
            gaps=tuple(self._gaps),
            rejected=self._totals["rejected"],
            first_rejected=tuple(self._first_rejected),
        )

    def _reject(self, row: RejectedRow, rejected: Callable[[RejectedRow], None] | None) -> None:
        self._totals["rejected"] += 1
        if len(self._first_rejected) < FIRST_REJECTED:
            self._first_rejected.append(row)
        if rejected is not None:
            rejected(row)

    def _is_next(self, row: StopRow) -> bool:
        """By the other side's numbers: seen already, next, or is something missing?"""
        if row.number is None:
            return True
        last = self._last_number
        if last is not None and row.number <= last:
            self._totals["repeated"] += 1
            return False
        if last is not None and row.number > last + 1:
            self._gaps.append((last + 1, row.number - 1))
        self._last_number = row.number
        return True

    def _values(self, row: StopRow) -> tuple[Any, ...]:
        wish = row.wish
        key = phones.lookup_key(row.digits, self._vault.lookup)
        return (
            row.line,
            "\\x" + key.hex(),
            phones.sealed(row.digits, key, self._vault),
            row.change,
            wish.channel,
            wish.category,
            wish.scope,
            stored.clean(wish.scope_value, 200),
            (row.added_at or self._now).isoformat(),
            wish.expires_at.isoformat() if wish.expires_at else None,
            stored.origin(row.origin or self._source),
        )

    def _write(self, batch: list[tuple[Any, ...]], ringing: Ringing) -> None:
        if not batch:
            return
        said = {"at": self._now, "by": self._source}
        with self._connection.transaction():
            self._connection.execute(SQL["clear_staging"])
            with self._connection.cursor().copy(SQL["copy_staged"]) as copy:
                for row in batch:
                    copy.write_row(row)
            for step in ("add_phones", "find_phones", "lock_phones"):
                self._connection.execute(SQL[step])
            self._totals["added"] += self._connection.execute(SQL["add_staged"], said).rowcount
            ended = self._connection.execute(SQL["remove_staged"], said).rowcount
            self._totals["removed"] += ended
            self._note_number()
        self._totals["taken"] += len(batch)
        # A statement after the commit: whoever had the lock before us is seen.
        called = self._connection.execute(SQL["being_called"]).fetchall()
        if called:
            ringing([PhoneId(phone) for (phone,) in called])

    def _note_number(self) -> None:
        if self._last_number is not None:
            self._connection.execute(
                SQL["note_number"],
                {"source": self._source, "number": self._last_number, "at": self._now},
            )


def import_stops(
    dsn: str,
    rows: Iterable[StopRow | RejectedRow],
    *,
    source: str,
    vault: Vault,
    now: datetime,
    by: str,
    rejected: Callable[[RejectedRow], None] | None = None,
    ringing: Ringing = lambda phones: None,
) -> StopImport:
    """Every row in force when this returns. Raises StoreError (whole batches stay)."""
    with store_errors(), connect(dsn, statement_ms=STATEMENT_MS, more=MEMORY) as connection:
        one = _Import(connection, source=source, vault=vault, now=now)
        report = one.run(rows, rejected, ringing)
        details = {"rows": report.rows, "added": report.added, "removed": report.removed}
        service.add_audit(
            connection,
            who=by,
            what="stop list imported",
            subject=source,
            details=details,
            now=now,
        )
    return report


class StopList:
    """Questions to the whole list, for exports, audits and syncs."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    def _clear(self, row: tuple[Any, ...], digits_at: int) -> tuple[Any, ...]:
        """Without the lookup key, the row's last value, for which the digits are sealed."""
        *values, key = row
        values[digits_at] = phones.opened(values[digits_at], key, self._vault)
        return tuple(values)

    def changes(self, since: int) -> Iterator[StopChange]:
        """What came after the number `since`, in order; read page by page."""
        while True:
            with self._pool.connection() as connection:
                rows = connection.execute(
                    SQL["changes"], {"since": since, "most": PAGE}
                ).fetchall()
            if not rows:
                return
            for row in rows:
                yield StopChange(*self._clear(row, CHANGE_DIGITS))
            since = rows[-1][0]

    def in_force(self, now: datetime) -> Iterator[StopEntry]:
        """The list as it stands, the oldest first; read page by page."""
        after = 0
        while True:
            with self._pool.connection() as connection:
                rows = connection.execute(
                    SQL["in_force"], {"at": now, "after": after, "most": PAGE}
                ).fetchall()
            if not rows:
                return
            for row in rows:
                yield StopEntry(*self._clear(row, ENTRY_DIGITS))
            after = rows[-1][0]

    def to_be_audited(self, before: datetime, now: datetime, most: int) -> list[StopEntry]:
        """Entries that nobody has looked at since `before`, the longest first."""
        with self._pool.sweep() as connection:
            rows = connection.execute(
                SQL["to_be_audited"], {"before": before, "at": now, "most": most}
            ).fetchall()
        return [StopEntry(*self._clear(row, ENTRY_DIGITS)) for row in rows]

    def keep(self, phone: PhoneId, *, by: str, now: datetime) -> int:
        """Looked at in the audit: the wishes stand (logged); how many there are."""
        with self._pool.transaction() as connection:
            kept = connection.execute(SQL["kept"], {"phone": phone, "at": now}).rowcount
            service.add_audit(
                connection,
                who=by,
                what="stops kept",
                subject=f"phone {phone}",
                details={"stops": kept},
                now=now,
            )
            return kept

    def totals(self, now: datetime) -> tuple[list[tuple[str, str, str, int]], int]:
        """(channel, category, scope, entries in force), and the number of the latest change."""
        with self._pool.sweep() as connection:
            rows = connection.execute(SQL["totals"], {"at": now}).fetchall()
            last = connection.execute(SQL["counter"]).fetchone()
        return [(a, b, c, n) for a, b, c, n in rows], last[0] if last else 0
