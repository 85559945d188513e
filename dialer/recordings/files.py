"""One recording on the disk: X.wav in clear or X.wav.sealed, and how it becomes the other.

Written beside as X.wav.sealing, synced, renamed, the folder synced, only then the clear file
goes: who dies in between leaves the clear file, or both. Who seals and who deletes hold a lock
on the clear file, or an erased person's file would come back under its new name. All of this
blocks: `folder.py` runs it in threads. Nothing raises: what is wrong is a sentence.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from dialer.errors import StoreError
from dialer.ports import RecordedFile, Sealer
from dialer.recordings import sealing
from dialer.recordings.sealing import Damaged

CHUNK = 1 << 18
#: A file that holds no more than its header is no recording.
HEADER_BYTES = 44
#: So much of its beginning is looked at for its length.
HEAD_BYTES = 1 << 16
NO_FILE, EMPTY = "the switch made no file", "the switch made an empty file"


def sealed_name(file: Path) -> Path:
    return file.with_name(f"{file.name}.sealed")


def unfinished_name(file: Path) -> Path:
    return file.with_name(f"{file.name}.sealing")


class _Measured:
    """Size, checksum and length of what goes by."""

    def __init__(self) -> None:
        self._digest, self._size, self._head = hashlib.sha256(), 0, b""

    def see(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self._size += len(chunk)
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[:HEAD_BYTES]

    def told(
        self, *, under: str | None = None, unsealed: str | None = None
    ) -> RecordedFile | str:
        if self._size <= HEADER_BYTES:
            return EMPTY
        return RecordedFile(
            size_bytes=self._size,
            sha256=self._digest.digest(),
            duration_ms=_duration_ms(self._head),
            sealed_under=under,
            unsealed=unsealed,
        )


def _duration_ms(head: bytes) -> int | None:
    """None where its header is not whole: a switch that died leaves such."""
    try:
        with wave.open(io.BytesIO(head), "rb") as sound:
            return sound.getnframes() * 1000 // (sound.getframerate() or 8000)
    except (wave.Error, EOFError):
        return None


# ------------------------------------------------------------------ reading


def examine(
    file: Path, sealer: Sealer | None, take: Callable[[bytes], object] | None = None
) -> RecordedFile | str:
    """All of it is read, and opened where it is sealed; `take` gets the sound in clear."""
    try:
        if sealed_name(file).exists():
            return _examine_sealed(file, sealer, take)
        return _examine_clear(file, take)
    except FileNotFoundError:
        return NO_FILE
    except OSError as error:
        return f"the file cannot be read: {error.strerror or error}"
    except (Damaged, StoreError) as error:
        return _said(error)


def _examine_clear(file: Path, take: Callable[[bytes], object] | None) -> RecordedFile | str:
    measured = _Measured()
    with file.open("rb") as sound:
        while chunk := sound.read(CHUNK):
            measured.see(chunk)
            if take is not None:
                take(chunk)
    return measured.told()


def _examine_sealed(
    file: Path, sealer: Sealer | None, take: Callable[[bytes], object] | None
) -> RecordedFile | str:
    if sealer is None:
        return "it is sealed, and no data key is given"
    names = sealed_under(file, sealer)
    if isinstance(names, str):
        return names
    measured = _Measured()
    with sealed_name(file).open("rb") as source:
        for chunk in sealing.opened(source, sealer, file.stem):
            measured.see(chunk)
            if take is not None:
                take(chunk)
    return measured.told(under=names[0])


def sealed_under(file: Path, sealer: Sealer | None) -> list[str] | str:
    """The names in its header; none: it lies in clear."""
    if sealer is None:
        return []
    try:
        with sealed_name(file).open("rb") as source:
            found = sealing.slots(source.read(sealing.HEADER_BYTES), sealer.token_bytes)
    except FileNotFoundError:
        return []
    except (OSError, Damaged) as error:
        return _said(error)
    return [one.key_id for one in found if one is not None]


def _said(error: Exception) -> str:
    if isinstance(error, Damaged):
        return f"the sealed file does not open: {error}"
    if isinstance(error, StoreError):
        return error.what + (f" ({error.remedy})" if error.remedy else "")
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)


# ------------------------------------------------------------------ sealing


def finish(file: Path, sealer: Sealer | None, key: str | None) -> RecordedFile | str:
    """Measured, and sealed in the same reading where there is a key."""
    if sealer is None or key is None or not file.exists():
        return examine(file, sealer)
    try:
        return _seal(file, sealer, key)
    except FileNotFoundError:
        return examine(file, sealer)
    except (OSError, StoreError) as error:
        why = _said(error)
    found = examine(file, None)
    return found._replace(unsealed=why) if isinstance(found, RecordedFile) else found


def _seal(file: Path, sealer: Sealer, key: str) -> RecordedFile | str:
    """Raises OSError, StoreError; then the clear file is as it was."""
    with _locked(file) as source:
        before = _alike(file, source, sealer)
        if before is not None:
            file.unlink()
            return before
        measured, beside = _Measured(), unfinished_name(file)
        try:
            with _new(beside) as target:
                sealing.seal(source, target, sealer, key, file.stem, measured.see)
                target.flush()
                os.fsync(target.fileno())
        except (OSError, StoreError):
            beside.unlink(missing_ok=True)
            raise
        told = measured.told(under=key)
        if not isinstance(told, RecordedFile):
            beside.unlink()
            return told
        beside.replace(sealed_name(file))
        _sync_folder(file.parent)
        file.unlink()
        return told


@contextmanager
def _locked(file: Path) -> Iterator[BinaryIO]:
    """Nobody else seals or deletes it. Raises FileNotFoundError where one just has."""
    with file.open("rb") as source:
        fcntl.flock(source.fileno(), fcntl.LOCK_EX)
        if os.fstat(source.fileno()).st_ino != file.stat().st_ino:
            raise FileNotFoundError(str(file))
        yield source


def _new(file: Path) -> BinaryIO:
    """What a killed one has left there is written over."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    return os.fdopen(os.open(file, flags, 0o640), "wb")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _alike(file: Path, source: BinaryIO, sealer: Sealer) -> RecordedFile | None:
    """The sealed file beside it, if it opens to the same sound: the sealing died at its end."""
    if not sealed_name(file).exists():
        return None
    found = examine(file, sealer)
    digest = hashlib.sha256()
    while chunk := source.read(CHUNK):
        digest.update(chunk)
    source.seek(0)
    if isinstance(found, RecordedFile) and found.sha256 == digest.digest():
        return found
    return None


