"""The port `Diary` in files: STATE/pacing/2026-11-24.ndjson.gz, one member for each write.

A kill loses what has not been written, a second or two; a torn last member is passed over by
the reader. The hot path only puts a value into a queue. A day's file ends at `most_bytes`, the
queue at `MOST_QUEUED`, files go after `keep_days`: a full disk is nobody's reward for dialing.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections import deque
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog

from dialer.diary import codec
from dialer.errors import StoreError
from dialer.ports import Decided, Meter

log = structlog.get_logger(__name__)

KEEP_DAYS = 14
MOST_BYTES = 256 * 1024 * 1024
#: Moments that wait for the writer: about twenty minutes of four a second.
MOST_QUEUED = 5_000
#: So many at a time, so that the loop does not stand still.
AT_ONCE = 40
_LEVEL = 4
_NAME = re.compile(r"(\d{4}-\d\d-\d\d)\.ndjson\.gz")


class DiaryFiles:
    """Writes below `folder`, which is made when it is needed."""

    def __init__(
        self,
        folder: Path,
        meter: Meter,
        *,
        keep_days: int = KEEP_DAYS,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._folder = folder
        self._meter = meter
        self._keep_days = keep_days
        self._most_bytes = most_bytes
        self._queue: deque[Decided] = deque()
        self._known: set[int] = set()
        self._day: date | None = None
        self._full: date | None = None

    def note(self, decided: Decided) -> None:
        if len(self._queue) >= MOST_QUEUED:
            self._meter.count("dialer_pacing_diary_dropped_total")
            return
        self._queue.append(decided)

    def write(self, now: datetime) -> None:
        """A bounded part of what waits, so that one call never takes long."""
        batch: list[Decided] = []
        while self._queue and len(batch) < AT_ONCE and self._is_of_day(batch, self._queue[0]):
            batch.append(self._queue.popleft())
        if not batch:
            return
        day = batch[0].at.date()
        if day != self._day:
            self._begin(day)
        if day == self._full:
            self._meter.count("dialer_pacing_diary_dropped_total", len(batch))
            return
        self._append(day, b"".join(self._lines(batch)))

    def _is_of_day(self, batch: list[Decided], one: Decided) -> bool:
        return not batch or one.at.date() == batch[0].at.date()

    def _lines(self, batch: list[Decided]) -> Iterator[bytes]:
        for one in batch:
            for number, source in one.laws.values():
                if number not in self._known:
                    self._known.add(number)
                    yield _line(codec.law_line(number, source))
            yield _line(codec.decided_line(one))

    def _append(self, day: date, text: bytes) -> None:
        path = self._folder / f"{day}.ndjson.gz"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(gzip.compress(text, _LEVEL, mtime=0))
                size = file.tell()
        except OSError as error:
            # What was taken from the queue is lost; the day goes on with all laws told anew.
            self._known.clear()
            raise StoreError(
                "diary",
                f"the diary of pacing cannot be written: {error.strerror}",
                f"check the folder {self._folder} and the space on its disk",
            ) from error
        self._meter.count("dialer_pacing_diary_bytes_total", len(text))
        if size > self._most_bytes:
            log.warning("diary of pacing is full for today", file=path.name, bytes=size)
            self._full = day

    def _begin(self, day: date) -> None:
        """A new file tells its version and every law anew; old files go."""
        self._day, self._known = day, set()
        self._remove_before(day - timedelta(days=self._keep_days))
        self._append(day, _line({"version": codec.VERSION, "begun": True}))

    def _remove_before(self, first: date) -> None:
        if not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            match = _NAME.fullmatch(path.name)
            if match and date.fromisoformat(match[1]) < first:
                try:
                    path.unlink()
                except OSError as error:
                    log.warning("old diary stays", file=path.name, error=str(error))


def _line(value: Any) -> bytes:
    return orjson.dumps(value) + b"\n"


# ------------------------------------------------------------------ read


def days(folder: Path) -> list[date]:
    """The days that there are diaries of."""
    if not folder.is_dir():
        return []
    found = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted(date.fromisoformat(match[1]) for match in found if match)


def lines(folder: Path, day: date) -> Iterator[dict[str, Any] | None]:
    """The day's lines in order; None for what is damaged. Raises StoreError."""
    path = folder / f"{day}.ndjson.gz"
    try:
        with path.open("rb") as file:
            yield from _members(file.read())
    except OSError as error:
        known = days(folder)
        remedy = f"there are {known[0]} to {known[-1]}" if known else "nothing was recorded yet"
        raise StoreError(
            "diary", f"{path}: {error.strerror}", f"in {folder} {remedy}"
        ) from error


def _members(data: bytes) -> Iterator[dict[str, Any] | None]:
    """Member by member, so that one that was torn by a kill costs only itself."""
    while data:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            text = unpacker.decompress(data) + unpacker.flush()
            torn, data = not unpacker.eof, unpacker.unused_data
        except zlib.error:
            text, torn = b"", True
            data = data[1:]
        if torn:
            # Another daemon's life may follow: the next member's head is looked for.
            yield None
            at = data.find(b"\x1f\x8b\x08") if data else -1
            data = data[at:] if at >= 0 else b""
        for line in text.splitlines():
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError:
                yield None
                continue
            yield value if isinstance(value, dict) else None
