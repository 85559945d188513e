"""Who called me, and on what ground? Rule by rule what allowed an attempt, as decided then
(R6.8).

Plain values that JSON holds, stored with the attempt: consent or legal ground, hours and zones,
tries so far with their limits. Never a phone's digits or a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from dialer.core.model import Campaign, Caps, Entry, Window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentFact:
    """A person's consent for one phone and purpose, as the ledger holds it (R6.1)."""

    purpose: str
    given_at: datetime
    expires_at: datetime | None = None
    withdrawn_at: datetime | None = None
    source: str | None = None
    evidence: str | None = None
    text_version: str | None = None
    id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopFact:
    """A wish not to be contacted (R6.3). `channel`: "phone", "sms" or "email"; `category`:
    "never", "messages_only" or "not_now"; `scope`: "global", "campaign" or "purpose".
    """

    category: str = "never"
    channel: str = "phone"
    scope: str = "global"
    scope_value: str | None = None
    added_at: datetime | None = None
    expires_at: datetime | None = None
    removed_at: datetime | None = None
    origin: str = ""
    seq: int | None = None

    def holds(self, campaign: Campaign, now: datetime) -> bool:
        """Does it keep calls of this campaign away at `now`?"""
        if self.channel != "phone" or self.removed_at is not None:
            return False
        if self.expires_at is not None and self.expires_at <= now:
            return False
        names = {"global": None, "campaign": str(campaign.name), "purpose": campaign.purpose}
        return self.scope_value == names[self.scope]


def called_zones(entry: Entry, campaign: Campaign) -> tuple[str, ...]:
    """The zones that the phone may lie in, else the campaign's default; () = unknown."""
    if entry.zones:
        return entry.zones
    return (campaign.default_zone,) if campaign.default_zone else ()


def grounds(
    entry: Entry,
    campaign: Campaign,
    now: datetime,
    *,
    consent: ConsentFact | None = None,
    own_windows: tuple[Window, ...] = (),
    segment: str | None = None,
) -> dict[str, Any]:
    """What allowed this attempt at `now`.

    Where the consent is not at hand (it is read by the statement that commits the attempt), the
    grounds name the purpose for which it was asked.
    """
    history, caps = entry.history, campaign.caps
    return {
        "decided_at": now.astimezone(UTC).isoformat(),
        "campaign": str(campaign.name),
        "revision": campaign.revision,
        "purpose": campaign.purpose,
        **({"preset": campaign.preset} if campaign.preset else {}),
        **({"laxer": dict(campaign.laxer)} if campaign.laxer else {}),
        "consent": _consent_ground(campaign, consent),
        "hours": _hours_ground(entry, campaign, own_windows, segment),
        "tries": {
            "today": [history.tries_today, caps.per_day],
            "week": [history.tries_week, caps.per_week],
            "month": [history.tries_month, caps.per_month],
            "talks_today": [history.talks_today, caps.talks_per_day],
            **_further_limits(caps),
        },
    }


def _further_limits(caps: Caps) -> dict[str, Any]:
    """Limits that few campaigns have, where they have them."""
    further: dict[str, Any] = {}
    if caps.talks_per_week is not None:
        further["talks_per_week"] = caps.talks_per_week
    if caps.talks_per_month is not None:
        further["talks_per_month"] = caps.talks_per_month
    if caps.min_gap_s:
        further["min_gap_s"] = caps.min_gap_s
    if caps.rolling:
        further["rolling"] = [f"{r.most} {r.what} in {r.hours} h" for r in caps.rolling]
    if caps.rest_s:
        further["rest_s"] = {ending.value: rest for ending, rest in caps.rest_s.items()}
    return further


def _consent_ground(campaign: Campaign, consent: ConsentFact | None) -> dict[str, Any]:
    if not campaign.consent_required and campaign.consent_ground:
        return {"required": False, "ground": campaign.consent_ground}
    if consent is None:
        return {"required": True, "purpose": campaign.purpose}
    return {
        "required": True,
        "purpose": consent.purpose,
        "id": consent.id,
        "given_at": _text(consent.given_at),
        "expires_at": _text(consent.expires_at),
        "source": consent.source,
        "evidence": consent.evidence,
        "text_version": consent.text_version,
    }


def _hours_ground(
    entry: Entry, campaign: Campaign, own_windows: tuple[Window, ...], segment: str | None
) -> dict[str, Any]:
    until = entry.callable_until
    of_segment = campaign.segment_windows.get(segment or "", ())
    return {
        "windows": window_texts(campaign.windows),
        **(
            {"segment": segment, "segment_windows": window_texts(of_segment)}
            if of_segment
            else {}
        ),
        "own_windows": window_texts(own_windows),
        "zones": list(called_zones(entry, campaign)),
        "zone_known": bool(entry.zones),
        "holidays": campaign.holidays,
        "open_until": None if until is None else _text(datetime.fromtimestamp(until, UTC)),
    }


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def window_texts(windows: tuple[Window, ...]) -> list[str]:
    """ "mon tue wed 09:00-21:00" for each window."""
    return [_window_text(window) for window in windows]


@lru_cache(maxsize=1024)
def _window_text(window: Window) -> str:
    days = " ".join(_DAYS[day] for day in sorted(window.days))
    return f"{days} {window.opens:%H:%M}-{window.closes:%H:%M}"
