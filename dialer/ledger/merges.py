"""Merges undone: what an import's row brought to an older card becomes a card of its own again.

Only the last merge of a card can be split off, so that what is put back is what stood before
it; splitting again undoes the one before that.
"""

from __future__ import annotations

from datetime import datetime

from dialer.core.model import ContactId
from dialer.errors import StoreError
from dialer.ledger import identity, service
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ledger.vault import Vault

SQL = statements("merges")


def split_last(
    pool: Pool, contact: ContactId, vault: Vault, *, by: str, now: datetime
) -> tuple[ContactId, list[str]]:
    """The new card and the lists that it stands on; logged. Raises StoreError."""
    with pool.transaction() as connection:
        merge = connection.execute(SQL["last_merge"], {"contact": contact}).fetchone()
        if merge is None:
            raise StoreError("postgresql", f"nothing was merged into the contact {contact}")
        card = connection.execute(SQL["split"], {"merge": merge[0], "at": now}).fetchone()
        if card is None:
            raise StoreError("postgresql", f"the contact {contact} has no identity to split")
        _seal_anew(connection, contact, ContactId(card[0]), vault)
        lists = connection.execute(
            SQL["join_lists"], {"contact": card[0], "of_contact": contact}
        ).fetchall()
        service.add_audit(
            connection,
            who=by,
            what="merge split",
            subject=f"contact {contact}",
            details={"merge": merge[0], "new_contact": card[0]},
            now=now,
        )
    return ContactId(card[0]), [name for (name,) in lists]


def _seal_anew(connection: Connection, old: ContactId, new: ContactId, vault: Vault) -> None:
    """The texts that the new card was given are sealed for the old one."""
    for _, *person in connection.execute(
        identity.SQL["read_cards"], {"contacts": [new]}
    ).fetchall():
        clear = identity.opened(person, old, vault)
        identity.write(connection, new, identity.sealed(clear, new, vault))
