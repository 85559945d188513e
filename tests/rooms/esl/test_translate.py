"""Every recorded story of a real switch, told in our own words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.model import Evidence
from dialer.esl.translate import (
    _READERS,
    KINDS,
    evidence,
    found_leg,
    translate,
    worth_decoding,
)
from dialer.ports import SwitchEvent
from tests.rooms.esl.recordings import headers_of
from tests.rooms.esl.scripted import SAMPLES

# "-" is an event that nobody asked about (PLAYBACK_STOP).
STORIES = {
    "01_agent_login_then_call_bridged_customer_ends": (
        "created progressed answered job parked created progressed answered job ready - "
        "bridged parked unbridged hung_up destroyed"
    ),
    "02_call_bridged_agent_leg_lost": (
        "parked bridged hung_up unbridged destroyed hung_up destroyed"
    ),
    "03_abandoned_message_played": "created answered job ready - - hung_up destroyed",
    "04_customer_hangs_up_while_waiting": "created answered job ready - hung_up destroyed",
    "05_busy_486": "created hung_up job destroyed",
    "05_carrier_503_503": "created hung_up job destroyed",
    "05_declined_603": "created hung_up job destroyed",
    "05_incomplete_484": "created hung_up job destroyed",
    "05_not_found_404": "created hung_up job destroyed",
    "05_unavailable_480": "created hung_up job destroyed",
    "06_no_answer_originate_timeout": "created progressed job hung_up destroyed",
    "07_early_media_then_486": "created progressed hung_up job destroyed",
    "08_cancelled_by_uuid_kill_while_ringing": "created progressed hung_up job destroyed",
    "09_invalid_gateway": "destroyed job",
    "10_invalid_profile": "destroyed job",
    "11_user_not_registered": "job",
    "11b_user_not_in_registration": "destroyed job",
    "12_no_such_endpoint": "job",
    "13_usage": "job",
    "14_sps_limit_no_channel": "job job",
    "15_max_sessions": "created job hung_up job destroyed",
    "16_paused_outbound": "job",
    "17_duplicate_uuid": "created progressed job hung_up job destroyed",
    "18_gateway_and_registration": "gateway gateway registration",
    "19_odd_caller_names": "created hung_up created hung_up created hung_up created hung_up",
    "20_operator_first_bridge_customer_ends": (
        "created progressed answered ready job - bridged hung_up unbridged parked destroyed"
    ),
    "21_hand_over_customer_gone_customer_first_limbo_then_uuid_park": (
        "created progressed answered job ready - hung_up destroyed parked"
    ),
    "22_hand_over_customer_gone_operator_first_parks_itself": (
        "created progressed answered ready job - hung_up destroyed parked"
    ),
    "23_killed_so_early_that_hangup_has_no_create": "job hung_up destroyed",
    "24_glare_200_crosses_our_cancel": "created progressed hung_up destroyed job",
    "25_bridged_on_answer_job_says_originator_cancel": (
        "created progressed answered job bridged parked unbridged hung_up destroyed"
    ),
    "26_gateway_down": "destroyed job",
    "27_progress_timeout": "created job hung_up destroyed",
    "28_switch_shut_down_during_a_call": "shutdown - hung_up destroyed hung_up destroyed",
    "29_answered_and_gone_at_once_no_answer_is_told": (
        "created progressed hung_up job destroyed"
    ),
}

REFUSED = {"hangup_disposition": "recv_refuse", "early_media": False}
CANCELLED = {
    "hangup_disposition": "send_cancel",
    "sip_status": 487,
    "sip_phrase": "CANCEL",
    "sip_term_status": None,
    "early_media": False,
}


def refused(cause: str, q850: int, status: int, phrase: str) -> dict[str, Any]:
    told = {"cause": cause, "q850": q850, "sip_status": status, "sip_term_status": status}
    return {**REFUSED, **told, "sip_phrase": phrase}


# Proofs 6: what each ending leaves behind, of the first leg that hangs up in the file.
ENDINGS: dict[str, dict[str, Any]] = {
    "03_abandoned_message_played": {
        "cause": "NORMAL_CLEARING",
        "q850": 16,
        "sip_status": None,
        "sip_term_status": None,
        "hangup_disposition": "send_bye",
    },
    "04_customer_hangs_up_while_waiting": {
        "cause": "NORMAL_CLEARING",
        "sip_status": None,
        "sip_term_status": 200,
        "hangup_disposition": "recv_bye",
    },
    "05_busy_486": refused("USER_BUSY", 17, 486, "Busy Here"),
    "05_carrier_503_503": refused("NORMAL_TEMPORARY_FAILURE", 41, 503, "Service Unavailable"),
    "05_declined_603": refused("CALL_REJECTED", 21, 603, "Decline"),
    "05_incomplete_484": refused("INVALID_NUMBER_FORMAT", 28, 484, "Address Incomplete"),
    "05_not_found_404": refused("UNALLOCATED_NUMBER", 1, 404, "Not Found"),
    "05_unavailable_480": refused("NO_USER_RESPONSE", 18, 480, "Temporarily Unavailable"),
    "06_no_answer_originate_timeout": {**CANCELLED, "cause": "NO_ANSWER", "q850": 19},
    "07_early_media_then_486": {
        **refused("USER_BUSY", 17, 486, "Busy Here"),
        "early_media": True,
    },
    "08_cancelled_by_uuid_kill_while_ringing": {**CANCELLED, "cause": "ORIGINATOR_CANCEL"},
    "17_duplicate_uuid": {**CANCELLED, "cause": "MANAGER_REQUEST"},
    "20_operator_first_bridge_customer_ends": {
        "cause": "NORMAL_CLEARING",
        "sip_term_status": 200,
        "hangup_disposition": "recv_bye",
        "sip_reason": 'Q.850;cause=16;text="NORMAL_CLEARING"',
        "sip_call_id": "03267974-62c2-1240-68b8-de96af604be9",
    },
    "23_killed_so_early_that_hangup_has_no_create": {
        "cause": "ORIGINATOR_CANCEL",
        "hangup_disposition": None,
        "sip_call_id": None,
    },
    "24_glare_200_crosses_our_cancel": {**CANCELLED, "cause": "NO_ANSWER"},
    "27_progress_timeout": {**CANCELLED, "cause": "PROGRESS_TIMEOUT"},
    "28_switch_shut_down_during_a_call": {
        "cause": "SYSTEM_SHUTDOWN",
        "hangup_disposition": "send_bye",
    },
    "29_answered_and_gone_at_once_no_answer_is_told": {
        "cause": "NORMAL_CLEARING",
        "sip_status": None,
        "sip_term_status": 200,
        "hangup_disposition": "recv_bye",
        "early_media": False,
    },
}


def events_of(story: str) -> list[SwitchEvent]:
    return [event for headers in headers_of(story) if (event := translate(headers))]


def test_all_recorded_stories_are_told():
    assert {path.stem for path in SAMPLES.glob("*.ndjson")} == set(STORIES)


@pytest.mark.parametrize("story", STORIES)
def test_the_events_of_a_story_come_in_our_words(story: str):
    told = [translate(headers) for headers in headers_of(story)]
    assert " ".join(event.kind if event else "-" for event in told) == STORIES[story]
    for event in filter(None, told):
        assert event.kind in KINDS
        assert 1795496500 < event.at < 1795600000


@pytest.mark.parametrize("story", ENDINGS)
def test_an_ending_keeps_its_evidence(story: str):
    """Lost evidence = a wrong disposition: the contact is dialed again, or never again."""
    found = next(e.data["evidence"] for e in events_of(story) if e.kind == "hung_up")
    assert isinstance(found, Evidence)
    assert found.channel
    assert {name: getattr(found, name) for name in ENDINGS[story]} == ENDINGS[story]


def test_a_bridge_names_both_legs_whoever_comes_first():
    (operator_first,) = [
        e for e in events_of("20_operator_first_bridge_customer_ends") if e.kind == "bridged"
    ]
    assert operator_first.leg == "d4ea508a-83f6-4079-ad1f-37d82a03b058"
    assert operator_first.other == "add3498b-e5b5-4872-bd36-c2fad63fa663"
    (customer_first,) = [
        e
        for e in events_of("01_agent_login_then_call_bridged_customer_ends")
        if e.kind == "bridged"
    ]
    assert customer_first.leg == "9b848a61-5c49-41cc-afe0-ecf5a5d2f3c6"
    assert customer_first.other == "93d9b8c9-b4ba-4d2d-bb2a-de352539c820"


def test_no_number_is_taken_from_an_event():
    """After a bridge `Caller-*` holds the operator's number: it must not reach a report."""
    for event in events_of("20_operator_first_bridge_customer_ends"):
        assert not any("79100300001" in str(value) for value in event.data.values())


