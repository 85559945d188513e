"""The emergency stop, operators' log, audit, the server's clock, phones moved by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dialer.core.model import PhoneId
from dialer.errors import StoreError
from dialer.ledger import phones, stored
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ports import OperatorChange

SQL = statements("service")
STOPS = statements("stops")

HALT = "halt"


def set_halted(pool: Pool, halted: bool, *, by: str, now: datetime) -> None:
    """When this returns, no intent is committed behind it (R10.6)."""
    who = stored.clean(by, 200)
    with pool.transaction() as connection:
        connection.execute(SQL["lock_halt_alone"])
        changed = connection.execute(
            SQL["set_switch"], {"name": HALT, "engaged": halted, "by": who, "at": now}
        ).rowcount
        if changed:
            what = "halt" if halted else "resume"
            add_audit(connection, who=who or "", what=what, subject=None, details={}, now=now)


def halted(connection: Connection) -> bool:
    row = connection.execute(SQL["read_switch"], {"name": HALT}).fetchone()
    return bool(row and row[0])


def clock_offset_s(connection: Connection, wall: Callable[[], float] = time.time) -> float:
    """The server's clock minus ours: the best of three, by the middle of the round trip."""
    best: tuple[float, float] | None = None
    for _ in range(3):
        sent = wall()
        row = connection.execute(SQL["clock"]).fetchone()
        received = wall()
        if row is None:
            raise StoreError("postgresql", "no answer to the question for its clock")
        measured = (received - sent, row[0] - (sent + received) / 2)
        best = measured if best is None else min(best, measured)
    return best[1] if best else 0.0


def log_operators(connection: Connection, changes: Sequence[OperatorChange]) -> None:
    connection.execute(
        SQL["log_operators"],
        {
            "at": [change.at for change in changes],
            "instances": [change.instance for change in changes],
            "operators": [change.operator for change in changes],
            "states": [change.state for change in changes],
            "reasons": [stored.clean(change.reason, 200) for change in changes],
        },
    )


def add_audit(
    connection: Connection,
    *,
    who: str,
    what: str,
    subject: str | None,
    details: Mapping[str, Any],
    now: datetime,
) -> None:
    connection.execute(
        SQL["add_audit"],
        {
            "at": now,
            "who": stored.clean(who, 200),
            "what": what,
            "subject": subject,
            "details": stored.to_json(details),
        },
    )


def move_phone(
    pool: Pool, phone: PhoneId, state: str, *, by: str, reason: str, now: datetime
) -> bool:
    """Archive, review or return a phone by hand (R5.5), logged; False if it stood so."""
    with pool.transaction() as connection:
        phones.lock(connection, [phone])
        moved = connection.execute(
            SQL["set_phone_state"],
            {"phone": phone, "state": state, "reason": stored.clean(reason), "at": now},
        ).rowcount
        if not moved:
            return False
        if state == "active":
            connection.execute(STOPS["look_again"], {"phone": phone, "at": now})
            connection.execute(
                SQL["return_entries"],
                {"phone": phone, "at": now, "reason": stored.clean(reason)},
            )
        add_audit(
            connection,
            who=by,
            what=f"phone {state}",
            subject=f"phone {phone}",
            details={"reason": reason},
            now=now,
        )
        return True
