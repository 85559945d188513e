"""What `dialer doctor` wants to know of PostgreSQL: its version, its promises, its clock."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from dialer.ledger import service
from dialer.ledger.migrate import pending
from dialer.ledger.pool import Pool

SETTINGS = (
    "server_version",
    "synchronous_commit",
    "fsync",
    "full_page_writes",
    "max_connections",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresFacts:
    """`settings` as SHOW says them; `pending`: migrations that are not applied."""

    version: tuple[int, ...]
    settings: Mapping[str, str]
    replica: bool
    pending: tuple[str, ...]
    clock_offset_s: float
    latency_s: float


def ask(dsn: str) -> PostgresFacts:
    """Raises StoreError."""
    pool = Pool(dsn, max_size=1, wait_s=5.0)
    pool.open()
    try:
        with pool.connection() as connection:
            shown = {
                name: str(
                    connection.execute("SELECT current_setting(%s)", (name,)).fetchone()[0]  # type: ignore[index]
                )
                for name in SETTINGS
            }
            begun = time.monotonic()
            replica = connection.execute("SELECT pg_is_in_recovery()").fetchone()
            latency_s = time.monotonic() - begun
            waiting = pending(connection)
            offset_s = service.clock_offset_s(connection)
    finally:
        pool.close()
    number = shown["server_version"].split()[0]
    return PostgresFacts(
        version=tuple(int(part) for part in number.split(".") if part.isdigit()),
        settings=shown,
        replica=bool(replica and replica[0]),
        pending=tuple(one.name for one in waiting),
        clock_offset_s=offset_s,
        latency_s=latency_s,
    )
