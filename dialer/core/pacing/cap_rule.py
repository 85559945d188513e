"""What a campaign says of its abandonment cap, and what is wrong with it, in plain words.

A rule is legal text: limit, window in its own zone, what counts as an answer, whether drops may
be spent ahead of the answers that earn them (docs/pacing.md; the laws: regulation.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dialer.core.pacing.certificate import NEVER, least_answers


class Denominator(StrEnum):
    """Of what the drops are a share."""

    LIVE = "live"  # answered, less those whom an operator said to be machines
    LIVE_CORRECTED = "live_corrected"  # and the detector's errors put right, both kinds
    ANSWERED = "answered"  # whatever picked up


class Spending(StrEnum):
    """When drops may be had."""

    STRICT = "strict"  # never more than is earned, at any moment
    AHEAD = "ahead"  # the rest of the window may earn them back


class EarlyHangUps(StrEnum):
    """People who hang up while they wait, within the patience."""

    APART = "apart"  # shown apart
    ABANDONED = "abandoned"  # counted as abandoned


class Uncertified(StrEnum):
    """What is done below the certifying volume."""

    LEDGER = "ledger"
    PROGRESSIVE = "progressive"


class WindowKind(StrEnum):
    DAY = "day"  # the calendar day of the zone
    DAYS_30 = "30d"  # this calendar day and the 29 before it
    HOURS = "hours"  # blocks of so many hours from the zone's midnight


@dataclass(frozen=True, slots=True, kw_only=True)
class CapRule:
    """One legal cap; campaigns of one legal campaign share its ledger.

    `limit` is a share (0.03); `certify` the confidence asked for, None: none. The detector's
    errors: share of people among those whom it said to be machines.
    """

    limit: float = 0.03
    window: WindowKind = WindowKind.DAY
    window_hours: int = 24
    zone: str = "UTC"
    denominator: Denominator = Denominator.LIVE
    spending: Spending = Spending.AHEAD
    early_hang_ups: EarlyHangUps = EarlyHangUps.APART
    certify: float | None = None
    uncertified: Uncertified = Uncertified.LEDGER
    detector_false_machines: float = 0.0


def window_of(rule: CapRule, now: datetime) -> tuple[datetime, datetime]:
    """First and last instant of the window that holds `now`; it ends in *its* zone.

    Local midnights are computed on the calendar, so a day of 23 or 25 hours is a day.
    """
    zone = ZoneInfo(rule.zone)
    local = now.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    tomorrow = midnight + timedelta(days=1)
    if rule.window is WindowKind.DAYS_30:
        return midnight - timedelta(days=29), tomorrow
    if rule.window is WindowKind.HOURS:
        hours = max(1, min(24, rule.window_hours))
        first = local.hour // hours * hours
        begins = midnight.replace(hour=first)
        ends = tomorrow if first + hours >= 24 else midnight.replace(hour=first + hours)
        return begins, ends
    return midnight, tomorrow


def problems(rule: CapRule, *, answers_expected: float | None = None) -> list[str]:
    """What a person must mend or know, each one sentence with its remedy.

    `answers_expected`: live answers that the window is likely to bring.
    """
    found = []
    limit = rule.limit
    if not 0.0 <= limit <= 1.0:
        found.append(f"a cap of {limit:g} is no share: 3 % is written '3 %'")
    elif limit == 0.0:
        found.append("a cap of 0 % allows no drop at all: use mode progressive")
    elif limit >= 0.5:
        found.append(f"a cap of {limit:.0%} does not limit: 3 % is usual, 5 % much")
    elif limit < 0.002:
        found.append(
            f"a cap of {limit:.3%} allows one drop in {round(1 / limit):,} answers: "
            f"if {limit * 100:g} was meant as a share, write '{limit * 10_000:g} %'"
        )
    if not _is_zone(rule.zone):
        found.append(f"the window's zone '{rule.zone}' is unknown: like Europe/Moscow")
    if rule.window is WindowKind.HOURS and not 1 <= rule.window_hours <= 24:
        found.append(f"a window of {rule.window_hours} hours: from 1 to 24")
    if rule.certify is not None:
        found += _certify_problems(rule, rule.certify, answers_expected)
    return found


def _certify_problems(
    rule: CapRule, confidence: float, answers_expected: float | None
) -> list[str]:
    if not 0.5 <= confidence < 1.0:
        return [f"certify: {confidence:g} is no confidence: 95 % is usual"]
    needed = least_answers(rule.limit, confidence)
    if needed >= NEVER:
        return [f"a cap of {rule.limit:.2%} can never be certified: no number of answers can"]
    if answers_expected is not None and answers_expected < needed:
        return [
            f"certify at {rule.limit:.2%} with {confidence:.0%} needs at least {needed} live "
            f"answers without a drop; the window brings about {answers_expected:.0f}: "
            "take a longer window (30d) or leave certify out"
        ]
    return []


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name)
