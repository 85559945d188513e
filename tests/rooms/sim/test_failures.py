"""Failures, cancels, limits, bad strings and media (freeswitch-proofs.md 5, 6, 10, 11): what a
daemon must tell apart to charge the right one, and what its mistakes would do to real people.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dialer.sim import legs
from dialer.sim.dial_string import Application
from dialer.sim.world import Gateway, Phones
from tests.rooms.sim.conftest import CALM, pattern
from tests.rooms.sim.virtual import Laboratory

Make = Callable[..., Laboratory]


def leave(one: Laboratory, uuid: str) -> None:
    legs.hang_up(one.x, one.channel(uuid), "NORMAL_CLEARING", by_us=False)


# ------------------------------------------------------------------ failures, cancels


def test_a_closed_port_looks_like_the_carriers_503_but_for_the_final_word(lab: Make) -> None:
    one = lab(gateways={"closed": Gateway(closed=True)})
    one.call("c", gateway="closed")
    one.clock.advance(1.0)
    end = one.last("CHANNEL_HANGUP_COMPLETE", "c")
    assert end["Hangup-Cause"] == "NORMAL_TEMPORARY_FAILURE"
    assert "variable_sip_term_status" not in end


def test_a_reason_header_wins_over_the_status(lab: Make) -> None:
    one = lab("congestion")
    one.call("c")
    one.clock.advance(1.0)
    end = one.last("CHANNEL_HANGUP_COMPLETE", "c")
    assert end["Hangup-Cause"] == "NORMAL_CIRCUIT_CONGESTION"
    assert end["variable_sip_invite_failure_status"] == "503"
    assert end["variable_sip_term_cause"] == "34"


def test_network_blocked_is_told_apart_from_a_persons_603(lab: Make) -> None:
    one = lab("blocked")
    one.call("c")
    one.clock.advance(1.0)
    end = one.last("CHANNEL_HANGUP_COMPLETE", "c")
    assert end["variable_sip_603plus_reason"] == "Network Blocked"


def test_a_kill_can_come_before_the_channel(lab: Make) -> None:
    """`-ERR No such channel!`, and the call appears all the same: the intent must be kept."""
    one = lab("no_answer")
    one.x.after(0.05, one.call, "c")
    assert one.api("uuid_kill c ORIGINATOR_CANCEL") == "-ERR No such channel!\n"
    one.clock.advance(0.3)
    assert one.names("c") == ["CHANNEL_CREATE", "CHANNEL_PROGRESS"]


def test_an_unknown_cause_becomes_normal_clearing(lab: Make) -> None:
    one = lab("no_answer")
    one.call("c")
    one.clock.advance(1.0)
    one.api("uuid_kill c NO_SUCH_CAUSE")
    assert one.last("CHANNEL_HANGUP_COMPLETE", "c")["Hangup-Cause"] == "NORMAL_CLEARING"


def test_a_pause_keeps_operators_out_too_but_full_sessions_do_not(lab: Make) -> None:
    one = lab()
    one.api("fsctl max_sessions 1")
    one.login("second")
    one.api("fsctl pause outbound")
    one.originate("third", "{no_throttle_limits=true}user/1000@d &park()")
    assert one.replies["third"] == "-ERR DESTINATION_OUT_OF_ORDER\n"


def test_sps_lets_one_less_through_each_second(lab: Make) -> None:
    """proofs 5: sps 5, twelve at once: four dialed, eight refused with no event."""
    one = lab("no_answer", sps=5)
    one.clock.advance(1.0 - one.clock.now() % 1.0)
    for number in range(12):
        one.call(f"c{number}")
    refused = [key for key, reply in one.replies.items() if reply.startswith("-ERR")]
    assert len(refused) == 8
    one.clock.advance(1.0)
    assert one.names("c11") == []
    one.call("later")
    one.clock.advance(0.1)
    assert one.names("later") == ["CHANNEL_CREATE"]


def test_hupall_by_variable_spares_the_other_daemons_calls(lab: Make) -> None:
    one = lab("no_answer")
    one.call("a")
    one.call("b")
    one.clock.advance(1.0)
    one.api("uuid_setvar b dialer_instance other")
    reply = one.api("hupall MANAGER_REQUEST dialer_instance i1")
    assert reply == (
        "+OK hangup all channels matching [dialer_instance]=[i1] with cause: MANAGER_REQUEST\n"
    )
    assert set(one.x.channels) == {"b", "operator"}
    assert one.last("CHANNEL_HANGUP_COMPLETE", "a")["Hangup-Cause"] == "MANAGER_REQUEST"


def test_a_gateway_that_goes_down_says_so_and_refuses(lab: Make) -> None:
    one = lab(gateways={"carrier": Gateway(up_s=30.0, down_s=10.0)})
    one.x.start()
    one.clock.advance(31.0)
    event = one.last("sofia::gateway_state")
    assert (event["Gateway"], event["Ping-Status"]) == ("carrier", "DOWN")
    one.call("c")
    assert one.replies["c"] == "-ERR GATEWAY_DOWN\n"
    assert "Status  \tDOWN" in one.api("sofia status gateway carrier")
    one.clock.advance(10.0)
    assert one.last("sofia::gateway_state")["Ping-Status"] == "UP"
    one.x.end()


def test_the_carrier_refuses_what_is_over_its_rate(lab: Make) -> None:
    one = lab("no_answer", gateways={"carrier": Gateway(calls_per_s=2)})
    one.clock.advance(1.0 - one.clock.now() % 1.0)
    for number in range(5):
        one.call(f"c{number}")
    one.clock.advance(0.5)
    codes = [e.get("variable_sip_term_status") for e in one.events if "Hangup-Cause" in e]
    assert codes.count("503") >= 3
    assert len(one.x.channels) == 2 + 1


# ------------------------------------------------------------------ what a bad string does


def test_a_comma_in_the_number_is_a_second_call(lab: Make) -> None:
    """Toll fraud if the daemon let it through: it must be seen here as the call that it is."""
    one = lab("no_answer")
    one.originate("x", "sofia/gateway/carrier/79160000001,sofia/gateway/carrier/900 &park()")
    one.clock.advance(1.0)
    dialed = {c.number for c in one.x.channels.values()} - {"1000"}
    assert dialed == {"79160000001", "900"}


def test_with_our_uuid_the_second_leg_is_a_duplicate(tmp_path: Path) -> None:
    one = Laboratory(replace(CALM, patterns=(pattern("no_answer"),)), tmp_path / "record")
    one.call("c", "79160000001,sofia/gateway/carrier/900")
    one.clock.advance(1.0)
    assert [c.number for c in one.x.channels.values()] == ["79160000001"]
    assert '"destination":"900"' in (tmp_path / "record").read_text()


def test_an_odd_quote_rings_a_real_phone_and_then_fails(lab: Make) -> None:
    one = lab()
    one.originate(
        "c",
        "{origination_uuid=c,ignore_early_media=true}sofia/gateway/carrier/7916 'm:^:park: x",
    )
    one.clock.advance(2.0)
    assert one.replies["c"] == "+OK c\n"
    assert one.last("CHANNEL_HANGUP_COMPLETE", "c")["Hangup-Cause"] == "NO_ROUTE_DESTINATION"


def test_early_media_counts_as_an_answer_unless_ignored(lab: Make) -> None:
    one = lab("early_media_busy")
    one.originate("c", "{origination_uuid=c}sofia/gateway/carrier/79160000001 &park()")
    one.clock.advance(0.5)
    assert one.replies["c"] == "+OK c\n"


# ------------------------------------------------------------------ media


def test_the_key_comes_while_the_message_plays(lab: Make) -> None:
    one = lab("opt_out")
    one.ready("c")
    one.clock.advance(1.8 + 3.0)
    pressed = one.last("DTMF", "c")
    assert pressed["DTMF-Digit"] == "9"
    assert one.names("c").index("DTMF") > one.names("c").index("PLAYBACK_STOP")


def test_a_recording_is_a_file_when_record_stop_says_so(lab: Make, tmp_path: Path) -> None:
    one = lab()
    one.ready("c")
    path = tmp_path / "talk.wav"
    assert one.api("uuid_setvar c RECORD_STEREO true") == "+OK\n"
    assert one.api(f"uuid_record c start {path}") == "+OK Success\n"
    one.clock.advance(1.0)
    assert not path.exists()
    leave(one, "c")
    assert one.last("RECORD_STOP", "c")["Record-File-Path"] == str(path)
    assert path.read_bytes()[:4] == b"RIFF"


def test_a_recording_by_message_is_the_legs_own_deed(lab: Make, tmp_path: Path) -> None:
    """As on the switch: who has hung up meanwhile is not recorded, and nothing is left."""
    one = lab()
    one.ready("c")
    channel, step = one.channel("c"), Application("record_session", str(tmp_path / "c.wav"))
    for _ in range(2):
        legs.obey(one.x, channel, step)
    assert one.names("c").count("RECORD_START") == 1
    one.kill("c")
    legs.obey(one.x, channel, Application("record_session", str(tmp_path / "late.wav")))
    assert [file.name for file in tmp_path.iterdir()] == ["c.wav"]


def test_a_recording_that_cannot_be_written_does_not_stop_the_call(lab: Make) -> None:
    one = lab()
    one.ready("c")
    one.api("uuid_record c start /nowhere/at/all.wav")
    assert one.api("uuid_record c stop /nowhere/at/all.wav") == "+OK Success\n"
    assert one.last("RECORD_STOP", "c")
    assert "c" in one.x.channels


def test_park_timeout_ends_the_leg_and_erases_park_after_bridge(lab: Make) -> None:
    one = lab()
    one.originate(
        "c",
        "{origination_uuid=c,ignore_early_media=true,park_timeout=4:normal_clearing,"
        "park_after_bridge=true}sofia/gateway/carrier/79160000001 &park()",
    )
    one.clock.advance(2.0)
    assert one.api("uuid_getvar c park_after_bridge") == "_undef_"
    one.clock.advance(4.0)
    assert one.last("CHANNEL_HANGUP_COMPLETE", "c")["Hangup-Cause"] == "NORMAL_CLEARING"


# ------------------------------------------------------------------ operators' phones


def test_operators_legs_are_lost_at_the_given_rate(lab: Make) -> None:
    one = lab(phones=Phones(answer_s=(0.1, 0.1), losses_per_hour=360.0))
    one.clock.advance(120.0)
    end = one.last("CHANNEL_HANGUP_COMPLETE", "operator")
    assert end["variable_sip_hangup_disposition"] == "recv_bye"


@pytest.mark.parametrize(
    ("phones", "reply"),
    [
        (Phones(absent="1[0-9]{3}"), "SUBSCRIBER_ABSENT"),
        (Phones(unregistered="1[0-9]{3}"), "USER_NOT_REGISTERED"),
        (Phones(refusing="1[0-9]{3}"), "CALL_REJECTED"),
    ],
)
def test_a_phone_that_cannot_be_called(phones: Phones, reply: str) -> None:
    world = replace(CALM, phones=phones)
    one = Laboratory(world)
    one.originate("o", "{origination_uuid=o}user/1000@d &park()")
    one.clock.advance(1.0)
    assert one.replies["o"] == f"-ERR {reply}\n"


def test_the_tables_row_tells_who_is_bridged_with_whom(lab: Make) -> None:
    """Reconcile reads this after a lost connection (proofs 7)."""
    one = lab()
    one.ready("c")
    one.api("uuid_bridge operator c")
    one.clock.advance(1.0)
    table = one.api("show channels as json")
    assert table.startswith('{"row_count":2,"rows":[{"uuid":')
    assert table.count('"call_uuid":"operator"') == 2
    dump = one.api("uuid_dump c json")
    assert '"Other-Leg-Unique-ID":"operator"' in dump
    assert '"Channel-State":"CS_EXCHANGE_MEDIA"' in dump
    assert '"variable_dialer_attempt":"c"' in dump