def test_a_leg_says_whose_it_is():
    events = events_of("01_agent_login_then_call_bridged_customer_ends")
    assert events[0].data == {"operator": "7", "instance": "i1"}
    customers = [e for e in events if e.kind == "ready"]
    assert customers[0].data["instance"] == "i1"
    assert customers[0].data["attempt"].startswith("0000")


def test_times_of_the_call_come_with_its_end():
    (ended,) = [
        e for e in events_of("20_operator_first_bridge_customer_ends") if e.kind == "hung_up"
    ]
    assert ended.data["created_at"] == pytest.approx(1795535600.12904)
    assert ended.data["answered_at"] == pytest.approx(1795535600.429049)
    assert ended.data["bridged_at"] == pytest.approx(1795535600.489057)


@pytest.mark.parametrize(
    ("story", "reply"),
    [
        ("09_invalid_gateway", "-ERR INVALID_GATEWAY"),
        ("11_user_not_registered", "-ERR SUBSCRIBER_ABSENT"),
        ("12_no_such_endpoint", "-ERR CHAN_NOT_IMPLEMENTED"),
        ("16_paused_outbound", "-ERR DESTINATION_OUT_OF_ORDER"),
        ("26_gateway_down", "-ERR GATEWAY_DOWN"),
    ],
)
def test_a_call_that_never_became_a_channel_has_its_reply(story: str, reply: str):
    events = events_of(story)
    assert events[-1].data["reply"] == reply
    assert events[-1].data["origination_uuid"] is not None
    assert all(event.data["ghost"] for event in events[:-1])


