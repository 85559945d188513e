"""Carriers of one campaign that answer differently are told apart, as far as they are known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dialer.core.pacing.answers import Answers
from dialer.core.pacing.cap_rule import CapRule
from dialer.core.pacing.estimates import from_json, to_json
from dialer.core.pacing.tracker import Tracker
from dialer.errors import ConfigError
from tests.core.pacing.test_predictive import outlook, tracker


def dialed(one: Tracker, rates: dict[str, float], *, from_s: float, to_s: float) -> None:
    """A call by each carrier each second; so many of each are answered after 8 s, the others
    ring out.
    """
    due: list[tuple[float, tuple[str, float], bool]] = []
    owed = dict.fromkeys(rates, 0.0)
    at_s = from_s
    while at_s < to_s:
        for carrier, rate in rates.items():
            call = (carrier, at_s)
            owed[carrier] += rate
            answers = owed[carrier] >= 1.0
            owed[carrier] -= answers
            one.launched([call], [0.02], at_s, [carrier])
            due.append((at_s + (8.0 if answers else 28.0), call, answers))
        for ends in [ends for ends in sorted(due) if ends[0] <= at_s]:
            due.remove(ends)
            (one.answered if ends[2] else one.ended)(ends[1], ends[0])
        one.law(at_s)
        at_s += 1.0


def test_two_carriers_of_ten_and_forty_percent_are_told_apart():
    """Else twenty calls in flight by the worse one are taken for five answers that do not come,
    and by the better one for five where eight do.
    """
    one = tracker()
    dialed(one, {"spam": 0.1, "clean": 0.4}, from_s=0.0, to_s=600.0)
    found = one.answers.by_carrier()
    assert found["spam"] == pytest.approx(0.1, abs=0.04)
    assert found["clean"] == pytest.approx(0.4, abs=0.08)
    # Of a call of which nobody knows yet how it goes: by what is launched.
    view = outlook(one, 600.0)
    assert view.rate == pytest.approx(0.25, abs=0.06)
    # Calls in flight have the rate of their carrier, and nothing between.
    worse, better = view.rates[view.rates < 0.2], view.rates[view.rates >= 0.2]
    assert min(len(worse), len(better)) > 15
    assert better.min() > 2.0 * worse.max()


def test_a_carrier_of_which_little_is_known_is_taken_for_the_others():
    """Five calls in vain say nothing; the first were not dialed by a rate out of thin air."""
    one = tracker()
    dialed(one, {"old": 0.3}, from_s=0.0, to_s=900.0)
    dialed(one, {"old": 0.3, "new": 0.0}, from_s=900.0, to_s=932.0)
    found = one.answers.by_carrier()
    assert found["new"] > 0.7 * found["old"]
    dialed(one, {"old": 0.3, "new": 0.0}, from_s=932.0, to_s=1_500.0)
    found = one.answers.by_carrier()
    assert found["new"] < 0.25 * found["old"]


def test_the_same_by_one_carrier_or_two_alike_is_the_same_rate():
    alone, both = tracker(), tracker()
    dialed(alone, {"a": 0.3}, from_s=0.0, to_s=900.0)
    dialed(both, {"a": 0.3, "b": 0.3}, from_s=0.0, to_s=900.0)
    found = both.answers.by_carrier()
    assert found["a"] == pytest.approx(found["b"], abs=0.02)
    assert found["a"] == pytest.approx(alone.answers.by_carrier()["a"], abs=0.03)


def test_a_jump_of_the_list_moves_all_carriers_at_once():
    """What a new block of the list does is common: no carrier has to learn it by itself."""
    one = tracker()
    dialed(one, {"spam": 0.08, "clean": 0.3}, from_s=0.0, to_s=900.0)
    dialed(one, {"clean": 0.6, "spam": 0.23}, from_s=900.0, to_s=1_080.0)
    found = one.answers.by_carrier()
    assert found["clean"] > 0.45
    assert 0.12 < found["spam"] < 0.35


def test_what_was_learned_of_carriers_outlives_a_restart():
    before, after = tracker(), tracker(now_s=50.0)
    dialed(before, {"spam": 0.1, "clean": 0.4}, from_s=0.0, to_s=900.0)
    text = to_json(before, now_s=900.0, saved_at=1e9)
    from_json(after, text, now_s=50.0, at=1e9 + 20.0, place="estimates")
    after.law(50.0)
    was, found = before.answers.by_carrier(), after.answers.by_carrier()
    assert found == pytest.approx(was, rel=0.25)


@pytest.mark.parametrize("carriers", [[1], {"a": [1.0]}, {"a": [1, 2, 1]}, {"a": ["x", 1, 1]}])
def test_saved_carriers_that_make_no_sense_are_refused(carriers: Any):
    state = json.loads(to_json(tracker(), now_s=0.0, saved_at=1e9))
    state["answers"]["carriers"] = carriers
    with pytest.raises(ConfigError):
        from_json(tracker(), json.dumps(state), now_s=0.0, at=1e9, place="estimates")


def test_estimates_from_before_carriers_were_told_apart_are_used():
    one = Tracker(rule=CapRule(), ring_timeout_s=28.0)
    state = one.answers.state()
    del state["carriers"]
    Answers(ring_timeout_s=28.0).take(state, 0.0)
