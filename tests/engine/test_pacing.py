"""Predictive pacing in the daemon: what it is told, what it does when it cannot be trusted, and
that no defect and no lost estimate makes one call more or loses one drop of the books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dialer.core.calls import events as happened
from dialer.core.calls.attempts import AttemptState
from dialer.core.model import Abandonment, EarlyHangUps, GatewayName, Mode, OperatorId
from dialer.core.pacing.observation import Decision, Team
from dialer.core.pacing.outlook import SetBy
from dialer.engine.dispatcher import ToOperator
from dialer.engine.pacing_books import DISTRUST_S
from dialer.engine.pacing_guard import SLOW_IN_A_ROW, TOO_LONG_S, PacingGuard
from dialer.metrics.meter import MemoryMeter
from dialer.ports import SliceAnswer, SliceRequest, WindowCounts
from tests.engine.house import (
    BUSY,
    CARRIER,
    SALES,
    SPRING,
    START,
    House,
    campaign,
    entry,
    gateway,
    number,
    plan,
    profile,
)

PREDICTIVE = campaign(mode=Mode.PREDICTIVE)
FAR = WindowCounts(answered=10_000, connected=10_000)


@pytest.fixture
def ahead(build: Callable[..., House]) -> House:
    """Three operators, many people, a cap that is far away."""
    home = build(plan(campaigns={SPRING: PREDICTIVE}))
    home.queue(*(entry(n) for n in range(1, 300)))
    home.books.history = (1_000, 100)
    home.daemon.pacing.memory.restore(home.clock.now())
    refresh(home, FAR)
    home.log_in("anna", "boris", "vera")
    return home


def refresh(home: House, counts: WindowCounts) -> None:
    home.books.counts = counts
    home.daemon.pacing.caps.refresh(home.clock.now())


def hardly_anybody_answers(home: House, calls: int = 6) -> None:
    """The list is learned: one of ten answers, the others are busy after a ring."""
    for n in range(calls):
        for key in home.dial():
            home.line.tell("created", key)
            home.line.tell("progressed", key)
            home.settle()
            home.clock.move(1.5)
            home.hang_up(key, BUSY)
        home.pass_time(0.5 if n % 2 else 1.0)


def page(home: House) -> Any:
    found = home.daemon.books.known(SPRING)
    assert found is not None
    return found


# ------------------------------------------------------------------ it dials ahead


def test_it_dials_more_than_one_call_for_an_operator_where_few_answer(ahead: House):
    """Progressive leaves nine of ten ring times idle on such a list."""
    hardly_anybody_answers(ahead)
    for _ in range(4):
        ahead.dial()
        ahead.pass_time(0.5)
    in_flight = ahead.calls.count(SPRING, AttemptState.DIALING, AttemptState.RINGING)
    assert in_flight > 3
    decision = ahead.daemon.pacer.decisions[SPRING]
    assert decision.why.observation.outlook is not None
    assert "answers expected" in ahead.daemon.pacer.why(SPRING)
    assert ahead.daemon.pacing.seen(SPRING)["answer_rate"] < 0.3


def test_gateways_that_answer_differently_are_told_apart(build: Callable[..., House]):
    """One carrier's calls are marked as spam; the other's are not to be taken for them."""
    other = GatewayName("other")
    home = build(
        plan(
            campaigns={SPRING: replace(PREDICTIVE, gateways=(CARRIER, other))},
            gateways={CARRIER: gateway(), other: gateway("other")},
            numbers=[number(1), number(2, gateways=(other,))],
        )
    )
    refresh(home, FAR)
    for n in range(1, 121):
        key = home.dial_one(n)
        way = home.attempt(key).claimed.gateway
        home.line.tell("created", key)
        home.line.tell("progressed", key)
        if way == other:
            home.line.tell("answered", key)
            home.settle()
            home.hang_up(key)
        else:
            home.hang_up(key, BUSY)
        home.pass_time(5.0)
        home.dial()
    found = home.daemon.pacing.seen(SPRING)["answer_rate_by_gateway"]
    assert found[other] > 2.0 * found[CARRIER]


def test_every_decision_is_in_the_diary_with_its_law(ahead: House):
    ahead.dial()
    noted = ahead.diary.noted[-1]
    assert noted.group == SALES
    assert noted.laws[SPRING][1].law().revision == noted.laws[SPRING][1].revision
    assert noted.decisions[SPRING] is ahead.daemon.pacer.decisions[SPRING]


def test_nothing_of_the_cap_is_left_means_one_call_per_operator(ahead: House):
    morning = START - timedelta(hours=8)
    refresh(ahead, WindowCounts(1_000, 967, 33, first_at=morning))
    hardly_anybody_answers(ahead)
    ahead.dial()
    outlook = ahead.daemon.pacer.decisions[SPRING].why.observation.outlook
    assert outlook is not None
    assert outlook.set_by is SetBy.LEDGER
    assert ahead.calls.count(SPRING, AttemptState.DIALING, AttemptState.RINGING) <= 4


def test_all_operators_leaving_at_once_starts_no_call(ahead: House):
    """Whoever wants a pause after this call is nobody's next operator."""
    hardly_anybody_answers(ahead)
    for name in map(OperatorId, ("anna", "boris", "vera")):
        ahead.daemon.dispatcher.put(ToOperator(name, happened.PauseAsked("lunch")))
    ahead.settle()
    assert ahead.dial() == []


