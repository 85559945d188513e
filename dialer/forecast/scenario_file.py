"""A scenario for `dialer simulate` as a YAML file: a family to begin with, and what differs.

    family: drift:25          # optional; without it nothing moves and everybody stays
    answer_rate: [[0h, 20 %], [2h, 45 %]]
    talk_s: {mean: 110, variation: 1.2}
    breaks: [[2h, 10m], [4h, 30m]]
    shocks: [[1h, 20m, answer_rate, 2], [3h, 10m, operators, 50 %]]

Every key stands in `KEYS` with what it means (docs/forecast.md is held to it). All problems are
said at once, with their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from dialer.errors import ConfigError, Problem
from dialer.forecast import written
from dialer.forecast.families import SHIFT_S, family_of, made
from dialer.forecast.luck import stream
from dialer.forecast.roster import Break, Plan, roster
from dialer.forecast.scenario import (
    PATH_STEP_S,
    Line,
    Move,
    Pause,
    People,
    Scenario,
    Staff,
    What,
    level,
)
from dialer.forecast.spreads import Spread, gamma, lognormal

#: key -> what it means
KEYS: Mapping[str, str] = {
    "name": "a word for the table; default: the file's name",
    "family": "a family of worlds to begin with, like `drift:25`",
    "operators": "how many; default 10",
    "hours": "length of the shift; default 8",
    "answer_rate": "share of calls that are answered, or steps `[[0h, 20 %], [2h, 45 %]]`",
    "talk_s": "mean seconds of a talk, or `{mean: 110, variation: 1.2}`",
    "wrapup_s": "the same for wrap-up",
    "ring_s": "mean ringing until an answer",
    "failed_share": "of the calls that nobody answers: busy or wrong at once",
    "rejected_share": "of the rest: refused while it rings",
    "machine_share": "of the answers: machines that reach operators",
    "silent_share": "of the calls: the carrier never signals ringing",
    "hang_ups_per_s": "how fast people leave who wait for an operator",
    "operator_spread": "how much operators' talks differ, 0.2 is usual",
    "breaks": "`[[2h, 10m], [4h, 30m]]`: about when, how long",
    "lost_phones_per_h": "how often an operator's phone is lost",
    "calls_per_s": "most launches per second",
    "calls_at_once": "most calls at once",
    "ring_timeout_s": "how long it rings",
    "patience_s": "from the answer until the caller counts as abandoned",
    "hand_over_s": "from the answer to the talk where an operator is free",
    "pauses": "`[[1h, 3m, 0 %]]`: the carrier takes only this share of calls per second",
    "shocks": "`[[1h, 20m, answer_rate|talk|operators, factor or share]]`",
}


def load_scenario(path: Path, seed: int) -> Scenario:
    """One shift of the file. Raises ConfigError with every problem and its place."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            [Problem(place=str(path), what=f"cannot be read: {error}")]
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError([Problem(place=place, what="is not YAML")]) from error
    if not isinstance(data, dict):
        raise ConfigError([Problem(place=str(path), what="must be keys with values")])
    return scenario_of(data, str(path), path.stem, seed)


def scenario_of(data: Mapping[Any, Any], place: str, name: str, seed: int) -> Scenario:
    """One shift of plain values; `place` is where problems are said to be."""
    read = _Reader(data, place)
    for key in data:
        if key not in KEYS:
            read.wrong(str(key), "is no key of a scenario", ", ".join(KEYS))
    base = _base(read, seed)
    operators = int(read.get("operators", _count, base.staff.operators))
    lasts_s = base.lasts_s
    people = _people(read, base.people, lasts_s)
    breaks = read.get("breaks", _breaks, None)
    lost = read.get("lost_phones_per_h", _least_0, 0.0)
    moves = base.staff.roster
    if breaks is not None or lost or operators != base.staff.operators:
        plan = Plan(breaks=breaks or (), lost_per_h=lost)
        moves = roster(plan, operators, lasts_s, stream("scenario", place, seed))
    people, moves = _shocked(read, people, moves, operators)
    staff = Staff(
        operators=operators,
        roster=moves,
        wrapup=read.get("wrapup_s", _lognormal(0.6), base.staff.wrapup),
        sd=read.get("operator_spread", _least_0, base.staff.sd),
    )
    line = _line(read, base.line)
    if read.problems:
        raise ConfigError(read.problems)
    return Scenario(
        name=str(data.get("name", name)),
        seed=seed,
        lasts_s=lasts_s,
        people=people,
        staff=staff,
        line=line,
    )


class _Reader:
    """Reads keys and gathers problems."""

    def __init__(self, data: Mapping[Any, Any], place: str) -> None:
        self._data = data
        self._place = place
        self.problems: list[Problem] = []

    def wrong(self, key: str, what: str, remedy: str = "") -> None:
        self.problems.append(Problem(place=f"{self._place}: {key}", what=what, remedy=remedy))

    def get(self, key: str, read: Callable[[Any], Any], default: Any) -> Any:
        if key not in self._data:
            return default
        try:
            return read(self._data[key])
        except ValueError as error:
            self.wrong(key, str(error))
        except (TypeError, KeyError):
            self.wrong(key, "is not written as it must be", KEYS[key])
        return default


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shock:
    """Something changes for a while."""

    at_s: float
    for_s: float
    what: str
    factor: float


