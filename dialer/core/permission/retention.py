"""How long each kind of data is kept (R6.7), and what is never deleted by it. Pure.

Kept whatever is configured: stops, consents and withdrawals (proof, and the person's wish), the
audit, the log of supervisions. Recordings have the campaign's own `keep_recordings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from dialer.core.model import Campaign
from dialer.core.permission.persistence import DAYS

DAY_S = 86_400.0


class DataKind(StrEnum):
    """What has a time of its own."""

    ATTEMPTS = "attempts"
    LIST_MOVES = "list_moves"
    OPERATOR_LOG = "operator_log"
    MERGED_ROWS = "merged_rows"


#: By law, from regulation.md: preset -> for how long the record of a call is kept at least.
KEPT_BY_LAW_S: Mapping[str, float] = {
    "ru-debt": 3 * 365 * DAY_S,  # 230-FZ: 3 years
    "de": 5 * 365 * DAY_S,  # UWG 7a: the consent, 5 years from each use of it
    "us-tcpa": 5 * 365 * DAY_S,  # TSR: 5 years
    "us-debt": 5 * 365 * DAY_S,
}


def least_s(campaigns: Iterable[Campaign]) -> float:
    """For so long attempts must be kept for the limits that look back at them."""
    longest = DAYS * DAY_S
    for one in campaigns:
        hours = [rule.hours for rule in one.caps.rolling]
        pauses_s = (one.caps.min_gap_s, *one.caps.rest_s.values())
        longest = max(longest, *(h * 3600.0 for h in hours), *pauses_s)
    # The calendar month may reach further back, and a call lasts some hours itself.
    return longest + 2 * DAY_S


def before(keep_s: float, now: datetime) -> datetime:
    """What is older goes."""
    return now - timedelta(seconds=keep_s)


def locked(campaigns: Iterable[Campaign], now: datetime) -> dict[str, datetime]:
    """Campaign -> a law orders to keep the record of its calls that is younger than this."""
    kept = {one.name: KEPT_BY_LAW_S.get(one.preset or "") for one in campaigns}
    return {name: before(keep_s, now) for name, keep_s in kept.items() if keep_s is not None}
