"""One call's walk and every race that the real switch was seen to run (proofs 1, 4, 10)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dialer.core.calls import attempts
from dialer.core.calls import events as e
from dialer.core.calls.attempts import AttemptState, CallRules
from dialer.core.calls.effects import (
    Bridge,
    GiveBack,
    KillCustomer,
    Originate,
    PlayMessage,
    Rescue,
    Settle,
    StartRecording,
    StopPhone,
)
from dialer.core.model import (
    Campaign,
    CampaignName,
    Evidence,
    GatewayName,
    GroupName,
    InstanceName,
    OpenAttempt,
    PoolName,
)
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
    claimed,
    dialed,
    offered,
    paired,
    ringing,
    talking,
    waiting,
)

S = AttemptState
LOST = Evidence(channel=True, cause="LOST")
CANCELLED = Evidence(
    channel=True, cause="ORIGINATOR_CANCEL", q850=16, hangup_disposition="send_cancel"
)


# ------------------------------------------------------------------ the main way


def test_a_talk_from_claim_to_result() -> None:
    """The one thing that the dialer is for."""
    call = Call()
    assert call.deadline_s == 10.0
    assert call.take(1.0, e.Go("+79161234567")) == [
        Originate(CALL, "+79161234567", claimed().number, claimed().gateway, "spring")
    ]
    assert (call.state, call.deadline_s) == (S.DIALING, 31.0)
    call.take(2.0, e.Created(), e.Progressed(early_media=True), e.Progressed(early_media=False))
    assert (call.state, call.deadline_s) == (S.RINGING, 31.0)
    call.take(10.0, e.Answered())
    assert (call.state, call.deadline_s) == (S.WAITING, 12.0)
    call.take(10.02, e.Ready())
    assert call.deadline_s == 11.82  # the script's silence of 1.8 s
    assert call.take(10.1, paired()) == [Bridge(ANNA, ANNAS, CALL)]
    assert (call.state, call.deadline_s) == (S.OFFERED, 10.6)
    assert call.take(10.15, e.Bridged(ANNA, CALL)) == []
    assert (call.state, call.deadline_s) == (S.TALKING, 7220.15)
    assert call.take(70.0, e.HungUp(CLEARED)) == [Settle(CALL, CLEARED)]
    assert (call.state, call.deadline_s) == (S.ENDED, None)


def test_a_recording_campaign_records_each_talk_once() -> None:
    call = offered(record=True)
    assert call.take(10.2, e.Bridged(ANNA, CALL)) == [StartRecording(CALL)]
    assert call.take(10.3, e.Bridged(ANNA, CALL)) == []
    assert not talking().all(StartRecording)


# ------------------------------------------------------------------ before the call


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (e.Denied("stop"), "stop"),
        (e.Stop("halted"), "halted"),
        (e.TimedOut(), "store_failed"),
        (e.LinkLost(), "switch_blind"),
    ],
)
def test_a_claim_that_comes_to_nothing_is_given_back(event: e.Event, reason: str) -> None:
    """Else the contact stays leased and its number's count is spent on no call."""
    call = Call()
    assert call.take(1.0, event) == [GiveBack(CALL, reason)]
    assert call.state is S.ENDED


def test_a_go_that_comes_after_the_stop_dials_nobody() -> None:
    """The stop came while the intent was being committed (R6.2): its row must go too."""
    call = Call()
    call.take(1.0, e.Stop("stop"))
    assert call.take(1.1, e.Go("+79161234567")) == [GiveBack(CALL, "stop")]
    assert not call.all(Originate)


def test_nobody_is_dialed_twice_by_a_second_go() -> None:
    call = dialed()
    with pytest.raises(Bug):
        call.take(2.0, e.Go("+79161234567"))
    call.take(3.0, e.HungUp(BUSY))
    with pytest.raises(Bug):
        call.take(4.0, e.Go("+79161234567"))


# ------------------------------------------------------------------ cancelling


def test_a_stop_before_the_channel_exists_is_repeated_when_it_does() -> None:
    """The first kill finds no channel (freeswitch.md 1.5): without the second he is rung."""
    call = dialed()
    assert call.take(1.01, e.Stop("stop")) == [KillCustomer(CALL, "MANAGER_REQUEST")]
    assert call.take(1.02, e.Stop("halted")) == []
    assert call.take(6.0, e.Created()) == [KillCustomer(CALL, "MANAGER_REQUEST")]
    assert call.take(6.1, e.HungUp(CANCELLED)) == [Settle(CALL, CANCELLED)]
    assert call.value.stop_reason == "stop"


