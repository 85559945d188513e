"""Keeps the cap's windows and what pacing has learned: the ledger's word, and what it lacks.

Each few seconds the window's counts are read and our slice of its budget is taken anew
(`ports.Ledger.take_slice`); between two looks each answer and each drop of ours is added at
once. Estimates are saved each minute and at the end; losing them costs a slow start and
nothing of the books, which are PostgreSQL's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog

from dialer.core.calls.attempt_value import AttemptState
from dialer.core.model import Campaign, CampaignName, InstanceName, Moment, Outcome
from dialer.core.pacing.cap_ledger import Counts
from dialer.core.pacing.cap_rule import window_of
from dialer.core.pacing.counted_on import more_s
from dialer.engine.calls import ASKING, Calls
from dialer.engine.cap_window import CapWindow, budget, count_of, counts_of, rule_of
from dialer.engine.pacing_books import PacingBooks
from dialer.ports import Ledger, SliceRequest

log = structlog.get_logger(__name__)

#: A slice is ours for so long; it is taken anew each few seconds.
SLICE_S = 30.0


class CapKeeper:
    """`refresh` is called by the store watch; the rest inside the dispatcher's turn."""

    def __init__(
        self,
        calls: Calls,
        ledger: Ledger,
        books: PacingBooks,
        *,
        instance: InstanceName,
        unwritten: Callable[[], Iterable[Outcome]],
    ) -> None:
        self._calls = calls
        self._ledger = ledger
        self._books = books
        self._instance = instance
        self._unwritten = unwritten
        self.windows: dict[CampaignName, CapWindow] = {}
        books.on_count = self.add

    def add(self, name: CampaignName, counts: Counts) -> None:
        """What has happened since the last look."""
        window = self.windows.get(name)
        if window is not None:
            window.counts = window.counts.plus(counts)

    def refresh(self, now: Moment) -> None:
        """Every campaign's window from the ledger. Raises StoreError."""
        for campaign in list(self._calls.campaigns.values()):
            if campaign.active:
                self.windows[campaign.name] = self._window(campaign, now)

    def _window(self, campaign: Campaign, now: Moment) -> CapWindow:
        rule = rule_of(campaign)
        since, until = window_of(rule, now.wall)
        ahead_s = more_s(campaign, until, now.wall)
        unwritten = [
            count_of(one)
            for one in self._unwritten()
            if one.campaign == campaign.name
            and one.answered_at is not None
            and one.answered_at >= since
        ]
        answer = self._ledger.take_slice(
            SliceRequest(
                campaign=campaign.name,
                instance=self._instance,
                since=since,
                until=until,
                budget=lambda told: budget(rule, told, more_s=ahead_s, now=now.wall),
                wants=self._calls.logged_in(campaign.group) > 0,
                lease_s=SLICE_S,
                now=now.wall,
            )
        )
        counts = counts_of(answer.counts).plus(self._open(campaign.name))
        for one in unwritten:
            counts = counts.plus(one)
        first_at = answer.counts.first_at or now.wall
        alone = answer.others == 0
        return CapWindow(
            rule=rule,
            since=since,
            until=until,
            more_until_s=now.mono_s + ahead_s,
            began_s=now.mono_s - max(0.0, (now.wall - first_at) / timedelta(seconds=1)),
            counts=counts,
            withheld=0.0 if alone else max(0.0, answer.whole - answer.drops),
            others=answer.others,
        )

    def _open(self, name: CampaignName) -> Counts:
        """Answered calls that have not ended: no book holds them yet."""
        return Counts(
            pending=self._calls.count(name, *ASKING, AttemptState.TALKING),
            abandoned=self._calls.count(name, AttemptState.MESSAGE),
        )

    def abandonment(self, name: CampaignName) -> tuple[int, int]:
        """(abandoned, answered) of the present window, as the campaign's law counts them."""
        window = self.windows.get(name)
        return (0, 0) if window is None else (window.abandoned, window.answered)
