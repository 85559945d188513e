"""A file of contacts as records: bytes -> (line, cells), whatever the delimiter and encoding.

Streams: memory is bounded by the longest record. One bad row costs one row: a byte that does
not belong, a quote that is never closed, a line without end are told with their line, and
reading goes on with the next. UTF-8 (with or without its mark) or CP1251 is found by looking
through the whole file once; a UTF-8 file with some bad bytes stays UTF-8.
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dialer.errors import ConfigError, Problem
from dialer.ports import RejectedRow
from dialer.settings.places import shown

LONGEST_LINE = 256 * 1024
MOST_LINES_IN_A_RECORD = 50
DELIMITERS = (";", ",", "\t", "|")
_CHUNK = 1024 * 1024
_LINES_TO_JUDGE = 2000


class Record(NamedTuple):
    """One row: the line it begins on, and its cells."""

    line: int
    cells: list[str]


def fail(path: Path, what: str, remedy: str = "", line: int | None = None) -> ConfigError:
    """The error that stops the whole file."""
    place = shown(path) if line is None else f"{shown(path)}:{line}"
    return ConfigError([Problem(place=place, what=what, remedy=remedy)])


def find_encoding(path: Path) -> str:
    """ "utf-8-sig", "utf-8" or "cp1251". Raises ConfigError for what is no text of these."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                raise fail(path, "is UTF-16", "save it as CSV UTF-8")
            file.seek(0)
            if _is_utf8(file):
                return "utf-8-sig" if start.startswith(codecs.BOM_UTF8) else "utf-8"
            file.seek(0)
            return _judge(file)
    except OSError as error:
        raise fail(path, f"cannot be read: {error.strerror or error}") from error


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _judge(file: BinaryIO) -> str:
    """Of the first lines that are not ASCII, what are most of them?"""
    good = bad = 0
    for raw in iter(lambda: file.readline(LONGEST_LINE), b""):
        if raw.isascii():
            continue
        try:
            raw.decode("utf-8")
            good += 1
        except UnicodeDecodeError:
            bad += 1
        if good + bad >= _LINES_TO_JUDGE:
            break
    return "utf-8" if good > bad else "cp1251"


def find_delimiter(header: str) -> str:
    """What the header holds most of, outside of quotes; a comma if it has none of them."""
    counts = dict.fromkeys(DELIMITERS, 0)
    quoted = False
    for char in header:
        if char == '"':
            quoted = not quoted
        elif not quoted and char in counts:
            counts[char] += 1
    best = max(DELIMITERS, key=lambda delimiter: counts[delimiter])
    return best if counts[best] else ","


@dataclass(slots=True)
class Lines:
    """Decoded lines of an open file, one by one, with those that cannot be decoded."""

    file: BinaryIO
    encoding: str
    line: int = 0
    position_bytes: int = 0

    def __iter__(self) -> Iterator[tuple[int, str] | RejectedRow]:
        encoding = "utf-8" if self.encoding == "utf-8-sig" else self.encoding
        while raw := self.file.readline(LONGEST_LINE):
            self.line += 1
            self.position_bytes += len(raw)
            if self.line == 1 and raw.startswith(codecs.BOM_UTF8):
                raw = raw[3:]
            if len(raw) >= LONGEST_LINE and not raw.endswith(b"\n"):
                self._skip_rest()
                yield RejectedRow(self.line, f"is longer than {LONGEST_LINE // 1024} KiB")
                continue
            if b"\0" in raw:
                yield RejectedRow(self.line, "holds a zero byte")
                continue
            try:
                yield self.line, raw.decode(encoding)
            except UnicodeDecodeError:
                yield RejectedRow(self.line, f"holds a byte that is not {encoding.upper()}")

    def _skip_rest(self) -> None:
        while rest := self.file.readline(LONGEST_LINE):
            self.position_bytes += len(rest)
            if rest.endswith(b"\n"):
                return


def read_records(
    lines: Iterator[tuple[int, str] | RejectedRow], delimiter: str
) -> Iterator[Record | RejectedRow]:
    """Rows of cells; blank lines are passed over."""
    waiting: deque[tuple[int, str] | RejectedRow] = deque()
    while True:
        item = waiting.popleft() if waiting else next(lines, None)
        if item is None:
            return
        if isinstance(item, RejectedRow):
            yield item
            continue
        line, text = item
        text = text.rstrip("\r\n")
        # A quote in the middle of a cell is a character like any other: 5" pipe.
        if '"' not in text or not (text[0] == '"' or f'{delimiter}"' in text):
            if text:
                yield Record(line, text.split(delimiter))
            continue
        yield _quoted_record(line, text, lines, waiting, delimiter=delimiter)


def _quoted_record(
    line: int,
    text: str,
    lines: Iterator[tuple[int, str] | RejectedRow],
    waiting: deque[tuple[int, str] | RejectedRow],
    *,
    delimiter: str,
) -> Record | RejectedRow:
    """A record with quotes, over as many lines as they need.

    Where the quotes do not close, the lines looked at go back to `waiting`: each may be a good
    row of its own.
    """
    taken: list[tuple[int, str] | RejectedRow] = []
    size, quotes = len(text), text.count('"')
    while True:
        if quotes % 2 == 0:
            try:
                cells = next(csv.reader([text], delimiter=delimiter, strict=True))
            except csv.Error:
                break
            return Record(line, cells)
        following = waiting.popleft() if waiting else next(lines, None)
        if following is not None:
            taken.append(following)
        if following is None or isinstance(following, RejectedRow):
            break
        size += len(following[1])
        quotes += following[1].count('"')
        if len(taken) >= MOST_LINES_IN_A_RECORD or size > LONGEST_LINE:
            break
        text = text + "\n" + following[1].rstrip("\r\n")
    waiting.extendleft(reversed(taken))
    return RejectedRow(line, "a quote is opened and not closed, or text follows a closed one")
