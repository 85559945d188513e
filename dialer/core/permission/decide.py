"""May this contact be called now? The one function that joins all rules of this field.

First what the person or the base forbids for good, then what passes with time; the first rule
that refuses is the reason. The ledger's set-wise statement asks the same rules in the same
order (all but the hours), and the statement that commits the attempt asks them once more under
the phone's lock: this answer may be stale by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from dialer.core.model import Campaign, Entry, Window
from dialer.core.permission.grounds import ConsentFact, StopFact, called_zones, grounds
from dialer.core.permission.hours import Open, Shut, callable_now, is_zone
from dialer.core.permission.limits import Past, refusal
from dialer.core.permission.reasons import Reason

__all__ = [
    "Allowed",
    "Candidate",
    "ConsentFact",
    "Denied",
    "StopFact",
    "decide",
    "valid_consent",
    "within_hours",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An entry with all that is known of it. `phone_state`: "active", "review" or "archived".

    `destination_allowed`: `destinations.refusal` was asked where the digits are known. `stops`:
    every stop of the phone. `consents`: his own and those of whoever answers there.
    `withdrawals`: (purpose, or "" = every purpose; when), of this phone. `past`: earlier
    attempts of phone and contact. `due_at`: when his pause ends, None = at once.
    """

    entry: Entry
    phone_state: str = "active"
    destination_allowed: bool = True
    stops: tuple[StopFact, ...] = ()
    consents: tuple[ConsentFact, ...] = ()
    withdrawals: tuple[tuple[str, datetime], ...] = ()
    past: tuple[Past, ...] = ()
    segment: str | None = None
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
    """All rules at `now` (aware), in the order in which the ledger and then the feeder ask
    them. `holidays`: local dates that count as Sundays.
    """
    entry = candidate.entry
    denied = (
        _deny_for_good(candidate)
        or _deny_by_stop(candidate.stops, campaign, now)
        or _deny_by_consent(candidate, campaign, now)
        or _deny_by_limits(candidate, campaign, now)
        or _deny_by_pause(candidate, now)
    )
    if denied is not None:
        return denied
    own, segment = candidate.own_windows, candidate.segment
    hours = within_hours(entry, campaign, own, now, holidays, segment=segment)
    if isinstance(hours, Denied):
        return hours
    until = hours.until
    bounded = replace(entry, callable_until=None if until is None else until.timestamp())
    consent = valid_consent(candidate.consents, candidate.withdrawals, campaign.purpose, now)
    reasons = grounds(bounded, campaign, now, consent=consent, own_windows=own, segment=segment)
    return Allowed(reasons, until)


def within_hours(
    entry: Entry,
    campaign: Campaign,
    own_windows: tuple[Window, ...],
    now: datetime,
    holidays: frozenset[date] = frozenset(),
    *,
    segment: str | None = None,
) -> Open | Denied:
    """The law's and the campaign's hours, in them the segment's, in these the contact's own."""
    windows, of_segment = campaign.windows, campaign.segment_windows.get(segment or "", ())
    if not windows and not own_windows and not of_segment:
        return Open(None)
    zones = called_zones(entry, campaign)
    if not zones or not all(is_zone(zone) for zone in zones):
        return Denied(Reason.ZONE_UNKNOWN, None)
    all_of_them = callable_now(
        windows, zones, now, holidays, own_windows, segment_windows=of_segment
    )
    if isinstance(all_of_them, Open):
        return all_of_them
    why = Reason.OWN_HOURS
    if isinstance(callable_now(windows, zones, now, holidays), Shut):
        why = Reason.OUTSIDE_HOURS
    elif isinstance(
        callable_now(windows, zones, now, holidays, segment_windows=of_segment), Shut
    ):
        why = Reason.SEGMENT_HOURS
    return Denied(why, all_of_them.until)


def _deny_for_good(candidate: Candidate) -> Denied | None:
    if not candidate.destination_allowed:
        return Denied(Reason.DESTINATION, None)
    if candidate.phone_state == "archived":
        return Denied(Reason.ARCHIVED, None)
    if candidate.phone_state != "active":
        return Denied(Reason.IN_REVIEW, None)
    return None


def _deny_by_stop(
    stops: tuple[StopFact, ...], campaign: Campaign, now: datetime
) -> Denied | None:
    """R6.3: whatever its category, a wish about the phone keeps calls away in its scope."""
    holding = [one for one in stops if one.holds(campaign, now)]
    if not holding:
        return None
    ends = [one.expires_at for one in holding if one.expires_at is not None]
    return Denied(Reason.STOP, max(ends) if len(ends) == len(holding) else None)


def _deny_by_consent(candidate: Candidate, campaign: Campaign, now: datetime) -> Denied | None:
    """R6.1: none dials a withdrawn one; without a consent only a named legal ground dials."""
    mine = [one for one in candidate.consents if one.purpose == campaign.purpose]
    live = [one for one in mine if one.withdrawn_at is None]
    next_from = min((one.given_at for one in live if one.given_at > now), default=None)
    valid = valid_consent(candidate.consents, candidate.withdrawals, campaign.purpose, now)
    if valid is None and _last_withdrawn(mine, candidate.withdrawals, campaign.purpose):
        return Denied(Reason.CONSENT_WITHDRAWN, next_from)
    if not campaign.consent_required and campaign.consent_ground:
        return None
    if valid is not None:
        return None
    if any(one.expires_at is not None and one.expires_at <= now for one in live):
        return Denied(Reason.CONSENT_EXPIRED, next_from)
    return Denied(Reason.CONSENT_MISSING, next_from)


def valid_consent(
    consents: Sequence[ConsentFact],
    withdrawals: Sequence[tuple[str, datetime]],
    purpose: str,
    now: datetime,
) -> ConsentFact | None:
    """The latest that is in force: given, not expired, given after the last withdrawal."""
    mine = [one for one in consents if one.purpose == purpose]
    withdrawn = _last_withdrawn(mine, withdrawals, purpose)
    valid = [
        one
        for one in mine
        if one.withdrawn_at is None
        and one.given_at <= now
        and (one.expires_at is None or one.expires_at > now)
        and (withdrawn is None or one.given_at > withdrawn)
    ]
    return max(valid, key=lambda one: one.given_at, default=None)


def _last_withdrawn(
    mine: Sequence[ConsentFact], withdrawals: Sequence[tuple[str, datetime]], purpose: str
) -> datetime | None:
    said = [one.withdrawn_at for one in mine if one.withdrawn_at is not None]
    said += [at for of, at in withdrawals if of in ("", purpose)]
    return max(said, default=None)


def _deny_by_limits(candidate: Candidate, campaign: Campaign, now: datetime) -> Denied | None:
    # A phone of which no zone is known has its day in UTC, as in the ledger.
    zones = tuple(zone for zone in called_zones(candidate.entry, campaign) if is_zone(zone))
    reached = refusal(candidate.past, campaign.caps, campaign.rounds, zones or ("UTC",), now)
    return None if reached is None else Denied(reached.why, reached.until)


def _deny_by_pause(candidate: Candidate, now: datetime) -> Denied | None:
    due_at = candidate.due_at
    return Denied(Reason.RETRY_LATER, due_at) if due_at is not None and due_at > now else None
