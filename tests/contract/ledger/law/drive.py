"""Random bases dialed through the real statements, each answer held against `checker`.

The feeder itself feeds a hopper that only listens; what it offers is committed a moment or
hours later, after people have said stop, withdrawn, consented, and clocks have been moved; what
is committed is ended at random. Time is an argument everywhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    Claimed,
    ContactId,
    Disposition,
    Entry,
    Intent,
    IntentAnswer,
    Moment,
)
from dialer.core.permission.reasons import REQUEUED
from dialer.engine.feeder import AGAIN_S, Feeder
from dialer.metrics.meter import MemoryMeter
from dialer.ports import Due
from tests.contract.ledger.law.campaigns import campaign_from, random_file
from tests.contract.ledger.law.checker import Answer, Call
from tests.contract.ledger.law.people import People
from tests.contract.ledger.law.rules import Rules
from tests.contract.ledger.world import (
    GATEWAY,
    INSTANCE,
    NUMBER,
    World,
    outcome,
    retry,
    verdict,
)

#: (disposition, is it a try, did it reach the carrier).
ENDINGS = (
    ("no_answer", True, True),
    ("no_answer", True, True),
    ("busy", True, True),
    ("talked", True, True),
    ("talked", True, True),
    ("abandoned", True, True),
    ("rejected", True, True),
    ("carrier_failure", False, True),
    ("local_failure", False, False),
    ("lost", True, True),
)
RESERVED = 250_000
#: No call lasts longer: `max_talk` is a day at most.
LONGEST = timedelta(hours=24)
#: Of one world at most.
TURNS = 250
LOOKED_AGAIN = {"already_being_called": timedelta(minutes=1)}


class Mismatch(AssertionError):
    """The statements and the checker part."""


class Watched:
    """The ledger as the feeder has it; keeps what was due and what was postponed."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger
        self.due_now: list[Due] = []
        self.postponed: dict[int, tuple[str, datetime]] = {}

    def due(self, campaign: Campaign, now: datetime, limit: int) -> Sequence[Due]:
        self.due_now = list(self._ledger.due(campaign, now, limit))
        return self.due_now

    def rescore(self, campaign: Campaign, now: datetime) -> int:
        return int(self._ledger.rescore(campaign, now))

    def postpone(self, campaign: str, until: Sequence[tuple[ContactId, str, datetime]]) -> None:
        self.postponed = {contact: (why, at) for contact, why, at in until}
        self._ledger.postpone(campaign, until)


class Listening:
    """A hopper that only hears what it is offered."""

    def __init__(self) -> None:
        self.offered: list[Entry] = []

    def offer(self, campaign: str, entries: Sequence[Entry]) -> int:
        self.offered = list(entries)
        return len(entries)

    def size(self, campaign: str) -> int:
        return 0

    def clear(self, campaign: str) -> None:
        self.offered = []


class HandClock:
    def __init__(self, wall: datetime) -> None:
        self.wall = wall
        self.mono_s = 0.0

    def now(self) -> Moment:
        self.mono_s += 100.0  # the feeder's own patience is not what is tried here
        return Moment(self.mono_s, self.wall)


