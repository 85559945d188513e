"""Predictive pacing: what a decision sees, why it is made, and what must never make a burst."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.model import Mode
from dialer.core.pacing.cap_ledger import Counts
from dialer.core.pacing.cap_rule import CapRule, Uncertified
from dialer.core.pacing.decide import again, decide, decide_group
from dialer.core.pacing.durations import ROWS, rows_of
from dialer.core.pacing.observation import Binding, Observation, Team
from dialer.core.pacing.outlook import Outlook, SetBy
from dialer.core.pacing.predictive import CANCEL_AT, CANCEL_LEAST, PROBE_RATE, Scene
from dialer.core.pacing.risk import EXACT_OPERATORS
from dialer.core.pacing.sentence import sentence
from dialer.core.pacing.stretch import Stretch
from dialer.core.pacing.tracker import LEAST_THETA, Tracker, aimed_at

HOUR_S = 3_600.0
MANY = Counts(person=2_000, abandoned=20)


def tracker(**fields: Any) -> Tracker:
    given_fields: dict[str, Any] = {"rule": CapRule(), "ring_timeout_s": 28.0}
    return Tracker(**given_fields | fields)


def calls(one: Tracker, rate: float, *, from_s: float, to_s: float, each_s: float = 1.0) -> int:
    """One call each `each_s`, of which `rate` are answered after 8 s, the others never."""
    at_s, number, answered = from_s, int(from_s * 100), 0.0
    open_now: list[tuple[float, int, bool]] = []
    while at_s < to_s:
        number += 1
        answered += rate
        one.launched([number], [0.02], at_s)
        open_now.append((at_s + (8.0 if answered >= 1.0 else 28.0), number, answered >= 1.0))
        answered -= answered >= 1.0
        for due in sorted(open_now):
            if due[0] <= at_s:
                open_now.remove(due)
                (one.answered if due[2] else one.ended)(due[1], due[0])
        at_s += each_s
    return len(open_now)


def outlook(one: Tracker, now_s: float, **fields: Any) -> Outlook:
    given_fields: dict[str, Any] = {
        "counts": MANY,
        "operators": 10,
        "ends_s": 8 * HOUR_S,
        "talking_s": [5.0, 40.0, 90.0],
        "wrapup_s": [(3.0, 60.0), (1.0, 4.0)],
    }
    return one.outlook(now_s, **given_fields | fields)


def lost_within(view: Outlook) -> Any:
    """P(D(s) <= 0) with four operators idle."""
    scene = Scene.of(4, [view])
    return scene.balance(scene.calls).lost()


def seen(view: Outlook | None, **fields: Any) -> Observation:
    given_fields: dict[str, Any] = {"ready": 4, "logged_in": 10, "tokens": 50, "outlook": view}
    return Observation(**given_fields | fields)


# --------------------------------------------------------------------------- the estimate


def test_the_answer_rate_is_found_and_a_jump_is_followed_within_two_minutes():
    """Else half of the day is dialed by a rate that was."""
    one = tracker()
    calls(one, 0.2, from_s=0.0, to_s=1_800.0)
    assert outlook(one, 1_800.0).rate == pytest.approx(0.2, abs=0.05)
    calls(one, 0.6, from_s=1_800.0, to_s=1_920.0)
    assert outlook(one, 1_920.0).rate == pytest.approx(0.6, abs=0.15)


def test_calls_that_still_ring_do_not_make_the_rate_fall():
    """In the first ring time no answer can have come: that says nothing (pacing.md 4)."""
    one = tracker()
    one.launched(range(40), [0.02] * 40, 0.0)
    assert outlook(one, 3.0).rate > 0.4


def test_calls_launched_before_a_jump_keep_their_rate():
    one = tracker()
    calls(one, 0.1, from_s=0.0, to_s=1_500.0)
    for number in range(60):
        launched_s = 1_500.0 + number / 10.0
        one.launched([("new", number)], [0.02], launched_s)
    for number in range(40):
        one.answered(("new", number), 1_508.0 + number / 10.0)
    view = outlook(one, 1_512.5)
    assert view.rates[-1] > 2.0 * view.rates[0]


def test_a_talk_that_is_long_is_not_about_to_end():
    """Exponential would say: the same chance at any age."""
    one = tracker()
    for number in range(400):
        one.talk_began(number, 0.0)
        one.talk_ended(number, 20.0 if number % 5 else 400.0)
    table = one.law(0.0).free[0]
    assert table[15, 10] > 3.0 * table[100, 10]


def test_short_talks_have_their_own_wrapup():
    """After a machine the operator is free in two seconds, not in half a minute."""
    one = tracker()
    for _ in range(100):
        one.wrapup_ended(2.0, talk_s=5.0)
        one.wrapup_ended(30.0, talk_s=90.0)
    free = one.law(0.0).free
    assert free[2][0, 2] > 0.9
    assert free[1][0, 2] < 0.3


def test_every_age_has_the_row_that_holds_it():
    """A row too far and a talk of two minutes is taken for one of two and a half."""
    assert rows_of([]) == ()
    ages_s = [-1.0, 0.0, 0.99, 119.9, 120.0, 124.9, 125.0, 399.9, 400.0, 419.9, 420.0, 1e9]
    rows = (0, 0, 0, 119, 120, 120, 121, 175, 176, 176, 177, ROWS - 1)
    assert rows_of(ages_s) == rows


# --------------------------------------------------------------------------- the decision


def test_more_operators_or_fewer_calls_never_launch_less():
    one = tracker()
    calls(one, 0.3, from_s=0.0, to_s=900.0)
    view = outlook(one, 900.0)
    launches = [decide(Mode.PREDICTIVE, seen(view, ready=n)).launch for n in range(9)]
    assert launches == sorted(launches)
    fewer = replace(view, calls=view.calls * 0.0)
    for ready, launch in enumerate(launches):
        assert decide(Mode.PREDICTIVE, seen(fewer, ready=ready)).launch >= launch


def test_a_lower_price_never_launches_more():
    one = tracker()
    calls(one, 0.3, from_s=0.0, to_s=900.0)
    view = outlook(one, 900.0)
    launches = [
        decide(Mode.PREDICTIVE, seen(replace(view, theta=theta))).launch
        for theta in (0.002, 0.01, 0.03, 0.1, 0.5)
    ]
    assert launches == sorted(launches)
    assert launches[0] < launches[-1]


def test_exact_sums_and_the_normal_agree_where_both_are_good(monkeypatch: pytest.MonkeyPatch):
    """A team of fourteen and one of fifteen are paced alike."""
    one = tracker()
    calls(one, 0.3, from_s=0.0, to_s=900.0)
    view = outlook(one, 900.0, talking_s=[5.0 * age for age in range(1, 11)], wrapup_s=[])
    exact = lost_within(view)
    monkeypatch.setattr("dialer.core.pacing.predictive.EXACT_OPERATORS", 0)
    normal = lost_within(view)
    assert EXACT_OPERATORS == 14
    assert abs(exact - normal).max() < 0.04


def test_inbound_and_promised_calls_come_first():
    """The more of them are expected, the fewer go out."""
    one = tracker()
    calls(one, 0.3, from_s=0.0, to_s=900.0)
    view = outlook(one, 900.0)
    busy = replace(view, inbound_per_s=0.2)
    plain = decide(Mode.PREDICTIVE, seen(view)).launch
    assert decide(Mode.PREDICTIVE, seen(busy)).launch < plain
    large = seen(view, ready=30, tokens=400)
    assert (
        decide(Mode.PREDICTIVE, replace(large, outlook=busy)).launch
        < decide(Mode.PREDICTIVE, large).launch
    )


def test_all_operators_pausing_at_once_launches_nothing_and_gives_up_what_may_be():
    """Calls that have rung long enough are let go before anybody answers to nobody."""
    one = tracker()
    one.launched(range(20), [0.02] * 20, 0.0)
    view = outlook(one, 18.0, talking_s=[], wrapup_s=[], cancellable_s=[18.0] * 20)
    decision = decide(Mode.PREDICTIVE, seen(view, ready=0))
    assert decision.launch == 0
    assert decision.cancel > 0
    young = outlook(one, 18.0, talking_s=[], wrapup_s=[], cancellable_s=[])
    assert decide(Mode.PREDICTIVE, seen(young, ready=0)).cancel == 0


def test_nobody_who_has_been_rung_is_given_up_for_a_small_risk():
    """A spent budget asks a price of next to nothing: at a multiple of it every call that
    rings would be given up, and its person was rung in vain.
    """
    one = tracker()
    calls(one, 0.3, from_s=0.0, to_s=880.0)
    one.launched(range(3), [0.002] * 3, 882.0)
    view = outlook(one, 900.0, talking_s=[5.0], wrapup_s=[], cancellable_s=[18.0] * 3)
    held = replace(view, theta=LEAST_THETA, set_by=SetBy.LEDGER)
    small, certain = (decide(Mode.PREDICTIVE, seen(held, ready=ready)) for ready in (1, 0))
    assert small.why.refused is not None
    assert CANCEL_AT * LEAST_THETA < small.why.refused < CANCEL_LEAST
    assert (small.launch, small.cancel) == (0, 0)
    assert certain.cancel == 3  # nobody will be there: they are let go at once


def test_without_an_estimate_it_is_progressive_and_says_so():
    decision = decide(Mode.PREDICTIVE, seen(None, ready=4, in_flight=1))
    assert (decision.launch, decision.why.binding) == (3, Binding.NO_ESTIMATE)


def test_the_limits_bind_as_in_every_mode():
    view = outlook(tracker(), 0.0)
    decision = decide(Mode.PREDICTIVE, seen(view, ready=30, tokens=2))
    assert (decision.launch, decision.why.binding) == (2, Binding.CPS)
    assert len(decision.why.risks) == 3
    for shut in ({"paused": True}, {"halted": True}, {"logged_in": 0}, {"in_hours": False}):
        assert decide(Mode.PREDICTIVE, seen(view, **shut)).launch == 0


# --------------------------------------------------------------------------- never a burst


def test_an_hour_without_answers_then_all_of_them():
    """While nobody answers nobody can tell how many will in a minute: lines stay few."""
    one = tracker()
    calls(one, 0.0, from_s=0.0, to_s=HOUR_S)
    view = outlook(one, HOUR_S, talking_s=[], wrapup_s=[])
    assert view.rate < PROBE_RATE
    in_flight = view.calls.sum()
    launch = decide(Mode.PREDICTIVE, seen(view, ready=10, tokens=400)).launch
    assert launch + in_flight <= max(in_flight, 30)


def test_ten_thousand_stale_calls_change_nothing_and_cost_nothing():
    """A switch that lost its events leaves calls of which nobody will ever hear."""
    fresh, stale = tracker(), tracker()
    stale.launched(range(10_000), [0.0] * 10_000, 0.0)
    calls(stale, 0.3, from_s=600.0, to_s=1_500.0)
    calls(fresh, 0.3, from_s=600.0, to_s=1_500.0)
    both = [outlook(one, 1_500.0) for one in (fresh, stale)]
    assert both[0].calls.sum() == both[1].calls.sum()
    assert both[0].rate == pytest.approx(both[1].rate, abs=0.01)


def test_answers_of_unknown_calls_and_events_twice_change_nothing():
    one = tracker()
    calls(one, 0.3, from_s=0.0, to_s=600.0)
    before = one.state(600.0)
    one.answered("nobody", 600.0)
    one.ended("nobody", 600.0)
    one.ended("nobody", 600.0, cancelled=True)
    assert one.talk_ended("nobody", 600.0) is None
    assert one.state(600.0) == before


@pytest.mark.parametrize("step_s", [-7_200.0, 7_200.0, 1e7])
def test_a_clock_step_makes_no_burst(step_s: float):
    """Monotonic clocks do not step; where one does (a suspended machine) it starts afresh."""
    one = tracker()
    calls(one, 0.3, from_s=10_000.0, to_s=10_900.0)
    view = outlook(one, 10_900.0 + step_s, ends_s=1e9)
    assert 0.01 < view.rate < 0.99
    decision = decide(Mode.PREDICTIVE, seen(view, ready=4))
    assert decision.launch <= 40


def test_a_slow_start_is_not_a_burst():
    """26 operators log in at once and nothing is known: no more than a prior rate's worth."""
    one, now_s, launched = tracker(), 0.0, 0
    while now_s < 12.0:
        view = outlook(one, now_s, talking_s=[], wrapup_s=[], counts=Counts(), operators=26)
        decision = decide(Mode.PREDICTIVE, seen(view, ready=26, tokens=5))
        ids = range(launched, launched + decision.launch)
        one.launched(ids, decision.why.risks[: decision.launch], now_s)
        launched += decision.launch
        now_s += 0.5
    assert view.set_by in (SetBy.START, SetBy.LEDGER)
    assert launched <= 26 / 0.45


