"""Called numbers: the only file that reads or writes `phones.digits`, and how they are found.

A phone is found by its lookup key, a keyed digest of E.164 (HMAC-SHA256; plain SHA-256 while no
key is configured, which a list of all numbers reverses in minutes). The digits are sealed for
the row of that key, which is known before the row is there and never changes.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from dialer.core.model import PhoneId
from dialer.errors import Bug
from dialer.ledger import stored
from dialer.ledger.pool import Connection, Cursor, Row
from dialer.ledger.statements import statements
from dialer.ledger.vault import Unreadable, Vault
from dialer.ports import ImportedPhone

SQL = statements("phones")

#: Of the digest: 128 bits leave no chance of two numbers under one key.
KEY_BYTES = 16
COLUMN = "phones.digits"


def lookup_key(digits: str, secret: bytes | None) -> bytes:
    """The key under which the number `digits` (E.164 with +) is found."""
    text = digits.encode("utf-8", "replace")
    if secret is None:
        return hashlib.sha256(text).digest()[:KEY_BYTES]
    return hmac.digest(secret, text, "sha256")[:KEY_BYTES]


def lock(connection: Connection, phones: Sequence[int]) -> Cursor:
    """Lock these phones until the transaction ends; `digits_by_id` reads the cursor."""
    return connection.execute(SQL["lock_phones"], {"ids": sorted(set(phones))}, prepare=True)


def digits_by_id(locked: Iterable[Row], vault: Vault) -> dict[int, str | Unreadable]:
    """Clear numbers, or why one cannot be read: the others are dialed."""
    found: dict[int, str | Unreadable] = {}
    for phone, key, digits, _zones in locked:
        try:
            found[phone] = opened(digits, key, vault)
        except Unreadable as error:
            found[phone] = error
    return found


def opened(digits: str, key: bytes, vault: Vault) -> str:
    """The clear number of the row with this lookup key. Raises Unreadable."""
    return vault.open(digits, COLUMN, bytes(key)) or ""


def sealed(digits: str, key: bytes, vault: Vault) -> str:
    return vault.seal(digits, COLUMN, key) or ""


def find(connection: Connection, digits: str, vault: Vault) -> PhoneId | None:
    key = lookup_key(digits, vault.lookup)
    row = connection.execute(SQL["find_phone"], {"key": key}).fetchone()
    return None if row is None else PhoneId(row[0])


def find_or_add(connection: Connection, digits: str, vault: Vault) -> PhoneId:
    """The phone's id; a number that stands on no list may be stopped, too."""
    known = find(connection, digits, vault)
    key = lookup_key(digits, vault.lookup)
    if known is not None:  # also where its sealing key is lost: a stop is always taken
        row = connection.execute(SQL["is_without_digits"], {"key": key}).fetchone()
        if row and row[0]:
            filled = {"key": key, "digits": sealed(digits, key, vault)}
            connection.execute(SQL["fill_digits"], filled)
        return known
    connection.execute(SQL["add_phone"], {"key": key, "digits": sealed(digits, key, vault)})
    found = find(connection, digits, vault)
    if found is None:
        raise Bug("a phone just added is not found")
    return found


def digits_of(
    connection: Connection, phones: Sequence[PhoneId], vault: Vault
) -> dict[PhoneId, str]:
    """Clear numbers, for whoever may see them. Raises Unreadable."""
    rows = connection.execute(SQL["read_digits"], {"ids": list(phones)})
    return {PhoneId(phone): opened(digits, key, vault) for phone, key, digits in rows}


# ------------------------------------------------------------------ an import's batch


def create_staging(connection: Connection) -> None:
    connection.execute(SQL["create_staging"])


array_of = lru_cache(maxsize=4096)(stored.array)


def staged_values(line: int, place: int, phone: ImportedPhone, vault: Vault) -> tuple[Any, ...]:
    """One row for `copy_staged`: text only, which COPY takes as it is."""
    key = lookup_key(phone.digits, vault.lookup)
    return (
        line,
        place,
        "\\x" + key.hex(),
        sealed(phone.digits, key, vault),
        phone.kind,
        stored.clean(phone.region, 200),
        stored.clean(phone.carrier, 200),
        array_of(phone.zones),
        stored.clean(phone.extension, 50),
    )


def merge_staged(connection: Connection, rows: Iterable[tuple[Any, ...]]) -> int:
    """Stage one batch and add its new phones; how many were added.

    The batch then stands in the table staged_phones; `complete` follows once it is linked.
    """
    connection.execute(SQL["clear_staged"])
    with connection.cursor().copy(SQL["copy_staged"]) as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute(SQL["fill_staged"])
    return connection.execute(SQL["add_staged"]).rowcount


def complete(connection: Connection) -> None:
    """Fill what older rows did not know of their phones: staged_links says which (`lacks`)."""
    connection.execute(SQL["complete_known"])
