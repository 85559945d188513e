"""The stretch of time over which the law counts abandonment: where it begins and ends.

"day" is a day of the zone's calendar; "4h" each four hours from its midnight; "30d" each thirty
days from the midnight before the campaign's first answered call (47 CFR 64.1200(a)(7): each
successive 30-day period). Bounds are instants: a day of 23 or 25 hours is one day.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS_30 = "30d"


def length_s(window: str) -> float:
    """How long it is on an ordinary day."""
    if window == "day":
        return 86400.0
    if window.endswith("d"):
        return int(window[:-1]) * 86400.0
    return int(window[:-1]) * 3600.0


def bounds(
    window: str, zone: str, now: datetime, first_answer_at: datetime | None = None
) -> tuple[datetime, datetime]:
    """[begin, end) of the window that `now` lies in. A first answer in the future (a clock that
    was wrong) counts as now.
    """
    local = now.astimezone(ZoneInfo(zone))
    if window.endswith("h"):
        hours = int(window[:-1])
        begin = local.hour // hours * hours
        until = begin + hours
        end = _at(local, until) if until < 24 else _midnight(local, 1)
        return _at(local, begin), end
    if window == "day":
        return _midnight(local, 0), _midnight(local, 1)
    days = int(window[:-1])
    first = min(first_answer_at or now, now).astimezone(ZoneInfo(zone))
    passed = (local.date() - first.date()).days // days * days
    return _midnight(first, passed), _midnight(first, passed + days)


def _midnight(local: datetime, shift_days: int) -> datetime:
    day = local.date() + timedelta(days=shift_days)
    return datetime.combine(day, time(), local.tzinfo)


def _at(local: datetime, hour: int) -> datetime:
    return datetime.combine(local.date(), time(hour), local.tzinfo)
