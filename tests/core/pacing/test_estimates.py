"""Estimates over a restart, and which ringing calls may be given up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dialer.core.pacing.cancelling import PostDialDelays, RingingCall, may_give_up
from dialer.core.pacing.estimates import VERSION, from_json, to_json
from dialer.core.pacing.tracker import Tracker
from dialer.errors import ConfigError
from tests.core.pacing.test_predictive import calls, outlook, tracker

SAVED_AT = 1_800_000_000.0


def learned() -> Tracker:
    one = tracker()
    calls(one, 0.15, from_s=0.0, to_s=1_800.0)
    for number in range(50):
        one.talk_began(number, 0.0)
        one.talk_ended(number, 30.0 + number)
    one.abandoned(1_700.0)
    return one


def test_a_restart_goes_on_where_it_stood():
    """Else each restart is a slow start, in the middle of a day."""
    before = learned()
    text = to_json(before, now_s=1_800.0, saved_at=SAVED_AT)
    after = tracker(now_s=50.0)
    from_json(after, text, now_s=50.0, at=SAVED_AT + 20.0, place="estimates")
    view = outlook(after, 50.0)
    assert view.rate == pytest.approx(outlook(before, 1_800.0).rate, rel=0.15)
    assert not after.answers.is_starting
    assert (after.stretch.answers, after.stretch.abandoned) == (
        before.stretch.answers,
        before.stretch.abandoned,
    )
    assert view.law.free[0][40, 10] == pytest.approx(before.law(1_800.0).free[0][40, 10])


def test_a_level_of_yesterday_is_no_level_and_the_start_is_slow():
    """What was answered at noon yesterday says little of nine in the morning."""
    text = to_json(learned(), now_s=1_800.0, saved_at=SAVED_AT)
    after = tracker()
    from_json(after, text, now_s=0.0, at=SAVED_AT + 20 * 3_600.0, place="estimates")
    assert after.answers.is_starting
    assert outlook(after, 0.0).rate > 0.35


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": VERSION + 1}, "version 2, this program reads 1"),
        ({"saved_at": SAVED_AT - 30 * 86_400.0}, "30 days old"),
        ({"theta": "much"}, "does not fit"),
        ({"durations": {"hazards": [], "level": [1, 1]}}, "does not fit"),
        ({"answers": None}, "does not fit"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_and_changes_nothing(
    change: dict[str, Any], said: str
):
    """Of another version, old, or changed by hand: a sentence, and the prior."""
    state = json.loads(to_json(learned(), now_s=1_800.0, saved_at=SAVED_AT)) | change
    after = tracker()
    before = after.state(0.0)
    with pytest.raises(ConfigError, match=said) as refused:
        from_json(after, json.dumps(state), now_s=0.0, at=SAVED_AT, place="estimates:1")
    assert refused.value.problems[0].place == "estimates:1"
    assert "nothing of the cap is lost" in refused.value.problems[0].remedy
    assert after.state(0.0)["theta"] == before["theta"]
    assert after.state(0.0)["durations"] == before["durations"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 1}'])
def test_what_is_no_file_of_estimates_is_refused(text: str):
    with pytest.raises(ConfigError):
        from_json(tracker(), text, now_s=0.0, at=SAVED_AT, place="estimates")


def test_nobody_is_given_up_before_fifteen_seconds_of_ringing():
    delays = PostDialDelays()
    call = RingingCall(launched_s=0.0, rang_s=4.0, gateway="one")
    assert not may_give_up(call, delays, 18.9)
    assert may_give_up(call, delays, 19.0)


def test_without_a_ringing_signal_the_longest_delay_is_waited_for():
    """Some carriers never send 180: it may have begun to ring as late as any call there."""
    delays = PostDialDelays()
    call = RingingCall(launched_s=0.0, rang_s=None, gateway="one")
    assert not may_give_up(call, delays, 22.9)  # nothing seen yet: eight seconds are assumed
    delays.rang("one", 11.0)
    delays.rang("one", 2.0)
    assert not may_give_up(call, delays, 25.5)
    assert may_give_up(call, delays, 26.0)
    delays.rang("one", 3_000.0)  # a lost signal, no delay
    assert may_give_up(call, delays, 26.0)


def test_a_contact_is_given_up_once_a_day():
    call = RingingCall(launched_s=0.0, rang_s=1.0, gateway="one", cancelled_today=True)
    assert not may_give_up(call, PostDialDelays(), 28.0)
