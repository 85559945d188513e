"""Who is dialed next: the list as it is used up, by the campaign's own rules.

A contact is tried in the order of the list, first tries before repeats; after each ending
core/base/rounds.py decides what becomes of him, core/permission the hours of his zones and his
caps. `Endless` is a list without an end for worlds in which the list does not matter.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from dialer.core.base.rounds import next_step
from dialer.core.model import Campaign, Disposition, History, HungUpBy, Verdict
from dialer.core.permission import limits
from dialer.core.permission.hours import Open, callable_now


class Contact:
    """One person of the list; `dead`: the number does not exist; `past`: what came before."""

    __slots__ = (
        "cancelled_on",
        "dead",
        "dead_on",
        "past",
        "place",
        "rounds_failed",
        "tries",
        "zone",
    )

    def __init__(self, place: int, zone: str, *, dead: bool = False) -> None:
        self.place = place
        self.zone = zone
        self.dead = dead
        self.tries = 0
        self.past: list[limits.Past] = []
        self.dead_on: list[date] = []
        self.rounds_failed = 0
        self.cancelled_on: date | None = None


class Feed(Protocol):
    """What the world asks of a list; instants are seconds of the shift."""

    def ready(self, now_s: float) -> int:
        """How many may be dialed now."""
        ...

    def take(self, now_s: float) -> Contact | None:
        """The next one."""
        ...

    def give_back(self, contact: Contact) -> None:
        """He was not called after all."""
        ...

    def ended(self, contact: Contact, disposition: Disposition, now_s: float) -> None:
        """What came of it."""
        ...

    def next_s(self, now_s: float) -> float:
        """When somebody may be dialed again; infinite: nobody ever."""
        ...

    def left(self) -> int:
        """Contacts that are not at rest."""
        ...

    def may_cancel(self, contact: Contact, now_s: float) -> bool:
        """Nobody's call is given up twice a day."""
        ...


class Endless:
    """Nobody comes back, nobody is missing."""

    def __init__(self) -> None:
        self._nobody = Contact(0, "UTC")

    def ready(self, now_s: float) -> int:
        return 1_000_000

    def take(self, now_s: float) -> Contact | None:
        return self._nobody

    def give_back(self, contact: Contact) -> None:
        return

    def ended(self, contact: Contact, disposition: Disposition, now_s: float) -> None:
        return

    def next_s(self, now_s: float) -> float:
        return now_s

    def left(self) -> int:
        return 0

    def may_cancel(self, contact: Contact, now_s: float) -> bool:
        return True


def _verdict(disposition: Disposition, *, number_charged: bool = True) -> Verdict:
    return Verdict(
        disposition=disposition,
        charged=True,
        number_charged=number_charged,
        number_suspect=disposition is Disposition.INVALID_NUMBER,
        hung_up_by=HungUpBy.THEM,
    )


#: As core/calls/causes_table.py judges these endings.
VERDICTS = {
    one: _verdict(one)
    for one in (
        Disposition.TALKED,
        Disposition.MACHINE,
        Disposition.ABANDONED,
        Disposition.SHORT_HANGUP,
        Disposition.BUSY,
        Disposition.REJECTED,
        Disposition.NO_ANSWER,
        Disposition.CANCELLED,
        Disposition.INVALID_NUMBER,
    )
}


@dataclass(slots=True)
class _Zone:
    """The contacts of one zone that may be dialed as soon as it is open."""

    first: deque[Contact]
    repeats: deque[Contact]
    open_from_s: float = 0.0
    open_until_s: float = 0.0  # until when that is known

    def __len__(self) -> int:
        return len(self.first) + len(self.repeats)


