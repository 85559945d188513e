"""What a campaign's persistence came to (R6.11), and what it spends (R3.13)."""

from __future__ import annotations

from datetime import datetime

from dialer.core.model import CampaignName
from dialer.core.permission.persistence import Figures
from dialer.ledger.pool import Pool
from dialer.ledger.statements import statements

SQL = statements("spending")


def persistence(pool: Pool, campaign: CampaignName, since: datetime) -> Figures:
    """By a connection of the slow questions: a month of a large campaign takes a while."""
    with pool.sweep() as connection:
        row = connection.execute(
            SQL["persistence"], {"campaign": campaign, "since": since}
        ).fetchone()
    return Figures(*map(int, row)) if row else Figures()
