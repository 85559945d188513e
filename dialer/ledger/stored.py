"""How our values stand in columns: hostile text, a contact's windows, an entry's facts.

PostgreSQL's text holds neither NUL nor half a surrogate pair; both may come from a SIP phrase
or a CSV. What is cut or replaced here is still evidence: it is shortened, never refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any

import orjson

from dialer.core.model import (
    CampaignName,
    ContactId,
    Entry,
    History,
    NumberId,
    PhoneId,
    Source,
    Window,
)

#: Tier column of queue_entries and attempts: the order of the sources.
TIERS: tuple[Source, ...] = (Source.HOT, Source.FIRST, Source.REPEAT)
TIER_OF: Mapping[Source, int] = {source: tier for tier, source in enumerate(TIERS)}

TEXT_LIMIT = 2_000


def clean(text: str | None, limit: int = TEXT_LIMIT) -> str | None:
    """`text` as PostgreSQL can hold it, at most `limit` characters."""
    if text is None:
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode("utf-8")
    if "\x00" in text:
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= limit else text[:limit]


#: What a source needs no word of: numbers that may be a phone's, addresses of mail.
_PERSONAL = re.compile(r"\+?(?:\d[ ()-]*){9,}\d|[^\s@<>]+@[^\s@<>]+")


def origin(text: str | None) -> str | None:
    """Where a wish came from. It is not sealed, so numbers and addresses are taken out."""
    told = clean(text, 200)
    return _PERSONAL.sub("…", told) if told else told


def array(items: Sequence[str]) -> str:
    """The literal of a text[] for COPY."""
    if not items:
        return "{}"
    quoted = (
        (clean(item, 200) or "").replace("\\", "\\\\").replace('"', '\\"') for item in items
    )
    return '{"' + '","'.join(quoted) + '"}'


def to_json(value: Any) -> str:
    """JSON text for a jsonb column; what JSON lacks becomes text, NUL is replaced."""
    try:
        text = orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a lone surrogate somewhere inside
        text = orjson.dumps(_without_surrogates(value), default=_plain).decode()
    # jsonb refuses the escape of NUL; a real backslash before it would be doubled.
    return text.replace("\\u0000", "\\ufffd") if "\\u0000" in text else text


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset | set):
        return sorted(value, key=str)
    if isinstance(value, tuple):  # a named one, which orjson does not take
        return list(value)
    return str(value)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Mapping):
        return {str(_without_surrogates(k)): _without_surrogates(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value


# ------------------------------------------------------------------ windows


def windows_to_json(windows: Iterable[Window]) -> str:
    return to_json(
        [
            [sorted(w.days), w.opens.isoformat("minutes"), w.closes.isoformat("minutes")]
            for w in windows
        ]
    )


def windows_from_json(stored: Sequence[Sequence[Any]] | None) -> tuple[Window, ...]:
    return tuple(
        Window(frozenset(days), time.fromisoformat(opens), time.fromisoformat(closes))
        for days, opens, closes in stored or ()
    )


# ------------------------------------------------------------------ an entry's facts


def entry_to_json(entry: Entry) -> str:
    """The hopper's facts of an open attempt; campaign, contact and phone have their columns."""
    h = entry.history
    return to_json(
        {
            "rank": entry.rank,
            "position": entry.position,
            "source": entry.source.value,
            "region": entry.region,
            "zones": entry.zones,
            "sticky": entry.sticky_number,
            "until": entry.callable_until,
            "history": {
                "today": h.tries_today,
                "week": h.tries_week,
                "month": h.tries_month,
                "talks": h.talks_today,
                "uncharged": h.uncharged_today,
                "rounds": h.rounds_failed,
                "last": h.last_try_on,
                "dead": h.dead_attempts,
                "dead_days": sorted(h.dead_days),
                "dead_gateways": sorted(h.dead_gateways),
                "unavailable": h.unavailable_attempts,
                "failed_gateways": sorted(h.failed_gateways),
            },
        }
    )


def entry_from_json(
    stored: Mapping[str, Any], campaign: str, contact_id: int, phone_id: int
) -> Entry:
    h = stored["history"]
    return Entry(
        campaign=CampaignName(campaign),
        contact_id=ContactId(contact_id),
        phone_id=PhoneId(phone_id),
        rank=stored["rank"],
        position=stored["position"],
        source=Source(stored["source"]),
        region=stored["region"],
        zones=tuple(stored["zones"]),
        sticky_number=None if stored["sticky"] is None else NumberId(stored["sticky"]),
        callable_until=stored["until"],
        history=History(
            tries_today=h["today"],
            tries_week=h["week"],
            tries_month=h["month"],
            talks_today=h["talks"],
            uncharged_today=h["uncharged"],
            rounds_failed=h["rounds"],
            last_try_on=None if h["last"] is None else date.fromisoformat(h["last"]),
            dead_attempts=h["dead"],
            dead_days=frozenset(date.fromisoformat(day) for day in h["dead_days"]),
            dead_gateways=frozenset(h["dead_gateways"]),
            unavailable_attempts=h["unavailable"],
            failed_gateways=frozenset(h.get("failed_gateways", ())),
        ),
    )
