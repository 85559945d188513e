"""Recording of talks: each is in the books with its file, or with the reason why there is none.

Losing these, a talk that had to be recorded is not and nobody knows, the disk fills up unseen,
or a leg is recorded and hung up in one breath and never ends.
"""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gevent
import pytest

from dialer.core.calls.effects import StartRecording
from dialer.core.model import (
    AttemptId,
    Group,
    LegId,
    RecordingPlace,
    Tone,
    WhenFull,
)
from dialer.engine.status import health
from dialer.errors import CommandRefused, LinkDown, StoreError
from dialer.ledger.vault import DataKey, Vault
from dialer.ports import Command, RecordedFile
from dialer.recordings import files
from dialer.recordings.folder import RecordingFolder
from tests.engine.house import SALES, SPRING, House, campaign, entry, plan

Build = Callable[..., House]


def recording(build: Build, folder: Path, **changes: Any) -> House:
    spring = campaign(record=True, **changes)
    place = RecordingPlace(folder=str(folder), min_free_bytes=1_000_000)
    home = build(plan(campaigns={SPRING: spring}, recordings=place))
    home.daemon.recorder.adopt()
    home.log_in("anna")
    return home


def write(folder: Path, key: AttemptId, seconds: float = 0.5) -> None:
    """As the switch would."""
    file = path_of(folder, key)
    file.parent.mkdir(exist_ok=True)
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(int(seconds * 8000) * 4))


def path_of(folder: Path, key: AttemptId) -> Path:
    return folder / "2026-11-24" / f"{key}.wav"


def stop(home: House, folder: Path, key: AttemptId) -> None:
    home.line.tell("record_stopped", key, path=str(path_of(folder, key)))
    home.hang_up(key)
    home.daemon.recorder.work()


# ------------------------------------------------------------------ a talk


def test_a_talk_is_recorded_after_the_bridge_and_kept_with_its_checksum(
    build: Build, tmp_path: Path
):
    home = recording(build, tmp_path)
    key = home.waiting()
    assert home.line.verbs("record") == []
    home.bridge("anna", key)
    assert home.line.verbs("record") == [(key, str(path_of(tmp_path, key)))]
    home.line.tell("record_started", key)
    write(tmp_path, key)
    stop(home, tmp_path, key)
    row, file = home.books.recordings[key], home.books.files[key]
    assert (row.operator, row.contact, row.path) == ("anna", 1, f"2026-11-24/{key}.wav")
    assert isinstance(file, RecordedFile)
    assert (file.duration_ms, file.size_bytes) == (500, 44 + 16_000)
    assert home.meter.value("dialer_recordings_started_total", campaign=SPRING) == 1
    assert home.meter.value("dialer_recorded_bytes_total") == 16_044


def test_a_campaign_that_does_not_record_asks_nothing(build: Build, tmp_path: Path):
    place = RecordingPlace(folder=str(tmp_path), min_free_bytes=1)
    home = build(plan(recordings=place))
    home.log_in("anna")
    home.talking("anna")
    assert home.line.verbs("record") == []
    assert home.books.recordings == {}


def test_the_announcement_comes_to_both_before_the_recording(build: Build, tmp_path: Path):
    """So it stands in the recording itself; the operator waits with his words until then."""
    home = recording(build, tmp_path, announce="recorded.wav")
    key = home.talking("anna")
    said = [one[0] for one in home.line.said if one[0] in ("bridge", "announce", "record")]
    assert said == ["bridge", "announce", "record"]
    assert home.line.verbs("announce") == [(key, "leg-anna", "recorded.wav")]
    home.daemon.recorder.work()
    assert home.books.recordings[key].announced == "recorded.wav"


def test_what_cannot_be_announced_is_not_recorded(build: Build, tmp_path: Path):
    """A talk recorded in secret is worse than one that is not recorded."""
    home = recording(build, tmp_path, announce="recorded.wav")
    home.line.errors["announce"] = CommandRefused("-ERR no such file")
    key = home.talking("anna")
    home.daemon.recorder.work()
    assert home.line.verbs("record") == []
    assert "announced" in str(home.books.recordings[key].failure)
    assert home.meter.value("dialer_recordings_failed_total", why="announcement") == 1


def test_a_refused_recording_leaves_its_reason_in_the_books(build: Build, tmp_path: Path):
    home = recording(build, tmp_path)
    home.line.errors["record"] = CommandRefused("-ERR Cannot record session!")
    key = home.talking("anna")
    home.daemon.recorder.work()
    assert home.books.files[key] == "the switch refused it: -ERR Cannot record session!"
    assert home.daemon.recorder.status() is not None
    stop(home, tmp_path, key)  # and its end is no second story
    assert isinstance(home.books.files[key], str)