def test_an_overdial_is_cancelled_in_its_own_name() -> None:
    call = ringing()
    assert call.take(20.0, e.Stop(attempts.OVERDIAL)) == [
        KillCustomer(CALL, "ORIGINATOR_CANCEL")
    ]
    assert (call.state, call.deadline_s) == (S.RINGING, 25.0)


def test_a_kill_that_is_told_by_the_hang_up_alone_settles() -> None:
    """6 of 40 early kills had HANGUP_COMPLETE with no CREATE (proofs 10)."""
    call = dialed()
    call.take(1.001, e.Stop("halted"), e.HungUp(CANCELLED))
    assert call.all(Settle) == [Settle(CALL, CANCELLED)]


def test_an_answer_that_crosses_our_cancel_is_not_paired_and_hung_up_again() -> None:
    """An operator would be joined to a leg that is being killed."""
    call = ringing()
    call.take(9.99, e.Stop("stop"))
    assert call.take(10.0, e.Answered()) == [KillCustomer(CALL, "MANAGER_REQUEST")]
    call.take(10.02, e.Ready())
    assert not attempts.may_be_paired(call.value)
    with pytest.raises(Bug):
        call.take(10.1, paired())
    assert call.take(15.1, e.TimedOut())[0] == KillCustomer(CALL, "MANAGER_REQUEST")
    assert call.state is S.ENDED


def test_a_stop_after_the_answer_lets_the_person_be_served() -> None:
    """R6.2: one that rings is cancelled, a talk goes on."""
    for call in (waiting(), offered(), talking()):
        assert call.take(10.3, e.Stop("stop")) == []
        assert call.value.stop_reason is None
    assert attempts.may_be_paired(waiting().value)


# ------------------------------------------------------------------ refusals and fuses


def test_a_refusal_without_a_channel_settles_at_once() -> None:
    """sps used up: no event will ever come (freeswitch.md 1.4)."""
    call = dialed()
    call.take(1.1, e.Refused("-ERR DESTINATION_OUT_OF_ORDER\n"))
    (settle,) = call.all(Settle)
    assert (settle.evidence.channel, settle.evidence.cause) == (
        False,
        "DESTINATION_OUT_OF_ORDER",
    )


@pytest.mark.parametrize("hang_up_first", [True, False])
def test_the_job_and_the_hang_up_race_to_one_result(hang_up_first: bool) -> None:
    """Both say that the call is over, in either order: settled once, by the richer evidence."""
    both = [e.HungUp(BUSY), e.Refused("-ERR USER_BUSY")]
    for call in (dialed(), ringing()):
        call.take(3.0, e.Created())
        call.take(4.0, *(both if hang_up_first else reversed(both)))
        assert call.all(Settle) == [Settle(CALL, BUSY)]


def test_a_job_that_failed_waits_for_its_hang_up_only_a_moment() -> None:
    """A lost HANGUP_COMPLETE must not hold the phone for the whole ringing time."""
    call = ringing()
    call.take(4.0, e.Refused("-ERR USER_BUSY"))
    assert call.deadline_s == 6.0
    call.take(6.0, e.TimedOut())
    (settle,) = call.all(Settle)
    assert (settle.evidence.channel, settle.evidence.cause) == (True, "USER_BUSY")


@pytest.mark.parametrize("cause", ["ORIGINATOR_CANCEL", "DESTINATION_OUT_OF_ORDER"])
def test_a_job_after_our_early_kill_does_not_hide_the_channel(cause: str) -> None:
    """Its hang-up may be all that is told of a killed call's channel, and come later."""
    call = dialed()
    call.take(1.001, e.Stop("halted"), e.Refused(f"-ERR {cause}"))
    assert call.state is S.DIALING
    call.take(1.1, e.HungUp(CANCELLED))
    assert call.all(Settle) == [Settle(CALL, CANCELLED)]


def test_a_ringing_that_the_switch_forgets_is_killed_then_settled_as_lost() -> None:
    """Else a lost event holds a line and a contact for ever; treated as dialed."""
    call = ringing()
    assert call.take(31.0, e.TimedOut()) == [KillCustomer(CALL, "ALLOTTED_TIMEOUT")]
    assert call.state is S.RINGING
    killed, settled = call.take(36.0, e.TimedOut())
    assert killed == KillCustomer(CALL, "ALLOTTED_TIMEOUT")
    assert settled == Settle(CALL, Evidence(channel=True, cause="LOST"))


