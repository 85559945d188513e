"""A stop list's file: one phone a line, or a CSV whose header names the columns (R6.4).

Phones are read as in an import, but a foreign one is welcome: a stop may name any number. One
bad row costs one row. What a column may be called: COLUMNS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dialer.ports import RejectedRow, StopRow, Wish
from dialer.settings.cells import clean, read_instant
from dialer.settings.csv_records import (
    Lines,
    Record,
    fail,
    find_delimiter,
    find_encoding,
    read_records,
)
from dialer.settings.phones import parse_phone
from dialer.settings.wording import did_you_mean, quoted

COLUMNS: dict[str, str] = {
    "phone": "phone, number, телефон, номер, msisdn",
    "category": "category, категория",
    "channel": "channel, канал",
    "scope": "scope",
    "scope_value": "scope_value",
    "added_at": "added_at, added, date, дата",
    "expires_at": "expires_at, expires, until, до",
    "origin": "origin, source, источник",
    "number": "seq, no, №",
    "change": "change, action",
}
_MEANING = {word: key for key, words in COLUMNS.items() for word in words.split(", ")}
_CATEGORIES = {"never": "never", "messages_only": "messages_only", "not_now": "not_now"}
_CHANNELS = {"phone": "phone", "sms": "sms", "email": "email", "e-mail": "email"}
_SCOPES = {"global": "global", "campaign": "campaign", "purpose": "purpose"}
_CHANGES = {"added": "added", "add": "added", "removed": "removed", "remove": "removed"}


class _BadRow(Exception):
    """Why a row is refused; a sentence without the number."""


@dataclass(slots=True, kw_only=True)
class StopFile:
    """One file, ready to be read once."""

    path: Path
    encoding: str
    delimiter: str
    columns: dict[str, int]  # meaning -> place
    has_header: bool
    size_bytes: int
    default: Wish
    zone: str
    position_bytes: int = 0

    def rows(self) -> Iterator[StopRow | RejectedRow]:
        """Every row in the order of the file; memory is bounded by the longest one."""
        with self.path.open("rb") as file:
            lines = Lines(file=file, encoding=self.encoding)
            header = self.has_header
            for record in read_records(iter(lines), self.delimiter):
                self.position_bytes = lines.position_bytes
                if isinstance(record, RejectedRow):
                    yield record
                elif header:
                    header = False
                else:
                    yield self._row(record)
        self.position_bytes = self.size_bytes

    def _row(self, record: Record) -> StopRow | RejectedRow:
        def cell(meaning: str) -> str:
            place = self.columns.get(meaning)
            inside = place is not None and place < len(record.cells)
            return clean(record.cells[place]) if inside and place is not None else ""

        try:
            parsed = parse_phone(cell("phone"))
            if isinstance(parsed, str):
                raise _BadRow(f"phone {parsed}")
            return StopRow(
                line=record.line,
                digits=parsed.digits,
                wish=self._wish(cell),
                change=_word(cell("change") or "added", _CHANGES, "change"),
                added_at=_instant(cell("added_at"), self.zone, "added_at"),
                origin=cell("origin")[:200] or None,
                number=_number(cell("number")),
            )
        except _BadRow as error:
            return RejectedRow(record.line, str(error))

    def _wish(self, cell: Callable[[str], str]) -> Wish:
        default = self.default
        category = _word(cell("category") or default.category, _CATEGORIES, "category")
        scope = _word(cell("scope") or default.scope, _SCOPES, "scope")
        value = cell("scope_value") or (default.scope_value or "")
        expires_at = _instant(cell("expires_at"), self.zone, "expires_at")
        if scope != "global" and not value:
            raise _BadRow(f"scope {scope} names no {scope}")
        if category == "not_now" and expires_at is None:
            expires_at = default.expires_at
            if expires_at is None:
                raise _BadRow("category not_now has no end")
        return Wish(
            category=category,
            channel=_word(cell("channel") or default.channel, _CHANNELS, "channel"),
            scope=scope,
            scope_value=value[:200] if scope != "global" else None,
            expires_at=expires_at,
        )


def open_stops(path: Path, *, default: Wish, zone: str) -> StopFile:
    """Find out what the file is. Raises ConfigError where it cannot be a stop list."""
    encoding = find_encoding(path)
    with path.open("rb") as file:
        lines = (item for item in Lines(file=file, encoding=encoding))
        first = next((one[1] for one in lines if not isinstance(one, RejectedRow)), "")
    if not first.strip():
        raise fail(path, "holds no rows")
    delimiter = find_delimiter(first)
    cells = [clean(cell).casefold() for cell in first.rstrip("\r\n").split(delimiter)]
    columns = {
        _MEANING[word.strip('"')]: n
        for n, word in enumerate(cells)
        if word.strip('"') in _MEANING
    }
    if not columns:
        if isinstance(parse_phone(cells[0].strip('"')), str) and any(
            c.isalpha() for c in first
        ):
            remedy = did_you_mean(cells[0], tuple(_MEANING))
            raise fail(path, f"has no column for the phone, but {quoted(cells[0])}", remedy, 1)
        columns, has_header = {"phone": 0}, False
    elif "phone" not in columns:
        raise fail(path, "has no column for the phone", f"one of: {COLUMNS['phone']}", 1)
    else:
        has_header = True
    return StopFile(
        path=path,
        encoding=encoding,
        delimiter=delimiter,
        columns=columns,
        has_header=has_header,
        size_bytes=path.stat().st_size,
        default=default,
        zone=zone,
    )


def _word(text: str, words: dict[str, str], column: str) -> str:
    known = words.get(
        text.casefold().replace(" ", "_").replace("-", "_"), words.get(text.casefold())
    )
    if known is None:
        raise _BadRow(f"{column} is none of {', '.join(dict.fromkeys(words.values()))}")
    return known


def _instant(text: str, zone: str, column: str) -> datetime | None:
    if not text:
        return None
    found = read_instant(text, zone)
    if found is None:
        raise _BadRow(f"{column} is no date")
    return found


def _number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise _BadRow("the running number is no number")
    return int(text)
