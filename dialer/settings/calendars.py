"""Public holidays of a country as plain dates for the core (R3.6): library, plus own changes.

Next year's moved days come with a decree in autumn, later than the library: `calendar:` in
dialer.yaml adds and removes days. The library is loaded only when a campaign asks for holidays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarChanges:
    """Days that are holidays though the library does not know it, and the other way round."""

    added: frozenset[date] = frozenset()
    removed: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Every country's holidays, with the changes of the configuration."""

    changes: Mapping[str, CalendarChanges] = field(default_factory=dict)

    def holidays(self, country: str, years: Iterable[int]) -> frozenset[date]:
        """The country's days off in these years, days moved by decree included."""
        wanted = frozenset(years)
        changes = self.changes.get(country, CalendarChanges())
        known = _from_library(country, wanted) | {
            day for day in changes.added if day.year in wanted
        }
        return known - changes.removed


def moved_days_missing(calendar: Calendar, country: str, today: date) -> int | None:
    """The coming year, where its moved days are not known yet though this year has some.

    From October on: the decree is out by then, and the library or `calendar:` should have it.
    """
    coming = today.year + 1
    if today.month < 10 or not _moved(country, today.year) or _moved(country, coming):
        return None
    changes = calendar.changes.get(country, CalendarChanges())
    if any(day.year == coming for day in changes.added | changes.removed):
        return None
    return coming


@cache
def _moved(country: str, year: int) -> int:
    """Days off that a decree has moved there, as the library knows them."""
    import holidays

    days = holidays.country_holidays(country, years=year, language="en_US")
    return sum("substituted" in name for name in days.values())


@cache
def countries() -> frozenset[str]:
    """The ISO codes of the countries that the library knows."""
    import holidays

    return frozenset(holidays.list_supported_countries())


@cache
def _from_library(country: str, years: frozenset[int]) -> frozenset[date]:
    import holidays

    return frozenset(holidays.country_holidays(country, years=years))
