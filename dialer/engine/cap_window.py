"""The abandonment cap's window of one campaign: what its law says, and what has been counted.

Values and arithmetic between the ledger's counts and the core's; who keeps them up to date is
`cap_keeper`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from dialer.core.model import Abandonment, Campaign, Disposition, Outcome
from dialer.core.pacing import cap_ledger
from dialer.core.pacing.cap_ledger import Counts
from dialer.core.pacing.cap_rule import (
    CapRule,
    Denominator,
    EarlyHangUps,
    Uncertified,
    WindowKind,
)
from dialer.core.pacing.cap_rule import Spending as Spends
from dialer.core.pacing.certificate import Certificate
from dialer.core.pacing.counted_on import ZONE
from dialer.ports import WindowCounts

#: A window's first minutes: its rate of answers is believed after so long.
LEAST_ELAPSED_S = 600.0


def rule_of(campaign: Campaign) -> CapRule:
    """The campaign's cap as the core reckons with it."""
    return _rule(campaign.abandonment, campaign.default_zone)


@lru_cache(maxsize=1024)
def _rule(said: Abandonment, default_zone: str | None) -> CapRule:
    kinds = {"day": WindowKind.DAY, "30d": WindowKind.DAYS_30}
    hours = 24 if said.window in kinds else int(said.window.rstrip("h"))
    return CapRule(
        limit=said.limit,
        window=kinds.get(said.window, WindowKind.HOURS),
        window_hours=hours,
        zone=said.zone or default_zone or ZONE,
        denominator=Denominator(said.denominator.value),
        spending=Spends(said.spending.value),
        early_hang_ups=EarlyHangUps(said.early_hang_ups.value),
        certify=said.certify,
        uncertified=Uncertified(said.uncertified.value),
    )


@dataclass(slots=True, kw_only=True)
class CapWindow:
    """[since, until), with what was counted at the last look and since. `withheld`: drops that
    other daemons hold; `more_until_s`: till when answers are counted on; `began_s`: of the
    window's first answer (both monotonic).
    """

    rule: CapRule
    since: datetime
    until: datetime
    more_until_s: float
    began_s: float
    counts: Counts
    withheld: float = 0.0
    others: int = 0

    @property
    def certificate(self) -> Certificate:
        """May it be said that the rate is at most the cap?"""
        return Certificate(
            cap=self.rule.limit,
            confidence=self.rule.certify or 0.95,
            answers=self.answered,
            abandoned=self.abandoned,
        )

    @property
    def answered(self) -> int:
        return round(cap_ledger.answered(self.rule, self.counts))

    @property
    def abandoned(self) -> int:
        return round(cap_ledger.lost(self.rule, self.counts))


def counts_of(told: WindowCounts) -> Counts:
    """The ledger's counts by what the calls turned out to be."""
    return Counts(
        person=told.connected - told.machines,
        machine=told.machines,
        detected=told.answered - told.connected - told.abandoned - told.early_hang_ups,
        abandoned=told.abandoned,
        early=told.early_hang_ups,
    )


def count_of(one: Outcome) -> Counts:
    """One answered call that stands in no book yet."""
    match one.verdict.disposition:
        case Disposition.TALKED:
            return Counts(person=1)
        case Disposition.ABANDONED:
            return Counts(abandoned=1)
        case Disposition.SHORT_HANGUP:
            return Counts(early=1)
        case Disposition.LOST if one.bridged_at is None:
            return Counts(abandoned=1)
        case _:
            return Counts(detected=1)


def budget(rule: CapRule, told: WindowCounts, *, more_s: float, now: datetime) -> float:
    """Drops that the window still bears as a whole, over all daemons (pacing.md 5)."""
    counts = counts_of(told)
    elapsed_s = LEAST_ELAPSED_S
    if told.first_at is not None:
        elapsed_s = max(elapsed_s, (now - told.first_at).total_seconds())
    to_come = cap_ledger.answered(rule, counts) / elapsed_s * more_s
    return cap_ledger.budget(rule, counts, to_come=to_come).left
