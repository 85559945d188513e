"""What a campaign's own limits let it do: where persistence ends (R6.11), its day's budget.

One greenlet reads the ledger and judges by the core; the lookout asks at each decision. While
the ledger is away the last answer holds: nothing is dialed then anyway. The budget itself is
held by the intent (`ledger/sql/intents.sql`); here it is seen before calls are wanted in vain.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import gevent
import structlog

from dialer.core.model import Campaign, CampaignName, DayBudget, Moment
from dialer.core.permission.money import MICROS, calls_left, day_of
from dialer.core.permission.persistence import (
    DAYS,
    Figures,
    Judged,
    judge,
    rests,
    sentence,
)
from dialer.core.permission.reasons import Reason
from dialer.core.trouble import Kind, Trouble
from dialer.engine.calls import Calls
from dialer.engine.lines import Lines
from dialer.errors import StoreError
from dialer.ports import Clock, Ledger, Meter

log = structlog.get_logger(__name__)

TICK_S = 5.0
EVERY_S = 60.0
#: Counting a month of a large campaign may take a second: it takes one part in so many at most.
PART_OF_TIME = 100


class CampaignLimits:
    """`run` is a greenlet; all else answers from its last look."""

    def __init__(
        self, calls: Calls, lines: Lines, ledger: Ledger, clock: Clock, meter: Meter
    ) -> None:
        self._calls = calls
        self._lines = lines
        self._ledger = ledger
        self._clock = clock
        self._meter = meter
        self._figures: dict[CampaignName, Figures] = {}
        self._judged: dict[CampaignName, Judged] = {}
        self._left: dict[CampaignName, int | None] = {}
        self._due_s = 0.0
        self._refused_until_s: dict[CampaignName, float] = {}

    def run(self) -> None:
        while True:
            gevent.sleep(TICK_S)
            try:
                self._look(self._clock.now())
            except StoreError as error:
                self._meter.count("dialer_store_errors_total", store=error.store)
                log.warning("the limits of persistence are not read", error=str(error))

    def _look(self, now: Moment) -> None:
        if now.mono_s >= self._due_s:
            self.look(now)
            took_s = self._clock.now().mono_s - now.mono_s
            self._due_s = now.mono_s + max(EVERY_S, PART_OF_TIME * took_s)
        else:
            self.look_at_budgets(now)

    def look(self, now: Moment) -> None:
        """Every active campaign once. Raises StoreError."""
        for campaign in list(self._calls.campaigns.values()):
            if campaign.active:
                self._look_at(campaign, now)
        self.look_at_budgets(now)

    def look_at_budgets(self, now: Moment) -> None:
        """Only of campaigns that have one. Raises StoreError."""
        for campaign in list(self._calls.campaigns.values()):
            if campaign.active and campaign.budget != DayBudget():
                self._look_at_budget(campaign, now)
            else:
                self._left.pop(campaign.name, None)

    def _look_at_budget(self, campaign: Campaign, now: Moment) -> None:
        name, budget = campaign.name, campaign.budget
        calls, spent = self._ledger.used_of_day(name, day_of(campaign, now.wall))
        prices = [self._lines.price(gateway) for gateway in campaign.gateways]
        self._left[name] = calls_left(budget, calls, spent, prices)
        for of, used, most in (
            ("calls", calls, budget.calls),
            ("money", spent / MICROS, budget.money),
        ):
            if most is not None:
                share = used / most
                self._meter.gauge("dialer_budget_used_ratio", share, campaign=name, of=of)

    def _look_at(self, campaign: Campaign, now: Moment) -> None:
        name = campaign.name
        figures = self._ledger.persistence(name, now.wall - timedelta(days=DAYS))
        judged = judge(figures, campaign.persistence)
        before = self._judged.get(name, Judged())
        # First into the ledger: from then on it binds the intents of every daemon.
        self._ledger.save_pace(name, judged.pace)
        self._figures[name], self._judged[name] = figures, judged
        for key, count in figures._asdict().items():
            self._meter.gauge("dialer_persistence_calls", count, campaign=name, figure=key)
        self._meter.gauge("dialer_persistence_pace_ratio", judged.pace, campaign=name)
        if (judged.pace <= 0) is not (before.pace <= 0) or bool(judged.over) is not bool(
            before.over
        ):
            log.warning(
                "persistence judged", campaign=name, pace=judged.pace, why=sentence(judged)
            )

    # ------------------------------------------------------------------ asked

    def rests(self, name: CampaignName, now: Moment) -> bool:
        """Does a limit of persistence keep the campaign from dialing at this moment?"""
        if now.mono_s < self._refused_until_s.get(name, 0.0):
            return True
        judged = self._judged.get(name)
        return judged is not None and bool(judged.over) and rests(judged, now.wall)

    def calls_left(self, name: CampaignName) -> int | None:
        """Calls that the campaign's day still bears; None: no budget."""
        return self._left.get(name)

    def reached(self, name: CampaignName, why: Reason) -> None:
        """Said by the ledger; it stands until the next look."""
        if why is Reason.PERSISTENCE:
            # Another daemon has judged later than we: look again soon, dial nothing until then.
            self._refused_until_s[name] = self._clock.now().mono_s + TICK_S
            self._due_s = 0.0
            return
        self._left[name] = 0
        log.info("the budget of the day is used up", campaign=name, why=why)

    def seen(self, name: CampaignName) -> dict[str, Any]:
        """For the status."""
        judged = self._judged.get(name, Judged())
        figures = self._figures.get(name)
        return {
            "persistence": figures._asdict() if figures else None,
            "pace": round(judged.pace, 3),
            "why": sentence(judged),
            "calls_left_today": self._left.get(name),
        }

    def troubles(self) -> Sequence[Trouble]:
        """Each campaign that is slowed or stopped."""
        found = [
            Trouble(
                kind=Kind.PERSISTENCE, subject=name, text=f"campaign {name}: {sentence(judged)}"
            )
            for name, judged in self._judged.items()
            if judged.over and name in self._calls.campaigns
        ]
        text = "its calls or money of the day are used up: nothing more is dialed today"
        found += [
            Trouble(kind=Kind.BUDGET_USED_UP, subject=name, text=f"campaign {name}: {text}")
            for name, left in self._left.items()
            if left == 0
        ]
        return found