def test_a_recording_whose_end_was_not_told_is_read_all_the_same(build: Build, tmp_path: Path):
    """The link was cut: RECORD_STOP went to nobody."""
    home = recording(build, tmp_path)
    key = home.talking("anna")
    write(tmp_path, key)
    home.hang_up(key)
    home.daemon.recorder.work()
    assert home.books.files == {}
    home.clock.move(5.1)
    home.daemon.recorder.work()
    assert isinstance(home.books.files[key], RecordedFile)


def test_a_recording_of_an_earlier_life_is_finished_and_not_begun_again(
    build: Build, tmp_path: Path
):
    home = recording(build, tmp_path)
    key = home.talking("anna")
    home.daemon.recorder.work()
    successor = recording(build, tmp_path)
    successor.books.recordings = home.books.recordings
    successor.daemon.recorder.adopt()
    write(tmp_path, key)
    successor.clock.move(10.0)
    successor.daemon.recorder.work()
    assert isinstance(successor.books.files[key], RecordedFile)
    assert successor.line.verbs("record") == []


# ------------------------------------------------------------------ never with a kill


def test_a_hang_up_waits_for_a_recording_that_is_being_begun(build: Build, tmp_path: Path):
    """uuid_record and uuid_kill at once make a leg that never ends (freeswitch.md 3.5)."""
    home = recording(build, tmp_path)
    begin, gate = home.line.record, gevent.event.Event()

    def slow(leg: LegId, path: str) -> None:
        gate.wait()
        begin(leg, path)

    home.line.record = slow  # type: ignore[method-assign]
    key = home.talking("anna")
    home.clock.move(7_300.0)  # past the ceiling of the talk: its fuse orders a hang-up
    home.settle()
    assert home.line.verbs("kill") == []
    gate.set()
    home.settle()
    verbs = [one[0] for one in home.line.said if one[0] in ("record", "kill")]
    assert verbs == ["record", "kill"]
    assert home.line.verbs("kill") == [(key, "ALLOTTED_TIMEOUT")]


def test_who_is_on_his_way_out_is_not_recorded(build: Build, tmp_path: Path):
    home = recording(build, tmp_path)
    key = home.talking("anna")
    home.line.said.clear()
    live = home.calls.attempts[key]
    home.calls.attempts[key] = replace(live, killed="NORMAL_CLEARING")
    home.daemon.recorder._live.clear()
    home.daemon.recorder.start(StartRecording(key))
    assert home.line.said == []


# ------------------------------------------------------------------ no room


def test_a_folder_that_is_not_there_is_seen_at_once(build: Build, tmp_path: Path):
    """In the status, in /healthz, in a metric, with the remedy; the talk's row says why."""
    home = recording(build, tmp_path / "gone")
    status = home.daemon.status.value(home.clock.now())
    assert "is not there: make it" in status["recordings"]["trouble"]
    well, facts = health({**status, "phase": "running", "held_back_by": {}})
    assert not well
    assert "make it" in facts["recordings"]
    assert home.meter.value("dialer_recordings_trouble") == 1
    key = home.talking("anna")
    home.daemon.recorder.work()
    assert "make it" in str(home.books.recordings[key].failure)
    assert home.meter.value("dialer_recordings_failed_total", why="no_room") == 1
    (tmp_path / "gone").mkdir()
    home.clock.move(2.1)
    home.daemon.recorder.work()
    assert home.daemon.recorder.trouble is None


@pytest.mark.parametrize(
    ("rule", "dialed", "binding"),
    [(WhenFull.GO_ON, 1, ""), (WhenFull.STOP_DIALING, 0, "recording")],
)
def test_the_campaigns_own_rule_decides_whether_it_dials_on(
    build: Build, tmp_path: Path, rule: WhenFull, dialed: int, binding: str
):
    home = recording(build, tmp_path / "gone", when_full=rule)
    home.queue(entry(1), entry(2))
    assert len(home.dial()) == dialed
    why = home.daemon.pacer.decisions[SPRING].why
    assert binding in ("", why.binding.value)


def test_files_that_do_not_come_are_a_trouble_of_their_own(build: Build, tmp_path: Path):
    """The switch writes elsewhere, or may not: it says +OK and RECORD_STOP all the same."""
    home = recording(build, tmp_path)
    for n in (1, 2, 3):
        key = home.talking("anna", n)
        home.clock.move(1.1)
        stop(home, tmp_path, key)
        home.park("anna")
        home.clock.move(11.0)
        home.settle()
    assert home.books.files[key] == "the switch made no file"
    assert "no file comes" in str(home.daemon.recorder.trouble)
    home.clock.move(61.0)
    assert home.daemon.recorder.trouble is None  # it is tried again


