"""`dialer recordings export|verify`, `dialer keys rotate`: sealed talks, by the verbs.

Losing these, a talk that a court asks for cannot be given out, is given out unseen by the
audit, or dies with a key that was retired too early.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import wave
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dialer.core.model import AttemptId, CampaignName, ContactId, InstanceName
from dialer.engine.sealing import AT_ONCE, NO_ATTEMPT
from dialer.ledger.vault import Vault, new_entry, read_ring
from dialer.ports import RecordedFile, Recording
from dialer.recordings import files
from tests.cli.conftest import Ended
from tests.contract.ledger.world import World, campaign

Dialer = Callable[..., Ended]
NOW = datetime.now(UTC)
SOUND = bytes(range(256)) * 100


class Shop:
    """A folder with talks, their rows, and the ring of keys."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world = folder, world
        self.ring, lookup = folder / "data-keys", folder / "lookup"
        for path in (self.ring, lookup):
            path.touch(0o640)
        lookup.write_text("a lookup secret\n")
        self.entries = {name: new_entry(name) for name in ("k1", "k2")}
        self.place = folder / "recordings"
        self.place.mkdir()
        config = folder / "dialer.yaml"
        config.write_text(
            f"{config.read_text()}recordings: {{folder: {self.place}, min_free: 1 MB}}\n"
            "keys_file: data-keys\nlookup_key_file: lookup\n"
        )
        self.keys("k1")

    def keys(self, *names: str) -> Vault:
        self.ring.write_text("\n".join(self.entries[name] for name in names))
        return Vault(read_ring(self.ring.read_text(), "ring"))

    def talks(self, count: int, *, sealed: bool = True, instance: str = "first") -> list[str]:
        """Attempts whose files are sealed under k1, or in clear."""
        self.world.people(count)
        self.world.save(campaign())
        made = []
        vault = self.keys("k1")
        for answer in self.world.commit(campaign(), self.world.entries(campaign())):
            made.append(str(answer.attempt_id))
            self._talk(str(answer.attempt_id), vault if sealed else None, instance)
        return made

    def _talk(self, attempt: str, vault: Vault | None, instance: str) -> None:
        key, path = AttemptId(attempt), f"2026-11-24/{attempt}.wav"
        file = self.place / path
        file.parent.mkdir(exist_ok=True)
        with wave.open(str(file), "wb") as target:
            target.setnchannels(2)
            target.setsampwidth(2)
            target.setframerate(8000)
            target.writeframes(SOUND)
        ledger = self.world.ledger
        ledger.save_recording(
            Recording(
                attempt=key,
                campaign=CampaignName("spring"),
                contact=ContactId(self.world.one("SELECT min(id) FROM contacts")),
                operator=None,
                instance=InstanceName(instance),
                path=path,
                at=NOW,
                keep_until=NOW + timedelta(days=30),
            )
        )
        found = files.finish(file, vault, "k1" if vault else None)
        assert isinstance(found, RecordedFile)
        ledger.finish_recording(key, found, NOW)

    def file(self, attempt: str) -> Path:
        return self.place / "2026-11-24" / f"{attempt}.wav"


@pytest.fixture
def shop(folder: Path, world: World, environ: dict[str, str]) -> Shop:
    return Shop(folder, world)


def test_a_talk_is_given_out_in_clear_and_the_audit_tells_who_took_it(
    dialer: Dialer, shop: Shop
) -> None:
    (attempt,) = shop.talks(1)
    assert "k1: 0 texts, 1 recordings (seals)\n" in dialer("keys", "show").out
    target = shop.folder / "talk.wav"
    ended = dialer("recordings", "export", attempt, str(target))
    assert ended.code == 0, ended.err
    with wave.open(str(target), "rb") as sound:
        assert sound.readframes(10**6) == SOUND
    assert target.stat().st_mode & 0o077 == 0
    told = "SELECT subject, details->>'attempt' FROM audit WHERE what = 'recording exported'"
    phone = shop.world.one("SELECT phone_id FROM attempts")
    assert shop.world.ask(told) == [(f"phone {phone}", attempt)]
    again = dialer("recordings", "export", attempt, str(target))
    assert (again.code, "is there already" in again.err) == (1, True)
    assert "there is no recording" in dialer("recordings", "export", "x", "y.wav").err
    assert not list(shop.folder.glob(".*.wav*"))


