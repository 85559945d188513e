"""Complaints (R6.11): who complained about which campaign, when, in his sealed words.

They count against the campaign's persistence, and go with the person's erasure.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from dialer.core.model import PhoneId
from dialer.ledger import phones, service, stored
from dialer.ledger.pool import Pool
from dialer.ledger.statements import statements
from dialer.ledger.stops import locked
from dialer.ledger.vault import Vault

SQL = statements("complaints")

#: What a text is bound to beside its phone's lookup key.
COLUMN = "complaint.text"
#: A complaint that names no campaign means the latest call of so many days.
MEANS = timedelta(days=30)


class Complaint(NamedTuple):
    """With his number and words in clear, for whoever may see them."""

    at: datetime
    campaign: str | None
    phone: PhoneId
    digits: str
    taken_by: str
    text: str | None


def add(
    pool: Pool,
    vault: Vault,
    phone: PhoneId,
    text: str,
    *,
    campaign: str | None,
    by: str,
    now: datetime,
) -> str | None:
    """The campaign that it counts against: the named one, else the latest that called."""
    with locked(pool, phone) as connection:
        if campaign is None:
            asked = {"phone": phone, "since": now - MEANS}
            row = connection.execute(SQL["last_campaign"], asked).fetchone()
            campaign = row[0] if row else None
        row = connection.execute(SQL["lookup_key"], {"phone": phone}).fetchone()
        sealed = vault.seal(stored.clean(text), COLUMN, bytes(row[0])) if row else None
        connection.execute(
            SQL["add_complaint"],
            {
                "phone": phone,
                "campaign": campaign,
                "at": now,
                "by": stored.clean(by, 200),
                "text": sealed,
            },
        )
        service.add_audit(
            connection,
            who=by,
            what="complaint",
            subject=f"phone {phone}",
            details={"campaign": campaign},
            now=now,
        )
    return campaign


def since(pool: Pool, vault: Vault, instant: datetime, campaign: str | None) -> list[Complaint]:
    """Raises Unreadable."""
    asked = {"since": instant, "campaign": campaign}
    with pool.connection() as connection:
        rows = connection.execute(SQL["complaints"], asked).fetchall()
    return [
        Complaint(
            at,
            of,
            PhoneId(phone),
            phones.opened(digits, key, vault),
            by,
            vault.open(text, COLUMN, bytes(key)),
        )
        for at, of, phone, digits, key, by, text in rows
    ]
