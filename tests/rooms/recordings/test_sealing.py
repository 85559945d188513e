"""Sealed recordings: the format, and a file on its way into it.

Losing these, who takes the disk hears the talks; a talk is cut short, or passed off as another
one's, and nobody sees it; or a daemon that is killed while it seals has lost the sound.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import gevent
import pytest
from gevent.monkey import get_original
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.model import RecordingPlace
from dialer.errors import StoreError
from dialer.ledger.vault import DataKey, Vault
from dialer.ports import RecordedFile
from dialer.recordings import files, sealing
from dialer.recordings.folder import RecordingFolder
from dialer.recordings.sealing import CHUNK_BYTES, HEADER_BYTES, TAG_BYTES, Damaged
from tests.rooms.recordings.test_folder import place, sound

K1, K2 = DataKey(id="k1", secret=bytes(32)), DataKey(id="k2", secret=bytes([1]) * 32)
VAULT = Vault([K1], lookup=b"x")
WHOSE = "0b8e3f0e-1111-4222-8333-444455556666"
SIZES = (1, 100, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES)


def sealed(plain: bytes, attempt: str = WHOSE) -> bytes:
    target = io.BytesIO()
    sealing.seal(io.BytesIO(plain), target, VAULT, "k1", attempt, lambda chunk: None)
    return target.getvalue()


def opened(raw: bytes, attempt: str = WHOSE, vault: Vault = VAULT) -> bytes:
    return b"".join(sealing.opened(io.BytesIO(raw), vault, attempt))


THREE = bytes(range(256)) * (CHUNK_BYTES // 256 * 2) + b"the rest"
RAW = sealed(THREE)
WHOLE = CHUNK_BYTES + TAG_BYTES


# ------------------------------------------------------------------ the format


@pytest.mark.parametrize("size", [0, *SIZES])
def test_what_is_sealed_opens_to_the_same_sound(size: int) -> None:
    plain = b"\x07" * size
    raw = sealed(plain)
    assert opened(raw) == plain
    assert plain[:64] not in raw or size < 64
    assert sealed(plain) != raw, "each file has a key of its own"


@settings(max_examples=120, deadline=None)
@given(at=st.integers(0, len(RAW) - 1), bit=st.integers(0, 7))
def test_any_bit_that_is_changed_is_refused(at: int, bit: int) -> None:
    raw = bytearray(RAW)
    raw[at] ^= 1 << bit
    with pytest.raises((Damaged, StoreError)):
        opened(bytes(raw))


def test_any_byte_of_the_header_that_is_changed_is_refused() -> None:
    for at in range(HEADER_BYTES):
        raw = bytearray(RAW)
        raw[at] ^= 0x80
        with pytest.raises((Damaged, StoreError)):
            opened(bytes(raw))


@given(length=st.integers(0, len(RAW) - 1))
@settings(max_examples=60, deadline=None)
def test_what_was_cut_is_refused(length: int) -> None:
    with pytest.raises(Damaged):
        opened(RAW[:length])


@pytest.mark.parametrize("chunks", [0, 1, 2])
def test_what_was_cut_at_the_border_of_a_chunk_is_refused(chunks: int) -> None:
    """A talk without its last words must not pass for the whole."""
    with pytest.raises(Damaged):
        opened(RAW[: HEADER_BYTES + chunks * WHOLE])


def test_chunks_that_changed_places_or_came_twice_are_refused() -> None:
    header, body = RAW[:HEADER_BYTES], RAW[HEADER_BYTES:]
    one, two, last = body[:WHOLE], body[WHOLE : 2 * WHOLE], body[2 * WHOLE :]
    for order in ((two, one, last), (one, one, last), (one, last), (one, two, last, last)):
        with pytest.raises(Damaged):
            opened(header + b"".join(order))


def test_the_file_of_another_attempt_is_refused() -> None:
    with pytest.raises(Damaged):
        opened(RAW, WHOSE.replace("0", "1"))
    other = sealed(THREE, "other")
    with pytest.raises(Damaged):
        opened(RAW[:HEADER_BYTES] + other[HEADER_BYTES:])


def test_a_missing_key_and_another_one_of_its_name_are_told_apart() -> None:
    with pytest.raises(StoreError, match="the data key k1 is not among the keys"):
        opened(RAW, vault=Vault([K2]))
    with pytest.raises(Damaged, match="another of that name"):
        opened(RAW, vault=Vault([DataKey(id="k1", secret=bytes([9]) * 32)]))


def test_a_long_talk_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    """Two hours in stereo are 230 MB."""
    file = tmp_path / "a.wav"
    with file.open("wb") as target:
        for _ in range(48):
            target.write(THREE[: 2 * CHUNK_BYTES])
    files.finish(sound(tmp_path / "warm.wav"), VAULT, "k1")
    tracemalloc.start()
    try:
        assert isinstance(files.finish(file, VAULT, "k1"), RecordedFile)
        assert isinstance(files.examine(file, VAULT), RecordedFile)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * CHUNK_BYTES


# ------------------------------------------------------------------ a file


def folder_of(*keys: DataKey) -> RecordingFolder:
    return RecordingFolder(Vault(keys, lookup=b"x"))


FOLDER = folder_of(K1)


def talk(tmp_path: Path, name: str = "a") -> tuple[RecordingPlace, Path, bytes]:
    file = sound(tmp_path / "d" / f"{name}.wav", 250)
    return place(tmp_path), file, file.read_bytes()


def names(file: Path) -> set[str]:
    return {one.name for one in file.parent.iterdir()}


def test_a_recording_is_finished_sealed_and_known_by_its_sound(tmp_path: Path) -> None:
    where, file, plain = talk(tmp_path)
    found = FOLDER.finish(where, "d/a.wav", "k1")
    digest = hashlib.sha256(plain).digest()
    assert found == RecordedFile(8044, digest, 250, sealed_under="k1")
    assert names(file) == {"a.wav.sealed"}
    assert FOLDER.sealed_under(where, "d/a.wav") == ["k1"]
    heard: list[bytes] = []
    assert FOLDER.examine(where, "d/a.wav", heard.append) == found
    assert b"".join(heard) == plain
    assert FOLDER.finish(where, "d/a.wav", "k1") == found, "told again"
    assert FOLDER.delete(where, "d/a.wav") is None
    assert not file.parent.exists()


def test_an_empty_file_is_no_recording_with_keys_either(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(bytes(44))
    assert FOLDER.finish(place(tmp_path), "a.wav", "k1") == "the switch made an empty file"
    assert names(file) == {"a.wav"}


def test_where_it_cannot_be_sealed_the_sound_stays_and_why_is_said(tmp_path: Path) -> None:
    """/dev/full answers every write as a full disk does."""
    where, file, plain = talk(tmp_path)
    before = files._new
    files._new = lambda beside: open("/dev/full", "wb")  # type: ignore[assignment]  # noqa: PTH123, SIM115
    try:
        found = FOLDER.finish(where, "d/a.wav", "k1")
    finally:
        files._new = before
    assert isinstance(found, RecordedFile)
    assert (found.sealed_under, found.unsealed) == (None, "No space left on device")
    assert file.read_bytes() == plain
    assert FOLDER.seal(where, "d/a.wav", "k1") is None
    assert names(file) == {"a.wav.sealed"}


def test_a_sealed_file_that_does_not_open_never_costs_the_clear_one(tmp_path: Path) -> None:
    where, file, plain = talk(tmp_path)
    files.sealed_name(file).write_bytes(RAW)
    found = FOLDER.finish(where, "d/a.wav", "k1")
    assert isinstance(found, RecordedFile)
    assert found.sha256 == hashlib.sha256(plain).digest()
    assert FOLDER.examine(where, "d/a.wav") == found


def test_a_lost_key_destroys_nothing_and_says_so(tmp_path: Path) -> None:
    where, file, _ = talk(tmp_path)
    FOLDER.finish(where, "d/a.wav", "k1")
    raw = files.sealed_name(file).read_bytes()
    lost = folder_of(K2)
    for why in (
        lost.examine(where, "d/a.wav"),
        lost.wrap_anew(where, "d/a.wav", "k2"),
        lost.forget_other_keys(where, "d/a.wav", "k2"),
        RecordingFolder().examine(where, "d/a.wav"),
    ):
        assert isinstance(why, str)
        assert "key" in why
    assert files.sealed_name(file).read_bytes() == raw


def test_who_is_erased_while_his_talk_is_sealed_does_not_come_back_under_its_new_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deletion begins between the sealed file's rename and the end of the sealing."""
    where, file, _ = talk(tmp_path)
    answers: list[str | None] = []
    start_thread = get_original("_thread", "start_new_thread")
    sync = files._sync_folder

    def meanwhile(folder: Path) -> None:
        start_thread(lambda: answers.append(files.delete(file)), ())
        sync(folder)

    monkeypatch.setattr(files, "_sync_folder", meanwhile)
    assert isinstance(FOLDER.finish(where, "d/a.wav", "k1"), RecordedFile)
    with gevent.Timeout(30):
        while not answers:
            gevent.sleep(0.005)
    assert answers == [None]
    assert not file.parent.exists()


