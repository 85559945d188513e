"""Imports: rows by COPY into staging tables, then set-wise into the base, batch by batch.

Each batch is one transaction: phones, then cards (same phone and same name = one card), lists,
consents. Archived and stopped phones are kept out. The same file twice changes nothing, so an
import that was interrupted is simply repeated. Memory is one batch, however long the file.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import gevent
from gevent.queue import Queue

from dialer.core.model import ContactId
from dialer.errors import StoreError
from dialer.ledger import consents, identity, phones, stored
from dialer.ledger.endings import STATUSES
from dialer.ledger.pool import Connection, Cursor, connect, store_errors
from dialer.ledger.statements import statements
from dialer.ledger.vault import Vault
from dialer.ports import ImportedConsent, ImportedPhone, ImportReport, ImportRow, RejectedRow

SQL = statements("imports")
CAMPAIGNS = statements("campaigns")

BATCH = 10_000
#: Rows prepared between two looks at whether the writer may go on.
TURN = 50
STATEMENT_MS = 300_000
#: Of the server: a batch's staging and sorts stay in it.
MEMORY = " -c temp_buffers=64MB -c work_mem=64MB -c seq_page_cost=0.1 -c random_page_cost=0.1"
FIRST_REJECTED = 100

Progress = Callable[[int], None]
Rejected = Callable[[RejectedRow], None]

_NOT_A_WORD = re.compile(r"[^\w]+")


def name_key(name: str | None, secret: bytes | None) -> bytes:
    """The key of a person's name: case, ё, punctuation and the words' order don't count."""
    if not name:
        return b""
    if not unicodedata.is_normalized("NFKC", name):
        name = unicodedata.normalize("NFKC", name)
    words = " ".join(sorted(_NOT_A_WORD.split(name.casefold().replace("ё", "е")))).strip()
    if not words:
        return b""
    text = words.encode("utf-8", "replace")
    if secret is None:
        return hashlib.sha256(text).digest()[:16]
    return hmac.digest(secret, text, "sha256")[:16]


class Batch(NamedTuple):
    """Rows made ready for COPY: pure text, nothing left to reckon."""

    read: int  # rows of the file so far, rejected ones included
    phones: list[tuple[Any, ...]]
    rows: list[tuple[Any, ...]]
    people: dict[int, identity.Person]  # by their lines; sealed once their cards are known


class Preparer:
    """Turns rows into batches for COPY, and keeps count of those that it rejects."""

    def __init__(self, *, vault: Vault, zones: frozenset[str]) -> None:
        self._vault = vault
        self._zones = zones
        self._array = lru_cache(maxsize=4096)(stored.array)
        self._windows = lru_cache(maxsize=4096)(stored.windows_to_json)
        self._instant = lru_cache(maxsize=4096)(datetime.isoformat)
        self.read = 0
        self.rejected = 0
        self.in_part = 0
        self.first_rejected: list[RejectedRow] = []

    def batches(
        self, rows: Iterable[ImportRow | RejectedRow], tell: Rejected | None
    ) -> Iterator[Batch]:
        """Never more than BATCH rows; the last one may be empty."""
        batch = Batch(0, [], [], {})
        for row in rows:
            self.read += 1
            refused = row if isinstance(row, RejectedRow) else self._refusal(row)
            if refused is not None:
                self._reject(refused, tell)
                continue
            assert isinstance(row, ImportRow)
            batch.rows.append(self._values(row))
            batch.people[row.line] = identity.of_row(row)
            for place, phone in enumerate(_distinct(row.phones)):
                batch.phones.append(phones.staged_values(row.line, place, phone, self._vault))
            if len(batch.rows) == BATCH:
                yield batch._replace(read=self.read)
                batch = Batch(0, [], [], {})
            elif self.read % TURN == 0:
                gevent.idle()  # the writer goes first: sleep(0) would leave its socket alone
        yield batch._replace(read=self.read)

    def _refusal(self, row: ImportRow) -> RejectedRow | None:
        """What the base cannot hold; the settings' reader has judged the rest."""
        if not row.phones:
            return RejectedRow(row.line, "no phone")
        if row.status is not None and row.status.casefold() not in STATUSES:
            return RejectedRow(row.line, "no such status")
        for phone in row.phones:
            if not self._zones.issuperset(phone.zones):
                return RejectedRow(row.line, "a time zone that PostgreSQL does not know")
        consent = row.consent
        if consent and consent.expires_at and consent.expires_at <= consent.given_at:
            return RejectedRow(row.line, "the consent expires before it is given")
        return None

    def _reject(self, row: RejectedRow, tell: Rejected | None) -> None:
        if row.in_part:  # told beside its row, which is counted already
            self.read -= 1
            self.in_part += 1
        else:
            self.rejected += 1
        if len(self.first_rejected) < FIRST_REJECTED:
            self.first_rejected.append(row)
        if tell is not None:
            tell(row)

    def _values(self, row: ImportRow) -> tuple[Any, ...]:
        """One row for COPY, in the order of `copy_rows`."""
        clean, instant, consent = stored.clean, self._instant, row.consent
        return (
            row.line,
            "\\x" + name_key(row.name, self._vault.lookup).hex(),
            clean(row.region, 200),
            clean(row.source, 200),
            instant(row.added_at) if row.added_at else None,
            STATUSES[row.status.casefold()] if row.status else None,
            clean(row.segment, 200),
            self._array(row.tags),
            stored.to_json(row.fields) if row.fields else "{}",
            self._windows(row.windows),
            *((None,) * 5 if consent is None else self._consent(consent)),
        )

    def _consent(self, consent: ImportedConsent) -> tuple[str | None, ...]:
        return (
            stored.clean(consent.purpose, 200),
            self._instant(consent.given_at),
            self._instant(consent.expires_at) if consent.expires_at else None,
            stored.clean(consent.text_version, 200),
            consents.sealed(consent, self._vault),
        )


