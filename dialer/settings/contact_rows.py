"""Cells -> ports.ImportRow: one pass over a row, written for a million of them.

`RowReader` is made once for a file's columns. What it refuses it says in a sentence that holds
neither number nor name. A bad second phone does not cost the contact: the row is taken over
with its good ones, and the bad one is told beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from dialer.core.model import Window
from dialer.ports import ImportedConsent, ImportedPhone, ImportRow, RejectedRow
from dialer.settings.cells import STATUSES, clean, read_hours, read_instant, read_value
from dialer.settings.columns import ColumnMapping, Plan
from dialer.settings.phones import PhoneReader, split_phones
from dialer.settings.russia import Region, numbering_plan

LONGEST_TEXT = 500
LONGEST_NOTE = 10_000
MOST_PHONES = 20
NO_FIELDS: Mapping[str, Any] = {}


class BadRow(Exception):
    """This row cannot be taken over; the text says why."""


@lru_cache(maxsize=4096)
def region_of(text: str) -> tuple[str | None, Region | None]:
    """A region's cell: our name for it and its zones, or the text as it stands."""
    cleaned = clean(text)
    region = numbering_plan().named(cleaned)
    return (
        (region.name, region) if region is not None else (cleaned[:LONGEST_TEXT] or None, None)
    )


