"""The servers of the tests: one private Valkey and one private PostgreSQL for the whole run.

Started when the first test asks. DIALER_TEST_REDIS and DIALER_TEST_PG name running servers
instead (their database is emptied; the user must be allowed to create databases). `own_redis`
and `own_postgres` are for tests that kill and restart theirs.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from psycopg import sql

from dialer.sim.private_server import RunningServer
from dialer.sim.servers import start_postgres, start_redis


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Redis-like server that belongs to the tests."""
    named = os.environ.get("DIALER_TEST_REDIS")
    if named:
        yield named
        return
    server = start_redis(tmp_path_factory.mktemp("redis"))
    try:
        yield server.url
    finally:
        server.remove()


@pytest.fixture
def fresh_redis(redis_url: str) -> str:
    """The same server, its database emptied for this test."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    return redis_url


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RunningServer]:
    """A Valkey for this test alone, to be killed and restarted (it forgets everything)."""
    server = start_redis(tmp_path)
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def postgres_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The maintenance database of a PostgreSQL that belongs to the tests."""
    named = os.environ.get("DIALER_TEST_PG")
    if named:
        yield named
        return
    server = start_postgres(tmp_path_factory.mktemp("postgres"))
    try:
        yield server.dsn
    finally:
        server.remove()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[RunningServer]:
    """A PostgreSQL for this test alone, durable, to be killed and restarted."""
    server = start_postgres(tmp_path, durable=True)
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def new_database(postgres_dsn: str) -> Iterator[Callable[..., str]]:
    """`new_database(template=None) -> dsn`: empty, or a copy; dropped at the end."""
    made: list[str] = []

    def create(template: str | None = None) -> str:
        name = f"test_{secrets.token_hex(6)}"
        create_database(postgres_dsn, name, template)
        made.append(name)
        return dsn_of(postgres_dsn, name)

    yield create
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        for name in made:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


def create_database(postgres_dsn: str, name: str, template: str | None = None) -> None:
    """CREATE DATABASE `name`, as a copy of `template` if one is named."""
    command = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
        sql.Identifier(name), sql.Identifier(template or "template0")
    )
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(command)


def dsn_of(postgres_dsn: str, name: str) -> str:
    """The same server's address with another database."""
    return urlunsplit(urlsplit(postgres_dsn)._replace(path=f"/{name}"))
