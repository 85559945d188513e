"""The cap's ledger: what was answered and lost in the legal window, and what may still be lost.

Arithmetic, no estimate (pacing.md 5). Counts are kept by quarter hours of UTC, of which every
zone's day consists, so a change of window or zone re-adds what was counted and loses nothing.
Each attempt is entered once, by its id: said again it changes nothing; what it turned out to be
(an operator's late "machine") moves it from those in talk. Drops that are still open are
promised: a daemon asks for a slice of whole drops before it puts calls at risk, uses it up drop
by drop and gives back the rest; a dead daemon's slice stays out until its calls are settled.

`CapLedger` is mutable and owned by the shell; it is rebuilt from stored entries, its numbers
are `Counts`, and what they allow (`budget`) is pure.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from dialer.core.pacing.cap_rule import (
    CapRule,
    Denominator,
    EarlyHangUps,
    Spending,
    window_of,
)

QUARTER_S = 900
#: Drops kept back for a cluster, and the part of what was earned.
MARGIN = 1.2
MARGIN_PART = 0.02
#: How much of what the rest of the window will earn may be spent before it is earned.
AHEAD = 0.4
# Sums like 0.03 * 100 come out a hair under the whole number.
_HAIR = 1e-9


class Kind(StrEnum):
    """What an answered call turned out to be."""

    PENDING = "pending"  # in talk: nobody has said yet what it is
    PERSON = "person"  # talked with
    MACHINE = "machine"  # an operator said so
    DETECTED = "detected"  # the detector said so, and it was let go
    ABANDONED = "abandoned"  # no operator in time
    EARLY = "early"  # hung up while waiting, within the patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Answered calls of a window by what they turned out to be."""

    pending: int = 0
    person: int = 0
    machine: int = 0
    detected: int = 0
    abandoned: int = 0
    early: int = 0

    def plus(self, other: Counts) -> Counts:
        return Counts(
            **{one.name: getattr(self, one.name) + getattr(other, one.name) for one in _KINDS}
        )


_KINDS = fields(Counts)


def lost(rule: CapRule, counts: Counts) -> float:
    """k: the drops that the law counts."""
    abandoned = float(counts.abandoned)
    if rule.early_hang_ups is EarlyHangUps.ABANDONED:
        abandoned += counts.early
    if rule.denominator is Denominator.LIVE_CORRECTED:
        abandoned += counts.detected * rule.detector_false_machines
    return abandoned


