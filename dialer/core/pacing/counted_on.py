"""How long answers may still be counted on to earn the drops that are spent ahead of them.

A day's dialing ends with its last closing hour, whatever the cap's window says; where no hours
are written nobody knows when the operators go home. The daemon and its forecast ask here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dialer.core.model import Campaign, Spending

#: How far ahead answers are counted on where no calling hours say when the day's dialing ends.
TRUSTED_S = 1800.0
#: Where no zone is named (only predictive needs one).
ZONE = "Europe/Moscow"


def more_s(campaign: Campaign, until: datetime, wall: datetime) -> float:
    """For how long answers may be counted on: never past the window, nor the day's calling
    hours; where there are none, half an hour. Strict spending counts on none.

    `until`: the window's end.
    """
    if campaign.abandonment.spending is Spending.STRICT:
        return 0.0
    closes_s = _until_close_s(campaign, wall)
    left_s = (until - wall).total_seconds()
    return max(0.0, min(left_s, TRUSTED_S if closes_s is None else closes_s))


def _until_close_s(campaign: Campaign, wall: datetime) -> float | None:
    """Seconds to the last closing of today's windows in the campaign's zone; None: no hours."""
    if not campaign.windows:
        return None
    local = wall.astimezone(ZoneInfo(campaign.default_zone or ZONE))
    closes = [one.closes for one in campaign.windows if local.weekday() in one.days]
    if not closes:
        return 0.0
    end = datetime.combine(local.date(), max(closes), local.tzinfo)
    return max(0.0, (end - local) / timedelta(seconds=1))
