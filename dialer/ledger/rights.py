"""A person's rights: everything on a phone exported, everything erased; the audit verified.

What stays of an erased phone is its lookup key with a stop, and nobody's counters (R6.6).
Backups and PostgreSQL's log keep the old pages for as long as they are kept themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from dialer.core.model import PhoneId
from dialer.errors import StoreError
from dialer.ledger import identity, phones, service
from dialer.ledger.locks import lock_people
from dialer.ledger.pool import Pool
from dialer.ledger.statements import statements
from dialer.ledger.vault import Vault

SQL = statements("rights")

#: Of cards and merged rows: what is sealed.
PERSONAL = frozenset(
    {*identity.Person._fields, "email_before", "address_before", "note_before"}
)


class Erased(NamedTuple):
    """How many rows went, by kind; the files of his talks that stay, and until when."""

    contacts: int
    phones: int
    attempts: int
    recordings_left: int
    recordings_until: datetime | None


class Chain(NamedTuple):
    """The audit's rows, those from before it was a chain, and what is wrong with it."""

    rows: int
    unchained: int
    broken: tuple[int, ...]
    missing_at_end: int


def export(
    pool: Pool, phone: PhoneId, vault: Vault, *, by: str, now: datetime
) -> dict[str, Any]:
    """All that is stored on the phone and the cards on which it stands, in clear; logged."""
    with pool.transaction() as connection:
        row = connection.execute(SQL["persons"], {"phone": phone}).fetchone()
        contacts, own = row if row else ([], [phone])
        found = connection.execute(
            SQL["everything"], {"phones": own, "contacts": contacts}
        ).fetchone()
        service.add_audit(
            connection,
            who=by,
            what="exported",
            subject=f"phone {phone}",
            details={"contacts": len(contacts), "phones": len(own)},
            now=now,
        )
    everything: dict[str, Any] = found[0] if found else {}
    _open(everything, vault)
    return {key: value for key, value in everything.items() if value is not None}


def _open(everything: Mapping[str, Any], vault: Vault) -> None:
    """In place. Raises Unreadable."""
    for one in everything.get("phones") or ():
        key = bytes.fromhex(one.pop("lookup_key").removeprefix("\\x"))
        one["digits"] = phones.opened(one["digits"], key, vault)
    for kind, id_name in (("contacts", "id"), ("merged_rows", "contact_id")):
        for one in everything.get(kind) or ():
            for name in PERSONAL & one.keys():
                one[name] = vault.open(one[name], identity.column_of(name), one[id_name])


def erase(pool: Pool, phone: PhoneId, *, by: str, now: datetime) -> Erased:
    """The stop must be in force before. Raises StoreError while a call is going on."""
    with pool.transaction() as connection:
        row = connection.execute(SQL["persons"], {"phone": phone}).fetchone()
        contacts, own = row if row else ([], [phone])
        lock_people(connection, own, contacts)
        whom = {"phones": own, "contacts": contacts}
        going_on = connection.execute(SQL["open_attempts"], whom).fetchone()
        if going_on and going_on[0]:
            what = "a call with this person is going on"
            raise StoreError("postgresql", what, "erase again when it is over")
        left = connection.execute(SQL["recordings_left"], whom).fetchone() or (0, None)
        connection.execute(SQL["keep_counters"], whom)
        attempts = connection.execute(SQL["erase_attempts"], whom).rowcount
        connection.execute(SQL["loosen_merges"], {"contacts": contacts})
        erased = connection.execute(SQL["erase_contacts"], {"contacts": contacts}).rowcount
        for step in ("erase_moves", "erase_consents", "erase_withdrawals", "erase_callers"):
            connection.execute(SQL[step], {"phones": own})
        connection.execute(SQL["blank_origins"], {"phones": own})
        connection.execute(SQL["blank_changes"], {"phones": own})
        connection.execute(SQL["blank_phones"], {"phones": own, "at": now})
        done = Erased(
            contacts=erased,
            phones=len(own),
            attempts=attempts,
            recordings_left=left[0],
            recordings_until=left[1],
        )
        service.add_audit(
            connection,
            who=by,
            what="erased",
            subject=f"phone {phone}",
            details=done._asdict(),
            now=now,
        )
    return done


def others_of(pool: Pool, phone: PhoneId) -> list[PhoneId]:
    """Every phone that goes with this one, itself included."""
    with pool.connection() as connection:
        row = connection.execute(SQL["persons"], {"phone": phone}).fetchone()
    return [PhoneId(one) for one in row[1]] if row else [phone]


def verify(pool: Pool) -> Chain:
    """Is every row of the audit there, and as it was written?"""
    with pool.sweep() as connection:
        broken = connection.execute(SQL["broken_links"]).fetchall()
        end = connection.execute(SQL["chain_end"]).fetchone()
    last, there, unchained, rows = end or (0, 0, 0, 0)
    return Chain(
        rows=rows,
        unchained=unchained,
        broken=tuple(link for (link,) in broken),
        missing_at_end=last - there,
    )
