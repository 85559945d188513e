"""What a campaign's persistence came to (R6.11), and what it spends (R3.13)."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from dialer.core.model import CampaignName, PhoneId
from dialer.core.permission.persistence import Figures
from dialer.ledger.pool import Pool
from dialer.ledger.statements import statements

SQL = statements("spending")


def persistence(pool: Pool, campaign: CampaignName, since: datetime) -> Figures:
    """By a connection of the slow questions: a month of a large campaign takes a while."""
    with pool.sweep() as connection:
        row = connection.execute(
            SQL["persistence"], {"campaign": campaign, "since": since}
        ).fetchone()
    return Figures(*map(int, row)) if row else Figures()


def persistence_of(pool: Pool, phone: PhoneId, since: datetime) -> Figures:
    """Of one person, over all campaigns."""
    asked = {"phone": phone, "since": since}
    with pool.connection() as connection:
        row = connection.execute(SQL["persistence_of"], asked).fetchone()
    tries, talks, answered, refusals, instant, opt_outs, complaints = map(int, row or (0,) * 7)
    return Figures(
        tries=tries,
        talks=talks,
        answered=answered,
        refusals=refusals,
        instant_hang_ups=instant,
        opt_outs=opt_outs,
        complaints=complaints,
        persons=1,
        most_tries=tries,
        most_refusals=refusals,
        most_instant_hang_ups=instant,
    )


def save_pace(pool: Pool, campaign: CampaignName, pace: float) -> None:
    """As it was judged now: the share of its pace at which any daemon's intents pass."""
    with pool.connection() as connection:
        connection.execute(SQL["save_pace"], {"campaign": campaign, "pace": pace})


def pace_of(pool: Pool, campaign: CampaignName) -> float:
    with pool.connection() as connection:
        row = connection.execute(SQL["pace_of"], {"campaign": campaign}).fetchone()
    return float(row[0]) if row else 1.0


class Costs(NamedTuple):
    """Millionths of the currency, and what they were for: talks with people, decisions."""

    cost: int
    talks: int
    decided: int


def used_of_day(pool: Pool, campaign: CampaignName, day: date) -> tuple[int, int]:
    """(calls, millionths); nothing where the campaign has had no budget on that day yet."""
    with pool.connection() as connection:
        row = connection.execute(
            SQL["used_of_day"], {"campaign": campaign, "day": day}
        ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def costs(pool: Pool, campaign: CampaignName, since: datetime, until: datetime) -> Costs:
    with pool.sweep() as connection:
        row = connection.execute(
            SQL["costs"], {"campaign": campaign, "since": since, "until": until}
        ).fetchone()
    return Costs(*map(int, row)) if row else Costs(0, 0, 0)
