"""Predictive pacing in the daemon when the world is mad: never a burst of calls, and the reason
why it is held back can be read.

PACING_FULL=1 lets nobody answer for a whole hour; by default it is a quarter of one.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from random import Random
from uuid import UUID

import pytest

from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.operators import OperatorState
from dialer.core.model import AttemptId as Key
from dialer.core.model import Claimed, Evidence, Mode, NumberId, OpenAttempt, OperatorId
from dialer.core.pacing.observation import Binding
from dialer.ports import WindowCounts
from tests.engine.house import (
    CARRIER,
    SPRING,
    START,
    TALKED,
    US,
    House,
    campaign,
    entry,
    number,
    plan,
    profile,
)

PREDICTIVE = campaign(mode=Mode.PREDICTIVE, ring_timeout_s=20)
FULL = bool(os.environ.get("PACING_FULL"))
NOBODY_ANSWERS_S = 3600.0 if FULL else 900.0
RANG_OUT = Evidence(channel=True, cause="NO_ANSWER", q850=19, hangup_disposition="send_cancel")
OPERATORS = tuple(f"op{n}" for n in range(10))


class Town:
    """People who are called in a House, on its hand-moved clock: they ring, answer, talk."""

    def __init__(self, home: House, seed: int = 1) -> None:
        self.home = home
        self.answer_rate = 0.0
        self.answered = self.dropped = self.most_in_flight = 0
        self.dice = Random(seed)
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._people = 0
        self._bridges = 0

    def live(self, seconds: float, *, step_s: float = 0.5) -> None:
        """The daemon looks each `step_s`; what is due has happened before."""
        home = self.home
        ends_s = home.clock.now().mono_s + seconds
        while (now_s := home.clock.now().mono_s) < ends_s:
            while self._later and self._later[0][0] <= now_s:
                heapq.heappop(self._later)[2]()
            self._join()
            self._refill()
            for key in home.dial():
                self._rings(key)
            self.most_in_flight = max(self.most_in_flight, self.in_flight())
            home.pass_time(step_s)

    def in_flight(self) -> int:
        states = (AttemptState.CLAIMED, AttemptState.DIALING, AttemptState.RINGING)
        return self.home.calls.count(SPRING, *states)

    # ------------------------------------------------------------------ inside

    def _at(self, seconds: float, happens: Callable[[], None]) -> None:
        self._order += 1
        due_s = self.home.clock.now().mono_s + seconds
        heapq.heappush(self._later, (due_s, self._order, happens))

    def _refill(self) -> None:
        if self._people - len(self.home.line.dialed) < 50:
            new = range(self._people + 1, self._people + 201)
            self.home.queue(*(entry(n) for n in new))
            self._people += 200

    def _rings(self, key: Key) -> None:
        self.home.line.tell("created", key)
        self.home.line.tell("progressed", key)
        if self.dice.random() < self.answer_rate:
            self._at(self.dice.uniform(4.0, 12.0), partial(self._answers, key))
        else:
            self._at(20.0, partial(self._over, key, RANG_OUT))

    def _answers(self, key: Key) -> None:
        if self.home.calls.find_attempt(key) is None:
            return  # given up before
        self.answered += 1
        self.home.line.has_customer(key, in_script=True)
        self.home.line.tell("answered", key)
        self.home.line.tell("ready", key)
        self.home.settle()
        self._at(4.0, partial(self._waited, key))

    def _waited(self, key: Key) -> None:
        """Nobody came: he hears the message and hangs up."""
        if self.home.calls.find_attempt(key) is None:
            return
        if self.home.state(key) is AttemptState.MESSAGE:
            self.dropped += 1
            self._over(key, TALKED)

    def _join(self) -> None:
        bridges = self.home.line.verbs("bridge")
        for leg, key in bridges[self._bridges :]:
            name = leg.removeprefix("leg-")
            self.home.bridge(name, Key(key))
            over = partial(self._hangs_up, name, Key(key))
            self._at(self.dice.uniform(20.0, 60.0), over)
        self._bridges = len(bridges)

    def _hangs_up(self, name: str, key: Key) -> None:
        self._over(key, TALKED)
        self.home.park(name)

    def _over(self, key: Key, evidence: Evidence) -> None:
        if self.home.calls.find_attempt(key) is not None:
            self.home.hang_up(key, evidence)


@pytest.fixture
def town(build: Callable[..., House]) -> Town:
    shown = [number(n, soft_limit=100_000, hard_limit=100_000) for n in (1, 2, 3)]
    people = {OperatorId(name): profile(name) for name in OPERATORS}
    home = build(plan(campaigns={SPRING: PREDICTIVE}, numbers=shown, operators=people))
    home.daemon.pacing.memory.restore(home.clock.now())
    # The cap is far away: only the estimates hold anything back.
    home.books.counts = WindowCounts(answered=10_000, connected=10_000)
    home.daemon.pacing.caps.refresh(home.clock.now())
    home.log_in(*OPERATORS)
    return Town(home)


@pytest.mark.parametrize("seed", [1, 2, 3] if FULL else [1])
def test_an_hour_without_answers_then_eighty_per_cent(town: Town, seed: int) -> None:
    """Who believes the silence has a crowd on the line when they all pick up: for a second the
    rate is neither. Of the fifteen calls that were out anyhow some may find no operator.
    """
    town.dice.seed(seed)
    town.live(NOBODY_ANSWERS_S, step_s=2.0)
    assert town.in_flight() <= 20
    decision = town.home.daemon.pacer.decisions[SPRING]
    assert decision.why.binding is Binding.PROBE
    assert "hardly anybody answers" in town.home.daemon.pacer.why(SPRING)
    town.most_in_flight = 0
    town.answer_rate = 0.8
    town.live(120.0)
    assert town.most_in_flight <= 20
    assert town.answered >= 15
    assert town.dropped <= 5


def test_ten_thousand_stale_calls_hold_the_campaign_back(build: Callable[..., House]) -> None:
    """After an earlier life that left them nobody knows which of them still ring: not one more
    goes out until the switch has been asked, and a person can read why.
    """
    home = build(plan(campaigns={SPRING: PREDICTIVE}))
    for n in range(1, 10_001):
        stale = Claimed(
            attempt_id=Key(str(UUID(int=n))),
            entry=entry(n),
            number=NumberId("+74950000101"),
            number_day=START.date(),
            gateway=CARRIER,
        )
        home.books.open_rows[stale.attempt_id] = OpenAttempt(
            claimed=stale, instance=US, committed_at=START - timedelta(hours=1)
        )
    home.daemon.reaper.adopt_open()
    home.queue(*(entry(n) for n in range(20_000, 20_100)))
    home.log_in("anna", "boris", "vera")
    assert home.dial() == []
    assert "no channel is free" in home.daemon.pacer.why(SPRING)


@pytest.mark.parametrize("step_s", [-7_200.0, 7_200.0, 1e6])
def test_a_step_of_the_clock_is_no_reason_to_dial(town: Town, step_s: float) -> None:
    """A machine that slept, or whose clock was put right: minutes without answers that never
    were must not look like a list that nobody answers.
    """
    town.answer_rate = 0.3
    town.live(120.0, step_s=1.0)
    before, dropped = town.most_in_flight, town.dropped
    town.home.clock.move(step_s)
    town.home.settle()
    town.live(30.0, step_s=1.0)
    assert town.most_in_flight <= before + len(OPERATORS)
    assert town.dropped <= dropped + 2


def test_events_out_of_order_make_nobody_wait(town: Town) -> None:
    """An answer that is told after its hang-up would be given to an operator who hears
    nothing, and would count as live.
    """
    home = town.home
    answers = home.daemon.books.pages[SPRING].tracker.answers
    home.queue(*(entry(n) for n in range(1, 50)))
    keys = home.dial()
    assert keys
    for key in keys:
        home.hang_up(key, RANG_OUT)
        for kind in ("ready", "answered", "progressed", "created"):
            home.line.tell(kind, key)
        home.settle()
    assert answers.answers == 0
    assert home.calls.count(SPRING, AttemptState.WAITING) == 0
    assert {home.operator(name).state for name in OPERATORS} == {OperatorState.READY}
