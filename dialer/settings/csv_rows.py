"""The door for contacts: a CSV or JSON-lines file -> ports.ImportRow and RejectedRow, streamed.

file = open_contacts(path, mapping, phones)    # ConfigError: nothing of it can be read
for row in file.rows(): ...                    # file.position_bytes of file.size_bytes
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from dialer.ports import ImportRow, RejectedRow
from dialer.settings.columns import ColumnMapping, Plan, place_columns
from dialer.settings.contact_rows import RowReader
from dialer.settings.csv_records import (
    LONGEST_LINE,
    Lines,
    Record,
    fail,
    find_delimiter,
    find_encoding,
    read_records,
)
from dialer.settings.phones import PhoneReader
from dialer.settings.wording import quoted

JSON_ENDINGS = (".jsonl", ".ndjson")
#: A JSON-lines file has no header: its keys are those of so many first rows.
SAMPLED_ROWS = 1000


@dataclass(slots=True, kw_only=True)
class ContactFile:
    """One file, ready to be read once; `plan` says what its columns mean."""

    path: Path
    plan: Plan
    encoding: str
    delimiter: str | None  # None: JSON lines
    size_bytes: int
    mapping: ColumnMapping
    phones: PhoneReader
    headers: tuple[str, ...]
    position_bytes: int = 0

    def rows(self) -> Iterator[ImportRow | RejectedRow]:
        """Every row in the order of the file. Memory is bounded by the longest row."""
        reader = RowReader(self.plan, self.mapping, self.phones)
        with self.path.open("rb") as file:
            lines = Lines(file=file, encoding=self.encoding)
            for record in self._records(lines):
                if isinstance(record, RejectedRow):
                    yield record
                    continue
                row = reader.read(record.line, record.cells)
                if row is not None:
                    # Not per line: whoever shows progress looks between rows.
                    self.position_bytes = lines.position_bytes
                    yield row
                    if reader.left_out:
                        yield from tuple(reader.left_out)
        self.position_bytes = self.size_bytes

    def _records(self, lines: Lines) -> Iterator[Record | RejectedRow]:
        if self.delimiter is None:
            return _json_records(iter(lines), self.headers, self.plan)
        records = read_records(iter(lines), self.delimiter)
        return _without_header(records) if self.mapping.header else records


def open_contacts(path: Path, mapping: ColumnMapping, phones: PhoneReader) -> ContactFile:
    """Find out what the file is. Raises ConfigError where it cannot be a file of contacts."""
    found = find_encoding(path)
    encoding = mapping.encoding or found
    start = _first_lines(path, encoding)
    if not start:
        raise fail(path, "holds no rows")
    first = start[0]
    delimiter: str | None = None
    if path.suffix in JSON_ENDINGS or first.lstrip().startswith("{"):
        headers = _json_headers(path, encoding)
    else:
        delimiter, headers = _csv_headers(path, first, mapping)
    plan = place_columns(headers, mapping)
    _check_columns(path, plan, headers, mapping)
    return ContactFile(
        path=path,
        plan=plan,
        encoding=encoding,
        delimiter=delimiter,
        size_bytes=path.stat().st_size,
        mapping=mapping,
        phones=phones,
        headers=headers,
    )


def _first_lines(path: Path, encoding: str) -> list[str]:
    with path.open("rb") as file:
        for item in Lines(file=file, encoding=encoding):
            if isinstance(item, RejectedRow):
                raise fail(path, f"the first line {item.reason}", line=item.line)
            if item[1].strip():
                if "\r" in item[1].rstrip("\r\n"):
                    raise fail(path, "ends its lines in an old way", "save it with LF or CRLF")
                return [item[1]]
    return []


def _csv_headers(path: Path, first: str, mapping: ColumnMapping) -> tuple[str, tuple[str, ...]]:
    delimiter = mapping.delimiter or find_delimiter(first)
    record = next(read_records(iter([(1, first)]), delimiter), None)
    if record is None or isinstance(record, RejectedRow):
        raise fail(path, "the first line is not a row", "it must name the columns", line=1)
    if mapping.header:
        return delimiter, tuple(record.cells)
    return delimiter, tuple(str(number + 1) for number in range(len(record.cells)))


def _check_columns(
    path: Path, plan: Plan, headers: Sequence[str], mapping: ColumnMapping
) -> None:
    if plan.absent:
        names = ", ".join(quoted(name) for name in plan.absent[:5])
        raise fail(path, f"has no column {names}", "correct the mapping", line=1)
    if not any(name.startswith("phone") for name in plan.indexes):
        seen = ", ".join(quoted(header) for header in headers[:8])
        # A file without a header shows people where names of columns should be.
        if sum(char.isdigit() for header in headers for char in header) > 20:
            what, remedy = "the first line is a row, not the columns' names", "header: false"
        else:
            what = f"no column is a phone; the first line says {seen}"
            remedy = "name it 'phone', or map it: columns: {HEADER: phone}"
        raise fail(path, what, remedy, line=1)
    consent_columns = {"consent_purpose"} & {*plan.indexes, *mapping.constants}
    if "consent_at" in plan.indexes and not consent_columns:
        raise fail(
            path,
            "has consents but not what they are for",
            "map consent_purpose, or constants: {consent_purpose: marketing}",
            line=1,
        )


def _without_header(records: Iterator[Record | RejectedRow]) -> Iterator[Record | RejectedRow]:
    next(records, None)
    return records


def _json_headers(path: Path, encoding: str) -> tuple[str, ...]:
    headers: dict[str, None] = {}
    with path.open("rb") as file:
        for count, item in enumerate(Lines(file=file, encoding=encoding)):
            if count >= SAMPLED_ROWS:
                break
            if isinstance(item, RejectedRow):
                continue
            with suppress(orjson.JSONDecodeError):
                row = orjson.loads(item[1])
                headers.update(dict.fromkeys(row if isinstance(row, dict) else ()))
    return tuple(headers)


def _json_records(
    lines: Iterator[tuple[int, str] | RejectedRow], headers: Sequence[str], plan: Plan
) -> Iterator[Record | RejectedRow]:
    places = {header: index for index, header in enumerate(headers)}
    for item in lines:
        if isinstance(item, RejectedRow):
            yield item
            continue
        line, text = item
        if not text.strip():
            continue
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError:
            yield RejectedRow(line, "is not JSON")
            continue
        yield _json_record(line, row, places)


def _json_record(line: int, row: Any, places: dict[str, int]) -> Record | RejectedRow:
    if not isinstance(row, dict):
        return RejectedRow(line, "is not a JSON object")
    cells = [""] * len(places)
    for key, value in row.items():
        index = places.get(key)
        if index is None:
            return RejectedRow(line, f"has a key that the first {SAMPLED_ROWS} rows lack")
        text = _json_text(value)
        if text is None or len(text) > LONGEST_LINE:
            return RejectedRow(line, "holds a nested value")
        cells[index] = text
    return Record(line, cells)


def _json_text(value: Any) -> str | None:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list):
        parts = [None if isinstance(part, list) else _json_text(part) for part in value]
        return None if None in parts else ";".join(part for part in parts if part)
    return None
