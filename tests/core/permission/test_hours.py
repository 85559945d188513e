"""Lawful hours in the called zone, to the minute, also when clocks are set."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.model import Window
from dialer.core.permission.hours import (
    Open,
    Shut,
    callable_now,
    is_zone,
    next_midnight,
)
from dialer.errors import Bug

WEEK = frozenset(range(5))
EVERY = frozenset(range(7))
MOSCOW = "Europe/Moscow"  # UTC+3, never set
BERLIN = "Europe/Berlin"  # set on 29 March and 25 October 2026, at 01:00 UTC


def window(opens: str, closes: str, days: frozenset[int] = EVERY) -> Window:
    return Window(days, time.fromisoformat(opens), time.fromisoformat(closes))


def at(text: str, zone: str = "UTC", fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def test_open_until_the_window_closes():
    """[opens, closes): 08:00:00 is open, 22:00:00 is not."""
    hours = (window("08:00", "22:00", WEEK), window("09:00", "20:00", frozenset({5, 6})))
    now = at("2026-11-24 12:00", MOSCOW)  # a Tuesday
    assert callable_now(hours, [MOSCOW], now) == Open(at("2026-11-24 22:00", MOSCOW))
    opening = at("2026-11-24 08:00", MOSCOW)
    assert isinstance(callable_now(hours, [MOSCOW], opening), Open)
    assert callable_now(hours, [MOSCOW], opening - timedelta(microseconds=1)) == Shut(opening)
    closing = at("2026-11-24 22:00", MOSCOW)
    assert callable_now(hours, [MOSCOW], closing) == Shut(at("2026-11-25 08:00", MOSCOW))
    assert callable_now(hours, [MOSCOW], at("2026-11-27 23:00", MOSCOW)) == Shut(
        at("2026-11-28 09:00", MOSCOW)
    )


def test_a_phone_of_two_zones_is_called_only_when_both_allow_it():
    """A mobile may lie anywhere: Kaliningrad is still asleep, Vladivostok already is (R3.6)."""
    hours = (window("08:00", "22:00"),)
    zones = ["Europe/Kaliningrad", "Asia/Vladivostok"]  # UTC+2 and UTC+10
    noon = at("2026-11-24 12:00", "Asia/Vladivostok")  # 04:00 in Kaliningrad
    common = at("2026-11-24 06:00")  # 08:00 in Kaliningrad, 16:00 in Vladivostok
    assert callable_now(hours, zones, noon) == Shut(common)
    assert callable_now(hours, zones, common) == Open(at("2026-11-24 12:00"))


def test_zones_without_a_common_hour_are_never_called():
    hours = (window("10:00", "13:00"),)
    zones = ["Europe/Kaliningrad", "Asia/Kamchatka"]
    assert callable_now(hours, zones, at("2026-11-24 12:00")) == Shut(None)


def test_no_windows_are_always_open():
    assert callable_now((), [], at("2026-11-24 03:00")) == Open(None)


def test_windows_round_the_clock_have_no_end():
    assert callable_now((window("00:00", "00:00"),), [MOSCOW], at("2026-11-24 03:00")) == Open(
        None
    )


def test_a_window_to_midnight_ends_with_the_day():
    """18:00-00:00 is the evening, not nothing."""
    evening = (window("18:00", "00:00", frozenset({1})),)
    now = at("2026-11-24 23:59", MOSCOW)
    assert callable_now(evening, [MOSCOW], now) == Open(at("2026-11-25 00:00", MOSCOW))


def test_a_window_over_midnight_written_as_two_is_one():
    night = (window("20:00", "00:00"), window("00:00", "02:00"))
    now = at("2026-11-24 23:00", MOSCOW)
    assert callable_now(night, [MOSCOW], now) == Open(at("2026-11-25 02:00", MOSCOW))


def test_a_holiday_counts_as_a_sunday():
    """New Year from Thursday 31 December 2026 on: nothing before the holidays are over."""
    hours = (window("09:00", "18:00", WEEK),)
    holidays = frozenset(date(2027, 1, day) for day in range(1, 11))
    now = at("2026-12-31 19:00", MOSCOW)
    assert callable_now(hours, [MOSCOW], now) == Shut(at("2027-01-01 09:00", MOSCOW))
    # 1 to 10 January are holidays; the 11th is a Monday: ten days ahead and still found.
    assert callable_now(hours, [MOSCOW], now, holidays) == Shut(at("2027-01-11 09:00", MOSCOW))
    sundays = (*hours, window("12:00", "14:00", frozenset({6})))
    assert callable_now(sundays, [MOSCOW], now, holidays) == Shut(
        at("2027-01-01 12:00", MOSCOW)
    )


def test_a_holiday_is_one_where_the_phone_is():
    """At 22:00 UTC on New Year's Eve it is a holiday in Moscow and a working day in London."""
    hours = (window("00:00", "00:00", WEEK),)
    holidays = frozenset({date(2027, 1, 1)})
    now = at("2026-12-31 22:00")
    assert isinstance(callable_now(hours, [MOSCOW], now, holidays), Shut)
    assert isinstance(callable_now(hours, ["Europe/London"], now, holidays), Open)


def test_the_time_that_the_contact_named_lies_inside_the_lawful_hours():
    hours, own = (window("08:00", "22:00"),), (window("07:00", "09:00"),)
    now = at("2026-11-24 07:30", MOSCOW)
    assert callable_now(hours, [MOSCOW], now, own_windows=own) == Shut(
        at("2026-11-24 08:00", MOSCOW)
    )
    now = at("2026-11-24 08:30", MOSCOW)
    assert callable_now(hours, [MOSCOW], now, own_windows=own) == Open(
        at("2026-11-24 09:00", MOSCOW)
    )


