"""The data keys in the base: is each the right one, what has it sealed, and rotation on line.

Rotation goes through all tables with sealed text in short transactions and takes only what the
first key has not sealed. So it may be killed at any time and simply run again, and the first
rotation after keys were configured seals what stood in clear. What cannot be opened stays as
it is and is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from dialer.errors import StoreError
from dialer.ledger import complaints, consents, endings, identity, service
from dialer.ledger.phones import COLUMN
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ledger.vault import FORM, Unreadable, Vault, lost, over

SQL = statements("keyring")

BATCH = 1_000


class KeyUse(NamedTuple):
    """One key: texts sealed under it; `id` "" are texts in clear."""

    id: str
    texts: int
    held: bool  # is in the ring
    over: bool  # its time is over
    recordings: int = 0


class Rotated(NamedTuple):
    """Rows sealed afresh, rows that no key opens, and keys that seal nothing any more."""

    rows: int
    unreadable: int
    retired: tuple[str, ...]


def check(pool: Pool, vault: Vault, *, strict: bool, now: datetime) -> None:
    """Another key under a known name is refused before it seals anything. Raises StoreError.

    `strict`: a key that is missing or over, with something sealed under it, is refused, too.
    """
    with pool.connection() as connection:
        known = {
            key: (bytes(proof), retired)
            for key, proof, retired in connection.execute(SQL["known_keys"])
        }
        for key in vault.keys:
            if key.id in known and known[key.id][0] != key.proof():
                raise Unreadable(
                    f"the data key {key.id} is not the one by which this base was sealed",
                    "put the right key back under this name, give the new one another name",
                )
        used = [key for key, (_, gone) in known.items() if gone is None]
        if used and not vault.keys:
            # Without the service's variables a verb would write people in clear.
            raise Unreadable(
                f"personal data is sealed here by the key {used[0]}, and no data key is given",
                "give keys_file and the lookup key as the service has them",
            )
        if strict:
            _refuse_gaps(connection, vault, used)
        first = vault.keys[0] if vault.keys else None
        if first is not None and known.get(first.id, (b"", now))[1] is not None:
            noted = {"id": first.id, "proof": first.proof(), "at": now}
            connection.execute(SQL["note_key"], noted)


def _refuse_gaps(connection: Connection, vault: Vault, used: Sequence[str]) -> None:
    ring = {key.id: key for key in vault.keys}
    for key_id in used:
        key = ring.get(key_id)
        if key is not None and not vault.is_over(key):
            continue
        if _seals_anything(connection, key_id):
            raise Unreadable(*(lost(key_id) if key is None else over(key)))


def _seals_anything(connection: Connection, key_id: str) -> bool:
    words = {"prefix": f"{FORM}{key_id}:", "key": key_id}
    row = connection.execute(SQL["seals_anything"], words).fetchone()
    return bool(row and row[0])


def uses(pool: Pool, vault: Vault) -> list[KeyUse]:
    """In the ring's order, then what is sealed by keys that are not there, then clear text."""
    with pool.sweep() as connection:
        texts: dict[str, int] = {
            key: int(count) for key, count in connection.execute(SQL["uses"])
        }
        sounds: dict[str, int] = {
            key: int(count) for key, count in connection.execute(SQL["uses_by_recordings"])
        }
    names = [key.id for key in vault.keys]
    names += sorted((texts.keys() | sounds.keys()) - {*names, ""})
    ended = {key.id: vault.is_over(key) for key in vault.keys}
    found = [
        KeyUse(one, texts.get(one, 0), one in ended, ended.get(one, False), sounds.get(one, 0))
        for one in names
    ]
    clear = KeyUse("", texts.get("", 0), True, False, sounds.get("", 0))
    return [*found, clear] if clear.texts or clear.recordings else found


# ------------------------------------------------------------------ rotation


class _Table(NamedTuple):
    """A statement's rows are (id, what the row is bound to, texts in the order of `fields`)."""

    read: str
    write: str
    columns: tuple[str, ...]  # what each text is bound to
    fields: tuple[str, ...]  # the parameters of `write`
    of_imports: bool
    begins: int | str = 0  # before the first id


