"""A made-up hour of one group in virtual time: the core's own parts, random callers.

Two predictive campaigns and a progressive one share eight operators; two of those serve another
group, too. Deterministic by its seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from dialer.core.model import CampaignName, GroupName, Mode
from dialer.core.pacing.cap_ledger import Counts
from dialer.core.pacing.cap_rule import CapRule
from dialer.core.pacing.decide import decide_group
from dialer.core.pacing.law_source import LawSource
from dialer.core.pacing.observation import Observation, Team
from dialer.core.pacing.outlook import Law
from dialer.core.pacing.tracker import Tracker
from dialer.ports import Decided

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
GROUP = GroupName("sales")
OPERATORS = 8


@dataclass
class Dialed:
    """One predictive campaign in the made-up world."""

    rate: float
    tracker: Tracker
    calls: dict[int, tuple[float, bool]] = field(default_factory=dict)  # id: (ends, answers)
    counts: Counts = field(default_factory=Counts)
    law: Law | None = None
    number: int = 0
    source: LawSource | None = None


class Day:
    """Yields each decision as the daemon notes it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.campaigns = {
            name: Dialed(rate, Tracker(rule=CapRule(), ring_timeout_s=20.0, now_s=50.0))
            for name, rate in (("spring", 0.3), ("autumn", 0.12))
        }
        self.talks: list[
            tuple[float, float, str, int]
        ] = []  # (ends, began, campaign, operator)
        self.free = set(range(OPERATORS))
        self.next_call = self.laws = 0

    def decisions(self, seconds: float) -> Iterator[Decided]:
        now_s = 50.0
        while now_s < 50.0 + seconds:
            now_s += self.random.choice((0.25, 0.37, 0.5))
            self._pass(now_s)
            team = self._team(now_s)
            decisions = decide_group(team)
            yield Decided(
                at=START + timedelta(seconds=now_s),
                group=GROUP,
                team=team,
                laws={
                    name: (one.number, one.source)
                    for name, one in self.campaigns.items()
                    if one.source is not None
                },
                decisions={CampaignName(name): one for name, one in decisions.items()},
            )
            for name, one in self.campaigns.items():
                launch = decisions[name].launch
                self._launch(one, decisions[name].why.risks[:launch], now_s)

    def _launch(self, one: Dialed, risks: tuple[float, ...], now_s: float) -> None:
        ids = list(range(self.next_call, self.next_call + len(risks)))
        self.next_call += len(risks)
        one.tracker.launched(ids, risks, now_s)
        for key in ids:
            answers = self.random.random() < one.rate
            one.calls[key] = (now_s + self.random.uniform(2, 15 if answers else 20), answers)

    def _pass(self, now_s: float) -> None:
        for ends_s, began_s, name, operator in list(self.talks):
            if ends_s <= now_s:
                self.talks.remove((ends_s, began_s, name, operator))
                self.free.add(operator)
                tracker = self.campaigns[name].tracker
                talk_s = tracker.talk_ended(operator, now_s)
                tracker.wrapup_ended(self.random.uniform(0, 9), talk_s=talk_s or 0.0)
        for name, one in self.campaigns.items():
            for key, (ends_s, answers) in list(one.calls.items()):
                if ends_s <= now_s:
                    del one.calls[key]
                    self._ended(name, one, key, answers, now_s)

    def _ended(self, name: str, one: Dialed, key: int, answers: bool, now_s: float) -> None:
        if not answers:
            one.tracker.ended(key, now_s)
            return
        one.tracker.answered(key, now_s)
        if not self.free:
            one.tracker.abandoned(now_s)
            one.counts = one.counts.plus(Counts(abandoned=1))
            return
        operator = self.free.pop()
        one.counts = one.counts.plus(Counts(person=1))
        one.tracker.talk_began(operator, now_s)
        self.talks.append((now_s + self.random.expovariate(1 / 40), now_s, name, operator))

    def _team(self, now_s: float) -> Team:
        seen = {}
        for name, one in self.campaigns.items():
            outlook = one.tracker.outlook(
                now_s,
                counts=one.counts,
                operators=OPERATORS,
                ends_s=50.0 + 7200.0,
                talking_s=[now_s - began for _, began, of, _ in self.talks if of == name],
                wrapup_s=[],
                cancellable_s=[],
            )
            if outlook.law is not one.law:
                self.laws += 1
                one.law, one.number = outlook.law, self.laws
                one.source = LawSource.of(one.tracker, outlook.law)
            if len(self.talks) > 6:
                outlook = replace(outlook, partial=((0, 3, 0.4),))
            seen[name] = (Mode.PREDICTIVE, self._seen(one, now_s, outlook=outlook))
        seen["plain"] = (
            Mode.PROGRESSIVE,
            Observation(ready=len(self.free), logged_in=OPERATORS, hopper_size=0),
        )
        return Team(idle=max(0, len(self.free) - 2), partial=(0.5, 1 / 3), campaigns=seen)

    def _seen(self, one: Dialed, now_s: float, **more: object) -> Observation:
        words: dict[str, object] = {
            "ready": len(self.free),
            "logged_in": OPERATORS,
            "in_flight": len(one.calls),
            "tokens": self.random.randrange(6),
            "answered": one.counts.person + one.counts.abandoned,
            "abandoned": one.counts.abandoned,
        }
        return Observation(**{**words, **more})  # type: ignore[arg-type]
