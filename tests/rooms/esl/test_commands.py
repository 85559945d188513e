"""Exact texts of the proven templates, and no way to say anything else with them.

A lost comma check is toll fraud or a shell on the switch (freeswitch.md 8); a changed template
is an unproven one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.model import (
    AttemptId,
    Gateway,
    GatewayName,
    InstanceName,
    LegId,
    NumberId,
    OperatorId,
    Supervision,
    Tone,
)
from dialer.core.permission.reasons import Reason
from dialer.errors import Bug
from dialer.esl import commands
from dialer.esl.commands import House
from dialer.ports import CustomerCall, OperatorCall, SupervisorCall

U = "11111111-2222-4333-8444-555555555555"
V = "66666666-7777-4888-9999-aaaaaaaaaaaa"
HOUSE = House(instance=InstanceName("d1"))
GATEWAY = Gateway(name=GatewayName("mts"), calls_per_s=5, calls_at_once=30, called_form="e164")
CALL = CustomerCall(
    attempt=AttemptId(U),
    digits="+79161234567",
    caller=NumberId("+74951230001"),
    gateway=GatewayName("mts"),
    ring_timeout_s=30,
    silence_ms=1800,
    message="abandoned.wav",
    max_talk_s=7200,
)
OPERATOR = OperatorCall(
    operator=OperatorId("101"), leg=LegId(V), endpoint="user/101@pbx.example.org"
)
HOSTILE = [
    "",
    ",",
    "79161234567,sofia/gateway/x/900",
    "+7916,sofia/gateway/x/900",
    "79161234567|user/1",
    "79161234567:_:user/1",
    "[a=b]79161234567",
    "79161234567}",
    "{a=b}79161234567",
    "<a=b>",
    "79161234567@evil.example",
    "79161234567;x=y",
    "79161234567^hangup",
    "79161234567 &bridge(user/1)",
    "79161234567'",
    '7916"1234567',
    "${system(id)}",
    "7916123\n4567",
    "79161234567\n",
    "7916123\\s4567",
    "７９１６１２３４５６７",
    "٧٩١٦١٢٣٤٥٦٧",
    "79161234567\0",
    "../../etc/passwd",
    "a/../b",
    "x" * 300,
]


def customer(house: House = HOUSE, **changes: Any) -> str:
    return commands.originate_customer(replace(CALL, **changes), GATEWAY, house)


# ------------------------------------------------------------------ exact texts


def test_the_customers_template_is_the_proven_one():
    assert customer() == (
        f"bgapi originate {{origination_uuid={U},origination_caller_id_number=74951230001,"
        "origination_caller_id_name=74951230001,ignore_early_media=true,originate_timeout=30,"
        "absolute_codec_string=PCMA,hangup_after_bridge=true,ignore_display_updates=true,"
        f"dialer_instance=d1,dialer_attempt={U},execute_on_answer=sched_hangup\\s+7200}}"
        "sofia/gateway/mts/79161234567 'm:^:event:Event-Name=CUSTOM,"
        "Event-Subclass=dialer::ready^playback:silence_stream://1800^playback:abandoned.wav"
        "^hangup:NORMAL_CLEARING' inline"
    )


def test_the_opt_out_key_is_bound_for_the_message_alone():
    """Bound earlier, a 9 that a person presses at once would be thrown away with the silence;
    what the key does was seen on the real switch (tests/switch/test_opt_out.py).
    """
    bound = (
        f"bind_digit_action:dialer,9,exec:execute_extension,m:~:set_global:dialer_opt_out_{U}=9"
        "~event:dialer_key=9 inline^playback:abandoned.wav^hangup:NORMAL_CLEARING' inline"
    )
    silence = "^playback:silence_stream://1800^"
    assert customer(opt_out_key="9").endswith(silence + bound)
    rescued = commands.play_message(LegId(U), "abandoned.wav", "9", HOUSE)
    assert rescued == f"api uuid_transfer {U} 'm:^:{bound}"
    assert commands.forget_opt_out(U) == f"api global_setvar dialer_opt_out_{U}="


def test_the_operators_template_is_the_proven_one():
    assert commands.originate_operator(OPERATOR, HOUSE) == (
        f"bgapi originate {{origination_uuid={V},park_after_bridge=true,"
        "uuid_bridge_park_on_cancel=true,ignore_early_media=true,originate_timeout=30,"
        "no_throttle_limits=true,send_silence_when_idle=-1,max_session_transfers=1000000,"
        "sip_auto_answer=true,media_timeout=30000,dialer_instance=d1,dialer_agent=101}"
        "user/101@pbx.example.org &park()"
    )


def test_the_supervisors_template_is_the_proven_one():
    call = SupervisorCall(
        leg=LegId(U),
        supervisor="boss",
        endpoint="user/199@pbx.example.org",
        operator=OperatorId("anna"),
        operator_leg=LegId(V),
    )
    assert commands.originate_supervisor(call, HOUSE) == (
        f"bgapi originate {{origination_uuid={U},ignore_early_media=true,originate_timeout=30,"
        "no_throttle_limits=true,sip_auto_answer=true,media_timeout=30000,"
        "eavesdrop_enable_dtmf=true,dialer_instance=d1,dialer_supervisor=boss,"
        f"dialer_supervised=anna}}user/199@pbx.example.org &eavesdrop({V})"
    )
    keys = [commands.supervise(LegId(U), mode)[-1] for mode in Supervision]
    assert keys == ["0", "2", "3"]
    with pytest.raises(Bug):
        commands.originate_supervisor(replace(call, supervisor="a,b=c"), HOUSE)
    with pytest.raises(Bug):
        commands.originate_supervisor(replace(call, endpoint="user/1@x &park()"), HOUSE)
    with pytest.raises(Bug):
        commands.originate_supervisor(replace(call, operator_leg=LegId("u")), HOUSE)


def test_what_is_done_with_legs():
    u, v = LegId(U), LegId(V)
    assert commands.bridge(v, u) == f"api uuid_bridge {V} {U}"
    assert commands.park(v) == f"api uuid_park {V}"
    assert commands.kill(u, "ORIGINATOR_CANCEL") == f"api uuid_kill {U} ORIGINATOR_CANCEL"
    assert commands.clean(v) == f"api uuid_setvar {V} transfer_history"
    assert commands.play_message(u, "ru/sorry.wav", "", HOUSE) == (
        f"api uuid_transfer {U} 'm:^:playback:ru/sorry.wav^hangup:NORMAL_CLEARING' inline"
    )
    assert commands.stereo(u) == f"api uuid_setvar {U} RECORD_STEREO true"
    assert commands.record(u, f"/var/spool/dialer/{U}.wav") == (
        f"sendmsg {U}",
        {
            "call-command": "execute",
            "execute-app-name": "record_session",
            "execute-app-arg": f"/var/spool/dialer/{U}.wav",
        },
    )
    for masked, word in ((True, "mask"), (False, "unmask")):
        assert (
            commands.mask(u, "/r/a.wav", masked=masked)
            == f"api uuid_record {U} {word} /r/a.wav"
        )
    assert (
        commands.announce(u, "rec.wav", HOUSE) == f"api uuid_displace {U} start rec.wav 0 mux"
    )
    assert commands.beep(v, Tone(frequency_hz=900, length_ms=120)) == (
        f"api uuid_displace {V} start tone_stream://%(120,0,900) 0 mux"
    )
    assert commands.exists(u) == f"api uuid_exists {U}"
    assert commands.dump(u) == f"api uuid_dump {U} json"
    assert commands.hang_up_all("MANAGER_REQUEST", HOUSE) == (
        "api hupall MANAGER_REQUEST dialer_instance d1"
    )
    assert commands.tick(7, HOUSE) == (
        "sendevent CUSTOM",
        {"Event-Subclass": "dialer::tick", "dialer-instance": "d1", "dialer-tick": "7"},
    )


def test_the_message_lies_in_the_configured_folder():
    house = replace(HOUSE, sounds="/var/lib/dialer/sounds")
    assert "^playback:/var/lib/dialer/sounds/abandoned.wav^hangup" in customer(house)


@pytest.mark.parametrize(
    ("form", "prefix", "dialed"),
    [
        ("+e164", "", "+79161234567"),
        ("e164", "", "79161234567"),
        ("national8", "", "89161234567"),
        ("e164", "99", "9979161234567"),
    ],
)
def test_the_number_is_written_as_the_gateway_wants_it(form: str, prefix: str, dialed: str):
    gateway = replace(GATEWAY, called_form=form, called_prefix=prefix)
    assert commands.called("+79161234567", gateway, HOUSE) == dialed
    assert f"}}sofia/gateway/mts/{dialed} '" in commands.originate_customer(
        CALL, gateway, HOUSE
    )


def test_the_shown_number_too():
    gateway = replace(GATEWAY, caller_form="+e164")
    text = commands.originate_customer(CALL, gateway, HOUSE)
    assert "origination_caller_id_number=+74951230001,origination_caller_id_name=+7495" in text


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize("bad", HOSTILE)
@pytest.mark.parametrize("name", ["attempt", "digits", "caller", "gateway", "message"])
def test_no_hostile_text_is_said_to_the_switch(name: str, bad: str):
    with pytest.raises(Bug):
        customer(HOUSE, **{name: bad})


@pytest.mark.parametrize("bad", HOSTILE)
def test_nor_as_an_operator_a_leg_a_cause_a_path_or_a_prefix(bad: str):
    changes: tuple[dict[str, Any], ...] = (
        {"operator": bad},
        {"leg": bad},
        {"endpoint": bad},
        {"endpoint": f"user/{bad}@d"},
    )
    for change in changes:
        with pytest.raises(Bug):
            commands.originate_operator(replace(OPERATOR, **change), HOUSE)
    leg = LegId(bad)
    builders = [
        lambda: commands.bridge(leg, LegId(U)),
        lambda: commands.bridge(LegId(U), leg),
        lambda: commands.park(leg),
        lambda: commands.kill(leg, "NORMAL_CLEARING"),
        lambda: commands.kill(LegId(U), bad),
        lambda: commands.clean(leg),
        lambda: commands.record(leg, "a.wav"),
        lambda: commands.record(LegId(U), bad),
        lambda: commands.mask(LegId(U), bad, masked=True),
        lambda: commands.announce(LegId(U), bad, HOUSE),
        lambda: commands.beep(leg, Tone()),
        lambda: commands.play_message(LegId(U), bad, "", HOUSE),
        lambda: commands.play_message(LegId(U), "a.wav", bad or "99", HOUSE),
        lambda: commands.forget_opt_out(bad),
        lambda: commands.exists(leg),
        lambda: commands.dump(leg),
        lambda: commands.hang_up_all(bad, HOUSE),
        lambda: House(instance=InstanceName(bad)),
        lambda: House(instance=InstanceName("d1"), sounds=bad),
    ]
    for build in builders:
        with pytest.raises(Bug):
            build()
    if bad:
        with pytest.raises(Bug):
            commands.called("+79161234567", replace(GATEWAY, called_prefix=bad), HOUSE)


@pytest.mark.parametrize(
    "digits", ["+76001234567", "+78091234567", "+12125551234", "79161234567"]
)
def test_a_forbidden_destination_is_refused_once_more(digits: str):
    with pytest.raises(Bug):
        customer(digits=digits)


def test_the_configured_destinations_count():
    house = replace(HOUSE, refuse=lambda digits: Reason.DESTINATION)
    with pytest.raises(Bug):
        customer(house)


@pytest.mark.parametrize("number", ["+12125551234", "+7916123456", "+791612345678"])
def test_national8_cannot_write_a_number_outside_of_plus_7(number: str):
    """Guessing would call somebody else."""
    with pytest.raises(Bug):
        commands.number_form(number, "national8")


@pytest.mark.parametrize("name", ["ring_timeout_s", "silence_ms", "max_talk_s"])
@pytest.mark.parametrize("bad", [0, -1, 10**9, 2.5, "30", True])
def test_times_are_whole_and_bounded(name: str, bad: Any):
    with pytest.raises(Bug):
        customer(HOUSE, **{name: bad})


def test_another_gateways_description_is_a_bug():
    with pytest.raises(Bug):
        commands.originate_customer(CALL, replace(GATEWAY, name=GatewayName("x")), HOUSE)


@pytest.mark.parametrize("domain", ["10.0.0.5", "localhost", "pbx-1.example.org"])
def test_operators_domains(domain: str):
    text = commands.originate_operator(replace(OPERATOR, endpoint=f"user/7@{domain}"), HOUSE)
    assert text.endswith(f"}}user/7@{domain} &park()")


@pytest.mark.parametrize(
    "endpoint",
    ["101", "sofia/gateway/x/1", "user/1@-a", "user/1@a..b", "user/1", "user/@d", "user/1@d x"],
)
def test_what_is_no_endpoint(endpoint: str):
    with pytest.raises(Bug):
        commands.originate_operator(replace(OPERATOR, endpoint=endpoint), HOUSE)


# ------------------------------------------------------------------ nothing extra, ever

CUSTOMER_SHAPE = re.compile(
    r"bgapi originate \{([^{}\[\]<>|' ]*)\}sofia/gateway/([A-Za-z0-9_.-]+)/(\+?[0-9]+)"
    r" 'm:\^:([^']*)' inline"
)
CUSTOMER_VARIABLES = [
    "origination_uuid",
    "origination_caller_id_number",
    "origination_caller_id_name",
    "ignore_early_media",
    "originate_timeout",
    "absolute_codec_string",
    "hangup_after_bridge",
    "ignore_display_updates",
    "dialer_instance",
    "dialer_attempt",
    "execute_on_answer",
]
SPICE = st.sampled_from([*",|:^{}[]<>'\"\\$&()=;@/ \n\r\0.", "..", ":_:", "+", "7", "a"])


def spiced(good: str) -> st.SearchStrategy[str]:
    """The good value, one with something put in, or any text."""
    put_in = st.tuples(st.integers(0, len(good)), SPICE).map(
        lambda where: good[: where[0]] + where[1] + good[where[0] :]
    )
    return st.one_of(st.just(good), put_in, st.text(max_size=30))


@settings(deadline=None, max_examples=400)
@given(
    attempt=spiced(U),
    digits=spiced("+79161234567"),
    caller=spiced("+74951230001"),
    gateway=spiced("mts"),
    message=spiced("ru/abandoned.wav"),
    instance=spiced("d1"),
)
def test_whatever_is_accepted_says_only_what_the_template_says(
    attempt: str, digits: str, caller: str, gateway: str, message: str, instance: str
):
    call = replace(
        CALL,
        attempt=AttemptId(attempt),
        digits=digits,
        caller=NumberId(caller),
        gateway=GatewayName(gateway),
        message=message,
    )
    try:
        text = commands.originate_customer(
            call,
            replace(GATEWAY, name=GatewayName(gateway)),
            House(instance=InstanceName(instance)),
        )
    except Bug:
        return
    shape = CUSTOMER_SHAPE.fullmatch(text)
    assert shape is not None
    variables = shape[1].split(",")
    assert [variable.partition("=")[0] for variable in variables] == CUSTOMER_VARIABLES
    assert all(variable.count("=") == 1 for variable in variables)
    applications = shape[4].split("^")
    assert [application.partition(":")[0] for application in applications] == [
        "event",
        "playback",
        "playback",
        "hangup",
    ]
    assert not re.search(r"[\r\n\0]", text)


@settings(deadline=None, max_examples=300)
@given(operator=spiced("101"), leg=spiced(V), endpoint=spiced("user/101@pbx.example.org"))
def test_nor_can_an_operators_call_have_a_second_leg(operator: str, leg: str, endpoint: str):
    try:
        text = commands.originate_operator(
            OperatorCall(operator=OperatorId(operator), leg=LegId(leg), endpoint=endpoint),
            HOUSE,
        )
    except Bug:
        return
    shape = re.fullmatch(
        r"bgapi originate \{([^{}\[\]<>|' ]*)\}user/[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+ &park\(\)",
        text,
    )
    assert shape is not None
    assert len(shape[1].split(",")) == 12


def test_what_a_carrier_wants_to_be_different_stands_in_the_template():
    """A number in the wrong header is a call without a number shown (R3.11)."""
    gateway = replace(
        GATEWAY,
        caller_in="from_and_pai",
        codecs=("PCMA", "PCMU"),
        dtmf="info",
        media_encryption="mandatory",
        called_prefix="9",
        sim_ports={NumberId("+74951230001"): "02"},
    )
    text = commands.originate_customer(CALL, gateway, HOUSE)
    assert (
        ",absolute_codec_string=^^:PCMA:PCMU,sip_cid_type=pid,"
        "sip_cid_suppress_privacy_none=true,dtmf_type=info,rtp_secure_media=mandatory,"
    ) in text
    assert "}sofia/gateway/mts/90279161234567 '" in text


@pytest.mark.parametrize("codecs", [(), ("PCMA,x=1",), ("PCMA:PCMU",), ("P{",)])
def test_a_codec_of_other_characters_is_refused(codecs: tuple[str, ...]):
    with pytest.raises(Bug):
        commands.originate_customer(CALL, replace(GATEWAY, codecs=codecs), HOUSE)
