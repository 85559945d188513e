"""The queue of who is next, with leases and the numbers' counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from dialer.core.model import (
    AttemptId,
    CampaignName,
    Claimed,
    Entry,
    GatewayName,
    InstanceName,
    Moment,
    NumberId,
    OpenAttempt,
    PhoneId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One number that may be shown for this claim, with its limits at this moment.

    `gateway` shows it; `others` may do so too, in the campaign's order, for a contact whose
    calls through the first came to nothing.
    """

    number: NumberId
    region: str | None
    gateway: GatewayName
    day: date
    hour: str  # "2026-11-24T17" in the number's own zone
    soft_limit: int
    hard_limit: int
    calls_at_once: int | None
    min_gap_s: float
    calls_per_hour: int | None
    others: tuple[GatewayName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRequest:
    """Take up to `count` entries of a campaign off the queue, each with a number to show."""

    campaign: CampaignName
    count: int
    shown: Sequence[Shown]
    attempt_ids: Sequence[AttemptId]  # at least `count`, fresh
    owner: InstanceName
    lease_s: float
    now: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAnswer:
    """`held_back` counts by reason what stopped the claim short: "hopper_empty",
    "pool_used_up", "numbers_busy" (calls at once, gap, hour), "window_closed" (void entries,
    taken off)."""

    claimed: Sequence[Claimed]
    held_back: Mapping[str, int]


class Hopper(Protocol):
    """The next contacts by rank, leases, the numbers' counts. May be empty after a loss."""

    def epoch(self) -> str:
        """Changes when the store came up empty: everything must be rebuilt before a claim."""
        ...

    def rebuild(
        self,
        *,
        epoch: str,
        charges: Mapping[tuple[NumberId, date], int],
        open_attempts: Sequence[OpenAttempt],
        lease_s: float,
        now: Moment,
    ) -> None: ...

    def offer(self, campaign: CampaignName, entries: Sequence[Entry]) -> int:
        """Queue these (a known one is updated in place, a leased one is passed over)."""
        ...

    def size(self, campaign: CampaignName) -> int: ...

    def head(self, campaign: CampaignName, count: int) -> Sequence[Entry]: ...

    def claim(self, request: ClaimRequest) -> ClaimAnswer: ...

    def give_back(
        self, claimed: Sequence[Claimed], *, requeue: bool, owner: InstanceName
    ) -> None: ...

    def settle(
        self, claimed: Sequence[Claimed], *, number_charged: Sequence[bool], owner: InstanceName
    ) -> None:
        """End the leases; give the number's count back where it was not charged. Idempotent."""
        ...

    def renew(self, owner: InstanceName, lease_s: float, now: Moment) -> None: ...

    def expired(self, now: Moment, limit: int) -> Sequence[Claimed]:
        """Leases past their deadline, whoever owned them; they stay until settled."""
        ...

    def void(self, phones: Sequence[PhoneId]) -> None:
        """Take these phones off every queue (a stop)."""
        ...

    def clear(self, campaign: CampaignName) -> None: ...

    def used(self, numbers: Sequence[tuple[NumberId, date]]) -> Sequence[int]: ...
