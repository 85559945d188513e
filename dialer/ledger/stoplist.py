"""The stop list as a whole: a file taken over in batches, changes by number, the audit.

A batch is one transaction that locks its phones like the intents do: when `import_stops` goes
on to the next, nothing of it is dialed any more. `ringing` is told which phones of a batch may
be ringing now, so that the caller cancels them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from operator import itemgetter
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


class Numbers:
    """The running numbers of another system's list: come, or missing and still to come.

    A number that is missing is taken whenever it comes: whoever is told of a gap sends just it.
    """

    def __init__(self, last: int | None, gaps: Iterable[tuple[int, int]]) -> None:
        self.last = last
        self._gaps = [(first, end) for first, end in gaps]  # sorted, apart
        self._noted = dict(self._gaps)

    def take(self, number: int) -> bool:
        """False: it has come before."""
        if self.last is None or number > self.last:
            if self.last is not None and number > self.last + 1:
                self._gaps.append((self.last + 1, number - 1))
            self.last = number
            return True
        place = bisect_right(self._gaps, number, key=itemgetter(0)) - 1
        if place < 0 or self._gaps[place][1] < number:
            return False
        first, end = self._gaps[place]
        parts = ((first, number - 1), (number + 1, end))
        self._gaps[place : place + 1] = [one for one in parts if one[0] <= one[1]]
        return True

    def missing(self) -> tuple[tuple[int, int], ...]:
        return tuple(self._gaps)

    def changes(self) -> tuple[list[int], list[tuple[int, int]]]:
        """(first numbers of gaps that are no more, new gaps) since this was asked before."""
        now = dict(self._gaps)
        gone = [first for first, end in self._noted.items() if now.get(first) != end]
        come = [one for one in now.items() if self._noted.get(one[0]) != one[1]]
        self._noted = now
        return gone, come


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
        row = connection.execute(SQL["last_number"], {"source": self._source}).fetchone()
        gaps = connection.execute(SQL["gaps"], {"source": self._source})
        self._numbers = Numbers(row[0] if row else None, gaps.fetchall())
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
            elif row.number is not None and not self._numbers.take(row.number):
                self._totals["repeated"] += 1
            else:
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
            gaps=self._numbers.missing(),
            rejected=self._totals["rejected"],
            first_rejected=tuple(self._first_rejected),
        )

    def _reject(self, row: RejectedRow, rejected: Callable[[RejectedRow], None] | None) -> None:
        self._totals["rejected"] += 1
        if len(self._first_rejected) < FIRST_REJECTED:
            self._first_rejected.append(row)
        if rejected is not None:
            rejected(row)

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
            self._note_numbers()
        self._totals["taken"] += len(batch)
        # A statement after the commit: whoever had the lock before us is seen.
        called = self._connection.execute(SQL["being_called"]).fetchall()
        if called:
            ringing([PhoneId(phone) for (phone,) in called])

    def _note_numbers(self) -> None:
        if self._numbers.last is None:
            return
        source = {"source": self._source}
        gone, come = self._numbers.changes()
        self._connection.execute(SQL["close_gaps"], {**source, "firsts": gone})
        firsts, lasts = [first for first, _ in come], [last for _, last in come]
        self._connection.execute(SQL["open_gaps"], {**source, "firsts": firsts, "lasts": lasts})
        last = {"number": self._numbers.last, "at": self._now}
        self._connection.execute(SQL["note_number"], {**source, **last})


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
