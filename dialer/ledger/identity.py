"""Who a person is: name, e-mail, address and note, each sealed for its column and its card.

Copies in `merges` are sealed for the same card and column, so that SQL moves them between the
two tables as they are. A card that is split off gets its texts sealed anew: it has a new id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dialer.ledger import stored
from dialer.ledger.pool import Connection
from dialer.ledger.statements import statements
from dialer.ledger.vault import Vault
from dialer.ports import ImportRow

SQL = statements("identity")


class Person(NamedTuple):
    """Clear or sealed, in the order of the columns."""

    name: str | None
    email: str | None
    address: str | None
    note: str | None


def column_of(field: str) -> str:
    """What a text is bound to beside its card: merges' email_before is an email."""
    return f"contact.{field.removesuffix('_before')}"


_COLUMNS = Person(*(column_of(field) for field in Person._fields))


def of_row(row: ImportRow) -> Person:
    clean = stored.clean
    return Person(
        clean(row.name, 500), clean(row.email, 500), clean(row.address), clean(row.note)
    )


def sealed(person: Person, contact: int, vault: Vault) -> Person:
    pairs = zip(person, _COLUMNS, strict=True)
    return Person(*(vault.seal(text, str(column), contact) for text, column in pairs))


def opened(
    person: Sequence[str | None], contact: int, vault: Vault, *, even_over: bool = False
) -> Person:
    """Raises Unreadable."""
    pairs = zip(person, _COLUMNS, strict=True)
    return Person(
        *(vault.open(text, str(column), contact, even_over=even_over) for text, column in pairs)
    )


def of_contacts(
    connection: Connection, contacts: Sequence[int], vault: Vault
) -> dict[int, Person]:
    """In clear. Raises Unreadable."""
    rows = connection.execute(SQL["read_cards"], {"contacts": list(contacts)})
    return {contact: opened(person, contact, vault) for contact, *person in rows}


def write(connection: Connection, contact: int, person: Person) -> None:
    """`person` is sealed."""
    connection.execute(SQL["write_card"], {"contact": contact, **person._asdict()})


# ------------------------------------------------------------------ an import's batch


def create_staging(connection: Connection) -> None:
    connection.execute(SQL["create_staging"])


def stage(connection: Connection, people: Mapping[int, Person], vault: Vault) -> None:
    """Seal the batch for its cards; older cards are brought to the first key before.

    Raises Unreadable where an older card cannot be read: nothing of the batch is written.
    """
    connection.execute(SQL["clear_staged"])
    lines = connection.execute(SQL["lines"]).fetchall()
    with connection.cursor().copy(SQL["copy_staged"]) as copy:
        for line, contact in lines:
            copy.write_row((line, *sealed(people[line], contact, vault)))
    connection.execute(SQL["measure"])
    if vault.prefix is not None:
        rows: list[tuple[Any, ...]] = connection.execute(
            SQL["stale_cards"], {"prefix": vault.prefix}
        ).fetchall()
        for contact, *person in rows:
            fresh = sealed(opened(person, contact, vault), contact, vault)
            write(connection, contact, fresh)
