"""Whose is this leg: at the wrong machine an event loses a customer or an operator."""

from __future__ import annotations

import pytest

from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.operators import OperatorState
from dialer.core.calls.sound import Sound
from dialer.core.model import AttemptId, Evidence, LegId
from dialer.errors import CommandRefused
from dialer.ports import SwitchEvent
from tests.engine.house import BUSY, SPRING, TALKED, House

A, S = AttemptState, OperatorState


# ------------------------------------------------------------------ each kind to its machine


def test_a_call_is_followed_from_its_creation_to_its_end(home: House):
    """Each step of the line is a milestone; a missed one is a wrong disposition."""
    home.log_in("anna")
    key = home.dial_one()
    home.line.has_customer(key)
    steps = []
    for kind in ("created", "progressed", "answered", "ready"):
        home.clock.move(1.0)
        home.line.tell(kind, key, early_media=False)
        home.settle()
        steps.append(home.state(key))
    assert steps == [A.DIALING, A.RINGING, A.WAITING, A.OFFERED]
    home.bridge("anna", key)
    home.clock.move(5.0)
    home.hang_up(key)
    home.park("anna")
    assert home.disposition(key) == "talked"
    result = home.books.results[key]
    assert result.operator == "anna"
    assert (result.ring_ms, result.talk_ms) == (1_000, 5_000)
    assert home.operator("anna").state is S.WRAPUP
    assert home.meter.value("dialer_answered_total", campaign=SPRING) == 1
    assert home.meter.observed("dialer_hand_over_seconds") == [1.0]


def test_early_media_is_not_a_ring(home: House):
    key = home.dial_one()
    home.line.tell("progressed", key, early_media=True)
    home.settle()
    assert home.attempt(key).early_media_at is not None
    assert home.attempt(key).rang_at is None


@pytest.mark.parametrize(
    ("reply", "state"),
    [("-ERR INVALID_GATEWAY", A.ENDED), ("-ERR USER_BUSY", A.DIALING)],
    ids=["never a channel", "its hang-up must follow"],
)
def test_a_failed_originate(home: House, reply: str, state: AttemptState):
    key = home.dial_one()
    home.line.tell("originate_failed", key, reply=reply)
    home.settle()
    assert home.state(key) is state


def test_the_key_in_the_message_is_a_stop_at_once(home: House):
    """He has asked never to be called again: not after the batch, now."""
    key = home.waiting()
    home.pass_time(1.9)  # the silence is over: the message
    assert home.state(key) is A.MESSAGE
    home.line.tell("dtmf", key, digit="9")
    home.written()
    assert home.books.stops == [home.attempt(key).claimed.entry.phone_id]


def test_unknown_kinds_and_legs_of_nobody_are_counted_and_harmless(home: House):
    for kind in ("heartbeat", "unbridged", "answered", "parked", "bridged", "dtmf"):
        home.line.tell(kind, "somebody-else")
    home.line.tell("hung_up", "somebody-else", evidence=BUSY)
    home.settle()
    assert home.meter.value("dialer_switch_events_total") == 7
    assert home.meter.value("dialer_table_violations_total") == 0


def test_a_gateway_whose_callers_are_not_heard_is_counted(home: House):
    """Operators say "hello?" all day, and nobody knows which carrier it is."""
    silent = Sound(received=0, sent=500, lost=0, jitter_ms=4.0, mos=None)
    home.log_in("anna")
    key = home.talking("anna")
    gateway = home.attempt(key).claimed.gateway
    told = {"evidence": TALKED, "sound": silent, "bridged_at": 1_000.0}
    home.line.inbox(SwitchEvent(kind="hung_up", leg=LegId(key), at=1_010.0, data=told))
    home.settle()
    name = "dialer_gateway_sound_faults_total"
    assert home.meter.value(name, gateway=gateway, fault="heard_nothing") == 1
    assert home.meter.value(name) == 1
    assert home.meter.value("dialer_gateway_packets_total", packets="sent") == 500
    assert home.meter.observed("dialer_gateway_jitter_seconds") == [0.004]


# ------------------------------------------------------------------ the end of a talk


@pytest.mark.parametrize("park_first", [True, False], ids=["park first", "hang-up first"])
def test_park_and_hang_up_come_in_either_order(home: House, park_first: bool):
    """Both orders are recorded; each must free the operator once and keep one result."""
    home.log_in("anna")
    key = home.talking("anna")
    for park in (park_first, not park_first):
        if park:
            home.park("anna")
        else:
            home.hang_up(key)
    assert home.operator("anna").state is S.WRAPUP
    assert home.operator("anna").parked
    assert home.disposition(key) == "talked"
    assert home.line.verbs("clean") == [("leg-anna",)]
    home.pass_time(10.1)
    assert home.operator("anna").state is S.READY