# --------------------------------------------------------------------------- the cap


def test_a_spent_budget_leaves_one_call_per_free_operator():
    one = tracker()
    calls(one, 0.3, from_s=0.0, to_s=900.0)
    view = outlook(one, 7.9 * HOUR_S, counts=Counts(person=1_000, abandoned=31))
    assert (view.theta, view.set_by) == (LEAST_THETA, SetBy.LEDGER)
    decision = decide(Mode.PREDICTIVE, seen(view, ready=4))
    assert 0 < decision.launch <= 9
    assert decision.why.binding is Binding.BUDGET


def test_a_bad_half_hour_lowers_the_price_but_not_to_zero():
    one = tracker()
    for number in range(300):
        one.launched([number], [0.02], number * 1.0)
        one.answered(number, number + 8.0)
    plain = outlook(one, 400.0).theta
    for number in range(14):
        one.abandoned(310.0 + number)
    view = outlook(one, 600.0)
    assert view.set_by is SetBy.STRETCH
    assert 0.0 < view.theta < 0.2 * plain
    assert decide(Mode.PREDICTIVE, seen(view)).why.binding is Binding.STRETCH


@pytest.mark.parametrize(("answers", "first"), [(190, 7), (250, 9), (330, 11)])
def test_the_price_falls_before_the_half_hour_is_bad_and_never_rises_with_a_drop(
    answers: int, first: int
):
    """From the first drop too many on, each makes it fall; at the limit hardly any is left."""
    stretch = Stretch()
    for number in range(answers):
        stretch.count(float(number), answers=1)
    factors = []
    for _ in range(int(0.05 * answers) + 1):
        stretch.count(float(answers), abandoned=1)
        factors.append(stretch.factor())
    assert factors == sorted(factors, reverse=True)
    assert [one < 1.0 for one in factors].index(True) + 1 == first
    assert 0.0 < factors[-1] < 0.2


