"""How evenly calls leave: a carrier that counts by the second refuses what comes in a heap, and
calls that are rounded away between two looks are operators who wait.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.model import GatewayName, Moment
from dialer.engine.calls import Calls
from dialer.engine.lines import Lines
from tests.engine.house import CARRIER, START, campaign, gateway, number


def lines(calls_per_s: float) -> Lines:
    return Lines(
        {CARRIER: gateway(calls_per_s=calls_per_s)},
        [number()],
        switch_calls_per_s=1_000.0,
        switch_calls_at_once=1_000,
    )


def turns(one: Lines, calls: Calls, looks: list[float]) -> list[float]:
    """Seconds at which calls leave when each look launches all that it may."""
    left = []
    at_s = 1_000.0
    for pause_s in looks:
        at_s += pause_s
        now = Moment(at_s, START)
        free = one.room(campaign(), calls, now).get(CARRIER, 0)
        one.take(CARRIER, free, now)
        left += [at_s + one.turn_s(CARRIER, now) for _ in range(free)]
    return left


@pytest.fixture
def calls() -> Calls:
    return Calls()


@given(
    st.floats(0.2, 60.0),
    st.lists(st.floats(0.25, 3.0), min_size=1, max_size=30),
)
def test_no_second_holds_more_than_its_calls(calls_per_s: float, looks: list[float]) -> None:
    left = turns(lines(calls_per_s), Calls(), looks)
    assert left == sorted(left)
    for first in left:
        assert sum(first <= one < first + 1.0 for one in left) <= calls_per_s + 1.001


@pytest.mark.parametrize("calls_per_s", [0.7, 1.0, 3.0, 10.0, 13.0, 50.0])
def test_looks_of_a_quarter_of_a_second_lose_no_call(calls: Calls, calls_per_s: float) -> None:
    left = turns(lines(calls_per_s), calls, [0.25] * 400)  # 100 s
    assert len(left) == pytest.approx(100 * calls_per_s, abs=2)


def test_a_gateway_that_a_reload_took_away_holds_nobody_up(calls: Calls) -> None:
    assert lines(1.0).turn_s(GatewayName("gone"), Moment(1.0, START)) == 0.0
