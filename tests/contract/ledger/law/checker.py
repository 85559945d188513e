"""May this phone be called? The slow, obvious answer, to hold the statements against.

Written from regulation.md, rows R3.6, R3.13, R6.1-R6.5 and the presets' YAML alone; it shares
no code with `dialer/`. It keeps the whole history in lists and looks at all of it each time.
When a refusal ends is found by trying: of all instants at which something can change, the first
at which the rule no longer refuses.

Where several rules refuse, the first in this order is the reason (core/permission/decide.py):
archive, review, stop, consent, a call going on, talks of day, month, week, tries of month,
week, day, rolling windows as written, gap, rest, failures; then the hours: campaign, segment,
own.
What is stamped later than now, because a clock was set back, counts as of this moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.contract.ledger.law.hours import (
    begins,
    is_open,
    local,
    next_begins,
    next_change,
    period,
)
from tests.contract.ledger.law.rules import Rules, hours_of

Answer = tuple[str, datetime | None]


@dataclass(eq=False)
class Call:
    """One attempt. `ending` None: going on."""

    at: datetime
    phone: int
    person: int
    campaign: str
    cost: int
    ending: str | None = None
    ended_at: datetime | None = None
    is_try: bool = True  # it reached the called side, or may have
    reached: bool = True  # it reached the carrier


@dataclass(eq=False)
class Stop:
    """A person's wish."""

    channel: str
    scope: str
    value: str | None
    expires: datetime | None


@dataclass(eq=False)
class Consent:
    """Of one person, or 0: whoever answers on that phone."""

    person: int
    purpose: str
    given: datetime
    expires: datetime | None


@dataclass
class Phone:
    """What is known of a phone, and all that its owner has said."""

    zones: tuple[str, ...]
    state: str = "active"
    stops: list[Stop] = field(default_factory=list)
    consents: list[Consent] = field(default_factory=list)
    withdrawals: list[tuple[str, datetime]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


@dataclass
class Person:
    """A card."""

    segment: str | None = None
    windows: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)


SPANS = {"week": timedelta(hours=168), "month": timedelta(hours=720)}


def in_period(unit: str, call: Call, now: datetime, zones: tuple[str, ...]) -> bool:
    """Of the same calendar period in one of the zones, or of the last 7 or 30 days."""
    if unit in SPANS and call.at > now - SPANS[unit]:
        return True
    return any(period(unit, call.at, zone) >= period(unit, now, zone) for zone in zones)


