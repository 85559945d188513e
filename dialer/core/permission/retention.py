"""How long each kind of data is kept (R6.7), and what a law orders to keep (R6.6). Pure.

Kept whatever is configured: stops, consents and withdrawals (proof, and the person's wish), the
audit, the log of supervisions. Recordings have the campaign's own `keep_recordings`. What a law
orders to keep outlives a person's erasure: locked, with its ground and its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dialer.core.model import Campaign
from dialer.core.permission.persistence import DAYS

DAY_S = 86_400.0


class DataKind(StrEnum):
    """What has a time of its own."""

    ATTEMPTS = "attempts"
    LIST_MOVES = "list_moves"
    OPERATOR_LOG = "operator_log"
    MERGED_ROWS = "merged_rows"
    CONTACTS = "contacts"  # last: a card goes when its attempts have gone


class HeldKind(StrEnum):
    """What a law may order to keep of a person who is erased."""

    ATTEMPTS = "attempts"
    RECORDINGS = "recordings"
    CONSENTS = "consents"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHold:
    """What a law orders: kinds, for how long from the call (of a consent: its last use)."""

    keep_s: float
    kinds: frozenset[HeldKind]
    ground: str


_RECORDS_US = LegalHold(
    keep_s=5 * 365 * DAY_S,
    kinds=frozenset({HeldKind.ATTEMPTS, HeldKind.CONSENTS}),
    ground="TSR: records of calls and consents, 5 years",
)

#: By the preset under which a call was made, as its grounds hold it; from regulation.md.
HELD_BY_LAW: Mapping[str, LegalHold] = {
    "ru-debt": LegalHold(
        keep_s=3 * 365 * DAY_S,
        kinds=frozenset({HeldKind.ATTEMPTS, HeldKind.RECORDINGS}),
        ground="230-FZ: calls to debtors and their recordings, 3 years",
    ),
    "de": LegalHold(
        keep_s=5 * 365 * DAY_S,
        kinds=frozenset({HeldKind.ATTEMPTS, HeldKind.CONSENTS}),
        ground="UWG s. 7a: the consent, 5 years from each use of it",
    ),
    "us-tcpa": _RECORDS_US,
    "us-debt": _RECORDS_US,
}


class HoldRule(NamedTuple):
    """One preset's hold on one kind: what began after `since` is held, for `keep_s` each."""

    preset: str
    kind: HeldKind
    since: datetime
    keep_s: float
    ground: str


def holds(now: datetime) -> list[HoldRule]:
    """Every law on every kind that it names."""
    return [
        HoldRule(preset, kind, before(law.keep_s, now), law.keep_s, law.ground)
        for preset, law in HELD_BY_LAW.items()
        for kind in HeldKind
        if kind in law.kinds
    ]


def least_s(campaigns: Iterable[Campaign]) -> float:
    """For so long attempts must be kept for the limits that look back at them."""
    longest = DAYS * DAY_S
    for one in campaigns:
        hours = [rule.hours for rule in one.caps.rolling]
        pauses_s = (one.caps.min_gap_s, *one.caps.rest_s.values())
        longest = max(longest, *(h * 3600.0 for h in hours), *pauses_s)
    # The calendar month may reach further back, and a call lasts some hours itself.
    return longest + 2 * DAY_S


def before(keep_s: float, now: datetime) -> datetime:
    """What is older goes."""
    return now - timedelta(seconds=keep_s)


def limits(keep: Mapping[DataKind, float], now: datetime) -> dict[DataKind, datetime]:
    """`keep` in seconds -> the instants before which rows go."""
    return {kind: before(keep_s, now) for kind, keep_s in keep.items()}


# ------------------------------------------------------------------ when it runs

#: From its hour on, a run may begin for so long: later people are being called again.
QUIET_H = 4
#: After so many nights without a run somebody should look.
LATE_S = 2 * DAY_S


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHour:
    """When the daily run begins, by the wall of this zone."""

    at: time = time(3, 0)
    zone: str = "Europe/Moscow"


def due_day(now: datetime, quiet: QuietHour, last: date | None) -> date | None:
    """The day (of the quiet hour's zone) whose run is due now; `last`: of the latest done run.

    One missed night waits for the next quiet hour; two are made up for at any hour.
    """
    local = now.astimezone(ZoneInfo(quiet.zone)).replace(tzinfo=None)
    begun = datetime.combine(local.date(), quiet.at)
    if begun > local:
        begun -= timedelta(days=1)
    day = begun.date()
    if last is not None and last >= day:
        return None
    quiet_now = local - begun < timedelta(hours=QUIET_H)
    missed = last is not None and last < day - timedelta(days=1)
    return day if quiet_now or missed else None
