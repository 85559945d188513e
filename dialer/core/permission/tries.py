"""The limits of a day, week and month by counts alone: a quick look, for forecasts.

The one decision is `decide`, with limits.py: it knows the instants. Here a refusal ends with
the next day, never too early and at most a day late.
"""

from __future__ import annotations

from datetime import datetime

from dialer.core.model import Caps, History, Rounds
from dialer.core.permission.hours import next_midnight
from dialer.core.permission.limits import UsedUp
from dialer.core.permission.reasons import Reason


def refusal(
    history: History, caps: Caps, rounds: Rounds, zone: str, now: datetime
) -> UsedUp | None:
    """The first cap that is reached, a talk before tries and long periods before short ones."""
    reached = (
        (Reason.TALKS_DAY, history.talks_today >= caps.talks_per_day),
        (Reason.TRIES_MONTH, history.tries_month >= caps.per_month),
        (Reason.TRIES_WEEK, history.tries_week >= caps.per_week),
        (Reason.TRIES_DAY, history.tries_today >= caps.per_day),
        (Reason.FAILURES_DAY, history.uncharged_today >= rounds.uncharged_per_day),
    )
    for why, is_reached in reached:
        if is_reached:
            return UsedUp(why, next_midnight(zone, now))
    return None
