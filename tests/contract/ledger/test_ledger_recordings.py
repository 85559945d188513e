"""Recordings and supervisions in PostgreSQL: one row each, whatever is told twice or late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from dialer.core.model import CampaignName, ContactId, InstanceName, LegId, OperatorId
from dialer.errors import StoreError
from dialer.ports import RecordedFile, Recording, Supervised
from tests.contract.ledger.world import NOW, World, campaign

US = InstanceName("d1")
DAY = timedelta(days=1)
FILE = RecordedFile(size_bytes=1000, sha256=bytes(32), duration_ms=30)


def recording(world: World, **changes: object) -> Recording:
    world.people(1)
    world.save(campaign())
    (answer,) = world.commit(campaign(), world.entries(campaign()))
    values = {
        "attempt": answer.attempt_id,
        "campaign": CampaignName("spring"),
        "contact": ContactId(world.one("SELECT contact_id FROM attempts")),
        "operator": OperatorId("anna"),
        "instance": US,
        "path": "2026-11-24/a.wav",
        "at": NOW,
        "keep_until": NOW + DAY,
    }
    return Recording(**{**values, **changes})  # type: ignore[arg-type]


def test_a_recording_is_begun_and_finished_once(world: World) -> None:
    one = recording(world)
    for _ in range(2):
        world.ledger.save_recording(one)
    assert world.ledger.open_recordings(US) == [(one.attempt, "2026-11-24/a.wav")]
    assert world.ledger.open_recordings(InstanceName("other")) == []
    world.ledger.mask_recording(one.attempt, masked=True, by="anna", now=NOW)
    world.ledger.finish_recording(one.attempt, FILE, NOW)
    world.ledger.finish_recording(one.attempt, "the switch made no file", NOW)
    (row,) = world.ledger.list_recordings(None, NOW - DAY, 10)
    assert (row.state, row.size_bytes, row.duration_ms) == ("kept", 1000, 30)
    assert (row.sha256, row.masks, row.failure) == ("00" * 32, 1, None)
    assert world.ledger.open_recordings(US) == []


def test_a_talk_that_was_not_recorded_says_why(world: World) -> None:
    one = recording(world, failure="the disk is full", path="")
    world.ledger.save_recording(one)
    (row,) = world.ledger.list_recordings(CampaignName("spring"), NOW - DAY, 10)
    assert (row.state, row.failure) == ("not_recorded", "the disk is full")


def test_only_what_is_over_is_due_and_only_in_its_own_folder(world: World) -> None:
    one = recording(world)
    world.ledger.save_recording(one)
    assert world.ledger.due_recordings(US, NOW + 2 * DAY, 10) == []  # still being recorded
    world.ledger.finish_recording(one.attempt, FILE, NOW)
    assert world.ledger.due_recordings(US, NOW + DAY - timedelta(seconds=1), 10) == []
    assert world.ledger.due_recordings(InstanceName("other"), NOW + DAY, 10) == []
    (due,) = world.ledger.due_recordings(US, NOW + DAY, 10)
    assert (due.attempt, due.path) == (one.attempt, one.path)
    for expected in (1, 0):
        gone = world.ledger.recordings_deleted([one.attempt], by="retention", now=NOW + DAY)
        assert gone == expected
    assert world.ledger.due_recordings(US, NOW + DAY, 10) == []
    assert world.ask(
        "SELECT who, what, details->>'bytes' FROM audit WHERE what = 'recordings deleted'"
    ) == [("retention", "recordings deleted", "1000")]


def test_an_erased_persons_recording_is_due_at_once(world: World, dsn: str) -> None:
    """R6.6: no file of a voice stays behind whose card is gone."""
    one = recording(world)
    world.ledger.save_recording(one)
    world.ledger.finish_recording(one.attempt, FILE, NOW)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM contacts")
    (due,) = world.ledger.due_recordings(US, NOW, 10)
    assert due.attempt == one.attempt
    late = recording(world, attempt=one.attempt, contact=ContactId(999_999))
    world.ledger.save_recording(late)  # told again after the erasure: no error


def test_supervisions_are_only_ever_added(world: World, dsn: str) -> None:
    """R2.7: who listened to whom must not be rewritten."""
    step = Supervised(
        at=NOW,
        instance=US,
        leg=LegId("11111111-2222-4333-8444-555555555555"),
        step="asked",
        supervisor="boss",
        operator=OperatorId("anna"),
        mode="listen",
    )
    world.ledger.log_supervision(step)
    assert world.ask("SELECT step, supervisor, operator, mode FROM supervisions") == [
        ("asked", "boss", "anna", "listen")
    ]
    for change in ("UPDATE supervisions SET supervisor = 'x'", "DELETE FROM supervisions"):
        with (
            psycopg.connect(dsn, autocommit=True) as connection,
            pytest.raises(psycopg.errors.RaiseException),
        ):
            connection.execute(change)
    with pytest.raises(StoreError):
        world.ledger.log_supervision(replace(step, mode="spy"))


def test_a_key_is_noted_before_and_after_and_holds_its_recordings(world: World) -> None:
    """Half-way it counts as needed and as not done, so that the next run ends it."""
    one, ledger = recording(world), world.ledger
    ledger.save_recording(one)
    ledger.note_sealing([one.attempt], "k1")
    assert ledger.stale_recordings(US, "k1", NO_ATTEMPT, 10) == [], "still being recorded"
    ledger.finish_recording(one.attempt, FILE, NOW)
    assert ledger.stale_recordings(US, "k1", NO_ATTEMPT, 10) == [
        (one.attempt, "2026-11-24/a.wav")
    ]
    ledger.note_sealed([one.attempt], "k1", NOW)
    assert ledger.stale_recordings(US, "k1", NO_ATTEMPT, 10) == []
    assert ledger.list_recordings(None, NOW - DAY, 10)[0].sealed_under == "k1"
    assert len(ledger.stale_recordings(US, "k2", NO_ATTEMPT, 10)) == 1
    assert ledger.stale_recordings(US, "k2", one.attempt, 10) == []
    found = ledger.find_recording(one.attempt.upper())
    assert found is not None
    assert (found.state, found.sha256, found.instance) == ("kept", bytes(32), "d1")
    assert found.phone_id is not None
    assert ledger.find_recording("no uuid; '") is None
    assert [row.attempt for row in ledger.kept_recordings(US, NOW)] == [one.attempt]


def test_a_recording_that_was_sealed_as_it_was_finished_is_done(world: World) -> None:
    one, ledger = recording(world), world.ledger
    ledger.save_recording(one)
    ledger.note_sealing([one.attempt], "k1")
    ledger.finish_recording(one.attempt, FILE._replace(sealed_under="k1"), NOW)
    assert ledger.stale_recordings(US, "k1", NO_ATTEMPT, 10) == []


NO_ATTEMPT = "00000000-0000-0000-0000-000000000000"
