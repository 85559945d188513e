"""ports.Recordings on a folder that the switch writes and the daemon reads.

A talk is minutes of sound: whatever touches the disk runs in a thread of the hub's pool, so
that no bridge waits for it. With data keys a recording is sealed as it is finished (R7.3): one
file is `files.py`, its format `sealing.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import gevent

from dialer.core.model import RecordingPlace
from dialer.ports import FolderState, RecordedFile, Sealer
from dialer.recordings import files

NO_KEYS = "no data key is given"

T = TypeVar("T")


class RecordingFolder:
    """Where the folder is comes with each question. `sealer` None: all lies in clear."""

    def __init__(self, sealer: Sealer | None = None) -> None:
        self._sealer = sealer

    def check(self, place: RecordingPlace, *, measure: bool) -> FolderState:
        """Is there room, and can be written? `measure`: also add up what lies there (slow)."""
        return _in_a_thread(lambda: _check(place, measure=measure))

    def finish(
        self, place: RecordingPlace, path: str, key: str | None = None
    ) -> RecordedFile | str:
        """Size, checksum and length of a recording that has ended; else what is wrong."""
        file = Path(place.folder) / path
        return _in_a_thread(lambda: files.finish(file, self._sealer, key))

    def examine(
        self,
        place: RecordingPlace,
        path: str,
        take: Callable[[bytes], object] | None = None,
    ) -> RecordedFile | str:
        """The same of one that is kept, opened; changes nothing. `take` gets the sound."""
        file = Path(place.folder) / path
        return _in_a_thread(lambda: files.examine(file, self._sealer, take))

    def delete(self, place: RecordingPlace, path: str) -> str | None:
        """None: it is gone (or was); else why not."""
        return _in_a_thread(lambda: files.delete(Path(place.folder) / path))

    def seals_under(self) -> str | None:
        return self._sealer.first_id if self._sealer is not None else None

    def sealed_under(self, place: RecordingPlace, path: str) -> list[str] | str:
        file = Path(place.folder) / path
        return _in_a_thread(lambda: files.sealed_under(file, self._sealer))

    def seal(self, place: RecordingPlace, path: str, key: str) -> str | None:
        file = Path(place.folder) / path
        return _in_a_thread(lambda: files.seal(file, self._sealer, key))

    def wrap_anew(self, place: RecordingPlace, path: str, key: str) -> str | None:
        return self._with_keys(files.wrap_anew, place, path, key)

    def forget_other_keys(self, place: RecordingPlace, path: str, key: str) -> str | None:
        return self._with_keys(files.forget_other_keys, place, path, key)

    def _with_keys(
        self,
        work: Callable[[Path, Sealer, str], str | None],
        place: RecordingPlace,
        path: str,
        key: str,
    ) -> str | None:
        sealer, file = self._sealer, Path(place.folder) / path
        if sealer is None:
            return NO_KEYS
        return _in_a_thread(lambda: work(file, sealer, key))


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
