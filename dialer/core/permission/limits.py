"""How often a phone and a contact may be tried and talked with, over all campaigns (R6.5).

The periods, which the ledger reckons in the same way (`permission_of` in its migrations):
  day    the calendar day in the called zone; who may lie in several zones has his day by all
  week   the calendar week and the last 7 x 24 hours, whichever reaches further back
  month  the calendar month and the last 30 x 24 hours, likewise: either reading of it is kept
A try is an attempt that is charged or still open. Phone and contact are counted apart, and each
must be under the limit. Every refusal says when it ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from dialer.core.model import Caps, Disposition, Rounds
from dialer.core.permission.hours import next_period, period_began
from dialer.core.permission.reasons import Reason

_ROLLING_H = {"week": 168, "month": 720}


class Past(NamedTuple):
    """One earlier attempt of the phone or the contact; `disposition` None: still open."""

    at: datetime  # committed
    charged: bool
    disposition: Disposition | None
    ended_at: datetime | None
    of_phone: bool
    of_contact: bool


class UsedUp(NamedTuple):
    """Which limit is reached, and when it no longer is (aware, UTC); None: nobody knows."""

    why: Reason
    until: datetime | None


class _Side(NamedTuple):
    """What counts of one side, the phone or the contact; latest first."""

    tries: tuple[datetime, ...]
    talks: tuple[datetime, ...]
    attempts: tuple[Past, ...]


def refusal(
    past: Sequence[Past], caps: Caps, rounds: Rounds, zones: Sequence[str], now: datetime
) -> UsedUp | None:
    """The first limit that is reached; None = one more try is allowed.

    `zones`: all that the phone may lie in, at least one.
    """
    if any(one.disposition is None for one in past):
        return UsedUp(Reason.ALREADY_BEING_CALLED, None)
    sides = (_side(past, of_phone=True), _side(past, of_phone=False))
    return next(_reached(sides, caps, rounds, zones, now), None)


def _side(past: Sequence[Past], *, of_phone: bool) -> _Side:
    mine = tuple(one for one in past if (one.of_phone if of_phone else one.of_contact))
    return _Side(
        tries=tuple(sorted((one.at for one in mine if one.charged), reverse=True)),
        talks=tuple(
            sorted(
                (one.at for one in mine if one.disposition is Disposition.TALKED), reverse=True
            )
        ),
        attempts=mine,
    )


def _reached(
    sides: tuple[_Side, _Side],
    caps: Caps,
    rounds: Rounds,
    zones: Sequence[str],
    now: datetime,
) -> Iterator[UsedUp]:
    """Talks before tries and long periods before short ones, as in the ledger."""
    tries, talks = [one.tries for one in sides], [one.talks for one in sides]
    for why, counted, most, unit in (
        (Reason.TALKS_DAY, talks, caps.talks_per_day, "day"),
        (Reason.TALKS_MONTH, talks, caps.talks_per_month, "month"),
        (Reason.TALKS_WEEK, talks, caps.talks_per_week, "week"),
        (Reason.TRIES_MONTH, tries, caps.per_month, "month"),
        (Reason.TRIES_WEEK, tries, caps.per_week, "week"),
        (Reason.TRIES_DAY, tries, caps.per_day, "day"),
    ):
        until = _latest(_freed(of, most, unit, zones) for of in counted)
        if until is not None and until > now:
            yield UsedUp(why, until)
    for rule in caps.rolling:
        counted, why = tries, Reason.TRIES_ROLLING
        if rule.what == "talks":
            counted, why = talks, Reason.TALKS_ROLLING
        span = timedelta(hours=rule.hours)
        until = _latest(_nth(of, rule.most, span) for of in counted)
        if until is not None and until > now:
            yield UsedUp(why, until)
    yield from _pauses(sides, caps, now)
    failures = _failures(sides[0], zones, now)
    if len(failures) >= rounds.uncharged_per_day:
        nth = sorted(failures, reverse=True)[rounds.uncharged_per_day - 1]
        yield UsedUp(Reason.FAILURES_DAY, next_period("day", zones, nth))


def _pauses(sides: tuple[_Side, _Side], caps: Caps, now: datetime) -> Iterator[UsedUp]:
    ended = [one for side in sides for one in side.attempts if one.ended_at is not None]
    gap = timedelta(seconds=caps.min_gap_s)
    until = _latest(one.ended_at + gap for one in ended if one.charged and one.ended_at)
    if caps.min_gap_s and until is not None and until > now:
        yield UsedUp(Reason.MIN_GAP, until)
    until = _latest(
        one.ended_at + timedelta(seconds=caps.rest_s[one.disposition])
        for one in ended
        if one.ended_at and one.disposition and one.disposition in caps.rest_s
    )
    if until is not None and until > now:
        yield UsedUp(Reason.RESTING, until)


def _failures(side: _Side, zones: Sequence[str], now: datetime) -> list[datetime]:
    """Of today and uncharged: on our or the carrier's account."""
    began = period_began("day", zones, now)
    return [one.at for one in side.attempts if not one.charged and one.at >= began]


def _freed(
    latest_first: Sequence[datetime], most: int | None, unit: str, zones: Sequence[str]
) -> datetime | None:
    """When the `most`th latest leaves the period; None: there are not so many."""
    if most is None or len(latest_first) < most:
        return None
    nth = latest_first[most - 1]
    calendar = next_period(unit, zones, nth)
    if unit == "day":
        return calendar
    return max(calendar, nth + timedelta(hours=_ROLLING_H[unit]))


def _nth(latest_first: Sequence[datetime], most: int, span: timedelta) -> datetime | None:
    return latest_first[most - 1] + span if len(latest_first) >= most else None


def _latest(instants: Iterator[datetime | None]) -> datetime | None:
    return max((one for one in instants if one is not None), default=None)
