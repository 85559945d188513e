"""Whatever happens to an operator, in whatever order: never ready out of park, never stuck."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.core.calls import events as e
from dialer.core.calls import operators
from dialer.core.calls.effects import CallOperator
from dialer.core.calls.operators import RESTING, OperatorState
from dialer.core.model import LegId
from dialer.errors import Bug
from tests.core.calls.build import ANNA, ANNAS, CALL, OTHER, Desk, at, paired

LEGS = st.sampled_from([ANNAS, LegId("leg-2"), LegId("leg-3")])
EVENTS = st.one_of(
    st.builds(e.LoginAsked, LEGS),
    st.builds(e.LegUp, LEGS),
    st.builds(e.LegLost, st.just("gone"), LEGS),
    st.builds(paired, leg=LEGS, attempt=st.sampled_from([CALL, OTHER])),
    st.builds(e.Bridged, st.just(ANNA), st.sampled_from([CALL, OTHER])),
    st.builds(e.FoundTalking, st.just(ANNA), st.sampled_from([CALL, OTHER, None])),
    st.builds(e.PauseAsked, st.sampled_from(["lunch", "tea"])),
    st.sampled_from(
        [
            e.Parked(),
            e.CallerGone(),
            e.OfferFailed(),
            e.TimedOut(),
            e.CallEnded(),
            e.Disposed(),
            e.ResumeAsked(),
            e.LogoutAsked(),
            e.LinkLost(),
            e.Gone(),
        ]
    ),
)
BEGINNINGS = st.sampled_from(
    [
        (),
        (e.LoginAsked(ANNAS),),
        (e.LoginAsked(ANNAS), e.LegUp(ANNAS)),
        (e.LoginAsked(ANNAS), e.LegUp(ANNAS), paired()),
        (e.LoginAsked(ANNAS), e.LegUp(ANNAS), paired(), e.Bridged(ANNA, CALL)),
        (e.LoginAsked(ANNAS), e.LegUp(ANNAS), paired(), e.Bridged(ANNA, CALL), e.CallEnded()),
    ]
)
STEPS = st.lists(st.tuples(st.floats(0.0, 30.0), EVENTS), max_size=15)


def check(desk: Desk) -> None:
    value = desk.value
    assert (value.deadline_at is None) == (value.state in RESTING)
    assert (value.leg is None) == (value.state is OperatorState.OFFLINE)
    if value.state is OperatorState.READY:
        assert value.parked
        assert value.attempt is None
        assert value.wish is None
    if value.state in (OperatorState.OFFERED, OperatorState.TALKING):
        assert not value.parked


def play(beginning, steps) -> tuple[Desk, float]:
    desk, now_s = Desk(), 0.0
    check(desk)
    for wait_s, event in [*((0.1, one) for one in beginning), *steps]:
        now_s += wait_s
        before = desk.value
        try:
            desk.take(now_s, event)
        except Bug:
            assert desk.value is before
        check(desk)
    return desk, now_s


@given(BEGINNINGS, STEPS)
def test_time_alone_brings_every_operator_to_rest(beginning, steps) -> None:
    """R10.4: no operator stuck, and READY only with the leg in park."""
    desk, now_s = play(beginning, steps)
    for _ in range(6):
        if desk.value.deadline_at is None:
            break
        now_s = max(now_s, desk.value.deadline_at - at(0.0).mono_s)
        desk.take(now_s, e.TimedOut())
        check(desk)
    assert desk.state in RESTING


@given(BEGINNINGS, STEPS)
def test_a_lost_leg_is_never_left_uncalled_while_he_works(beginning, steps) -> None:
    """The phone drops, and unless he wants to go home it is called again or given up loudly."""
    desk, now_s = play(beginning, steps)
    if desk.state is OperatorState.OFFLINE:
        return
    going = desk.value.wish is operators.Wish.LOGOUT
    effects = desk.take(now_s, e.LegLost("gone", LegId("leg-new")))
    if desk.state is OperatorState.OFFLINE:
        assert effects == []
    else:
        assert not going
        (call,) = effects
        assert isinstance(call, CallOperator)
        assert (call.leg, desk.value.leg) == (LegId("leg-new"), LegId("leg-new"))
        assert desk.state is OperatorState.REDIALED


@given(BEGINNINGS, STEPS)
def test_a_wish_to_go_home_is_fulfilled_by_time_alone(beginning, steps) -> None:
    """Who logged out is not given another call."""
    desk, now_s = play(beginning, steps)
    desk.take(now_s, e.LogoutAsked())
    for _ in range(6):
        if desk.value.deadline_at is None:
            break
        assert not operators.may_be_paired(desk.value)
        now_s = max(now_s, desk.value.deadline_at - at(0.0).mono_s)
        desk.take(now_s, e.TimedOut())
    assert desk.state is OperatorState.OFFLINE
