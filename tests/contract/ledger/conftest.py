"""A migrated database, emptied before each test; no copies: they cost half a second each."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from dialer.ledger.migrate import migrate
from dialer.ledger.store import PostgresLedger
from tests.conftest import create_database, dsn_of
from tests.contract.ledger.world import World


@pytest.fixture(scope="session")
def migrated_dsn(postgres_dsn: str) -> Iterator[str]:
    name = f"ledger_{secrets.token_hex(4)}"
    create_database(postgres_dsn, name)
    try:
        migrate(dsn_of(postgres_dsn, name))
        yield dsn_of(postgres_dsn, name)
    finally:
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


@pytest.fixture
def dsn(migrated_dsn: str) -> str:
    with psycopg.connect(migrated_dsn, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename <> 'migrations'"
        )
        tables = sql.SQL(", ").join(sql.Identifier(name) for (name,) in rows)
        connection.execute(sql.SQL("TRUNCATE {} RESTART IDENTITY").format(tables))
    return migrated_dsn


@pytest.fixture
def ledger(dsn: str) -> Iterator[PostgresLedger]:
    ledger = PostgresLedger(dsn, connections=10)
    ledger.open()
    try:
        yield ledger
    finally:
        ledger.close()


@pytest.fixture
def world(ledger: PostgresLedger, dsn: str) -> World:
    return World(ledger, dsn)


@pytest.fixture
def another_ledger(dsn: str) -> Iterator[Callable[..., PostgresLedger]]:
    """A second daemon's ledger on the same database."""
    opened: list[PostgresLedger] = []

    def make(**options: object) -> PostgresLedger:
        ledger = PostgresLedger(dsn, **options)  # type: ignore[arg-type]
        opened.append(ledger)
        ledger.open()
        return ledger

    yield make
    for ledger in opened:
        ledger.close()
