"""Where persistence ends (R6.11): above a campaign's limits it slows, then stops. Pure.

Figures are of the last 30 days. Shares are of the calls that were answered; a talk is one with
a person: what operators called a machine and answers under 3 s never count as reached. At a
limit the campaign dials at its whole pace, at `STOP_AT` times the limit not at all, in between
in proportion: so many seconds at the beginning of each quarter of an hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from dialer.core.model import Persistence

DAYS = 30
#: Of the limit: from here on nothing is dialed.
STOP_AT = 1.5
#: A slowed campaign dials at the beginning of each such stretch of the wall's clock.
CYCLE_S = 900.0


class Figures(NamedTuple):
    """A campaign in the last 30 days. `most_...`: of one person; `persons`: were tried."""

    tries: int = 0
    talks: int = 0
    answered: int = 0
    refusals: int = 0
    instant_hang_ups: int = 0
    opt_outs: int = 0
    persons: int = 0
    most_tries: int = 0
    complaints: int = 0
    most_refusals: int = 0
    most_instant_hang_ups: int = 0


class Over(NamedTuple):
    """A limit that is passed."""

    key: str
    value: float
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """`pace`: the share of its pace at which it dials, 1 to 0. `over`: the worst first."""

    pace: float = 1.0
    over: tuple[Over, ...] = ()


def ratios(figures: Figures) -> dict[str, float]:
    """By the limits' keys. Nobody reached: the tries were for one talk that did not come."""
    answered = max(1, figures.answered)
    return {
        "tries_per_talk": figures.tries / max(1, figures.talks),
        "refusals_share": figures.refusals / answered,
        "instant_hang_ups_share": figures.instant_hang_ups / answered,
        "opt_outs_share": figures.opt_outs / answered,
        "complaints_share": figures.complaints / answered,
    }


def judge(figures: Figures, limits: Persistence) -> Judged:
    """Nothing is judged by fewer tries than `limits.from_tries`."""
    if figures.tries < limits.from_tries:
        return Judged()
    found = ratios(figures)
    over = [
        Over(key, found[key], limit)
        for key in found
        if (limit := getattr(limits, key)) is not None and found[key] > limit
    ]
    over.sort(key=lambda one: one.value / one.limit, reverse=True)
    if not over:
        return Judged()
    excess = over[0].value / over[0].limit - 1.0
    return Judged(pace=max(0.0, 1.0 - excess / (STOP_AT - 1.0)), over=tuple(over))


def rests(judged: Judged, now: datetime) -> bool:
    """Does the campaign dial nothing at this moment? The intent asks the same in SQL."""
    return now.timestamp() % CYCLE_S >= judged.pace * CYCLE_S


_WORDS = {
    "tries_per_talk": ("tries for one talk", "{:.1f}"),
    "refusals_share": ("refused, of the answered", "{:.1%}"),
    "instant_hang_ups_share": ("hung up at once, of the answered", "{:.1%}"),
    "opt_outs_share": ("want no more calls, of the answered", "{:.1%}"),
    "complaints_share": ("complained, of the answered", "{:.2%}"),
}


def sentence(judged: Judged) -> str:
    """For a person: what is passed, and what follows from it; empty where nothing is."""
    if not judged.over:
        return ""
    parts = []
    for one in judged.over:
        words, form = _WORDS[one.key]
        parts.append(f"{form.format(one.value)} {words}, the limit is {form.format(one.limit)}")
    pace = "dials nothing" if judged.pace <= 0 else f"dials at {judged.pace:.0%} of its pace"
    return f"in {DAYS} days {'; '.join(parts)}: {pace}"
