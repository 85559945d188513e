"""The folder of recordings on a real disk: full, read-only, gone; files whole and broken.

Losing these, a disk that is full is found out when somebody asks for a talk of last month.
"""

from __future__ import annotations

import hashlib
import os
import wave
from pathlib import Path

import pytest

from dialer.core.model import RecordingPlace
from dialer.ports import RecordedFile
from dialer.recordings.folder import RecordingFolder

FOLDER = RecordingFolder()


def place(folder: Path, **changes: int) -> RecordingPlace:
    return RecordingPlace(**{"folder": str(folder), "min_free_bytes": 1, **changes})  # type: ignore[arg-type]


def sound(file: Path, milliseconds: int = 250) -> Path:
    file.parent.mkdir(exist_ok=True)
    with wave.open(str(file), "wb") as target:
        target.setnchannels(2)
        target.setsampwidth(2)
        target.setframerate(8000)
        target.writeframes(bytes(milliseconds * 32))
    return file


def test_a_good_folder_is_measured_and_left_as_it_was(tmp_path: Path) -> None:
    sound(tmp_path / "2026-11-24" / "a.wav")
    found = FOLDER.check(place(tmp_path), measure=True)
    assert found.trouble is None
    assert found.free_bytes > 0
    assert found.used_bytes == 44 + 8000
    assert [one.name for one in tmp_path.iterdir()] == ["2026-11-24"]
    assert FOLDER.check(place(tmp_path), measure=False).used_bytes is None


def test_too_little_room_names_both_figures_and_the_remedy(tmp_path: Path) -> None:
    least = FOLDER.check(place(tmp_path), measure=False).free_bytes * 2
    trouble = FOLDER.check(place(tmp_path, min_free_bytes=least), measure=False).trouble
    assert trouble is not None
    assert "free, less than min_free" in trouble
    assert "dialer recordings prune" in trouble


def test_a_quota_is_a_limit_of_its_own(tmp_path: Path) -> None:
    sound(tmp_path / "d" / "a.wav")
    trouble = FOLDER.check(place(tmp_path, quota_bytes=8000), measure=True).trouble
    assert trouble is not None
    assert "8.0 kB of recordings, more than the quota of 8.0 kB" in trouble
    assert FOLDER.check(place(tmp_path, quota_bytes=9000), measure=True).trouble is None


def test_a_full_disk_is_noticed_by_writing(tmp_path: Path) -> None:
    """/dev/full answers every write as a full disk does."""
    probe = tmp_path / f".probe-{os.getpid()}"
    probe.symlink_to("/dev/full")
    trouble = FOLDER.check(place(tmp_path), measure=False).trouble
    assert trouble == (
        f"{tmp_path} cannot be written (No space left on device): free space, or mend the disk"
    )
    assert not probe.is_symlink()


@pytest.mark.parametrize(
    ("where", "words"),
    [("gone", "is not there: make it"), ("file/inside", "is not there: make it")],
)
def test_what_is_no_folder_is_said(tmp_path: Path, where: str, words: str) -> None:
    (tmp_path / "file").write_text("")
    trouble = FOLDER.check(place(tmp_path / where), measure=True).trouble
    assert trouble is not None
    assert words in trouble


def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    trouble = FOLDER.check(place(tmp_path), measure=False).trouble
    assert trouble is not None
    assert "may not be written" in trouble


def test_a_recording_is_known_by_size_checksum_and_length(tmp_path: Path) -> None:
    file = sound(tmp_path / "d" / "a.wav", 250)
    found = FOLDER.finish(place(tmp_path), "d/a.wav")
    digest = hashlib.sha256(file.read_bytes()).digest()
    assert found == RecordedFile(size_bytes=8044, sha256=digest, duration_ms=250)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "the switch made no file"), (bytes(44), "the switch made an empty file")],
)
def test_no_file_and_an_empty_one_are_no_recording(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    """+OK of the switch is not a file (proofs 11)."""
    if content is not None:
        (tmp_path / "a.wav").write_bytes(content)
    assert FOLDER.finish(place(tmp_path), "a.wav") == said


def test_a_file_of_a_switch_that_died_is_kept_without_a_length(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"no header" * 100)
    found = FOLDER.finish(place(tmp_path), "a.wav")
    assert isinstance(found, RecordedFile)
    assert (found.size_bytes, found.duration_ms) == (900, None)


def test_the_last_one_of_a_day_takes_its_folder_along(tmp_path: Path) -> None:
    for name in ("a", "b"):
        sound(tmp_path / "d" / f"{name}.wav")
    assert FOLDER.delete(place(tmp_path), "d/a.wav") is None
    assert (tmp_path / "d" / "b.wav").exists()
    assert FOLDER.delete(place(tmp_path), "d/b.wav") is None
    assert not (tmp_path / "d").exists()
    assert FOLDER.delete(place(tmp_path), "d/b.wav") is None  # gone already: no error
