"""One operator's day and the races of his leg (proofs 2, 4): never lost, never stuck."""

from __future__ import annotations

import pytest

from dialer.core.calls import events as e
from dialer.core.calls import machine, operators
from dialer.core.calls.effects import CallOperator, CleanLeg, KillOperator, ParkOperator
from dialer.core.calls.operators import HAND_OVER_FAILED, RESTING, TABLE, OperatorState, Wish
from dialer.core.model import LegId
from dialer.errors import Bug
from tests.core.calls.build import (
    ANNA,
    ANNAS,
    CALL,
    OTHER,
    Desk,
    at,
    offered_desk,
    paired,
    ready_desk,
    talking_desk,
)

S = OperatorState
NEW = LegId("leg-new")
NEWER = LegId("leg-newer")


def wrapping_desk() -> Desk:
    """In wrap-up from 70 s to 90 s, his leg in park."""
    desk = talking_desk()
    desk.take(70.0, e.Parked())
    return desk


def paused_desk() -> Desk:
    desk = ready_desk()
    desk.take(5.0, e.PauseAsked("lunch"))
    return desk


def called_desk() -> Desk:
    desk = Desk()
    desk.take(1.0, e.LoginAsked(ANNAS))
    return desk


def adrift_desk() -> Desk:
    desk = talking_desk()
    desk.take(20.0, e.LinkLost())
    return desk


IN_STATE = {
    S.OFFLINE: Desk,
    S.READY: ready_desk,
    S.OFFERED: offered_desk,
    S.TALKING: talking_desk,
    S.WRAPUP: wrapping_desk,
    S.PAUSED: paused_desk,
    S.REDIALED: called_desk,
    S.ADRIFT: adrift_desk,
}
EVENTS = (
    e.LoginAsked(NEW),
    e.LegUp(ANNAS),
    e.LegUp(NEW),
    e.LegLost("NORMAL_CLEARING", NEW),
    paired(),
    e.Bridged(ANNA, CALL),
    e.Bridged(ANNA, OTHER),
    e.Parked(),
    e.CallerGone(),
    e.OfferFailed(),
    e.TimedOut(),
    e.CallEnded(),
    e.Disposed(),
    e.PauseAsked("tea"),
    e.ResumeAsked(),
    e.LogoutAsked(),
    e.LinkLost(),
    e.FoundTalking(ANNA, CALL, 5.0),
    e.Gone(),
)


@pytest.mark.parametrize("event", EVENTS, ids=repr)
@pytest.mark.parametrize("state", OperatorState)
def test_every_pair_is_a_row_or_is_refused_loudly(state, event) -> None:
    """Only a pairing out of turn and a deadline that does not exist are unlawful."""
    desk = IN_STATE[state]()
    assert desk.state is state
    if (state, type(event)) not in TABLE:
        assert isinstance(event, e.Paired) or (
            isinstance(event, e.TimedOut) and state in RESTING
        )
        with pytest.raises(Bug):
            desk.take(75.0, event)
        return
    desk.take(75.0, event)
    assert (desk.value.deadline_at is None) == (desk.state in RESTING)


def test_the_table_is_the_one_of_the_architecture() -> None:
    """The drawn diagram (docs) and the code may not drift apart on the main ways."""
    edges = {(str(s), event, str(t)) for s, event, t in machine.edges(TABLE)}
    for row in (
        ("ready", "Paired", "offered"),
        ("ready", "PauseAsked", "paused"),
        ("ready", "LogoutAsked", "offline"),
        ("ready", "LegLost", "redialed"),
        ("offered", "Bridged", "talking"),
        ("offered", "CallerGone", "ready"),
        ("offered", "Parked", "ready"),
        ("offered", "TimedOut", "paused"),
        ("offered", "LinkLost", "adrift"),
        ("talking", "CallEnded", "wrapup"),
        ("talking", "Parked", "wrapup"),
        ("talking", "TimedOut", "wrapup"),
        ("wrapup", "Disposed", "ready"),
        ("wrapup", "TimedOut", "ready"),
        ("paused", "ResumeAsked", "ready"),
        ("redialed", "LegUp", "ready"),
        ("redialed", "LegUp", "paused"),
        ("redialed", "LegUp", "wrapup"),
        ("redialed", "TimedOut", "offline"),
        ("adrift", "FoundTalking", "talking"),
        ("adrift", "Gone", "wrapup"),
        ("adrift", "TimedOut", "offline"),
    ):
        assert row in edges, row
    assert {row[0] for row in edges if row[2] == "offered"} == {"ready", "adrift"}


