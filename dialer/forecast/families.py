"""Families of made-up shifts for `dialer simulate`: the same seed is the same shift.

Each family is a function that draws one shift; a size is the number of operators. They are of
the kinds that pacing.md asks a policy to stand: answering that drifts, jumps, other shapes of
talk, machines and silent carriers, carriers that pause, a list that tires.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from dialer.errors import ConfigError, Problem
from dialer.forecast.luck import stream
from dialer.forecast.roster import BREAKS_OF_8_H, STILL, Plan, roster
from dialer.forecast.scenario import (
    PATH_STEP_S,
    Floats,
    Line,
    Move,
    Pause,
    People,
    Scenario,
    Staff,
    What,
    level,
)
from dialer.forecast.spreads import lognormal, mixture

SHIFT_S = 8 * 3600.0
#: Operators of a family whose size nobody gave.
OPERATORS = 10


@dataclass(slots=True, kw_only=True)
class _Shift:
    """A shift while it is drawn."""

    operators: int
    lasts_s: float
    dice: Generator
    people: People
    plan: Plan = BREAKS_OF_8_H
    moves: tuple[Move, ...] = ()
    pauses: tuple[Pause, ...] = ()
    sd: float = 0.0
    wrapup_s: float = 20.0
    wrapup_variation: float = 0.6

    def hour(self, middle: float, spread: float = 0.25) -> float:
        """An instant about so many hours from the beginning, in a shift of eight."""
        about = middle + float(self.dice.uniform(-spread, spread))
        return about * self.lasts_s / 8.0

    def times(self, from_s: float, until_s: float, factor: float, most: float) -> None:
        """Answering becomes so many times as frequent for a while."""
        where = _between(from_s, until_s, len(self.people.answered))
        self.people.answered[where] = np.minimum(most, self.people.answered[where] * factor)


def _between(from_s: float, until_s: float, places: int) -> slice:
    return slice(int(from_s / PATH_STEP_S), min(places, int(until_s / PATH_STEP_S)))


def wander(dice: Generator, lasts_s: float, least: float, most: float) -> Floats:
    """A path between two bounds: a slow shape of the day, and noise that is forgotten in a
    quarter of an hour, both in log-odds.
    """
    hours = np.arange(int(lasts_s / PATH_STEP_S) + 2) * PATH_STEP_S / 3600.0
    shape = np.full(len(hours), dice.uniform(-1.2, 1.2))
    for _ in range(3):
        period, phase = dice.uniform(3.0, 9.0), dice.uniform(0.0, 2 * math.pi)
        shape += dice.normal(0.0, 0.65) * np.sin(2 * math.pi * hours / period + phase)
    keep = math.exp(-PATH_STEP_S / 900.0)
    steps = dice.normal(0.0, 0.25 * math.sqrt(1.0 - keep * keep), len(hours))
    noise = np.empty(len(hours))
    last = 0.0
    for place, step in enumerate(steps.tolist()):
        last = keep * last + step
        noise[place] = last
    return least + (most - least) / (1.0 + np.exp(-(shape + noise)))


def _drift(shift: _Shift) -> None:
    """Answering wanders between 10 and 60 %; breaks, lunch, a staggered log-in."""


def _steady(shift: _Shift) -> None:
    """Nothing moves, nobody leaves: for thinking. `steady:10:0.3` fixes the answer rate."""
    shift.plan = STILL
    shift.people = replace(
        shift.people, answered=level(float(shift.dice.uniform(0.1, 0.6)), shift.lasts_s)
    )


def _regime(shift: _Shift) -> None:
    """Shocks: answering doubles and halves, talks halve, half the team goes and returns."""
    shift.people = replace(shift.people, answered=np.clip(shift.people.answered, 0.1, 0.3))
    at_s = shift.hour(1.0)
    shift.times(at_s, at_s + shift.hour(0.55, 0.1), 2.0, 0.6)
    at_s = shift.hour(2.75)
    where = _between(at_s, at_s + shift.hour(0.55, 0.1), len(shift.people.talk_pace))
    shift.people.talk_pace[where] = 0.5
    at_s, for_s = shift.hour(5.3), shift.hour(0.5, 0.15)
    shift.moves = tuple(_walk_out(shift, at_s, for_s))
    at_s = shift.hour(7.0, 0.05)
    shift.times(at_s, shift.lasts_s + 60.0, 3.0, 0.6)
    shift.people.talk_pace[_between(at_s, 1e9, len(shift.people.talk_pace))] = 1.5


def _walk_out(shift: _Shift, at_s: float, for_s: float) -> list[Move]:
    moves = []
    for operator in range(shift.operators):
        if shift.operators == 1 or shift.dice.uniform() < 0.5:
            out_s = at_s + float(shift.dice.uniform(0.0, 30.0))
            back_s = at_s + for_s + float(shift.dice.uniform(0.0, 10.0))
            moves.append(Move(at_s=out_s, operator=operator, what=What.OUT))
            moves.append(Move(at_s=back_s, operator=operator, what=What.IN))
    return moves


def _alt(shift: _Shift) -> None:
    """Other shapes: refusals and conversations, bursts of wrap-up, lognormal ringing."""
    dice = shift.dice
    talk = mixture([(0.55, lognormal(0.25, 0.5)), (0.45, lognormal(1.92, 0.5))])
    shift.people = replace(
        shift.people,
        talk=talk.with_mean(float(dice.uniform(60.0, 180.0))),
        ring=lognormal(float(dice.uniform(7.0, 12.0)), 0.6),
        failed_share=float(dice.uniform(0.03, 0.3)),
    )
    shift.wrapup_s = float(dice.uniform(8.0, 40.0))
    shift.wrapup_variation = float(dice.uniform(0.4, 1.2))


def _field(shift: _Shift) -> None:
    """Machines, silent carriers, impatient people, operators who differ, lost phones."""
    dice = shift.dice
    shift.people = replace(
        shift.people,
        talk=shift.people.talk.with_mean(float(dice.uniform(60.0, 150.0))),
        talk_pace=wander(dice, shift.lasts_s, 0.6, 1.6),
        machine_share=float(dice.uniform(0.05, 0.25)),
        silent_share=float(dice.choice([0.1, 0.3, 0.5])),
        hang_ups_per_s=0.08,
    )
    shift.wrapup_s = float(dice.uniform(10.0, 35.0))
    shift.wrapup_variation = float(dice.uniform(0.4, 1.0))
    shift.sd = 0.2
    shift.plan = Plan(lost_per_h=0.1)


def _outage(shift: _Shift) -> None:
    """The carrier stops taking calls for a while, several times, and comes back at once."""
    at_s, pauses = shift.hour(0.5), []
    while at_s < shift.lasts_s:
        for_s = float(shift.dice.uniform(20.0, 180.0))
        share = float(shift.dice.choice([0.0, 0.1, 0.3]))
        pauses.append(Pause(from_s=at_s, until_s=at_s + for_s, share=share))
        at_s += for_s + float(shift.dice.exponential(1500.0))
    shift.pauses = tuple(pauses)


def _leap(shift: _Shift) -> None:
    """Blocks of a list: answering is five times as frequent from one minute to the next."""
    places, at = len(shift.people.answered), 0
    high = bool(shift.dice.uniform() < 0.5)
    while at < places:
        block = int(shift.dice.uniform(900.0, 3600.0) / PATH_STEP_S)
        low = float(shift.dice.uniform(0.05, 0.12))
        shift.people.answered[at : at + block] = 5.0 * low if high else low
        at, high = at + block, not high


def _tired(shift: _Shift) -> None:
    """A list that is used up: answering falls all day, and drops with each pass through it."""
    share = np.linspace(1.0, 0.25, len(shift.people.answered))
    passes = 1.0 - 0.35 * (np.floor(np.linspace(0.0, 2.999, len(share))) / 2.0)
    shift.people.answered[:] = np.maximum(0.03, 0.5 * share * passes)


def _long(shift: _Shift) -> None:
    """A few talks of a quarter of an hour among many short ones."""
    talk = mixture(
        [
            (0.4, lognormal(15.0, 0.5)),
            (0.57, lognormal(110.0, 0.5)),
            (0.03, lognormal(900.0, 0.4)),
        ]
    )
    shift.people = replace(shift.people, talk=talk)


FAMILIES: Mapping[str, Callable[[_Shift], None]] = {
    "drift": _drift,
    "steady": _steady,
    "regime": _regime,
    "alt": _alt,
    "field": _field,
    "outage": _outage,
    "leap": _leap,
    "tired": _tired,
    "long": _long,
}


def is_family(text: str) -> bool:
    """`drift`, `drift:25` and `steady:10:0.3` name a family."""
    return text.partition(":")[0] in FAMILIES


def family_of(text: str) -> tuple[str, int, float | None]:
    """(family, operators, answer rate): of `name`, `name:operators` or
    `steady:operators:rate`. Raises ConfigError.
    """
    name, *rest = text.split(":")
    try:
        operators = int(rest[0]) if rest else OPERATORS
        rate = float(rest[1]) if len(rest) > 1 else None
    except ValueError:
        operators, rate = 0, None
    fixed = rate is None or (name == "steady" and 0.0 < rate < 1.0)
    if name not in FAMILIES or not 1 <= operators <= 2000 or not fixed or len(rest) > 2:
        what = f"'{text}' is no family of shifts"
        remedy = f"{', '.join(FAMILIES)}, with operators like drift:25, or steady:10:0.3"
        raise ConfigError([Problem(place="scenario", what=what, remedy=remedy)])
    return name, operators, rate


def made(text: str, seed: int, lasts_s: float = SHIFT_S) -> Scenario:
    """One shift of a family. Raises ConfigError where there is no such family."""
    name, operators, rate = family_of(text)
    dice = stream("family", name, seed)
    people = People(answered=wander(dice, lasts_s, 0.10, 0.60), talk_pace=level(1.0, lasts_s))
    timeout_s = float(dice.uniform(25.0, 30.0))
    shift = _Shift(operators=operators, lasts_s=lasts_s, dice=dice, people=people)
    FAMILIES[name](shift)
    if rate is not None:
        shift.people = replace(shift.people, answered=level(rate, lasts_s))
    moves = roster(shift.plan, operators, lasts_s, stream("roster", name, seed, operators))
    return Scenario(
        name=name,
        seed=seed,
        lasts_s=lasts_s,
        people=shift.people,
        staff=Staff(
            operators=operators,
            roster=tuple(sorted((*moves, *shift.moves))),
            wrapup=lognormal(shift.wrapup_s, shift.wrapup_variation),
            sd=shift.sd,
        ),
        line=Line(
            calls_per_s=max(5.0, 0.15 * operators),
            ring_timeout_s=timeout_s,
            early_hang_ups_count=True,
            pauses=shift.pauses,
        ),
    )
