"""A person's rights: everything on a phone exported, everything erased; the audit verified.

What stays of an erased phone is its lookup key with a stop, and nobody's counters (R6.6).
Backups and PostgreSQL's log keep the old pages for as long as they are kept themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from dialer.core.model import PhoneId
from dialer.core.permission.retention import HeldKind, holds
from dialer.errors import StoreError
from dialer.ledger import complaints, consents, endings, identity, phones, service
from dialer.ledger.locks import lock_people
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ledger.vault import Vault
from dialer.ports import Held

SQL = statements("rights")

#: Of cards and merged rows: what is sealed.
PERSONAL = frozenset(
    {*identity.Person._fields, "email_before", "address_before", "note_before"}
)


class Erased(NamedTuple):
    """How many rows went, by kind; the files of his talks that are due now, by the daemon in
    whose folder they lie; what a law orders to keep.
    """

    contacts: int
    phones: int
    attempts: int
    recordings: Mapping[str, int]
    held: tuple[Held, ...]


class CallGoesOn(StoreError):
    """Nobody is erased in the midst of his call."""

    def __init__(self) -> None:
        what = "a call with this person is going on"
        super().__init__("postgresql", what, "erase again when it is over")


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
    for one in everything.get("complaints") or ():
        key = bytes.fromhex(one.pop("lookup_key").removeprefix("\\x"))
        one["text"] = vault.open(one["text"], complaints.COLUMN, key)
    for one in everything.get("attempts") or ():
        one["summary"] = vault.open(one["summary"], endings.SUMMARY, UUID(one["id"]).bytes)
    for one in everything.get("consents") or ():
        given_at = datetime.fromisoformat(one["given_at"])
        where = consents.bound(one["purpose"], given_at)
        one["evidence"] = vault.open(one["evidence"], consents.COLUMN, where)
    for kind, id_name in (("contacts", "id"), ("merged_rows", "contact_id")):
        for one in everything.get(kind) or ():
            for name in PERSONAL & one.keys():
                one[name] = vault.open(one[name], identity.column_of(name), one[id_name])


def erase(pool: Pool, phone: PhoneId, *, by: str, now: datetime) -> Erased:
    """The stop must be in force before. Raises CallGoesOn."""
    with pool.transaction() as connection:
        # First of all, as every import takes it before it locks phones.
        connection.execute(SQL["lock_imports"])
        row = connection.execute(SQL["persons"], {"phone": phone}).fetchone()
        contacts, own = row if row else ([], [phone])
        lock_people(connection, own, contacts)
        whom: dict[str, Sequence[Any]] = {"phones": own, "contacts": contacts}
        found = connection.execute(SQL["attempts_of"], whom).fetchall()
        if any(is_open for _, is_open in found):
            raise CallGoesOn
        whom["attempts"] = [attempt for attempt, _ in found]
        _hold(connection, whom, now)
        due = dict(connection.execute(SQL["release_recordings"], {**whom, "at": now}))
        attempts, erased = _delete(connection, whom, now)
        done = Erased(
            contacts=erased,
            phones=len(own),
            attempts=attempts,
            recordings=due,
            held=tuple(Held(*row) for row in connection.execute(SQL["held"], whom)),
        )
        service.add_audit(
            connection,
            who=by,
            what="erased",
            subject=f"phone {phone}",
            details={**done._asdict(), "held": [one.as_json() for one in done.held]},
            now=now,
        )
    return done


def _hold(connection: Connection, whom: Mapping[str, Any], now: datetime) -> None:
    """Lock what a law orders to keep; consents by their uses, so before the attempts go."""
    for kind in HeldKind:
        laws = [one for one in holds(now) if one.kind is kind]
        words = {
            "presets": [one.preset for one in laws],
            "since": [one.since for one in laws],
            "keep_s": [one.keep_s for one in laws],
            "laws": [one.ground for one in laws],
        }
        connection.execute(SQL[f"hold_{kind}"], {**whom, **words})


def _delete(
    connection: Connection, whom: Mapping[str, Sequence[Any]], now: datetime
) -> tuple[int, int]:
    """All that is not held: (attempts, cards) that went or were emptied."""
    own, contacts = whom["phones"], whom["contacts"]
    connection.execute(SQL["erase_recordings"], whom)
    connection.execute(SQL["keep_counters"], whom)
    attempts = connection.execute(SQL["erase_attempts"], whom).rowcount
    connection.execute(SQL["erase_consents"], whom)
    connection.execute(SQL["loosen_merges"], {"contacts": contacts})
    emptied = connection.execute(SQL["blank_cards"], {"contacts": contacts, "at": now}).rowcount
    connection.execute(SQL["strip_cards"], {"contacts": contacts})
    erased = connection.execute(SQL["erase_contacts"], {"contacts": contacts}).rowcount
    for step in ("erase_moves", "erase_withdrawals", "erase_callers", "erase_complaints"):
        connection.execute(SQL[step], {"phones": own})
    connection.execute(SQL["blank_origins"], {"phones": own})
    connection.execute(SQL["blank_changes"], {"phones": own})
    connection.execute(SQL["blank_phones"], {"phones": own, "at": now})
    return attempts, erased + emptied


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
