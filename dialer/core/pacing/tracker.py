"""What the shell keeps of one campaign on one switch, so that a decision costs the same however
many calls there are: estimates, price, ledgers and the calls in flight.

Mutable, one writer, no clock: times are monotonic seconds and arguments. Events may come twice,
out of order or for calls that nobody launched: those change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from dialer.core.pacing import cap_ledger, certificate, price
from dialer.core.pacing.answers import CAUTIOUS_RATE, STEP_S, Answers
from dialer.core.pacing.cap_ledger import Counts
from dialer.core.pacing.cap_rule import CapRule, Uncertified
from dialer.core.pacing.durations import SHORT_TALK_S, Durations, rows_of
from dialer.core.pacing.outlook import Law, Outlook, SetBy
from dialer.core.pacing.stretch import Stretch

#: Practically one call per free operator.
LEAST_THETA = 0.002
#: The law is rebuilt after so long or so many events, the level of answering more often.
LAW_S = 5.0
LEVEL_S = 2.0
LEVEL_EVENTS = 4


class Tracker:
    """One campaign on one switch."""

    def __init__(
        self,
        *,
        rule: CapRule,
        ring_timeout_s: float,
        now_s: float = 0.0,
        rate: float = CAUTIOUS_RATE,
        law_s: float = LAW_S,
    ) -> None:
        """`rate`: share of calls answered in the campaign's own history at this hour; `law_s`:
        how long a law is used (a forecast's coarse grid needs it less often).
        """
        self.rule = rule
        self.answers = Answers(ring_timeout_s=ring_timeout_s, rate=rate, start_s=now_s)
        self.durations = Durations()
        self.stretch = Stretch()
        self.price = price.start(rule.limit)
        self._calls: dict[Hashable, tuple[float, float, str]] = {}
        self._at_risk = 0.0
        #: When the window's first answer was: the shell moves it where it knows better.
        self.counted_from_s = now_s
        self._talks: dict[Hashable, tuple[float, float]] = {}
        self._law: Law | None = None
        self._lasts_s = law_s
        self._law_s = self._level_s = -1e9
        self._events = 0
        self._held = False
        self._target = rule.limit

    # ------------------------------------------------------------------ calls

    def launched(
        self,
        ids: Sequence[Hashable],
        risks: Sequence[float],
        now_s: float,
        carriers: Sequence[str] = (),
    ) -> None:
        """Calls went out at these risks; `carriers`: by which way each, none: all by one."""
        ways = carriers or ("",) * len(ids)
        for one, risk, carrier in zip(ids, risks, ways, strict=True):
            self._calls[one] = (now_s, risk, carrier)
            self._at_risk += risk
        for carrier, count in Counter(ways).items():
            self.answers.launched(count, now_s, carrier)

    def answered(self, call: Hashable, now_s: float) -> None:
        launched = self._take(call)
        if launched is None:
            return
        launched_s, risk, carrier = launched
        self.answers.answered(launched_s, now_s, carrier)
        self.stretch.count(now_s, answers=1)
        self.price = price.answered(
            self.price, risk=risk, target=self._target, held=self._held, now_s=now_s
        )
        self._events += 1

    def ended(self, call: Hashable, now_s: float, *, cancelled: bool = False) -> None:
        launched = self._take(call)
        if launched is None:
            return
        tell = self.answers.cancelled if cancelled else self.answers.ended
        tell(launched[0], now_s, launched[2])
        self._events += 1

    def _take(self, call: Hashable) -> tuple[float, float, str] | None:
        launched = self._calls.pop(call, None)
        if launched is not None:
            self._at_risk -= launched[1]
        return launched

    def abandoned(self, now_s: float) -> None:
        self.stretch.count(now_s, abandoned=1)
        self.price = price.abandoned(self.price, now_s)

    def machine(self, now_s: float) -> None:
        """An operator said that the answered call was a machine: it leaves the live answers."""
        self.stretch.count(now_s, answers=-1)

    # ------------------------------------------------------------------ operators

    def talk_began(self, operator: Hashable, now_s: float) -> None:
        self._talks[operator] = (now_s, 0.0)

    def talk_ended(self, operator: Hashable, now_s: float) -> float | None:
        """Its duration; None for a talk of which nobody has told."""
        talk = self._talks.pop(operator, None)
        if talk is None or now_s < talk[0]:
            return None
        self.durations.talking(now_s - talk[0], talk[1])
        self.durations.talk_ended(now_s - talk[0])
        return now_s - talk[0]

    def wrapup_ended(self, duration_s: float, *, talk_s: float) -> None:
        self.durations.wrapup_ended(duration_s, talk_s=talk_s)

    def _talks_go_on(self, now_s: float) -> None:
        """What has not ended yet is exposure too."""
        for operator, (began_s, told_s) in self._talks.items():
            age_s = now_s - began_s
            if age_s > told_s:
                self.durations.talking(age_s, told_s)
                self._talks[operator] = (began_s, age_s)

    # ------------------------------------------------------------------ the moment

    def law(self, now_s: float) -> Law:
        if self._law is None or not 0.0 <= now_s - self._law_s < self._lasts_s:
            self._talks_go_on(now_s)
            self.answers.refresh(now_s, shape=True)
            self._law_s = self._level_s = now_s
            self._law = Law.of(
                self.answers.revision,
                self.answers.answered_by,
                self.answers.ended_by,
                self.durations.tables(),
            )
        elif now_s - self._level_s >= LEVEL_S or (
            self._events >= LEVEL_EVENTS and now_s - self._level_s >= 0.5
        ):
            self.answers.refresh(now_s)
            self._level_s, self._events = now_s, 0
        return self._law

    def theta(
        self,
        counts: Counts,
        operators: int,
        now_s: float,
        ends_s: float,
        withheld: float = 0.0,
    ) -> tuple[float, SetBy, float]:
        """The price of risk now, what set it, and the budget left."""
        elapsed = max(600.0, now_s - self.counted_from_s)
        live = cap_ledger.answered(self.rule, counts)
        to_come = live / elapsed * max(0.0, ends_s - now_s)
        books = cap_ledger.budget(
            aimed_at(self.rule, live + to_come),
            counts,
            to_come=to_come,
            at_risk=self._at_risk * self.answers.rate + withheld,
        )
        left, self._target = books.left, books.target
        theta, set_by = price.braked(self.price, operators, now_s), SetBy.PRICE
        if theta < self.price.theta:
            set_by = SetBy.BRAKE
        elif self.answers.is_starting:
            set_by = SetBy.START
        factor = self.stretch.factor()
        if factor < 1.0:
            theta, set_by = theta * factor, SetBy.STRETCH
        floor = max(LEAST_THETA, 0.008 * left)
        if left < 1.0 and floor < theta:
            theta, set_by = floor, SetBy.LEDGER
        if waits_for_certificate(self.rule, live):
            theta, set_by = LEAST_THETA, SetBy.CERTIFICATE
        self._held = factor < 1.0 or set_by in (SetBy.LEDGER, SetBy.CERTIFICATE)
        return theta, set_by, left

    # ------------------------------------------------------------------ over a restart

    def state(self, now_s: float) -> dict[str, Any]:
        """Estimates, price and stretch; the cap's ledger is the store's, and not in it."""
        return {
            "answers": self.answers.state(),
            "durations": self.durations.state(),
            "stretch": self.stretch.state(now_s),
            "theta": self.price.theta,
            "real": self.price.real,
            "predicted": self.price.predicted,
        }

    def take(self, state: Mapping[str, Any], now_s: float, idle_s: float) -> None:
        """Go on from a saved state; ValueError, KeyError or TypeError where it does not fit."""
        self.answers.take(state["answers"], idle_s)
        self.durations.take(state["durations"])
        self.stretch.take(state["stretch"], now_s, idle_s)
        self.price = price.taken(self.price, state)

    def outlook(
        self,
        now_s: float,
        *,
        counts: Counts,
        operators: int,
        ends_s: float,
        talking_s: Sequence[float],
        wrapup_s: Sequence[tuple[float, float]],
        cancellable_s: Sequence[float] = (),
        withheld: float = 0.0,
    ) -> Outlook:
        """`counts`: the cap's window so far; `ends_s`: when it, or the day's calling, ends;
        `withheld`: drops of its budget that other daemons may spend.
        `talking_s`: ages of talks; `wrapup_s`: (age, talk before it); only operators who
        will take a call afterwards. `cancellable_s`: ages of calls that may be given up.
        """
        law = self.law(now_s)
        ages, calls, rates = self.answers.in_flight(now_s)
        theta, set_by, left = self.theta(counts, operators, now_s, ends_s, withheld)
        long = rows_of([age for age, talk in wrapup_s if talk >= SHORT_TALK_S])
        short = rows_of([age for age, talk in wrapup_s if talk < SHORT_TALK_S])
        return Outlook(
            law=law,
            ages=ages,
            calls=calls,
            rates=rates,
            rate=self.answers.rate,
            spread=self.answers.spread,
            talking=rows_of(talking_s),
            wrapup=long,
            short_wrapup=short,
            cancellable=tuple(sorted(int(age / STEP_S) for age in cancellable_s)),
            theta=theta,
            set_by=set_by,
            budget_left=left,
        )


def aimed_at(rule: CapRule, answers: float) -> CapRule:
    """The rule to steer by: where it is to be certified, with a limit below the cap, such that
    so many answers can certify the cap.
    """
    if rule.certify is None:
        return rule
    return replace(rule, limit=_aim(rule.limit, rule.certify, _two_digits(answers)))


def waits_for_certificate(rule: CapRule, answers: float) -> bool:
    """Below the certifying volume a campaign may choose to dial progressively."""
    if rule.certify is None or rule.uncertified is not Uncertified.PROGRESSIVE:
        return False
    return answers < certificate.least_answers(rule.limit, rule.certify)


@lru_cache(maxsize=256)
def _aim(cap: float, confidence: float, answers: int) -> float:
    """Where no volume in sight can certify, a third of the cap is aimed at."""
    return max(certificate.target(cap, answers, confidence), cap / 3.0)


def _two_digits(answers: float) -> int:
    whole = max(1, int(answers))
    unit = int(10 ** max(0, len(str(whole)) - 2))
    return whole // unit * unit