@pytest.mark.parametrize("late", [e.Answered(), e.Ready(), e.Bridged(ANNA, CALL)])
def test_a_person_who_answers_after_the_end_is_hung_up(late: e.Event) -> None:
    """Nobody looks after that call: he would hear silence for two hours."""
    call = ringing()
    call.take(31.0, e.TimedOut())
    call.take(36.0, e.TimedOut())
    assert call.take(37.0, late) == [KillCustomer(CALL, "NORMAL_CLEARING")]


def test_a_channel_that_comes_after_we_gave_up_is_cancelled_before_it_rings_out() -> None:
    call = dialed()
    call.take(31.0, e.TimedOut())
    call.take(36.0, e.TimedOut())
    assert len(call.take(37.0, e.Created())) == 1
    done = ringing()
    done.take(5.0, e.HungUp(BUSY))
    assert done.take(5.1, e.Created(), e.Progressed(False), e.HungUp(BUSY)) == []


# ------------------------------------------------------------------ waiting and the message


def test_an_answer_and_a_hang_up_within_the_loops_sleep() -> None:
    """No Ready ever comes (proofs 4, note 1)."""
    call = ringing()
    call.take(10.0, e.Answered())
    call.take(10.01, e.HungUp(CLEARED), e.Refused("-ERR NORMAL_CLEARING"))
    assert call.all(Settle) == [Settle(CALL, CLEARED)]


def test_nobody_is_bridged_before_his_script_runs() -> None:
    """Bridging on ANSWER loses 1.3 % of calls (proofs 0.3)."""
    call = ringing()
    call.take(10.0, e.Answered())
    assert not attempts.may_be_paired(call.value)
    with pytest.raises(Bug):
        call.take(10.01, paired())


def test_an_answer_without_its_script_gets_the_message_by_order() -> None:
    """Two seconds after the answer, whatever became of the script (R2.2)."""
    call = ringing()
    call.take(10.0, e.Answered())
    assert call.take(12.0, e.TimedOut()) == [PlayMessage(CALL, "spring")]
    assert call.state is S.MESSAGE


def test_the_script_plays_the_message_by_itself_and_a_fuse_stands_behind_it() -> None:
    call = waiting()
    assert call.take(11.82, e.TimedOut()) == []
    assert (call.state, call.deadline_s) == (S.MESSAGE, 71.82)
    assert call.take(71.82, e.TimedOut()) == [KillCustomer(CALL, "NORMAL_CLEARING")]
    call.take(72.0, e.HungUp(CLEARED))
    assert call.all(Settle) == [Settle(CALL, CLEARED)]


def test_the_key_stops_the_phone_at_once_and_only_once() -> None:
    """R6.4: the person's own way out during the message."""
    call = waiting()
    assert call.take(10.5, e.KeyPressed("9")) == []  # not yet in the message
    call.take(11.82, e.TimedOut())
    assert call.take(12.0, e.KeyPressed("5")) == []
    assert call.take(12.5, e.KeyPressed("9")) == [StopPhone(CALL)]
    assert call.take(12.6, e.KeyPressed("9")) == []
    assert call.value.opt_out
    assert call.value.keys.endswith("99")


def test_a_key_pressed_in_the_last_second_still_stops_the_phone() -> None:
    call = waiting()
    call.take(11.82, e.TimedOut())
    call.take(14.0, e.HungUp(CLEARED))
    assert call.take(14.01, e.KeyPressed("9")) == [StopPhone(CALL)]


def test_a_key_in_a_talk_is_for_the_talk() -> None:
    """A customer who types his card's last digit must not land on the stop list."""
    assert talking().take(12.0, e.KeyPressed("9")) == []


def test_the_key_that_the_script_heard_counts_whatever_we_have_seen() -> None:
    """We were away while he pressed it: his word holds all the same, and only once."""
    call = ringing()
    call.take(3.0, e.LinkLost())
    assert call.take(20.0, e.OptedOut()) == [StopPhone(CALL)]
    assert call.take(20.1, e.OptedOut(), e.KeyPressed("9")) == []
    assert call.value.opt_out
    call.take(21.0, e.HungUp(CLEARED))
    late = ringing()
    late.take(3.0, e.HungUp(CLEARED))
    assert late.take(4.0, e.OptedOut()) == [StopPhone(CALL)]