def test_calls_that_nobody_launched_and_events_out_of_order_change_nothing(ahead: House):
    ahead.dial()
    before = page(ahead).tracker.answers.answers
    for kind in ("answered", "progressed", "created", "ready"):
        ahead.line.tell(kind, "00000000-0000-0000-0000-000000000000")
    ahead.settle()
    assert page(ahead).tracker.answers.answers == before


def test_a_clock_that_steps_back_makes_no_burst(ahead: House):
    """Minutes of missed answers at once would look like a list that never answers."""
    hardly_anybody_answers(ahead)
    ahead.clock.move(-3_600.0)
    launched = sum(len(ahead.dial()) for _ in range(3))
    assert launched <= 12


# ------------------------------------------------------------------ drops


def drop(home: House, n: int) -> None:
    key = home.waiting(n)
    home.pass_time(2.0)
    assert home.state(key) is AttemptState.MESSAGE
    home.pass_time(1.0)
    home.hang_up(key)


def test_a_drop_is_counted_once_in_window_price_and_books(build: Callable[..., House]):
    home = build(plan(campaigns={SPRING: PREDICTIVE}))
    drop(home, 1)
    drop(home, 2)
    assert page(home).abandoned == 2
    assert home.daemon.pacing.caps.abandonment(SPRING) == (2, 2)


@pytest.mark.parametrize(
    ("rule", "drops"), [(EarlyHangUps.APART, 0), (EarlyHangUps.ABANDONED, 1)]
)
def test_who_leaves_while_he_waits_counts_as_the_law_says(
    build: Callable[..., House], rule: EarlyHangUps, drops: int
):
    law = Abandonment(early_hang_ups=rule)
    home = build(plan(campaigns={SPRING: campaign(mode=Mode.PREDICTIVE, abandonment=law)}))
    key = home.waiting(1)
    home.pass_time(0.5)
    home.hang_up(key)
    home.written()
    assert page(home).abandoned == drops


def test_a_machine_that_the_operator_reports_leaves_the_answers(ahead: House):
    key = ahead.talking("anna", 999)
    before = ahead.daemon.pacing.caps.abandonment(SPRING)[1]
    words = {"operator": "anna", "attempt": key, "result": "Machine"}
    ahead.daemon.control._verbs["operator.dispose"](words)
    assert ahead.daemon.pacing.caps.abandonment(SPRING)[1] == before - 1


