"""What a forecast asks of a campaign's past."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple, Protocol

from dialer.core.model import (
    CampaignName,
)


class PastHour(NamedTuple):
    """Calls that reached a line in one hour of one day, in the asked zone."""

    day: date
    hour: int
    calls: int
    answered: int  # by machines too
    machines: int


class PastEnding(NamedTuple):
    """How many calls came to the same; `silent`: of the unanswered, those that never rang."""

    disposition: str
    later: bool  # not the contact's first try
    calls: int
    answered: int
    silent: int


class PastAnswer(NamedTuple):
    """One answered call. Seconds; None where it did not come so far."""

    day: date
    post_dial_s: float | None
    ring_s: float
    wait_s: float | None
    talk_s: float | None
    operator: str | None
    disposition: str


class PastPresence(NamedTuple):
    """How long the campaign's operators were in a state, and how often."""

    state: str
    seconds: float
    times: int


class QueuePart(NamedTuple):
    """Contacts of one zone that the campaign may still dial; -1 hours: held back for good."""

    zone: str
    later: bool
    rounds_failed: int
    due_in_h: int
    contacts: int


class PastCalls(Protocol):
    """What a forecast asks of a campaign's past."""

    def hours(
        self, campaign: CampaignName, since: datetime, until: datetime, zone: str
    ) -> Sequence[PastHour]: ...

    def endings(
        self, campaign: CampaignName, since: datetime, until: datetime
    ) -> Sequence[PastEnding]: ...

    def answers(
        self, campaign: CampaignName, since: datetime, until: datetime, most: int
    ) -> Sequence[PastAnswer]: ...

    def wrapups_s(
        self, campaign: CampaignName, since: datetime, until: datetime, most: int
    ) -> Sequence[float]: ...

    def presence(
        self, campaign: CampaignName, since: datetime, until: datetime
    ) -> Sequence[PastPresence]: ...

    def queue(self, campaign: CampaignName, zone: str, at: datetime) -> Sequence[QueuePart]: ...
