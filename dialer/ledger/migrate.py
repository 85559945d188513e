"""Applies sql/migrations/NNNN_*.sql, forwards only, each in a transaction of its own.

An advisory lock lets several daemons start at once. Each applied file's SHA-256 is kept: one
that was edited afterwards is an error, never applied again and never ignored.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import structlog

from dialer.errors import StoreError
from dialer.ledger.pool import Connection, connect, store_errors
from dialer.ledger.statements import FOLDER

log = structlog.get_logger(__name__)

MIGRATIONS = FOLDER / "migrations"
LOCK = 0x6469_616C  # "dial"
#: A migration may rewrite a large table.
STATEMENT_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number and name, its text, the digest of its text."""

    name: str
    text: str
    sha256: str


def migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """All files in the order of their numbers."""
    found = []
    for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql")):
        text = path.read_text(encoding="utf-8")
        found.append(Migration(path.stem, text, hashlib.sha256(text.encode()).hexdigest()))
    return found


def migrate(dsn: str, folder: Path = MIGRATIONS) -> list[str]:
    """Apply what is missing; the names applied now. Raises StoreError."""
    with store_errors(), connect(dsn, statement_ms=STATEMENT_MS) as connection:
        # lock_timeout would give up while another daemon applies a long migration.
        connection.execute("SET lock_timeout = 0")
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY,"
            " sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        missing = pending(connection, folder)
        for migration in missing:
            with connection.transaction():
                connection.execute(migration.text.encode())
                connection.execute(
                    "INSERT INTO migrations (name, sha256) VALUES (%s, %s)",
                    [migration.name, migration.sha256],
                )
            log.info("migration applied", migration=migration.name)
        return [migration.name for migration in missing]


def pending(connection: Connection, folder: Path = MIGRATIONS) -> list[Migration]:
    """What is not yet applied. StoreError for an edited or an unknown one."""
    known = connection.execute("SELECT to_regclass('migrations') IS NOT NULL").fetchone()
    rows = (
        connection.execute("SELECT name, sha256 FROM migrations").fetchall()
        if known is not None and known[0]
        else []
    )
    applied = {str(name): str(sha256) for name, sha256 in rows}
    files = migrations(folder)
    for unknown in sorted(applied.keys() - {migration.name for migration in files}):
        raise StoreError(
            "postgresql",
            f"the migration {unknown} was applied by a newer program",
            "run the newer program, or restore the backup made before it",
        )
    for migration in files:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise StoreError(
                "postgresql",
                f"the migration {migration.name} was edited after it had been applied",
                "put the file back as it was; write the change as a new migration",
            )
    return [migration for migration in files if migration.name not in applied]