def test_a_key_in_a_talk_is_no_opt_out() -> None:
    """Bridged in the moment in which the message began, the key stays bound."""
    call = talking()
    assert call.take(12.0, e.OptedOut()) == []
    call.take(13.0, e.HungUp(CLEARED))
    assert call.take(13.1, e.OptedOut()) == []
    assert not call.value.opt_out


def test_a_machine_in_the_line_never_reaches_an_operator() -> None:
    call = waiting()
    assert call.take(10.5, e.MachineHeard()) == [KillCustomer(CALL, "NORMAL_CLEARING")]
    assert not attempts.may_be_paired(call.value)
    call.take(10.6, e.HungUp(CLEARED))
    assert call.value.machine


# ------------------------------------------------------------------ the hand-over


def test_a_hand_over_without_a_bridge_is_looked_at_once_then_goes_back_in_line() -> None:
    call = offered()
    assert call.take(10.6, e.TimedOut()) == [Rescue(ANNA, ANNAS, CALL)]
    assert (call.state, call.deadline_s) == (S.OFFERED, 13.6)
    call.take(13.6, e.TimedOut())
    assert (call.state, call.deadline_s) == (
        S.WAITING,
        13.6,
    )  # not in the past: he is paired first
    assert call.take(13.6, e.TimedOut()) == [PlayMessage(CALL, "spring")]


def test_a_failed_offer_keeps_the_head_of_the_line_and_gets_the_message_by_order() -> None:
    """He has left his script (proofs 4): without the order he would hear nothing for hours."""
    call = offered()
    call.take(10.6, e.TimedOut(), e.OfferFailed())
    assert (call.state, call.deadline_s) == (S.WAITING, 11.82)
    assert attempts.waiting_key(call.value) == (at(10.0).mono_s, CALL)
    assert attempts.may_be_paired(call.value)
    assert call.take(11.0, paired(BORIS, BORISS)) == [Bridge(BORIS, BORISS, CALL)]
    call.take(11.2, e.OfferFailed())
    assert call.take(11.82, e.TimedOut()) == [PlayMessage(CALL, "spring")]


def test_a_refused_hand_over_leaves_the_script_running() -> None:
    """`-ERR Invalid uuid`: the customer is untouched, a second message would play over it."""
    call = offered()
    call.take(10.11, e.OperatorGone())
    assert (call.state, call.deadline_s) == (S.WAITING, 11.82)
    assert call.take(11.82, e.TimedOut()) == []
    assert call.state is S.MESSAGE


@pytest.mark.parametrize("late_s", [10.9, 13.0])
def test_a_late_bridge_is_a_talk(late_s: float) -> None:
    """The two talk already: killing them or pairing him again would cut a person off."""
    call = offered()
    call.take(10.6, e.TimedOut(), e.OfferFailed())
    if late_s > 11.82:
        call.take(11.82, e.TimedOut())
    call.take(late_s, e.Bridged(ANNA, CALL))
    assert (call.state, call.value.operator) == (S.TALKING, ANNA)
    assert call.take(late_s + 0.1, e.OfferFailed(), e.OperatorGone()) == []
    assert call.state is S.TALKING


def test_the_bridge_to_another_operator_than_offered_is_believed() -> None:
    call = offered()
    call.take(10.6, e.TimedOut(), e.OfferFailed())
    call.take(10.7, paired(BORIS, BORISS))
    call.take(10.8, e.Bridged(ANNA, CALL))
    assert (call.state, call.value.operator) == (S.TALKING, ANNA)
    call.take(10.9, e.Bridged(BORIS, CALL))
    assert call.value.operator == BORIS


def test_a_talk_past_its_ceiling_is_ended() -> None:
    """The switch's sched_hangup failed: the fuse of toll fraud (R3.12)."""
    call = talking(max_talk_s=60.0)
    assert call.take(80.2, e.TimedOut()) == [KillCustomer(CALL, "ALLOTTED_TIMEOUT")]
    call.take(80.3, e.HungUp(CLEARED))
    assert call.all(Settle) == [Settle(CALL, CLEARED)]


# ------------------------------------------------------------------ out of sight


@pytest.mark.parametrize("make", [dialed, ringing, waiting, offered, talking])
def test_a_lost_link_waits_a_minute_for_the_truth_then_settles_without_a_kill(make) -> None:
    """The talk may go on while we are blind: it is not cut by our not seeing it."""
    call = make()
    assert call.take(20.0, e.LinkLost()) == []
    assert (call.state, call.deadline_s) == (S.ADRIFT, 80.0)
    assert call.take(30.0, e.LinkLost()) == []
    assert call.deadline_s == 80.0
    assert call.take(80.0, e.TimedOut()) == [Settle(CALL, Evidence(channel=True, cause="LOST"))]


