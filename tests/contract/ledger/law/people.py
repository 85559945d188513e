"""A random base, and what its people, imports and supervisors do while it is dialed.

Each event is told to the ledger by its own doors and to the checker's books.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from dialer.core.model import PhoneId, Window
from dialer.ports import ImportedConsent, ImportRow, Wish
from tests.contract.ledger.law.campaigns import PURPOSES
from tests.contract.ledger.law.checker import Consent, Law, Person, Phone, Stop
from tests.contract.ledger.law.hours import QUARTER, next_begins
from tests.contract.ledger.law.rules import DAYS
from tests.contract.ledger.world import World, phone, row

#: With clocks that are set at midnight (Azores, Havana, Beirut), by half an hour, and never.
ZONES = (
    ("Europe/Moscow",),
    ("Europe/Moscow",),
    ("Europe/Paris",),
    ("America/New_York",),
    ("Atlantic/Azores",),
    ("America/Havana",),
    ("Asia/Beirut",),
    ("Australia/Lord_Howe",),
    ("Asia/Kathmandu",),
    ("Europe/Kaliningrad", "Asia/Kamchatka"),
    ("America/New_York", "America/Chicago"),
    (),
)
#: Ends of months, a year's end, and the days on which clocks are set.
STARTS = (
    datetime(2026, 10, 22, 6, tzinfo=UTC),
    datetime(2026, 10, 31, 20, tzinfo=UTC),
    datetime(2027, 3, 12, 3, tzinfo=UTC),
    datetime(2027, 3, 26, 15, tzinfo=UTC),
    datetime(2026, 12, 29, 12, tzinfo=UTC),
    datetime(2026, 8, 30, 9, tzinfo=UTC),
)


class People:
    """The base of one world, its clock and its books."""

    def __init__(self, world: World, seed: int, people: int) -> None:
        self.rng = random.Random(seed)
        self.world = world
        self.now = self.rng.choice(STARTS) + timedelta(minutes=self.rng.randrange(2000))
        start = self.now.date()
        self.law = Law(
            frozenset(start + timedelta(days=self.rng.randrange(-2, 40)) for _ in range(6))
        )
        #: Instants at which a refusal that was seen ends.
        self.ends_seen: list[datetime] = []
        self._people(people)

    # ------------------------------------------------------------ the base

    def _people(self, count: int) -> None:
        rng, rows = self.rng, []
        zones = {nth: rng.choice(ZONES) for nth in range(count)}
        for nth in range(count):
            first = nth if rng.random() < 0.85 else rng.randrange(count)
            second = [rng.randrange(count)] if rng.random() < 0.3 else []
            rows.append(
                row(
                    nth + 1,
                    name=f"Person {nth}",
                    phones=tuple(
                        phone(n, zones=zones[n]) for n in dict.fromkeys((first, *second))
                    ),
                    segment=rng.choice((None, None, "old")),
                    consent=self._consent(),
                    windows=self._own_windows(),
                )
            )
        self.rows: list[ImportRow] = rows
        self.world.rows(rows)
        digits = {phone(n).digits: n for n in range(count)}
        known = self.world.ledger.digits_of(
            [PhoneId(one) for (one,) in self.world.ask("SELECT id FROM phones")]
        )
        self.phone_of = {digits[text]: number for number, text in known.items()}
        for nth, number in self.phone_of.items():
            self.law.phones[number] = Phone(zones[nth])
        cards = self.world.ask("SELECT name, contact_id FROM contact_identity")
        self.card_of = dict(cards)
        for line in rows:
            self._note(line)

    def _note(self, line: ImportRow) -> None:
        """What a row of the file brings."""
        contact = self.card_of[line.name or ""]
        person = self.law.people.setdefault(contact, Person(line.segment))
        person.windows = [
            {
                "days": [DAYS[day] for day in sorted(one.days)],
                "open": f"{one.opens:%H:%M}",
                "close": f"{one.closes:%H:%M}",
            }
            for one in line.windows
        ] or person.windows
        given = line.consent
        for one in line.phones:
            of = self.law.phones[self._number(one.digits)]
            if given is not None and not any(
                (was.person, was.purpose, was.given) == (contact, given.purpose, given.given_at)
                for was in of.consents
            ):
                of.consents.append(
                    Consent(contact, given.purpose, given.given_at, given.expires_at)
                )

    def _number(self, digits: str) -> int:
        return self.phone_of[int(digits[5:]) - 2_000_000]

    def _consent(self) -> ImportedConsent | None:
        """Mostly a valid one; some expire soon, some are dated ahead."""
        if self.rng.random() < 0.03:
            return None
        given = self.now - timedelta(minutes=self.rng.randrange(-1_000, 60_000))
        expires = None
        if self.rng.random() < 0.2:
            expires = given + timedelta(minutes=self.rng.randrange(10, 90_000))
        return ImportedConsent(
            purpose=self.rng.choice(PURPOSES), given_at=given, expires_at=expires
        )

    def _own_windows(self) -> tuple[Window, ...]:
        if self.rng.random() < 0.8:
            return ()
        opens = datetime(2026, 1, 1) + QUARTER * self.rng.randrange(0, 60)
        closes = opens + QUARTER * self.rng.randrange(8, 34)
        return (Window(frozenset(range(self.rng.choice((5, 7)))), opens.time(), closes.time()),)

    # ------------------------------------------------------------ what happens meanwhile

    def happen(self) -> None:
        """One thing that a person, an import or a supervisor does."""
        rng = self.rng
        number = rng.choice(list(self.law.phones))
        of, ledger = self.law.phones[number], self.world.ledger
        event = rng.randrange(9)
        if of.stops and rng.random() < 0.4:
            event = 3
        if event <= 2:
            self._stop(number, of)
        elif event == 3 and of.stops:
            ledger.remove_stops(PhoneId(number), by="supervisor", now=self.now)
            of.stops.clear()
        elif event == 4:
            purpose = rng.choice((None, *PURPOSES))
            ledger.withdraw_consents(PhoneId(number), purpose=purpose, now=self.now)
            of.withdrawals.append((purpose or "", self.now))
        elif event <= 6:
            self._consents(number, of)
        elif event == 7:
            states = ("active", "review", "archived")
            state = rng.choices(states, (8, 1, 1))[0] if of.state == "active" else "active"
            ledger.move_phone(PhoneId(number), state, by="s", reason="test", now=self.now)
            of.state = state
        else:
            self._imported()

    def _stop(self, number: int, of: Phone) -> None:
        rng = self.rng
        scope, value = rng.choice(
            (
                ("global", None),
                ("campaign", "c0"),
                ("campaign", "c1"),
                ("purpose", "sales"),
                ("purpose", "surveys"),
            )
        )
        category = rng.choice(("never", "messages_only", "not_now"))
        expires = None
        if category == "not_now" or rng.random() < 0.5:
            expires = self.now + timedelta(minutes=rng.randrange(1, 6_000))
        channel = rng.choice(("phone", "phone", "phone", "sms", "email"))
        wish = Wish(
            category=category,
            channel=channel,
            scope=scope,
            scope_value=value,
            expires_at=expires,
        )
        self.world.ledger.add_stop(PhoneId(number), origin="said", now=self.now, wish=wish)
        of.stops.append(Stop(channel, scope, value, expires))

    def _consents(self, number: int, of: Phone) -> None:
        given = self.now - timedelta(minutes=self.rng.choice((0, 0, 1, 600)))
        purpose = self.rng.choice(PURPOSES)
        expires = None
        if self.rng.random() < 0.3:
            expires = given + timedelta(minutes=self.rng.randrange(601, 30_000))
        is_new = self.world.ledger.add_consent(
            PhoneId(number),
            ImportedConsent(purpose=purpose, given_at=given, expires_at=expires),
            source="site",
            by="s",
            now=self.now,
        )
        if is_new:
            of.consents.append(Consent(0, purpose, given, expires))

    def _imported(self) -> None:
        """A newer file: another consent, other hours that the person named."""
        nth = self.rng.randrange(len(self.rows))
        line = self.rows[nth]
        barred = any(
            self.law.phones[self._number(one.digits)].state == "archived"
            or any(
                stop.scope == "global"
                for stop in self.law.phones[self._number(one.digits)].stops
            )
            for one in line.phones
        )
        if barred:
            return  # kept out by the import: another test's matter
        newer = line._replace(consent=self._consent(), windows=self._own_windows())
        self.world.ledger.import_rows("people", [newer], source="test", now=self.now)
        self._note(newer)

    def move_clock(self) -> None:
        """Onwards by seconds to days, to the very instant at which a refusal ends or just
        before, over a midnight; sometimes back.
        """
        rng = self.rng
        way = rng.random()
        ahead = [at for at in self.ends_seen if self.now < at < self.now + timedelta(days=9)]
        if way < 0.03:
            self.now -= timedelta(seconds=rng.randrange(1, 9_000))
        elif way < 0.35 and ahead:
            self.now = rng.choice(ahead) - timedelta(microseconds=rng.choice((0, 0, 1)))
        elif way < 0.45:
            zones = rng.choice(ZONES) or ("UTC",)
            midnight = next_begins("day", self.now, zones[0])
            self.now = midnight - timedelta(seconds=rng.choice((-1, 0, 1)))
        elif way < 0.7:
            self.now += timedelta(
                seconds=rng.randrange(1, 7_200), microseconds=rng.randrange(9)
            )
        else:
            self.now += timedelta(minutes=rng.randrange(60, 1_500))
        self.ends_seen = [at for at in ahead if at > self.now][-200:]
