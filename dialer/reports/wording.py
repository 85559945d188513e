"""How figures are said to a person: instants, durations, masked phones, names of columns."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

#: Country and area code, and the last two: enough to recognise, too little to dial.
_KEPT_FIRST, _KEPT_LAST = 5, 2


def masked(digits: str) -> str:
    """`+79161234501` -> `+7916*****01`; what is too short to mask is all stars."""
    hidden = len(digits) - _KEPT_FIRST - _KEPT_LAST
    if hidden <= 0:
        return "*" * len(digits)
    return f"{digits[:_KEPT_FIRST]}{'*' * hidden}{digits[-_KEPT_LAST:]}"


def clock(at: datetime, zone: str, now: datetime) -> str:
    """The time there, with the date where it is not today's: `21:00`, `25.11. 09:00`."""
    there, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone)).date()
    if there.date() == today:
        return f"{there:%H:%M}"
    if there.year == today.year:
        return f"{there:%d.%m. %H:%M}"
    return f"{there:%d.%m.%Y %H:%M}"


def span(seconds: float) -> str:
    """`45 s`, `12 min 05 s`, `3 h 07 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def words(name: str) -> str:
    """`no_answer` -> `no answer`."""
    return name.replace("_", " ")
