"""The kinds of single values that a YAML file may hold, each with its own plain sentence.

Every kind is a reader (plain value -> typed value, or `wrong(what, remedy)`) joined with its
JSON Schema, so that editors, messages and documentation tell the same story.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import time
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from dialer.core.model import Tone
from dialer.settings.wording import did_you_mean, one_of, quoted

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,3})?(?:ms|s|m|h|d|w) ?)+", re.ASCII)
_DURATION_PART = re.compile(r"([0-9.]+)(ms|s|m|h|d|w)", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3}(?:[.,][0-9]{1,4})?) ?%", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(MB|GB|TB)", re.ASCII)
_UNIT_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_TONE = re.compile(r"([0-9]{1,5}) ?Hz ([0-9.]{1,6}(?:ms|s))", re.ASCII)
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{9,14}", re.ASCII)


def wrong(what: str, remedy: str = "") -> PydanticCustomError:
    """The error of a reader: `what` is wrong, `remedy` would be right."""
    return PydanticCustomError("said", "{what}", {"what": what, "remedy": remedy})


def written(default: Any, description: str) -> Any:
    """A field whose default is given as a person would write it; it is read like any value."""
    return Field(default, description=description, validate_default=True)


def read_text(value: Any) -> str:
    """One line of text without control characters, at most 500 characters."""
    if isinstance(value, bool | int | float):
        raise wrong("must be text", "put it in quotes")
    if not isinstance(value, str) or not value.strip():
        raise wrong("must be text")
    if len(value) > 500:
        raise wrong("is longer than 500 characters")
    if not value.isprintable():
        raise wrong("holds a line break or another control character")
    return value.strip()


def read_name(value: Any) -> str:
    """A word that may stand in a command, a key or a metric's label."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _NAME.fullmatch(text):
        raise wrong("is not a name", "Latin letters, digits, '_', '.' and '-', at most 64")
    return text


def read_file_name(value: Any) -> str:
    """A sound file below the switch's sounds folder; never leads out of it."""
    parts = value.split("/") if isinstance(value, str) else []
    if not parts or any(not _NAME.fullmatch(part) or part.strip(".") == "" for part in parts):
        raise wrong(
            "is not a sound file's name",
            "like 'abandoned.wav', below the switch's sounds folder; no spaces, no '..'",
        )
    return str(value)


def seconds(least: float, most: float) -> Callable[[Any], float]:
    """A reader of durations between these bounds, in seconds."""

    def read(value: Any) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise wrong("has no unit", f"say what {value} is: {value}s, {value}m, {value}h?")
        if not isinstance(value, str) or not _DURATION.fullmatch(value):
            raise wrong("is not a duration", "like 1800ms, 25s, 10m, 2h, 3d, 1w or 1h 30m")
        parts = _DURATION_PART.findall(value)
        total = round(sum(float(amount) * _UNIT_S[unit] for amount, unit in parts), 6)
        if total < least:
            raise wrong(f"must be at least {spoken(least)}")
        if total > most:
            raise wrong(f"must be at most {spoken(most)}")
        return total

    return read


def spoken(duration_s: float) -> str:
    """A duration as a person would write it: 25s, 10m, 1h 30m, 1800ms."""
    whole_ms = round(duration_s * 1000)
    if whole_ms % 1000:
        return f"{whole_ms}ms"
    left, parts = whole_ms // 1000, []
    for unit in ("d", "h", "m", "s"):
        amount, left = divmod(left, int(_UNIT_S[unit]))
        if amount:
            parts.append(f"{amount}{unit}")
    return " ".join(parts) or "0s"


