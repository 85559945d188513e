"""Row locks in the one order that all writers keep: phones, contacts, number days,
campaign days, sorted.

With READ COMMITTED a lock alone does not refresh what a statement sees: whoever decides by the
locked rows does so in a statement after these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from dialer.ledger import phones
from dialer.ledger.pool import Connection, Cursor
from dialer.ledger.statements import statements

SQL = statements("intents")


class Locked(NamedTuple):
    """Rows as they stand under the locks, to be read when a pipeline is over."""

    phones: Cursor  # id, lookup key, sealed digits, zones
    contacts: Cursor  # id, windows, segment


def lock_people(
    connection: Connection, phone_ids: Iterable[int], contact_ids: Iterable[int]
) -> Locked:
    """Lock phones, then contacts."""
    locked = phones.lock(connection, list(phone_ids))
    contacts = connection.execute(
        SQL["lock_contacts"], {"contacts": sorted(set(contact_ids))}, prepare=True
    )
    return Locked(locked, contacts)


def lock_number_days(connection: Connection, number_days: Sequence[tuple[str, date]]) -> None:
    ordered = sorted(set(number_days))
    connection.execute(
        SQL["lock_number_days"],
        {"numbers": [n for n, _ in ordered], "days": [d for _, d in ordered]},
        prepare=True,
    )


def lock_campaign_days(connection: Connection, attempts: Sequence[str]) -> None:
    """Those of these attempts; campaigns without a budget have none."""
    connection.execute(SQL["lock_days_of_attempts"], {"ids": list(attempts)}, prepare=True)
