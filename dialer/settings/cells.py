"""Single cells of a contacts' file: text, dates, numbers, times that a contact named.

Text of a stranger stays what it is (a name may hold a line break), less its control characters.
Dates are read in two ways only, ISO and day.month.year: 03/04/2026 means two things.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, time
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

from dialer.core.model import Window
from dialer.settings.scalars import read_clock, read_days

_DOTTED = re.compile(
    r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})(?:[ T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?)?",
    re.ASCII,
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:[.,][0-9]{1,6})?", re.ASCII)
_GROUPED = re.compile(
    r"-?[1-9][0-9]{0,2}(?:[ \u00a0\u202f][0-9]{3}){1,4}(?:[.,][0-9]{1,6})?", re.ASCII
)
_HOURS = re.compile(r"(?:([\w ,-]+?)[ :]+)?([0-9]{1,2}:[0-9]{2}) *[-–—] *([0-9]{1,2}:[0-9]{2})")
_RUSSIAN_DAYS = {
    "пн": "mon", "вт": "tue", "ср": "wed", "чт": "thu", "пт": "fri", "сб": "sat", "вс": "sun",
    "ежедневно": "daily",
}  # fmt: skip
_RUSSIAN_DAY = re.compile("|".join(_RUSSIAN_DAYS))
STATUSES = {
    word: status
    for status, words in {
        "New": "new, новый, новая",
        "In progress": "in progress, в работе, в процессе",
        "Call-back": "call-back, call back, callback, перезвонить",
        "Decided": "decided, решено, успех, успешно",
        "Refused": "refused, отказ",
        "Inactive": "inactive, неактивен, неактивный, не активен",
    }.items()
    for word in words.split(", ")
}


def clean(text: str) -> str:
    """The text without outer blanks and control characters; line breaks and tabs are kept."""
    text = text.strip()
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        char for char in text if char in "\n\t" or unicodedata.category(char)[0] != "C"
    ).strip()


@lru_cache(maxsize=4096)
def read_instant(text: str, zone: str) -> datetime | None:
    """An aware instant; None where the text is no date. A date alone is its midnight."""
    text = text.strip()
    match = _DOTTED.fullmatch(text)
    try:
        if match is not None:
            day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
            instant = datetime(year, month, day, hour, minute, second, tzinfo=ZoneInfo(zone))
        else:
            if len(text) < 10 or not text.isascii():
                return None
            instant = datetime.fromisoformat(text)
            if instant.tzinfo is None:
                instant = instant.replace(tzinfo=ZoneInfo(zone))
        instant.timestamp()
    except (ValueError, OverflowError):
        return None
    return instant if 1900 <= instant.year <= 2200 else None


@lru_cache(maxsize=16384)
def read_value(text: str) -> Any:
    """A field of the list's own: numbers as numbers, dates as ISO text, else the text."""
    text = clean(text)
    if not text or not (text[0].isdigit() or text[0] == "-"):
        return text
    if _NUMBER.fullmatch(text) or _GROUPED.fullmatch(text):
        plain = "".join(text.split()).replace(",", ".")
        return float(plain) if "." in plain else int(plain)
    match = _DOTTED.fullmatch(text)
    if match is not None:
        instant = read_instant(text, "UTC")
        if instant is None:
            return text
        return (
            instant.date() if match[4] is None else instant.replace(tzinfo=None)
        ).isoformat()
    return text


@lru_cache(maxsize=4096)
def read_hours(text: str) -> tuple[Window, ...] | None:
    """`mon-fri 10:00-12:00; sat 11:00-13:00` (also пн-пт); None where it is not readable."""
    windows: list[Window] = []
    for part in re.split(r"[;\n]", text.lower()):
        if not part.strip():
            continue
        match = _HOURS.fullmatch(part.strip())
        if match is None:
            return None
        days = _RUSSIAN_DAY.sub(lambda found: _RUSSIAN_DAYS[found[0]], match[1] or "daily")
        try:
            opens, closes = _clock(match[2]), _clock(match[3])
            windows.append(Window(read_days(days), opens, closes))
        except PydanticCustomError:
            return None
        if closes <= opens:
            return None
    return tuple(windows)


def _clock(text: str) -> time:
    return read_clock(text)