def read_size(value: Any) -> int:
    """`50 GB` -> bytes, in powers of ten as disks are sold."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise wrong("is not a size", "like 500 MB, 20 GB or 1.5 TB")
    return round(float(match[1]) * _UNIT_BYTES[match[2]])


def read_folder(value: Any) -> str:
    """An absolute path that may stand in a command of the switch."""
    parts = value.removeprefix("/").split("/") if isinstance(value, str) else []
    good = isinstance(value, str) and value.startswith("/") and len(value) <= 180
    if not good or any(not _NAME.fullmatch(part) or part.strip(".") == "" for part in parts):
        raise wrong(
            "is not a folder's whole path",
            "like /var/lib/dialer/recordings; Latin letters, digits, '_', '.', '-', no spaces",
        )
    return str(value)


def read_tone(value: Any) -> Any:
    """`800 Hz 150ms`."""
    match = _TONE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise wrong("is not a tone", "like 800 Hz 150ms; or off")
    frequency, length_s = int(match[1]), seconds(0.02, 2)(match[2])
    if not 300 <= frequency <= 3000:
        raise wrong("must be from 300 to 3000 Hz", "a telephone carries no others")
    return Tone(frequency_hz=frequency, length_ms=round(length_s * 1000))


def read_percent(value: Any) -> float:
    """`3 %` -> 0.03. A bare number is asked about: 0.03 and 3 mean the same to two people."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        guess = value * 100 if 0 < value < 1 else value
        raise wrong("has no percent sign", f"did you mean {guess:g} %?")
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise wrong("is not a share", "like 3 %")
    share = round(float(match[1].replace(",", ".")) / 100, 8)
    if not 0 <= share < 1:
        raise wrong("must be below 100 %", "3 % is common, and the most in the USA")
    return share


def read_clock(value: Any) -> time:
    """`9:00` -> time(9)."""
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        late = isinstance(value, str) and value.startswith("24:")
        remedy = "23:59 is the latest" if late else "like 9:00 or 21:30"
        raise wrong("is not a time of day", remedy)
    return time(int(match[1]), int(match[2]))


def read_days(value: Any) -> frozenset[int]:
    """`mon-fri, sun`, `[sat, sun]` or `daily` -> {0..6}; a range may run over Sunday."""
    words = value if isinstance(value, list) else str(value).split(",")
    days: set[int] = set()
    for word in words:
        text = word.strip().lower() if isinstance(word, str) else ""
        if text == "daily":
            days.update(range(7))
            continue
        ends = [_day(part.strip()) for part in text.split("-")]
        if len(ends) > 2:
            raise wrong("is not a range of days", "like mon-fri")
        days.update((ends[0] + step) % 7 for step in range((ends[-1] - ends[0]) % 7 + 1))
    return frozenset(days)


def _day(word: str) -> int:
    known = [index for index, name in enumerate(DAY_NAMES) if word[:3] == name]
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    if not known or word not in (DAY_NAMES[known[0]], full[known[0]]):
        raise wrong(f"{quoted(word)} is not a day", "like mon-fri, or [sat, sun], or daily")
    return known[0]


def read_zone(value: Any) -> str:
    """An IANA time zone."""
    if isinstance(value, str) and value in time_zones():
        return value
    remedy = did_you_mean(value, time_zones()) if isinstance(value, str) else ""
    raise wrong(
        "is not an IANA time zone", remedy if "mean" in remedy else "like Europe/Moscow"
    )


@cache
def time_zones() -> frozenset[str]:
    """The names of all IANA zones (read from disk once)."""
    return frozenset(available_timezones())


def read_number(value: Any) -> str:
    """One of our own numbers, E.164 with its plus."""
    text = value.replace(" ", "") if isinstance(value, str) else ""
    if not _E164.fullmatch(text):
        raise wrong("is not a number of ours in E.164", 'like "+74951230001"')
    return text


