"""When the day's retention is due: never by day where a night will do, never forgotten."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.permission.retention import QUIET_H, QuietHour, due_day, holds

THREE = QuietHour(at=time(3, 0), zone="Europe/Moscow")
LATE = QuietHour(at=time(23, 0), zone="Europe/Moscow")


def moscow(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+03:00")


@pytest.mark.parametrize(
    ("quiet", "now", "last", "due"),
    [
        (THREE, "2026-11-24T02:59", "2026-11-23", None),
        (THREE, "2026-11-24T03:00", "2026-11-23", "2026-11-24"),
        (THREE, "2026-11-24T03:00", None, "2026-11-24"),
        (THREE, "2026-11-24T06:59", "2026-11-24", None),
        (THREE, "2026-11-24T07:00", "2026-11-23", None),  # a night missed: the next one will do
        (THREE, "2026-11-24T10:00", None, None),
        (THREE, "2026-11-24T10:00", "2026-11-22", "2026-11-24"),  # two: at any hour
        (
            LATE,
            "2026-11-25T01:00",
            "2026-11-23",
            "2026-11-24",
        ),  # past midnight it is yesterday's
        (LATE, "2026-11-25T01:00", "2026-11-24", None),
    ],
)
def test_the_day_that_is_due(
    quiet: QuietHour, now: str, last: str | None, due: str | None
) -> None:
    found = due_day(moscow(now), quiet, date.fromisoformat(last) if last else None)
    assert found == (date.fromisoformat(due) if due else None)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),
    st.sampled_from(["Europe/Moscow", "America/New_York", "Asia/Kathmandu"]),
    st.times(),
)
def test_who_looks_each_minute_runs_each_day_once(began: datetime, zone: str, at: time) -> None:
    """Over changes of the clock, too: no day twice, none left out."""
    quiet, now, last = QuietHour(at=at, zone=zone), began.replace(tzinfo=UTC), None
    days = []
    for _ in range(5 * 24 * 4):
        day = due_day(now, quiet, last)
        if day is not None:
            days.append(day)
            last = day
        now += timedelta(minutes=15)
    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    assert len(days) in (5, 6)


def test_a_quiet_hour_is_over_before_people_are_called() -> None:
    assert QUIET_H <= 4


def test_each_hold_reaches_back_as_long_as_it_keeps() -> None:
    now = moscow("2026-11-24T12:00")
    assert all(one.since == now - timedelta(seconds=one.keep_s) for one in holds(now))