def answered(rule: CapRule, counts: Counts, *, sure: bool = False) -> float:
    """n: the answers of which the drops are a share; `sure`: that no late word can lower."""
    pending = 0 if sure else counts.pending
    live = float(counts.person + counts.abandoned + counts.early + pending)
    if rule.denominator is Denominator.ANSWERED:
        return live + counts.machine + counts.detected + (counts.pending - pending)
    if rule.denominator is Denominator.LIVE_CORRECTED:
        live += counts.detected * rule.detector_false_machines
    return live


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`left`: drops that may be had now; `target`: the rate that would just spend what the rest
    of the window earns.
    """

    left: float
    target: float
    earned: float


def budget(
    rule: CapRule, counts: Counts, *, to_come: float = 0.0, at_risk: float = 0.0
) -> Budget:
    """What the window can still bear. `to_come`: answers that the rest of it will bring,
    cautiously; `at_risk`: drops expected of, or promised to, the calls in flight.
    """
    cap, gone = rule.limit, lost(rule, counts)
    live = answered(rule, counts)
    if rule.denominator is not Denominator.ANSWERED and counts.person + counts.machine > 0:
        # Some of those in talk will turn out to be machines.
        live -= counts.pending * counts.machine / (counts.person + counts.machine)
    earned = cap * live
    margin = min(1.0, 40.0 * cap) * (MARGIN + MARGIN_PART * earned)
    part = AHEAD if rule.spending is Spending.AHEAD else 0.0
    rest = earned + cap * to_come - gone - margin
    return Budget(
        left=earned + part * cap * to_come - gone - margin - at_risk,
        target=max(0.1 * cap, min(1.6 * cap, rest / max(to_come, 5.0))),
        earned=earned,
    )


def is_passed(rule: CapRule, counts: Counts) -> bool:
    """k > cap * n, at a volume at which that counts (n >= 1/cap)."""
    gone, live = lost(rule, counts), answered(rule, counts)
    if rule.limit <= 0.0:
        return gone > 0.0
    return live >= 1.0 / rule.limit - _HAIR and gone > rule.limit * live + _HAIR


class CapLedger:
    """Entries and slices of one legal cap. Instants are UTC seconds."""

    def __init__(self, rule: CapRule) -> None:
        self.rule = rule
        self._quarters: dict[int, dict[Kind, int]] = {}
        self._entries: dict[Hashable, tuple[int, Kind]] = {}
        self._slices: dict[Hashable, int] = {}
        self._sum: Counts | None = None
        self._window = (0, 0)

    def enter(self, attempt: Hashable, answered_s: float, kind: Kind) -> None:
        """An answered call, or what it turned out to be: the first word holds, so that an
        answer that has earned something never takes it back.
        """
        quarter = int(answered_s // QUARTER_S)
        known = self._entries.get(attempt)
        if known is not None:
            quarter = known[0]  # the answer's instant is of record, a stepped clock's is not
            if known[1] is not Kind.PENDING or kind is Kind.PENDING:
                return
            self._quarters[quarter][Kind.PENDING] -= 1
        counts = self._quarters.setdefault(quarter, {})
        counts[kind] = counts.get(kind, 0) + 1
        self._entries[attempt] = (quarter, kind)
        self._sum = None

    def entries(self) -> Iterable[tuple[Hashable, float, Kind]]:
        """Everything that was entered, to be stored."""
        for attempt, (quarter, kind) in self._entries.items():
            yield attempt, float(quarter * QUARTER_S), kind

    def forget_before(self, instant_s: float) -> None:
        """Drop what no window can reach any more."""
        first = int(instant_s // QUARTER_S)
        self._quarters = {key: one for key, one in self._quarters.items() if key >= first}
        self._entries = {key: one for key, one in self._entries.items() if one[0] >= first}
        self._sum = None

    def change(self, rule: CapRule) -> None:
        """Another window, zone or limit from now on: counted again, nothing lost."""
        self.rule, self._sum, self._window = rule, None, (0, 0)

    def counts(self, now: datetime) -> Counts:
        """What the window that holds `now` has seen."""
        now_s = now.timestamp()
        if not self._window[0] <= now_s < self._window[1]:
            begins, ends = window_of(self.rule, now)
            self._window = (int(begins.timestamp()), int(ends.timestamp()))
            self._sum = None
        if self._sum is None:
            first, last = (at // QUARTER_S for at in self._window)
            total: dict[str, int] = {}
            for quarter, counts in self._quarters.items():
                if first <= quarter < last:
                    for kind, count in counts.items():
                        total[kind.value] = total.get(kind.value, 0) + count
            self._sum = Counts(**total)
        return self._sum

    # ------------------------------------------------------------------ slices

    def slices(self) -> dict[Hashable, int]:
        """Drops promised to each daemon and still open, to be stored."""
        return dict(self._slices)

    def promise_again(self, slices: Mapping[Hashable, int]) -> None:
        """After a restart: what was promised stays out until its calls are settled."""
        self._slices = {daemon: open_now for daemon, open_now in slices.items() if open_now > 0}

    def promised(self) -> int:
        return sum(self._slices.values())

    def ask(self, daemon: Hashable, want: int, now: datetime, *, to_come: float = 0.0) -> int:
        """A slice of whole drops for a daemon: what it gets, at most `want`.

        Strict: only what answers that no late word can take back have earned, or one in
        advance, which is earned by the volume at which it counts.
        """
        rule, counts = self.rule, self.counts(now)
        gone = lost(rule, counts) + self.promised()
        if rule.limit <= 0.0:
            return 0
        if rule.spending is Spending.STRICT:
            allowed = max(1.0, rule.limit * answered(rule, counts, sure=True)) - gone
        else:
            left = budget(rule, counts, to_come=to_come).left
            allowed = left - self.promised()
        granted = max(0, min(want, math.floor(allowed + _HAIR)))
        if granted:
            self._slices[daemon] = self._slices.get(daemon, 0) + granted
        return granted

    def used(self, daemon: Hashable) -> None:
        """One of its promised drops has happened; the drop itself is `enter`ed."""
        if self._slices.get(daemon, 0) > 0:
            self._slices[daemon] -= 1

    def give_back(self, daemon: Hashable, unused: int) -> None:
        """Its calls at risk have ended otherwise; also, once they are settled, a dead one's."""
        left = self._slices.get(daemon, 0) - max(0, unused)
        if left > 0:
            self._slices[daemon] = left
        else:
            self._slices.pop(daemon, None)
