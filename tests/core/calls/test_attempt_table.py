"""The attempt's table: what is lawful, what it leads to, and that a gap is loud."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dialer.core.calls import attempts, machine
from dialer.core.calls import events as e
from dialer.core.calls.attempts import TABLE, Attempt, AttemptState
from dialer.errors import Bug
from tests.core.calls.build import (
    ANNA,
    CALL,
    CLEARED,
    Call,
    at,
    dialed,
    offered,
    paired,
    ringing,
    shown,
    talking,
    waiting,
)

EVENTS: dict[type[e.Event], e.Event] = {
    type(one): one
    for one in (
        e.Started(),
        e.Go("+79161234567"),
        e.Denied("stop"),
        e.Stop("stop"),
        e.TimedOut(),
        e.LinkLost(),
        e.Created(),
        e.Progressed(False),
        e.Answered(),
        e.Ready(),
        e.Refused("-ERR USER_BUSY"),
        e.HungUp(CLEARED),
        e.MachineHeard(),
        e.KeyPressed("9"),
        e.OptedOut(),
        paired(),
        e.Bridged(ANNA, CALL),
        e.OfferFailed(),
        e.OperatorGone(),
        e.FoundRinging(),
        e.FoundAnswered(True, 0.5),
        e.FoundTalking(ANNA, CALL, 3.0),
        e.Gone(),
    )
}


def in_message() -> Call:
    call = waiting()
    call.take(11.82, e.TimedOut())
    return call


def adrift() -> Call:
    call = ringing()
    call.take(3.0, e.LinkLost())
    return call


def ended() -> Call:
    call = ringing()
    call.take(3.0, e.HungUp(CLEARED))
    return call


IN_STATE: dict[AttemptState, Callable[[], Call]] = {
    AttemptState.SHOWN: shown,
    AttemptState.CLAIMED: Call,
    AttemptState.DIALING: dialed,
    AttemptState.RINGING: ringing,
    AttemptState.WAITING: waiting,
    AttemptState.MESSAGE: in_message,
    AttemptState.OFFERED: offered,
    AttemptState.TALKING: talking,
    AttemptState.ADRIFT: adrift,
    AttemptState.ENDED: ended,
}


@pytest.mark.parametrize("kind", EVENTS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("state", AttemptState)
def test_every_pair_is_a_row_or_is_refused_loudly(
    state: AttemptState, kind: type[e.Event]
) -> None:
    """A pair that nobody thought of must not silently change (or lose) a live call."""
    call = IN_STATE[state]()
    assert call.state is state
    if (state, kind) not in TABLE:
        with pytest.raises(Bug):
            attempts.step(call.value, EVENTS[kind], at(12.0))
        return
    if state is AttemptState.ENDED and kind is e.Go:
        return  # it depends on what it ended of: test_attempt_races
    after, _ = attempts.step(call.value, EVENTS[kind], at(12.0))
    assert (after.deadline_at is None) == (after.state is AttemptState.ENDED)


def test_only_our_own_steps_and_the_impossible_are_missing() -> None:
    """A live call meets no event of the line that would be dropped as unknown."""
    line = {kind for kind in EVENTS if kind not in (e.Started, e.Go, e.Denied, e.Paired)}
    ours = (AttemptState.SHOWN, AttemptState.CLAIMED)  # no leg yet
    gaps = {
        (state, kind)
        for state in AttemptState
        for kind in line
        if state not in ours and (state, kind) not in TABLE
    }
    before_answer = (AttemptState.DIALING, AttemptState.RINGING)
    assert gaps == {
        (state, kind)
        for state in before_answer
        for kind in (e.MachineHeard, e.OfferFailed, e.OperatorGone)
    }


def test_the_table_is_the_one_of_the_architecture() -> None:
    """The drawn diagram (docs) and the code may not drift apart on the main ways."""
    edges = {(str(s), event, str(t)) for s, event, t in machine.edges(TABLE)}
    for row in (
        ("shown", "Started", "claimed"),
        ("shown", "Denied", "ended"),
        ("shown", "Stop", "ended"),
        ("shown", "TimedOut", "ended"),
        ("claimed", "Go", "dialing"),
        ("claimed", "Denied", "ended"),
        ("claimed", "Stop", "ended"),
        ("claimed", "TimedOut", "ended"),
        ("dialing", "Progressed", "ringing"),
        ("dialing", "Answered", "waiting"),
        ("dialing", "Refused", "ended"),
        ("ringing", "Answered", "waiting"),
        ("ringing", "HungUp", "ended"),
        ("waiting", "Paired", "offered"),
        ("waiting", "Bridged", "talking"),
        ("waiting", "TimedOut", "message"),
        ("message", "HungUp", "ended"),
        ("offered", "Bridged", "talking"),
        ("offered", "OfferFailed", "waiting"),
        ("offered", "TimedOut", "waiting"),
        ("talking", "HungUp", "ended"),
        ("adrift", "FoundRinging", "ringing"),
        ("adrift", "FoundAnswered", "waiting"),
        ("adrift", "FoundTalking", "talking"),
        ("adrift", "Gone", "ended"),
    ):
        assert row in edges, row
    for state in ("dialing", "ringing", "waiting", "message", "offered", "talking"):
        assert (state, "LinkLost", "adrift") in edges
    assert not {row for row in edges if row[0] == "ended"}
    assert {row[1] for row in edges if row[2] == "offered"} == {"Paired"}


def test_a_handler_that_leaves_its_row_is_a_bug() -> None:
    """A table that says less than the code does would draw a wrong diagram."""
    call = ringing()
    lying: machine.Table[Attempt] = {
        (AttemptState.RINGING, e.HungUp): machine.on(TABLE[AttemptState.RINGING, e.HungUp].do)
    }
    with pytest.raises(Bug):
        machine.take(lying, call.value, e.HungUp(CLEARED), at(3.0))
