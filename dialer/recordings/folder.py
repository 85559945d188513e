"""ports.Recordings on a folder that the switch writes and the daemon reads.

A talk is minutes of sound: whatever touches the disk runs in a thread of the hub's pool, so
that no bridge waits for it. Encryption at rest (R7.3) has its place in `finish`: after the
checksum, before the file counts as kept.
"""

from __future__ import annotations

import hashlib
import os
import wave
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import gevent

from dialer.core.model import RecordingPlace
from dialer.ports import FolderState, RecordedFile

CHUNK = 1 << 20
#: A file that holds no more than its header is no recording.
HEADER_BYTES = 44

T = TypeVar("T")


class RecordingFolder:
    """Without state of its own: where the folder is comes with each question."""

    def check(self, place: RecordingPlace, *, measure: bool) -> FolderState:
        """Is there room, and can be written? `measure`: also add up what lies there (slow)."""
        return _in_a_thread(lambda: _check(place, measure=measure))

    def finish(self, place: RecordingPlace, path: str) -> RecordedFile | str:
        """Size, checksum and length of a recording that has ended; else what is wrong."""
        return _in_a_thread(lambda: _finish(Path(place.folder) / path))

    def delete(self, place: RecordingPlace, path: str) -> str | None:
        """None: it is gone (or was); else why not."""
        return _in_a_thread(lambda: _delete(Path(place.folder) / path))


def _in_a_thread(work: Callable[[], T]) -> T:
    value: T = gevent.get_hub().threadpool.apply(work)
    return value


# ------------------------------------------------------------------ is there room


def _check(place: RecordingPlace, *, measure: bool) -> FolderState:
    folder = Path(place.folder)
    try:
        space = os.statvfs(folder)
        _try_to_write(folder)
        used = _used_bytes(folder) if measure else None
    except OSError as error:
        return FolderState(free_bytes=0, used_bytes=None, trouble=_said(folder, error))
    free = space.f_bavail * space.f_frsize
    return FolderState(free_bytes=free, used_bytes=used, trouble=_too_full(place, free, used))


def _try_to_write(folder: Path) -> None:
    """As the switch would. What is mounted read-only, statvfs does not say."""
    probe = folder / f".probe-{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)


def _said(folder: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"{folder} is not there: make it, writable for the switch and for the daemon"
    if isinstance(error, PermissionError):
        return f"{folder} may not be written: give the switch and the daemon the right to"
    reason = error.strerror or str(error)
    return f"{folder} cannot be written ({reason}): free space, or mend the disk"


def _too_full(place: RecordingPlace, free: int, used: int | None) -> str | None:
    if free < place.min_free_bytes:
        return (
            f"{place.folder}: {_size(free)} free, less than min_free"
            f" {_size(place.min_free_bytes)}: free space, or dialer recordings prune"
        )
    if place.quota_bytes is not None and used is not None and used > place.quota_bytes:
        return (
            f"{place.folder}: {_size(used)} of recordings, more than the quota of"
            f" {_size(place.quota_bytes)}: keep them for a shorter time, or raise the quota"
        )
    return None


def _used_bytes(folder: Path) -> int:
    total = 0
    for home, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(home) / name).lstat().st_size
            except FileNotFoundError:
                continue  # deleted while we were looking
    return total


def _size(count: int) -> str:
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


# ------------------------------------------------------------------ one file


def _finish(file: Path) -> RecordedFile | str:
    try:
        digest, size = hashlib.sha256(), 0
        with file.open("rb") as sound:
            while chunk := sound.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
        if size <= HEADER_BYTES:
            return "the switch made an empty file"
        return RecordedFile(
            size_bytes=size, sha256=digest.digest(), duration_ms=_duration_ms(file)
        )
    except FileNotFoundError:
        return "the switch made no file"
    except OSError as error:
        return f"the file cannot be read: {error.strerror or error}"


def _duration_ms(file: Path) -> int | None:
    """None where its header is not whole: a switch that died leaves such."""
    try:
        with wave.open(str(file), "rb") as sound:
            return sound.getnframes() * 1000 // (sound.getframerate() or 8000)
    except (wave.Error, EOFError):
        return None


def _delete(file: Path) -> str | None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or str(error)
    try:
        file.parent.rmdir()  # the day's folder, when its last one goes
    except OSError:
        return None
    return None