class Law:
    """Everything that has happened, and what may happen now."""

    def __init__(self, holidays: frozenset[date]) -> None:
        self.holidays = holidays
        self.rules: dict[str, Rules] = {}
        self.phones: dict[int, Phone] = {}
        self.people: dict[int, Person] = {}
        self.calls: list[Call] = []
        self.days: dict[tuple[str, date], list[Call]] = {}

    def add(self, call: Call) -> None:
        self.calls.append(call)
        self.phones[call.phone].calls.append(call)
        self.people[call.person].calls.append(call)
        self.days.setdefault((call.campaign, self.day(call.campaign, call.at)), []).append(call)

    # ------------------------------------------------------------ may it be called?

    def refusal(self, campaign: str, person: int, phone: int, now: datetime) -> Answer | None:
        """All but the hours: (reason, until; None: time alone changes nothing)."""
        for reason, refuses, changes in self._questions(campaign, person, phone):
            if refuses(now):
                later = sorted({at for at in changes() if at > now})
                return reason, next((at for at in later if not refuses(at)), None)
        return None

    def _questions(
        self, campaign: str, person: int, phone: int
    ) -> Iterator[tuple[str, Callable[[datetime], bool], Callable[[], Iterable[datetime]]]]:
        """(reason, does it refuse at this instant?, when its answer can change), in order."""
        rules, of = self.rules[campaign], self.phones[phone]
        yield "archived", lambda at: of.state == "archived", lambda: ()
        yield "in_review", lambda at: of.state == "review", lambda: ()
        yield (
            "stop",
            lambda at: any(self._holds(stop, rules, at) for stop in of.stops),
            lambda: [stop.expires for stop in of.stops if stop.expires],
        )
        yield from self._consent(rules, person, of)
        mine = [of.calls, self.people[person].calls]
        yield (
            "already_being_called",
            lambda at: any(call.ending is None for calls in mine for call in calls),
            lambda: (),
        )
        yield from self._limits(rules, of.zones or (rules.zone or "UTC",), mine)

    @staticmethod
    def _holds(stop: Stop, rules: Rules, at: datetime) -> bool:
        if stop.channel != "phone" or (stop.expires and stop.expires <= at):
            return False
        if stop.scope == "global":
            return True
        return stop.value == (rules.name if stop.scope == "campaign" else rules.purpose)

    def _consent(self, rules: Rules, person: int, of: Phone) -> Iterator[Any]:
        given = [
            one
            for one in of.consents
            if one.purpose == rules.purpose and one.person in (0, person)
        ]
        taken_back = [at for purpose, at in of.withdrawals if purpose in ("", rules.purpose)]
        standing = [one for one in given if all(one.given > at for at in taken_back)]

        def none_valid(at: datetime) -> bool:
            return not any(
                one.given <= at and (one.expires is None or one.expires > at)
                for one in standing
            )

        def changes() -> list[datetime]:
            return [one.given for one in standing]

        if taken_back:
            yield "consent_withdrawn", none_valid, changes
        if not rules.needs_consent:
            return

        def expired(at: datetime) -> bool:
            return none_valid(at) and any(
                one.expires is not None and one.expires <= at for one in standing
            )

        yield (
            "consent_expired",
            expired,
            changes,
        )
        yield "consent_missing", none_valid, changes

    def _limits(
        self, rules: Rules, zones: tuple[str, ...], mine: list[list[Call]]
    ) -> Iterator[Any]:
        tries = [[call for call in calls if call.is_try] for calls in mine]
        talks = [[call for call in calls if call.ending == "talked"] for calls in mine]
        for reason, counted, unit, place in (
            ("talks_day", talks, "day", 0),
            ("talks_month", talks, "month", 0),
            ("talks_week", talks, "week", 0),
            ("tries_month", tries, "month", 1),
            ("tries_week", tries, "week", 1),
            ("tries_day", tries, "day", 1),
        ):
            most = rules.most[unit][place]
            if most is not None and any(len(calls) >= most for calls in counted):
                yield reason, *self._of_period(unit, counted, most, zones)
        for what, most, within in rules.rolling:
            counted = talks if what == "talks" else tries
            yield (
                f"{what}_rolling",
                lambda at, counted=counted, most=most, within=within: any(
                    sum(call.at > at - within for call in calls) >= most for calls in counted
                ),
                lambda counted=counted, within=within: [
                    call.at + within for calls in counted for call in calls
                ],
            )
        yield from self._pauses(rules, mine)
        failures = [call for call in mine[0] if not call.is_try]
        if len(failures) >= rules.failures:
            yield (
                "failures_day",
                *self._of_period("day", [failures], rules.failures, zones),
            )

    @staticmethod
    def _of_period(
        unit: str, counted: list[list[Call]], most: int, zones: tuple[str, ...]
    ) -> tuple[Any, Any]:
        def refuses(at: datetime) -> bool:
            return any(
                sum(in_period(unit, call, at, zones) for call in calls) >= most
                for calls in counted
            )

        def changes() -> Iterator[datetime]:
            for call in {call for calls in counted for call in calls}:
                for zone in zones:
                    yield next_begins(unit, call.at, zone)
                if unit in SPANS:
                    yield call.at + SPANS[unit]

        return refuses, changes

    @staticmethod
    def _pauses(rules: Rules, mine: list[list[Call]]) -> Iterator[Any]:
        ended = [call for calls in mine for call in calls if call.ended_at is not None]
        gaps = [call.ended_at + rules.gap for call in ended if call.is_try and call.ended_at]
        rests = [
            call.ended_at + rules.rests[call.ending]
            for call in ended
            if call.ending in rules.rests and call.ended_at
        ]
        if rules.gap:
            yield "min_gap", lambda at: any(at < end for end in gaps), lambda: gaps
        yield "resting", lambda at: any(at < end for end in rests), lambda: rests

    # ------------------------------------------------------------ the hours

    def shut(self, campaign: str, person: int, phone: int, now: datetime) -> Answer | None:
        """Outside the hours? (reason, when they begin)."""
        rules, of, card = self.rules[campaign], self.phones[phone], self.people[person]
        segment = rules.segments.get(card.segment or "", ())
        own = hours_of(card.windows)
        if not (rules.windows or segment or own):
            return None
        zones = of.zones or ((rules.zone,) if rules.zone else ())
        if not zones:
            return "zone_unknown", None
        free = self.holidays if rules.holidays else frozenset()
        sets = tuple(one for one in (rules.windows, segment, own) if one)
        if is_open(sets, zones, free, now):
            return None
        opens = next_change(sets, zones, free, now, to=True)
        if rules.windows and not is_open((rules.windows,), zones, free, now):
            return "outside_hours", opens
        if segment and not is_open((segment,), zones, free, now):
            return "segment_hours", opens
        return "own_hours", opens

    def closes(self, campaign: str, person: int, phone: int, now: datetime) -> datetime | None:
        """When the hours that are open now end; None: no end in sight."""
        rules, of, card = self.rules[campaign], self.phones[phone], self.people[person]
        sets = (
            rules.windows,
            rules.segments.get(card.segment or "", ()),
            hours_of(card.windows),
        )
        zones = of.zones or ((rules.zone,) if rules.zone else ())
        free = self.holidays if rules.holidays else frozenset()
        given = tuple(one for one in sets if one)
        return next_change(given, zones, free, now, to=False) if given else None

    # ------------------------------------------------------------ money

    def day(self, campaign: str, now: datetime) -> date:
        return local(now, self.rules[campaign].zone or "Europe/Moscow").date()

    def used(self, campaign: str, now: datetime) -> tuple[int, int]:
        """(calls that reached the carrier, money) of the campaign's day."""
        calls = self.days.get((campaign, self.day(campaign, now)), [])
        return sum(call.reached for call in calls), sum(call.cost for call in calls)

    def day_ends(self, campaign: str, now: datetime) -> datetime:
        zone = self.rules[campaign].zone or "Europe/Moscow"
        return begins(self.day(campaign, now) + timedelta(days=1), zone)