def test_usage_has_no_leg_and_is_still_told():
    (event,) = events_of("13_usage")
    assert event.data["reply"].startswith("-USAGE")
    assert event.data["origination_uuid"] is None


def test_gateways_and_registrations():
    added, deleted, registered = events_of("18_gateway_and_registration")
    assert (added.data["gateway"], added.data["up"]) == ("selfcallee", True)
    assert (deleted.data["gateway"], deleted.data["up"]) == ("selfcallee", False)
    assert registered.data == {"user": "1000", "domain": "127.0.0.1", "registered": True}


@pytest.mark.parametrize(
    ("headers", "up"),
    [
        ({"State": "NOREG", "Ping-Status": "UP"}, True),
        ({"State": "NOREG", "Ping-Status": "DOWN"}, False),
        ({"State": "REGED"}, True),
        ({"State": "FAILED"}, False),
    ],
)
def test_a_gateway_that_went_down_is_seen(headers: dict[str, str], up: bool):
    event = translate(
        {
            "Event-Name": "CUSTOM",
            "Event-Subclass": "sofia::gateway_state",
            "Gateway": "g",
            **headers,
        }
    )
    assert event is not None
    assert event.data == {"gateway": "g", "up": up}


def test_a_key_and_a_recording():
    key = translate({"Event-Name": "DTMF", "Unique-ID": "u", "DTMF-Digit": "9"})
    assert key is not None
    assert (key.kind, key.leg, key.data["digit"]) == ("dtmf", "u", "9")
    path = translate(
        {"Event-Name": "RECORD_STOP", "Unique-ID": "u", "Record-File-Path": "/r/u.wav"}
    )
    assert path is not None
    assert path.data["path"] == "/r/u.wav"


def test_control_characters_never_reach_a_log_or_a_store():
    told = evidence(
        {"Hangup-Cause": "X\nY\0Z", "variable_sip_invite_failure_phrase": "a\x1b[31m"}
    )
    assert told.cause == "X Y Z"
    assert told.sip_phrase == "a [31m"
    assert len(evidence({"Hangup-Cause": "x" * 9999}).cause) <= 256


VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [None, 7, True, [], ["a"], {}, {"a": "b"}, "-1", "9" * 40, "٣", "\x00", "CS_EXECUTE"]
    ),
)
READ = [
    *("Unique-ID", "Bridge-A-Unique-ID", "Bridge-B-Unique-ID", "Job-UUID", "Job-Command-Arg"),
    *(
        "Event-Date-Timestamp",
        "Hangup-Cause",
        "Channel-State",
        "Answer-State",
        "DTMF-Digit",
        "_body",
    ),
    *(
        "Caller-Channel-Created-Time",
        "Caller-Channel-Bridged-Time",
        "Caller-Profile-Created-Time",
    ),
    *(
        "Gateway",
        "Ping-Status",
        "State",
        "from-user",
        "from-host",
        "dialer-tick",
        "dialer-instance",
    ),
    *("variable_dialer_attempt", "variable_hangup_cause_q850", "variable_sip_term_status"),
    *("variable_bridge_uuid", "variable_current_application", "variable_sip_call_id"),
]


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(sorted(_READERS)),
    st.lists(st.tuples(st.sampled_from(READ), VALUES), max_size=12).map(dict),
)
def test_no_headers_can_break_the_reader(name: str, headers: dict[str, Any]):
    """An event of odd types kills no daemon."""
    named = {"Event-Name": name}
    if "::" in name:
        named = {"Event-Name": "CUSTOM", "Event-Subclass": name}
    event = translate({**headers, **named})
    assert event is None or event.kind in KINDS
    found_leg(headers)


def test_a_destroyed_channel_that_lived_is_passed_over_undecoded():
    """A third of the JSON of an unanswered attempt; a lone one of a ghost must not be lost."""
    wanted = {"05_busy_486": False, "09_invalid_gateway": True, "26_gateway_down": True}
    for story, worth in wanted.items():
        for line in (SAMPLES / f"{story}.ndjson").read_bytes().splitlines():
            destroyed = line.startswith(b'{"Event-Name":"CHANNEL_DESTROY"')
            assert worth_decoding(line) is (worth or not destroyed)


def test_the_sound_of_a_call_is_read_from_its_end() -> None:
    """Without it nobody knows which carrier is not understood."""
    *_, told = (
        event.data["sound"]
        for event in events_of("28_switch_shut_down_during_a_call")
        if event.kind == "hung_up"
    )
    assert (told.received, told.sent, told.lost, told.mos) == (978, 975, 0, 4.5)
    assert round(told.jitter_ms, 1) == 53.3
