"""What the simulated world is like: carriers, callees, operators' phones, the switch's ways.

A `World` is frozen and has defaults for everything; `load_world` reads one from YAML (unknown
keys and wrong values are refused with their place). All durations are seconds of the world;
`time_scale` shortens all of them alike (0.01 = a hundred times faster).
`patterns` forces behaviours: the first pattern whose regex matches the whole dialed number
wins.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from dialer.errors import ConfigError, Problem

Range = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A way to a carrier. `up` is what its OPTIONS ping says; `closed`: nobody listens there.

    With `up_s` and `down_s` it flaps for ever; above `calls_per_s` the carrier refuses by 503.
    """

    up: bool = True
    closed: bool = False
    up_s: float | None = None
    down_s: float | None = None
    calls_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callees:
    """The people who are called. The shares are weights; `invalid` is fixed for a number.

    Ringing and talking are lognormal (median, sigma of the logarithm). Of those who answer,
    `impatient_share` leave within 3 s, the others wait exponentially with `patience_mean_s`.
    """

    answered: float = 0.36
    machine: float = 0.06
    busy: float = 0.07
    no_answer: float = 0.32
    rejected: float = 0.06
    blocked: float = 0.01
    invalid: float = 0.04
    unavailable: float = 0.05
    carrier_failure: float = 0.01
    early_media: float = 0.02
    post_dial_delay_s: Range = (0.2, 1.5)
    ring_median_s: float = 9.0
    ring_sigma: float = 0.5
    talk_median_s: float = 45.0
    talk_sigma: float = 0.7
    patience_mean_s: float = 30.0
    impatient_share: float = 0.05
    key_share: float = 0.02
    key: str = "9"
    silent_share: float = 0.05  # of no_answer: the carrier never signals ringing


@dataclass(frozen=True, slots=True, kw_only=True)
class Phones:
    """The operators' phones. Extensions are regexes of the whole extension; "" = none."""

    answer_s: Range = (0.2, 1.0)
    losses_per_hour: float = 0.0
    absent: str = ""  # not in the directory
    unregistered: str = ""
    refusing: str = ""  # rings and is declined


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """The switch's own delays and races (freeswitch-proofs.md 3, 4, 10), as measured.

    `races` False always takes the order of the recorded samples. `delivery_s` > 0: events wait
    up to so long unless the client's bytes wake the socket (the real one: 0.02; never scaled).
    """

    job_s: Range = (0.0, 0.0)  # until the job's thread runs; above 0 a kill can come too early
    create_s: Range = (0.0003, 0.0015)
    notice_s: Range = (0.001, 0.02)
    leave_s: Range = (0.001, 0.007)
    hand_over_s: Range = (0.024, 0.062)
    park_on_cancel_s: Range = (0.005, 0.02)
    rescue_s: Range = (0.003, 0.008)
    report_s: Range = (0.0, 0.02)  # a leg is forgotten before its HANGUP_COMPLETE is told
    lost_share: float = 0.003  # of hand-overs that strand the second leg: it is hung up instead
    races: bool = True
    delivery_s: float = 0.0
    heartbeat_s: float = 20.0  # never scaled
    auth_s: float = 25.0  # never scaled


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Forces what a number does; what is None is drawn as for anybody else."""

    digits: str
    behaviour: str
    dial_s: float | None = None  # until the first word of the carrier
    ring_s: float | None = None
    patience_s: float | None = None
    talk_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All of it. `sounds`: how long a file lasts, by its last name; `sound_s`: the others;
    `lost_sounds`: files that the switch does not have.
    """

    seed: int = 1
    time_scale: float = 1.0
    sps: int = 500
    max_sessions: int = 5000
    gateways: Mapping[str, Gateway] = field(default_factory=lambda: {"carrier": Gateway()})
    callees: Callees = field(default_factory=Callees)
    phones: Phones = field(default_factory=Phones)
    ways: Ways = field(default_factory=Ways)
    patterns: tuple[Pattern, ...] = ()
    sounds: Mapping[str, float] = field(default_factory=dict)
    sound_s: float = 4.0
    lost_sounds: frozenset[str] = frozenset()

    def sound_length_s(self, path: str) -> float:
        """How long a playback lasts: `silence_stream://MS`, a tone, or a file."""
        kind, _, rest = path.partition("://")
        if kind == "silence_stream":
            digits = re.match(r"\d+", rest)
            return int(digits[0]) / 1000 if digits else 0.0
        if kind == "tone_stream":
            return 0.15
        return self.sounds.get(path.rpartition("/")[2], self.sound_s)


def load_world(path: Path) -> World:
    """Read a world from YAML. Raises ConfigError with every problem and its place."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            [Problem(place=str(path), what=f"cannot be read: {error}")]
        ) from error
    try:
        data = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError([Problem(place=place, what="is not YAML")]) from error
    return world_of(data, str(path))


def world_of(data: object, place: str = "world") -> World:
    """A world from plain values; `place` is where problems are said to be."""
    problems: list[Problem] = []
    world = _build(World, data, place, problems)
    if problems or not isinstance(world, World):
        raise ConfigError(problems)
    return world


def _build(kind: type[Any], data: object, place: str, problems: list[Problem]) -> Any:
    """An instance of a dataclass from a mapping; None after adding to `problems`."""
    if not isinstance(data, Mapping):
        problems.append(Problem(place=place, what="must be a mapping"))
        return None
    hints = typing.get_type_hints(kind)
    found = len(problems)
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in hints:
            known = ", ".join(sorted(hints))
            problems.append(Problem(place=f"{place}: {key}", what="unknown key", remedy=known))
            continue
        values[key] = _value(hints[key], value, f"{place}: {key}", problems)
    if len(problems) > found:
        return None
    missing = [
        spec.name
        for spec in dataclasses.fields(kind)
        if spec.default is dataclasses.MISSING
        and spec.default_factory is dataclasses.MISSING
        and spec.name not in values
    ]
    if missing:
        problems.append(Problem(place=place, what=f"lacks {', '.join(missing)}"))
        return None
    return kind(**values)


def _value(hint: Any, value: object, place: str, problems: list[Problem]) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _build(hint, value, place, problems)
    if origin is types.UnionType:
        inner = next(argument for argument in arguments if argument is not type(None))
        return None if value is None else _value(inner, value, place, problems)
    if hint == Range:
        return _range(value, place, problems)
    if origin is tuple and isinstance(value, list):
        return tuple(_value(arguments[0], item, place, problems) for item in value)
    if origin is Mapping and isinstance(value, Mapping):
        return {
            str(key): _value(arguments[1], item, f"{place}.{key}", problems)
            for key, item in value.items()
        }
    return _plain(hint, value, place, problems)


def _range(value: object, place: str, problems: list[Problem]) -> Range:
    pair = list(value) if isinstance(value, list | tuple) else []
    if len(pair) == 2 and all(type(end) in (int, float) for end in pair) and pair[0] <= pair[1]:
        return float(pair[0]), float(pair[1])
    problems.append(Problem(place=place, what="must be a pair [least, most]"))
    return 0.0, 0.0


def _plain(hint: Any, value: object, place: str, problems: list[Problem]) -> Any:
    if hint is float and type(value) in (int, float):
        return float(typing.cast("float", value))
    if isinstance(hint, type) and type(value) is hint:
        return value
    name = getattr(hint, "__name__", str(hint))
    problems.append(Problem(place=place, what=f"must be {name}, not {value!r}"))
    return None
