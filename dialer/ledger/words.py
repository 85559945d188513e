"""People's words as the base holds them, for the journal beside it; and said again from there.

Stops come with the numbers of their changes, withdrawals and erasures with their links of the
audit's chain: both are gapless and in the order of their commits, so that "what came after" is
complete. A word said twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from dialer.core.model import PhoneId
from dialer.errors import Bug, StoreError
from dialer.ledger import consents, rights, stops
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ports import Mark, Replayed, Wish, Word

SQL = statements("words")

#: As `origin` and in the audit: where a word came from.
FROM_JOURNAL = "said again from the journal, after a restore"


def base_id(pool: Pool) -> str:
    with pool.connection() as connection:
        row = connection.execute(SQL["base_id"]).fetchone()
    if row is None:
        raise Bug("the base has no id")
    return str(row[0])


def head(pool: Pool) -> Mark:
    """Where the base stands now."""
    with pool.connection() as connection:
        return _proved(connection, *_numbers(connection))


def _numbers(connection: Connection) -> tuple[int, int]:
    row = connection.execute(SQL["head"]).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _proved(connection: Connection, stop: int, audit: int) -> Mark:
    row = connection.execute(SQL["proofs"], {"stop": stop, "audit": audit}).fetchone()
    of_stop, of_audit = row or ("", "")
    return Mark(stop, of_stop, audit, of_audit)


def knows(pool: Pool, mark: Mark) -> bool:
    """Was this base once in this state?"""
    with pool.connection() as connection:
        return _proved(connection, mark.stop, mark.audit) == mark


def after(pool: Pool, mark: Mark, most: int) -> tuple[list[Word], Mark]:
    """What was said after `mark`, at most so many changes of each kind, and the mark there."""
    with pool.connection() as connection:
        stop, audit = _numbers(connection)
        stop, audit = min(stop, mark.stop + most), min(audit, mark.audit + most)
        if (stop, audit) == (mark.stop, mark.audit):
            return [], mark
        asked = {
            "stop": mark.stop,
            "stop_until": stop,
            "audit": mark.audit,
            "audit_until": audit,
        }
        words = [Word(*row) for row in connection.execute(SQL["words"], asked)]
        return words, _proved(connection, stop, audit)


# ------------------------------------------------------------------ said again


def replay(pool: Pool, words: Iterable[Word], now: datetime) -> Replayed:
    """Stops first, so that nobody is dialed while the rest is done. Raises StoreError.

    What allows (a stop that was lifted) is not said again: a person may do it.
    """
    said: dict[tuple[Any, ...], Word] = {}
    for one in words:
        said[_about(one)] = one
    found = sorted(said.values(), key=lambda one: one.at)
    stopped = sum(_stop(pool, one, now) for one in found if one.kind in ("stop", "erased"))
    withdrawn = [one for one in found if one.kind == "withdrawn"]
    for one in withdrawn:
        phone = _phone(pool, one.phone)
        consents.withdraw(pool, phone, purpose=one.purpose, now=one.at, by=FROM_JOURNAL)
    erased, left = 0, []
    for one in found:
        if one.kind == "erased":
            if _erased(pool, one, now):
                erased += 1
            else:
                left.append(one)
    return Replayed(stopped, len(withdrawn), erased, tuple(left))


def _about(word: Word) -> tuple[Any, ...]:
    """Of words about the same only the last counts."""
    if word.kind in ("stop", "lifted"):
        wish = (word.channel, word.category, word.scope, word.scope_value)
        return ("stop", word.phone, *wish)
    return (word.kind, word.phone, word.purpose)


def _stop(pool: Pool, word: Word, now: datetime) -> bool:
    """Was it new to the base? A wish whose time is over is not said again."""
    if word.expires_at is not None and word.expires_at <= now:
        return False
    wish = Wish(
        category=word.category,
        channel=word.channel,
        scope=word.scope,
        scope_value=word.scope_value,
        expires_at=word.expires_at,
    )
    phone = _phone(pool, word.phone)
    return stops.add(pool, phone, origin=FROM_JOURNAL, now=now, wish=wish).is_new


def _erased(pool: Pool, word: Word, now: datetime) -> bool:
    """False: a call of his is going on."""
    try:
        rights.erase(pool, _phone(pool, word.phone), by=FROM_JOURNAL, now=now)
    except rights.CallGoesOn:
        return False
    return True


def _phone(pool: Pool, digest: str) -> PhoneId:
    key = {"key": bytes.fromhex(digest)}
    with pool.transaction() as connection:
        row = connection.execute(SQL["phone_of_digest"], key).fetchone()
        if row is None:
            connection.execute(SQL["add_digest"], key)
            row = connection.execute(SQL["phone_of_digest"], key).fetchone()
    if row is None:
        raise StoreError("postgresql", "a phone just added is not found")
    return PhoneId(row[0])


def newest_known(pool: Pool, marks: Sequence[Mark]) -> int:
    """The place of the last of these marks that this base knows; -1: none."""
    for nth in range(len(marks) - 1, -1, -1):
        if knows(pool, marks[nth]):
            return nth
    return -1
