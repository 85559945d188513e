"""Every decision of a day, for replay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dialer.core.model import (
    CampaignName,
    GroupName,
)
from dialer.core.pacing.law_source import LawSource
from dialer.core.pacing.observation import Decision, Team


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision of a group, with all that it was made from. `laws`: of each predictive
    campaign the number of its law and what that was made of.
    """

    at: datetime
    group: GroupName
    team: Team
    laws: Mapping[str, tuple[int, LawSource]]
    decisions: Mapping[CampaignName, Decision]


class Diary(Protocol):
    """Decisions of pacing, day by day, to be decided again (`dialer replay`)."""

    def note(self, decided: Decided) -> None:
        """Cheap: never blocks, never raises; what is too much is dropped and counted."""
        ...

    def write(self, now: datetime) -> None:
        """What was noted goes to the day's file. Raises StoreError."""
        ...