def test_who_hangs_up_at_once_is_no_trouble(build: Build, tmp_path: Path):
    """Three in a row would stop a campaign that may dial only while it can record."""
    home = recording(build, tmp_path)
    for n in (1, 2, 3, 4):
        key = home.talking("anna", n)
        home.clock.move(0.1)
        stop(home, tmp_path, key)
        home.park("anna")
        home.clock.move(11.0)
        home.settle()
    assert home.books.files[key] == "the switch made no file"
    assert home.daemon.recorder.trouble is None
    assert home.meter.value("dialer_recordings_failed_total", why="missing") == 0


def test_a_ledger_that_is_away_loses_no_row(build: Build, tmp_path: Path):
    home = recording(build, tmp_path)
    key = home.talking("anna")
    home.books.away = True
    with pytest.raises(StoreError):
        home.daemon.recorder.work()
    home.books.away = False
    write(tmp_path, key)
    stop(home, tmp_path, key)
    assert isinstance(home.books.files[key], RecordedFile)


# ------------------------------------------------------------------ masks, retention, beep


def test_card_data_is_masked_by_a_word_of_the_operator(build: Build, tmp_path: Path):
    home = recording(build, tmp_path)
    asked = {"operator": "anna", "by": "anna"}
    assert home.daemon.control._mask(asked, masked=True)["why"] == "operator anna is in no talk"
    key = home.talking("anna")
    path = str(path_of(tmp_path, key))
    assert home.daemon.control._mask(asked, masked=True)["ok"]
    assert home.daemon.control._mask(asked, masked=False)["ok"]
    assert home.line.verbs("mask") == home.line.verbs("unmask") == [(key, path)]
    home.daemon.recorder.work()
    masks = [what for kind, what in home.books.journal if kind == "mask"]
    assert masks == [(key, True, "anna"), (key, False, "anna")]


def test_a_mask_that_cannot_be_asked_for_is_answered(build: Build, tmp_path: Path):
    """The operator must not say the card's number believing that it is masked."""
    home = recording(build, tmp_path)
    home.talking("anna")
    home.line.errors["mask"] = LinkDown("no answer in 5 s")
    answer = home.daemon.control.obey(
        Command(id="1", verb="operator.mask", words={"operator": "anna"})
    )
    assert answer == {"ok": False, "why": "no answer in 5 s"}


def test_recordings_go_when_their_time_is_over(build: Build, tmp_path: Path):
    home = recording(build, tmp_path, keep_recordings_s=86_400.0)
    key = home.talking("anna")
    write(tmp_path, key)
    stop(home, tmp_path, key)
    home.clock.move(86_399.0)
    home.daemon.recorder.work()
    assert path_of(tmp_path, key).exists()
    home.clock.move(86_400.0)
    home.daemon.recorder.work()
    assert not path_of(tmp_path, key).parent.exists()
    assert home.books.deleted == [key]
    assert home.meter.value("dialer_recordings_deleted_total") == 1


def test_the_operator_hears_a_beep_once_the_customer_is_joined_to_him(build: Build):
    """Per group; the customer's leg is not touched, and not before the bridge."""
    group = Group(name=SALES, wrapup_s=10.0, beep=Tone(frequency_hz=900, length_ms=120))
    home = build(plan(groups={SALES: group}))
    home.log_in("anna")
    key = home.waiting()
    assert home.line.verbs("beep") == []
    home.bridge("anna", key)
    assert home.line.verbs("beep") == [("leg-anna", "900 Hz 120 ms")]


def test_without_a_beep_in_the_group_nobody_hears_one(home: House):
    home.log_in("anna")
    home.talking("anna")
    assert home.line.verbs("beep") == []


# ------------------------------------------------------------------ sealed


K1, K2 = (DataKey(id=name, secret=name.encode() * 16) for name in ("k1", "k2"))


def sealed_path(folder: Path, key: AttemptId) -> Path:
    return path_of(folder, key).with_name(f"{key}.wav.sealed")


def with_keys(build: Build, folder: Path, *keys: DataKey) -> tuple[House, Vault]:
    vault = Vault(keys, lookup=b"x")
    place = RecordingPlace(folder=str(folder), min_free_bytes=1)
    configured = plan(campaigns={SPRING: campaign(record=True)}, recordings=place)
    home = build(configured, sealer=vault)
    home.daemon.recorder.adopt()
    home.log_in("anna")
    return home, vault


