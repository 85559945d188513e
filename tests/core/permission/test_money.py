"""What a call costs and what a day's budget bears (R3.13): a wrong sum is somebody's bill."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.model import DayBudget, Price
from dialer.core.permission.money import calls_left, cost, day_of, micros, reserve
from tests.engine.house import campaign

MASS = Price(per_attempt=0.25, per_minute=1.9, step_s=60)
SECONDS = Price(per_minute=1.8, per_call=0.1, step_s=1)


@pytest.mark.parametrize(
    ("price", "reached", "answered_s", "expected"),
    [
        (MASS, True, None, 0.25),  # a mass-call contract: an attempt costs, answered or not
        (MASS, False, None, 0.0),  # it never came to the carrier
        (MASS, True, 0.0, 2.15),  # answered at all: one step
        (MASS, True, 60.0, 2.15),
        (MASS, True, 60.1, 4.05),
        (SECONDS, True, 10.2, 0.1 + 11 * 0.03),
        (SECONDS, True, None, 0.0),
        (None, True, 90.0, 0.0),
    ],
)
def test_a_call_costs_what_the_carrier_bills(
    price: Price | None, reached: bool, answered_s: float | None, expected: float
):
    assert cost(price, reached=reached, answered_s=answered_s) == micros(expected)


@given(first=st.floats(0, 7200), longer=st.floats(0, 7200))
def test_a_longer_call_is_never_cheaper(first: float, longer: float):
    def of(seconds: float) -> int:
        return cost(SECONDS, reached=True, answered_s=seconds)

    assert of(first + longer) >= of(first)


@pytest.mark.parametrize(
    ("budget", "calls", "spent", "left"),
    [
        (DayBudget(), 10, 10**9, None),
        (DayBudget(calls=100), 40, 0, 60),
        (DayBudget(calls=100), 140, 0, 0),
        (DayBudget(money=10.0), 0, 0, 4),  # an open call holds 2.15
        (DayBudget(money=10.0), 0, 8_000_000, 0),
        (DayBudget(calls=3, money=10.0), 0, 0, 3),
    ],
)
def test_the_tightest_budget_says_how_many_calls_more(
    budget: DayBudget, calls: int, spent: int, left: int | None
):
    assert calls_left(budget, calls, spent, [SECONDS, MASS]) == left


def test_what_costs_nothing_uses_no_money_up():
    assert reserve(None) == 0
    assert calls_left(DayBudget(money=1.0), 0, 0, [None]) == 1_000_000


def test_the_day_is_the_campaigns_own():
    late = datetime(2026, 11, 24, 21, 30, tzinfo=UTC)
    assert day_of(campaign(default_zone="Europe/Moscow"), late) == date(2026, 11, 25)
    assert day_of(campaign(default_zone="Europe/London"), late) == date(2026, 11, 24)
