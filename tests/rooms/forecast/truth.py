"""A campaign whose truth is known: a past drawn from it, and the day that follows.

The past has the shape of the port `PastCalls`; a forecast sees nothing but it. The day itself
is dialed by the same world with the true values, so that what is tested is the fitting and the
interval, not whether a simulation resembles itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from dialer.core.model import (
    Campaign,
    CampaignName,
    GatewayName,
    GroupName,
    Mode,
    PoolName,
    Rounds,
)
from dialer.core.pacing.cap_rule import CapRule
from dialer.forecast.assumptions import Assumption, Source, defaults, stated
from dialer.forecast.course import Course, course
from dialer.forecast.fitting import fit, shaped
from dialer.forecast.interval import Interval, interval
from dialer.forecast.luck import stream
from dialer.forecast.question import Question
from dialer.forecast.spreads import lognormal
from dialer.ports import PastAnswer, PastEnding, PastHour, PastPresence, QueuePart

BEGINS = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday
#: How long each answered person of the past waited for his operator.
WAITED_S = 0.1

CAMPAIGN = Campaign(
    name=CampaignName("truth"),
    list_name="people",
    group=GroupName("sales"),
    pool=PoolName("moscow"),
    gateways=(GatewayName("alpha"),),
    purpose="sales",
    mode=Mode.PREDICTIVE,
    rounds=Rounds(tries_per_day=1),
)


def question_of(**changes: object) -> Question:
    """Ten operators, one shift of an hour, stated assumptions; `assume` as the command line."""
    texts = changes.pop("assume", ())
    assert isinstance(texts, list | tuple)
    question = Question(
        campaign=CAMPAIGN,
        rule=CapRule(limit=0.03),
        mode=Mode.PROGRESSIVE,
        operators=10,
        lasts_s=3600.0,
        shifts=(BEGINS,),
        zone="UTC",
        assumed=shaped({**defaults(), **stated(texts)}),
    )
    return replace(question, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true of one campaign, drawn by `seed`."""

    seed: int
    answer_rate: float
    talk_s: float
    wrapup_s: float
    invalid_share: float
    day_spread: float = 0.15
    talk_day_spread: float = 0.05

    @classmethod
    def of(cls, seed: int) -> Truth:
        dice = stream("a campaign's truth", seed)
        return cls(
            seed=seed,
            answer_rate=float(dice.uniform(0.15, 0.55)),
            talk_s=float(dice.uniform(50.0, 110.0)),
            wrapup_s=float(dice.uniform(8.0, 30.0)),
            invalid_share=float(dice.uniform(0.01, 0.1)),
        )

    @property
    def values(self) -> dict[str, Assumption]:
        """Everything at its true value, without a doubt."""
        known = {
            name: Assumption(name=name, value=one.value, source=Source.STATED)
            for name, one in defaults().items()
        }
        for name in ("answer_rate", "talk_s", "wrapup_s", "invalid_share", "day_spread"):
            known[name] = replace(known[name], value=getattr(self, name))
        known["talk_day_spread"] = replace(known["talk_day_spread"], value=self.talk_day_spread)
        return known


@dataclass(slots=True)
class Past:
    """`days` days of history of a truth, each of about `calls` calls."""

    truth: Truth
    days: int = 8
    calls: int = 400
    _answers: list[PastAnswer] = field(default_factory=list)
    _hours: list[PastHour] = field(default_factory=list)
    _endings: dict[str, list[int]] = field(default_factory=dict)
    _wrapups: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        dice = stream("a campaign's past", self.truth.seed)
        for day in range(self.days):
            self._day(BEGINS.date() - timedelta(days=self.days - day), dice)
        uniforms = dice.uniform(size=600)
        self._wrapups = lognormal(self.truth.wrapup_s, 0.6).draw(uniforms).tolist()

    def _day(self, day: date, dice: np.random.Generator) -> None:
        truth, usual = self.truth, defaults()
        odds = truth.answer_rate / (1.0 - truth.answer_rate)
        odds *= math.exp(truth.day_spread * float(dice.normal()))
        talk_s = truth.talk_s * math.exp(truth.talk_day_spread * float(dice.normal()))
        invalid = int(dice.binomial(self.calls, truth.invalid_share))
        answered = int(dice.binomial(self.calls - invalid, odds / (1.0 + odds)))
        machines = int(dice.binomial(answered, usual["machine_share"].value))
        leaves = 1.0 - math.exp(-usual["hang_ups_per_s"].value * WAITED_S)
        left = int(dice.binomial(answered - machines, leaves))
        talked = answered - machines - left
        rest = self.calls - invalid - answered
        busy = int(dice.binomial(rest, usual["failed_share"].value))
        rejected = int(dice.binomial(rest - busy, usual["rejected_share"].value))
        self._hours.append(PastHour(day, 10, self.calls, answered, machines))
        self._count("invalid_number", invalid, 0, invalid)
        self._count("busy", busy, 0, busy)
        self._count("rejected", rejected, 0, 0)
        self._count("no_answer", rest - busy - rejected, 0, 0)
        self._count("machine", machines, machines, 0)
        self._count("short_hangup", left, left, 0)
        self._count("talked", talked, talked, 0)
        talks = lognormal(talk_s, 1.0).draw(dice.uniform(size=talked))
        rings = dice.gamma(2.5, 9.0 / 2.5, talked)
        self._answers += [
            PastAnswer(day, 1.1, float(ring_s), WAITED_S, float(one_s), None, "talked")
            for one_s, ring_s in zip(talks, rings, strict=True)
        ]

    def _count(self, ending: str, calls: int, answered: int, silent: int) -> None:
        counts = self._endings.setdefault(ending, [0, 0, 0])
        for place, count in enumerate((calls, answered, silent)):
            counts[place] += count

    # ------------------------------------------------------------------ the port PastCalls

    def hours(self, *_: object) -> Sequence[PastHour]:
        return self._hours

    def endings(self, *_: object) -> Sequence[PastEnding]:
        return [PastEnding(name, False, *counts) for name, counts in self._endings.items()]

    def answers(self, *_: object) -> Sequence[PastAnswer]:
        return self._answers

    def wrapups_s(self, *_: object) -> Sequence[float]:
        return self._wrapups

    def presence(self, *_: object) -> Sequence[PastPresence]:
        return []

    def queue(self, *_: object) -> Sequence[QueuePart]:
        return []


#: What the day's plan says itself, and no forecast has to guess.
STATED = ("break_share=0%", "login_s=0", "operator_spread=0.15", "later_odds=1")


def day_and_forecast(
    seed: int, *, operators: int, contacts: int, lasts_s: float, mode: Mode, seeds: int = 9
) -> tuple[Course, dict[str, Interval]]:
    """One day as it really goes, and what was forecast of it from the past alone."""
    truth = Truth.of(seed)
    own = stated([*STATED, f"contacts={contacts}"])
    asked = question_of(
        operators=operators,
        lasts_s=lasts_s,
        mode=mode,
        assumed=shaped({**truth.values, **own}),
        campaign=replace(CAMPAIGN, name=CampaignName(f"truth {seed}")),
    )
    day = course(asked, 1_000 + seed)
    span = (BEGINS - timedelta(days=28), BEGINS)
    fitted = fit(Past(truth), asked.campaign.name, span, "UTC", own)
    done = [course(replace(asked, assumed=fitted), one) for one in range(seeds)]
    return day, {
        name: interval([getattr(one, name) for one in done])
        for name in ("occupancy", "finished_h", "abandonment", "talks")
    }
