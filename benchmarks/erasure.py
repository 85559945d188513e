"""Export and erasure of one person on a sealed base of 1,000,000; afterwards, is he anywhere?

DIALER_BENCH_ROWS sets the size; the base comes in through the real import, with data keys, and
attempts, stops and list moves in like numbers lie beside it. Afterwards every sealed text is
opened with the keys, and every other cell of every table, the files of tables and indexes, and
the server's log are searched for the numbers, names, addresses and ids of whoever was erased.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from dialer.core.model import PhoneId
from dialer.ledger import identity, phones
from dialer.ledger.migrate import migrate
from dialer.ledger.store import PostgresLedger
from dialer.ledger.vault import Vault, new_entry, read_ring
from dialer.ports import ImportedConsent, ImportedPhone, ImportRow
from dialer.sim.servers import start_postgres

ROWS = int(os.environ.get("DIALER_BENCH_ROWS", "1000000"))
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ERASED = 5
#: Everybody's rows beside the base; in the order of their tables.
BESIDE = (
    "INSERT INTO attempts (id, campaign, contact_id, phone_id, number, number_day, gateway,"
    " instance, tier, grounds, committed_at, ended_at, disposition, sip_call_id, summary)"
    " SELECT gen_random_uuid(), 'spring', h.contact_id, h.phone_id, '+7', '2026-11-01', 'g',"
    " 'i', 1, '{}', timestamptz '2026-11-01' + h.contact_id % 20000 * interval '1 minute',"
    " timestamptz '2026-11-20', 'talked', 'call-' || h.contact_id || '@x', 'summary '"
    " || h.contact_id FROM contact_phones AS h WHERE h.position = 1",
    "INSERT INTO recordings (attempt_id, campaign, contact_id, instance, path, state,"
    " started_at, keep_until) SELECT id, campaign, contact_id, 'i', 'p', 'missing',"
    " committed_at, '2027-01-01' FROM attempts WHERE contact_id % 4 = 1",
    "INSERT INTO list_moves (at, campaign, contact_id, phone_id, moved_to, reason, attempt_id)"
    " SELECT committed_at, campaign, contact_id, phone_id, 'check_list', 'x', id FROM attempts"
    " WHERE contact_id % 3 = 1",
    "INSERT INTO stops (phone_id, category, scope, added_at, removed_at, origin)"
    " SELECT id, 'never', 'global', '2026-01-01', CASE WHEN id % 2 = 0 THEN"
    " timestamptz '2026-02-01' END, 'said ' || id FROM phones",
    "INSERT INTO stop_changes (number, at, change, stop_seq, changed_by)"
    " SELECT seq, added_at, 'added', seq, origin FROM stops",
    "INSERT INTO stop_counter (last) SELECT max(number) FROM stop_changes"
    " ON CONFLICT (single) DO UPDATE SET last = excluded.last",
    "INSERT INTO withdrawals (phone_id, purpose, withdrawn_at, origin)"
    " SELECT id, '', '2026-03-01', 'letter' FROM phones WHERE id % 5 = 1",
    "INSERT INTO caller_stops (call_id, phone_id, taken_at)"
    " SELECT gen_random_uuid(), id, '2026-03-01' FROM phones WHERE id % 5 = 1",
    "INSERT INTO merges (contact_id, at, brought, before, name, email)"
    " SELECT contact_id, '2026-03-01', '{}', '{}', name, email FROM contact_identity"
    " WHERE contact_id % 5 = 1",
    "INSERT INTO audit (at, who, what, subject)"
    " SELECT '2026-03-01', 'x', 'looked at', 'phone ' || id FROM phones WHERE id % 100 = 1",
)


def run(rows: int = ROWS) -> dict[str, Any]:
    """In a child process that gevent patches before psycopg is imported, as in service."""
    child = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import json\n"
        "from benchmarks import erasure\n"
        f"print(json.dumps(erasure.measure({rows})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", child], check=True, stdout=subprocess.PIPE, text=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(rows: int) -> dict[str, Any]:
    """The measurement itself, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_postgres(Path(folder))
        try:
            migrate(server.dsn)
            vault = Vault(read_ring(new_entry("bench"), "bench"), lookup=b"bench")
            ledger = PostgresLedger(server.dsn, vault=vault)
            ledger.open()
            try:
                return _measure(ledger, server.dsn, vault, rows, Path(folder))
            finally:
                ledger.close()
        finally:
            server.remove()