def test_spring_gap():
    """29 March 2026, Berlin: 02:00-03:00 does not exist; a window in it is never open."""
    gone = (window("02:15", "02:45"),)
    before = at("2026-03-29 00:30")  # 01:30 in Berlin
    assert callable_now(gone, [BERLIN], before) == Shut(at("2026-03-30 02:15", BERLIN))
    # A window that begins in the gap begins when the gap ends.
    half = (window("02:30", "04:00"),)
    assert callable_now(half, [BERLIN], before) == Shut(at("2026-03-29 01:00"))
    assert callable_now(half, [BERLIN], at("2026-03-29 01:30")) == Open(at("2026-03-29 02:00"))


def test_autumn_fold():
    """25 October 2026, Berlin: 02:00-03:00 comes twice; a window in it is open twice."""
    twice = (window("02:15", "02:45"),)
    first, second = at("2026-10-25 00:15"), at("2026-10-25 01:15")
    assert callable_now(twice, [BERLIN], first) == Open(at("2026-10-25 00:45"))
    assert callable_now(twice, [BERLIN], at("2026-10-25 00:45")) == Shut(second)
    assert callable_now(twice, [BERLIN], second) == Open(at("2026-10-25 01:45"))
    # 01:00-02:30 is open until 02:30, shut, and open again when 02:00 comes back.
    early = (window("01:00", "02:30"),)
    assert callable_now(early, [BERLIN], at("2026-10-24 23:30")) == Open(at("2026-10-25 00:30"))
    assert callable_now(early, [BERLIN], at("2026-10-25 00:40")) == Shut(at("2026-10-25 01:00"))


def test_windows_without_a_zone_are_a_bug_of_ours():
    """Whoever asks has to decide what an unknown zone means: never "open"."""
    for zones in ([], ["Europe/Atlantis"], ["../../etc/passwd"]):
        with pytest.raises(Bug):
            callable_now((window("08:00", "22:00"),), zones, at("2026-11-24 12:00"))


@pytest.mark.parametrize("name", ["", "Europe", "/etc/passwd", "../UTC", "a\0b", "Mars/Base"])
def test_no_text_is_taken_for_a_zone(name):
    assert not is_zone(name)


def test_real_zones_are_zones():
    assert is_zone("Asia/Yekaterinburg")


@pytest.mark.parametrize(
    ("zone", "now", "midnight"),
    [
        (MOSCOW, "2026-11-24 20:59", "2026-11-24 21:00"),
        (MOSCOW, "2026-11-24 21:00", "2026-11-25 21:00"),
        (BERLIN, "2026-03-29 00:00", "2026-03-29 22:00"),
        # Midnight itself is skipped on this day in Beirut: the day begins at 01:00 there.
        ("Asia/Beirut", "2026-03-28 12:00", "2026-03-28 22:00"),
    ],
)
def test_the_next_day_begins_where_the_phone_is(zone, now, midnight):
    assert next_midnight(zone, at(now)) == at(midnight)


# ------------------------------------------------------------------ against brute force

ZONES = ["Europe/Moscow", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]
MINUTES = st.integers(0, 24 * 12 - 1).map(lambda five: time(five // 12, five % 12 * 5))
WINDOWS = st.lists(
    st.builds(
        Window,
        st.frozensets(st.integers(0, 6), min_size=1),
        MINUTES,
        MINUTES,
    ),
    min_size=1,
    max_size=3,
)
# Around the days on which clocks are set in 2026: 8 and 29 March, 5 April, 4 and 25 October,
# 1 November.
AROUND = st.sampled_from(
    [
        date(2026, 3, 7),
        date(2026, 3, 28),
        date(2026, 4, 4),
        date(2026, 10, 24),
        date(2026, 7, 1),
    ]
)


def is_open(windows, zones, when, holidays):
    """The definition itself: the wall clock of each zone, looked at."""
    for name in zones:
        local = when.astimezone(ZoneInfo(name))
        day = 6 if local.date() in holidays else local.weekday()
        wall = local.time()
        if not any(
            day in one.days
            and one.opens <= wall
            and (wall < one.closes or one.closes == time(0, 0))
            for one in windows
        ):
            return False
    return True


@settings(max_examples=60, deadline=None)
@given(
    WINDOWS,
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=2, unique=True),
    AROUND,
    st.integers(0, 48 * 60),
    st.booleans(),
)
def test_the_answer_is_that_of_a_clock_watched_minute_by_minute(
    windows, zones, day, minute, with_holiday
):
    """Open or shut now, and not a minute earlier or later than the wall clocks say."""
    now = datetime.combine(day, time(), tzinfo=UTC) + timedelta(minutes=minute)
    holidays = frozenset({day + timedelta(days=1)} if with_holiday else ())
    answer = callable_now(windows, zones, now, holidays)
    assert isinstance(answer, Open) == is_open(windows, zones, now, holidays)
    until = answer.until or now + timedelta(days=3)
    # All edges lie on whole five minutes (every zone's offset here is a multiple of them).
    watched = now - timedelta(minutes=now.minute % 5) + timedelta(minutes=5)
    while watched < min(until, now + timedelta(days=3)):
        assert is_open(windows, zones, watched, holidays) == isinstance(answer, Open)
        watched += timedelta(minutes=5)
    if answer.until is not None:
        assert is_open(windows, zones, until, holidays) != isinstance(answer, Open)
