"""Moved days off of the coming year that nobody has entered yet: a trouble for a person."""

from __future__ import annotations

from datetime import date

from dialer.core.trouble import Kind, Trouble
from dialer.engine.calls import Calls
from dialer.engine.plan import Plan


def missing_holidays(calls: Calls, plan: Plan, today: date) -> list[Trouble]:
    """From October on, of each country whose holidays an active campaign keeps."""
    kept = {one.holidays for one in calls.campaigns.values() if one.active}
    found = []
    for country in sorted(one for one in kept if one is not None):
        year = plan.moved_days_missing(country, today)
        if year is not None:
            text = f"{country}: no moved holidays of {year} are known yet"
            found.append(Trouble(kind=Kind.HOLIDAYS_MISSING, subject=country, text=text))
    return found
