"""What a campaign's own limits let it do: where persistence ends (R6.11).

One greenlet reads the ledger and judges by the core; the lookout asks at each decision. While
the ledger is away the last answer holds: nothing is dialed then anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import gevent
import structlog

from dialer.core.model import Campaign, CampaignName, Moment
from dialer.core.permission.persistence import (
    DAYS,
    Figures,
    Judged,
    judge,
    rests,
    sentence,
)
from dialer.core.trouble import Kind, Trouble
from dialer.engine.calls import Calls
from dialer.errors import StoreError
from dialer.ports import Clock, Ledger, Meter

log = structlog.get_logger(__name__)

EVERY_S = 60.0
#: Counting a month of a large campaign may take a second: it takes one part in so many at most.
PART_OF_TIME = 100


class CampaignLimits:
    """`run` is a greenlet; all else answers from its last look."""

    def __init__(self, calls: Calls, ledger: Ledger, clock: Clock, meter: Meter) -> None:
        self._calls = calls
        self._ledger = ledger
        self._clock = clock
        self._meter = meter
        self._figures: dict[CampaignName, Figures] = {}
        self._judged: dict[CampaignName, Judged] = {}

    def run(self) -> None:
        took_s = 0.0
        while True:
            gevent.sleep(max(EVERY_S, PART_OF_TIME * took_s))
            began_s = self._clock.now().mono_s
            try:
                self.look(self._clock.now())
            except StoreError as error:
                self._meter.count("dialer_store_errors_total", store=error.store)
                log.warning("the limits of persistence are not read", error=str(error))
            took_s = self._clock.now().mono_s - began_s

    def look(self, now: Moment) -> None:
        """Every active campaign once. Raises StoreError."""
        for campaign in list(self._calls.campaigns.values()):
            if campaign.active:
                self._look_at(campaign, now)

    def _look_at(self, campaign: Campaign, now: Moment) -> None:
        name = campaign.name
        figures = self._ledger.persistence(name, now.wall - timedelta(days=DAYS))
        judged = judge(figures, campaign.persistence)
        before = self._judged.get(name, Judged())
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
        judged = self._judged.get(name)
        return judged is not None and bool(judged.over) and rests(judged, now.wall)

    def seen(self, name: CampaignName) -> dict[str, Any]:
        """For the status."""
        judged = self._judged.get(name, Judged())
        figures = self._figures.get(name)
        return {
            "persistence": figures._asdict() if figures else None,
            "pace": round(judged.pace, 3),
            "why": sentence(judged),
        }

    def troubles(self) -> Sequence[Trouble]:
        """Each campaign that is slowed or stopped."""
        return [
            Trouble(
                kind=Kind.PERSISTENCE, subject=name, text=f"campaign {name}: {sentence(judged)}"
            )
            for name, judged in self._judged.items()
            if judged.over and name in self._calls.campaigns
        ]
