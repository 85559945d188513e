"""Migrations, lost connections, clear errors, the reports' arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import gevent
import psycopg
import pytest

from dialer.core.model import CampaignName, Disposition, InstanceName, OperatorId
from dialer.errors import StoreError
from dialer.ledger.migrate import MIGRATIONS, migrate, migrations
from dialer.ledger.pool import Pool
from dialer.ledger.store import PostgresLedger
from dialer.ports import OperatorChange
from tests.contract.ledger.world import (
    NOW,
    NUMBER,
    TODAY,
    WIDE,
    World,
    campaign,
    number,
    retry,
    verdict,
)

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


# ------------------------------------------------------------------ migrations


def copied(folder: Path) -> Path:
    for path in MIGRATIONS.glob("*.sql"):
        (folder / path.name).write_text(path.read_text())
    return folder


def test_migrations_apply_once_and_two_daemons_may_start_together(
    new_database: Callable[..., str],
) -> None:
    dsn = new_database()
    both = [gevent.spawn(migrate, dsn) for _ in range(2)]
    gevent.joinall(both, raise_error=True)
    names = [migration.name for migration in migrations()]
    assert sorted(len(greenlet.value or ()) for greenlet in both) == [0, len(names)]
    assert migrate(dsn) == []


def test_edited_or_unknown_migration_is_an_error(
    new_database: Callable[..., str], tmp_path: Path
) -> None:
    """A schema that differs from its files would be found out at night."""
    dsn = new_database()
    folder = copied(tmp_path)
    migrate(dsn, folder)
    first = sorted(folder.glob("*.sql"))[0]
    text = first.read_text()
    first.write_text(text + "\n-- a small improvement\n")
    with pytest.raises(StoreError, match=r"0001_base was edited .*put the file back"):
        migrate(dsn, folder)
    first.write_text(text)
    sorted(folder.glob("*.sql"))[-1].unlink()
    with pytest.raises(StoreError, match="applied by a newer program"):
        migrate(dsn, folder)


def test_failing_migration_leaves_nothing_half_done(
    new_database: Callable[..., str], tmp_path: Path
) -> None:
    dsn = new_database()
    folder = copied(tmp_path)
    (folder / "0999_broken.sql").write_text("CREATE TABLE half (id int); SELECT 1/0;")
    with pytest.raises(StoreError, match="division by zero"):
        migrate(dsn, folder)
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT to_regclass('half')").fetchone()
    assert row == (None,)
    (folder / "0999_broken.sql").write_text("CREATE TABLE half (id int);")
    assert migrate(dsn, folder) == ["0999_broken"]


def test_unmigrated_database_is_said_at_open(new_database: Callable[..., str]) -> None:
    dsn = new_database()
    with pytest.raises(StoreError, match=r"not applied.*run the migrations"):
        PostgresLedger(dsn).open()
    ledger = PostgresLedger(dsn, migrate_at_open=True)
    ledger.open()
    ledger.close()


# ------------------------------------------------------------------ connections


@pytest.mark.parametrize(
    ("change", "what", "remedy"),
    [
        ({"password": "wrong"}, "password authentication failed", "check the user"),
        ({"database": "nowhere"}, 'database "nowhere" does not exist', "create the database"),
        ({"port": "1"}, "(?i)refused", "check that PostgreSQL runs"),
    ],
)
def test_what_keeps_us_out_is_said_with_its_remedy(
    dsn: str, change: dict[str, str], what: str, remedy: str
) -> None:
    """ "Bad input" of the issue: one clear sentence, no traceback, never the password."""
    parts = urlsplit(dsn)
    password = change.get("password", parts.password)
    port = change.get("port", str(parts.port))
    address = f"{parts.username}:{password}@{parts.hostname}:{port}"
    path = "/" + change.get("database", parts.path[1:])
    ledger = PostgresLedger(urlunsplit(parts._replace(netloc=address, path=path)))
    with pytest.raises(StoreError, match=what) as caught:
        ledger.open()
    assert remedy in caught.value.remedy
    assert str(password) not in str(caught.value)


def test_backend_killed_in_a_transaction_is_a_store_error_and_the_pool_recovers(
    world: World, dsn: str
) -> None:
    """R10.4: PostgreSQL restarts; the daemon must neither hang nor go on with a dead pool."""
    world.people(1)
    world.save(campaign())
    entries = world.entries(campaign())
    with psycopg.connect(dsn, autocommit=True) as killer:
        killer.execute("BEGIN")
        killer.execute("SELECT id FROM phones FOR NO KEY UPDATE")
        waiting = gevent.spawn(world.commit, campaign(), entries)
        kill = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        while not killed_one_that_waits(killer, kill):
            gevent.sleep(0.01)
        with pytest.raises(StoreError):
            waiting.get(timeout=5)
        killer.execute("COMMIT")
    (answer,) = world.commit(campaign(), entries)
    assert answer.committed
    assert world.dialed() == 1


def killed_one_that_waits(killer: psycopg.Connection, kill: str) -> bool:
    blocked = killer.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database()"
    ).fetchone()
    if not blocked or not blocked[0]:
        return False
    killer.execute(kill)
    return True


def test_killed_greenlet_gives_its_connection_back(dsn: str) -> None:
    """A greenlet that dies in SQL must not eat the pool (BaseException: GreenletExit)."""
    pool = Pool(dsn, max_size=1, wait_s=5)
    pool.open()

    def sleeper() -> None:
        with pool.transaction() as connection:
            connection.execute("SELECT pg_sleep(30)")

    greenlet = gevent.spawn(sleeper)
    gevent.sleep(0.05)
    greenlet.kill()
    with pool.connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    pool.close()


def test_full_pool_is_a_store_error_in_time(dsn: str) -> None:
    pool = Pool(dsn, max_size=1, wait_s=0.1)
    pool.open()
    with (
        pool.connection(),
        pytest.raises(StoreError, match="couldn't get a connection"),
        pool.connection(),
    ):
        pass
    pool.close()


def test_errors_never_quote_a_row(world: World) -> None:
    """R7.5: PostgreSQL's DETAIL would bring a phone number into the log."""
    world.people(1)
    pool = Pool(world.dsn, max_size=1, wait_s=5)
    pool.open()
    with pytest.raises(StoreError) as caught, pool.connection() as connection:
        connection.execute(
            "INSERT INTO phones (lookup_key, digits) SELECT lookup_key, digits FROM phones"
        )
    assert "7495" not in str(caught.value)
    assert "phones_lookup_key" in str(caught.value)
    pool.close()


