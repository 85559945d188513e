"""A failing gateway is rested; an operator of several groups is planned with once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.core.model import GroupName, OperatorId
from dialer.core.pacing.balance import free_for
from dialer.core.pacing.breaker import (
    FAILURES,
    FIRST_REST_S,
    LONGEST_REST_S,
    Breaker,
    is_resting,
    record,
)

SALES, DEBT = GroupName("sales"), GroupName("debt")
ANNA, BORIS, VERA = OperatorId("anna"), OperatorId("boris"), OperatorId("vera")


def fail(breaker: Breaker, times: int, now_s: float) -> Breaker:
    for _ in range(times):
        breaker = record(breaker, failed=True, now_s=now_s)
    return breaker


def test_one_odd_refusal_rests_no_gateway():
    """Four failures in a row and an answer: the gateway works."""
    breaker = fail(Breaker(), FAILURES - 1, 100.0)
    assert not is_resting(breaker, 100.0)
    assert record(breaker, failed=False, now_s=100.0) == Breaker()


def test_a_failing_gateway_rests_longer_each_time_it_fails_again():
    """It costs a handful of calls, not a hundred."""
    breaker = fail(Breaker(), FAILURES, 100.0)
    assert is_resting(breaker, 100.0 + FIRST_REST_S - 0.1)
    assert not is_resting(breaker, 100.0 + FIRST_REST_S)
    again_s = 100.0 + FIRST_REST_S
    breaker = fail(breaker, 1, again_s)
    assert is_resting(breaker, again_s + 2 * FIRST_REST_S - 0.1)
    for _ in range(20):
        breaker = fail(breaker, 1, breaker.resting_until_s)
    assert breaker.rest_s == LONGEST_REST_S
    assert record(breaker, failed=False, now_s=breaker.resting_until_s) == Breaker()


def test_failures_of_calls_that_were_already_out_lengthen_no_rest():
    """Ten calls in flight fail together with the fifth: one rest, not six doublings."""
    assert fail(Breaker(), FAILURES + 10, 100.0).resting_until_s == 100.0 + FIRST_REST_S


def test_an_operator_of_two_groups_is_not_promised_twice():
    """A call in flight for debt takes Boris, who is in debt alone, and leaves Anna to both."""
    ready = {ANNA: {SALES, DEBT}, BORIS: {DEBT}}
    assert free_for(ready, {}) == {SALES: 1, DEBT: 2}
    assert free_for(ready, {DEBT: 1}) == {SALES: 1, DEBT: 1}
    assert free_for(ready, {DEBT: 2}) == {SALES: 0, DEBT: 0}


def test_a_groups_overdraft_takes_nobody_from_another():
    ready = {ANNA: {SALES}, BORIS: {DEBT}, VERA: {DEBT}}
    assert free_for(ready, {SALES: 9}) == {SALES: 0, DEBT: 2}


GROUPS = st.frozensets(st.sampled_from([SALES, DEBT, GroupName("inbound")]), min_size=1)


@given(
    st.dictionaries(st.sampled_from([OperatorId(str(n)) for n in range(8)]), GROUPS),
    st.dictionaries(st.sampled_from([SALES, DEBT]), st.integers(0, 6)),
)
def test_nobody_is_free_beyond_his_groups_ready_operators(ready, claims):
    free = free_for(ready, claims)
    taken = sum(claims.values())
    for group, count in free.items():
        own = sum(1 for groups in ready.values() if group in groups)
        assert max(0, own - taken) <= count <= max(0, own - claims.get(group, 0))
