"""The questions behind a campaign's report: the ledger's counts become its values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from dialer.core.calls.operator_value import OperatorState
from dialer.core.model import Campaign, Disposition, Number, NumberId, OperatorId
from dialer.core.numbers.pools import number_day
from dialer.core.permission.money import MICROS
from dialer.core.permission.persistence import DAYS, judge
from dialer.ledger.reports import NumberDay, NumberUse
from dialer.ledger.store import PostgresLedger
from dialer.reports.planned import pool_now
from dialer.reports.queue_now import queue_now
from dialer.reports.shares import share_of
from dialer.reports.values import (
    CampaignReport,
    MoneyFigures,
    NumberFigures,
    OperatorFigures,
    PersistenceFigures,
)

#: Endings at which a person answered; machines and robots never count as reached (R6.11).
REACHED = (Disposition.TALKED, Disposition.ABANDONED, Disposition.SHORT_HANGUP)

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

_IDLE = (OperatorState.READY, OperatorState.OFFERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportQuestion:
    """What the ledger does not know. `since` None: from the beginning; `until` is now."""

    until: datetime
    numbers: Sequence[Number]  # the campaign's pool
    operators: Collection[OperatorId]  # of the campaign's group
    since: datetime | None = None
    zone: str = "Europe/Moscow"
    holidays: frozenset[date] = frozenset()
    currency: str = ""  # of the gateways' prices; "" = none is known


def campaign_report(
    ledger: PostgresLedger, campaign: Campaign, asked: ReportQuestion
) -> CampaignReport:
    """Raises StoreError. The campaign must be known to the ledger."""
    ask, name = ledger.reports, campaign.name
    since, until = asked.since or BEGINNING, asked.until
    totals = ask.totals(name, since, until)
    dispositions = ask.dispositions(name, since, until)
    queue = queue_now(ledger, campaign, until, asked.holidays)
    _, load = pool_now(ledger, campaign, asked.numbers, until)
    return CampaignReport(
        campaign=name,
        mode=campaign.mode.value,
        since=asked.since,
        until=until,
        zone=asked.zone,
        totals=totals,
        dispositions=dispositions,
        reach=share_of(reached(dispositions), totals.tries),
        abandonment=share_of(totals.abandoned, totals.abandoned + totals.talked),
        abandonment_cap=campaign.abandonment_cap,
        short_answers=share_of(totals.short_answers, totals.answered),
        operators=operator_figures(ledger, since, until, only=asked.operators),
        numbers=_numbers(ledger, campaign, asked, since),
        pool=load,
        hours=tuple(ask.hours(name, since, until, asked.zone)),
        dialable=len(queue.allowed),
        held=queue.held,
        not_judged=queue.not_judged,
        imports=ask.imports(campaign.list_name, since, until + timedelta(seconds=1)),
        rounds=ask.rounds(name),
        moves=tuple(ask.list_moves(name, since, until)),
        causes=tuple(ask.causes(name, since, until)),
        persistence=_persistence(ledger, campaign, until),
        money=_money(ledger, campaign, asked),
    )


def _money(ledger: PostgresLedger, campaign: Campaign, asked: ReportQuestion) -> MoneyFigures:
    found = ledger.costs(campaign.name, asked.since or BEGINNING, asked.until)
    cost = found.cost / MICROS
    return MoneyFigures(
        cost=cost,
        currency=asked.currency,
        per_talk=cost / found.talks if found.talks else None,
        per_decision=cost / found.decided if found.decided else None,
    )


def _persistence(
    ledger: PostgresLedger, campaign: Campaign, until: datetime
) -> PersistenceFigures:
    figures = ledger.persistence(campaign.name, until - timedelta(days=DAYS))
    limits = campaign.persistence
    return PersistenceFigures(figures=figures, limits=limits, judged=judge(figures, limits))


def reached(dispositions: Mapping[str, int]) -> int:
    """Calls that a person answered."""
    return sum(dispositions.get(one.value, 0) for one in REACHED)


def operator_figures(
    ledger: PostgresLedger,
    since: datetime,
    until: datetime,
    *,
    only: Collection[OperatorId] | None = None,
) -> tuple[OperatorFigures, ...]:
    """By name; `only` None: everybody who was at work in the span."""
    seconds: dict[OperatorId, dict[str, float]] = {}
    for operator, state, lasted_s in ledger.reports.operator_times(since, until):
        seconds.setdefault(operator, {})[state] = lasted_s
    talks = {one.operator: one.talks for one in ledger.reports.operator_talks(since, until)}
    names = sorted(seconds.keys() | talks.keys())
    return tuple(
        _figures(name, talks.get(name, 0), seconds.get(name, {}))
        for name in names
        if only is None or name in only
    )


def _figures(name: OperatorId, talks: int, in_state_s: Mapping[str, float]) -> OperatorFigures:
    return OperatorFigures(
        operator=name,
        talks=talks,
        talk_s=in_state_s.get(OperatorState.TALKING, 0.0),
        idle_s=sum(in_state_s.get(state, 0.0) for state in _IDLE),
        wrapup_s=in_state_s.get(OperatorState.WRAPUP, 0.0),
        paused_s=in_state_s.get(OperatorState.PAUSED, 0.0),
    )


def _numbers(
    ledger: PostgresLedger, campaign: Campaign, asked: ReportQuestion, since: datetime
) -> tuple[NumberFigures, ...]:
    """The pool's numbers in its order, then those that were shown and are no longer in it."""
    until = asked.until
    uses = {
        use.number: use
        for use in ledger.reports.numbers_of_campaign(campaign.name, since, until)
    }
    # A day further on both sides: days are the numbers' own, wherever they lie.
    first, last = since.date() - timedelta(days=1), until.date() + timedelta(days=1)
    days: dict[NumberId, list[NumberDay]] = {}
    for day in ledger.reports.calls_per_number(first, last):
        days.setdefault(day.number, []).append(day)
    pool = {number.id: number for number in asked.numbers}
    return tuple(
        _number(name, pool.get(name), uses.get(name), days.get(name, []), until)
        for name in [*pool, *sorted(uses.keys() - pool.keys())]
    )


def _number(
    name: NumberId,
    number: Number | None,
    use: NumberUse | None,
    days: Sequence[NumberDay],
    until: datetime,
) -> NumberFigures:
    busiest = max(days, key=lambda day: day.dialed, default=None)
    today = 0
    if number is not None:
        own_day = number_day(number, until)
        today = sum(day.dialed for day in days if day.day == own_day)
    reached_carrier = use.charged if use else 0
    answered = use.answered if use else 0
    return NumberFigures(
        number=name,
        region=number.region if number else None,
        attempts=use.attempts if use else 0,
        # What was answered has reached the carrier; the counts may be of two moments.
        answered=share_of(min(answered, reached_carrier), reached_carrier),
        talked=use.talked if use else 0,
        today=today,
        soft_limit=number.soft_limit if number else 0,
        hard_limit=number.hard_limit if number else 0,
        most=busiest.dialed if busiest else 0,
        most_on=busiest.day if busiest and busiest.dialed else None,
        most_limit=busiest.hard_limit if busiest else (number.hard_limit if number else 0),
    )