# ------------------------------------------------------------------ rotation


def test_a_rotation_rewrites_the_header_and_not_the_sound(tmp_path: Path) -> None:
    where, file, _ = talk(tmp_path)
    found = FOLDER.finish(where, "d/a.wav", "k1")
    raw = files.sealed_name(file).read_bytes()
    both, first, second = folder_of(K2, K1), folder_of(K1), folder_of(K2)
    assert both.wrap_anew(where, "d/a.wav", "k2") is None
    for one in (both, first, second):  # half-way each key opens it
        half = one.examine(where, "d/a.wav")
        assert isinstance(half, RecordedFile)
        assert isinstance(found, RecordedFile)
        assert half.sha256 == found.sha256
    assert both.forget_other_keys(where, "d/a.wav", "k2") is None
    assert isinstance(second.examine(where, "d/a.wav"), RecordedFile)
    assert isinstance(first.examine(where, "d/a.wav"), str)
    after = files.sealed_name(file).read_bytes()
    assert after[HEADER_BYTES:] == raw[HEADER_BYTES:]
    assert b"k1" not in after[:HEADER_BYTES]


def test_no_key_is_forgotten_that_alone_opens_the_file(tmp_path: Path) -> None:
    where, _, _ = talk(tmp_path)
    FOLDER.finish(where, "d/a.wav", "k1")
    both = folder_of(K2, K1)
    assert both.forget_other_keys(where, "d/a.wav", "k2") == (
        "it is not sealed under the data key k2"
    )
    assert isinstance(both.examine(where, "d/a.wav"), RecordedFile)


