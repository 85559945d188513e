"""The traps that the design rests on (freeswitch-proofs.md 1, 2, 4, 5, 11): who is lost, who is
in limbo, who parks again. If the simulation were kinder than the switch, a daemon that loses
operators or customers would pass every other test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dialer.sim import legs
from tests.rooms.sim.conftest import CALM
from tests.rooms.sim.virtual import Laboratory

Make = Callable[..., Laboratory]


def leave(one: Laboratory, uuid: str) -> None:
    legs.hang_up(one.x, one.channel(uuid), "NORMAL_CLEARING", by_us=False)


# ------------------------------------------------------------------ the dead man's script


def test_nobody_bridges_then_the_message_plays_whole_and_the_call_ends(lab: Make) -> None:
    one = lab()
    one.ready("c")
    one.clock.advance(1.8 + 2.1)
    assert one.names("c")[3:] == [
        "dialer::ready",
        "PLAYBACK_START",
        "PLAYBACK_STOP",
        "PLAYBACK_START",
        "PLAYBACK_STOP",
        "CHANNEL_HANGUP_COMPLETE",
        "CHANNEL_DESTROY",
    ]
    end = one.last("CHANNEL_HANGUP_COMPLETE", "c")
    assert end["variable_sip_hangup_disposition"] == "send_bye"


def test_a_bound_key_is_remembered_by_the_switch_and_is_no_dtmf(lab: Make) -> None:
    """As on the real one: the key is told by an event of the script, and outlives the leg."""
    one = lab()
    one.ready("c")
    bound = (
        "bind_digit_action:dialer,9,exec:execute_extension,"
        "m:~:set_global:dialer_opt_out_c=9~event:dialer_key=9 inline"
    )
    one.api(f"uuid_transfer c 'm:^:{bound}^playback:/srv/message.wav' inline")
    one.clock.advance(0.5)
    one.api("uuid_recv_dtmf c 59")
    assert one.names("c")[-2:] == ["DTMF", "CHANNEL_APPLICATION"]
    assert one.last("CHANNEL_APPLICATION", "c")["dialer_key"] == "9"
    one.clock.advance(5.0)
    assert "c" not in one.x.channels
    assert "dialer_opt_out_c=9\n" in one.api("global_getvar")
    assert one.api("global_setvar dialer_opt_out_c=") == "+OK\n"
    assert "dialer_opt_out" not in one.api("global_getvar")


def test_an_eavesdropping_leg_lives_as_long_as_the_one_it_hears(lab: Make) -> None:
    """Over talks, parks and everything; then it goes by itself (proofs 11)."""
    one = lab()
    one.originate("spy", "{origination_uuid=spy}user/199@test.invalid &eavesdrop(operator)")
    one.clock.advance(3.0)
    one.ready("c")
    one.api("uuid_bridge operator c")
    one.clock.advance(1.0)
    one.kill("c")
    one.clock.advance(1.0)
    assert "spy" in one.x.channels
    one.kill("operator")
    one.clock.advance(0.1)
    assert "spy" not in one.x.channels


def test_after_a_talk_the_rest_of_the_script_does_not_run(lab: Make) -> None:
    """Else a person who has talked hears the message for the abandoned."""
    one = lab()
    one.ready("c")
    one.api("uuid_bridge operator c")
    one.clock.advance(0.7)
    one.api("uuid_park operator")
    one.clock.advance(5.0)
    assert "c" not in one.x.channels
    assert one.names("c").count("PLAYBACK_START") == 1
    assert one.names("operator")[-3:] == ["CHANNEL_BRIDGE", "CHANNEL_UNBRIDGE", "CHANNEL_PARK"]


def test_without_hangup_after_bridge_the_message_follows_the_talk(lab: Make) -> None:
    one = lab()
    one.ready("c")
    one.api("uuid_setvar c hangup_after_bridge")
    one.api("uuid_bridge operator c")
    one.clock.advance(0.7)
    one.api("uuid_park operator")
    one.clock.advance(0.1)
    assert one.last("PLAYBACK_START", "c")["Playback-File-Path"] == "/srv/message.wav"


def test_the_ceiling_ends_a_call_that_everybody_forgot(lab: Make) -> None:
    one = lab()
    one.ready("c")
    one.api("uuid_bridge operator c")
    one.clock.advance(7190.0)
    assert "c" in one.x.channels
    one.clock.advance(10.0)
    assert one.last("CHANNEL_HANGUP_COMPLETE", "c")["Hangup-Cause"] == "ALLOTTED_TIMEOUT"


def test_a_leg_is_forgotten_before_its_hang_up_is_told(lab: Make) -> None:
    """A daemon that asks `uuid_exists` in between must not take "false" for the whole story."""
    one = lab(ways=replace(CALM.ways, races=True, report_s=(0.02, 0.02)))
    one.ready("c")
    leave(one, "c")
    assert one.api("uuid_exists c") == "false"
    assert one.api("uuid_bridge operator c").startswith("-ERR Invalid uuid")
    assert one.channel("operator").parked
    assert "CHANNEL_HANGUP_COMPLETE" not in one.names("c")
    one.clock.advance(0.02)
    assert one.names("c")[-2:] == ["CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"]


# ------------------------------------------------------------------ hand-over


def test_an_unprotected_operator_dies_with_the_vanishing_customer(lab: Make) -> None:
    one = lab(saved=False)
    one.ready("c")
    assert one.api("uuid_bridge operator c") == "+OK c\n"
    one.clock.advance(0.1)
    leave(one, "c")
    one.clock.advance(1.0)
    assert (
        one.last("CHANNEL_HANGUP_COMPLETE", "operator")["Hangup-Cause"] == "ORIGINATOR_CANCEL"
    )


def test_customer_first_can_lose_the_operator_altogether(lab: Make) -> None:
    one = lab(ways=replace(CALM.ways, lost_share=1.0))
    one.ready("c")
    one.api("uuid_bridge c operator")
    one.clock.advance(0.1)
    leave(one, "c")
    end = one.last("CHANNEL_HANGUP_COMPLETE", "operator")
    assert end["Hangup-Cause"] == "DESTINATION_OUT_OF_ORDER"


def test_a_limbo_operator_tells_nothing_for_ever(lab: Make) -> None:
    one = lab()
    one.ready("c")
    one.api("uuid_bridge c operator")
    one.clock.advance(0.1)
    leave(one, "c")
    told = len(one.names("operator"))
    one.clock.advance(3600.0)
    assert len(one.names("operator")) == told
    assert one.api("uuid_exists operator") == "true"


def test_an_operator_killed_in_the_hand_over_leaves_the_customer_in_limbo(lab: Make) -> None:
    """And out of its script: no message will play by itself; another operator can have it."""
    one = lab()
    one.ready("c")
    one.api("uuid_bridge operator c")
    one.clock.advance(0.3)
    one.api("uuid_kill operator")
    one.clock.advance(60.0)
    assert one.api("uuid_exists c") == "true"
    assert one.names("c")[-1] == "PLAYBACK_STOP"
    one.login("second")
    one.api("uuid_bridge second c")
    one.clock.advance(0.7)
    bridged = one.last("CHANNEL_BRIDGE")
    assert (bridged["Bridge-A-Unique-ID"], bridged["Bridge-B-Unique-ID"]) == ("second", "c")


def stranded(one: Laboratory) -> None:
    one.ready("c")
    one.api("uuid_bridge operator c")
    one.clock.advance(0.3)
    one.api("uuid_kill operator")


def test_broadcast_to_a_stranded_customer_says_ok_and_plays_nothing(lab: Make) -> None:
    one = lab()
    stranded(one)
    told = len(one.names("c"))
    assert (
        one.api("uuid_broadcast c playback!normal_clearing::/srv/m.wav") == "+OK Message sent\n"
    )
    one.clock.advance(10.0)
    assert len(one.names("c")) == told
    assert one.api("uuid_exists c") == "true"


def test_transfer_sends_a_stranded_customer_into_the_message(lab: Make) -> None:
    one = lab()
    stranded(one)
    assert (
        one.api("uuid_transfer c 'm:^:playback:/srv/message.wav^hangup:NORMAL_CLEARING' inline")
        == "+OK\n"
    )
    one.clock.advance(2.3)
    assert one.names("c")[-4:] == [
        "PLAYBACK_START",
        "PLAYBACK_STOP",
        "CHANNEL_HANGUP_COMPLETE",
        "CHANNEL_DESTROY",
    ]


def test_broadcast_to_a_waiting_customer_plays_and_hangs_up(lab: Make) -> None:
    one = lab()
    one.ready("c")
    one.api("uuid_broadcast c playback!normal_clearing::/srv/message.wav")
    one.clock.advance(2.2)
    end = one.last("CHANNEL_HANGUP_COMPLETE", "c")
    assert end["Hangup-Cause"] == "NORMAL_CLEARING"


def test_a_leg_that_is_gone_before_the_command_leaves_the_other_untouched(lab: Make) -> None:
    one = lab()
    one.ready("c")
    one.ready("d")
    leave(one, "d")
    assert one.api("uuid_bridge operator d") == "-ERR Invalid uuid\n"
    assert one.channel("operator").parked
    one.api("uuid_kill operator")
    assert one.api("uuid_bridge operator c") == "-ERR Invalid uuid\n"
    one.clock.advance(4.0)
    assert one.last("CHANNEL_HANGUP_COMPLETE", "c")["variable_last_app"] == "hangup"


def test_nobodys_number_stands_in_caller_after_a_bridge(lab: Make) -> None:
    one = lab()
    one.ready("c")
    one.api("uuid_bridge operator c")
    one.clock.advance(1.0)
    leave(one, "c")
    end = one.last("CHANNEL_HANGUP_COMPLETE", "c")
    assert end["Caller-Caller-ID-Number"] == "1000"
    assert end["Caller-Orig-Caller-ID-Number"] == "74951234567"
    assert end["Caller-Destination-Number"] == "79160000001"


def test_history_grows_with_every_bridge_until_it_is_unset(lab: Make) -> None:
    one = lab()
    for number in range(3):
        one.ready(f"c{number}")
        one.api(f"uuid_bridge operator c{number}")
        one.clock.advance(1.0)
        one.api(f"uuid_kill c{number}")
    history = one.last("CHANNEL_PARK", "operator")["variable_transfer_history"]
    assert len(history) == 3
    assert one.api("uuid_setvar operator transfer_history") == "+OK\n"
    assert one.api("uuid_getvar operator transfer_history") == "_undef_"


def test_a_second_bridge_takes_the_leg_out_of_the_first(lab: Make) -> None:
    one = lab()
    one.ready("c")
    one.api("uuid_bridge operator c")
    one.clock.advance(1.0)
    one.login("second")
    one.api("uuid_bridge second c")
    one.clock.advance(1.0)
    assert one.channel("operator").parked
    assert one.last("CHANNEL_BRIDGE")["Bridge-A-Unique-ID"] == "second"
    assert one.channel("c").bridge is not None
