"""The person's word about being called: one stop added, removed, looked up.

Each change locks the phone's row first, as every intent does: when the call returns, no
attempt that was not committed before can be committed any more (R6.2). What was committed
before is told by `open_calls`; engine/stopping.py cancels it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from dialer.core.model import AttemptId, PhoneId
from dialer.core.permission.grounds import StopFact
from dialer.errors import StoreError
from dialer.ledger import phones, service, stored
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ledger.vault import Vault
from dialer.ports import CallerStop, OpenCall, OptOut, Stopped, Wish

SQL = statements("stops")
#: Where a wish came from, as `origin` keeps it.
IN_MESSAGE = "key during the message"
CALLED_BACK = "called back, key 9"


@contextmanager
def locked(pool: Pool, phone: PhoneId) -> Iterator[Connection]:
    """A transaction that holds this phone: no intent on it is committed meanwhile."""
    with pool.transaction() as connection:
        if phones.lock(connection, [phone]).fetchone() is None:
            raise StoreError("postgresql", f"no phone {phone}", "check the phone's id")
        yield connection


def add(
    pool: Pool, phone: PhoneId, *, origin: str, now: datetime, wish: Wish | None = None
) -> Stopped:
    """In force when this returns. Raises StoreError."""
    wish = wish or Wish()
    with locked(pool, phone) as connection:
        row = connection.execute(
            SQL["add_stop"],
            {
                "phone": phone,
                "channel": wish.channel,
                "category": wish.category,
                "scope": wish.scope,
                "scope_value": wish.scope_value,
                "at": now,
                "expires_at": wish.expires_at,
                "origin": stored.origin(origin),
            },
        ).fetchone()
    return Stopped(number=row[0], is_new=row[1]) if row else Stopped(number=0, is_new=False)


def opt_out(pool: Pool, attempt: AttemptId, *, now: datetime) -> OptOut:
    """The key in the message of this attempt, open or ended; the same once more is nothing."""
    with pool.connection() as connection:
        row = connection.execute(SQL["attempt_of_key"], {"attempt": attempt}).fetchone()
    if row is None:
        return OptOut(known=False)
    phone, bridged = PhoneId(row[0]), row[1]
    if bridged:
        return OptOut(known=True)
    with locked(pool, phone) as connection:
        connection.execute(SQL["add_stop"], _never(phone, now))
        connection.execute(SQL["note_opt_out"], {"attempt": attempt})
    return OptOut(known=True, phone=phone)


def _never(phone: PhoneId, now: datetime, origin: str = IN_MESSAGE) -> dict[str, object]:
    return {
        "phone": phone,
        "channel": "phone",
        "category": "never",
        "scope": "global",
        "scope_value": None,
        "at": now,
        "expires_at": None,
        "origin": origin,
    }


def take_callers(
    pool: Pool, callers: Sequence[CallerStop], vault: Vault, now: datetime
) -> list[PhoneId]:
    """Each call once, however often it is told; the phones that were stopped by it now."""
    calls = [str(one.call) for one in callers]
    with pool.connection() as connection:
        rows = connection.execute(SQL["known_caller_stops"], {"calls": calls}).fetchall()
    known = {row[0] for row in rows}
    stopped = []
    for one in callers:
        if one.call in known or one.caller is None:
            continue
        with pool.transaction() as connection:
            phone = phones.find_or_add(connection, one.caller, vault)
            phones.lock(connection, [phone])
            words = {"call": one.call, "phone": phone, "at": now}
            if connection.execute(SQL["take_caller_stop"], words).fetchone() is not None:
                connection.execute(SQL["add_stop"], _never(phone, now, CALLED_BACK))
                stopped.append(phone)
    return stopped


def is_stopped(connection: Connection, phone: PhoneId, now: datetime) -> bool:
    """By any wish, of whatever scope."""
    row = connection.execute(SQL["is_stopped"], {"phone": phone, "at": now}).fetchone()
    return row is not None and bool(row[0])


def remove(
    pool: Pool, phone: PhoneId, *, by: str, now: datetime, channel: str | None = None
) -> int:
    """The person has changed his mind (logged); how many wishes ended."""
    with locked(pool, phone) as connection:
        ended = connection.execute(
            SQL["remove_stops"],
            {"phone": phone, "channel": channel, "at": now, "by": stored.origin(by)},
        ).rowcount
        connection.execute(SQL["look_again"], {"phone": phone, "at": now})
        service.add_audit(
            connection,
            who=by,
            what="stops removed",
            subject=f"phone {phone}",
            details={"stops": ended},
            now=now,
        )
        return ended


def of_phone(connection: Connection, phone: PhoneId) -> list[StopFact]:
    """Every wish about the phone, ended ones too, the oldest first."""
    return [
        StopFact(
            category=category,
            channel=channel,
            scope=scope,
            scope_value=value,
            added_at=added_at,
            expires_at=expires_at,
            removed_at=removed_at,
            origin=origin,
            seq=seq,
        )
        for category, channel, scope, value, added_at, expires_at, removed_at, origin, seq in (
            connection.execute(SQL["of_phone"], {"phone": phone})
        )
    ]


def open_calls(connection: Connection, phone_ids: Sequence[PhoneId]) -> list[OpenCall]:
    """Calls of these phones that nobody has answered as far as the ledger knows."""
    rows = connection.execute(SQL["open_calls"], {"phones": list(phone_ids)})
    return [OpenCall(*row) for row in rows]
