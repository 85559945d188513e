"""Claims of ten entries, with number, lease and counters, beside raw ZPOPMIN of ten.

Both on the same private server, through the same client, in turns within one run: the ratio is
what counts. The claim's figure holds everything up to the `Claimed` values in Python; the raw
one is the bare command. `python -m benchmarks claims` prints the result.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import redis

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
from dialer.hopper.client import connect
from dialer.hopper.queue import RedisHopper
from dialer.ports import ClaimRequest, Shown
from dialer.sim.servers import start_redis

MEMBERS = 200_000
BATCH = 10
TURNS = 16
TURN_S = 0.25
REGIONS = ("Москва", "Казань", "Самара", "Тверь", "Омск", "Пермь", "Уфа", "Тула", "Чита", None)
CAMPAIGN = CampaignName("bench")


def run() -> dict[str, Any]:
    """Claims and raw pops per second, and their ratio, for pools of 10 and of 100 numbers."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_redis(Path(folder))
        try:
            with connect(server.url) as client:
                return {
                    "members": MEMBERS,
                    "batch": BATCH,
                    "pool_10": _measure(client, _pool(10)),
                    "pool_100": _measure(client, _pool(100)),
                    "pool_100_limited": _measure(client, _pool(100, limited=True)),
                }
        finally:
            server.remove()


def _pool(size: int, *, limited: bool = False) -> list[Shown]:
    return [
        Shown(
            number=NumberId(f"+7495{i:07d}"),
            region=REGIONS[i % len(REGIONS)],
            gateway=GatewayName("carrier"),
            day=date(2026, 11, 24),
            hour="2026-11-24T15",
            soft_limit=500_000,
            hard_limit=1_000_000,
            calls_at_once=1_000_000 if limited else None,
            min_gap_s=0.0,
            calls_per_hour=1_000_000 if limited else None,
        )
        for i in range(size)
    ]


def _measure(client: redis.Redis, pool: list[Shown]) -> dict[str, float]:
    client.flushall()
    hopper, now = RedisHopper(client), Moment(0.0, datetime(2026, 11, 24, 12, tzinfo=UTC))
    hopper.rebuild(epoch="bench", charges={}, open_attempts=[], lease_s=60.0, now=now)
    hopper.offer(CAMPAIGN, [_entry(i) for i in range(MEMBERS)])
    for first in range(0, MEMBERS, 10_000):
        client.zadd("raw", {str(i): float(i) for i in range(first, first + 10_000)})

    attempt_ids = iter([AttemptId(str(uuid4())) for _ in range(MEMBERS)])

    def claim() -> int:
        request = ClaimRequest(
            campaign=CAMPAIGN,
            count=BATCH,
            shown=pool,
            attempt_ids=[next(attempt_ids) for _ in range(BATCH)],
            owner=InstanceName("bench"),
            lease_s=60.0,
            now=now,
        )
        return len(hopper.claim(request).claimed)

    def pop() -> int:
        return len(client.zpopmin("raw", BATCH))

    claims, raw, ratios = [], [], []
    for _ in range(TURNS):
        claims.append(_per_s(claim))
        raw.append(_per_s(pop))
        ratios.append(claims[-1] / raw[-1])
    middle = TURNS // 2
    return {
        "claimed_per_s": round(sorted(claims)[middle]),
        "raw_popped_per_s": round(sorted(raw)[middle]),
        "ratio": round(sorted(ratios)[middle], 3),
    }


def _per_s(step: Callable[[], int]) -> float:
    """Entries per second over one turn; it stops early when the queue runs dry."""
    start, taken = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < TURN_S:
        got = step()
        taken += got
        if got < BATCH:
            raise RuntimeError("the queue ran dry: more members or shorter turns are needed")
    return taken / elapsed


def _entry(i: int) -> Entry:
    return Entry(
        campaign=CAMPAIGN,
        contact_id=ContactId(i),
        phone_id=PhoneId(10_000_000 + i),
        rank=float(i),
        position=i,
        source=Source.FIRST,
        region=REGIONS[i % len(REGIONS)],
        zones=("Europe/Moscow",),
        callable_until=1_800_000_000.0,
    )