def read_extension(value: Any) -> str:
    """An operator's extension: 101."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not re.fullmatch(r"[0-9A-Za-z_.-]{1,32}", text, re.ASCII):
        raise wrong("is not an extension", "like 101")
    return text


def read_truth(value: Any) -> bool:
    """Only true or false: in YAML 1.1 'no' was one too, and Norway."""
    if not isinstance(value, bool):
        raise wrong("must be true or false")
    return value


def whole(least: int, most: int) -> Callable[[Any], int]:
    """A reader of whole numbers between these bounds."""

    def read(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong("must be a whole number", f"from {least} to {most}, without quotes")
        if not least <= value <= most:
            raise wrong(f"must be from {least} to {most}")
        return value

    return read


def decimal(least: float, most: float) -> Callable[[Any], float]:
    """A reader of numbers between these bounds."""

    def read(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise wrong("must be a number", f"from {least:g} to {most:g}, without quotes")
        if not least <= value <= most:
            raise wrong(f"must be from {least:g} to {most:g}")
        return float(value)

    return read


def choice(
    words: Mapping[str, Any], later: Mapping[str, str] | None = None
) -> Callable[[Any], Any]:
    """A reader of one word out of a closed set; `later`: known words that are not built yet."""

    def read(value: Any) -> Any:
        if isinstance(value, str) and value in words:
            return words[value]
        if isinstance(value, str) and later and value in later:
            raise wrong(f"{quoted(value)} {later[value]}", one_of(words))
        word = value if isinstance(value, str) else str(value).lower()
        raise wrong(f"{quoted(word)} is not known here", did_you_mean(word, words))

    return read


def schema(**keywords: Any) -> WithJsonSchema:
    """The JSON Schema of a kind."""
    return WithJsonSchema(dict(keywords))


Text = Annotated[str, PlainValidator(read_text), schema(type="string", title="text")]
Name = Annotated[str, PlainValidator(read_name), schema(type="string", title="name")]
Zone = Annotated[
    str, PlainValidator(read_zone), schema(type="string", title="time zone, Europe/Moscow")
]
Truth = Annotated[bool, PlainValidator(read_truth), schema(type="boolean")]
Clock = Annotated[time, PlainValidator(read_clock), schema(type="string", title="time, 9:00")]
SoundFile = Annotated[str, PlainValidator(read_file_name), schema(type="string", title="file")]
OwnNumber = Annotated[
    str, PlainValidator(read_number), schema(type="string", title='number, "+74951230001"')
]
Extension = Annotated[
    str, PlainValidator(read_extension), schema(type=["integer", "string"], title="extension")
]
Percent = Annotated[
    float, PlainValidator(read_percent), schema(type="string", title="percent, 3 %")
]
Days = Annotated[
    frozenset[int],
    PlainValidator(read_days),
    schema(anyOf=[{"type": "string"}, {"type": "array"}], title="days, mon-fri"),
]
_DURATION_TITLE = "duration, 10m"
Duration = Annotated[
    float,
    PlainValidator(seconds(0, 400 * 86400.0)),
    schema(type="string", title=_DURATION_TITLE),
]


def duration_between(least_s: float, most_s: float) -> tuple[PlainValidator, WithJsonSchema]:
    """The two annotations of a duration within bounds."""
    title = f"duration, {spoken(least_s)} to {spoken(most_s)}"
    return PlainValidator(seconds(least_s, most_s)), schema(type="string", title=title)


def whole_between(least: int, most: int) -> tuple[PlainValidator, WithJsonSchema]:
    """The two annotations of a whole number within bounds."""
    title = f"{least} to {most}"
    return PlainValidator(whole(least, most)), schema(
        type="integer", title=title, minimum=least, maximum=most
    )


def decimal_between(least: float, most: float) -> tuple[PlainValidator, WithJsonSchema]:
    """The two annotations of a number within bounds."""
    title = f"{least:g} to {most:g}"
    return PlainValidator(decimal(least, most)), schema(
        type="number", title=title, minimum=least, maximum=most
    )


def matching(pattern: re.Pattern[str], what: str, remedy: str) -> PlainValidator:
    """A text of this form and no other."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise wrong(what, remedy)
        return value

    return PlainValidator(read)


def word_of(words: tuple[str, ...]) -> tuple[PlainValidator, WithJsonSchema]:
    """One of these words."""
    return PlainValidator(choice({word: word for word in words})), schema(enum=list(words))
