"""What a forecast is asked: a campaign, a team, shifts, and the limits of lines and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dialer.core.model import Campaign, Mode, Number, Strategy
from dialer.core.pacing.cap_rule import CapRule
from dialer.core.permission.hours import Open, callable_now
from dialer.forecast.assumptions import Assumed
from dialer.ports import QueuePart

#: So many days ahead are looked at for days on which anybody may be called.
_AHEAD_DAYS = 400
#: Where the campaign has no windows and nobody says when to begin.
BEGINS_AT = time(9)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """`shifts`: the instants at which they begin; `used`: calls that stand against each number
    today; `queue` empty: `assumed.contacts` in `zone`, or a list without an end.
    """

    campaign: Campaign
    rule: CapRule
    mode: Mode
    operators: int
    lasts_s: float
    shifts: tuple[datetime, ...]
    zone: str
    assumed: Assumed
    numbers: Sequence[Number] = ()
    used: Sequence[int] = ()
    queue: Sequence[QueuePart] = ()
    holidays: frozenset[date] = field(default_factory=frozenset)
    calls_per_s: float = 5.0
    calls_at_once: int = 10_000
    strategy: Strategy = Strategy.LONGEST_IDLE
    wrapup_most_s: float | None = None
    fine: bool = False

    @property
    def days(self) -> int:
        return len(self.shifts)

    @property
    def contacts(self) -> int | None:
        """How many may still be dialed; None: the list never ends."""
        if self.assumed.contacts is not None:
            return self.assumed.contacts
        if not self.queue:
            return None
        return sum(one.contacts for one in self.queue if one.due_in_h >= 0)


def shifts_from(
    begins: datetime, days: int, campaign: Campaign, zone: str, holidays: frozenset[date]
) -> tuple[datetime, ...]:
    """The first shift and as many more at the same local time, on days that are callable."""
    there = ZoneInfo(zone)
    local = begins.astimezone(there)
    found = [begins]
    for ahead in range(1, _AHEAD_DAYS):
        if len(found) >= days:
            break
        day = local.date() + timedelta(days=ahead)
        at = datetime.combine(day, local.time(), tzinfo=there)
        if isinstance(callable_now(campaign.windows, (zone,), at, holidays), Open):
            found.append(at)
    return tuple(found)


def next_opening(
    now: datetime, campaign: Campaign, zone: str, holidays: frozenset[date]
) -> datetime:
    """When the campaign's hours next open, after today's have begun; without windows tomorrow
    at nine.
    """
    there = ZoneInfo(zone)
    tomorrow = now.astimezone(there).date() + timedelta(days=1)
    if not campaign.windows:
        return datetime.combine(tomorrow, BEGINS_AT, tzinfo=there)
    midnight = datetime.combine(tomorrow, time(), tzinfo=there)
    asked = callable_now(campaign.windows, (zone,), midnight, holidays)
    if isinstance(asked, Open) or asked.until is None:
        return datetime.combine(tomorrow, BEGINS_AT, tzinfo=there)
    return asked.until.astimezone(there)
