"""Effects on the line; what refusal and silence mean: here a hand-over is lost or saved."""

from __future__ import annotations

import pytest

from dialer.core.calls import events as happened
from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.effects import Rescue
from dialer.core.calls.operators import OperatorState
from dialer.core.model import AttemptId, Evidence, LegId, OperatorId
from dialer.errors import Bug, CommandRefused, LinkDown
from tests.engine.house import BUSY, CARRIER, House

A, S = AttemptState, OperatorState
CARRIER_FAILS = Evidence(
    channel=True,
    cause="NORMAL_TEMPORARY_FAILURE",
    q850=41,
    sip_status=503,
    hangup_disposition="recv_refuse",
)
INVALID = CommandRefused("-ERR Invalid uuid")


# ------------------------------------------------------------------ a refused bridge


def test_refused_because_the_operator_is_gone_the_customer_waits_untouched(home: House):
    """He is in his script and hears his message in time; the next operator gets him."""
    home.log_in("anna")
    home.line.errors["bridge"] = INVALID
    home.line.legs.clear()
    key = home.waiting()
    assert home.state(key) is A.WAITING
    assert home.attempt(key).in_script
    assert home.operator("anna").state is S.REDIALED
    del home.line.errors["bridge"]
    home.log_in("boris")
    assert home.attempt(key).operator == "boris"


def test_refused_because_the_customer_is_gone_the_operator_is_ready_again(home: House):
    home.log_in("anna")
    home.line.errors["bridge"] = INVALID
    key = home.waiting()
    home.line.legs.pop(LegId(key))
    home.pass_time(0.6)
    assert home.operator("anna").state is S.READY
    home.hang_up(key)
    assert home.disposition(key) == "short_hangup"
    assert home.meter.value("dialer_offers_failed_total", why="refused") == 1


# ------------------------------------------------------------------ no bridge in 500 ms


def offer(home: House) -> AttemptId:
    home.log_in("anna")
    key = home.waiting()
    assert home.state(key) is A.OFFERED
    return key


def rescue(home: House) -> None:
    home.pass_time(0.6)
    assert home.meter.value("dialer_rescues_total") == 1


def test_the_bridge_was_there_and_only_its_event_was_lost(home: House):
    key = offer(home)
    home.line.change("leg-anna", parked=False, bridged_to=LegId(key))
    rescue(home)
    assert home.state(key) is A.TALKING
    assert home.operator("anna").state is S.TALKING
    assert home.line.verbs("park") == []


def test_the_operator_in_limbo_is_parked_again(home: House):
    """Out of park and in nothing: he would hear silence until somebody looked."""
    key = offer(home)
    home.line.change("leg-anna", parked=False)
    rescue(home)
    assert home.line.verbs("park") == [("leg-anna",)]
    assert home.state(key) is A.WAITING
    home.park("anna")
    assert (
        home.operator("anna").state is S.OFFERED
    )  # to the same customer, who is first in line


def test_the_operators_leg_is_gone(home: House):
    key = offer(home)
    home.line.legs.pop(LegId("leg-anna"))
    rescue(home)
    assert home.operator("anna").state is S.REDIALED
    assert home.state(key) is A.WAITING


def test_the_customer_is_gone_and_the_operator_never_left_park(home: House):
    key = offer(home)
    home.line.legs.pop(LegId(key))
    rescue(home)
    assert home.operator("anna").state is S.READY
    home.pass_time(2.1)  # his hang-up is awaited no longer
    assert home.state(key) is A.ENDED


def test_a_rescue_cuts_no_talk_with_somebody_else(home: House):
    """A late look at an earlier offer: he talks already, only not with whom it asks for."""
    home.log_in("anna")
    talk = home.talking("anna", 1)
    other = home.waiting(2)
    late = Rescue(OperatorId("anna"), LegId("leg-anna"), other)
    home.daemon.performer.perform(late, home.clock.now())
    home.settle()
    assert home.line.verbs("park") == []
    assert home.operator("anna").attempt == talk
    assert [home.state(key) for key in (talk, other)] == [A.TALKING, A.WAITING]