def test_found_ringing_again_it_keeps_its_fuse_and_a_stop_is_repeated() -> None:
    call = ringing()
    call.take(3.0, e.LinkLost())
    assert call.take(4.0, e.Stop("halted")) == [KillCustomer(CALL, "MANAGER_REQUEST")]
    assert call.take(5.0, e.FoundRinging()) == [KillCustomer(CALL, "MANAGER_REQUEST")]
    other = ringing()
    other.take(3.0, e.LinkLost())
    other.take(5.0, e.FoundRinging())
    assert (other.state, other.deadline_s) == (S.RINGING, 31.0)


def test_found_answered_in_time_he_is_offered_an_operator() -> None:
    call = ringing()
    call.take(9.0, e.LinkLost())
    call.take(10.0, e.FoundAnswered(in_script=True, answered_ago_s=0.5))
    assert (call.state, call.deadline_s) == (S.WAITING, 11.3)
    assert attempts.may_be_paired(call.value)


@pytest.mark.parametrize(("in_script", "orders"), [(True, 0), (False, 1)])
def test_found_answered_too_late_he_is_abandoned_and_hears_why(in_script, orders) -> None:
    call = ringing()
    call.take(9.0, e.LinkLost())
    effects = call.take(15.0, e.FoundAnswered(in_script=in_script, answered_ago_s=4.0))
    assert call.state is S.MESSAGE
    assert len(effects) == orders
    assert call.value.answered_at == at(11.0)


def test_found_in_talk_he_talks_on() -> None:
    call = talking()
    call.take(20.0, e.LinkLost())
    call.take(25.0, e.FoundTalking(ANNA, CALL, 15.0))
    assert (call.state, call.value.bridged_at) == (S.TALKING, at(10.2))
    assert call.value.deadline_at == at(10.2).mono_s + 7210.0


def test_events_that_come_before_the_sweep_bring_it_back() -> None:
    for event, state in (
        (e.Progressed(False), S.RINGING),
        (e.Answered(), S.WAITING),
        (e.Ready(), S.WAITING),
        (e.Bridged(ANNA, CALL), S.TALKING),
        (e.HungUp(BUSY), S.ENDED),
    ):
        call = dialed()
        call.take(2.0, e.LinkLost())
        call.take(3.0, event)
        assert call.state is state, event
    assert attempts.may_be_paired(_adrift_then(e.Answered(), e.Ready()).value)


def _adrift_then(*events: e.Event) -> Call:
    call = dialed()
    call.take(2.0, e.LinkLost())
    call.take(3.0, *events)
    return call


def test_old_news_does_not_pull_a_talk_back() -> None:
    """The sweep looked before the answer, or the Ready was told before the offer."""
    call = offered()
    call.take(10.2, e.LinkLost())
    assert call.take(10.3, e.FoundRinging(), e.Ready(), e.Answered()) == []
    assert call.state is S.ADRIFT


@pytest.mark.parametrize(
    ("reply", "channel", "cause"),
    [
        ("-ERR INVALID_GATEWAY", False, "INVALID_GATEWAY"),
        ("-ERR DESTINATION_OUT_OF_ORDER", True, "LOST"),  # its CREATE may have been missed
        ("nonsense", True, "LOST"),
    ],
)
def test_a_jobs_answer_that_outlived_the_link(reply: str, channel: bool, cause: str) -> None:
    """Maybe dialed is dialed: only what can't have had a channel is free."""
    call = _adrift_then(e.Refused(reply))
    (settle,) = call.all(Settle)
    assert (settle.evidence.channel, settle.evidence.cause) == (channel, cause)


def test_a_jobs_answer_of_a_call_that_rang_waits_for_the_hang_up() -> None:
    call = _adrift_then(e.Refused("-ERR USER_BUSY"))
    assert (call.state, call.deadline_s) == (S.ADRIFT, 5.0)
    call.take(5.0, e.TimedOut())
    assert call.all(Settle)[0].evidence.cause == "USER_BUSY"


def test_an_open_row_after_a_restart_is_dialed_until_the_switch_says_otherwise() -> None:
    """The daemon died between originate and result: nobody may be called again on a guess."""
    row = OpenAttempt(
        claimed=claimed(),
        instance=InstanceName("one"),
        committed_at=at(0.0).wall - timedelta(seconds=7),
    )
    call = Call(attempts.adopt(row, CallRules(), at(0.0)))
    assert (call.state, call.deadline_s, call.value.dialed_at) == (S.ADRIFT, 60.0, at(-7.0))
    call.take(1.0, e.Gone())
    assert call.all(Settle) == [Settle(CALL, Evidence(channel=True, cause="LOST"))]