class Drive(People):
    """One world from its seed."""

    def __init__(self, world: World, seed: int, people: int) -> None:
        super().__init__(world, seed, people)
        self.committed = 0
        self.judged: Counter[str] = Counter()
        self.open: dict[AttemptId, tuple[Claimed, Call]] = {}
        self.stale: list[Entry] = []
        self.campaigns: dict[str, Campaign] = {}
        self.files: dict[str, dict[str, Any]] = {}
        for nth in range(self.rng.choice((1, 2, 3))):
            file = random_file(self.rng, nth)
            name = f"c{nth}"
            self.law.rules[name] = Rules(name, file)
            self.campaigns[name] = campaign_from(name, file)
            self.files[name] = file
        world.save(*self.campaigns.values(), now=self.now)
        self.ledger = Watched(world.ledger)
        self.hopper = Listening()
        self.clock = HandClock(self.now)
        self.feeder = Feeder(
            self.ledger,  # type: ignore[arg-type]
            self.hopper,  # type: ignore[arg-type]
            self.clock,
            MemoryMeter(),
            campaigns=dict,
            holidays=self._holidays,
            open_for_work=lambda: True,
            fed=lambda name: None,
        )

    # ------------------------------------------------------------ one turn

    def turn(self) -> None:
        self.move_clock()
        for _ in range(self.rng.choice((0, 1, 1, 2, 4))):
            self.happen()
        if self.rng.random() < 0.15:
            self.world.ask(
                "UPDATE queue_entries SET due_at = %s WHERE state = 'waiting'", self.now
            )
        asked: list[Entry] = []
        for name in self.rng.sample(sorted(self.campaigns), len(self.campaigns)):
            asked += self.feed(name)
        if self.rng.random() < 0.5:
            self.now += timedelta(seconds=self.rng.choice((0, 1, 40, 900, 9_000)))
            for _ in range(self.rng.choice((0, 0, 1, 3))):
                self.happen()
        kept = self.rng.random() < 0.15
        claims = self._claims([*asked, *self.stale])
        self.stale = asked[:20] if kept else []
        for at in range(0, len(claims), 50):
            self.commit(claims[at : at + 50])
        self.end()

    def _holidays(self, campaign: Campaign) -> frozenset[date]:
        return self.law.holidays if campaign.holidays else frozenset()

    def feed(self, name: str) -> list[Entry]:
        """What the feeder offers; each contact that it saw is judged."""
        self.clock.wall = self.now
        self.ledger.due_now, self.ledger.postponed = [], {}
        self.hopper.offered = []
        self.feeder.feed(self.campaigns[name], urgent=True)
        offered = {entry.contact_id: entry for entry in self.hopper.offered}
        for due in self.ledger.due_now:
            self._judge_due(name, due, offered.get(due.entry.contact_id))
        return self.hopper.offered

    def _judge_due(self, name: str, due: Due, offered: Entry | None) -> None:
        entry = due.entry
        who = (name, entry.contact_id, entry.phone_id)
        law = self.law.refusal(*who, self.now)
        if law is not None:
            why, until = law
            again = until or self.now + LOOKED_AGAIN.get(why, timedelta(days=1))
            self._same((due.held, due.held_until), (why, again), who)
            self._seen(why, until)
            return
        self._same(due.held, None, who)
        hours = self.law.shut(*who, self.now)
        if hours is not None:
            why, until = hours
            again = until or self.now + timedelta(seconds=AGAIN_S)
            self._same(self.ledger.postponed.get(entry.contact_id), (why, again), who)
            self._seen(why, until)
            return
        if offered is None:
            raise Mismatch(f"{self.now}: may be called and is not offered: {who}")
        closes = self.law.closes(*who, self.now)
        told = offered.callable_until
        self._same(None if told is None else datetime.fromtimestamp(told, UTC), closes, who)
        self.judged["offered"] += 1

    def _same(self, told: Any, judged: Any, who: Any) -> None:
        if told != judged:
            raise Mismatch(f"{self.now}: {who}: told {told}, judged {judged}")

    def _seen(self, why: str, until: datetime | None) -> None:
        self.judged[why] += 1
        if until is not None:
            self.ends_seen.append(until)

    # ------------------------------------------------------------ intents

    def _claims(self, entries: Sequence[Entry]) -> list[Claimed]:
        chosen = [entry for entry in entries if self.rng.random() < 0.8]
        self.rng.shuffle(chosen)
        bounded = [one for one in chosen if "budget" in self.files[one.campaign]]
        for entry in bounded[10:]:  # past the budget one refusal is like the other
            chosen.remove(entry)
        return [
            Claimed(
                attempt_id=AttemptId(str(uuid4())),
                entry=entry,
                number=NUMBER,
                number_day=self.now.astimezone(ZoneInfo("Europe/Moscow")).date(),
                gateway=GATEWAY,
            )
            for entry in chosen
        ]

    def commit(self, claims: Sequence[Claimed]) -> None:
        asked = [
            Intent(
                claimed=one,
                campaign=self.campaigns[one.entry.campaign],
                number_hard_limit=10_000_000,
                instance=INSTANCE,
                grounds={},
                reserved=RESERVED,
                holidays=self._holidays(self.campaigns[one.entry.campaign]),
            )
            for one in claims
        ]
        answers = self.world.ledger.commit_intents(asked, self.now)
        before: list[Claimed] = []
        laws = [self._law(one) for one in claims]  # one statement: it sees what was before it
        later: dict[CampaignName, list[tuple[ContactId, str, datetime]]] = {}
        for one, answer, law in zip(claims, answers, laws, strict=True):
            self._judge_answer(one, answer, law, before)
            before.append(one)
            if answer.reason in REQUEUED or answer.until is None:
                continue
            if not answer.committed and self.rng.random() < 0.8:
                later.setdefault(one.entry.campaign, []).append(
                    (one.entry.contact_id, str(answer.reason), answer.until)
                )
        for name, until in later.items():
            self.world.ledger.postpone(name, until)

    def _law(self, one: Claimed) -> Answer | None:
        entry = one.entry
        return self.law.refusal(str(entry.campaign), entry.contact_id, entry.phone_id, self.now)

    def _judge_answer(
        self,
        one: Claimed,
        answer: IntentAnswer,
        law: Answer | None,
        before: Sequence[Claimed],
    ) -> None:
        entry = one.entry
        who = (str(entry.campaign), entry.contact_id, entry.phone_id)
        if law is not None:
            self._same((answer.reason, answer.until), law, who)
            self._seen(f"intent {law[0]}", law[1])
            return
        over = self._over_budget(entry.campaign, before)
        if answer.committed and answer.digits is None:
            hours = self.law.shut(*who, self.now)
            self._same((answer.reason, answer.until), hours, who)
            self._seen(f"intent {answer.reason}", answer.until)
            self.world.ledger.withdraw_intents([one.attempt_id], str(answer.reason))
            return
        if answer.committed:
            self._same(self._law(one), None, who)  # nor by another of this batch
            if shut := self.law.shut(*who, self.now):
                raise Mismatch(f"{self.now}: {who} committed, but {shut}")
            self._same(self._over_budget(entry.campaign, ()), None, who)
            self._begin(one)
            return
        self.judged[f"intent {answer.reason}"] += 1
        if answer.reason in ("budget_calls", "budget_money"):
            ends = self.law.day_ends(entry.campaign, self.now)
            self._same((answer.reason, answer.until), (over, ends), who)
        elif answer.reason == "window_closed":
            closed = entry.callable_until is not None
            assert closed and entry.callable_until <= self.now.timestamp()  # type: ignore[operator]
        elif answer.reason == "already_being_called":
            assert any(
                other.entry.phone_id == entry.phone_id
                or other.entry.contact_id == entry.contact_id
                for other in before
            ), (self.now, who)
        else:
            self._judge_queue(answer, who)

    def _judge_queue(self, answer: IntentAnswer, who: tuple[str, int, int]) -> None:
        """The law is silent: he waits for what was said before, or for his own pause."""
        state, due_at, held, number = self.world.ask(
            "SELECT q.state, q.due_at, q.held_reason, q.phone_id FROM queue_entries q"
            " JOIN campaigns c ON c.id = q.campaign_id WHERE c.name = %s AND contact_id = %s",
            who[0],
            who[1],
        )[0]
        if number != who[2]:
            self._same((answer.reason, answer.until), ("retry_later", self.now), who)
        else:
            self._same((answer.reason, answer.until), (held, due_at), who)
            self._same((state, due_at > self.now), ("waiting", True), who)

    def _over_budget(self, campaign: str, before: Sequence[Claimed]) -> str | None:
        """Is the day's budget used up, those of this batch before him included?"""
        rules = self.law.rules[campaign]
        calls, spent = self.law.used(campaign, self.now)
        mine = [
            one
            for one in before
            if one.entry.campaign == campaign and one.attempt_id not in self.open
        ]
        if rules.most_calls is not None and calls + len(mine) >= rules.most_calls:
            return "budget_calls"
        more = RESERVED * (len(mine) + 1)
        if rules.most_money is not None and spent + more > rules.most_money:
            return "budget_money"
        return None

    def _begin(self, one: Claimed) -> None:
        call = Call(
            at=self.now,
            phone=one.entry.phone_id,
            person=one.entry.contact_id,
            campaign=str(one.entry.campaign),
            cost=RESERVED,
        )
        self.law.add(call)
        self.open[one.attempt_id] = (one, call)
        self.committed += 1

    # ------------------------------------------------------------ endings

    def end(self) -> None:
        rng, ended = self.rng, []
        for attempt, (claimed, call) in list(self.open.items()):
            if rng.random() < 0.15:
                continue
            name, is_try, reached = rng.choice(ENDINGS)
            call.ending, call.is_try, call.reached = name, is_try, reached
            lasted = max(call.at, self.now) + timedelta(seconds=rng.randrange(1, 1_000))
            call.ended_at = min(lasted, call.at + LONGEST)
            call.cost = rng.choice((0, 250_000, 600_000)) if reached else 0
            said = verdict(Disposition(name), charged=is_try, number_charged=reached)
            told = outcome(claimed, call.ended_at, verdict=said, cost=call.cost)
            again = call.ended_at + timedelta(seconds=rng.choice((1, 60, 3_600, 86_400)))
            ended.append(replace(told, dialed_at=call.at, rang_at=None, next=retry(again)))
            del self.open[attempt]
        self.world.ledger.end_attempts(ended)


def run(world: World, seed: int, *, attempts: int, people: int) -> Drive:
    """Turns until so many attempts are committed, or the world has been dialed dry; raises
    Mismatch with its seed.
    """
    world.ask(
        "TRUNCATE stops, stop_changes, withdrawals, attempts, campaign_days, number_days"
        " CASCADE"
    )
    world.clear()
    drive = Drive(world, seed, people)
    for _ in range(TURNS):
        if drive.committed >= attempts:
            break
        try:
            drive.turn()
        except AssertionError as error:
            raise Mismatch(f"seed {seed}: {error}") from error
    return drive
