"""The journal of people's words: stops, withdrawals, erasures, kept beside the database.

A base that was restored from a backup has forgotten the latest of them. By its marks the
journal says up to where a base knows them, and by its words what is to be said again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol


class Mark(NamedTuple):
    """A state of a base: the last number of its stop list's changes and of its audit, each with
    what proves that it is still that change. Number 0: there was none yet.
    """

    stop: int = 0
    stop_proof: str = ""
    audit: int = 0
    audit_proof: str = ""


class Word(NamedTuple):
    """What a person said. `kind`: stop | lifted | withdrawn | erased; `phone`: the number's
    keyed digest in hex, never its digits. `channel` to `expires_at`: of a stop; `purpose`: of a
    withdrawal, None = every one.
    """

    kind: str
    phone: str
    at: datetime
    channel: str = "phone"
    category: str = "never"
    scope: str = "global"
    scope_value: str | None = None
    expires_at: datetime | None = None
    purpose: str | None = None


class Replayed(NamedTuple):
    """What was said again, by kind; `left`: erasures that wait for the end of a call."""

    stops: int = 0
    withdrawals: int = 0
    erasures: int = 0
    left: tuple[Word, ...] = ()


class Journal(Protocol):
    """Raises StoreError where its folder cannot be read or written, or is not what it wrote."""

    def open(self, base: str) -> None:
        """Of this base (its id): another base has another journal."""
        ...

    def last(self) -> Mark | None:
        """None: nothing has been written yet."""
        ...

    def marks(self) -> Sequence[Mark]:
        """All of them, the oldest first."""
        ...

    def words_after(self, nth: int) -> Iterator[Word]:
        """In order, those behind the nth mark (-1: all)."""
        ...

    def append(self, words: Sequence[Word], mark: Mark, now: datetime) -> None:
        """On the disk when it returns."""
        ...