# ------------------------------------------------------------------ the day


def test_a_day_from_login_to_logout() -> None:
    desk = Desk()
    assert desk.take(1.0, e.LoginAsked(ANNAS)) == [CallOperator(ANNA, ANNAS)]
    assert (desk.state, desk.deadline_s) == (S.REDIALED, 61.0)
    desk.take(4.0, e.LegUp(ANNAS))
    assert (desk.state, desk.deadline_s, desk.value.parked) == (S.READY, None, True)
    desk.take(10.0, paired())
    assert (desk.state, desk.deadline_s, desk.value.attempt) == (S.OFFERED, 12.0, CALL)
    desk.take(10.1, e.Bridged(ANNA, CALL))
    assert (desk.state, desk.deadline_s) == (S.TALKING, 7225.1)
    assert desk.take(70.0, e.Parked()) == [CleanLeg(ANNA, ANNAS)]
    assert (desk.state, desk.deadline_s, desk.value.attempt) == (S.WRAPUP, 90.0, CALL)
    desk.take(80.0, e.Disposed())
    assert (desk.state, desk.value.idle_since) == (S.READY, at(80.0))
    assert desk.take(90.0, e.LogoutAsked()) == [KillOperator(ANNA, ANNAS)]
    assert (desk.state, desk.value.leg) == (S.OFFLINE, None)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_park_and_hang_up_end_the_talk_in_either_order(order) -> None:
    """The switch gives no order between the legs (proofs 2)."""
    desk = talking_desk()
    both = [e.Parked(), e.CallEnded()]
    for index in order:
        desk.take(70.0, both[index])
    assert (desk.state, desk.value.parked, desk.deadline_s) == (S.WRAPUP, True, 90.0)
    assert desk.all(CleanLeg) == [CleanLeg(ANNA, ANNAS)]
    desk.take(90.0, e.TimedOut())
    assert desk.state is S.READY


def test_nobody_is_ready_whose_leg_is_not_in_park() -> None:
    """The next customer would be bridged to a leg in limbo (proofs 4)."""
    desk = talking_desk()
    desk.take(70.0, e.CallEnded())
    assert desk.take(90.0, e.TimedOut()) == [ParkOperator(ANNA, ANNAS)]
    assert (desk.state, desk.deadline_s) == (S.WRAPUP, 92.0)
    desk.take(90.1, e.Disposed())
    assert not operators.may_be_paired(desk.value)
    desk.take(90.2, e.Parked())
    assert desk.state is S.READY


def test_a_leg_that_will_not_park_is_hung_up_and_called_again() -> None:
    desk = talking_desk()
    desk.take(70.0, e.CallEnded(), e.Disposed())
    assert desk.take(72.0, e.TimedOut()) == [KillOperator(ANNA, ANNAS)]
    assert (desk.state, desk.deadline_s) == (S.REDIALED, 132.0)
    assert desk.take(72.1, e.LegLost("NORMAL_CLEARING", NEW)) == [CallOperator(ANNA, NEW, 0.5)]
    desk.take(75.0, e.LegUp(NEW))
    assert (desk.state, desk.value.leg) == (S.READY, NEW)


def test_a_result_given_in_the_talk_saves_the_wrap_up() -> None:
    desk = talking_desk()
    desk.take(60.0, e.Disposed())
    desk.take(70.0, e.Parked())
    assert (desk.state, desk.value.disposed) == (S.READY, False)