def test_results_that_wait_for_postgresql_are_in_the_window(build: Callable[..., House]):
    """Else an outage of the store would forget drops, and pacing would spend them again."""
    home = build(plan(campaigns={SPRING: PREDICTIVE}))
    home.books.refuses.add("end_attempts")
    drop(home, 1)
    assert home.daemon.outbox.unwritten()
    refresh(home, WindowCounts())
    assert home.daemon.pacing.caps.abandonment(SPRING) == (1, 1)


def test_what_other_daemons_hold_is_not_ours_to_spend(ahead: House):
    def half(asked: SliceRequest) -> SliceAnswer:
        whole = asked.budget(FAR)
        return SliceAnswer(counts=FAR, drops=whole / 2, whole=whole, others=1)

    ahead.dial()
    alone = outlook_of(ahead).budget_left
    ahead.books.take_slice = half  # type: ignore[method-assign]
    refresh(ahead, FAR)
    ahead.dial()
    assert outlook_of(ahead).budget_left == pytest.approx(alone / 2, rel=0.1)


def outlook_of(home: House) -> Any:
    outlook = home.daemon.pacer.decisions[SPRING].why.observation.outlook
    assert outlook is not None
    return outlook


# ------------------------------------------------------------------ giving up


def test_a_contact_is_given_up_at_most_once_a_day(ahead: House):
    """Nobody is rung and dropped all day long."""
    ahead.books.cancelled = {entry(1).contact_id}
    first, *others = ahead.dial()
    assert ahead.attempt(first).claimed.entry.contact_id == entry(1).contact_id
    for key in (first, *others):
        ahead.line.tell("created", key)
        ahead.line.tell("progressed", key)
    ahead.settle()
    now = ahead.clock.move(14.9)
    books = ahead.daemon.books
    assert not any(books.may_give_up(ahead.attempt(key), now) for key in (first, *others))
    now = ahead.clock.move(0.2)
    assert not books.may_give_up(ahead.attempt(first), now)
    assert all(books.may_give_up(ahead.attempt(key), now) for key in others)


# ------------------------------------------------------------------ it is not trusted


def failing(team: Team) -> dict[str, Decision]:
    raise ZeroDivisionError


def test_a_failing_decision_is_progressive_with_a_reason(ahead: House):
    """Neither silence nor more calls: one for each free operator, and somebody is told."""
    ahead.daemon.pacing.guard._decide = failing
    assert len(ahead.dial()) == 3
    assert ahead.dial() == []
    assert "fell back to progressive: failed: ZeroDivisionError" in ahead.daemon.pacer.why(
        SPRING
    )
    fallbacks = ahead.meter.value(
        "dialer_pacing_fallbacks_total", campaign="spring", why="failed"
    )
    assert fallbacks == 1
    ahead.daemon.pacing.measure()
    assert ahead.meter.value("dialer_pacing_distrusted", campaign="spring") == 1


def test_it_is_trusted_again_after_half_a_minute(ahead: House):
    guard = ahead.daemon.pacing.guard
    decide, guard._decide = guard._decide, failing
    ahead.dial()
    guard._decide = decide
    ahead.pass_time(DISTRUST_S + 1.0)
    ahead.dial()
    assert guard.distrusted == {}
    assert ahead.daemon.pacer.decisions[SPRING].why.mode is Mode.PREDICTIVE


def test_an_absurd_decision_is_not_carried_out(ahead: House):
    guard = ahead.daemon.pacing.guard
    decide = guard._decide

    def absurd(team: Team) -> dict[str, Decision]:
        return {
            name: Decision(launch=10**6, cancel=0, why=one.why)
            for name, one in decide(team).items()
        }

    guard._decide = absurd
    assert len(ahead.dial()) == 3


def test_a_decision_that_holds_up_the_loop_again_and_again_falls_back(ahead: House):
    """One slow turn is another program's; three in a row delay every bridge."""
    guard = PacingGuard(MemoryMeter(), seconds=ticks(TOO_LONG_S * 1.5))
    team, _ = ahead.daemon.pacing.lookout.team(SALES, [PREDICTIVE], ahead.clock.now())
    for turn in range(SLOW_IN_A_ROW):
        assert not guard.distrusted, turn
        guard.decide(SALES, team, ahead.clock.now())
    assert "ms" in guard.distrusted[SALES].why


