"""Who comes first: scores by rules, right as time passes; one exact number for the queue."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dialer.core.base.priority import (
    CONDITIONS,
    POSITION_MAX,
    SCORE_MAX,
    Place,
    Score,
    WeakField,
    missing_fields,
    place_of,
    rank,
    score,
)
from dialer.core.model import Rule, Source
from dialer.errors import Bug

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def rule(field: str, condition: str, value: Any = None, weight: int = 10) -> Rule:
    return Rule(field=field, condition=condition, value=value, weight=weight)


#: The typical rules of R3.4.
TYPICAL = (
    rule("status", "equals", "New", 100),
    rule("source", "equals", "Сайт-визитка", 50),
    rule("fields.last_order", "above", 10_000, 80),
    rule("last_contact_at", "older_than_days", 30, 70),
)


@pytest.mark.parametrize(
    ("facts", "value"),
    [
        ({"status": "New"}, 100),
        ({"status": "new ", "source": "сайт-визитка"}, 150),
        ({"status": "New", "fields.last_order": 10_000.01}, 180),
        ({"fields": {"last_order": "12 500,50"}}, 80),
        ({"fields": {"last_order": 10_000}}, 0),
        ({"last_contact_at": NOW - timedelta(days=31)}, 70),
        ({"last_contact_at": NOW - timedelta(days=29)}, 0),
        ({}, 0),
    ],
)
def test_the_typical_rules_add_up(facts, value):
    """Worked out on paper from the requirement's own example (R3.4)."""
    assert score(facts, TYPICAL, NOW).value == value


def test_a_score_says_when_it_changes_by_itself():
    """The queue is right at the moment at which the 30 days are over."""
    facts = {"last_contact_at": NOW - timedelta(days=29)}
    before = score(facts, TYPICAL, NOW)
    assert before == Score(0, NOW + timedelta(days=1))
    assert before.next_change_at is not None
    assert score(facts, TYPICAL, before.next_change_at) == Score(70, None)


def test_the_earliest_change_of_several_rules_counts():
    rules = (
        rule("added_at", "newer_than_days", 10, 5),
        rule("last_contact_at", "older_than_days", 2, 7),
    )
    facts = {
        "added_at": NOW - timedelta(days=1),
        "last_contact_at": NOW - timedelta(days=1),
    }
    assert score(facts, rules, NOW) == Score(5, NOW + timedelta(days=1))


def test_a_subscription_about_to_end_climbs_a_week_before_and_falls_at_its_end():
    """Negative days look ahead."""
    ends_at = datetime(2026, 12, 10, tzinfo=UTC)
    rules = (
        rule("fields.ends", "older_than_days", -7, 60),
        rule("fields.ends", "older_than_days", 0, -60),
    )
    facts = {"fields": {"ends": "2026-12-10"}}
    assert score(facts, rules, NOW) == Score(0, ends_at - timedelta(days=7))
    assert score(facts, rules, ends_at - timedelta(days=7)) == Score(60, ends_at)
    assert score(facts, rules, ends_at) == Score(0, None)


@pytest.mark.parametrize(
    ("condition", "value", "fact", "matches"),
    [
        ("equals", "New", "NEW", True),
        ("equals", 5, "5", True),
        ("equals", "5", 5, True),
        ("equals", "New", None, False),
        ("equals", "vip", ["VIP", "x"], True),
        ("equals", True, "true", True),
        ("not_equals", "New", "Refused", True),
        ("not_equals", "New", "new", False),
        ("not_equals", "New", None, True),
        ("in", ["a", "b"], "B", True),
        ("in", ["a", "b"], ["c", "b"], True),
        ("in", ["a", "b"], "ab", False),
        ("in", ["a"], None, False),
        ("contains", "визит", "Сайт-визитка", True),
        ("contains", "Дорого", ["дорого"], True),
        ("contains", "дор", ["дорого"], False),
        ("contains", "", "anything", False),
        ("above", 10, 10, False),
        ("above", 10, "10.5", True),
        ("above", 10, True, False),
        ("above", 10, "nan", False),
        ("above", 10, "much", False),
        ("above", "2026-01-01", date(2026, 1, 2), True),
        ("below", 10, -3, True),
        ("below", 10, None, False),
        ("present", None, "x", True),
        ("present", None, 0, True),
        ("present", None, "  ", False),
        ("present", None, [], False),
        ("absent", None, None, True),
        ("absent", None, "", True),
        ("absent", None, "x", False),
        ("older_than_days", 30, "soon", False),
        ("older_than_days", 30, None, False),
        ("newer_than_days", 30, None, False),
        ("newer_than_days", 30, "2026-11-01T00:00:00+03:00", True),
        ("older_than_days", 10**12, "2026-11-01", False),
        ("older_than_days", -(10**12), "2026-11-01", True),
        ("newer_than_days", 10**12, "2026-11-01", True),
    ],
)
def test_each_condition(condition, value, fact, matches):
    """A contact whose field is odd or empty is neither lost nor put first by accident."""
    got = score({"fields": {"f": fact}}, [rule("fields.f", condition, value, 1)], NOW)
    assert got.value == (1 if matches else 0)


