"""If these fail, calls go out each time a dying gateway comes up for a moment."""

from hypothesis import given
from hypothesis import strategies as st

from dialer.core.pacing.flapping import (
    CALM_S,
    FIRST_REST_S,
    LONGEST_REST_S,
    WINDOW_S,
    Flaps,
    is_resting,
    went_down,
)


def after(*downs_s: float) -> Flaps:
    flaps = Flaps()
    for at_s in downs_s:
        flaps = went_down(flaps, at_s)
    return flaps


def test_three_times_down_within_two_minutes_rest_it():
    assert not is_resting(after(0, 5), 6)
    assert is_resting(after(0, 5, 10), 11)
    assert not is_resting(after(0, 5, 10), 10 + FIRST_REST_S)


def test_now_and_then_down_is_no_flapping():
    assert not is_resting(after(*(n * WINDOW_S for n in range(50))), 50 * WINDOW_S)


def test_each_rest_is_longer_until_it_was_steady_for_long():
    first = after(0, 1, 2)
    end_s = first.resting_until_s
    second = went_down(went_down(went_down(first, end_s), end_s + 1), end_s + 2)
    assert second.rest_s == 2 * FIRST_REST_S
    calm_s = second.resting_until_s + CALM_S + 1
    third = went_down(went_down(went_down(second, calm_s), calm_s + 1), calm_s + 2)
    assert third.rest_s == FIRST_REST_S


@given(st.lists(st.floats(0.1, 600.0), max_size=200))
def test_no_rest_lasts_for_ever(pauses_s):
    """Also a gateway that goes on flapping in its rest comes back to be tried."""
    flaps, now_s = Flaps(), 0.0
    for pause_s in pauses_s:
        now_s += pause_s
        flaps = went_down(flaps, now_s)
        assert flaps.resting_until_s <= now_s + LONGEST_REST_S
        assert len(flaps.downs) < 3
