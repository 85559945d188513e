"""Builders for the hopper's tests: entries, numbers, claims."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from dialer.core.model import (
    AttemptId,
    CampaignName,
    ContactId,
    Entry,
    GatewayName,
    InstanceName,
    Moment,
    NumberId,
    PhoneId,
    Source,
)
from dialer.ports import ClaimRequest, Shown

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TODAY = date(2026, 11, 24)
SPRING = CampaignName("spring")
ONE, TWO = InstanceName("one"), InstanceName("two")


def moment(after_s: float = 0.0) -> Moment:
    return Moment(1000.0 + after_s, START + timedelta(seconds=after_s))


def entry(contact: int, **fields: Any) -> Entry:
    values: dict[str, Any] = {
        "campaign": SPRING,
        "contact_id": ContactId(contact),
        "phone_id": PhoneId(10_000 + contact),
        "rank": float(contact),
        "position": contact,
        "source": Source.FIRST,
    }
    return Entry(**{**values, **fields})


def shown(tail: int, **fields: Any) -> Shown:
    values: dict[str, Any] = {
        "number": NumberId(f"+7495123{tail:04d}"),
        "region": None,
        "gateway": GatewayName("gw"),
        "day": TODAY,
        "hour": "2026-11-24T15",
        "soft_limit": 70,
        "hard_limit": 80,
        "calls_at_once": None,
        "min_gap_s": 0.0,
        "calls_per_hour": None,
    }
    return Shown(**{**values, **fields})


def pool(size: int = 3, **fields: Any) -> list[Shown]:
    return [shown(tail, **fields) for tail in range(size)]


def request(count: int, numbers: list[Shown] | None = None, **fields: Any) -> ClaimRequest:
    values: dict[str, Any] = {
        "campaign": SPRING,
        "count": count,
        "shown": pool() if numbers is None else numbers,
        "attempt_ids": [AttemptId(str(uuid4())) for _ in range(count)],
        "owner": ONE,
        "lease_s": 30.0,
        "now": moment(),
    }
    return ClaimRequest(**{**values, **fields})
