"""What a forecast takes for granted, each with its source and how far history supports it.

`KEYS` are all of them: what `--assume` takes, with bounds, the default, and how much the
default may be off (`doubt`: standard deviation of the log-odds of a share, of the logarithm of
anything else). What somebody states is taken at his word: doubt 0. Each seed draws its world
from these doubts, so that the intervals hold what is not known, not luck alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from numpy.random import Generator

from dialer.errors import ConfigError, Problem
from dialer.forecast import written
from dialer.forecast.layout import per_cent
from dialer.forecast.spreads import Spread, gamma, lognormal


class Source(StrEnum):
    """Where a value comes from."""

    HISTORY = "history"
    STATED = "stated"
    SETTINGS = "settings"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One assumption that may be stated. `unit`: share, s, number, whole."""

    unit: str
    default: float | None
    doubt: float
    least: float
    most: float
    meaning: str


def _share(default: float, doubt: float, meaning: str, most: float = 1.0) -> Key:
    return Key(
        unit="share", default=default, doubt=doubt, least=0.0, most=most, meaning=meaning
    )


def _seconds(
    default: float, doubt: float, meaning: str, most: float = 7200.0, least: float = 0.0
) -> Key:
    return Key(unit="s", default=default, doubt=doubt, least=least, most=most, meaning=meaning)


def _number(default: float, meaning: str, most: float = 1e6, doubt: float = 0.0) -> Key:
    return Key(
        unit="number", default=default, doubt=doubt, least=0.0, most=most, meaning=meaning
    )


