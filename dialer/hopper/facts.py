"""What `dialer doctor` wants to know of Redis or Valkey: how it keeps, forgets and answers."""

from __future__ import annotations

import time
from dataclasses import dataclass

import redis

from dialer.hopper.client import translated

PINGS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisFacts:
    """Answers of INFO and TIME; `latency_s` is the median of some pings."""

    name: str  # "Redis 7.4.1" or "Valkey 9.1.0"
    version: tuple[int, ...]
    role: str
    keeps_all: bool  # an append-only file
    keeps_some: bool  # snapshots
    evicts: str  # maxmemory-policy
    latency_s: float
    clock_offset_s: float


def ask(client: redis.Redis) -> RedisFacts:
    """Raises StoreError."""
    with translated():
        info = client.info()
        client.ping()
        took = []
        for _ in range(PINGS):
            begun = time.monotonic()
            client.ping()
            took.append(time.monotonic() - begun)
        before = time.time()
        seconds, micros = client.time()
        after = time.time()
    valkey = info.get("valkey_version")
    version = str(valkey or info.get("redis_version", "0"))
    return RedisFacts(
        name=f"{'Valkey' if valkey else 'Redis'} {version}",
        version=tuple(int(part) for part in version.split(".") if part.isdigit()),
        role=str(info.get("role", "")),
        keeps_all=bool(info.get("aof_enabled")),
        keeps_some=int(info.get("rdb_last_save_time", 0)) > 0,
        evicts=str(info.get("maxmemory_policy", "noeviction")),
        latency_s=sorted(took)[PINGS // 2],
        clock_offset_s=seconds + micros / 1e6 - (before + after) / 2,
    )
