"""Predictive: launch while one more call risks no more than the price of risk (R3.2).

One balance of operators for all campaigns that feed the group (pacing.md 3, 8); each campaign
has its own calls, law and price. A call that may be given up is given up, youngest first, while
its own risk passes the price by half: such a one is retried later like a no-answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dialer.core.pacing.answers import HORIZON_S
from dialer.core.pacing.outlook import Outlook
from dialer.core.pacing.risk import (
    EXACT_OPERATORS,
    Balance,
    ExactBalance,
    NormalBalance,
    marginal,
    moments,
)

Floats = NDArray[np.float64]

#: A call is given up where its risk passes so many prices.
CANCEL_AT = 1.5
#: So many in one decision: the next is half a second away.
MOST_CANCELLED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Risks of the calls to launch (in order), of the first refused; how many to give up."""

    launch: tuple[float, ...]
    refused: float
    cancel: int = 0


def wanted(spare: int, outlooks: Sequence[Outlook], own: int, most: int) -> Wanted:
    """What campaign `own` of those that share the operators would launch, at most `most`.

    `spare`: idle operators less waiting customers.
    """
    outlook = outlooks[own]
    law, theta = outlook.law, outlook.theta
    balance = balance_of(spare, outlooks)
    fresh = np.minimum(1.0, law.fresh * outlook.rate)
    launch: list[float] = []
    while True:
        risk = marginal(balance.lost(), law.arrival)
        if risk > theta or len(launch) >= most:
            break
        launch.append(risk)
        balance.add(fresh)
    cancel = 0
    if not launch and outlook.cancellable and risk > CANCEL_AT * theta:
        cancel = _to_cancel(spare, outlooks, own)
    return Wanted(launch=tuple(launch), refused=risk, cancel=cancel)


def balance_of(spare: int, outlooks: Sequence[Outlook]) -> Balance:
    """The operators' balance with all calls in flight."""
    rows = [(one, _rows(one)) for one in outlooks]
    busy = sum(len(one) for _, all_rows in rows for one in all_rows)
    spread = max((one.spread for one in outlooks), default=0.0)
    chances = [one.law.answers(one.ages, one.rates) for one in outlooks]
    answered = np.concatenate(chances)
    calls = np.concatenate([one.calls for one in outlooks])
    if busy + max(0, spare) <= EXACT_OPERATORS:
        free = [
            table[list(row)]
            for one, all_rows in rows
            for table, row in zip(one.law.free, all_rows, strict=True)
            if row
        ]
        stacked = np.concatenate(free) if free else np.zeros((0, HORIZON_S))
        return ExactBalance(spare, stacked, answered, calls, min(0.9, spread))
    total = np.zeros(3 * HORIZON_S)
    for one, all_rows in rows:
        for table, row in zip(one.law.free_moments, all_rows, strict=True):
            if row:
                total += np.bincount(row, minlength=len(table)) @ table
    return NormalBalance(
        spare,
        total.reshape(3, HORIZON_S),
        (calls @ moments(answered)).reshape(3, HORIZON_S),
        spread,
    )


def _rows(one: Outlook) -> tuple[tuple[int, ...], ...]:
    return (one.talking, one.wrapup, one.short_wrapup)


def _to_cancel(spare: int, outlooks: Sequence[Outlook], own: int) -> int:
    """How many of the calls that may be given up risk too much, youngest first."""
    outlook = outlooks[own]
    law, calls = outlook.law, outlook.calls.copy()
    for cancelled, age in enumerate(outlook.cancellable[:MOST_CANCELLED]):
        where = np.flatnonzero(outlook.ages == age)
        if not len(where) or calls[where[0]] < 1.0:
            return cancelled
        calls[where[0]] -= 1.0
        without = list(outlooks)
        without[own] = replace(outlook, calls=calls)
        chances = law.answers(outlook.ages[where[:1]], outlook.rates[where[:1]])[0]
        gains = np.diff(chances, prepend=0.0)
        if gains.sum() <= 1e-6:
            return cancelled
        risk = marginal(balance_of(spare, without).lost(), gains / gains.sum())
        if risk <= CANCEL_AT * outlook.theta:
            return cancelled
    return len(outlook.cancellable[:MOST_CANCELLED])
