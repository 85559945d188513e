"""KEYS and ARGV as the Lua scripts want them; each script's head says what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import orjson

from dialer.core.model import AttemptId, CampaignName, NumberId, OpenAttempt
from dialer.hopper.keys import Keys
from dialer.hopper.packing import check_lines, pack_entry, pack_lease
from dialer.ports import ClaimRequest, Shown

#: Entries that one claim looks at beyond those it wants (void ones, phones being called).
MOST_PASSED_OVER = 500

Words = tuple[list[str], list[Any]]
#: Attempt, its campaign, whether its number gets the count back.
Release = tuple[AttemptId, CampaignName, bool]


def claim_words(keys: Keys, request: ClaimRequest, *, epoch: str, holder: str) -> Words:
    """Raises Bug where a name holds a line break."""
    shown = request.shown
    days = list(dict.fromkeys([one.day for one in shown]))
    pool = orjson.dumps(_columns(shown, days))
    now_s = request.now.wall.timestamp()
    check_lines((request.campaign, holder))
    if b"\\n" in pool:  # a line break as JSON writes it: one look for all texts of the pool
        check_lines([text for one in shown for text in (one.number, one.gateway, one.hour)])
        check_lines([name for one in shown for name in one.others])
    names = [
        *(keys.epoch, keys.queue(request.campaign), keys.entries(request.campaign)),
        *(keys.phones, keys.contacts, keys.leases, keys.holders, keys.at_once),
        *(keys.last_at, keys.hours, keys.revoked(request.attempt_ids[0])),
        *map(keys.day, days),
    ]
    words = [
        *(epoch, now_s, now_s + request.lease_s, holder, request.campaign),
        *(request.count, request.count + MOST_PASSED_OVER),
        *(orjson.dumps(days), pool, *request.attempt_ids[: request.count]),
    ]
    return names, words


def _columns(shown: Sequence[Shown], days: Sequence[date]) -> list[Any]:
    places = {day: place for place, day in enumerate(days, 1)}
    regions: dict[str, list[str]] = {}
    for place, one in enumerate(shown, 1):
        if one.region:
            regions.setdefault(one.region, []).append(str(place))
    return [
        [one.number for one in shown],
        _column([one.gateway for one in shown]),
        _column([one.soft_limit for one in shown]),
        _column([one.hard_limit for one in shown]),
        _column([-1 if one.calls_at_once is None else one.calls_at_once for one in shown]),
        _column([one.min_gap_s for one in shown]),
        _column([-1 if one.calls_per_hour is None else one.calls_per_hour for one in shown]),
        _column([one.hour for one in shown]),
        _column([places[one.day] for one in shown]),
        {region: ",".join(in_it) for region, in_it in regions.items()},
        _column(["\n".join(one.others) for one in shown]),
    ]


def _column(values: list[Any]) -> Any:
    """One value where all are the same: less to send and to read."""
    first = values[0] if values else 0
    return first if values.count(first) == len(values) else values


def release_words(
    keys: Keys, leases: Iterable[Release], days: Iterable[date], *, requeue: bool
) -> Words:
    in_order = sorted(days)
    names = [
        *(keys.phones, keys.contacts, keys.leases, keys.at_once, keys.hours),
        *map(keys.day, in_order),
    ]
    place: dict[CampaignName, int] = {}
    words: list[Any] = [orjson.dumps(in_order)]
    for attempt, campaign, give_back in leases:
        if campaign not in place:
            place[campaign] = len(names) + 1
            names += (keys.queue(campaign), keys.entries(campaign))
        words += (attempt, int(give_back), int(requeue), place[campaign])
    return names, words


def rebuild_words(
    keys: Keys,
    charges: Mapping[tuple[NumberId, date], int],
    open_attempts: Sequence[OpenAttempt],
    *,
    epoch: str,
    deadline_s: float,
) -> Words:
    names = [
        *(keys.epoch, keys.phones, keys.contacts, keys.leases, keys.holders),
        *(keys.at_once, keys.last_at, keys.hours),
    ]
    place: dict[str, int] = {}
    for name in (
        *(keys.day(day) for _, day in charges),
        *(keys.entries(one.claimed.entry.campaign) for one in open_attempts),
    ):
        if name not in place:
            names.append(name)
            place[name] = len(names)
    counts: list[Any] = []
    for (number, day), calls in charges.items():
        counts += (place[keys.day(day)], number, calls)
    leases: list[str | int] = []
    packed: list[bytes] = []
    for one in open_attempts:
        claimed, entry, holder = one.claimed, one.claimed.entry, f"{one.instance}/"
        leases += (claimed.attempt_id, holder, claimed.number)
        leases += (str(entry.contact_id), str(entry.phone_id))
        leases.append(place[keys.entries(entry.campaign)])
        packed += (pack_lease(holder, claimed), pack_entry(entry))
    return names, [epoch, deadline_s, orjson.dumps(counts), orjson.dumps(leases), *packed]
