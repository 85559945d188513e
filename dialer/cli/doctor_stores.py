"""`dialer doctor`: Redis and PostgreSQL judged. Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import partial

from dialer.cli.findings import Finding, clock, failure, fine, warning
from dialer.engine.stores import CLOCK_ALARM_S, CLOCK_STOP_S
from dialer.hopper.facts import RedisFacts
from dialer.ledger.facts import PostgresFacts
from dialer.ledger.keyring import KeyUse
from dialer.ledger.vault import DataKey

REDIS, POSTGRESQL = "redis", "postgresql"
OLDEST_REDIS, OLDEST_POSTGRESQL = (6, 2), (14,)
#: Every claim waits for Redis, every intent for PostgreSQL.
SLOW_REDIS_S, SLOW_POSTGRESQL_S = 0.005, 0.020
#: The pool's connections, a listener, and somebody who looks.
CONNECTIONS = 12
#: Time to put a new data key before the old one.
SOON = timedelta(days=30)

of_clock = partial(clock, warn_s=CLOCK_ALARM_S, fail_s=CLOCK_STOP_S)


def of_redis(facts: RedisFacts) -> Iterator[Finding]:
    if facts.version < OLDEST_REDIS:
        yield failure(REDIS, f"is {facts.name}", "6.2 is the oldest that is known to work")
    else:
        yield fine(REDIS, f"is {facts.name}")
    if facts.role not in ("master", ""):
        yield failure(REDIS, f"is a {facts.role}", "name the master in redis: url")
    if facts.evicts != "noeviction":
        yield failure(
            REDIS,
            f"forgets keys when memory is short (maxmemory-policy {facts.evicts})",
            "maxmemory-policy noeviction: a forgotten lease is a person called twice",
        )
    else:
        yield fine(REDIS, "forgets nothing when memory is short")
    if facts.keeps_all:
        yield fine(REDIS, "keeps its data over a restart (append-only file)")
    else:
        yield warning(
            REDIS,
            "loses its data at a restart, at least the last minutes",
            "appendonly yes; without it all is rebuilt from PostgreSQL, dialing waits for that",
        )
    yield _latency(REDIS, facts.latency_s, SLOW_REDIS_S)
    yield of_clock(REDIS, facts.clock_offset_s)


def of_postgresql(facts: PostgresFacts) -> Iterator[Finding]:
    shown = facts.settings
    version = ".".join(map(str, facts.version))
    if facts.version < OLDEST_POSTGRESQL:
        yield failure(POSTGRESQL, f"is version {version}", "14 is the oldest that works")
    else:
        yield fine(POSTGRESQL, f"is version {version}")
    if facts.replica:
        yield failure(POSTGRESQL, "is a replica: nothing can be written", "name the primary")
    if facts.pending:
        count = len(facts.pending)
        yield failure(POSTGRESQL, f"{count} migrations are not applied", "run: dialer migrate")
    else:
        yield fine(POSTGRESQL, "has this version's tables")
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if shown[name] == "off":
            yield failure(
                POSTGRESQL,
                f"{name} is off: a power cut loses results that were written",
                f"{name} = on, and a restart; a lost intent is a person called twice",
            )
    if not any(shown[name] == "off" for name in ("fsync", "synchronous_commit")):
        commits = shown["synchronous_commit"]
        yield fine(POSTGRESQL, f"keeps what it commits (synchronous_commit {commits})")
    if int(shown["max_connections"]) < CONNECTIONS:
        yield warning(
            POSTGRESQL,
            f"takes {shown['max_connections']} connections",
            f"max_connections: {CONNECTIONS} for each daemon, and some for people",
        )
    yield _latency(POSTGRESQL, facts.latency_s, SLOW_POSTGRESQL_S)
    yield of_clock(POSTGRESQL, facts.clock_offset_s)


def of_keys(uses: Sequence[KeyUse], keys: Sequence[DataKey], today: date) -> Iterator[Finding]:
    """Personal data at rest: is all of it sealed, and can all of it be opened?"""
    if not keys:
        yield warning(
            POSTGRESQL,
            "holds numbers, names, addresses and notes in clear, as the folder does"
            " recordings: no data key is given",
            "dialer keys new NAME, into the file that keys_file in dialer.yaml names",
        )
        return
    wrong = [
        one for one in uses if (one.texts or one.recordings) and (one.over or not one.held)
    ]
    for one in wrong:
        why = "its time is over" if one.held else "it is not among the keys"
        what = f"{_counted(one)} are sealed by the data key {one.id}, and {why}"
        yield failure(POSTGRESQL, what, "nothing is dialed by them: docs/personal-data.md")
    stale = [
        one
        for one in uses
        if (one.texts or one.recordings) and one.held and one.id != keys[0].id
    ]
    for one in stale:
        how = f"sealed by the data key {one.id}" if one.id else "in clear"
        what = f"{_counted(one)} are {how}, not sealed by the first key"
        yield warning(POSTGRESQL, what, "dialer keys rotate")
    ends_on = keys[0].ends_on
    if ends_on is not None and ends_on - today < SOON:
        what = f"the data key {keys[0].id} ends on {ends_on}: nothing is dialed from then on"
        yield warning(POSTGRESQL, what, "put a new key before it, then: dialer keys rotate")
    if not wrong and not stale:
        yield fine(POSTGRESQL, f"holds personal data sealed by the data key {keys[0].id}")


def _counted(one: KeyUse) -> str:
    sounds = f" and {one.recordings} recordings" if one.recordings else ""
    return f"{one.texts} texts{sounds}"


def _latency(subject: str, latency_s: float, slow_s: float) -> Finding:
    what = f"answers in {latency_s * 1000:.1f} ms"
    if latency_s <= slow_s:
        return fine(subject, what)
    remedy = f"more than {slow_s * 1000:.0f} ms slows every call: nearer, or less loaded"
    return warning(subject, what, remedy)
