"""What the daemon is given: its configuration as values, and the world as ports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from dialer.core.model import (
    Campaign,
    CampaignName,
    Gateway,
    GatewayName,
    Group,
    GroupName,
    Number,
    OperatorId,
    OperatorProfile,
    RecordingPlace,
)
from dialer.core.permission.retention import DataKind, QuietHour
from dialer.ports import (
    Clock,
    Diary,
    Hopper,
    Journal,
    Ledger,
    Meter,
    Presence,
    Recordings,
    Switch,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is configured, as the engine needs it; a reload brings a whole new one."""

    campaigns: Mapping[CampaignName, Campaign]
    groups: Mapping[GroupName, Group]
    operators: Mapping[OperatorId, OperatorProfile]
    gateways: Mapping[GatewayName, Gateway]
    numbers: Sequence[Number]
    switch_calls_per_s: float
    switch_calls_at_once: int
    recordings: RecordingPlace | None = None
    retention: Mapping[DataKind, float] = field(default_factory=dict)  # seconds
    quiet_hour: QuietHour = field(default_factory=QuietHour)
    #: (country, today) -> the coming year, where its moved days off are not known yet.
    moved_days_missing: Callable[[str, date], int | None] = lambda country, today: None
    drain_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Ports:
    """The world, joined by `app`."""

    switch: Switch
    hopper: Hopper
    presence: Presence
    ledger: Ledger
    meter: Meter
    clock: Clock
    diary: Diary
    journal: Journal
    recordings: Recordings | None = None