def test_with_keys_a_talk_is_sealed_as_it_is_finished(build: Build, tmp_path: Path):
    """The key stands in the books before the file needs it, so that nobody retires it."""
    home, _ = with_keys(build, tmp_path, K1)
    key = home.talking("anna")
    write(tmp_path, key)
    noted: list[bool] = []
    note = home.books.note_sealing

    def watched(attempts: list[AttemptId], under: str) -> None:
        noted.append(sealed_path(tmp_path, key).exists())
        note(attempts, under)

    home.books.note_sealing = watched  # type: ignore[assignment,method-assign]
    stop(home, tmp_path, key)
    assert noted[0] is False
    assert home.books.sealed[key] == ("k1", True)
    assert [one.name for one in path_of(tmp_path, key).parent.iterdir()] == [
        f"{key}.wav.sealed"
    ]
    file = home.books.files[key]
    assert isinstance(file, RecordedFile)
    assert (file.duration_ms, file.size_bytes) == (500, 44 + 16_000)


def test_a_disk_that_is_full_is_told_and_the_talk_is_sealed_a_minute_later(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    full = Path("/dev/full")
    home, _ = with_keys(build, tmp_path, K1)
    key = home.talking("anna")
    write(tmp_path, key)
    with monkeypatch.context() as broken:
        broken.setattr(files, "_new", lambda beside: full.open("wb"))
        stop(home, tmp_path, key)
    assert path_of(tmp_path, key).exists()
    assert isinstance(home.books.files[key], RecordedFile), "the talk is kept all the same"
    status = home.daemon.recorder.status()
    assert status is not None
    assert status["unsealed"] == "1 recordings: No space left on device"
    assert status["trouble"] is None, "nobody stops dialing for it"
    assert home.meter.value("dialer_recordings_unsealed") == 1
    home.clock.move(59.0)
    home.daemon.recorder.work()
    assert path_of(tmp_path, key).exists()
    home.clock.move(1.1)
    home.daemon.recorder.work()
    assert not path_of(tmp_path, key).exists()
    assert home.books.sealed[key] == ("k1", True)
    assert home.meter.value("dialer_recordings_unsealed") == 0


def test_a_daemon_that_died_between_file_and_row_has_its_successor_finish(
    build: Build, tmp_path: Path
):
    home, _ = with_keys(build, tmp_path, K1)
    key = home.talking("anna")
    write(tmp_path, key)
    digest = hashlib.sha256(path_of(tmp_path, key).read_bytes()).digest()
    home.books.refuses.add("finish_recording")
    home.hang_up(key)
    home.clock.move(5.1)
    with pytest.raises(StoreError):
        home.line.tell("record_stopped", key, path=str(path_of(tmp_path, key)))
        home.daemon.recorder.work()
    assert sealed_path(tmp_path, key).exists()
    successor, _ = with_keys(build, tmp_path, K1)
    successor.books.recordings = home.books.recordings
    successor.daemon.recorder.adopt()
    successor.clock.move(10.0)
    successor.daemon.recorder.work()
    found = successor.books.files[key]
    assert isinstance(found, RecordedFile)
    assert (found.sha256, found.sealed_under, found.duration_ms) == (digest, "k1", 500)


def test_what_was_recorded_before_there_were_keys_is_sealed_by_the_hourly_run(
    build: Build, tmp_path: Path
):
    """In batches, so that a finished talk never waits for a whole folder."""
    home, vault = with_keys(build, tmp_path)
    for n in range(1, 4):
        key = home.talking("anna", n)
        write(tmp_path, key)
        stop(home, tmp_path, key)
        home.park("anna")
        home.clock.move(11.0)
        home.settle()
    assert home.books.sealed == {}
    vault.take([K1])
    home.daemon.recorder.configure(home.plan.recordings)  # a reload
    home.daemon.recorder.work()
    assert set(home.books.sealed.values()) == {("k1", True)}
    assert {one.suffix for one in tmp_path.rglob("*.*")} == {".sealed"}


def test_a_reload_with_a_new_first_key_brings_the_files_under_it(build: Build, tmp_path: Path):
    home, vault = with_keys(build, tmp_path, K1)
    key = home.talking("anna")
    write(tmp_path, key)
    stop(home, tmp_path, key)
    vault.take([K2, K1])
    home.daemon.recorder.configure(home.plan.recordings)
    home.daemon.recorder.work()
    assert home.books.sealed[key] == ("k2", True)
    place = home.plan.recordings
    assert place is not None
    path = f"2026-11-24/{key}.wav"
    assert isinstance(RecordingFolder(Vault([K2])).examine(place, path), RecordedFile)
    assert isinstance(RecordingFolder(Vault([K1])).examine(place, path), str)


def test_retention_deletes_a_sealed_file(build: Build, tmp_path: Path):
    home, _ = with_keys(build, tmp_path, K1)
    key = home.talking("anna")
    write(tmp_path, key)
    stop(home, tmp_path, key)
    home.clock.move(400 * 86_400.0)
    home.daemon.recorder.work()
    assert not sealed_path(tmp_path, key).parent.exists()
    assert home.books.deleted == [key]
