"""Local days, weeks and months, and when hours are open: found by walking by quarters."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

QUARTER = timedelta(minutes=15)
#: R3.6's next opening is looked for in so many days of UTC.
SEARCHED = 16

#: (days, Monday 0; first minute; first minute no longer) of each window.
Hours = tuple[tuple[frozenset[int], int, int], ...]


# -------------------------------------------------------- the calendar


@lru_cache(maxsize=1 << 20)
def local(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone))


def period(unit: str, at: datetime, zone: str) -> date:
    """Its first day: two instants of one period have the same."""
    day = local(at, zone).date()
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


@lru_cache(maxsize=1 << 16)
def begins(day: date, zone: str) -> datetime:
    """The first instant of a day there, found by walking."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=20)
    while local(at, zone).date() < day:
        at += QUARTER
    return at


def next_begins(unit: str, at: datetime, zone: str) -> datetime:
    """When the next period begins there."""
    first = period(unit, at, zone)
    if unit == "month":
        return begins((first + timedelta(days=32)).replace(day=1), zone)
    return begins(first + timedelta(days=7 if unit == "week" else 1), zone)


# -------------------------------------------------------- open at an instant


def is_open(
    sets: tuple[Hours, ...], zones: tuple[str, ...], free: frozenset[date], at: datetime
) -> bool:
    """In all zones, by each of these sets of windows; windows and clocks change on quarters."""
    quarter = at - timedelta(
        minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond
    )
    return all(_in_windows(windows, zone, free, quarter) for windows in sets for zone in zones)


@lru_cache(maxsize=1 << 20)
def _in_windows(windows: Hours, zone: str, free: frozenset[date], at: datetime) -> bool:
    there = at.astimezone(ZoneInfo(zone))
    weekday = 6 if there.date() in free else there.weekday()
    wall = there.hour * 60 + there.minute
    return any(weekday in days and opens <= wall < closes for days, opens, closes in windows)


def next_change(
    sets: tuple[Hours, ...],
    zones: tuple[str, ...],
    free: frozenset[date],
    now: datetime,
    *,
    to: bool,
) -> datetime | None:
    """The first quarter after now at which it is open (`to`) or shut; None: not in sight."""
    quarter = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    return _next_change(sets, zones, free, quarter, to)


@lru_cache(maxsize=1 << 18)
def _next_change(
    sets: tuple[Hours, ...],
    zones: tuple[str, ...],
    free: frozenset[date],
    at: datetime,
    to: bool,
) -> datetime | None:
    end = at.replace(hour=0, minute=0) + timedelta(days=SEARCHED)
    while (at := at + QUARTER) < end:
        if is_open(sets, zones, free, at) is to:
            return at
    return None