KEYS: Mapping[str, Key] = {
    "answer_rate": _share(0.30, 0.45, "of calls to working numbers: answered by anybody", 0.99),
    "invalid_share": _share(0.05, 0.5, "of the list: numbers that do not exist", 0.95),
    "machine_share": _share(0.08, 0.6, "of the answers: machines that reach operators", 0.95),
    "failed_share": _share(0.12, 0.4, "of the unanswered: busy or unavailable at once", 0.95),
    "rejected_share": _share(0.08, 0.4, "of those that rang: refused by the person", 0.95),
    "silent_share": _share(0.05, 0.5, "of the calls: the carrier never signals ringing", 1.0),
    "later_odds": _number(0.8, "odds of an answer at later tries against the first", 20.0, 0.2),
    "hang_ups_per_s": _number(0.03, "how fast people leave who wait", 10.0, 0.5),
    "talk_s": _seconds(90.0, 0.25, "mean talk with a person", least=1.0),
    "talk_variation": _number(1.0, "its standard deviation over its mean", 5.0, 0.1),
    "wrapup_s": _seconds(20.0, 0.25, "mean wrap-up", least=0.2),
    "wrapup_variation": _number(0.6, "its standard deviation over its mean", 5.0, 0.1),
    "ring_s": _seconds(9.0, 0.15, "mean ringing until an answer", 60.0, 0.5),
    "post_dial_s": _seconds(1.1, 0.2, "from the launch to the ringing", 15.0, 0.05),
    "operator_spread": _number(0.15, "how much operators' talks differ (sd of log)", 2.0),
    "break_share": _share(0.10, 0.2, "of the shift: pauses and lunch", 0.8),
    "login_s": _seconds(300.0, 0.0, "over how long the operators log in"),
    "hand_over_s": _seconds(0.06, 0.0, "from the answer to the talk, an operator free", 5.0),
    "day_spread": _number(0.12, "how much days differ in answering (sd of log-odds)", 3.0),
    "talk_day_spread": _number(0.04, "how much days differ in talking (sd of log)", 2.0),
    "contacts": Key(
        unit="whole",
        default=None,
        doubt=0.0,
        least=0,
        most=5_000_000,
        meaning="people on the list; without them it never ends",
    ),
    "price_per_call": _number(0.0, "what each call costs that reaches a carrier"),
    "price_per_minute": _number(0.0, "what each minute of an answered call costs"),
    "price_per_operator_h": _number(0.0, "what an operator's hour costs"),
}
#: Not above which value a share is drawn, nor below.
_EDGE = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption:
    """One value. `observations`: how many it rests on; `doubt`: see above."""

    name: str
    value: float
    source: Source
    observations: int = 0
    doubt: float = 0.0

    def drawn(self, dice: Generator) -> float:
        """A value that may be the true one. One number is drawn whatever the doubt is, so that
        a stated value moves no other one.
        """
        luck = float(dice.normal())
        if self.doubt == 0.0 or self.value <= 0.0:
            return self.value
        if KEYS[self.name].unit == "share":
            inside = min(1.0 - _EDGE, max(_EDGE, self.value))
            odds = math.log(inside / (1.0 - inside)) + self.doubt * luck
            return 1.0 / (1.0 + math.exp(-odds))
        return self.value * math.exp(self.doubt * luck - self.doubt**2 / 2.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assumed:
    """All assumptions of one forecast. `hours`: by hour of the day, the odds of an answer
    against the whole day's; shapes of durations have the means of the assumptions.
    """

    values: Mapping[str, Assumption]
    ring: Spread = field(default_factory=lambda: gamma(9.0, 2.5))
    talk: Spread = field(default_factory=lambda: lognormal(90.0, 1.0))
    wrapup: Spread = field(default_factory=lambda: lognormal(20.0, 0.6))
    hours: Mapping[int, float] = field(default_factory=dict)
    history: str = "no history was asked"

    def value(self, name: str) -> float:
        return self.values[name].value

    @property
    def contacts(self) -> int | None:
        """None: the list never ends."""
        return int(self.values["contacts"].value) if "contacts" in self.values else None


def defaults() -> dict[str, Assumption]:
    """What is taken where nobody knows better."""
    return {
        name: Assumption(name=name, value=key.default, source=Source.DEFAULT, doubt=key.doubt)
        for name, key in KEYS.items()
        if key.default is not None
    }


def stated(texts: Sequence[str]) -> dict[str, Assumption]:
    """`answer_rate=30%`, `talk_s=90`. Raises ConfigError with every problem."""
    found: dict[str, Assumption] = {}
    problems: list[Problem] = []
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if name not in KEYS or not equals:
            what = f"'{name}' is no assumption" if equals else f"'{text}' names no value"
            remedy = f"NAME=VALUE with one of: {', '.join(KEYS)}"
            problems.append(Problem(place="--assume", what=what, remedy=remedy))
            continue
        try:
            number = _read(KEYS[name], value)
        except ValueError as error:
            problems.append(Problem(place=f"--assume {name}", what=str(error)))
            continue
        found[name] = Assumption(name=name, value=number, source=Source.STATED)
    if problems:
        raise ConfigError(problems)
    return found


def said(one: Assumption) -> str:
    """The value as a person reads it."""
    unit = KEYS[one.name].unit
    if unit == "share":
        return per_cent(one.value)
    if unit == "s":
        return f"{one.value:.3g} s" if one.value < 10 else f"{one.value:.0f} s"
    return f"{one.value:,.0f}".replace(",", " ") if unit == "whole" else f"{one.value:.3g}"


def support(one: Assumption) -> str:
    """How far it can be trusted, in words."""
    if one.source is Source.STATED:
        return "stated, taken at its word"
    if one.source is Source.SETTINGS:
        return "from the configuration"
    if one.source is Source.HISTORY:
        off = "" if one.doubt == 0.0 else f", ± {100 * one.doubt:.0f} % of its odds"
        if KEYS[one.name].unit != "share":
            off = off.replace(" of its odds", "")
        strength = "" if one.observations >= 200 else "few: "
        return f"{strength}{one.observations} observations{off}"
    return "a default, nothing supports it"


def _read(key: Key, value: str) -> float:
    if key.unit == "share":
        return written.share(value, least=key.least, most=key.most)
    if key.unit == "s":
        return written.seconds(value, least=key.least, most=key.most)
    if key.unit == "whole":
        return written.whole(value, least=int(key.least), most=int(key.most))
    return written.number(value, least=key.least, most=key.most)
