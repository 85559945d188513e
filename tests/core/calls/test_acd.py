"""Who gets whom (R2.1): by hand for each strategy, by chance for what must always hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dialer.core.calls import acd, attempts, operators
from dialer.core.calls.acd import ReadyOperator, Turn, WaitingCustomer
from dialer.core.model import AttemptId, LegId, OperatorId, Strategy
from tests.core.calls.build import ANNA, ANNAS, CALL, at, ready_desk, waiting


def customer(name: str, answered_at_s: float) -> WaitingCustomer:
    return WaitingCustomer(attempt=AttemptId(name), answered_at_s=answered_at_s)


def operator(name: str, place: int, idle_since_s: float = 0.0) -> ReadyOperator:
    return ReadyOperator(
        operator=OperatorId(name),
        leg=LegId(f"leg-{name}"),
        place=place,
        idle_since_s=idle_since_s,
    )


A, B, C, D = (operator(name, place) for place, name in enumerate("abcd", start=1))


def chosen(ready, strategy, last=None, waiting=1) -> list[str]:
    line = [customer(f"c{n}", float(n)) for n in range(waiting)]
    return [p.operator for p in acd.pair(line, ready, strategy, now=at(0.0), last=last)]


def test_the_oldest_answer_is_served_first() -> None:
    """The one who waits longest is the next to be abandoned."""
    line = [customer("young", 12.0), customer("old", 10.0), customer("middle", 11.0)]
    pairs = acd.pair(line, [A, B], Strategy.IN_ORDER, now=at(0.0))
    assert [(p.attempt, p.operator) for p in pairs] == [("old", "a"), ("middle", "b")]


def test_in_order_the_named_one_first() -> None:
    assert chosen([C, A, B], Strategy.IN_ORDER, waiting=2) == ["a", "b"]


def test_longest_idle_first_then_by_place() -> None:
    ready = [operator("x", 1, 50.0), operator("y", 3, 20.0), operator("z", 2, 20.0)]
    assert chosen(ready, Strategy.LONGEST_IDLE, waiting=3) == ["z", "y", "x"]


def test_round_robin_goes_on_behind_the_last_one_even_if_he_talks() -> None:
    """ "The next after the last one used": b was the last and is not free now."""
    last = Turn(2, OperatorId("b"))
    assert chosen([A, C, D], Strategy.ROUND_ROBIN, last, waiting=3) == ["c", "d", "a"]
    assert chosen([A, B], Strategy.ROUND_ROBIN, last, waiting=2) == ["a", "b"]
    assert chosen([A, B], Strategy.ROUND_ROBIN) == ["a"]


def test_equal_places_are_told_apart_by_name() -> None:
    twins = [operator("t2", 1), operator("t1", 1)]
    assert chosen(twins, Strategy.IN_ORDER) == ["t1"]
    assert chosen(twins, Strategy.ROUND_ROBIN, Turn(1, OperatorId("t1"))) == ["t2"]


def test_a_breath_between_calls_is_left_alone() -> None:
    """R2.8: its place; nobody is paired before it is over."""
    resting = ReadyOperator(
        operator=ANNA, leg=ANNAS, place=1, idle_since_s=0.0, free_from_s=at(5.0).mono_s
    )
    line = [customer("c", 1.0)]
    assert not acd.pair(line, [resting], Strategy.IN_ORDER, now=at(4.9))
    assert acd.pair(line, [resting], Strategy.IN_ORDER, now=at(5.0))


def test_live_values_become_what_the_acd_sees() -> None:
    one = attempts.waiting_customer(waiting().value)
    assert one == customer(CALL, at(10.0).mono_s)
    seen = operators.ready_operator(ready_desk().value, 4)
    assert (seen.operator, seen.leg, seen.turn) == (ANNA, ANNAS, Turn(4, ANNA))
    assert seen.idle_since_s == at(1.0).mono_s


CUSTOMERS = st.dictionaries(st.text("cdef", min_size=1, max_size=4), st.integers(0, 5)).map(
    lambda made: [customer(name, float(when)) for name, when in made.items()]
)
OPERATORS = st.dictionaries(
    st.text("opq", min_size=1, max_size=4), st.tuples(st.integers(1, 4), st.integers(0, 5))
).map(lambda made: [operator(n, place, float(idle)) for n, (place, idle) in made.items()])
LAST = st.none() | st.builds(
    Turn, st.integers(1, 4), st.text("opq", min_size=1, max_size=4).map(OperatorId)
)


@given(CUSTOMERS, OPERATORS, st.sampled_from(Strategy), LAST, st.randoms(use_true_random=False))
def test_nobody_is_taken_twice_and_nobody_waits_beside_a_free_operator(
    line, ready, strategy, last, chance
) -> None:
    """Two bridges of one leg cut a talk; one left beside a free operator is abandoned."""
    pairs = acd.pair(line, ready, strategy, now=at(0.0), last=last)
    assert len(pairs) == min(len(line), len(ready))
    assert len({p.attempt for p in pairs}) == len({p.operator for p in pairs}) == len(pairs)
    served = [p.attempt for p in pairs]
    by_age = sorted(line, key=lambda one: (one.answered_at_s, one.attempt))
    assert served == [one.attempt for one in by_age[: len(pairs)]]
    chance.shuffle(line)
    chance.shuffle(ready)
    assert acd.pair(line, ready, strategy, now=at(0.0), last=last) == pairs


@given(st.integers(2, 6), st.lists(st.integers(1, 9), max_size=30))
def test_round_robin_gives_everybody_the_same_number_of_calls(people, bursts) -> None:
    """In bursts of any size, with all free each time: counts differ by at most one."""
    ready = [operator(f"o{n}", n + 1) for n in range(people)]
    counts: Counter[str] = Counter({one.operator: 0 for one in ready})
    last: Turn | None = None
    for burst in bursts:
        line = [customer(f"c{n}", float(n)) for n in range(burst)]
        for made in acd.pair(line, ready, Strategy.ROUND_ROBIN, now=at(0.0), last=last):
            counts[made.operator] += 1
            last = made.turn
    assert max(counts.values()) - min(counts.values()) <= 1


@given(OPERATORS.filter(bool), st.sampled_from(Strategy), LAST)
def test_the_strategy_picks_whom_it_says(ready, strategy, last) -> None:
    (first,) = acd.pair([customer("c", 0.0)], ready, strategy, now=at(0.0), last=last)
    by_turn = sorted(one.turn for one in ready)
    if strategy is Strategy.IN_ORDER:
        assert first.turn == by_turn[0]
    elif strategy is Strategy.LONGEST_IDLE:
        idle = min(one.idle_since_s for one in ready)
        assert first.operator in {one.operator for one in ready if one.idle_since_s == idle}
    else:
        behind = [turn for turn in by_turn if last is None or turn > last]
        assert first.turn == (behind or by_turn)[0]


# ------------------------------------------------------------------ preview


def test_a_call_goes_to_the_operator_who_has_started_it() -> None:
    """He has read the card; another one would hear a stranger."""
    own = WaitingCustomer(
        attempt=AttemptId("own"), answered_at_s=12.0, meant_for=OperatorId("c")
    )
    line = [customer("old", 10.0), own]
    kept = replace(C, kept=True)
    pairs = acd.pair(line, [A, B, kept], Strategy.IN_ORDER, now=at(0.0))
    assert {(p.attempt, p.operator) for p in pairs} == {("own", "c"), ("old", "a")}


def test_who_is_kept_for_a_call_is_given_no_other() -> None:
    pairs = acd.pair(
        [customer("old", 10.0)], [replace(A, kept=True)], Strategy.IN_ORDER, now=at(0.0)
    )
    assert not pairs


def test_whose_operator_is_gone_goes_to_anybody() -> None:
    """An answered person must not wait for somebody who has gone to lunch."""
    own = WaitingCustomer(
        attempt=AttemptId("own"), answered_at_s=12.0, meant_for=OperatorId("c")
    )
    pairs = acd.pair([own], [A, replace(B, kept=True)], Strategy.IN_ORDER, now=at(0.0))
    assert [(p.attempt, p.operator) for p in pairs] == [("own", "a")]
