"""What a supervisor would lose: a percentage that says more than its few cases can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.reports.shares import share_of, wilson


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_interval_equals_the_published_one(
    part: int, whole: int, low: float, high: float
) -> None:
    assert wilson(part, whole) == pytest.approx((low, high), abs=0.00005)


def test_fifteen_of_a_hundred_mean_nine_to_twenty_three_percent() -> None:
    """The bought base's verdict of R8.3 rests on exactly this."""
    share = share_of(15, 100)
    assert (round(100 * share.low), round(100 * share.high)) == (9, 23)


def test_few_cases_are_said_as_counts_not_as_a_percentage() -> None:
    assert str(share_of(2, 9)) == "2 of 9 (6%–55%)"
    assert str(share_of(0, 0)) == "no cases"
    assert share_of(0, 0).value is None
    assert str(share_of(31, 1000)) == "3.1 % (2.2–4.4 %, 31 of 1000)"


@given(st.integers(0, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_its_share_and_stays_between_nothing_and_all(
    counts: tuple[int, int],
) -> None:
    part, whole = counts
    low, high = wilson(part, whole)
    assert 0.0 <= low <= high <= 1.0
    if whole:
        assert low <= part / whole <= high


@given(st.integers(1, 5_000), st.integers(2, 5))
def test_more_cases_make_it_narrower(part: int, times: int) -> None:
    low, high = wilson(part, 2 * part)
    closer_low, closer_high = wilson(part * times, 2 * part * times)
    assert closer_high - closer_low < high - low
