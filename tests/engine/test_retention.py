"""The daily retention in the running daemon (R6.7): one daemon, never in dialing's way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from dialer.core.model import InstanceName
from dialer.engine.retention_run import LEAST_PAUSE_S, RetentionRun
from dialer.engine.status import health
from dialer.ports import RetentionState, RetentionStep
from tests.engine.house import US, House

#: 12:00 in Moscow on the clock of the house; the next 3:00 is fifteen hours later.
TO_THREE_S = 15 * 3600.0
TODAY = date(2026, 11, 24)


def runner(home: House) -> tuple[RetentionRun, list[float]]:
    pauses: list[float] = []
    run = RetentionRun(
        lambda: home.plan,
        home.daemon._ports.ledger,
        home.clock,
        home.meter,
        instance=US,
        pause=pauses.append,
    )
    home.books.retained = RetentionState(TODAY, home.clock.now().wall)
    return run, pauses


def test_it_runs_once_at_the_quiet_hour_with_pauses(home: House):
    run, pauses = runner(home)
    home.books.to_retain = [RetentionStep("attempts", 500), RetentionStep("attempts", 20)]
    run.look(home.clock.now())
    assert len(home.books.to_retain) == 2, "not by day"
    home.clock.move(TO_THREE_S)
    run.look(home.clock.now())
    assert home.books.journal[-1] == ("retention", {"attempts": 520})
    assert pauses == [LEAST_PAUSE_S] * 2
    assert home.meter.value("dialer_retention_rows_total", kind="attempts") == 520
    assert home.meter.value("dialer_retention_age_seconds") == 0
    home.books.to_retain = [RetentionStep("attempts", 1)]
    home.clock.move(60)
    run.look(home.clock.now())
    assert len(home.books.to_retain) == 1, "once a day"


def test_what_another_daemon_has_begun_is_left_to_it(home: House):
    run, _ = runner(home)
    home.books.retained_by = InstanceName("another")
    home.books.to_retain = [RetentionStep("attempts", 500)]
    home.clock.move(TO_THREE_S)
    run.look(home.clock.now())
    assert len(home.books.to_retain) == 1


def test_after_two_days_without_it_somebody_is_told(build: Callable[..., House]):
    """Data that should be gone is a breach of its own."""
    home = build()
    home.books.retained = RetentionState(TODAY, home.clock.now().wall - timedelta(days=2.5))
    home.books.retained_by = InstanceName("another")
    home.daemon.retention.look(home.clock.now())
    told = home.daemon.status.value(home.clock.now())
    (why,) = health(told)[1]["troubles"]
    assert why.startswith("retention has not run for 2.5 days")