def test_who_must_be_certified_first_waits_progressively():
    rule = CapRule(certify=0.95, uncertified=Uncertified.PROGRESSIVE)
    one = tracker(rule=rule)
    view = outlook(one, 0.0, counts=Counts(person=50))
    assert (view.theta, view.set_by) == (LEAST_THETA, SetBy.CERTIFICATE)
    assert decide(Mode.PREDICTIVE, seen(view)).why.binding is Binding.UNCERTIFIED


def test_a_certificate_is_aimed_at_below_the_cap():
    """A day that spends its whole cap can never be certified at it."""
    plain, certified = tracker(), tracker(rule=CapRule(certify=0.95))
    outlook(plain, HOUR_S)
    outlook(certified, HOUR_S)
    assert certified._target < plain._target
    assert aimed_at(CapRule(certify=0.95), 1_000.0).limit == 0.015
    assert aimed_at(CapRule(certify=0.95), 100.0).limit == 0.01
    assert aimed_at(CapRule(), 1_000.0).limit == 0.03


# --------------------------------------------------------------------------- the reason

moments = st.fixed_dictionaries(
    {
        "ready": st.integers(0, 20),
        "waiting": st.integers(0, 4),
        "tokens": st.one_of(st.none(), st.integers(0, 30)),
        "channels": st.one_of(st.none(), st.integers(0, 30)),
        "hopper_size": st.one_of(st.none(), st.integers(0, 9)),
        "in_flight": st.integers(0, 30),
        "share": st.floats(0.1, 5.0),
        "priority": st.integers(-1, 1),
    }
)
ages = st.lists(st.floats(0.0, 400.0), max_size=14)


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.tuples(st.sampled_from(Mode), moments, ages), min_size=1, max_size=3),
    launched=st.lists(st.floats(0.0, 30.0), max_size=30),
    idle=st.integers(0, 20),
)
def test_every_why_decides_again_to_the_same(
    parts: list[tuple[Mode, dict[str, Any], list[float]]], launched: list[float], idle: int
):
    """Whoever asks why so many were dialed can redo it from what was stored."""
    campaigns = {}
    for number, (mode, fields, busy_s) in enumerate(parts):
        one = tracker()
        for at_s in sorted(launched):
            one.launched([at_s], [0.01], at_s)
        view = outlook(one, 30.0, talking_s=busy_s)
        observation = seen(view, **fields)
        campaigns[str(number)] = (mode, observation)
        decision = decide(mode, observation)
        assert again(decision.why) == decision
        assert sentence(decision.why, decision.launch)
    for decision in decide_group(Team(idle=idle, campaigns=campaigns)).values():
        redone = again(decision.why)
        assert (redone.launch, redone.cancel) == (decision.launch, decision.cancel)
        assert redone.why.risks == decision.why.risks
        limits = (decision.why.observation.tokens, decision.why.observation.channels)
        assert all(limit is None or decision.launch <= limit for limit in limits)