class ListFeed:
    """A list of contacts under a campaign's rules. `begins`: the instant of second 0."""

    def __init__(
        self,
        contacts: Sequence[Contact],
        campaign: Campaign,
        begins: datetime,
        holidays: frozenset[date] = frozenset(),
    ) -> None:
        self._campaign = campaign
        self._begins = begins
        self._holidays = holidays
        self._gateway = str(campaign.gateways[0]) if campaign.gateways else ""
        self._zones: dict[str, _Zone] = {}
        self._waiting: list[tuple[float, int, Contact]] = []
        self._left = len(contacts)
        for contact in contacts:
            zone = self._zones.setdefault(contact.zone, _Zone(deque(), deque()))
            (zone.repeats if contact.tries else zone.first).append(contact)

    def begin_shift(self, begins: datetime) -> None:
        """Second 0 is now this instant: another day. Who waits keeps his instant."""
        passed_s = (begins - self._begins).total_seconds()
        self._begins = begins
        self._waiting = [(due - passed_s, key, one) for due, key, one in self._waiting]
        heapq.heapify(self._waiting)
        for zone in self._zones.values():
            zone.open_until_s = 0.0

    def wait(self, contact: Contact, due_s: float) -> None:
        """He is not dialed before then."""
        heapq.heappush(self._waiting, (due_s, contact.place, contact))

    def ready(self, now_s: float) -> int:
        self._wake(now_s)
        return sum(len(zone) for name, zone in self._zones.items() if self._open(name, now_s))

    def take(self, now_s: float) -> Contact | None:
        self._wake(now_s)
        while True:
            best: deque[Contact] | None = None
            key = (2, 0)
            for name, zone in self._zones.items():
                if not len(zone) or not self._open(name, now_s):
                    continue
                queue = zone.first or zone.repeats
                own = (0 if zone.first else 1, queue[0].place)
                if best is None or own < key:
                    best, key = queue, own
            if best is None:
                return None
            contact = best.popleft()
            refused = self._refused(contact, now_s)
            if refused is None:
                return contact
            self.wait(contact, refused)

    def give_back(self, contact: Contact) -> None:
        zone = self._zones[contact.zone]
        (zone.repeats if contact.tries else zone.first).appendleft(contact)

    def ended(self, contact: Contact, disposition: Disposition, now_s: float) -> None:
        now = self._at(now_s)
        today = now.astimezone(ZoneInfo(contact.zone)).date()
        verdict = VERDICTS[disposition]
        then = next_step(
            self._history(contact, today),
            verdict,
            self._campaign,
            now,
            today=today,
            gateway=self._gateway,
            zone=contact.zone,
        )
        contact.tries += 1
        contact.past.append(
            limits.Past(
                at=now,
                charged=verdict.charged,
                disposition=disposition,
                ended_at=now,
                of_phone=True,
                of_contact=True,
            )
        )
        contact.rounds_failed = then.rounds_failed
        if disposition is Disposition.INVALID_NUMBER:
            contact.dead_on.append(today)
        elif disposition is Disposition.CANCELLED:
            contact.cancelled_on = today
        if then.due_at is None:
            self._left -= 1
        else:
            self.wait(contact, (then.due_at - self._begins).total_seconds())

    def next_s(self, now_s: float) -> float:
        self._wake(now_s)
        soonest = self._waiting[0][0] if self._waiting else math.inf
        for name, zone in self._zones.items():
            if len(zone):
                opens = now_s if self._open(name, now_s) else zone.open_from_s
                soonest = min(soonest, opens)
        return soonest

    def left(self) -> int:
        return self._left

    def may_cancel(self, contact: Contact, now_s: float) -> bool:
        if contact.cancelled_on is None:
            return True
        return contact.cancelled_on != self._at(now_s).astimezone(ZoneInfo(contact.zone)).date()

    # ------------------------------------------------------------------ inside

    def _at(self, now_s: float) -> datetime:
        return self._begins + timedelta(seconds=now_s)

    def _wake(self, now_s: float) -> None:
        """Whose pause is over goes to his zone's repeats."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now_s:
            _, _, contact = heapq.heappop(waiting)
            zone = self._zones[contact.zone]
            (zone.repeats if contact.tries else zone.first).append(contact)

    def _open(self, name: str, now_s: float) -> bool:
        """Is it an hour at which this zone may be called? Looked up once per change."""
        zone = self._zones[name]
        if now_s >= zone.open_until_s:
            asked = callable_now(
                self._campaign.windows, (name,), self._at(now_s), self._holidays
            )
            until = (
                math.inf
                if asked.until is None
                else (asked.until - self._begins).total_seconds()
            )
            is_open = isinstance(asked, Open)
            zone.open_from_s = now_s if is_open else until
            zone.open_until_s = until
        return now_s >= zone.open_from_s

    def _refused(self, contact: Contact, now_s: float) -> float | None:
        """When to look again at somebody whose caps are used up (R6.5); None: he may be
        called.
        """
        if not contact.past:
            return None
        campaign = self._campaign
        used_up = limits.refusal(
            contact.past, campaign.caps, campaign.rounds, (contact.zone,), self._at(now_s)
        )
        if used_up is None:
            return None
        if used_up.until is None:
            return math.inf
        return (used_up.until - self._begins).total_seconds()

    def _history(self, contact: Contact, today: date) -> History:
        zone = ZoneInfo(contact.zone)
        days = [(one.at.astimezone(zone).date(), one.charged) for one in contact.past]
        ages = [(today - day).days for day, charged in days if charged]
        return History(
            tries_today=ages.count(0),
            tries_week=sum(1 for age in ages if age < 7),
            tries_month=sum(1 for age in ages if age < 30),
            uncharged_today=days.count((today, False)),
            rounds_failed=contact.rounds_failed,
            last_try_on=next((day for day, charged in reversed(days) if charged), None),
            dead_attempts=len(contact.dead_on),
            dead_days=frozenset(contact.dead_on),
            dead_gateways=frozenset({self._gateway} if contact.dead_on else ()),
        )