def test_closing_wakes_a_waiting_feeder(
    another_ledger: Callable[..., PostgresLedger],
) -> None:
    """Drain must not wait for LISTEN's time to run out."""
    ledger = another_ledger()
    assert ledger.wait_for_work(0) == frozenset()
    waiting = gevent.spawn(ledger.wait_for_work, 0.2)
    gevent.sleep(0.05)
    ledger.close()
    assert waiting.get(timeout=5) == frozenset()


def test_clock_offset_is_measured_by_the_given_clock(
    another_ledger: Callable[..., PostgresLedger],
) -> None:
    """R10.7: hours, limits and days hang on it."""
    import time

    behind = another_ledger(wall=lambda: time.time() - 100)
    assert behind.clock_offset_s() == pytest.approx(100, abs=0.5)
    assert abs(another_ledger().clock_offset_s()) < 0.5


def test_constraints_hold_what_must_hold(world: World) -> None:
    world.people(1)
    world.save(campaign())
    world.commit(campaign(), world.entries(campaign()))
    bad = (
        "UPDATE number_days SET dialed = hard_limit + 1",
        "UPDATE number_days SET dialed = -1",
        "UPDATE phones SET state = 'gone'",
        "UPDATE contacts SET status = 'Maybe'",
        "UPDATE queue_entries SET tier = 3",
        "UPDATE attempts SET ended_at = now()",
        "UPDATE attempts SET phone_id = 99",
        "INSERT INTO stops (phone_id, category, scope, added_at, origin)"
        " VALUES (1, 'not_now', 'global', now(), 'x')",
        "INSERT INTO consents (phone_id, purpose, given_at, expires_at)"
        " VALUES (1, 'x', now(), now() - interval '1 day')",
    )
    for statement in bad:
        with pytest.raises(psycopg.errors.IntegrityError):
            world.ask(statement)


# ------------------------------------------------------------------ reports


