"""Entries and leases as bytes.

An entry is a binary head that the Lua scripts read (`struct`), then a JSON list that only
Python reads:

    head length u16 | callable_until f64 (0 = no end) | rank f64
    | phone, region, sticky number: u16 and text each
    | gateways to avoid, one a line: u16 and text; only where there are any

A lease is eight lines: holder, number, day, hour ("" = no hourly limit), gateway, campaign,
contact, phone. Their texts are validated names and our own numbers; one that holds a line break
is refused (Bug), not escaped.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import orjson

from dialer.core.model import (
    AttemptId,
    CampaignName,
    Claimed,
    ContactId,
    Entry,
    GatewayName,
    History,
    NumberId,
    PhoneId,
    Source,
)
from dialer.errors import Bug

NEW = History()
SOURCES = {source.value: source for source in Source}


def pack_entry(entry: Entry) -> bytes:
    phone = str(entry.phone_id).encode()
    region = (entry.region or "").encode()
    sticky = (entry.sticky_number or "").encode()
    head = struct.pack(
        f"<ddH{len(phone)}sH{len(region)}sH{len(sticky)}s",
        entry.callable_until or 0.0,
        entry.rank,
        *(len(phone), phone),
        *(len(region), region),
        *(len(sticky), sticky),
    )
    avoided = sorted(entry.history.avoided_gateways)
    if avoided:
        check_lines(avoided)
        lines = "\n".join(avoided).encode()
        head += struct.pack(f"<H{len(lines)}s", len(lines), lines)
    body = (
        *(entry.campaign, entry.contact_id, entry.phone_id, entry.rank, entry.position),
        *(entry.source, entry.region, entry.zones, entry.sticky_number, entry.callable_until),
        None if entry.history == NEW else _history_to_list(entry.history),
    )
    return struct.pack("<H", 2 + len(head)) + head + orjson.dumps(body)


def unpack_entry(packed: bytes) -> Entry:
    body = orjson.loads(packed[packed[0] | packed[1] << 8 :])
    campaign, contact, phone, rank, position, source, region, zones, sticky, until, past = body
    return Entry(
        campaign=campaign,
        contact_id=contact,
        phone_id=phone,
        rank=rank,
        position=position,
        source=SOURCES[source],
        region=region,
        zones=tuple(zones),
        sticky_number=sticky,
        callable_until=until,
        history=NEW if past is None else _history_from_list(past),
    )


def packed_phone(packed: bytes) -> int:
    """The phone of a packed entry, without reading the rest."""
    (length,) = struct.unpack_from("<H", packed, 18)
    return int(packed[20 : 20 + length])


def _history_to_list(past: History) -> list[Any]:
    return [
        *(past.tries_today, past.tries_week, past.tries_month, past.talks_today),
        *(past.uncharged_today, past.rounds_failed, past.last_try_on, past.dead_attempts),
        *(sorted(past.dead_days), sorted(past.dead_gateways), past.unavailable_attempts),
        sorted(past.failed_gateways),
    ]


def _history_from_list(past: Sequence[Any]) -> History:
    last_try_on, dead_days = past[6], past[8]
    return History(
        tries_today=past[0],
        tries_week=past[1],
        tries_month=past[2],
        talks_today=past[3],
        uncharged_today=past[4],
        rounds_failed=past[5],
        last_try_on=None if last_try_on is None else date.fromisoformat(last_try_on),
        dead_attempts=past[7],
        dead_days=frozenset(date.fromisoformat(day) for day in dead_days),
        dead_gateways=frozenset(past[9]),
        unavailable_attempts=past[10],
        failed_gateways=frozenset(past[11] if len(past) > 11 else ()),
    )


class Lease(NamedTuple):
    """What a packed lease says; the entry lies in its campaign's entries until the end."""

    holder: str
    number: NumberId
    day: date
    gateway: GatewayName
    campaign: CampaignName
    contact_id: ContactId
    phone_id: PhoneId


def pack_lease(holder: str, claimed: Claimed) -> bytes:
    """As the claim script writes it, for a rebuild: the hour is not known then."""
    entry = claimed.entry
    lines = (
        *(holder, claimed.number, claimed.number_day.isoformat(), "", claimed.gateway),
        *(entry.campaign, str(entry.contact_id), str(entry.phone_id)),
    )
    check_lines(lines)
    return "\n".join(lines).encode()


def unpack_lease(packed: bytes) -> Lease:
    lines = packed.decode().split("\n")
    holder, number, day, _hour, gateway, campaign, contact, phone = lines
    return Lease(
        holder=holder,
        number=NumberId(number),
        day=date.fromisoformat(day),
        gateway=GatewayName(gateway),
        campaign=CampaignName(campaign),
        contact_id=ContactId(int(contact)),
        phone_id=PhoneId(int(phone)),
    )


def claimed_of(attempt: AttemptId, lease: Lease, packed_entry: bytes | None) -> Claimed:
    """The claim of a lease. Without its entry only what the lease itself says is known."""
    if packed_entry is not None:
        entry = unpack_entry(packed_entry)
    else:
        entry = Entry(
            campaign=lease.campaign,
            contact_id=lease.contact_id,
            phone_id=lease.phone_id,
            rank=0.0,
            position=0,
            source=Source.REPEAT,
        )
    return Claimed(
        attempt_id=attempt,
        entry=entry,
        number=lease.number,
        number_day=lease.day,
        gateway=lease.gateway,
    )


def check_lines(texts: Sequence[str]) -> None:
    """None of these may break a lease's lines. Raises Bug."""
    if any("\n" in text for text in texts):
        raise Bug("a name with a line break reached the hopper")
