"""How often a phone and a contact may be tried, over all campaigns (R6.5).

The periods, which the ledger counts in the same way (`model.History`):
  day    the calendar day in the called zone (the first of the phone's zones, else the
  campaign's) week   the last 7 x 24 hours, rolling          month  the last 30 x 24 hours,
  rolling
A try is an attempt that is charged or still open; a failure is one that is not charged, on
our or the carrier's account. Counts carry no instants, so that a week's or month's refusal is
looked at again when the next day begins: never too early, at most a day late.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from dialer.core.model import Caps, History, Rounds
from dialer.core.permission.hours import next_midnight
from dialer.core.permission.reasons import Reason


class UsedUp(NamedTuple):
    """Which cap is reached, and when to look again (aware, UTC)."""

    why: Reason
    until: datetime


def refusal(
    history: History, caps: Caps, rounds: Rounds, zone: str, now: datetime
) -> UsedUp | None:
    """The first cap that is reached, a talk before tries and long periods before short ones.

    None = one more try is allowed. `zone` is the called zone that the day belongs to.
    """
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