def test_the_sentence_lets_a_person_redo_it():
    one = tracker()
    calls(one, 0.3, from_s=0.0, to_s=900.0)
    view = outlook(one, 900.0)
    decision = decide(
        Mode.PREDICTIVE, seen(view, ready=0, in_flight=14, answered=1_000, abandoned=19)
    )
    text = sentence(decision.why, decision.launch)
    for part in ("holding at 14 in flight: 0 ready", "more in 10 s", "answers expected"):
        assert part in text
    assert "the next call would be lost with" in text
    assert "1.9% of 1000 abandoned" in text


# --------------------------------------------------------------------------- several campaigns


def group(**shares: float) -> Team:
    campaigns = {}
    for name, share in shares.items():
        one = tracker()
        calls(one, 0.3, from_s=0.0, to_s=300.0, each_s=20.0)
        view = outlook(one, 900.0, talking_s=[30.0], wrapup_s=[])
        campaigns[name] = (Mode.PREDICTIVE, seen(view, ready=0, share=share))
    return Team(idle=12, campaigns=campaigns)


def test_campaigns_of_a_group_share_its_operators_once():
    """Two campaigns must not each dial for all of the operators."""
    alone = sum(one.launch for one in decide_group(group(a=1.0)).values())
    both = decide_group(group(a=1.0, b=1.0))
    assert sum(one.launch for one in both.values()) <= alone + 2
    assert abs(both["a"].launch - both["b"].launch) <= 1


