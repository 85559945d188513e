"""A campaign's report as frozen values: figures only, no wording, no layout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from dialer.core.model import Persistence
from dialer.core.numbers.pools import PoolLoad
from dialer.core.permission.persistence import Figures, Judged
from dialer.ledger.reports import Hour, ImportTotals, LineCause, ListMove, Totals
from dialer.reports.queue_now import Held
from dialer.reports.shares import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorFigures:
    """An operator in the span, over all his campaigns. Seconds by his log; talks by attempts.

    Occupancy is talk / (talk + idle); wrap-up and pauses are in neither (pacing.md 1).
    """

    operator: str
    talks: int
    talk_s: float
    idle_s: float  # ready or offered
    wrapup_s: float
    paused_s: float

    @property
    def occupancy(self) -> float | None:
        """None: he neither talked nor was ready."""
        return occupancy(self.talk_s, self.idle_s)


def occupancy(talk_s: float, idle_s: float) -> float | None:
    """Talk / (talk + idle); None where there was neither."""
    work_s = talk_s + idle_s
    return talk_s / work_s if work_s > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFigures:
    """One number to show: its campaign's attempts, and its days over all campaigns.

    `most` is what it has on its busiest day (`most_on`), beside that day's hard limit.
    """

    number: str
    region: str | None
    attempts: int
    answered: Share  # of those that reached the carrier
    talked: int
    today: int
    soft_limit: int
    hard_limit: int
    most: int
    most_on: date | None
    most_limit: int

    @property
    def over_limit(self) -> bool:
        """Never true: the intent itself charges the limit."""
        return self.most > self.most_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class PersistenceFigures:
    """Where persistence stands (R6.11): always of the 30 days before the report's end."""

    figures: Figures
    limits: Persistence
    judged: Judged


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyFigures:
    """What the carriers' prices make of the span (R3.13); None: nothing of that kind yet."""

    cost: float
    currency: str
    per_talk: float | None
    per_decision: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignReport:
    """Everything; attempts by the instant of their intent, in [since, until)."""

    campaign: str
    mode: str
    since: datetime | None  # None: from the beginning
    until: datetime
    zone: str  # of hours and shown instants
    totals: Totals
    dispositions: Mapping[str, int]
    reach: Share  # people who answered, of the tries
    abandonment: Share  # abandoned by us, of those and the talks
    abandonment_cap: float
    short_answers: Share  # of the answered
    operators: tuple[OperatorFigures, ...]
    numbers: tuple[NumberFigures, ...]
    pool: PoolLoad
    hours: tuple[Hour, ...]
    dialable: int
    held: tuple[Held, ...]
    not_judged: int
    imports: ImportTotals
    rounds: Mapping[int, int]  # failed rounds behind them -> contacts
    moves: tuple[ListMove, ...]
    causes: tuple[LineCause, ...]
    persistence: PersistenceFigures
    money: MoneyFigures

    @property
    def occupancy(self) -> float | None:
        """Of all its operators together."""
        talk_s = sum(one.talk_s for one in self.operators)
        return occupancy(talk_s, sum(one.idle_s for one in self.operators))