def _measure(
    ledger: PostgresLedger, dsn: str, vault: Vault, rows: int, folder: Path
) -> dict[str, Any]:
    started = time.perf_counter()
    ledger.import_rows("people", _file(rows), source="bench", now=NOW)
    imported = time.perf_counter()
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in BESIDE:
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")
        exported_s, erased_s = [], []
        gone = Gone(connection)
        for nth in range(ERASED):
            person = 1 + 60 * nth * (rows // (60 * ERASED))  # of every table something
            phone = ledger.find_phone(_digits(person))
            assert phone is not None
            gone.remember(person, phone)
            exported_s.append(_timed(partial(ledger.export_person, phone, by="b", now=NOW)))
            erased_s.append(_timed(partial(_erase, ledger, phone)))
        connection.execute("VACUUM")
        found = gone.searched(vault, folder)
    return {
        "rows": rows,
        "import_s": round(imported - started, 1),
        "beside_s": round(time.perf_counter() - imported, 1),
        "export_worst_s": round(max(exported_s), 3),
        "erase_worst_s": round(max(erased_s), 3),
        **found,
    }


def _timed(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _erase(ledger: PostgresLedger, phone: PhoneId) -> None:
    """As the verb does it: every phone of his stopped, then erased."""
    for one in ledger.phones_of_person(phone):
        ledger.add_stop(one, origin="erasure", now=NOW)
    ledger.erase_person(phone, by="bench", now=NOW)


def _digits(person: int, second: bool = False) -> str:
    return f"+7{9_000_000_000 + 2 * person + second}"


def _name(person: int) -> str:
    return f"Unrepeatable {person:07}"


def _file(rows: int) -> Iterator[ImportRow]:
    consent = ImportedConsent(purpose="sales", given_at=NOW, evidence="form")
    for n in range(1, rows + 1):
        numbers = [_digits(n), _digits(n, second=True)] if n % 20 == 1 else [_digits(n)]
        yield ImportRow(
            line=n,
            phones=tuple(ImportedPhone(digits=d, zones=("Europe/Moscow",)) for d in numbers),
            name=_name(n),
            email=f"u{n:07}@example.org",
            address=f"Street {n:07}",
            note=f"note {n:07}",
            consent=consent,
        )


class Gone:
    """What was known of those who were erased, and where it is still found."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self.words: list[str] = []
        self.contacts: list[int] = []
        self.calls: list[str] = []

    def remember(self, person: int, phone: PhoneId) -> None:
        numbers = [_digits(person), _digits(person, second=True)]
        self.words += [_name(person), f"u{person:07}@example.org", f"Street {person:07}"]
        self.words += [f"note {person:07}", *(one[1:] for one in numbers)]
        cards = self._connection.execute(
            "SELECT contact_id FROM contact_phones WHERE phone_id = %s", [phone]
        ).fetchall()
        self.contacts += [card for (card,) in cards]
        calls = self._connection.execute(
            "SELECT id::text, sip_call_id FROM attempts WHERE phone_id = %s", [phone]
        ).fetchall()
        self.calls += [text for row in calls for text in row]

    def searched(self, vault: Vault, folder: Path) -> dict[str, Any]:
        sealed, opened = self._sealed(vault)
        cells, ids = self._cells()
        there = Gone(self._connection)  # the search itself: somebody who is still there
        there.words, there.contacts, there.calls = [_name(2)], [2], ["call-2@x"]
        return {
            "search_finds_another": bool(there._sealed(vault)[0] and all(there._cells())),
            "erased": ERASED,
            "words_searched": len(self.words) + len(self.calls),
            "sealed_texts_opened": opened,
            "found_in_sealed": sealed,
            "found_in_cells": cells,
            "ids_found_in": ids,
            "found_in_files": self._files(folder),
        }

    def _sealed(self, vault: Vault) -> tuple[int, int]:
        """Every sealed text opened: how many hold one of the words, how many there were."""
        words, found, count = set(self.words), 0, 0
        with self._connection.transaction(), self._connection.cursor("sealed") as cursor:
            cursor.execute("SELECT lookup_key, digits FROM phones WHERE digits <> ''")
            for key, digits in cursor:
                count += 1
                found += phones.opened(digits, bytes(key), vault)[1:] in words
        for table in ("contact_identity", "merges"):
            with self._connection.transaction(), self._connection.cursor("sealed") as cursor:
                query = "SELECT name, email, address, note, contact_id FROM " + table
                cursor.execute(query.encode())
                for *texts, contact in cursor:
                    person = identity.opened(texts, contact, vault)
                    count += sum(text is not None for text in person)
                    found += not words.isdisjoint(person)
        return found, count

    def _cells(self) -> tuple[list[str], list[str]]:
        """Tables in whose text a word stands, columns in which an id of a card stands."""
        tables = self._connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        pattern = "|".join([*self.words, *self.calls]).replace(".", r"\.").replace("+", "")
        cells = [
            table
            for (table,) in tables
            if self._has(
                sql.SQL("SELECT FROM {} AS t WHERE to_jsonb(t)::text ~ %s").format(
                    sql.Identifier(table)
                ),
                pattern,
            )
        ]
        columns = self._connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE"
            " table_schema = 'public' AND data_type = 'bigint'"
            " AND (column_name ~ 'contact' OR column_name = 'split_into'"
            " OR (table_name = 'contacts' AND column_name = 'id'))"
        ).fetchall()
        ids = [
            f"{table}.{column}"
            for table, column in columns
            if self._has(
                sql.SQL("SELECT FROM {} WHERE {} = ANY(%s)").format(
                    sql.Identifier(table), sql.Identifier(column)
                ),
                self.contacts,
            )
        ]
        return cells, ids

    def _has(self, query: sql.Composed, value: str | list[int]) -> bool:
        whole = sql.SQL("SELECT EXISTS ({})").format(query)
        row = self._connection.execute(whole, [value]).fetchone()
        return bool(row and row[0])

    def _files(self, folder: Path) -> list[str]:
        """Files of tables, indexes and the server's log: which holds which word in clear."""
        (home,) = self._connection.execute("SHOW data_directory").fetchone() or ("",)
        self._connection.execute("CHECKPOINT")
        places = [Path(home) / "base", *folder.rglob("*.log")]
        return sorted(place for place in self._grep(places))

    def _grep(self, places: Sequence[Path]) -> Iterator[str]:
        words = "\n".join([*self.words, *self.calls])
        asked = ["grep", "-roFa", "-f", "-", "--", *map(str, places)]
        done = subprocess.run(
            asked, input=words, stdout=subprocess.PIPE, text=True, check=False
        )
        for line in sorted(set(done.stdout.splitlines())):
            path, _, word = line.partition(":")
            node = Path(path).name.partition(".")[0]
            named = None
            if node.isdigit():
                row = self._connection.execute(
                    "SELECT pg_filenode_relation(0, %s)::text", [int(node)]
                ).fetchone()
                named = row and row[0]
            yield f"{named or Path(path).name}: {word}"


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
