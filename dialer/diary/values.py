"""What a diary holds when it is read: moments, what was decided, and differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from dialer.core.model import CampaignName, GroupName
from dialer.core.pacing.observation import Team


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A decision's numbers; two are equal when every bit is."""

    launch: int
    cancel: int
    binding: str
    wanted: int
    risks: tuple[float, ...] = ()
    refused: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One moment of a group with what was decided then."""

    at: datetime
    group: GroupName
    team: Team
    decisions: Mapping[CampaignName, Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One campaign of one moment that was decided otherwise now; `why` are sentences."""

    at: datetime
    group: GroupName
    campaign: CampaignName
    then: Told
    now: Told
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A day decided again. `launched`, `cancelled`: calls, (then, now)."""

    decisions: int
    equal: int
    launched: tuple[int, int]
    cancelled: tuple[int, int]
    first: Difference | None
    differences: tuple[Difference, ...]
    begins: datetime | None
    ends: datetime | None
    damaged: int = 0
