"""A forecast as sheets: the figures with their intervals, the supervisor's table, what was
assumed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from dialer.forecast.assumptions import KEYS, Source, said, support
from dialer.forecast.grid_table import Cell
from dialer.forecast.interval import Interval
from dialer.forecast.layout import Sheet, per_cent
from dialer.forecast.outcome import Outcome
from dialer.forecast.question import Question


def forecast_sheets(found: Outcome) -> list[Sheet]:
    """The most asked first."""
    sheets = [_figures(found)]
    if found.cells:
        sheets.append(_cells(found))
    return [*sheets, _assumptions(found)]


def headline(found: Outcome) -> list[str]:
    """What stands above everything: what was asked, and what to beware of."""
    question = found.question
    begins = question.shifts[0].astimezone(ZoneInfo(question.zone))
    many = f"{question.days} shifts" if question.days > 1 else "one shift"
    text = (
        f"{question.operators} operators, {question.mode.value}, {many} of"
        f" {question.lasts_s / 3600:g} h from {begins:%d.%m.%Y %H:%M} ({question.zone});"
        f" {found.seeds} seeds; {question.assumed.history}"
    )
    lines = [text]
    if found.confidence < 0.799:
        lines.append(
            f"with {found.seeds} seeds the intervals hold {found.confidence:.0%}, not 80 %:"
            " nine are needed"
        )
    if found.over_cap:
        lines.append(
            f"in {found.over_cap} of {found.seeds} seeds a shift passed the cap of"
            f" {per_cent(question.rule.limit)}"
        )
    return lines


# ------------------------------------------------------------------ figures

_Say = Callable[[float], str]


def _plain(digits: int) -> _Say:
    return lambda value: f"{value:,.{digits}f}".replace(",", " ")


_ROWS: Mapping[str, tuple[str, _Say]] = {
    "answers_per_h": ("live answers per hour", _plain(0)),
    "talks": ("talks", _plain(0)),
    "attempts": ("attempts", _plain(0)),
    "attempts_per_talk": ("attempts per talk", _plain(2)),
    "occupancy": ("occupancy", per_cent),
    "idle_per_talk_s": ("idle seconds per talk", _plain(1)),
    "abandonment": ("abandoned of live answers", lambda value: per_cent(value, 2)),
    "worst_shift": ("the worst shift's", lambda value: per_cent(value, 2)),
    "bound": ("upper bound that 95 % certify (worst shift)", lambda value: per_cent(value, 2)),
    "cancelled": ("calls given up while ringing", _plain(0)),
    "numbers": ("numbers to show: used of their day", per_cent),
    "used_up_shifts": ("shifts in which they are used up", _plain(0)),
    "left": ("contacts not yet at rest at the end", _plain(0)),
    "cost": ("money, in the unit of the stated prices", _plain(0)),
}


def _figures(found: Outcome) -> Sheet:
    question = found.question
    rows = []
    for name, (words, say) in _ROWS.items():
        if _is_shown(name, question):
            one = found.figures[name]
            rows.append((words, say(one.middle), f"{say(one.low)} … {say(one.high)}"))
    if question.contacts is not None:
        one = found.figures["finished_h"]
        ends = [_instant(question, hours) for hours in (one.low, one.middle, one.high)]
        rows.append(("nobody left to dial", ends[1], f"{ends[0]} … {ends[2]}"))
    cap = per_cent(question.rule.limit)
    return Sheet(
        title=f"{question.campaign.name}: what it will do",
        heads=("", "median", f"{found.confidence:.0%} interval"),
        rows=rows,
        note=f"The cap of {cap} could be certified in {found.certified} of {found.seeds} seeds."
        " Occupancy: talk / (talk + idle), wrap-up apart. Intervals hold what is not known of"
        " the assumptions, days' differences, and luck.",
    )


def _is_shown(name: str, question: Question) -> bool:
    if name in ("numbers", "used_up_shifts"):
        return bool(question.numbers)
    if name == "left":
        return question.contacts is not None
    if name == "cost":
        prices = ("price_per_call", "price_per_minute", "price_per_operator_h")
        return any(question.assumed.value(price) > 0.0 for price in prices)
    return name != "worst_shift" or question.days > 1


def _instant(question: Question, hours: float) -> str:
    if math.isinf(hours):
        return "not in these shifts"
    at = question.shifts[0] + timedelta(hours=hours)
    return f"{at.astimezone(ZoneInfo(question.zone)):%d.%m. %H:%M}"


# ------------------------------------------------------------------ the table


def _cells(found: Outcome) -> Sheet:
    caps = sorted({one.cap for one in found.cells if one.cap is not None})
    by_key = {(one.operators, one.cap): one for one in found.cells}
    rows = []
    for operators in sorted({one.operators for one in found.cells}):
        own = [by_key[operators, cap] for cap in (None, *caps)]
        rows.append((str(operators), *(_cell(one) for one in own)))
    return Sheet(
        title="Operators and cap against occupancy (talks per hour; abandoned)",
        heads=("operators", "progressive, none", *(f"cap {per_cent(one, 0)}" for one in caps)),
        rows=rows,
        note="One steady stretch each, at the middle of the assumptions, without breaks and the"
        " end of the list: compare the cells with each other, not with the figures above.",
    )


def _cell(one: Cell) -> str:
    return f"{per_cent(one.occupancy)} ({one.talks_per_h:.0f}; {per_cent(one.abandonment)})"


# ------------------------------------------------------------------ what was assumed


def _assumptions(found: Outcome) -> Sheet:
    assumed = found.question.assumed
    order = {Source.DEFAULT: 0, Source.HISTORY: 1, Source.STATED: 2, Source.SETTINGS: 3}
    known = [assumed.values[name] for name in KEYS if name in assumed.values]
    known.sort(key=lambda one: order[one.source])
    rows = [
        (one.name, said(one), support(one), KEYS[one.name].meaning)
        for one in known
        if one.value or not one.name.startswith("price")
    ]
    hours = "by the hour as in the history" if assumed.hours else "the same at all hours"
    return Sheet(
        title="What it assumes, the least supported first",
        heads=("assumption", "value", "supported by", "meaning"),
        rows=rows,
        note=f"Answering is {hours}. Change any of them: --assume answer_rate=30%.",
        words=True,
    )


def as_plain(found: Outcome) -> dict[str, object]:
    """For --json: numbers, null where there is no bound."""
    question = found.question
    return {
        "campaign": question.campaign.name,
        "pacing": question.mode.value,
        "operators": question.operators,
        "shifts": [one.isoformat() for one in question.shifts],
        "hours": question.lasts_s / 3600.0,
        "seeds": found.seeds,
        "confidence": found.confidence,
        "figures": {name: _numbers(one) for name, one in found.figures.items()},
        "certified_seeds": found.certified,
        "over_cap_seeds": found.over_cap,
        "unfinished_seeds": found.unfinished,
        "table": [
            {
                "operators": one.operators,
                "cap": one.cap,
                "occupancy": one.occupancy,
                "abandonment": one.abandonment,
                "talks_per_h": one.talks_per_h,
            }
            for one in found.cells
        ],
        "assumptions": [
            {
                "name": one.name,
                "value": one.value,
                "source": one.source.value,
                "observations": one.observations,
                "doubt": one.doubt,
            }
            for one in question.assumed.values.values()
        ],
        "history": question.assumed.history,
    }


def _numbers(one: Interval) -> dict[str, float | None]:
    parts = {"low": one.low, "median": one.middle, "high": one.high}
    return {name: value if math.isfinite(value) else None for name, value in parts.items()}
