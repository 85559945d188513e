"""Wishes not to be called: entries, lists of them, who presses the key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from dialer.core.model import (
    AttemptId,
    InstanceName,
    PhoneId,
)
from dialer.ports.imports import RejectedRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is not wanted: category never | messages_only | not_now (then `expires_at`); on the
    channel phone | sms | email; scope global | campaign | purpose (`scope_value` names it).
    """

    category: str = "never"
    channel: str = "phone"
    scope: str = "global"
    scope_value: str | None = None
    expires_at: datetime | None = None


class Stopped(NamedTuple):
    """A stop in force: the number of its change, and whether it was not in force before."""

    number: int
    is_new: bool


class OpenCall(NamedTuple):
    """A committed call that nobody is known to have answered yet."""

    attempt: AttemptId
    instance: InstanceName
    committed_at: datetime
    ring_timeout_s: float


class StopRow(NamedTuple):
    """One row of a stop list's file. `number`: the other side's own, where it numbers them."""

    line: int
    digits: str  # E.164 with +
    wish: Wish
    change: str = "added"  # or "removed"
    added_at: datetime | None = None
    origin: str | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopImport:
    """What a stop list's file came to. `known`: in force before; `gaps`: numbers of the other
    side that have not come yet (first, last); `repeated`: rows whose number was taken over
    before.
    """

    rows: int = 0
    added: int = 0
    removed: int = 0
    known: int = 0
    repeated: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    rejected: int = 0
    first_rejected: tuple[RejectedRow, ...] = ()


class OptOut(NamedTuple):
    """What the ledger makes of an opt-out key: `known` False = no such attempt in this base.

    `phone` None: he had been bridged when he pressed it, so that it means nothing.
    """

    known: bool
    phone: PhoneId | None = None
