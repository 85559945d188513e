"""`dialer retention`: what is too old goes, what a law orders to keep stays (R6.6, R6.7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from dialer.core.model import Disposition, InstanceName
from dialer.core.permission.retention import DataKind, least_s
from dialer.settings.calendars import Calendar, CalendarChanges, moved_days_missing
from tests.cli.conftest import Ended
from tests.contract.ledger.world import (
    CONSENT,
    INSTANCE,
    NOW,
    TODAY,
    WIDE,
    World,
    campaign,
    phone,
    row,
    verdict,
)

Dialer = Callable[..., Ended]
OLD = NOW - timedelta(days=400)
BEFORE = {
    DataKind.ATTEMPTS: NOW - timedelta(days=365),
    DataKind.OPERATOR_LOG: NOW - timedelta(days=365),
}
TALKED = verdict(Disposition.TALKED)


def recorded(world: World, attempt: str, state: str = "kept") -> None:
    world.ask(
        "INSERT INTO recordings (attempt_id, campaign, contact_id, instance, path, state,"
        " started_at, keep_until, bytes, sha256) SELECT id, campaign, contact_id, 'first',"
        " id || '.wav', %s, committed_at, committed_at + interval '30 days', 1,"
        " sha256('x'::bytea) FROM attempts WHERE id = %s",
        state,
        attempt,
    )


# ------------------------------------------------------------------ by its kind's time


def test_old_attempts_become_counters_and_the_audit_says_so(world: World) -> None:
    """The law in a call's grounds holds it, whatever became of its campaign's file."""
    spring, debts = campaign(), campaign("debts")
    world.people(3)
    world.save(spring, debts)
    entries = world.entries(spring)
    world.dial(spring, entries[0])
    world.dial(debts, entries[1], preset="ru-debt")
    world.dial(spring, entries[2])
    world.ask(
        "UPDATE attempts SET committed_at = %s WHERE contact_id <> %s",
        OLD,
        entries[2].contact_id,
    )
    old = world.ledger.preview_retention(BEFORE, NOW)
    assert old.rows == {DataKind.ATTEMPTS: 1, DataKind.OPERATOR_LOG: 0}
    assert old.locked == {"debts": (1, OLD)}
    assert world.one("SELECT count(*) FROM attempts") == 3, "a preview changes nothing"
    gone = world.ledger.apply_retention(BEFORE, by="test", now=NOW)
    assert gone["attempts"] == 1
    left = world.ask("SELECT campaign FROM attempts ORDER BY campaign")
    assert left == [("debts",), ("spring",)]
    assert world.ask("SELECT campaign, attempts FROM erased_attempts") == [("spring", 1)]
    assert world.one("SELECT count(*) FROM audit WHERE what = 'retention'") == 1
    assert world.ledger.verify_audit().broken == ()
    again = world.ledger.apply_retention(BEFORE, by="test", now=NOW)
    assert again["attempts"] == 0


def test_a_card_that_nobody_has_touched_goes_with_its_number_and_may_come_back(
    world: World,
) -> None:
    """Not while an attempt of his is kept, nor a number that is stopped; a new list brings him
    again.
    """
    world.people(4)
    world.save(campaign())
    first, second, third, _ = world.entries(campaign())
    world.dial(campaign(), first)
    world.ledger.add_stop(second.phone_id, origin="letter", now=NOW)
    old = "UPDATE contacts SET added_at = %s, updated_at = %s WHERE id < %s"
    world.ask(old, OLD, OLD, third.contact_id + 1)
    world.ask("UPDATE consents SET given_at = given_at - interval '2 years'")
    keep = {DataKind.CONTACTS: NOW - timedelta(days=365)}
    assert world.ledger.preview_retention(keep, NOW).rows == {DataKind.CONTACTS: 2}
    assert world.ledger.apply_retention(keep, by="test", now=NOW)["contacts"] == 2
    left = "SELECT contact_id FROM contact_identity ORDER BY 1"
    assert world.ask(left) == [(first.contact_id,), (third.contact_id + 1,)]
    blank = world.ask("SELECT id FROM phones WHERE digits = ''")
    assert blank == [(third.phone_id,)], "the stopped one is needed for the CRM's list"
    assert world.ledger.reports.orphans() == 0
    world.rows([row(3)])
    assert world.ledger.digits_of([third.phone_id]) == {third.phone_id: phone(3).digits}
    assert world.one("SELECT region FROM phones WHERE id = %s", third.phone_id) == "Moscow"


def test_an_open_attempt_and_one_with_its_recording_stay(world: World) -> None:
    spring = campaign()
    world.people(2)
    world.save(spring)
    first, second = world.entries(spring)
    world.commit(spring, [first])
    ended = world.dial(spring, second)
    world.ask("UPDATE attempts SET committed_at = %s", OLD)
    recorded(world, ended.attempt_id)
    assert world.ledger.preview_retention(BEFORE, NOW).recorded == 1
    assert world.ledger.apply_retention(BEFORE, by="test", now=NOW)["attempts"] == 0


def test_a_run_that_dies_half_way_is_finished_by_another_daemon(world: World) -> None:
    """What was deleted stays deleted and is counted once; nobody runs the same day twice."""
    spring = campaign()
    world.people(7)
    world.save(spring)
    for entry in world.entries(spring):
        world.dial(spring, entry)
    world.ask("UPDATE attempts SET committed_at = %s", OLD)
    ledger, other = world.ledger, InstanceName("second")
    assert ledger.begin_retention(TODAY, INSTANCE, NOW)
    attempts = (one for one in ledger.retention_steps(BEFORE, NOW, 3) if one.kind == "attempts")
    assert [one.rows for one in islice(attempts, 1)] == [3]  # and here it dies
    assert not ledger.begin_retention(TODAY, other, NOW + timedelta(minutes=5))
    later = NOW + timedelta(minutes=11)
    assert ledger.begin_retention(TODAY, other, later)
    assert not ledger.begin_retention(TODAY, INSTANCE, later), "its lease has gone to the other"
    assert sum(one.rows for one in ledger.retention_steps(BEFORE, later, 3)) == 4
    ledger.end_retention(TODAY, other, {"attempts": 4}, later)
    assert ledger.retention_state() == (TODAY, later)
    assert not ledger.begin_retention(TODAY, INSTANCE, NOW + timedelta(hours=2))
    assert world.one("SELECT count(*) FROM attempts") == 0
    assert world.one("SELECT sum(attempts) FROM erased_attempts") == 7


def test_before_its_first_run_it_is_missed_since_the_base_knows_of_it(world: World) -> None:
    last_day, last_at = world.ledger.retention_state()
    assert last_day is None
    assert last_at == world.one(
        "SELECT applied_at FROM migrations WHERE name = '0014_retention_runs'"
    )


def test_attempts_that_a_limit_looks_back_at_are_kept() -> None:
    assert least_s([campaign()]) >= 30 * 86_400


# ------------------------------------------------------------------ held by law


def debtor(world: World) -> tuple[str, datetime]:
    """A recorded talk with a debtor, one without a law, and a consent; the first's attempt, and
    when his law ends. Yesterday, by the clock of the verbs.
    """
    debts, spring = campaign("debts", caps=WIDE), campaign(caps=WIDE)
    world.people(1)
    world.save(debts, spring)
    (entry,), (again,) = world.entries(debts), world.entries(spring)
    talk: dict[str, Any] = {
        "verdict": TALKED,
        "answered_at": NOW,
        "bridged_at": NOW,
        "talk_ms": 60_000,
    }
    held = world.dial(debts, entry, NOW, preset="ru-debt", **talk).attempt_id
    later = NOW + timedelta(minutes=1)
    plain = world.dial(spring, again, later, **talk).attempt_id
    world.ask(
        "UPDATE attempts SET summary = 'her sister is ill', tags = '{sick}',"
        " committed_at = now() - interval '1 day'"
    )
    recorded(world, held)
    recorded(world, plain)
    began = world.one("SELECT committed_at FROM attempts WHERE id = %s", held)
    return str(held), began + timedelta(days=3 * 365)


def test_what_a_law_orders_to_keep_is_locked_and_listed_and_goes_with_its_end(
    dialer: Dialer, world: World
) -> None:
    """Of an erased debtor his calls and recordings stay three years, nothing else of him."""
    held, ends = debtor(world)
    ended = dialer("erase", phone(1).digits, "--yes", DIALER_LOOKUP_KEY="")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("erased: 1 contacts, 1 phones, 1 attempts")
    until = f"locked until {ends:%Y-%m-%d}"
    ground = "230-FZ: calls to debtors and their recordings, 3 years"
    assert f"1 attempts of debts, {until}: {ground}" in ended.out
    assert f"1 recordings of debts, {until}: {ground}" in ended.out
    assert "recordings are due and not yet deleted: 1 of first" in ended.out
    assert "her sister" not in str(world.ask("SELECT to_jsonb(a)::text FROM attempts AS a"))
    assert world.ask("SELECT id::text, tags FROM attempts") == [(held, [])]
    for table in ("contact_identity", "contact_phones", "consents", "queue_entries"):
        assert world.one(f"SELECT count(*) FROM {table}") == 0
    assert world.ledger.reports.orphans() == 0
    due = world.ledger.due_recordings(INSTANCE, ends - timedelta(days=1), 10)
    assert [one.campaign for one in due] == ["spring"], "the held file is not due"
    listed = orjson.loads(dialer("retention", "holds", "--json").out)
    assert {(one["kind"], one["rows"]) for one in listed} == {
        ("attempts", 1),
        ("recordings", 1),
    }
    asked = dialer("why", phone(1).digits)
    assert (asked.code, "ru-debt" in asked.out) == (0, True), "what it is kept for"
    again = dialer("erase", phone(1).digits, "--yes", DIALER_LOOKUP_KEY="")
    assert f"1 attempts of debts, {until}: {ground}" in again.out
    world.ledger.apply_retention({}, by="test", now=ends - timedelta(seconds=1))
    assert world.one("SELECT count(*) FROM attempts") == 1
    files = world.ledger.due_recordings(INSTANCE, ends, 10)
    assert {one.campaign for one in files} == {"debts", "spring"}
    world.ledger.recordings_deleted([one.attempt for one in files], by="test", now=ends)
    gone = world.ledger.apply_retention({}, by="test", now=ends)
    assert (gone["held_attempts"], gone["erased_cards"]) == (1, 1)
    assert world.one("SELECT count(*) FROM attempts") == 0
    assert world.one("SELECT count(*) FROM contacts") == 0
    assert world.one("SELECT sum(attempts) FROM erased_attempts") == 2
    assert dialer("retention", "holds").out == "nothing is kept of people who are erased\n"


def test_a_consent_is_held_from_its_last_use_where_the_law_says_so(
    dialer: Dialer, world: World
) -> None:
    """UWG s. 7a: the proof outlives the person's data by five years."""
    berlin = campaign("berlin")
    world.people(1)
    world.save(berlin)
    (entry,) = world.entries(berlin)
    world.dial(berlin, entry, preset="de")
    world.ask("UPDATE attempts SET committed_at = now() - interval '1 day'")
    until = world.one("SELECT committed_at FROM attempts") + timedelta(days=5 * 365)
    assert dialer("erase", phone(1).digits, "--yes", DIALER_LOOKUP_KEY="").code == 0
    (kept,) = world.ask("SELECT purpose, evidence, held_until FROM consents")
    assert kept == ("sales", CONSENT.evidence, until)
    world.ledger.apply_retention({}, by="test", now=until)
    for table in ("consents", "attempts", "contacts"):
        assert world.one(f"SELECT count(*) FROM {table}") == 0


def test_an_erased_persons_files_go_at_once_where_they_lie(
    dialer: Dialer, world: World, folder: Path
) -> None:
    debtor(world)
    files = folder / "files"
    files.mkdir()
    for (path,) in world.ask("SELECT path FROM recordings"):
        (files / path).write_bytes(b"RIFF")
    config = folder / "dialer.yaml"
    config.write_text(config.read_text() + f"recordings: {{folder: {files}}}\n")
    ended = dialer("erase", phone(1).digits, "--yes", DIALER_LOOKUP_KEY="")
    assert "1 recordings deleted" in ended.out
    assert world.ask("SELECT campaign FROM recordings") == [("debts",)], "rows as well"
    left = [one.name for one in files.iterdir()]
    assert left == [
        path for (path,) in world.ask("SELECT path FROM recordings WHERE campaign = 'debts'")
    ]


# ------------------------------------------------------------------ holidays


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