# ------------------------------------------------------------------ killed

KILLED = """
import os, signal, sys
from pathlib import Path
from dialer.ledger.vault import DataKey, Vault
from dialer.recordings import files
step, deed, file = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
def dying(work):
    def do(*args, **words):
        global step
        if step == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        step -= 1
        return work(*args, **words)
    return do
os.fsync, os.pwrite = dying(os.fsync), dying(os.pwrite)
Path.replace, Path.unlink = dying(Path.replace), dying(Path.unlink)
vault = Vault([DataKey(id="k2", secret=bytes([1]) * 32), DataKey(id="k1", secret=bytes(32))])
if deed == "seal":
    files.finish(file, vault, "k1")
else:
    files.wrap_anew(file, vault, "k2")
    files.forget_other_keys(file, vault, "k2")
sys.exit(7)
"""


def killed_at_each_step(
    deed: str, prepare: Callable[[Path], object], look: Callable[[Path], None], tmp_path: Path
) -> int:
    """Really killed before its first, second ... step; how many steps there were."""
    for step in range(20):
        file = sound(tmp_path / f"{step}" / "a.wav", 250)
        prepare(file)
        command = [sys.executable, "-c", KILLED, str(step), deed, str(file)]
        ended = subprocess.run(command, check=False, cwd=Path(__file__).parents[3])
        look(file)
        if ended.returncode == 7:
            return step
        assert ended.returncode == -9
    raise AssertionError("it never came to its end")


def test_whoever_is_killed_while_sealing_has_lost_nothing(tmp_path: Path) -> None:
    """The clear file is there, or the sealed one, whole; the next finish ends it."""
    plain = sound(tmp_path / "a.wav", 250).read_bytes()
    digest = hashlib.sha256(plain).digest()

    def look(file: Path) -> None:
        left = names(file)
        assert left & {"a.wav", "a.wav.sealed"}
        if "a.wav" in left:
            assert file.read_bytes() == plain
        found = files.finish(file, VAULT, "k1")
        assert isinstance(found, RecordedFile)
        assert (found.sha256, found.sealed_under) == (digest, "k1")
        assert names(file) == {"a.wav.sealed"}

    steps = killed_at_each_step("seal", lambda file: None, look, tmp_path)
    assert steps == 4  # synced, renamed, the folder synced, the clear file gone


def test_whoever_is_killed_while_rotating_leaves_a_file_that_opens(tmp_path: Path) -> None:
    both = Vault([K2, K1])

    def look(file: Path) -> None:
        assert isinstance(files.examine(file, both), RecordedFile)
        assert files.wrap_anew(file, both, "k2") is None
        assert files.forget_other_keys(file, both, "k2") is None
        assert files.sealed_under(file, both) == ["k2"]
        assert isinstance(files.examine(file, Vault([K2])), RecordedFile)

    prepare = lambda file: files.finish(file, VAULT, "k1")  # noqa: E731
    assert killed_at_each_step("rotate", prepare, look, tmp_path) == 4
