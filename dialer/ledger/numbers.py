"""Our own numbers and what stands against them on each day (in the number's own zone)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from dialer.core.model import Number, NumberId
from dialer.ledger.pool import Connection
from dialer.ledger.statements import statements

SQL = statements("numbers")


def save(connection: Connection, numbers: Sequence[Number], now: datetime) -> None:
    distinct = list({number.id: number for number in numbers}.values())
    connection.execute(
        SQL["save_numbers"],
        {
            "numbers": [n.id for n in distinct],
            "pools": [n.pool for n in distinct],
            "kinds": [n.kind for n in distinct],
            "regions": [n.region for n in distinct],
            "zones": [n.zone for n in distinct],
            "soft": [n.soft_limit for n in distinct],
            "hard": [n.hard_limit for n in distinct],
            "states": [n.state for n in distinct],
            "at": now,
        },
    )


def charges(connection: Connection, days: Sequence[date]) -> dict[tuple[NumberId, date], int]:
    rows = connection.execute(SQL["charges"], {"days": list(days)})
    return {(NumberId(number), day): int(dialed) for number, day, dialed in rows}


def charge(connection: Connection, number: Number, day: date) -> bool:
    """Count one call of this day; False: its hard limit is reached."""
    words = {"number": number.id, "day": day, "hard_limit": number.hard_limit}
    return connection.execute(SQL["charge_number"], words).fetchone() is not None


def credit(connection: Connection, number: NumberId, day: date) -> None:
    connection.execute(SQL["credit_number"], {"number": number, "day": day})
