"""What pacing has learned, over restarts: saved each minute, restored at the start.

A campaign begins with its own saved estimates and the answer rate of this hour in its own
history; where there is neither, or they are of another version, with the cautious prior and a
slow start. The cap's books are elsewhere and lose nothing by any of this.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import orjson
import structlog

from dialer.core.model import Campaign, InstanceName, Moment
from dialer.core.pacing.answers import CAUTIOUS_RATE
from dialer.core.pacing.counted_on import ZONE
from dialer.core.pacing.estimates import from_json, to_json
from dialer.core.pacing.tracker import Tracker
from dialer.engine.calls import Calls
from dialer.engine.cap_window import rule_of
from dialer.engine.pacing_books import PacingBooks
from dialer.errors import ConfigError
from dialer.ports import Ledger

log = structlog.get_logger(__name__)

#: The history of this hour of the day, and how many calls of it are worth believing.
HISTORY = timedelta(days=28)
LEAST_CALLS = 50


class PacingMemory:
    """`restore` before the first call, `save` now and then."""

    def __init__(
        self, calls: Calls, ledger: Ledger, books: PacingBooks, *, instance: InstanceName
    ) -> None:
        self._calls = calls
        self._ledger = ledger
        self._books = books
        self._instance = instance

    def save(self, now: Moment) -> None:
        """Raises StoreError."""
        learned = {
            name: orjson.loads(
                to_json(page.tracker, now_s=now.mono_s, saved_at=now.wall.timestamp())
            )
            for name, page in self._books.pages.items()
            if page.tracker.answers.answers > 0
        }
        if learned:
            self._ledger.save_estimates(self._instance, learned, now.wall)

    def restore(self, now: Moment) -> None:
        """Every active campaign that is not known yet. Raises StoreError."""
        for campaign in list(self._calls.campaigns.values()):
            if campaign.active and self._books.known(campaign.name) is None:
                self._restore(campaign, now)

    def _restore(self, campaign: Campaign, now: Moment) -> None:
        rate = self._rate_now(campaign, now)
        found = self._ledger.load_estimates(campaign.name, self._instance)
        tracker = Tracker(
            rule=rule_of(campaign),
            ring_timeout_s=campaign.ring_timeout_s,
            now_s=now.mono_s,
            rate=CAUTIOUS_RATE if rate is None else rate,
        )
        word = "none" if found is None else "saved"
        if found is not None:
            try:
                from_json(
                    tracker,
                    orjson.dumps(found[1]).decode(),
                    now_s=now.mono_s,
                    at=now.wall.timestamp(),
                    place=f"campaign {campaign.name}",
                )
            except ConfigError as error:
                word = "refused"
                log.warning(
                    "saved pacing estimates refused, a cautious start",
                    campaign=campaign.name,
                    why=str(error),
                )
        self._books.restore(campaign, tracker)
        log.info(
            "pacing begins",
            campaign=campaign.name,
            estimates=word,
            answer_rate=None if rate is None else round(rate, 3),
        )

    def _rate_now(self, campaign: Campaign, now: Moment) -> float | None:
        """Answered / dialed about this hour of the day, lately."""
        zone = campaign.default_zone or ZONE
        hour = now.wall.astimezone(ZoneInfo(zone)).hour
        dialed, answered = self._ledger.answers_at_hour(
            campaign.name, now.wall - HISTORY, hour, zone
        )
        return None if dialed < LEAST_CALLS else min(0.95, max(0.003, answered / dialed))
