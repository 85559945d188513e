"""May the phone be called at this hour? (R3.6) Lawful in every zone that it may lie in.

A window is wall-clock time on days of the week in the called zone, [opens, closes); a holiday
counts as a Sunday; `closes` 00:00 is the end of the day; a window that ends before it begins is
never open. The answer comes with the instant at which it changes.

Method: a zone's time line is cut into stretches of constant offset (a UTC day has one, or two
where the clock is set). In a stretch, wall time is UTC plus the offset, so that its windows
become UTC intervals by subtraction: a spring gap swallows what lies in it, an autumn fold is
open twice. The zones' intervals of a day are intersected. All is whole microseconds; days are
kept in a cache, for a campaign asks the same ones a thousand times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dialer.core.model import Window
from dialer.errors import Bug

#: So many days ahead the next change is looked for: the longest row of holidays and Sundays
#: (Russia's New Year with its weekends) is 12.
AHEAD_DAYS = 16

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_SUNDAY = 6

Intervals = tuple[tuple[int, int], ...]  # [start, end) in microseconds since the epoch, sorted


class Open(NamedTuple):
    """It may be called until then (aware, UTC); None: no end within `AHEAD_DAYS`."""

    until: datetime | None


class Shut(NamedTuple):
    """It may not be called before then (aware, UTC); None: never within `AHEAD_DAYS`."""

    until: datetime | None


def callable_now(
    windows: Sequence[Window],
    zones: Sequence[str],
    now: datetime,
    holidays: frozenset[date] = frozenset(),
    own_windows: Sequence[Window] = (),
    *,
    segment_windows: Sequence[Window] = (),
) -> Open | Shut:
    """Open now in all `zones` (IANA names), by the windows, by the segment's and by the
    contact's own ones?

    No windows: always open, in which case the zones are not looked at. `now` is aware. Raises
    Bug where windows meet no zone or one that does not exist (`is_zone` tells).
    """
    sets = tuple(tuple(one) for one in (windows, segment_windows, own_windows) if one)
    if not sets:
        return Open(None)
    if not zones:
        raise Bug("calling hours without a zone")
    at = (now - _EPOCH) // _MICROSECOND
    first_day = at // _DAY
    changes_at = at
    for start, end in chain.from_iterable(
        _open_on(sets, tuple(zones), day, holidays)
        for day in range(first_day, first_day + AHEAD_DAYS)
    ):
        if changes_at < start:
            return Shut(_instant(start)) if changes_at == at else Open(_instant(changes_at))
        changes_at = max(changes_at, end)
    if changes_at == at:
        return Shut(None)
    # Still open where the search ends is open without an end in sight.
    searched_to = (first_day + AHEAD_DAYS) * _DAY
    return Open(None if changes_at >= searched_to else _instant(changes_at))


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Is it the name of an IANA zone? Any text may be asked."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def next_midnight(zone: str, now: datetime) -> datetime:
    """When the next calendar day begins there (aware, UTC)."""
    there = ZoneInfo(zone)
    tomorrow = now.astimezone(there).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=there).astimezone(UTC)


def period_began(unit: str, zones: Sequence[str], now: datetime) -> datetime:
    """When the present "day", "week" or "month" began in the first of these zones where it did
    (aware, UTC): who may lie in several has his day by all of them.
    """
    return min(_start_of(unit, now.astimezone(ZoneInfo(zone))) for zone in zones)


def next_period(unit: str, zones: Sequence[str], at: datetime) -> datetime:
    """When the day, week or month of `at` is over in all of these zones (aware, UTC)."""
    return max(_next_start(unit, at.astimezone(ZoneInfo(zone))) for zone in zones)


def _start_of(unit: str, there: datetime) -> datetime:
    day = there.date()
    if unit == "week":
        day -= timedelta(days=day.weekday())
    elif unit == "month":
        day = day.replace(day=1)
    return datetime.combine(day, time(), tzinfo=there.tzinfo).astimezone(UTC)


def _next_start(unit: str, there: datetime) -> datetime:
    day = there.date()
    if unit == "day":
        day += timedelta(days=1)
    elif unit == "week":
        day += timedelta(days=7 - day.weekday())
    else:
        day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return datetime.combine(day, time(), tzinfo=there.tzinfo).astimezone(UTC)


def _instant(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


# ------------------------------------------------------------------ one UTC day


@lru_cache(maxsize=8192)
def _open_on(
    sets: tuple[tuple[Window, ...], ...],
    zones: tuple[str, ...],
    day: int,
    holidays: frozenset[date],
) -> Intervals:
    """When it is open in all zones by all sets of windows, on this day since 1970 (UTC)."""
    common: Intervals = ((day * _DAY, (day + 1) * _DAY),)
    for windows in sets:
        for zone in zones:
            common = _both(common, _open_in(windows, zone, day, holidays))
    return common


@lru_cache(maxsize=8192)
def _open_in(
    windows: tuple[Window, ...], zone: str, day: int, holidays: frozenset[date]
) -> Intervals:
    """The same in one zone."""
    if not is_zone(zone):
        raise Bug(f"no such time zone: {zone!r}")
    found = sorted(
        interval
        for start, end, offset in _stretches(ZoneInfo(zone), day)
        for interval in _open_in_stretch(windows, start, end, offset, holidays)
    )
    return _joined(found)


def _open_in_stretch(
    windows: tuple[Window, ...],
    start: int,
    end: int,
    offset: int,
    holidays: frozenset[date],
) -> Iterator[tuple[int, int]]:
    for local_day in range((start + offset) // _DAY, (end - 1 + offset) // _DAY + 1):
        midnight = local_day * _DAY - offset
        weekday = (local_day + 3) % 7  # 1 January 1970 was a Thursday
        if date.fromordinal(_EPOCH_ORDINAL + local_day) in holidays:
            weekday = _SUNDAY
        for window in windows:
            if weekday not in window.days:
                continue
            opens = max(start, midnight + _since_midnight(window.opens))
            closes = min(end, midnight + (_since_midnight(window.closes) or _DAY))
            if opens < closes:
                yield opens, closes


def _since_midnight(wall: time) -> int:
    seconds = wall.hour * 3600 + wall.minute * 60 + wall.second
    return seconds * _SECOND + wall.microsecond


def _stretches(zone: tzinfo, day: int) -> list[tuple[int, int, int]]:
    """(start, end, offset) of the stretches of a UTC day; clocks are set on whole seconds."""
    start, end = day * _DAY, (day + 1) * _DAY
    before, after = _offset(zone, start), _offset(zone, end)
    if before == after:
        return [(start, end, before)]
    low, high = start // _SECOND, end // _SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(zone, middle * _SECOND) == before:
            low = middle
        else:
            high = middle
    set_at = high * _SECOND
    stretches = [(start, set_at, before)]
    if set_at < end:
        stretches.append((set_at, end, after))
    return stretches


def _offset(zone: tzinfo, at: int) -> int:
    offset = _instant(at).astimezone(zone).utcoffset()
    if offset is None:
        raise Bug("a zone without an offset")
    return offset // _MICROSECOND


# ------------------------------------------------------------------ intervals


def _joined(intervals: Sequence[tuple[int, int]]) -> Intervals:
    """Sorted intervals, those that touch or overlap made one."""
    joined: list[tuple[int, int]] = []
    for start, end in intervals:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined)


def _both(left: Intervals, right: Intervals) -> Intervals:
    """Where both are open."""
    return tuple(
        (max(a, c), min(b, d)) for a, b in left for c, d in right if max(a, c) < min(b, d)
    )
