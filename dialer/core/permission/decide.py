"""May this contact be called now? The one function that joins all rules of this field.

First what the person or the base forbids for good, then what passes with time; the first rule
that refuses is the reason. The ledger's set-wise statement asks the same rules, and the
statement that commits the attempt asks stop, consent and caps once more: this one may be
stale by then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from dialer.core.model import Campaign, Entry, Window
from dialer.core.permission import tries
from dialer.core.permission.grounds import ConsentFact, called_zones, grounds
from dialer.core.permission.hours import Open, Shut, callable_now, is_zone
from dialer.core.permission.reasons import Reason

__all__ = [
    "Allowed",
    "Candidate",
    "ConsentFact",
    "Denied",
    "decide",
    "decide_by_time",
    "within_hours",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An entry with all that is known of it. `phone_state`: "active", "review" or "archived".

    `stopped`: a stop of any scope holds for it. `destination_allowed`: `destinations.refusal`
    was asked where the digits are known. `due_at`: when its pause ends, None = at once.
    """

    entry: Entry
    phone_state: str = "active"
    destination_allowed: bool = True
    stopped: bool = False
    consent: ConsentFact | None = None
    own_windows: tuple[Window, ...] = ()
    due_at: datetime | None = None


class Allowed(NamedTuple):
    """It may be called until `until` (aware, UTC; None: no end in sight), on these grounds."""

    grounds: dict[str, Any]
    until: datetime | None


class Denied(NamedTuple):
    """It may not, for this reason; `until`: when to ask again, None = time alone changes
    nothing.
    """

    why: Reason
    until: datetime | None


def decide(
    candidate: Candidate,
    campaign: Campaign,
    now: datetime,
    holidays: frozenset[date] = frozenset(),
) -> Allowed | Denied:
    """All rules at `now` (aware). `holidays`: local dates that count as Sundays."""
    denied = _deny_for_good(candidate) or _deny_by_consent(candidate, campaign, now)
    if denied is not None:
        return denied
    entry, own_windows = candidate.entry, candidate.own_windows
    timely = decide_by_time(entry, campaign, now, holidays, own_windows)
    if isinstance(timely, Denied):
        return timely
    if candidate.due_at is not None and candidate.due_at > now:
        return Denied(Reason.RETRY_LATER, candidate.due_at)
    until = timely.until
    bounded = replace(entry, callable_until=None if until is None else until.timestamp())
    reasons = grounds(
        bounded, campaign, now, consent=candidate.consent, own_windows=own_windows
    )
    return Allowed(reasons, until)


def decide_by_time(
    entry: Entry,
    campaign: Campaign,
    now: datetime,
    holidays: frozenset[date] = frozenset(),
    own_windows: tuple[Window, ...] = (),
) -> Open | Denied:
    """The rules that change as time passes: hours, own hours, caps. Part of `decide`.

    For a look at entries of which the ledger's statement has just asked all others.
    """
    hours = within_hours(entry, campaign, own_windows, now, holidays)
    if isinstance(hours, Denied):
        return hours
    zones = called_zones(entry, campaign)
    # A phone of which no zone is known has its day in UTC, as in the ledger.
    day_zone = zones[0] if zones and is_zone(zones[0]) else "UTC"
    used_up = tries.refusal(entry.history, campaign.caps, campaign.rounds, day_zone, now)
    return hours if used_up is None else Denied(used_up.why, used_up.until)


def within_hours(
    entry: Entry,
    campaign: Campaign,
    own_windows: tuple[Window, ...],
    now: datetime,
    holidays: frozenset[date] = frozenset(),
) -> Open | Denied:
    """The law's and the campaign's hours, then the contact's own inside them: hours alone."""
    windows = campaign.windows
    if not windows and not own_windows:
        return Open(None)
    zones = called_zones(entry, campaign)
    if not zones or not all(is_zone(zone) for zone in zones):
        return Denied(Reason.ZONE_UNKNOWN, None)
    both = callable_now(windows, zones, now, holidays, own_windows)
    if isinstance(both, Open):
        return both
    lawful = callable_now(windows, zones, now, holidays)
    why = Reason.OUTSIDE_HOURS if isinstance(lawful, Shut) else Reason.OWN_HOURS
    return Denied(why, both.until)


def _deny_for_good(candidate: Candidate) -> Denied | None:
    if not candidate.destination_allowed:
        return Denied(Reason.DESTINATION, None)
    if candidate.phone_state == "archived":
        return Denied(Reason.ARCHIVED, None)
    if candidate.phone_state != "active":
        return Denied(Reason.IN_REVIEW, None)
    if candidate.stopped:
        return Denied(Reason.STOP, None)
    return None


def _deny_by_consent(candidate: Candidate, campaign: Campaign, now: datetime) -> Denied | None:
    """R6.1: none dials a withdrawn one; without a consent only a named legal ground dials."""
    consent = candidate.consent
    if consent is not None and consent.purpose != campaign.purpose:
        consent = None
    if consent is not None and consent.withdrawn_at is not None:
        return Denied(Reason.CONSENT_WITHDRAWN, None)
    if not campaign.consent_required:
        return None if campaign.consent_ground else Denied(Reason.CONSENT_MISSING, None)
    if consent is None:
        return Denied(Reason.CONSENT_MISSING, None)
    if consent.given_at > now:
        return Denied(Reason.CONSENT_MISSING, consent.given_at)
    if consent.expires_at is not None and consent.expires_at <= now:
        return Denied(Reason.CONSENT_EXPIRED, None)
    return None
