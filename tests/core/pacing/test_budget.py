"""The abandonment cap as plain arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.pacing.budget import affordable_overdial, ledger


def test_the_first_drop_counts_from_34_answers():
    """At 3 % the first drop is earned by the 34th answer; before, one is had in advance."""
    assert not ledger(abandoned=1, answered=1, cap=0.03).passed
    assert not ledger(abandoned=2, answered=33, cap=0.03).passed  # too few to count
    assert ledger(abandoned=2, answered=34, cap=0.03).passed
    assert not ledger(abandoned=1, answered=34, cap=0.03).passed
    assert ledger(abandoned=1, answered=33, cap=0.03).left == 0.0


def test_at_the_cap_is_not_past_it():
    """0.03 * 100 is not allowed to come out under 3."""
    books = ledger(abandoned=3, answered=100, cap=0.03)
    assert not books.passed
    assert books.left == pytest.approx(0.0)
    assert ledger(abandoned=4, answered=100, cap=0.03).passed


def test_a_cap_of_nothing_allows_nothing():
    books = ledger(abandoned=0, answered=1_000, cap=0.0)
    assert affordable_overdial(books, None) == 0
    assert ledger(abandoned=1, answered=1_000, cap=0.0).passed


@given(st.integers(0, 100), st.integers(0, 5_000), st.sampled_from([0.01, 0.03, 0.05]))
def test_whoever_only_dials_what_is_affordable_never_passes_the_cap(abandoned, answered, cap):
    """The strict rule: k <= cap * n at every moment once n >= 1/cap."""
    books = ledger(abandoned=abandoned, answered=answered, cap=cap)
    over = affordable_overdial(books, None)
    assert over >= 0
    if over:
        # Each call over is answered and lost: both k and n have grown.
        after = ledger(abandoned=abandoned + over, answered=answered + over, cap=cap)
        assert not after.passed
    if books.passed:
        assert over == 0


def test_an_answer_rate_of_almost_nothing_is_no_burst_and_no_crash() -> None:
    """A rate so small that its inverse is no number any more must not stop the pacer."""
    budget = ledger(abandoned=0, answered=0, cap=0.03)
    assert affordable_overdial(budget, 2.2e-313) == affordable_overdial(budget, 1e-4)