def test_shares_and_priority_order_the_launches():
    decisions = decide_group(group(a=3.0, b=1.0))
    assert decisions["a"].launch > 2 * decisions["b"].launch
    team = group(a=3.0, b=1.0)
    mode, observation = team.campaigns["b"]
    first = {**team.campaigns, "b": (mode, replace(observation, priority=1))}
    assert decide_group(replace(team, campaigns=first))["a"].launch == 0


def test_a_campaign_whose_budget_is_empty_stops_and_the_others_go_on():
    team = group(a=1.0, b=1.0)
    mode, observation = team.campaigns["a"]
    assert observation.outlook is not None
    empty = replace(observation.outlook, theta=0.0, set_by=SetBy.LEDGER)
    spent = {**team.campaigns, "a": (mode, replace(observation, outlook=empty))}
    decisions = decide_group(replace(team, campaigns=spent))
    assert decisions["a"].launch == 0
    assert decisions["a"].why.binding is Binding.BUDGET
    assert decisions["b"].launch > decide_group(team)["b"].launch


def test_an_operator_of_several_groups_counts_with_his_part():
    """Half of two operators is less than two."""
    team = group(a=1.0)
    whole = decide_group(replace(team, idle=10))["a"].launch
    halves = decide_group(replace(team, idle=8, partial=(0.5, 0.5)))["a"].launch
    none = decide_group(replace(team, idle=8))["a"].launch
    assert none <= halves < whole


def test_progressive_beside_predictive_takes_no_operator_twice():
    team = group(a=1.0)
    plain = (Mode.PROGRESSIVE, seen(None, ready=0, in_flight=3))
    decisions = decide_group(replace(team, campaigns={**team.campaigns, "p": plain}))
    assert decisions["a"].launch < decide_group(team)["a"].launch
    assert decisions["p"].launch <= 12
