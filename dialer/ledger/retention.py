"""Retention by kind of data (R6.7): what would go, and its deletion, logged in the audit.

`steps` deletes in small transactions, one for each item that it yields: dialing goes on beside
it, whoever drives it pauses between them, and what was interrupted goes on at the next run.
What was held by law of a person who is erased goes first, when its hold has ended (R6.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from dialer.core.model import InstanceName
from dialer.core.permission.retention import DataKind, HeldKind, holds
from dialer.ledger import service, stored
from dialer.ledger.locks import lock_people
from dialer.ledger.pool import Pool
from dialer.ledger.statements import statements
from dialer.ports import Held, RetentionState, RetentionStep

SQL = statements("retention")
RIGHTS = statements("rights")

#: Rows of one transaction by hand; the daemon takes fewer.
BATCH = 5_000
#: Who has not deleted anything for so long has died: another daemon goes on.
LEASE_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """Rows by kind; `locked`: campaign -> (attempts that a law keeps, the oldest of them)."""

    rows: Mapping[DataKind, int]
    locked: Mapping[str, tuple[int, datetime]]
    recorded: int


def preview(pool: Pool, before: Mapping[DataKind, datetime], now: datetime) -> Old:
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
                asked |= _laws(now)
                found = connection.execute(SQL["count_locked"], asked)
                kept = {name: (int(count), oldest) for name, count, oldest in found}
            row = connection.execute(SQL[f"count_{kind}"], asked).fetchone()
            rows[kind] = int(row[0]) if row else 0
    return Old(rows=rows, locked=kept, recorded=recorded)


def apply(
    pool: Pool, before: Mapping[DataKind, datetime], *, by: str, now: datetime
) -> Mapping[str, int]:
    """By hand, without a pause; how many rows of each kind went."""
    gone: dict[str, int] = {kind.value: 0 for kind in before}
    for kind, rows in steps(pool, before, now, BATCH):
        gone[kind] = gone.get(kind, 0) + rows
    with pool.transaction() as connection:
        details = {kind: {"rows": rows, **_until(kind, before)} for kind, rows in gone.items()}
        service.add_audit(
            connection, who=by, what="retention", subject=None, details=details, now=now
        )
    return gone


def _until(kind: str, before: Mapping[DataKind, datetime]) -> dict[str, str]:
    found = {known.value: instant for known, instant in before.items()}.get(kind)
    return {} if found is None else {"before": found.isoformat()}


def steps(
    pool: Pool, before: Mapping[DataKind, datetime], now: datetime, most: int
) -> Iterator[RetentionStep]:
    """Each item is a committed transaction of at most `most` rows. Raises StoreError."""
    yield from _released(pool, now, most)
    for kind, instant in before.items():
        if kind is DataKind.ATTEMPTS:
            yield from _attempts(pool, instant, now, most)
        elif kind is DataKind.CONTACTS:
            continue  # last of all: their attempts go before them
        else:
            words = {"before": instant, "most": most}
            yield from _deleted(pool, kind.value, f"delete_{kind}", words)
    if DataKind.CONTACTS in before:
        yield from _contacts(pool, before[DataKind.CONTACTS], most)


def _deleted(
    pool: Pool, kind: str, statement: str, words: Mapping[str, Any]
) -> Iterator[RetentionStep]:
    """One statement again and again until it finds less than a batch."""
    rows = words["most"]
    while rows == words["most"]:
        with pool.sweep() as connection:
            rows = connection.execute(SQL[statement], words).rowcount
        yield RetentionStep(kind, rows)


def _released(pool: Pool, now: datetime, most: int) -> Iterator[RetentionStep]:
    """What a law had ordered to keep, and orders no longer."""
    words = {"at": now, "most": most}
    rows = most
    while rows == most:
        with pool.sweep() as connection:
            ids = [one for (one,) in connection.execute(SQL["released_attempts"], words)]
            rows = len(ids)
            connection.execute(SQL["delete_attempts"], {"ids": ids})
        yield RetentionStep("held_attempts", rows)
    yield from _deleted(pool, "held_consents", "delete_held_consents", words)
    yield from _deleted(pool, "erased_cards", "delete_erased_cards", words)


def _attempts(
    pool: Pool, before: datetime, now: datetime, most: int
) -> Iterator[RetentionStep]:
    """Campaign by campaign along its index, so that what stays is not read again and again."""
    with pool.connection() as connection:
        campaigns = [name for (name,) in connection.execute(SQL["campaign_names"])]
    for name in campaigns:
        words = {"campaign": name, "before": before, "after": None, "most": most, **_laws(now)}
        found = most
        while found == most:
            with pool.sweep() as connection:
                old = connection.execute(SQL["old_attempts"], words).fetchall()
                found = len(old)
                ids = [one for one, _ in old]
                row = connection.execute(SQL["delete_attempts"], {"ids": ids}).fetchone()
            words["after"] = old[-1][1] if old else None
            yield RetentionStep(DataKind.ATTEMPTS.value, int(row[0]) if row else 0)


def _contacts(pool: Pool, before: datetime, most: int) -> Iterator[RetentionStep]:
    """Card by card along their ids; their numbers go with them where nothing else has them."""
    after: int | None = 0
    while after is not None:
        words = {"after": after, "before": before, "most": most}
        with pool.sweep() as connection:
            connection.execute(RIGHTS["lock_imports"])
            row = connection.execute(SQL["old_contacts"], words).fetchone()
            after, ids, numbers = row or (None, [], [])
            rows = 0
            if ids:
                lock_people(connection, numbers, ids)
                connection.execute(RIGHTS["loosen_merges"], {"contacts": ids})
                gone = {"ids": ids, "before": before}
                rows = connection.execute(SQL["delete_old_contacts"], gone).rowcount
                connection.execute(SQL["forget_phones"], {"ids": numbers})
        yield RetentionStep(DataKind.CONTACTS.value, rows)


def _laws(now: datetime) -> dict[str, list[Any]]:
    """What holds attempts: presets, and since when each does."""
    found = [one for one in holds(now) if one.kind is HeldKind.ATTEMPTS]
    return {"presets": [one.preset for one in found], "since": [one.since for one in found]}


def held(pool: Pool) -> list[Held]:
    """All that is kept of people who are erased, with ground and end."""
    with pool.sweep() as connection:
        return [Held(*row) for row in connection.execute(SQL["held"])]


# ------------------------------------------------------------------ the daily run


def state(pool: Pool) -> RetentionState:
    with pool.connection() as connection:
        row = connection.execute(SQL["last_run"]).fetchone()
    return RetentionState(*row) if row else RetentionState(None, None)


def begin(pool: Pool, day: date, instance: InstanceName, now: datetime) -> bool:
    """Is this day's run ours (again)? Renews the lease where it is."""
    words = {"day": day, "instance": instance, "at": now}
    until = {"lease_until": now + timedelta(seconds=LEASE_S)}
    with pool.connection() as connection:
        return connection.execute(SQL["begin_run"], {**words, **until}).fetchone() is not None


def end(
    pool: Pool, day: date, instance: InstanceName, gone: Mapping[str, int], now: datetime
) -> None:
    with pool.transaction() as connection:
        connection.execute(
            SQL["end_run"], {"day": day, "at": now, "rows": stored.to_json(gone)}
        )
        details = {"day": day.isoformat(), "rows": dict(gone)}
        service.add_audit(
            connection, who=instance, what="retention", subject=None, details=details, now=now
        )