def test_a_talk_that_nobody_ends_is_fetched_back() -> None:
    desk = talking_desk()
    assert desk.take(7225.1, e.TimedOut()) == [ParkOperator(ANNA, ANNAS)]
    assert desk.state is S.WRAPUP


# ------------------------------------------------------------------ the hand-over


@pytest.mark.parametrize("event", [e.Parked(), e.CallerGone()])
def test_a_customer_who_vanished_costs_the_operator_nothing(event) -> None:
    """2,778 of 5,000 hand-overs in proofs 4; he keeps his place as longest idle."""
    desk = offered_desk()
    assert desk.take(10.2, event) == []
    assert operators.may_be_paired(desk.value)
    assert desk.value.idle_since == at(1.0)
    assert desk.value.attempt is None


def test_a_silent_hand_over_is_parked_then_taken_out_of_the_pool() -> None:
    """A sick phone must not swallow one customer after the other."""
    desk = offered_desk()
    assert desk.take(12.0, e.TimedOut()) == [ParkOperator(ANNA, ANNAS)]
    assert (desk.state, desk.deadline_s) == (S.OFFERED, 14.0)
    desk.take(14.0, e.TimedOut())
    assert (desk.state, desk.value.pause_reason) == (S.PAUSED, HAND_OVER_FAILED)


def test_a_park_after_that_proves_the_leg_and_brings_him_back() -> None:
    desk = offered_desk()
    desk.take(12.0, e.TimedOut())
    desk.take(14.0, e.TimedOut())
    desk.take(14.2, e.Parked())
    assert desk.state is S.READY


def test_resuming_with_a_leg_out_of_park_fetches_it_first() -> None:
    desk = offered_desk()
    desk.take(12.0, e.TimedOut())
    desk.take(14.0, e.TimedOut())
    assert desk.take(20.0, e.ResumeAsked()) == [ParkOperator(ANNA, ANNAS)]
    assert not operators.may_be_paired(desk.value)
    desk.take(20.1, e.LegUp(ANNAS))
    assert desk.state is S.READY


def test_a_failed_offer_waits_for_the_park() -> None:
    desk = offered_desk()
    assert desk.take(10.5, e.OfferFailed()) == [ParkOperator(ANNA, ANNAS)]
    assert desk.take(10.5, e.OfferFailed()) == []
    assert not operators.may_be_paired(desk.value)
    desk.take(10.51, e.Parked())
    assert operators.may_be_paired(desk.value)


def test_a_late_bridge_after_the_pause_is_a_talk() -> None:
    desk = offered_desk()
    desk.take(12.0, e.TimedOut())
    desk.take(14.0, e.TimedOut())
    assert desk.value.attempt == CALL  # so that the bridge is known as his
    desk.take(14.1, e.Bridged(ANNA, CALL))
    assert (desk.state, desk.value.wish) == (S.TALKING, None)


def test_a_bridge_told_after_its_end_does_not_bring_the_talk_back() -> None:
    """He would sit in a talk of two hours with nobody."""
    desk = wrapping_desk()
    desk.take(70.1, e.Bridged(ANNA, CALL), e.FoundTalking(ANNA, CALL))
    assert desk.state is S.WRAPUP


def test_only_a_parked_leg_is_given_a_call() -> None:
    desk = paused_desk()
    with pytest.raises(Bug):
        desk.take(10.0, paired())
    with pytest.raises(Bug):
        ready_desk().take(10.0, paired(leg=NEW))


# ------------------------------------------------------------------ wishes


