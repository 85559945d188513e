"""What a campaign would dial now, and why each other contact is held back (R10.3).

`plan` asks the ledger; the values go to `tables` and `as_json`. Phones are masked here: their
clear digits leave this file nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from dialer.core.base.priority import place_of
from dialer.core.model import Campaign, Number, PhoneId
from dialer.core.numbers.pools import (
    NumberLoad,
    PoolLoad,
    may_show,
    number_day,
    pool_load,
)
from dialer.core.permission.grounds import grounds
from dialer.core.permission.hours import next_midnight
from dialer.core.permission.reasons import Reason
from dialer.ledger.store import PostgresLedger
from dialer.reports.queue_now import Dialable, Held, QueueNow, gathered, queue_now
from dialer.reports.wording import clock, masked


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """One contact that would be dialed now. `place` counts from 1 in the order of dialing."""

    place: int
    contact: int
    phone: str  # masked
    region: str | None
    source: str  # hot, first, repeat
    score: int
    position: int  # on the list
    why: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlan:
    """`calls`: the first of `dialable`; `notes`: what stands above every contact."""

    campaign: str
    at: datetime
    zone: str
    calls: tuple[PlannedCall, ...]
    dialable: int
    held: tuple[Held, ...]
    not_judged: int
    numbers: int
    pool: PoolLoad
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanQuestion:
    """What the ledger does not know: `numbers` are the campaign's pool as configured."""

    now: datetime
    limit: int
    numbers: Sequence[Number]
    holidays: frozenset[date] = frozenset()
    zone: str = "Europe/Moscow"  # in which instants are shown


def plan(ledger: PostgresLedger, campaign: Campaign, asked: PlanQuestion) -> CampaignPlan:
    """Everything as of `asked.now`. The campaign must be known to the ledger."""
    queue = queue_now(ledger, campaign, asked.now, asked.holidays)
    numbers, load = pool_now(ledger, campaign, asked.numbers, asked.now)
    if load.used_up and queue.allowed:
        queue = _pool_used_up(queue, numbers, asked.now)
    return CampaignPlan(
        campaign=campaign.name,
        at=asked.now,
        zone=asked.zone,
        calls=_calls(ledger, campaign, queue.allowed[: asked.limit], asked),
        dialable=len(queue.allowed),
        held=queue.held,
        not_judged=queue.not_judged,
        numbers=len(numbers),
        pool=load,
        notes=tuple(_notes(ledger, campaign, load, len(queue.allowed))),
    )


def pool_now(
    ledger: PostgresLedger, campaign: Campaign, pool: Sequence[Number], now: datetime
) -> tuple[list[Number], PoolLoad]:
    """The numbers that the campaign may show, and what is left of their day."""
    numbers = [number for number, _ in may_show(pool, campaign.gateways, campaign.gateways)]
    days = {number.id: number_day(number, now) for number in numbers}
    charges = ledger.charges(sorted(set(days.values())))
    loads = (
        NumberLoad(charges.get((n.id, days[n.id]), 0), n.soft_limit, n.hard_limit)
        for n in numbers
    )
    return numbers, pool_load(loads)


def _pool_used_up(queue: QueueNow, numbers: Sequence[Number], now: datetime) -> QueueNow:
    """Nobody can be dialed before a number's next day begins."""
    until = min((next_midnight(number.zone, now) for number in numbers), default=None)
    held = Held(reason=Reason.POOL_USED_UP.value, contacts=len(queue.allowed), until=until)
    return replace(queue, allowed=(), held=gathered([*queue.held, held]))


def _calls(
    ledger: PostgresLedger,
    campaign: Campaign,
    chosen: Sequence[Dialable],
    asked: PlanQuestion,
) -> tuple[PlannedCall, ...]:
    digits = ledger.digits_of([one.entry.phone_id for one in chosen])
    return tuple(
        _call(place, one, campaign, asked, digits) for place, one in enumerate(chosen, start=1)
    )


def _call(
    place: int,
    one: Dialable,
    campaign: Campaign,
    asked: PlanQuestion,
    digits: Mapping[PhoneId, str],
) -> PlannedCall:
    entry = one.entry
    ranked = place_of(entry.rank)
    return PlannedCall(
        place=place,
        contact=entry.contact_id,
        phone=masked(digits.get(entry.phone_id, "")),
        region=entry.region,
        source=entry.source.value,
        score=ranked.score,
        position=entry.position,
        why=_why(one, campaign, asked),
        until=one.until,
    )


def _why(one: Dialable, campaign: Campaign, asked: PlanQuestion) -> str:
    """The grounds on which the attempt would be committed, in one line."""
    found = grounds(one.entry, campaign, asked.now, own_windows=one.own_windows)
    consent = found["consent"]
    parts = [
        f"consent for {campaign.purpose}"
        if consent["required"]
        else f"no consent needed: {consent['ground']}",
    ]
    if one.until is not None:
        own = " (his own hours)" if one.own_windows else ""
        parts.append(f"open until {clock(one.until, asked.zone, asked.now)}{own}")
    else:
        parts.append("open at any hour")
    today, week = found["tries"]["today"], found["tries"]["week"]
    parts.append(f"tries {today[0]} of {today[1]} today, {week[0]} of {week[1]} in a week")
    return "; ".join(parts)


def _notes(
    ledger: PostgresLedger, campaign: Campaign, load: PoolLoad, dialable: int
) -> list[str]:
    notes = []
    if not campaign.active:
        notes.append("the campaign is switched off (active: false): nothing of it is dialed")
    if ledger.halted():
        notes.append("the emergency stop is on: nothing is dialed until `dialer resume`")
    if load.used_up:
        notes.append("the pool is used up: every number has reached its daily limit")
    elif load.warning:
        notes.append(f"the pool is nearly used up: {load.share:.0%} of its day's calls")
    if not load.used_up and dialable > load.hard_left:
        notes.append(
            f"the pool carries {load.hard_left} more calls today,"
            f" {dialable} contacts may be dialed"
        )
    return notes
