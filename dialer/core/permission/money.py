"""What a call costs, and what a day's budget still bears (R3.13). Pure.

Sums are whole millionths of the currency: a carrier's 0.25 for an attempt must not drift over a
million of them. A call going on holds `reserve` of the budget, its end replaces it by the true
cost; so a day passes its money by no more than what the calls then open cost beyond that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dialer.core.model import Campaign, DayBudget, Price
from dialer.core.permission.hours import next_midnight

MICROS = 1_000_000
#: An open call is taken for one of so many seconds.
RESERVED_S = 60.0
#: Where the campaign names no zone.
ZONE = "Europe/Moscow"


def micros(amount: float) -> int:
    return round(amount * MICROS)


def cost(price: Price | None, *, reached: bool, answered_s: float | None) -> int:
    """Millionths. `reached`: the carrier took the call; `answered_s` None: nobody answered."""
    if price is None or not reached:
        return 0
    total = micros(price.per_attempt)
    if answered_s is not None:
        # A hair under a whole step is that step: the clocks' fractions are nobody's money.
        steps = max(1, math.ceil(round(answered_s / price.step_s, 6)))
        total += micros(price.per_call) + micros(price.per_minute * steps * price.step_s / 60)
    return total


def reserve(price: Price | None) -> int:
    """What an open call holds of the budget."""
    return cost(price, reached=True, answered_s=RESERVED_S)


def day_of(campaign: Campaign, now: datetime) -> date:
    """The campaign's own day."""
    return now.astimezone(ZoneInfo(campaign.default_zone or ZONE)).date()


def day_ends(campaign: Campaign, now: datetime) -> datetime:
    """When that day is over, and its budget is whole again (aware, UTC)."""
    return next_midnight(campaign.default_zone or ZONE, now)


def calls_left(
    budget: DayBudget, calls: int, spent: int, prices: Iterable[Price | None]
) -> int | None:
    """How many calls more the day bears, by its dearest way out; None: as many as one likes."""
    left = []
    if budget.calls is not None:
        left.append(budget.calls - calls)
    if budget.money is not None:
        dearest = max(map(reserve, prices), default=0)
        free = micros(budget.money) - spent
        left.append(free // dearest if dearest else int(free > 0) * MICROS)
    return max(0, min(left)) if left else None