def _distinct(of_row: tuple[ImportedPhone, ...]) -> Iterable[ImportedPhone]:
    if len(of_row) == 1:
        return of_row
    first: dict[str, ImportedPhone] = {}
    for phone in of_row:
        first.setdefault(phone.digits, phone)
    return first.values()


class Importer:
    """One import on a connection of its own; `run` may be called once."""

    def __init__(
        self, connection: Connection, *, source: str, vault: Vault, now: datetime
    ) -> None:
        self._connection = connection
        self._vault = vault
        self._source = {"source": stored.clean(source, 200)}
        self._at = {"at": now}
        self._totals: Counter[str] = Counter()
        self._kept_out: Counter[str] = Counter()
        zones = frozenset(row[0] for row in connection.execute(SQL["known_zones"]))
        self._preparer = Preparer(vault=vault, zones=zones)
        phones.create_staging(connection)
        identity.create_staging(connection)
        connection.execute(SQL["create_staging"])
        self._last_old = self._value("last_contact")

    def run(
        self,
        list_id: int | None,
        rows: Iterable[ImportRow | RejectedRow],
        *,
        progress: Progress | None = None,
        rejected: Rejected | None = None,
    ) -> ImportReport:
        """`list_id` None: cards without a list. `progress` gets the rows done so far."""
        for batch in ahead(self._preparer.batches(rows, rejected)):
            if batch.rows:
                self._write(list_id, batch)
            if progress is not None:
                progress(batch.read)
        return self._report()

    def _report(self) -> ImportReport:
        t, prepared = self._totals, self._preparer
        return ImportReport(
            rows=prepared.read,
            contacts_added=t["added"],
            contacts_updated=t["updated"],
            contacts_merged=t["merged"],
            unchanged=t["unchanged"],
            phones_added=t["phones"],
            listed=t["listed"],
            consents_added=t["consents"],
            kept_out=dict(self._kept_out),
            rejected=prepared.rejected,
            first_rejected=tuple(prepared.first_rejected),
            in_part=prepared.in_part,
        )

    # -------------------------------------------------------------- one batch

    def _write(self, list_id: int | None, batch: Batch) -> None:
        with self._connection.transaction():
            self._do("lock_imports")
            self._do("clear_staging")
            last_phone = {"last_phone": self._value("last_phone")}
            self._totals["phones"] += phones.merge_staged(self._connection, batch.phones)
            with self._connection.cursor().copy(SQL["copy_rows"]) as copy:
                for row in batch.rows:
                    copy.write_row(row)
            before = {"before": self._value("last_contact")}
            self._do("link_phones", self._at, last_phone)
            self._do("measure_rows")
            phones.complete(self._connection)
            self._find_cards(chained=len(batch.phones) > len(batch.rows))
            identity.stage(self._connection, batch.people, self._vault)
            self._totals["consents"] += self._value("add_new_cards", self._source, self._at)
            self._update_cards(before)
            self._do("touch", {"last_old": self._last_old})
            if list_id is not None:
                listed = self._value("list_cards", {"list_id": list_id}, before)
                self._totals["listed"] += listed
            self._totals["consents"] += self._value("add_consents", self._source, before)
            self._count()

    def _find_cards(self, *, chained: bool) -> None:
        """`chained`: some row has two phones, so that it may join two others."""
        self._do("find_owned")
        if chained:
            self._do("find_claimed")
        self._do("match_cards")
        while self._do("join_labels").rowcount and chained:
            pass
        while chained and self._do("follow_claims").rowcount:
            pass
        self._do("number_cards")
        self._do("measure_cards")

    def _update_cards(self, before: Mapping[str, Any]) -> None:
        row = self._do("most_rows_of_a_card").fetchone()
        most, most_of_old = row or (0, 0)
        # A row after the other, where several speak of one card: each sees what the last left.
        for ordinal in range(1, most + 1):
            nth = {"ordinal": ordinal}
            if ordinal > 1 or most_of_old:
                self._do("update_cards", nth, {"last_old": self._last_old}, self._at)
                self._do("add_contact_phones", nth, before)

    def _count(self) -> None:
        row = self._do("tally").fetchone()
        names = ("added", "merged", "updated", "unchanged")
        self._totals.update(dict(zip(names, row or (), strict=False)))
        for reason, rows in self._do("kept_out"):
            self._kept_out[reason] += rows

    def _do(self, statement: str, *parameters: Mapping[str, Any]) -> Cursor:
        joined = {name: value for part in parameters for name, value in part.items()}
        return self._connection.execute(SQL[statement], joined)

    def _value(self, statement: str, *parameters: Mapping[str, Any]) -> int:
        row = self._do(statement, *parameters).fetchone()
        return int(row[0]) if row else 0

    def contact_of_line(self, line: int) -> int | None:
        row = self._do("contact_of_line", {"line": line}).fetchone()
        return None if row is None else int(row[0])


def ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """The same, each made while the last is being written (in a process patched by gevent)."""
    ready: Queue[Batch | None] = Queue(maxsize=1)

    def prepare() -> None:
        try:
            for batch in batches:
                ready.put(batch)
        finally:
            ready.put(None)

    greenlet = gevent.spawn(prepare)
    try:
        while (batch := ready.get()) is not None:
            yield batch
        greenlet.get()  # raises what the file's reader raised
    finally:
        greenlet.kill()


def import_rows(
    dsn: str,
    list_name: str,
    rows: Iterable[ImportRow | RejectedRow],
    *,
    source: str,
    vault: Vault,
    now: datetime,
    progress: Progress | None = None,
    rejected: Rejected | None = None,
) -> ImportReport:
    """Everything of `rows` onto the list; raises StoreError (what was written stays)."""
    with store_errors(), connect(dsn, statement_ms=STATEMENT_MS, more=MEMORY) as connection:
        row = None
        while row is None:
            row = connection.execute(
                CAMPAIGNS["find_or_add_list"], {"list": list_name}
            ).fetchone()
        importer = Importer(connection, source=source, vault=vault, now=now)
        return importer.run(row[0], rows, progress=progress, rejected=rejected)


def add_row(dsn: str, row: ImportRow, *, source: str, vault: Vault, now: datetime) -> ContactId:
    """The card of one row, found or made. Raises StoreError where the row may make none."""
    with store_errors(), connect(dsn, statement_ms=STATEMENT_MS, more=MEMORY) as connection:
        one = Importer(connection, source=source, vault=vault, now=now)
        report = one.run(None, [row])
        contact = one.contact_of_line(row.line)
    if contact is None:
        reasons = [*report.kept_out, *(refused.reason for refused in report.first_rejected)]
        raise StoreError("postgresql", "no card is made", ", ".join(reasons))
    return ContactId(contact)
