"""Where persistence ends (R6.11). Without it a campaign that nobody wants rings on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.model import Persistence
from dialer.core.permission.persistence import (
    CYCLE_S,
    STOP_AT,
    Figures,
    Judged,
    judge,
    rests,
    sentence,
)

LIMITS = Persistence(tries_per_talk=20, opt_outs_share=0.02, from_tries=100)
MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)


def test_a_campaign_within_its_limits_dials_at_its_whole_pace():
    judged = judge(Figures(tries=1000, talks=50, answered=300, opt_outs=6), LIMITS)
    assert judged == Judged()
    assert sentence(judged) == ""


def test_above_a_limit_it_slows_and_says_by_which():
    judged = judge(Figures(tries=1250, talks=50, answered=300), LIMITS)
    assert judged.pace == pytest.approx(0.5)
    assert sentence(judged) == (
        "in 30 days 25.0 tries for one talk, the limit is 20.0: dials at 50% of its pace"
    )


def test_far_above_it_stops_and_the_worst_limit_is_named_first():
    judged = judge(Figures(tries=1250, talks=50, answered=300, opt_outs=9), LIMITS)
    assert judged.pace == 0.0
    assert [one.key for one in judged.over] == ["opt_outs_share", "tries_per_talk"]
    assert sentence(judged).endswith("dials nothing")
    assert rests(judged, MIDNIGHT), "not even in the first second"


def test_nobody_reached_at_all_is_the_worst_persistence():
    assert judge(Figures(tries=5000), LIMITS).pace == 0.0


def test_few_tries_say_nothing():
    assert judge(Figures(tries=99, answered=10, opt_outs=10), LIMITS).pace == 1.0


def test_without_limits_nothing_is_slowed():
    assert judge(Figures(tries=9999, answered=1, opt_outs=9999), Persistence()).pace == 1.0


@given(pace=st.floats(0, 1), start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))
def test_it_dials_the_share_of_time_that_its_pace_is(pace: float, start: datetime):
    """Any quarter of an hour has the same share of dialing in it."""
    judged = Judged(pace=pace)
    began = start.replace(tzinfo=UTC)
    steps = 300
    dials = sum(
        not rests(judged, began + timedelta(seconds=n * CYCLE_S / steps)) for n in range(steps)
    )
    assert dials / steps == pytest.approx(pace, abs=1.5 / steps)


@given(excess=st.floats(1.0, 3.0), more=st.floats(0.0, 1.0))
def test_worse_is_never_faster(excess: float, more: float):
    def pace(times: float) -> float:
        return judge(Figures(tries=round(20_000 * times), talks=1000), LIMITS).pace

    assert pace(excess + more) <= pace(excess)
    assert (pace(excess) > 0) is (round(20_000 * excess) < 20_000 * STOP_AT)