def test_what_is_found_alive_after_its_end_is_hung_up_unless_two_people_talk() -> None:
    call = ringing()
    call.take(3.0, e.LinkLost())
    call.take(63.0, e.TimedOut())
    assert len(call.take(64.0, e.FoundRinging())) == 1
    assert len(call.take(64.0, e.FoundAnswered(True, 1.0))) == 1
    assert call.take(64.0, e.FoundTalking(ANNA, CALL)) == []


def test_a_sweep_that_looked_too_early_ends_nothing() -> None:
    """The originate is on its way: settled as gone, he would be dialed again while he rings."""
    call = dialed()
    assert call.take(1.05, e.Gone()) == []
    call.take(2.0, e.Created())
    call.take(2.1, e.Gone())
    assert Settle(CALL, LOST) in call.take(4.1, e.TimedOut())


@pytest.mark.parametrize("begin", [ringing, waiting, offered, talking])
def test_a_leg_that_the_switch_has_forgotten_still_tells_its_end(begin) -> None:
    """It forgets a leg 20 ms before it tells the hang-up: who left during his hand-over was
    LOST in the books, and dialed again in two hours."""
    call = begin()
    assert call.take(20.0, e.Gone(), e.Gone()) == []
    assert call.deadline_s == 22.0
    assert not attempts.may_be_paired(call.value)
    assert call.take(20.02, e.HungUp(CLEARED)) == [Settle(CALL, CLEARED)]


@pytest.mark.parametrize("begin", [ringing, waiting, offered, talking])
def test_a_leg_whose_end_was_never_told_is_settled_as_lost(begin) -> None:
    """Else it would be open for ever, and its contact never dialed again."""
    call = begin()
    call.take(20.0, e.Gone())
    assert Settle(CALL, LOST) in call.take(22.0, e.TimedOut())
    assert call.state is S.ENDED


def test_a_ring_that_outran_its_create_is_cancelled_too() -> None:
    call = dialed()
    call.take(1.01, e.Stop("stop"))
    assert call.take(2.0, e.Progressed(False)) == [KillCustomer(CALL, "MANAGER_REQUEST")]


def test_a_sweep_makes_a_lost_ready_good() -> None:
    """Else he waits for the message beside a free operator."""
    call = ringing()
    call.take(10.0, e.Answered())
    assert call.take(10.5, e.FoundAnswered(in_script=False, answered_ago_s=0.5)) == []
    assert not attempts.may_be_paired(call.value)
    call.take(10.6, e.FoundAnswered(in_script=True, answered_ago_s=0.6))
    assert attempts.may_be_paired(call.value)


def test_a_stop_in_the_dark_leaves_an_answered_call_alone() -> None:
    call = talking()
    call.take(20.0, e.LinkLost())
    assert call.take(21.0, e.Stop("stop"), e.Refused("-ERR X"), e.Progressed(False)) == []
    call.take(22.0, e.FoundTalking(None, None, 12.0))
    assert (call.state, call.value.operator) == (S.TALKING, ANNA)


def test_a_cancelled_call_that_answered_in_the_dark_is_cancelled_when_found() -> None:
    call = ringing()
    call.take(3.0, e.Stop("stop"), e.LinkLost())
    found = call.take(4.0, e.FoundAnswered(in_script=True, answered_ago_s=0.1))
    assert found == [KillCustomer(CALL, "MANAGER_REQUEST")]
    assert not attempts.may_be_paired(call.value)


def test_a_call_keeps_the_rules_that_it_began_with() -> None:
    """A reload may shorten the ringing of later calls only (R10.1)."""
    campaign = Campaign(
        name=CampaignName("spring"),
        list_name="spring",
        group=GroupName("sales"),
        pool=PoolName("moscow"),
        gateways=(GatewayName("gw"),),
        purpose="offers",
        ring_timeout_s=18,
        silence_ms=1500,
        max_talk_s=600,
        record=True,
    )
    assert CallRules.of(campaign) == CallRules(
        ring_timeout_s=18, silence_ms=1500, max_talk_s=600, opt_out_key="9", record=True
    )
    call = dialed(ring_timeout_s=18)
    assert call.deadline_s == 24.0