def _base(read: _Reader, seed: int) -> Scenario:
    """The family's shift, or one in which nothing moves."""
    lasts_s = 3600.0 * read.get("hours", _hours, SHIFT_S / 3600.0)
    family = read.get("family", _family, None)
    if family is not None:
        return made(family, seed, lasts_s)
    operators = int(read.get("operators", _count, 10))
    moves = tuple(Move(at_s=0.0, operator=one, what=What.IN) for one in range(operators))
    return Scenario(
        name="file",
        seed=seed,
        lasts_s=lasts_s,
        people=People(answered=level(0.3, lasts_s), talk_pace=level(1.0, lasts_s)),
        staff=Staff(operators=operators, roster=moves),
        line=Line(calls_per_s=max(5.0, 0.15 * operators), early_hang_ups_count=True),
    )


def _people(read: _Reader, base: People, lasts_s: float) -> People:
    return replace(
        base,
        answered=read.get("answer_rate", lambda value: _path(value, lasts_s), base.answered),
        ring=read.get("ring_s", _ring, base.ring),
        talk=read.get("talk_s", _lognormal(1.0), base.talk),
        failed_share=read.get("failed_share", written.share, base.failed_share),
        rejected_share=read.get("rejected_share", written.share, base.rejected_share),
        machine_share=read.get("machine_share", written.share, base.machine_share),
        silent_share=read.get("silent_share", written.share, base.silent_share),
        hang_ups_per_s=read.get("hang_ups_per_s", _least_0, base.hang_ups_per_s),
    )


def _line(read: _Reader, base: Line) -> Line:
    def timeout(value: Any) -> float:
        return written.seconds(value, least=15.0, most=120.0)

    return replace(
        base,
        calls_per_s=read.get("calls_per_s", _above_0, base.calls_per_s),
        calls_at_once=read.get("calls_at_once", _count, base.calls_at_once),
        ring_timeout_s=read.get("ring_timeout_s", timeout, base.ring_timeout_s),
        patience_s=read.get("patience_s", _above_0, base.patience_s),
        hand_over_s=read.get("hand_over_s", _least_0, base.hand_over_s),
        pauses=read.get("pauses", _pauses, base.pauses),
    )


def _shocked(
    read: _Reader, people: People, moves: tuple[Move, ...], operators: int
) -> tuple[People, tuple[Move, ...]]:
    for shock in read.get("shocks", _shocks, ()):
        where = slice(
            int(shock.at_s / PATH_STEP_S), int((shock.at_s + shock.for_s) / PATH_STEP_S)
        )
        if shock.what == "answer_rate":
            path = people.answered.copy()
            path[where] = np.minimum(0.97, path[where] * shock.factor)
            people = replace(people, answered=path)
        elif shock.what == "talk":
            path = people.talk_pace.copy()
            path[where] *= shock.factor
            people = replace(people, talk_pace=path)
        else:
            moves = _fewer(moves, shock, operators)
    return people, moves


def _fewer(moves: tuple[Move, ...], shock: _Shock, operators: int) -> tuple[Move, ...]:
    """Only this part of the operators stays; the last ones go, and return at once."""
    until_s = shock.at_s + shock.for_s
    extra = []
    for operator in range(round(operators * shock.factor), operators):
        extra.append(Move(at_s=shock.at_s, operator=operator, what=What.OUT))
        extra.append(Move(at_s=until_s, operator=operator, what=What.IN))
    return tuple(sorted((*moves, *extra)))


# ------------------------------------------------------------------ how values are written


def _least_0(value: Any) -> float:
    return written.number(value, most=1000.0)


def _above_0(value: Any) -> float:
    return written.number(value, least=0.01, most=100_000.0)


def _count(value: Any) -> int:
    return written.whole(value, least=1, most=100_000)


def _hours(value: Any) -> float:
    return written.number(value, least=0.05, most=24.0)


def _family(value: Any) -> str:
    try:
        family_of(str(value))
    except ConfigError as error:
        raise ValueError(error.problems[0].what) from error
    return str(value)


def _ring(value: Any) -> Spread:
    return gamma(written.seconds(value, least=0.5, most=60.0), 2.5)


def _lognormal(variation: float) -> Callable[[Any], Spread]:
    def read(value: Any) -> Spread:
        mean, spread = value, variation
        if isinstance(value, dict):
            mean = value["mean"]
            spread = written.number(value.get("variation", variation), least=0.01, most=5.0)
        return lognormal(written.seconds(mean, least=0.5, most=7200.0), spread)

    return read


def _path(value: Any, lasts_s: float) -> Any:
    """A share for the whole shift, or steps from instants on."""
    if not isinstance(value, list):
        return level(written.share(value), lasts_s)
    path = level(0.0, lasts_s)
    for begins, rate in value:
        path[int(written.seconds(begins) / PATH_STEP_S) :] = written.share(rate)
    return path


def _breaks(value: Any) -> tuple[Break, ...]:
    return tuple(
        Break(at_s=written.seconds(at), lasts_s=written.seconds(lasts)) for at, lasts in value
    )


def _pauses(value: Any) -> tuple[Pause, ...]:
    found = []
    for at, lasts, rest in value:
        from_s = written.seconds(at)
        until_s = from_s + written.seconds(lasts)
        found.append(Pause(from_s=from_s, until_s=until_s, share=written.share(rest)))
    return tuple(found)


def _shocks(value: Any) -> tuple[_Shock, ...]:
    found = []
    for at, lasts, what, factor in value:
        if what not in ("answer_rate", "talk", "operators"):
            raise ValueError(f"changes {what!r}: answer_rate, talk or operators can change")
        by = written.share(factor) if what == "operators" else _above_0(factor)
        found.append(
            _Shock(at_s=written.seconds(at), for_s=written.seconds(lasts), what=what, factor=by)
        )
    return tuple(found)
