"""What a forecast asks of a campaign's past: the port `PastCalls` on PostgreSQL. Reads only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dialer.core.model import CampaignName
from dialer.ledger.pool import Pool
from dialer.ledger.statements import statements
from dialer.ports import PastAnswer, PastEnding, PastHour, PastPresence, QueuePart

SQL = statements("history")


class PastQueries:
    """Each question is one statement on a pooled connection. Raises StoreError."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def hours(
        self, campaign: CampaignName, since: datetime, until: datetime, zone: str
    ) -> list[PastHour]:
        rows = self._rows("past_hours", campaign, since=since, until=until, zone=zone)
        return [PastHour(*row) for row in rows]

    def endings(
        self, campaign: CampaignName, since: datetime, until: datetime
    ) -> list[PastEnding]:
        rows = self._rows("past_endings", campaign, since=since, until=until)
        return [PastEnding(*row) for row in rows]

    def answers(
        self, campaign: CampaignName, since: datetime, until: datetime, most: int
    ) -> list[PastAnswer]:
        rows = self._rows("past_durations", campaign, since=since, until=until, most=most)
        return [PastAnswer(*row) for row in rows]

    def wrapups_s(
        self, campaign: CampaignName, since: datetime, until: datetime, most: int
    ) -> list[float]:
        rows = self._rows("past_wrapups", campaign, since=since, until=until, most=most)
        return [float(lasted_s) for (lasted_s,) in rows]

    def presence(
        self, campaign: CampaignName, since: datetime, until: datetime
    ) -> list[PastPresence]:
        rows = self._rows("past_presence", campaign, since=since, until=until)
        return [PastPresence(*row) for row in rows]

    def queue(self, campaign: CampaignName, zone: str, at: datetime) -> list[QueuePart]:
        rows = self._rows("queue_by_zone", campaign, zone=zone, at=at)
        return [QueuePart(*row) for row in rows]

    def _rows(
        self, statement: str, campaign: CampaignName, **asked: object
    ) -> list[tuple[Any, ...]]:
        with self._pool.sweep() as connection:
            return connection.execute(
                SQL[statement], {"campaign": campaign, **asked}
            ).fetchall()
