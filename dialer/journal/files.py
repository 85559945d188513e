"""The port `Journal` in files: STATE/words/BASE/2026-11.jsonl, one JSON object a line.

A line is a word or a mark. What is appended is on the disk before it is believed; a last line
that a kill has torn is cut off. Files go after `KEEP_MONTHS`: no older backup may be restored.
No number ever stands here, only keyed digests.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from dialer.errors import StoreError
from dialer.ports import Mark, Word

KEEP_MONTHS = 25
_NAME = re.compile(r"(\d{4})-(\d\d)\.jsonl")
REMEDY = "free the disk, or let the daemon write there ($DIALER_STATE names the folder)"
#: What a person does about a broken file.
MEND = (
    "put the file back from its copy; without one: move it away, and see to it by hand that"
    " no stop is missing (docs/personal-data.md)"
)
#: The last mark is looked for in so much of the end first.
TAIL_BYTES = 65_536


class JournalFiles:
    """Below `folder`, which is made when it is needed. One process writes one of them."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._folder = folder

    def open(self, base: str) -> None:
        self._folder = self._root / base
        with _errors(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            for path in self._files()[-1:]:
                _cut_torn_line(path)

    def last(self) -> Mark | None:
        for path in reversed(self._files()):
            with _errors(path), path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - TAIL_BYTES))
                tail = file.read().splitlines()[1 if size > TAIL_BYTES else 0 :]
            found = next((line for line in reversed(tail) if line.startswith(b'{"mark"')), None)
            if found is not None:
                return _mark(orjson.loads(found))
        marks = self.marks()
        return marks[-1] if marks else None

    def marks(self) -> Sequence[Mark]:
        return [_mark(line) for line in self._lines() if "mark" in line]

    def words_after(self, nth: int) -> Iterator[Word]:
        seen = -1
        for line in self._lines():
            if "mark" in line:
                seen += 1
            elif seen >= nth:
                yield _word(line)

    def append(self, words: Sequence[Word], mark: Mark, now: datetime) -> None:
        lines: list[dict[str, Any]] = [{"word": _as_json(one)} for one in words]
        text = b"".join(orjson.dumps(line) + b"\n" for line in [*lines, {"mark": [*mark]}])
        path = self._folder / f"{now:%Y-%m}.jsonl"
        with _errors(path):
            is_new = not path.exists()
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                with os.fdopen(descriptor, "ab", closefd=False) as file:
                    file.write(text)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if is_new:
                self._let_go(now)

    def _let_go(self, now: datetime) -> None:
        """Of a new month: its name is on the disk, too, and the oldest file goes."""
        oldest = now.year * 12 + now.month - KEEP_MONTHS
        for path in self._files():
            found = _NAME.fullmatch(path.name)
            if found is not None and int(found[1]) * 12 + int(found[2]) < oldest:
                path.unlink()
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _files(self) -> list[Path]:
        """The oldest first."""
        with _errors(self._folder):
            return sorted(one for one in self._folder.iterdir() if _NAME.fullmatch(one.name))

    def _lines(self) -> Iterator[dict[str, Any]]:
        for path in self._files():
            with _errors(path), path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    yield _object(line, path, number)


def _cut_torn_line(path: Path) -> None:
    """A kill in the midst of a write: the words of that line are read from the base again."""
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        while size > 0:
            begin = max(0, size - TAIL_BYTES)
            file.seek(begin)
            end = file.read(size - begin).rfind(b"\n")
            if end >= 0:
                file.truncate(begin + end + 1)
                return
            size = begin
        file.truncate(0)


def _object(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _broken(path, number) from error
    if not isinstance(found, dict) or found.keys() not in ({"mark"}, {"word"}):
        raise _broken(path, number)
    return found


def _broken(path: Path, number: int) -> StoreError:
    return StoreError(
        "journal",
        f"{path}:{number} is no line of the journal",
        MEND,
    )


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Whatever the disk or a broken line raises comes out as StoreError."""
    try:
        yield
    except OSError as error:
        what = f"{path}: {error.strerror or error}"
        raise StoreError("journal", what, REMEDY) from error
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError("journal", f"{path} holds what the journal never wrote") from error


def _mark(line: dict[str, Any]) -> Mark:
    stop, stop_proof, audit, audit_proof = line["mark"]
    return Mark(int(stop), str(stop_proof), int(audit), str(audit_proof))


def _as_json(word: Word) -> dict[str, Any]:
    return {key: value for key, value in word._asdict().items() if value is not None}


def _word(line: dict[str, Any]) -> Word:
    told = dict(line["word"])
    try:
        for key in ("at", "expires_at"):
            if key in told:
                told[key] = datetime.fromisoformat(told[key])
        word = Word(**told)
        bytes.fromhex(word.phone)
    except (TypeError, ValueError) as error:
        raise StoreError("journal", "a word in it is none that it ever wrote", MEND) from error
    return word
