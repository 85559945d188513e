"""What a file of contacts brings, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from dialer.core.model import (
    Window,
)


class ImportedPhone(NamedTuple):
    """One phone of an imported row; `digits` is E.164 with +, `zones` all it may lie in."""

    digits: str
    kind: str | None = None  # "mobile" | "landline" | ...
    region: str | None = None
    carrier: str | None = None
    zones: tuple[str, ...] = ()
    extension: str | None = None


class ImportedConsent(NamedTuple):
    """A consent for the row's phones and one purpose (R6.1); instants are aware."""

    purpose: str
    given_at: datetime
    expires_at: datetime | None = None
    text_version: str | None = None
    evidence: str | None = None


class ImportRow(NamedTuple):
    """One good row of an import: who, where, on what ground (R4.1, R4.2).

    Tuples, not dataclasses: a file has a million of them. `phones`: at least one, the first is
    dialed first. `fields` are the rules' own columns ("fields.NAME"); numbers stand in them as
    numbers, dates as ISO text. `windows`: the times that the contact named himself (R3.6).
    """

    line: int
    phones: tuple[ImportedPhone, ...]
    name: str | None = None
    email: str | None = None
    address: str | None = None
    note: str | None = None
    region: str | None = None  # the card's; None: the first phone's
    source: str | None = None  # None: the import's
    added_at: datetime | None = None
    status: str | None = None
    segment: str | None = None
    tags: tuple[str, ...] = ()
    fields: Mapping[str, Any] = {}
    consent: ImportedConsent | None = None
    windows: tuple[Window, ...] = ()


class RejectedRow(NamedTuple):
    """One row that is not taken over: its line and why, in a sentence without personal data.

    `in_part`: the row itself is taken over and counted, only a phone of it is not.
    """

    line: int
    reason: str
    in_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import came to. `kept_out`: rows by reason ("archived", "stop"), no card made.

    `unchanged`: rows whose card, phones, consent and place on the list were there already.
    `rejected` counts all; their lines go to the callback, `first_rejected` holds the first 100.
    `in_part` counts what was left out of rows that are taken over; it is told in the same way.
    """

    rows: int = 0
    contacts_added: int = 0
    contacts_updated: int = 0
    contacts_merged: int = 0
    unchanged: int = 0
    phones_added: int = 0
    listed: int = 0  # rows newly on the list
    consents_added: int = 0
    kept_out: Mapping[str, int] = field(default_factory=dict)
    rejected: int = 0
    first_rejected: tuple[RejectedRow, ...] = ()
    in_part: int = 0
