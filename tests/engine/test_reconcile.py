"""After a restart nobody may stay forgotten on the line, and no live call be declared dead."""

from __future__ import annotations

from typing import Any

import pytest

from dialer.core.model import AttemptId, InstanceName, LegId
from dialer.engine.reconcile import LegState, differences, state_of
from dialer.ports import FoundLeg

US = InstanceName("d1")


def found(name: str, **changes: Any) -> FoundLeg:
    values: dict[str, Any] = {
        "leg": LegId(name),
        "attempt": AttemptId(name),
        "operator": None,
        "instance": US,
        "answered": True,
        "parked": False,
        "in_script": False,
        "bridged_to": None,
        "created_at": 1.0,
        "answered_at": 2.0,
    }
    return FoundLeg(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"answered": False}, LegState.RINGING),
        ({"in_script": True}, LegState.IN_SCRIPT),
        ({"bridged_to": LegId("x")}, LegState.TALKING),
        ({"parked": True}, LegState.PARKED),
        ({}, LegState.LIMBO),
    ],
)
def test_what_a_leg_is_doing(changes: dict[str, object], state: LegState):
    assert state_of(found("a", **changes)) is state


def test_known_legs_are_seen_with_their_partner():
    look = differences({LegId("a")}, [found("a", bridged_to=LegId("b"))], instance=US)
    assert [(s.leg, s.state, s.partner) for s in look.seen] == [("a", LegState.TALKING, "b")]
    assert not look.gone
    assert not look.strangers


def test_one_look_that_misses_a_leg_does_not_bury_it():
    """`show channels` lags behind the truth by its database."""
    first = differences({LegId("a"), LegId("b")}, [found("b")], instance=US)
    assert first.gone == ()
    assert first.missing == {"a"}
    again = differences(
        {LegId("a"), LegId("b")}, [found("b")], instance=US, missing_before=first.missing
    )
    assert again.gone == ("a",)


def test_a_leg_asked_for_between_two_looks_is_not_gone():
    first = differences(set(), [], instance=US)
    second = differences({LegId("new")}, [], instance=US, missing_before=first.missing)
    assert second.gone == ()


def test_a_leg_that_reappears_is_not_gone():
    look = differences({LegId("a")}, [found("a")], instance=US, missing_before={LegId("a")})
    assert look.gone == ()
    assert look.missing == frozenset()


def test_our_own_unknown_legs_are_strangers_and_others_are_left_alone():
    legs = [
        found("mine", parked=True),
        found("theirs", instance="d2"),
        found("x", instance=None),
    ]
    look = differences(set(), legs, instance=US)
    assert [(s.leg, s.state) for s in look.strangers] == [("mine", LegState.PARKED)]
