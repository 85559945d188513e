"""How many calls: by hand, and what may never happen."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.model import Mode
from dialer.core.pacing.decide import POLICIES, decide
from dialer.core.pacing.observation import Binding, Observation
from dialer.core.pacing.sentence import sentence


def seen(**fields: Any) -> Observation:
    given_fields: dict[str, Any] = {"ready": 4, "logged_in": 10}
    return Observation(**given_fields | fields)


def test_progressive_dials_one_call_per_free_operator():
    decision = decide(Mode.PROGRESSIVE, seen(ready=4, in_flight=1, waiting=1))
    assert decision.launch == 2
    assert decision.why.binding is Binding.OPERATORS_BUSY


def test_progressive_dials_nobody_for_whom_no_operator_is_free():
    assert decide(Mode.PROGRESSIVE, seen(ready=2, in_flight=2)).launch == 0
    assert decide(Mode.PROGRESSIVE, seen(ready=1, waiting=3)).launch == 0


def test_preview_says_that_its_cards_wait():
    decision = decide(Mode.PREVIEW, seen(ready=3, in_flight=3, shown=2))
    assert (decision.launch, decision.why.binding) == (0, Binding.NOT_STARTED)
    assert "2 cards shown" in sentence(decision.why, 0)
    assert decide(Mode.PREVIEW, seen(ready=3, in_flight=1, shown=1)).launch == 2


def test_operators_who_vanish_let_calls_go_after_15_s_of_ringing():
    """Law and manners: no phone is silenced before 15 s, nobody answers to nobody."""
    decision = decide(
        Mode.PROGRESSIVE, seen(ready=1, in_flight=4, ringing_s=(3.0, 14.9, 15.0, 21.0))
    )
    assert (decision.launch, decision.cancel) == (0, 2)
    assert decide(Mode.PROGRESSIVE, seen(ready=4, in_flight=4, ringing_s=(20.0,))).cancel == 0


def test_power_dials_its_ratio():
    """1.5 calls per free operator, once enough answers have earned the risk."""
    full = seen(ready=4, ratio=1.5, answered=1_000, abandoned=0)
    assert decide(Mode.POWER, full).launch == 6
    assert decide(Mode.POWER, replace(full, in_flight=5)).launch == 1
    assert decide(Mode.POWER, replace(full, waiting=2)).launch == 3
    assert decide(Mode.POWER, replace(full, ready=3)).launch == 4  # 4.5 rounded down


@pytest.mark.parametrize(("ratio", "ready", "target"), [(1.15, 20, 23), (1.1, 10, 11)])
def test_power_loses_no_call_to_binary_fractions(ratio, ready, target):
    observation = seen(ready=ready, logged_in=ready, ratio=ratio, answered=100_000)
    assert decide(Mode.POWER, observation).launch == target


def test_power_below_one_never_starves_its_operators():
    assert decide(Mode.POWER, seen(ready=1, ratio=0.5, answered=1_000)).launch == 1


def test_power_starts_with_one_call_over():
    """Before 34 answers one drop may be had in advance, not a ring time's worth of them."""
    decision = decide(Mode.POWER, seen(ready=10, ratio=3.0))
    assert decision.launch == 11
    assert decision.why.binding is Binding.BUDGET


def test_power_falls_back_to_progressive_past_the_cap_and_says_so():
    """R3.2: the cap holds, and the wall says why it dials at this pace."""
    over = seen(ready=4, ratio=3.0, answered=100, abandoned=4)
    decision = decide(Mode.POWER, over)
    assert decision.launch == 4
    assert decision.why.binding is Binding.CAP
    assert "cap is passed" in sentence(decision.why, decision.launch)
    assert "4.0% of 100 abandoned, 0.0 drops left" in sentence(decision.why, decision.launch)
    # At the cap exactly it is not passed, but no drop is affordable.
    at = decide(Mode.POWER, replace(over, abandoned=3))
    assert (at.launch, at.why.binding) == (4, Binding.BUDGET)


def test_a_known_answer_rate_lets_power_dial_more_on_the_same_budget():
    """Two drops left: at 25 % answers eight calls over, with nothing known two."""
    observation = seen(ready=10, ratio=3.0, answered=100, abandoned=1)
    assert decide(Mode.POWER, observation).launch == 12
    assert decide(Mode.POWER, replace(observation, answer_rate=0.25)).launch == 18


