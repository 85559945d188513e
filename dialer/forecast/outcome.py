"""What many seeds came to: one interval per figure, and the first shift by quarter hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dialer.forecast.course import Course
from dialer.forecast.grid_table import Cell
from dialer.forecast.interval import Interval, confidence, interval
from dialer.forecast.question import Question

#: Figures of a course that get an interval, in the order in which they are shown.
FIGURES = (
    "answers_per_h",
    "talks",
    "attempts",
    "attempts_per_talk",
    "occupancy",
    "idle_per_talk_s",
    "abandonment",
    "worst_shift",
    "bound",
    "cancelled",
    "numbers",
    "used_up_shifts",
    "finished_h",
    "left",
    "cost",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """A quarter of an hour of the first shift, over seeds."""

    begins_s: float
    occupancy: Interval
    answered: Interval


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """The forecast. `certified`: seeds in which the cap could be certified at the end."""

    question: Question
    seeds: int
    confidence: float
    figures: dict[str, Interval]
    quarters: tuple[Quarter, ...]
    cells: tuple[Cell, ...]
    over_cap: int
    certified: int
    unfinished: int


def outcome(question: Question, done: Sequence[Course], cells: Sequence[Cell] = ()) -> Outcome:
    """Of at least one course."""
    cap = question.rule.limit
    return Outcome(
        question=question,
        seeds=len(done),
        confidence=confidence(len(done)),
        figures={name: interval([getattr(one, name) for one in done]) for name in FIGURES},
        quarters=tuple(_quarters(done)),
        cells=tuple(cells),
        over_cap=sum(1 for one in done if one.worst_shift > cap),
        certified=sum(1 for one in done if one.bound <= cap),
        unfinished=sum(1 for one in done if one.finished_h == float("inf")),
    )


def _quarters(done: Sequence[Course]) -> list[Quarter]:
    found = []
    for place in range(max(len(one.slices) for one in done)):
        slices = [one.slices[place] for one in done if place < len(one.slices)]
        busy = [one for one in slices if one.talk_s + one.idle_s > 60.0]
        if busy:
            shares = [one.talk_s / (one.talk_s + one.idle_s) for one in busy]
            quarter = Quarter(
                begins_s=place * 900.0,
                occupancy=interval(shares),
                answered=interval([float(one.answered) for one in slices]),
            )
            found.append(quarter)
    return found
