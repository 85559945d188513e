"""Whose day a call counts in, which numbers may be shown, when a pool ends."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.model import GatewayName, Number, NumberId, PoolName
from dialer.core.numbers.pools import (
    NumberLoad,
    may_show,
    number_day,
    number_hour,
    plan,
    pool_load,
)

ALPHA, BETA, GAMMA = GatewayName("alpha"), GatewayName("beta"), GatewayName("gamma")


def number(last: str, **given_fields: Any) -> Number:
    fields: dict[str, Any] = {
        "kind": "mobile",
        "region": None,
        "gateways": (ALPHA, BETA),
    } | given_fields
    return Number(id=NumberId(f"+7900000000{last}"), pool=PoolName("mobile"), **fields)


def test_midnight_is_that_of_the_numbers_own_zone():
    """The hard limit of a day is charged in the number's zone, not in the server's (R1.3)."""
    wall = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
    assert number_day(number("1"), wall) == date(2026, 11, 24)
    assert number_hour(number("1"), wall) == "2026-11-24T23"
    far_east = number("2", zone="Asia/Vladivostok")
    assert number_day(far_east, wall) == date(2026, 11, 25)
    assert number_hour(far_east, wall) == "2026-11-25T06"


def test_a_number_goes_out_by_the_campaigns_first_gateway_that_may_show_it():
    """Failover to the next gateway that may show the number, in the campaign's order (R3.9)."""
    only_gamma = number("2", gateways=(GAMMA,))
    shown = may_show([number("1"), only_gamma], [BETA, GAMMA, ALPHA], {ALPHA, BETA, GAMMA})
    assert [(n.id[-1], gateway) for n, gateway in shown] == [("1", BETA), ("2", GAMMA)]
    shown = may_show([number("1"), only_gamma], [BETA, GAMMA, ALPHA], {ALPHA})
    assert [(n.id[-1], gateway) for n, gateway in shown] == [("1", ALPHA)]


def test_a_gateway_outside_the_campaign_shows_nothing():
    assert may_show([number("1", gateways=(GAMMA,))], [ALPHA, BETA], {ALPHA, GAMMA}) == []


@pytest.mark.parametrize(
    "unfit",
    [
        {"state": "quarantined"},
        {"state": "resting"},
        {"state": "retired"},
        {"kind": "toll_free"},
        {"kind": "pbx"},
    ],
)
def test_resting_and_inbound_numbers_are_never_shown(unfit):
    """Never one in quarantine (R1.4); toll-free and PBX numbers are inbound only (R1.1)."""
    assert may_show([number("1", **unfit)], [ALPHA], {ALPHA}) == []


def test_a_pool_of_100_mobiles_carries_7000_calls_a_day():
    """The figure of R1.11, said before the first call."""
    numbers = [number(str(i)) for i in range(100)]
    carried = plan([*numbers, number("x", state="quarantined")], 7_000)
    assert (carried.numbers, carried.capacity, carried.hard_capacity) == (100, 7_000, 8_000)
    assert carried.enough
    assert carried.warning
    assert not plan(numbers, 7_001).enough
    assert not plan(numbers, 5_599).warning
    assert plan([], 1).share == float("inf")
    assert plan([], 0).enough


def test_a_pool_warns_at_80_percent_and_ends_at_its_hard_limits():
    assert not pool_load([NumberLoad(63, 70, 80), NumberLoad(64, 70, 80)]).warning
    load = pool_load([NumberLoad(64, 70, 80), NumberLoad(64, 70, 80)])
    assert (load.used, load.soft_left, load.hard_left) == (128, 12, 32)
    assert load.warning
    assert not load.used_up
    assert pool_load([NumberLoad(80, 70, 80)]).used_up


def test_a_number_over_its_lowered_limit_takes_no_room_from_the_others():
    """The limit was lowered at noon: the pool's rest is what the others have left."""
    load = pool_load([NumberLoad(50, 20, 30), NumberLoad(10, 20, 30)])
    assert (load.soft_left, load.hard_left) == (10, 20)


@given(
    st.lists(
        st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)).map(
            lambda one: NumberLoad(*one)
        )
    )
)
def test_a_pools_share_is_a_share(loads):
    load = pool_load(loads)
    assert 0.0 <= load.share <= 1.0
    assert load.used_up == (load.share == 1.0)
    assert 0 <= load.soft_left <= load.hard_left