@pytest.mark.parametrize(
    ("fields", "binding"),
    [
        ({"switch_blind": True}, Binding.SWITCH_BLIND),
        ({"halted": True}, Binding.HALTED),
        ({"paused": True}, Binding.PAUSED),
        ({"in_hours": False}, Binding.CALLING_HOURS),
        ({"logged_in": 0, "ready": 0}, Binding.NO_OPERATORS),
        ({"halted": True, "switch_blind": True}, Binding.SWITCH_BLIND),
    ],
)
@pytest.mark.parametrize("mode", list(Mode))
def test_what_shuts_a_campaign_shuts_it_in_every_mode(mode, fields, binding):
    decision = decide(mode, seen(**fields))
    assert (decision.launch, decision.cancel) == (0, 0)
    assert decision.why.binding is binding


@pytest.mark.parametrize(
    ("fields", "launch", "binding"),
    [
        ({"tokens": 2}, 2, Binding.CPS),
        ({"channels": 1, "tokens": 2}, 1, Binding.CHANNELS),
        ({"numbers": 0, "tokens": 0}, 0, Binding.NUMBERS_USED_UP),
        ({"hopper_size": 3}, 3, Binding.HOPPER_EMPTY),
        ({"hopper_size": 4, "tokens": 4}, 4, Binding.OPERATORS_BUSY),
        ({"channels": -2}, 0, Binding.CHANNELS),
    ],
)
def test_the_tightest_limit_is_the_one_that_is_named(fields, launch, binding):
    decision = decide(Mode.PROGRESSIVE, seen(**fields))
    assert (decision.launch, decision.why.binding) == (launch, binding)
    assert decision.why.wanted == 4


LIMIT = st.none() | st.integers(0, 30)
OBSERVATIONS = st.builds(
    Observation,
    ready=st.integers(0, 30),
    logged_in=st.integers(0, 40),
    waiting=st.integers(0, 10),
    in_flight=st.integers(0, 60),
    ringing_s=st.lists(st.floats(0.0, 60.0), max_size=20).map(tuple),
    tokens=LIMIT,
    channels=LIMIT,
    numbers=LIMIT,
    hopper_size=LIMIT,
    ratio=st.floats(0.1, 5.0),
    cap=st.sampled_from([0.0, 0.01, 0.03, 0.05, 1.0]),
    abandoned=st.integers(0, 40),
    answered=st.integers(0, 2_000),
    answer_rate=st.none() | st.floats(0.0, 1.0),
    paused=st.booleans(),
    halted=st.booleans(),
    switch_blind=st.booleans(),
    in_hours=st.booleans(),
)


@given(st.sampled_from(list(Mode)), OBSERVATIONS)
def test_no_decision_passes_a_limit(mode, observation):
    """Tokens, channels, numbers, the hopper; and nothing at all while it is shut."""
    decision = decide(mode, observation)
    limits = (
        observation.tokens,
        observation.channels,
        observation.numbers,
        observation.hopper_size,
    )
    assert 0 <= decision.launch <= min(limit for limit in (*limits, 1_000) if limit is not None)
    assert 0 <= decision.cancel <= observation.in_flight
    shut = observation.paused or observation.halted or observation.switch_blind
    if shut or not observation.in_hours or observation.logged_in == 0:
        assert decision.launch == 0
    assert not (decision.launch and decision.cancel)


@given(st.sampled_from([Mode.PROGRESSIVE, Mode.PREVIEW]), OBSERVATIONS)
def test_one_call_or_card_for_each_free_operator_and_no_more(mode, observation):
    """R3.1: preview obeys the same cap, because its calls have an operator each."""
    decision = decide(mode, observation)
    if decision.launch:
        assert (
            observation.in_flight + decision.launch <= observation.ready - observation.waiting
        )


@given(OBSERVATIONS)
def test_power_in_flight_stays_inside_ratio_and_budget(observation):
    """If every call beyond the free operators were answered at once, the cap would hold."""
    decision = decide(Mode.POWER, replace(observation, answer_rate=None))
    if not decision.launch:
        return
    free = max(0, observation.ready - observation.waiting)
    in_flight = observation.in_flight + decision.launch
    assert in_flight <= max(free, observation.ratio * free + 1e-6)
    lost = observation.abandoned + max(0, in_flight - free)
    if in_flight > free:
        assert lost <= max(1.0, observation.cap * observation.answered) + 1e-6


@given(st.sampled_from(list(Mode)), OBSERVATIONS)
def test_the_sentence_is_one_line_that_names_the_limit(mode, observation):
    """Whoever reads the wall sees what is in flight and what binds."""
    decision = decide(mode, observation)
    text = sentence(decision.why, decision.launch)
    assert re.fullmatch(r"[^\n]+", text)
    assert f"at {observation.in_flight} in flight" in text
    assert text.startswith("launching" if decision.launch else "holding")


def test_every_mode_has_a_policy():
    assert set(POLICIES) == set(Mode)
