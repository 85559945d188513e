"""`dialer retention`: what is too old goes, what a law orders to keep stays (R6.7)."""

from __future__ import annotations

from datetime import date, timedelta

from dialer.core.permission.retention import DataKind, least_s
from dialer.settings.calendars import Calendar, CalendarChanges, moved_days_missing
from tests.contract.ledger.world import NOW, World, campaign

OLD = NOW - timedelta(days=400)
BEFORE = {
    DataKind.ATTEMPTS: NOW - timedelta(days=365),
    DataKind.OPERATOR_LOG: NOW - timedelta(days=365),
}


def test_old_attempts_become_counters_and_the_audit_says_so(world: World) -> None:
    spring, debts = campaign(), campaign("debts")
    world.people(3)
    world.save(spring, debts)
    entries = world.entries(spring)
    world.dial(spring, entries[0])
    world.dial(debts, entries[1])
    world.dial(spring, entries[2])
    world.ask(
        "UPDATE attempts SET committed_at = %s WHERE contact_id <> %s",
        OLD,
        entries[2].contact_id,
    )
    by_law = {"debts": NOW - timedelta(days=1095)}
    old = world.ledger.preview_retention(BEFORE, by_law)
    assert old.rows == {DataKind.ATTEMPTS: 1, DataKind.OPERATOR_LOG: 0}
    assert old.locked == {"debts": (1, OLD)}
    assert world.one("SELECT count(*) FROM attempts") == 3, "a preview changes nothing"
    gone = world.ledger.apply_retention(BEFORE, by_law, by="test", now=NOW)
    assert gone[DataKind.ATTEMPTS] == 1
    left = world.ask("SELECT campaign FROM attempts ORDER BY campaign")
    assert left == [("debts",), ("spring",)]
    assert world.ask("SELECT campaign, attempts FROM erased_attempts") == [("spring", 1)]
    assert world.one("SELECT count(*) FROM audit WHERE what = 'retention'") == 1
    assert world.ledger.verify_audit().broken == ()
    again = world.ledger.apply_retention(BEFORE, by_law, by="test", now=NOW)
    assert again[DataKind.ATTEMPTS] == 0


def test_an_open_attempt_and_one_with_its_recording_stay(world: World) -> None:
    spring = campaign()
    world.people(2)
    world.save(spring)
    first, second = world.entries(spring)
    world.commit(spring, [first])
    ended = world.dial(spring, second)
    world.ask("UPDATE attempts SET committed_at = %s", OLD)
    world.ask(
        "INSERT INTO recordings (attempt_id, campaign, instance, path, state, started_at,"
        " keep_until, bytes, sha256) VALUES (%s, 'spring', 'first', 'a.wav', 'kept', %s, %s, 1,"
        " sha256('x'::bytea))",
        ended.attempt_id,
        OLD,
        NOW + timedelta(days=30),
    )
    assert world.ledger.preview_retention(BEFORE, {}).recorded == 1
    assert world.ledger.apply_retention(BEFORE, {}, by="test", now=NOW)[DataKind.ATTEMPTS] == 0


def test_attempts_that_a_limit_looks_back_at_are_kept() -> None:
    assert least_s([campaign()]) >= 30 * 86_400


def test_moved_holidays_of_the_coming_year_are_missed_in_time() -> None:
    """Otherwise the dialer calls on a day off that nobody has entered."""
    plain = Calendar()
    assert moved_days_missing(plain, "RU", date(2026, 9, 30)) is None
    later = next(
        y for y in range(2025, 2060) if moved_days_missing(plain, "RU", date(y, 11, 1))
    )
    entered = CalendarChanges(added=frozenset({date(later + 1, 1, 9)}))
    known = Calendar(changes={"RU": entered})
    assert moved_days_missing(plain, "RU", date(later, 11, 1)) == later + 1
    assert moved_days_missing(known, "RU", date(later, 11, 1)) is None
    assert moved_days_missing(plain, "GB", date(later, 11, 1)) is None
