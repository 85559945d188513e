"""Calls per second: what a carrier would cut off is never sent."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.pacing.throttle import Bucket, available, not_before, take


def bucket(rate=10.0, burst=5.0, tokens=5.0, at_s=100.0) -> Bucket:
    return Bucket(rate_per_s=rate, burst=burst, tokens=tokens, at_s=at_s)


def test_a_burst_is_granted_and_then_the_rate():
    full = bucket()
    empty, granted = take(full, 100.0, 8)
    assert granted == 5
    assert take(empty, 100.05, 1)[1] == 0
    later, granted = take(empty, 100.1, 8)
    assert granted == 1
    assert take(later, 100.1, 1)[1] == 0


def test_what_is_not_granted_is_not_owed():
    """After a second of refusals nothing is queued up: one burst, not ten."""
    empty = bucket(tokens=0.0)
    for _ in range(10):
        empty, granted = take(empty, 100.0, 5)
        assert granted == 0
    assert take(empty, 200.0, 100)[1] == 5


def test_a_clock_that_steps_back_fills_nothing():
    empty, _ = take(bucket(), 100.0, 5)
    stepped, granted = take(empty, 50.0, 1)
    assert granted == 0
    assert stepped == empty


def test_nothing_is_taken_where_nothing_is_wanted():
    assert take(bucket(), 100.0, 0) == (bucket(), 0)
    assert take(bucket(), 100.0, -3) == (bucket(), 0)


def test_not_before_says_when_to_come_again():
    empty = bucket(tokens=0.0)
    at_s = not_before(empty, 100.0, 2)
    assert at_s == pytest.approx(100.2)
    assert take(empty, at_s, 2)[1] == 2
    assert not_before(bucket(), 100.0, 5) == 100.0
    assert not_before(empty, 100.0, 6) == math.inf
    assert not_before(bucket(rate=0.0, tokens=0.0), 100.0) == math.inf


@given(
    st.floats(0.1, 200.0),
    st.floats(1.0, 50.0),
    st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(0, 60)), min_size=1, max_size=40),
)
def test_no_window_ever_sees_more_than_burst_and_rate(rate, burst, asks):
    """Whoever counts in any stretch of time finds the limit kept."""
    held = Bucket(rate_per_s=rate, burst=burst, tokens=burst, at_s=0.0)
    now_s, grants = 0.0, []
    for wait_s, want in asks:
        now_s += wait_s
        assert available(held, now_s) >= 0
        expected = min(want, available(held, now_s))
        held, granted = take(held, now_s, want)
        assert granted == expected
        grants.append((now_s, granted))
    for first in range(len(grants)):
        total = 0
        for at_s, granted in grants[first:]:
            total += granted
            assert total <= burst + rate * (at_s - grants[first][0]) + 1e-6


@given(st.floats(0.5, 100.0), st.floats(1.0, 20.0), st.floats(0.0, 20.0), st.integers(1, 20))
def test_waiting_until_not_before_is_enough(rate, burst, tokens, want):
    held = Bucket(rate_per_s=rate, burst=burst, tokens=min(tokens, burst), at_s=10.0)
    at_s = not_before(held, 10.0, want)
    if at_s == math.inf:
        assert want > burst
    else:
        assert available(held, at_s + 1e-6) >= want