def seal(file: Path, sealer: Sealer | None, key: str) -> str | None:
    """None: it is sealed."""
    found = finish(file, sealer, key)
    if isinstance(found, str):
        return found
    return found.unsealed


# ------------------------------------------------------------------ rotation


def wrap_anew(file: Path, sealer: Sealer, key: str) -> str | None:
    """The other slot is written; the one before stays."""
    try:
        with _header_of(file) as handle:
            header = handle.read(sealing.HEADER_BYTES)
            found = sealing.slots(header, sealer.token_bytes)
            if any(one is not None and one.key_id == key for one in found):
                return None
            file_key = sealing.unwrap(header, sealer, file.stem, even_over=True)
            fresh = sealing.wrap(file_key, sealer, key, file.stem)
            raw = sealing.pack(fresh, sealer.token_bytes)
            _write_slot(handle, _free_slot(found, sealer), raw)
    except (OSError, Damaged, StoreError) as error:
        return _said(error)
    return None


def _free_slot(found: list[sealing.Slot | None], sealer: Sealer) -> int:
    """A blank one, else one that nobody can open, else the last."""
    for number, one in enumerate(found):
        if one is None:
            return number
    for number, one in enumerate(found):
        if one is not None and not sealer.holds(one.key_id):
            return number
    return len(found) - 1


def forget_other_keys(file: Path, sealer: Sealer, key: str) -> str | None:
    """Only after it has been seen to open under `key` the other slot is blanked."""
    try:
        with _header_of(file) as handle:
            header = handle.read(sealing.HEADER_BYTES)
            found = sealing.slots(header, sealer.token_bytes)
            if not any(one is not None and one.key_id == key for one in found):
                return f"it is not sealed under the data key {key}"
            sealing.unwrap(header, sealer, file.stem, even_over=True)
            for number, one in enumerate(found):
                if one is not None and one.key_id != key:
                    _write_slot(handle, number, sealing.BLANK)
        if file.exists():
            return seal(file, sealer, key)
    except (OSError, Damaged, StoreError) as error:
        return _said(error)
    return None


@contextmanager
def _header_of(file: Path) -> Iterator[BinaryIO]:
    with sealed_name(file).open("r+b", buffering=0) as handle:
        fcntl.flock(handle.fileno(), fcntl.LOCK_EX)
        yield handle


def _write_slot(handle: BinaryIO, number: int, raw: bytes) -> None:
    """One sector, by one write: it is there whole or not at all."""
    os.pwrite(handle.fileno(), raw, number * sealing.SLOT_BYTES)
    os.fsync(handle.fileno())


# ------------------------------------------------------------------ deletion


def delete(file: Path) -> str | None:
    """In whatever form it lies there. None: it is gone (or was)."""
    try:
        with suppress(FileNotFoundError), _locked(file):
            _unlink(file)
        _unlink(file)
    except OSError as error:
        return error.strerror or str(error)
    with suppress(OSError):
        file.parent.rmdir()  # the day's folder, when its last one goes
    return None


def _unlink(file: Path) -> None:
    for one in (unfinished_name(file), sealed_name(file), file):
        one.unlink(missing_ok=True)
