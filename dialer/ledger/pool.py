"""Connections: the pool, its limits, and psycopg's errors as StoreError with a remedy.

The limits on time are the server's own (statement_timeout and the like): a gevent.Timeout
around SQL would leave a connection in the middle of a command, which would go on. A commit
whose answer is lost may have happened: every caller repeats with the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.types.array import ListBinaryDumper
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from dialer.errors import StoreError

Row = tuple[Any, ...]
Connection = psycopg.Connection[Row]
Cursor = psycopg.Cursor[Row]

STATEMENT_MS = 15_000
LOCK_MS = 5_000
IDLE_IN_TRANSACTION_MS = 20_000
#: The planner of the pool's connections. Prepared statements keep one plan, because planning
#: the larger ones anew takes as long as running them; so it must be right for a table that is
#: empty now and has a million rows in an hour: small sets by index look-ups, whatever the
#: statistics say.
LOOKUPS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "enable_material": "off",
    "enable_memoize": "off",
}
#: And of statements that go through whole tables: reports, enrolling.
SWEEPS = {
    "plan_cache_mode": "auto",
    "enable_seqscan": "on",
    "enable_hashjoin": "on",
    "enable_mergejoin": "on",
    "enable_bitmapscan": "on",
    "enable_material": "on",
    "enable_memoize": "on",
}
CONNECT_S = 5

_CHECK_USER = "check the user and the password of the PostgreSQL address"
_CHECK_DATABASE = "create the database, or correct its name in the address"
_CHECK_ADDRESS = "check that PostgreSQL runs and may be reached at its address"

_REMEDIES: tuple[tuple[type[psycopg.Error] | tuple[type[psycopg.Error], ...], str], ...] = (
    (
        (errors.InvalidPassword, errors.InvalidAuthorizationSpecification),
        _CHECK_USER,
    ),
    (errors.InvalidCatalogName, _CHECK_DATABASE),
    (
        (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction),
        "the schema is older than this program: run its migrations",
    ),
    (errors.InsufficientPrivilege, "grant the user its rights on this database"),
    ((errors.DiskFull, errors.OutOfMemory), "make room on the database server"),
    (errors.TooManyConnections, "raise max_connections, or lower the pools of the daemons"),
    (errors.ReadOnlySqlTransaction, "this is a replica: name the primary in the address"),
    (errors.QueryCanceled, "the server is overloaded, or a statement lacks its index"),
    (errors.LockNotAvailable, "another transaction holds the rows: look at pg_stat_activity"),
    (psycopg.OperationalError, _CHECK_ADDRESS),
)
#: A refused connection carries no code, only the server's words.
_REFUSALS = (
    ("password", _CHECK_USER),
    ("role", _CHECK_USER),
    ("database", _CHECK_DATABASE),
    ("pg_hba.conf", "allow this host, user and database in the server's pg_hba.conf"),
)


def options(statement_ms: int = STATEMENT_MS) -> str:
    """Session settings of every connection. No JIT: it costs more than our statements."""
    return (
        f"-c statement_timeout={statement_ms} -c lock_timeout={LOCK_MS}"
        f" -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS}"
        # The planner's default price of a random page is a turning disk's.
        " -c jit=off -c random_page_cost=1.1 -c TimeZone=UTC"
    )


def translate(error: psycopg.Error) -> StoreError:
    """psycopg's error as ours: its first line (never a row's values) and what to do."""
    remedy = next((text for kinds, text in _REMEDIES if isinstance(error, kinds)), "")
    # The primary message only: DETAIL lines quote rows, that is, people.
    text = error.diag.message_primary or (str(error).strip().splitlines() or [""])[0]
    if error.sqlstate is None and "FATAL" in text:
        said = text.partition("FATAL")[2]
        remedy = next((better for word, better in _REFUSALS if word in said), remedy)
    return StoreError("postgresql", text or type(error).__name__, remedy)


@contextmanager
def store_errors() -> Iterator[None]:
    """Whatever psycopg raises inside comes out as StoreError."""
    try:
        yield
    except (PoolTimeout, PoolClosed, psycopg.Error) as error:
        raise translate(error) from error


def connect(dsn: str, *, statement_ms: int = STATEMENT_MS, more: str = "") -> Connection:
    """A connection of one's own, in autocommit; psycopg's errors as they are."""
    return psycopg.connect(
        dsn, autocommit=True, connect_timeout=CONNECT_S, options=options(statement_ms) + more
    )


def _binary_arrays(connection: Connection) -> None:
    """Lists in binary: as text each element of 50 JSON texts costs 80 us, in binary 1."""
    connection.adapters.register_dumper(list, ListBinaryDumper)


class Pool:
    """A bounded pool; `transaction` lends a connection inside one transaction."""

    def __init__(self, dsn: str, *, max_size: int, wait_s: float) -> None:
        self.dsn = dsn
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            dsn,
            min_size=1,
            max_size=max_size,
            timeout=wait_s,
            open=False,
            check=ConnectionPool.check_connection,
            configure=_binary_arrays,
            kwargs={
                "autocommit": True,
                "connect_timeout": CONNECT_S,
                "options": options()
                + "".join(f" -c {name}={value}" for name, value in LOOKUPS.items()),
            },
            name="ledger",
        )

    def open(self) -> None:
        """Raises StoreError in the server's own words; the pool alone would only time out."""
        with store_errors():
            connect(self.dsn).close()
            self._pool.open(wait=True, timeout=2 * CONNECT_S)

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """In autocommit: for single statements."""
        with store_errors(), self._pool.connection() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self.connection() as connection, connection.transaction():
            yield connection

    @contextmanager
    def sweep(self) -> Iterator[Connection]:
        """A transaction whose statements may go through whole tables."""
        with self.transaction() as connection:
            for name, value in SWEEPS.items():
                connection.execute("SELECT set_config(%s, %s, true)", [name, value])
            yield connection

    @contextmanager
    def pipelined(self) -> Iterator[Connection]:
        """One transaction whose statements travel together; read the cursors at the end."""
        with (
            self.connection() as connection,
            connection.pipeline(),
            connection.transaction(),
        ):
            yield connection
