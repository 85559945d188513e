"""What a forecast asks of a campaign's past: the port `PastCalls` on PostgreSQL. Reads only."""

from __future__ import annotations

from datetime import datetime

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
        span = {"campaign": campaign, "since": since, "until": until, "zone": zone}
        with self._pool.sweep() as connection:
            rows = connection.execute(SQL["past_hours"], span).fetchall()
        return [PastHour(*row) for row in rows]

    def endings(
        self, campaign: CampaignName, since: datetime, until: datetime
    ) -> list[PastEnding]:
        span = {"campaign": campaign, "since": since, "until": until}
        with self._pool.sweep() as connection:
            rows = connection.execute(SQL["past_endings"], span).fetchall()
        return [PastEnding(*row) for row in rows]

    def answers(
        self, campaign: CampaignName, since: datetime, until: datetime, most: int
    ) -> list[PastAnswer]:
        span = {"campaign": campaign, "since": since, "until": until, "most": most}
        with self._pool.sweep() as connection:
            rows = connection.execute(SQL["past_durations"], span).fetchall()
        return [PastAnswer(*row) for row in rows]

    def wrapups_s(
        self, campaign: CampaignName, since: datetime, until: datetime, most: int
    ) -> list[float]:
        span = {"campaign": campaign, "since": since, "until": until, "most": most}
        with self._pool.sweep() as connection:
            rows = connection.execute(SQL["past_wrapups"], span).fetchall()
        return [float(lasted_s) for (lasted_s,) in rows]

    def presence(
        self, campaign: CampaignName, since: datetime, until: datetime
    ) -> list[PastPresence]:
        span = {"campaign": campaign, "since": since, "until": until}
        with self._pool.sweep() as connection:
            rows = connection.execute(SQL["past_presence"], span).fetchall()
        return [PastPresence(*row) for row in rows]

    def queue(self, campaign: CampaignName, zone: str, at: datetime) -> list[QueuePart]:
        asked = {"campaign": campaign, "zone": zone, "at": at}
        with self._pool.sweep() as connection:
            rows = connection.execute(SQL["queue_by_zone"], asked).fetchall()
        return [QueuePart(*row) for row in rows]