def test_a_pause_asked_in_a_call_comes_after_its_wrap_up() -> None:
    for make in (offered_desk, talking_desk):
        desk = make()
        desk.take(10.2, e.PauseAsked("lunch"))
        assert desk.state is make().state
        desk.take(10.3, e.Bridged(ANNA, CALL))
        desk.take(70.0, e.Parked())
        assert desk.state is S.WRAPUP
        desk.take(90.0, e.TimedOut())
        assert (desk.state, desk.value.pause_reason) == (S.PAUSED, "lunch")
        desk.take(95.0, e.ResumeAsked())
        assert (desk.state, desk.value.pause_reason) == (S.READY, None)
        assert desk.value.idle_since == at(95.0)


def test_a_logout_asked_in_a_call_comes_after_it_and_can_be_taken_back() -> None:
    desk = talking_desk()
    desk.take(20.0, e.LogoutAsked())
    desk.take(70.0, e.Parked(), e.Disposed())
    assert desk.state is S.OFFLINE
    assert desk.all(KillOperator) == [KillOperator(ANNA, ANNAS)]
    other = talking_desk()
    other.take(20.0, e.LogoutAsked(), e.LoginAsked(NEW))
    other.take(70.0, e.Parked(), e.Disposed())
    assert other.state is S.READY


def test_a_wish_after_a_hand_over_that_failed_is_obeyed_at_once() -> None:
    desk = offered_desk()
    desk.take(10.1, e.PauseAsked("tea"), e.Parked())
    assert (desk.state, desk.value.pause_reason) == (S.PAUSED, "tea")


# ------------------------------------------------------------------ the leg


def test_a_lost_phone_is_called_at_once_then_with_growing_patience_for_a_minute() -> None:
    """R2.3; a page refresh loses the leg, so the redial must be automatic (freeswitch.md 9)."""
    desk = ready_desk()
    assert desk.take(100.0, e.LegLost("gone", NEW)) == [CallOperator(ANNA, NEW)]
    delays, now_s = [], 100.0
    while desk.state is S.REDIALED:
        effects = desk.take(now_s, e.LegLost("USER_BUSY", NEWER))
        delays += [one.delay_s for one in effects if isinstance(one, CallOperator)]
        now_s += delays[-1] + 1.0
    assert delays[:6] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert desk.state is S.OFFLINE
    assert now_s <= 170.0


def test_he_returns_as_he_was() -> None:
    paused = paused_desk()
    paused.take(10.0, e.LegLost("gone", NEW))
    paused.take(12.0, e.LegUp(NEW))
    assert (paused.state, paused.value.pause_reason) == (S.PAUSED, "lunch")

    wrapping = talking_desk()
    wrapping.take(70.0, e.LegLost("MEDIA_TIMEOUT", NEW))
    wrapping.take(75.0, e.LegUp(NEW))
    assert (wrapping.state, wrapping.deadline_s) == (S.WRAPUP, 90.0)

    late = talking_desk()
    late.take(70.0, e.LegLost("gone", NEW), e.PauseAsked("tea"))
    late.take(95.0, e.LegUp(NEW))
    assert (late.state, late.value.pause_reason) == (S.PAUSED, "tea")

    done = talking_desk()
    done.take(70.0, e.LegLost("gone", NEW), e.Disposed())
    done.take(72.0, e.Parked())  # told as a park: the same
    assert done.state is S.READY


def test_who_wants_to_go_home_is_not_called_again() -> None:
    desk = talking_desk()
    desk.take(20.0, e.LogoutAsked())
    assert desk.take(30.0, e.LegLost("gone", NEW)) == []
    assert desk.state is S.OFFLINE


def test_a_leg_that_comes_up_too_late_is_hung_up() -> None:
    """Nobody would ever look after it: the phone stays off the hook."""
    desk = called_desk()
    desk.take(61.0, e.TimedOut())
    assert desk.all(KillOperator) == [KillOperator(ANNA, ANNAS)]
    assert desk.take(61.5, e.LegUp(ANNAS)) == [KillOperator(ANNA, ANNAS)]
    redialed = ready_desk()
    redialed.take(10.0, e.LegLost("gone", NEW))
    assert redialed.take(10.5, e.LegUp(ANNAS)) == [KillOperator(ANNA, ANNAS)]
    assert redialed.state is S.REDIALED