@lru_cache(maxsize=4096)
def read_tags(text: str) -> tuple[str, ...]:
    """Tags between commas, each once."""
    parts = (clean(part) for part in text.replace(";", ",").split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


@lru_cache(maxsize=4096)
def _repeated(text: str, column: str) -> str | None:
    """A short text that many rows share: cleaned once."""
    return _short(text, column)


def _short(text: str, column: str, longest: int = LONGEST_TEXT) -> str | None:
    cleaned = clean(text)
    if len(cleaned) > longest:
        raise BadRow(f"{column} is longer than {longest} characters")
    return cleaned or None


def _instant(text: str, zone: str, column: str) -> datetime | None:
    if not text or text.isspace():
        return None
    instant = read_instant(text, zone)
    if instant is None:
        raise BadRow(f"{column} is no date like 2026-11-24 or 24.11.2026")
    return instant


class RowReader:
    """Reads the rows of one file. `left_out`: bad phones of the last row that was taken over.

    Constants and absent columns are laid behind the file's own cells, so that every meaning is
    one index and no row asks which of them it has.
    """

    def __init__(self, plan: Plan, mapping: ColumnMapping, phones: PhoneReader) -> None:
        self.left_out: list[RejectedRow] = []
        self._width = plan.width
        self._zone = mapping.zone
        self._phones = phones
        indexes, self._behind = dict(plan.indexes), [""]
        for name, value in mapping.constants.items():
            if name not in indexes:
                indexes[name] = plan.width + len(self._behind)
                self._behind.append(value)
        self._phone_columns = sorted(
            ((name, index) for name, index in indexes.items() if name.startswith("phone")),
            key=lambda item: (len(item[0]), item[0]),
        )
        self._fields = [
            (name.removeprefix("fields."), index)
            for name, index in indexes.items()
            if name.startswith("fields.")
        ]
        # The cell at `plan.width` is empty: what the file and the constants lack.
        self._places = tuple(indexes.get(name, plan.width) for name in _ONE_COLUMN)
        self._consent_places = tuple(indexes.get(name, plan.width) for name in _CONSENT)

    def read(self, line: int, cells: list[str]) -> ImportRow | RejectedRow | None:
        """The row, or why not; None for an empty one."""
        self.left_out.clear()
        width = self._width
        if len(cells) != width:
            if not any(cells):
                return None
            # Exports end rows with spare delimiters; anything in them is a shifted row.
            if len(cells) < width or any(cells[width:]):
                return RejectedRow(line, f"has {len(cells)} columns, not {width}")
            del cells[width:]
        cells += self._behind
        try:
            return self._row(line, cells)
        except BadRow as error:
            if not any(cells[:width]):
                return None
            self.left_out.clear()
            return RejectedRow(line, str(error))

    def _row(self, line: int, cells: list[str]) -> ImportRow:
        (
            name, email, address, note, region, source, added, status, segment, tags, hours,
            consent_at,
        ) = [cells[place] for place in self._places]  # fmt: skip
        region_name, card = region_of(region) if region else (None, None)
        phones = self._read_phones(line, cells, card)
        return ImportRow(
            line,
            phones,
            _short(name, "name") if name else None,
            _short(email, "email") if email else None,
            _short(address, "address") if address else None,
            _short(note, "note", LONGEST_NOTE) if note else None,
            region_name,
            _repeated(source, "source") if source else None,
            _instant(added, self._zone, "added") if added else None,
            _status(status) if status else None,
            _repeated(segment, "segment") if segment else None,
            read_tags(tags) if tags else (),
            self._own_fields(cells) if self._fields else NO_FIELDS,
            self._consent(consent_at, cells) if consent_at else None,
            _hours(hours) if hours else (),
        )

    def _read_phones(
        self, line: int, cells: list[str], card: Region | None
    ) -> tuple[ImportedPhone, ...]:
        phones: list[ImportedPhone] = []
        refused: list[str] = []
        for name, index in self._phone_columns:
            cell = cells[index]
            if not cell or cell.isspace():
                continue
            for piece in split_phones(cell):
                phone = self._phones.read(piece, card)
                if isinstance(phone, str):
                    refused.append(f"{name} {phone}")
                elif not phones or all(phone.digits != other.digits for other in phones):
                    phones.append(phone)
        if not phones:
            raise BadRow("; ".join(refused[:3]) or "has no phone")
        if len(phones) > MOST_PHONES:
            raise BadRow(f"has more than {MOST_PHONES} phones")
        for why in refused:
            sentence = f"{why}; the row is taken over without it"
            self.left_out.append(RejectedRow(line, sentence, in_part=True))
        return tuple(phones)

    def _own_fields(self, cells: list[str]) -> Mapping[str, Any]:
        values: dict[str, Any] = {}
        for name, index in self._fields:
            cell = cells[index]
            if cell:
                if len(cell) > LONGEST_TEXT:
                    raise BadRow(f"fields.{name} is longer than {LONGEST_TEXT} characters")
                value = read_value(cell)
                if value != "":
                    values[name] = value
        return values

    def _consent(self, given: str, cells: list[str]) -> ImportedConsent | None:
        given_at = _instant(given, self._zone, "consent_at")
        if given_at is None:
            return None
        purpose, expires, text, evidence = [cells[place] for place in self._consent_places]
        if not purpose or purpose.isspace():
            raise BadRow("the consent has no purpose")
        return ImportedConsent(
            _repeated(purpose, "consent_purpose") or "",
            given_at,
            _instant(expires, self._zone, "consent_expires") if expires else None,
            _repeated(text, "consent_text") if text else None,
            _short(evidence, "consent_evidence") if evidence else None,
        )


def _status(text: str) -> str | None:
    status = STATUSES.get(text)
    if status is not None:
        return status
    word = text.strip().lower()
    if not word:
        return None
    if word not in STATUSES:
        raise BadRow("status is none of " + ", ".join(dict.fromkeys(STATUSES.values())))
    return STATUSES[word]


def _hours(text: str) -> tuple[Window, ...]:
    windows = read_hours(text)
    if windows is None:
        raise BadRow("hours are not readable: like mon-fri 10:00-12:00")
    return windows


_CONSENT = ("consent_purpose", "consent_expires", "consent_text", "consent_evidence")
# In the order in which a row takes them.
_ONE_COLUMN = (
    "name", "email", "address", "note", "region", "source", "added", "status", "segment",
    "tags", "hours", "consent_at",
)  # fmt: skip
