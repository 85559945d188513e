"""Whatever the line does, in whatever order: one result, no blind call, no call for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.core.calls import attempts
from dialer.core.calls import events as e
from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.effects import Bridge, GiveBack, KillCustomer, Originate, Settle
from dialer.errors import Bug
from tests.core.calls.build import (
    ANNA,
    ANNAS,
    BORIS,
    BORISS,
    BUSY,
    CALL,
    CLEARED,
    Call,
    at,
    paired,
    shown,
)

REPLIES = st.sampled_from(
    ["-ERR USER_BUSY", "-ERR DESTINATION_OUT_OF_ORDER", "-ERR INVALID_GATEWAY", "-USAGE: x", ""]
)
EVENTS = st.one_of(
    st.just(e.Started()),
    st.just(e.Go("+79161234567")),
    st.builds(e.Denied, st.just("stop")),
    st.builds(e.Stop, st.sampled_from(["stop", "halted", attempts.OVERDIAL])),
    st.just(e.TimedOut()),
    st.just(e.LinkLost()),
    st.just(e.Created()),
    st.builds(e.Progressed, st.booleans()),
    st.just(e.Answered()),
    st.just(e.Ready()),
    st.builds(e.Refused, REPLIES),
    st.builds(e.HungUp, st.sampled_from([BUSY, CLEARED])),
    st.just(e.MachineHeard()),
    st.builds(e.KeyPressed, st.sampled_from(["9", "1"])),
    st.just(e.OptedOut()),
    st.sampled_from([paired(), paired(BORIS, BORISS)]),
    st.sampled_from([e.Bridged(ANNA, CALL), e.Bridged(BORIS, CALL)]),
    st.just(e.OfferFailed()),
    st.just(e.OperatorGone()),
    st.just(e.FoundRinging()),
    st.builds(e.FoundAnswered, st.booleans(), st.floats(0.0, 100.0)),
    st.builds(
        e.FoundTalking, st.sampled_from([ANNA, None]), st.just(CALL), st.floats(0.0, 100.0)
    ),
    st.just(e.Gone()),
)
#: The usual beginnings, so that the later states are reached often.
BEGINNINGS = st.sampled_from(
    [
        (),
        (e.Go("+79161234567"),),
        (e.Go("+79161234567"), e.Created(), e.Progressed(False)),
        (e.Go("+79161234567"), e.Answered(), e.Ready()),
        (e.Go("+79161234567"), e.Answered(), e.Ready(), paired()),
        (e.Go("+79161234567"), e.Answered(), e.Ready(), paired(), e.Bridged(ANNA, CALL)),
        (e.Go("+79161234567"), e.Created(), e.LinkLost()),
    ]
)
STEPS = st.lists(st.tuples(st.floats(0.0, 5.0), EVENTS), max_size=14)


def play(beginning, steps, call: Call | None = None) -> tuple[Call, float]:
    """The call after all of it, and the second; what the table forbids changes nothing."""
    call, now_s = call or Call(), 0.0
    for wait_s, event in [*((0.01, one) for one in beginning), *steps]:
        now_s += wait_s
        before = call.value
        try:
            call.take(now_s, event)
        except Bug:
            assert call.value is before
        check(call)
    return call, now_s


def check(call: Call) -> None:
    value = call.value
    assert (value.deadline_at is None) == (value.state is AttemptState.ENDED)
    assert len(call.all(Originate)) <= 1
    settled, given_back = len(call.all(Settle)), len(call.all(GiveBack))
    assert settled <= 1
    assert (settled + given_back > 0) == (value.state is AttemptState.ENDED)
    if given_back:
        assert settled == 0
        assert not call.all(Originate)  # nobody is dialed whose claim was given back
    if settled:
        assert value.dialed_at is not None


@given(BEGINNINGS, STEPS)
def test_exactly_one_result_and_time_alone_brings_it(beginning, steps) -> None:
    """A call without a result holds its phone for ever; one with two is counted twice."""
    call, now_s = play(beginning, steps)
    for _ in range(12):
        if call.value.deadline_at is None:
            break
        now_s = max(now_s, call.value.deadline_at - at(0.0).mono_s)
        call.take(now_s, e.TimedOut())
        check(call)
    assert call.state is AttemptState.ENDED


@given(st.sampled_from([(), (e.Started(),), (e.Started(), e.Go("+7916"))]), STEPS)
def test_a_card_is_dialed_only_after_its_operator_has_started_it(beginning, steps) -> None:
    """R3.1: a card that dials by itself is not preview; one without an end holds its phone."""
    call, now_s = play(beginning, steps, shown())
    took = [*beginning, *(event for _, event in steps)]
    if call.all(Originate):
        assert any(isinstance(event, e.Started) for event in took)
    for _ in range(12):
        if call.value.deadline_at is None:
            break
        now_s = max(now_s, call.value.deadline_at - at(0.0).mono_s)
        call.take(now_s, e.TimedOut())
        check(call)
    assert call.state is AttemptState.ENDED
    assert call.value.meant_for == ANNA


@given(BEGINNINGS, STEPS)
def test_nobody_is_bridged_before_his_script_runs_or_after_we_gave_him_up(
    beginning, steps
) -> None:
    """Too early loses calls (proofs 0.3); too late joins an operator to a dying leg."""
    call, now_s = Call(), 0.0
    for wait_s, event in [*((0.01, one) for one in beginning), *steps]:
        now_s += wait_s
        before = call.value
        try:
            effects = call.take(now_s, event)
        except Bug:
            continue
        for effect in effects:
            if isinstance(effect, Bridge):
                assert before.ready_at is not None
                assert before.killed is None
                assert before.state is AttemptState.WAITING
                assert (effect.operator, effect.operator_leg) in (
                    (ANNA, ANNAS),
                    (BORIS, BORISS),
                )


@given(BEGINNINGS, STEPS)
def test_a_stop_before_an_answer_orders_a_hang_up_or_needs_none(beginning, steps) -> None:
    """R6.2, R10.6: a stopped call that rings on would be a called person's complaint."""
    call, now_s = play(beginning, steps)
    before = call.value
    unanswered = before.state in (AttemptState.DIALING, AttemptState.RINGING)
    effects = call.take(now_s, e.Stop("stop"))
    if unanswered and before.killed is None:
        assert effects == [KillCustomer(CALL, "MANAGER_REQUEST")]
    if before.state in (AttemptState.SHOWN, AttemptState.CLAIMED):
        assert effects == [GiveBack(CALL, "stop")]


@given(BEGINNINGS, STEPS)
def test_milestones_never_run_backwards(beginning, steps) -> None:
    """Durations in the books would be negative (R5.1)."""
    value = play(beginning, steps)[0].value
    for earlier, later in (
        (value.claimed_at, value.dialed_at),
        (value.answered_at, value.message_at),
        (value.answered_at, value.bridged_at),
        (value.answered_at, value.ended_at),
        (value.bridged_at, value.ended_at),
    ):
        if earlier is not None and later is not None:
            assert earlier.mono_s <= later.mono_s