def ticks(step_s: float) -> Callable[[], float]:
    def forever() -> Iterator[float]:
        at_s = 0.0
        while True:
            yield at_s
            at_s += step_s

    return forever().__next__


def test_estimates_that_fail_while_they_are_fed_are_dropped_and_the_dispatcher_lives(
    ahead: House,
):
    ahead.dial()
    page(ahead).tracker.answers._carriers = None
    (key, *_) = ahead.calls.attempts
    ahead.hang_up(key, BUSY)
    assert ahead.daemon.books.is_distrusted(PREDICTIVE, ahead.clock.now())
    ahead.dial()
    assert ahead.daemon.pacer.decisions[SPRING].why.binding.value == "no_estimate"


# ------------------------------------------------------------------ restarts


def test_estimates_come_back_and_losing_them_loses_nothing_of_the_cap(
    ahead: House, build: Callable[..., House]
):
    hardly_anybody_answers(ahead)
    key = ahead.waiting(500)
    ahead.pass_time(2.0)
    ahead.hang_up(key)
    ahead.daemon.pacing.memory.save(ahead.clock.now())
    learned = page(ahead).tracker
    successor = build(plan(campaigns={SPRING: PREDICTIVE}))
    successor.books.learned = dict(ahead.books.learned)
    successor.daemon.books._pages.clear()
    successor.daemon.pacing.memory.restore(successor.clock.now())
    restored = page(successor).tracker
    assert restored.answers.state()["ended"] == learned.answers.state()["ended"]
    assert restored.price.real == pytest.approx(learned.price.real)
    # The books are PostgreSQL's: without any estimate they say the same.
    loser = build(plan(campaigns={SPRING: PREDICTIVE}))
    refresh(loser, WindowCounts(answered=100, connected=97, abandoned=3))
    assert loser.daemon.pacing.caps.abandonment(SPRING) == (3, 100)


@pytest.mark.parametrize("saved", [{"version": 0}, {"version": 99, "saved_at": 1}, [], {}])
def test_estimates_of_another_version_are_refused_and_it_starts_carefully(
    build: Callable[..., House], saved: Any
):
    home = build(plan(campaigns={SPRING: PREDICTIVE}))
    home.books.learned = {SPRING: (home.clock.now().wall, saved)}
    home.books.history = (1_000, 120)
    home.daemon.books._pages.clear()
    home.daemon.pacing.memory.restore(home.clock.now())
    assert page(home).tracker.answers.rate == pytest.approx(0.12, abs=0.02)
    assert page(home).tracker.answers.answers == 0


def test_the_last_is_kept_at_the_stop(ahead: House):
    hardly_anybody_answers(ahead, 3)
    home = ahead
    page(home).tracker.answers.answers = 5
    home.daemon.pacing.stop(home.clock.now())
    assert SPRING in home.books.learned
    assert home.books.journal[-1] == ("slices returned", "d1")


def test_an_operator_of_two_groups_is_ours_in_part(build: Callable[..., House]):
    """Counted whole in both, every second customer of the two would meet nobody."""
    autumn = campaign("autumn", mode=Mode.PREDICTIVE, group="service")
    both = profile("anna", sales=1, service=1)
    home = build(
        plan(
            campaigns={SPRING: PREDICTIVE, autumn.name: autumn},
            operators={OperatorId("anna"): both, OperatorId("boris"): profile("boris")},
            groups={SALES: plan().groups[SALES], autumn.group: plan().groups[SALES]},
        )
    )
    home.log_in("anna", "boris")
    team, _ = home.daemon.pacing.lookout.team(SALES, [PREDICTIVE], home.clock.now())
    assert (team.idle, team.partial) == (1, (0.5,))
