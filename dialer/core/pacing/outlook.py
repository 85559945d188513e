"""What a predictive decision sees of one campaign's next half minute: a frozen value.

`Law` holds the tables, rebuilt each few seconds (it has a revision: a recorded day stores it
once); `Outlook` the moment: calls in flight by age with their answer rates, rows of busy
operators, the price with what set it. Arrays are read, never written.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from dialer.core.pacing.answers import HORIZON_S, STEP_S
from dialer.core.pacing.risk import moments

Floats = NDArray[np.float64]

#: Half seconds of age after which an answer counts as being at 0.5, 1.5, .. s from now.
_STEPS = 1 + np.arange(HORIZON_S) * int(1 / STEP_S)


class SetBy(StrEnum):
    """What the price stands at, and why."""

    PRICE = "price"  # the slow loop
    START = "start"  # too few answers yet
    BRAKE = "brake"  # a cluster of drops a moment ago
    STRETCH = "stretch"  # the last half hour
    LEDGER = "ledger"  # the cap's window
    CERTIFICATE = "certificate"  # not enough answers to certify: progressive until then


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Law:
    """How answers, talks and wrap-ups go, as tables."""

    revision: int
    answered_by: Floats  # G at age 0, 0.5, 1, .. s: share of the answerable answered by then
    ended_by: Floats  # R, of the others
    free: tuple[
        Floats, Floats, Floats
    ]  # P(free within s + patience) by row: talk, wrap-up, short
    arrival: Floats  # when a fresh call is answered, given that it is
    fresh: Floats  # P(answered by s) of a fresh answerable call
    free_moments: tuple[Floats, Floats, Floats]

    @classmethod
    def of(
        cls, revision: int, answered_by: Floats, ended_by: Floats, free: tuple[Floats, ...]
    ) -> Law:
        last = len(answered_by) - 1
        edges = np.minimum(np.arange(HORIZON_S) * 2 + 2, last)
        parts = np.diff(answered_by[edges], prepend=0.0)
        parts[-1] += 1.0 - parts.sum()
        talk, wrapup, short = free
        return cls(
            revision=revision,
            answered_by=answered_by,
            ended_by=ended_by,
            free=(talk, wrapup, short),
            arrival=parts,
            fresh=answered_by[np.minimum(_STEPS, last)],
            free_moments=(moments(talk), moments(wrapup), moments(short)),
        )

    def answers(self, ages: NDArray[np.intp], rates: Floats) -> Floats:
        """P(answered within s) of calls still in flight at these ages (half seconds)."""
        done = self.answered_by[ages]
        alive = 1.0 - rates * done - (1.0 - rates) * self.ended_by[ages]
        until = np.minimum(ages[:, None] + _STEPS[None, :], len(self.answered_by) - 1)
        gained = self.answered_by[until] - done[:, None]
        weight = np.where(alive > 1e-4, rates / np.maximum(alive, 1e-4), 0.0)
        chances: Floats = np.minimum(1.0, gained * weight[:, None])
        return chances


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlook:
    """The moment of one campaign. `talking`, `wrapup`, `short_wrapup`: rows of `Law.free`, one
    per operator who will take a call afterwards.
    """

    law: Law
    ages: NDArray[np.intp]
    calls: Floats
    rates: Floats
    rate: float
    spread: float
    talking: tuple[int, ...] = ()
    wrapup: tuple[int, ...] = ()
    short_wrapup: tuple[int, ...] = ()
    #: Busy operators who serve other groups too: (0 talk, 1 wrap-up, 2 short; row; our part).
    partial: tuple[tuple[int, int, float], ...] = ()
    #: Ages (half seconds) of the calls that may be given up, youngest first.
    cancellable: tuple[int, ...] = ()
    theta: float
    set_by: SetBy = SetBy.PRICE
    budget_left: float | None = None
    #: Arrivals of inbound and promised calls, which come first.
    inbound_per_s: float = 0.0

    @property
    def busy(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Rows by table of `Law.free`."""
        return (self.talking, self.wrapup, self.short_wrapup)


def expected(outlook: Outlook, within_s: float) -> tuple[float, float]:
    """(operators free, calls answered) on average within so many seconds."""
    at = max(0, min(HORIZON_S - 1, round(within_s - 0.5)))
    free = sum(
        float(table[list(rows), at].sum())
        for table, rows in zip(outlook.law.free, outlook.busy, strict=True)
        if rows
    )
    free += sum(outlook.law.free[kind][row, at] * part for kind, row, part in outlook.partial)
    answered = outlook.calls @ outlook.law.answers(outlook.ages, outlook.rates)[:, at]
    return free, float(answered)