def test_who_is_found_in_another_talk_is_known_to_be_in_it(home: House):
    """Its event was lost: else he would be given a customer in the middle of it."""
    home.log_in("anna")
    home.waiting(1)
    other = home.waiting(2)
    home.line.has_operator("anna", bridged_to=LegId(other))
    rescue(home)
    assert home.state(other) is A.TALKING
    assert home.operator("anna").attempt == other
    assert home.line.verbs("park") == []


# ------------------------------------------------------------------ silence and refusal


def test_after_link_down_nothing_is_repeated(home: House):
    """Maybe dialed is dialed: a second originate could call the same person twice."""
    home.line.errors["originate_customer"] = LinkDown("no answer in 5 s")
    key = home.dial_one()
    home.pass_time(3.0)
    assert home.line.verbs("originate_customer") == [(key,)]
    assert home.state(key) is A.DIALING
    assert home.meter.value("dialer_effects_unsure_total", effect="Originate") == 1


def test_a_call_that_the_switch_did_not_carry_out_ends_uncharged(home: House):
    home.line.errors["originate_customer"] = CommandRefused("-ERR SWITCH_BLIND")
    key = home.dial_one()
    assert home.disposition(key) == "local_failure"
    assert not home.books.results[key].verdict.charged
    assert home.meter.value("dialer_originates_refused_total", gateway=CARRIER) == 1


def test_a_call_that_may_not_be_written_ends_and_the_daemon_lives_on(home: House):
    """One bad number in the base must not end everybody's shift, again at each restart."""
    home.line.errors["originate_customer"] = Bug("not an allowed destination")
    key = home.dial_one()
    assert home.disposition(key) == "local_failure"
    assert not home.daemon.nursery.failed


@pytest.mark.parametrize("verb", ["find", "exists"])
@pytest.mark.parametrize("error", [CommandRefused("-ERR not allowed"), LinkDown("cut")])
def test_a_question_without_an_answer_ends_nothing(home: House, verb: str, error: Exception):
    """The hand-over's own deadlines end it; the daemon must not die of an odd reply."""
    key = offer(home)
    home.line.errors = {verb: error, "bridge": INVALID}
    for _ in range(4):
        home.pass_time(1.2)
    assert not home.daemon.nursery.failed
    assert home.state(key) in (A.WAITING, A.MESSAGE, A.OFFERED)


def test_a_stop_before_the_channel_exists_is_repeated_when_it_does(home: House):
    """The kill came too early: without the second one the person is rung all the same."""
    home.line.errors["kill"] = CommandRefused("-ERR No such channel!")
    key = home.dial_one()
    home.put(key, happened.Stop("stop"))
    del home.line.errors["kill"]
    home.line.tell("created", key)
    home.settle()
    assert home.line.verbs("kill") == [(key, "MANAGER_REQUEST")] * 2
    home.hang_up(key, BUSY)
    assert home.books.stops == []


def test_who_has_left_his_script_is_sent_into_the_message(home: House):
    """Abandoned after a failed hand-over he would hear nothing at all."""
    key = offer(home)
    home.line.change("leg-anna", parked=False)
    home.line.change(key, in_script=False)
    rescue(home)
    home.pass_time(1.5)
    assert home.state(key) is A.MESSAGE
    assert home.line.verbs("play_message") == [(key, "abandoned.wav", "9")]


def test_a_refused_login_is_called_again_and_given_up_after_a_minute(home: House):
    home.line.errors["originate_operator"] = CommandRefused("-ERR USER_NOT_REGISTERED")
    dispatcher = home.daemon.dispatcher
    home.log_in("anna")
    assert home.operator("anna").state is not S.READY
    home.pass_time(61.0)
    assert home.operator("anna").state is S.OFFLINE
    assert dispatcher.backlog == 0


def test_five_failures_of_the_carrier_rest_its_gateway(home: House):
    """A broken carrier must not burn through the base."""
    for n in range(1, 6):
        home.hang_up(home.dial_one(n), CARRIER_FAILS)
    assert not home.daemon.lines.is_up(CARRIER, home.clock.now())
    home.clock.move(16.0)
    assert home.daemon.lines.is_up(CARRIER, home.clock.now())