def test_what_is_damaged_missing_or_another_talk_is_named_and_not_given_out(
    dialer: Dialer, shop: Shop
) -> None:
    good, cut, gone, swapped = shop.talks(4)
    sealed = {one: files.sealed_name(shop.file(one)) for one in (good, cut, gone, swapped)}
    assert dialer("recordings", "verify").out == (
        "4 recordings, 0 of them are not as they should be\n"
    )
    sealed[cut].write_bytes(sealed[cut].read_bytes()[:-1])
    sealed[gone].unlink()
    sealed[swapped].write_bytes(sealed[good].read_bytes())
    ended = dialer("recordings", "verify", "--days", "3")
    assert ended.code == 1
    assert "4 recordings, 3 of them" in ended.out
    assert f"{cut}: the sealed file does not open" in ended.err
    assert f"{gone}: the file is not there" in ended.err
    assert f"{swapped}: the sealed file does not open" in ended.err
    target = shop.folder / "talk.wav"
    refused = dialer("recordings", "export", cut, str(target))
    assert (refused.code, target.exists()) == (1, False)
    assert shop.world.one("SELECT count(*) FROM audit WHERE what = 'recording exported'") == 0


def test_a_rotation_takes_the_recordings_along_and_retires_the_key(
    dialer: Dialer, shop: Shop
) -> None:
    attempts = shop.talks(2)
    assert dialer("keys", "show").code == 0  # k1 is known to the base
    shop.keys("k2", "k1")
    ended = dialer("keys", "rotate")
    assert ended.code == 0, ended.err
    assert "2 recordings sealed under the first key" in ended.out
    assert "the key k1 seals nothing any more" in ended.out
    shop.keys("k2")
    assert dialer("recordings", "verify").code == 0
    assert len(attempts) == 2


def test_a_key_is_not_retired_while_a_recording_elsewhere_needs_it(
    dialer: Dialer, shop: Shop
) -> None:
    shop.talks(1, instance="second")
    assert dialer("keys", "show").code == 0  # k1 is known to the base
    shop.keys("k2", "k1")
    ended = dialer("keys", "rotate")
    assert ended.code == 0
    assert "1 recordings of second are not under the first key yet" in ended.err
    assert "k1" not in ended.out
    assert "k1: 0 texts, 1 recordings\n" in dialer("keys", "show").out
    shop.keys("k2")
    shown = dialer("keys", "show")
    assert shown.code == 1
    assert "k1: 0 texts, 1 recordings: this key is missing" in shown.out


def test_talks_from_before_there_were_keys_are_sealed_by_a_rotation(
    dialer: Dialer, shop: Shop
) -> None:
    (attempt,) = shop.talks(1, sealed=False)
    plain = shop.file(attempt).read_bytes()
    shop.keys("k1")
    assert "in clear: 3 texts, 1 recordings: run: dialer keys rotate" in (
        dialer("keys", "show").out
    )
    assert "1 recordings sealed under the first key" in dialer("keys", "rotate").out
    assert not shop.file(attempt).exists()
    found = files.examine(shop.file(attempt), shop.keys("k1"))
    assert isinstance(found, RecordedFile)
    assert found.sha256 == hashlib.sha256(plain).digest()


def test_a_rotation_of_recordings_killed_half_way_goes_on(
    dialer: Dialer, shop: Shop, environ: dict[str, str]
) -> None:
    """kill -9 after the files of a batch were wrapped anew and before the books were told."""
    attempts = shop.talks(AT_ONCE + 3)
    assert dialer("keys", "show").code == 0  # k1 is known to the base
    both = shop.keys("k2", "k1")
    die = (
        "import os, signal; from dialer.ledger import recordings;"
        "recordings.note_sealing = lambda *a: os.kill(os.getpid(), signal.SIGKILL);"
        "from dialer.__main__ import main; main()"
    )
    command = [sys.executable, "-c", die, "keys", "rotate"]
    tree = str(Path(__file__).parents[2])
    env = {**os.environ, **environ, "PYTHONPATH": tree}
    killed = subprocess.run(command, check=False, cwd=shop.folder, env=env)
    assert killed.returncode == -9
    wrapped = [files.sealed_under(shop.file(one), both) for one in attempts]
    assert sorted(map(len, wrapped)) == [1] * 3 + [2] * AT_ONCE
    assert dialer("recordings", "verify").code == 0
    ended = dialer("keys", "rotate")
    assert f"{len(attempts)} recordings sealed under the first key" in ended.out
    assert "the key k1 seals nothing any more" in ended.out
    second = shop.keys("k2")
    assert {tuple(files.sealed_under(shop.file(one), second)) for one in attempts} == {("k2",)}
    assert dialer("recordings", "verify").code == 0
    assert shop.world.ledger.stale_recordings(InstanceName("first"), "k2", NO_ATTEMPT, 9) == []