def test_an_unknown_condition_is_not_passed_over():
    with pytest.raises(Bug, match="no such condition"):
        score({}, [rule("status", "like", "x")], NOW)


DATE_RULES = st.lists(
    st.builds(
        Rule,
        field=st.sampled_from(["added_at", "last_contact_at"]),
        condition=st.sampled_from(["older_than_days", "newer_than_days"]),
        value=st.integers(-20, 20),
        weight=st.integers(-50, 50),
    ),
    max_size=4,
)
INSTANTS = st.integers(-30 * 24, 30 * 24).map(lambda hours: NOW + timedelta(hours=hours))


@given(DATE_RULES, INSTANTS, st.none() | INSTANTS, st.integers(0, 60 * 24))
def test_a_score_holds_until_its_next_change(rules, added_at, contact_at, later_h):
    """Rescoring at `next_change_at` alone keeps every score right at every moment."""
    facts = {"added_at": added_at, "last_contact_at": contact_at}
    first = score(facts, rules, NOW)
    later = NOW + timedelta(hours=later_h)
    if first.next_change_at is None or later < first.next_change_at:
        assert score(facts, rules, later).value == first.value
    if first.next_change_at is not None:
        assert first.next_change_at > NOW


@given(st.dictionaries(st.sampled_from(["status", "tags", "fields.x"]), st.text()), st.text())
def test_no_text_of_a_csv_breaks_a_rule(facts, value):
    """Hostile or broken fields score nothing, and hold up nobody."""
    for condition in sorted(CONDITIONS):
        for field in facts:
            score(facts, [rule(field, condition, value)], NOW)


# ------------------------------------------------------------------ the place in the queue

SOURCES = st.sampled_from(list(Source))
SCORES = st.integers(-SCORE_MAX, SCORE_MAX)
POSITIONS = st.integers(0, POSITION_MAX)
PLACES = st.builds(Place, SOURCES, SCORES, POSITIONS)
TIERS = {Source.HOT: 0, Source.FIRST: 1, Source.REPEAT: 2}


@given(PLACES, PLACES)
def test_ranks_order_as_tier_then_score_then_list(left, right):
    """A hot lead before all, repeats last, higher scores first, ties in the list's order."""

    def key(place):
        return (TIERS[place.source], -place.score, place.position)

    assert (rank(*left) < rank(*right)) == (key(left) < key(right))
    assert (rank(*left) == rank(*right)) == (left == right)


@given(PLACES)
def test_a_rank_tells_its_place_again(place):
    assert place_of(rank(*place)) == place


def test_the_extreme_ranks_are_exact_in_a_double():
    """The queue's store keeps doubles: no two neighbours may fall together at the far end."""
    last = rank(Source.REPEAT, -SCORE_MAX, POSITION_MAX)
    assert last < 2**53
    assert rank(Source.REPEAT, -SCORE_MAX, POSITION_MAX - 1) == last - 1
    assert rank(Source.HOT, SCORE_MAX, 0) == 0.0


@given(SOURCES, st.integers(), st.integers())
def test_a_score_past_the_bounds_is_ranked_at_the_bound(source, value, position):
    assume(abs(value) > SCORE_MAX)
    place = position % POSITION_MAX
    bound = SCORE_MAX if value > 0 else -SCORE_MAX
    assert rank(source, value, place) == rank(source, bound, place)


@pytest.mark.parametrize("position", [-1, POSITION_MAX + 1])
def test_a_position_that_does_not_fit_is_refused(position):
    with pytest.raises(Bug):
        rank(Source.FIRST, 0, position)


# ------------------------------------------------------------------ said before the start


def test_a_rule_on_a_field_that_the_list_lacks_is_said_before_the_start():
    """Else a supervisor believes for a week that the rule works (R3.4)."""
    rules = (*TYPICAL, rule("fields.note", "absent"), rule("fields.last_order", "below", 5))
    shares = {"status": 1.0, "source": 0.2, "fields.last_order": 0.19, "fields.note": 0.0}
    assert missing_fields(rules, shares) == (
        WeakField("fields.last_order", 0.19),
        WeakField("last_contact_at", None),
    )
    assert missing_fields([rule("fields.gone", "absent")], shares) == (
        WeakField("fields.gone", None),
    )