NO_UUID = "00000000-0000-0000-0000-000000000000"
_MERGED = (*identity.Person._fields, "email_before", "address_before", "note_before")
TABLES = (
    _Table("stale_phones", "write_phones", (COLUMN,), ("texts",), False),
    _Table(
        "stale_cards",
        "write_cards",
        tuple(map(identity.column_of, identity.Person._fields)),
        identity.Person._fields,
        True,
    ),
    _Table(
        "stale_merges", "write_merges", tuple(map(identity.column_of, _MERGED)), _MERGED, True
    ),
    _Table("stale_complaints", "write_complaints", (complaints.COLUMN,), ("texts",), False),
    _Table("stale_consents", "write_consents", (consents.COLUMN,), ("texts",), True),
    _Table(
        "stale_summaries", "write_summaries", (endings.SUMMARY,), ("texts",), False, NO_UUID
    ),
)


def rotate(
    pool: Pool,
    vault: Vault,
    *,
    by: str,
    now: datetime,
    progress: Callable[[int, int], None] | None = None,
) -> Rotated:
    """`progress` gets (texts looked at, texts to be looked at). Raises StoreError."""
    if vault.prefix is None:
        raise StoreError(
            "postgresql", "no data key is given", "dialer keys new NAME, into keys_file"
        )
    first = vault.keys[0]
    if vault.is_over(first):
        raise Unreadable(*over(first))
    total = sum(one.texts for one in uses(pool, vault) if one.id != first.id)
    rows = unreadable = texts = 0
    for table in TABLES:
        after: int | str | None = table.begins
        while after is not None:
            after, done, failed, seen = _turn(pool, vault, table, after)
            rows, unreadable, texts = rows + done, unreadable + failed, texts + seen
            if progress is not None:
                progress(texts, total)
    retired = _retire(pool, first.id, now)
    with pool.connection() as connection:
        service.add_audit(
            connection,
            who=by,
            what="data keys rotated",
            subject=first.id,
            details={"rows": rows, "unreadable": unreadable, "retired": retired},
            now=now,
        )
    return Rotated(rows, unreadable, tuple(retired))


def _turn(
    pool: Pool, vault: Vault, table: _Table, after: int | str
) -> tuple[int | str | None, int, int, int]:
    """One transaction: (the last id, None at the end; rows done, unreadable, texts seen)."""
    ids: list[int | str] = []
    sealed: list[Sequence[str | None]] = []
    texts = 0
    words = {"after": after, "prefix": vault.prefix, "most": BATCH}
    with pool.transaction() as connection:
        if table.of_imports:
            connection.execute(SQL["lock_imports"])
        stale = connection.execute(SQL[table.read], words).fetchall()
        for row, bound, *values in stale:
            texts += sum(1 for value in values if value)
            try:
                sealed.append(_afresh(values, bound, table.columns, vault))
            except Unreadable:
                continue
            ids.append(row)
        if ids:
            columns = dict(zip(table.fields, map(list, zip(*sealed, strict=True)), strict=True))
            connection.execute(SQL[table.write], {"ids": ids, **columns})
    last = stale[-1][0] if len(stale) == BATCH else None
    return last, len(ids), len(stale) - len(ids), texts


def _afresh(
    values: Sequence[Any], bound: Any, columns: Sequence[str], vault: Vault
) -> list[str | None]:
    row = bound if isinstance(bound, int) else bytes(bound)
    return [
        vault.seal(vault.open(value, column, row, even_over=True), column, row)
        for value, column in zip(values, columns, strict=True)
    ]


def _retire(pool: Pool, first: str, now: datetime) -> list[str]:
    """Keys that may be taken out of the ring now."""
    retired = []
    with pool.sweep() as connection:
        for key_id, _, gone in connection.execute(SQL["known_keys"]).fetchall():
            if key_id != first and gone is None and not _seals_anything(connection, key_id):
                connection.execute(SQL["retire_key"], {"id": key_id, "at": now})
                retired.append(key_id)
    return retired