def test_reports_add_up(world: World) -> None:
    """The report's figures are the attempts', counted by hand here."""
    world.people(6)
    world.save(campaign())
    entries = world.entries(campaign())
    talk: dict[str, Any] = {
        "verdict": verdict(Disposition.TALKED),
        "answered_at": NOW,
        "bridged_at": NOW,
        "talk_ms": 60_000,
        "wait_ms": 500,
        "operator": OperatorId("101"),
    }
    world.dial(campaign(), entries[0], **talk)
    world.dial(campaign(), entries[1], **{**talk, "talk_ms": 30_000, "wait_ms": 1500})
    world.dial(campaign(), entries[2], verdict=verdict(Disposition.ABANDONED), answered_at=NOW)
    failed = verdict(Disposition.CARRIER_FAILURE, charged=False, number_charged=False)
    world.dial(campaign(), entries[3], verdict=failed, ring_ms=None)
    world.dial(campaign(), entries[4], short_answer=True, answered_at=NOW)
    world.commit(campaign(), [entries[5]])

    reports, span = world.ledger.reports, (NOW, NOW + HOUR)
    name = CampaignName("spring")
    assert reports.dispositions(name, *span) == {
        "talked": 2,
        "abandoned": 1,
        "carrier_failure": 1,
        "no_answer": 1,
    }
    totals = reports.totals(name, *span)
    assert (totals.attempts, totals.unresolved, totals.contacts, totals.tries) == (6, 1, 6, 4)
    assert (totals.answered, totals.talked, totals.abandoned) == (4, 2, 1)
    assert (totals.short_answers, totals.talk_ms, totals.mean_wait_ms) == (1, 90_000, 1000)
    assert totals.abandoned_share == pytest.approx(1 / 3)
    assert reports.totals(None, *span) == totals
    assert reports.totals(CampaignName("winter"), *span).attempts == 0
    assert reports.calls_per_number(TODAY, TODAY) == [(NUMBER, TODAY, 5, 80)]
    assert reports.numbers_of_campaign(name, *span) == [(NUMBER, 6, 5, 4, 2)]
    assert reports.operator_talks(*span) == [("101", 2, 90_000)]
    assert [h[1:] for h in reports.hours(name, *span, "Europe/Moscow")] == [(6, 4, 2, 1)]
    assert reports.hours(name, *span, "Europe/Moscow")[0].hour.hour == 12
    assert reports.rounds(name) == {0: 6}
    states = {(s.state, s.reason, s.tier): s.entries for s in reports.queue_states(name)}
    assert states == {
        ("dialing", None, 1): 1,
        ("waiting", "retry_later", 1): 1,
        ("waiting", "retry_later", 2): 4,
    }
    assert reports.dialed_twice(*span) == 0
    assert reports.base_counts("people")["contacts"] == 6


def test_dialed_twice_is_found_if_it_ever_happens(world: World) -> None:
    """The witness must not be blind."""
    world.people(1)
    wide = campaign(caps=WIDE)
    world.save(wide)
    (entry,) = world.entries(wide)
    world.dial(wide, entry, next=retry(NOW))
    (again,) = world.entries(wide)
    world.dial(wide, again, NOW + SECOND, next=retry(NOW))
    assert world.ledger.reports.dialed_twice(NOW, NOW + HOUR) == 0
    world.ask("UPDATE attempts SET ended_at = ended_at + interval '1 minute'")
    assert world.ledger.reports.dialed_twice(NOW, NOW + HOUR) == 1


def test_explain_tells_the_grounds_of_then(world: World) -> None:
    """R6.8."""
    world.people(1)
    world.save(campaign())
    (answer,) = world.commit(campaign(), world.entries(campaign()))
    told = world.ledger.reports.explain(answer.attempt_id)
    assert told is not None
    assert (told["grounds"]["consent"], told["number"]) == ("form 7", NUMBER)


def test_operator_times_are_cut_at_the_bounds(world: World) -> None:
    """Occupancy must not count the night."""
    changes = [
        OperatorChange(NOW - HOUR, InstanceName("first"), OperatorId("101"), "ready"),
        OperatorChange(NOW + 10 * SECOND, InstanceName("first"), OperatorId("101"), "talking"),
        OperatorChange(NOW + 40 * SECOND, InstanceName("first"), OperatorId("101"), "wrapup"),
        OperatorChange(NOW + 2 * HOUR, InstanceName("first"), OperatorId("101"), "offline"),
    ]
    world.ledger.log_operators(changes)
    times = world.ledger.reports.operator_times(NOW, NOW + 60 * SECOND)
    assert [(t.state, t.seconds) for t in times] == [
        ("ready", 10.0),
        ("talking", 30.0),
        ("wrapup", 20.0),
    ]


def test_charges_rebuild_the_hopper_by_number_and_day(world: World) -> None:
    world.people(2)
    world.save(campaign())
    world.commit(campaign(), world.entries(campaign()))
    tomorrow = TODAY + timedelta(days=1)
    assert world.ledger.charges([TODAY, tomorrow]) == {(NUMBER, TODAY): 2}
    assert world.ledger.charges([date(2020, 1, 1)]) == {}


def test_numbers_follow_their_configuration(world: World) -> None:
    world.ledger.save_numbers([number(zone="Asia/Omsk", hard_limit=50), number()])
    assert world.ask("SELECT zone, hard_limit FROM numbers") == [("Europe/Moscow", 80)]
    world.ledger.save_numbers([number(state="resting")])
    assert world.one("SELECT state FROM numbers") == "resting"