def test_pause_and_resume_while_his_phone_is_called() -> None:
    desk = called_desk()
    desk.take(2.0, e.PauseAsked("not yet"))
    desk.take(3.0, e.LegUp(ANNAS))
    assert (desk.state, desk.value.pause_reason) == (S.PAUSED, "not yet")
    other = called_desk()
    other.take(2.0, e.PauseAsked("not yet"), e.ResumeAsked())
    other.take(3.0, e.LegUp(ANNAS))
    assert other.state is S.READY


def test_a_pause_that_we_ordered_ends_with_the_leg_that_earned_it() -> None:
    desk = offered_desk()
    desk.take(12.0, e.TimedOut())
    desk.take(14.0, e.TimedOut(), e.LegLost("gone", NEW))
    desk.take(16.0, e.LegUp(NEW))
    assert desk.state is S.READY


def test_wishes_survive_a_hand_over_that_never_ends() -> None:
    for wish, state in ((e.PauseAsked("tea"), S.PAUSED), (e.LogoutAsked(), S.OFFLINE)):
        desk = offered_desk()
        desk.take(11.0, wish)
        desk.take(12.0, e.TimedOut())
        desk.take(14.0, e.TimedOut())
        assert desk.state is state
        assert desk.value.pause_reason in ("tea", None)


# ------------------------------------------------------------------ out of sight


def test_after_a_lost_link_the_switch_says_what_he_does() -> None:
    for event, state in (
        (e.FoundTalking(ANNA, CALL, 10.0), S.TALKING),
        (e.Gone(), S.WRAPUP),
        (e.Parked(), S.WRAPUP),
        (e.LegUp(ANNAS), S.WRAPUP),
        (e.LegLost("gone", NEW), S.REDIALED),
        (e.TimedOut(), S.OFFLINE),
    ):
        desk = adrift_desk()
        assert desk.deadline_s == 80.0
        desk.take(25.0, event)
        assert desk.state is state, event
        assert not desk.all(KillOperator)  # his talk may go on: it is not cut


def test_a_hand_over_lost_from_sight_comes_back_through_the_park() -> None:
    desk = offered_desk()
    desk.take(10.1, e.LinkLost())
    assert desk.take(12.0, e.Gone()) == [ParkOperator(ANNA, ANNAS)]
    desk.take(12.1, e.Parked())
    assert desk.state is S.READY


def test_a_leg_found_after_our_restart_is_adopted() -> None:
    """A killed daemon must not cost each operator a new login."""
    desk = Desk(operators.adopt(ANNA, ANNAS, at(0.0), wrapup_s=5.0))
    desk.take(1.0, e.LegUp(ANNAS))
    assert operators.may_be_paired(desk.value)
    paused = Desk(operators.adopt(ANNA, ANNAS, at(0.0), wrapup_s=5.0, pause_reason="lunch"))
    paused.take(1.0, e.Parked())
    assert (paused.state, paused.value.wish) == (S.PAUSED, None)
    busy = Desk(operators.adopt(ANNA, ANNAS, at(0.0), wrapup_s=5.0))
    busy.take(1.0, e.FoundTalking(ANNA, CALL, 30.0))
    busy.take(5.0, e.LogoutAsked())
    assert (busy.state, busy.value.wish) == (S.TALKING, Wish.LOGOUT)


def test_an_adopted_operator_has_the_wrapup_of_his_talk() -> None:
    """Not half a minute of standing idle after each talk that a restart fell into."""
    desk = Desk(operators.adopt(ANNA, ANNAS, at(0.0), wrapup_s=5.0))
    desk.take(1.0, e.FoundTalking(ANNA, CALL, 30.0))
    desk.take(20.0, e.Parked())
    assert (desk.state, desk.value.deadline_at) == (S.WRAPUP, at(25.0).mono_s)