def test_a_late_bridge_takes_an_operator_out_of_the_ready_ones(home: House):
    """He was thought free and is in a talk: the next customer would be put on top of it."""
    home.log_in("anna")
    first = home.waiting(1)
    home.park("anna")  # by itself, the offer seems to have come to nothing
    assert home.operator("anna").state is not S.TALKING
    home.hang_up(home.dial_one(3))
    home.bridge("anna", first)
    assert home.operator("anna").state is S.TALKING
    assert home.operator("anna").attempt == first
    second = home.waiting(2)
    assert home.attempt(second).operator is None


# ------------------------------------------------------------------ an operator's leg


def test_his_leg_is_lost_in_the_hand_over_and_the_next_one_gets_the_customer(home: House):
    """The customer is alive and hears nothing: he must not wait for a deadline."""
    home.log_in("anna", "boris")
    key = home.waiting()
    assert home.attempt(key).operator == "anna"
    home.line.hang_up("leg-anna", BUSY)
    home.settle()
    assert home.attempt(key).operator == "boris"
    assert home.line.verbs("bridge")[-1] == ("leg-boris", key)
    assert home.operator("anna").state is S.REDIALED


def test_a_lost_leg_takes_no_customer_from_a_colleague(home: House):
    """He remembers the call that he failed to take; a colleague is being given it now."""
    home.log_in("anna", "boris")
    home.line.has_operator("anna")  # in nothing: neither bridged nor parked
    key = home.waiting()
    home.pass_time(0.6)  # no bridge: both legs are looked at, the customer goes to the next
    assert home.attempt(key).operator == "boris"
    assert home.operator("anna").attempt == key
    home.line.hang_up("leg-anna", BUSY)
    home.settle()
    assert home.attempt(key).operator == "boris"
    assert home.state(key) is A.OFFERED


def test_a_phone_that_is_lost_is_called_again_and_comes_back_as_he_was(home: House):
    home.log_in("anna")
    home.line.hang_up("leg-anna", BUSY)
    home.settle()
    new_leg = home.operator("anna").leg
    assert new_leg not in (None, "leg-anna")
    assert home.line.verbs("originate_operator")[-1] == ("anna", new_leg)
    home.line.tell("parked", new_leg)
    home.settle()
    assert home.operator("anna").state is S.READY


def test_a_login_that_fails_is_tried_again(home: House):
    """His phone was busy for a moment: he must not be logged out for it."""
    home.log_in("anna")
    home.line.hang_up("leg-anna", BUSY)
    home.settle()
    leg = home.operator("anna").leg
    home.line.tell("originate_failed", leg, reply="-ERR USER_BUSY")
    home.settle()
    assert home.operator("anna").state is S.REDIALED
    assert home.operator("anna").leg != leg


# ------------------------------------------------------------------ the link


def test_a_lost_link_sends_everything_out_of_sight(home: House):
    """What happens on the line is unknown then; nothing is hung up, nothing is forgotten."""
    home.log_in("anna", "boris")
    talk = home.talking("anna", 1)
    ringing = home.dial_one(2)
    home.line.tell("link_lost", why="cut")
    home.settle()
    assert [home.state(key) for key in (talk, ringing)] == [A.ADRIFT, A.ADRIFT]
    assert home.operator("anna").state is S.ADRIFT
    assert home.operator("boris").state is S.READY
    assert home.line.verbs("kill") == []


def test_a_claim_whose_intent_is_under_way_when_the_link_is_lost_is_given_back(home: House):
    """Nothing was sent, and nothing may be sent blind: the contact keeps its place."""

    def cut(intents: object) -> None:
        home.line.tell("link_lost", why="cut")
        home.settle()

    home.books.on_commit = cut
    key = home.dial_one()
    home.written()
    assert home.state(key) is A.ENDED
    assert home.line.dialed == []
    assert home.hopper.size(SPRING) == 1


def test_an_operator_who_hears_his_own_hang_up_twice_is_called_once(home: House):
    """The hand-over is refused because his leg is gone; its hang-up says so as well."""
    home.log_in("anna")
    home.line.errors["bridge"] = CommandRefused("-ERR Invalid uuid")
    key = home.dial_one()
    home.line.has_customer(key, in_script=True)
    for kind in ("answered", "ready"):
        home.line.tell(kind, key)
    home.line.hang_up("leg-anna", Evidence(channel=True, cause="NORMAL_CLEARING"))
    home.settle()
    assert home.operator("anna").state is S.REDIALED
    calls = [leg for _, leg in home.line.verbs("originate_operator")]
    assert calls == ["leg-anna", home.operator("anna").leg]
    assert home.state(AttemptId(LegId(key))) is A.WAITING
