"""What each ending means: every row of proofs 6 and 5, every cause and SIP status of 5.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.calls.cause_codes import CODES, NO_CHANNEL, q850_of
from dialer.core.calls.causes import (
    TABLE,
    Charge,
    Condition,
    Facts,
    Row,
    derive,
    match,
    read_reply,
)
from dialer.core.model import Disposition as D
from dialer.core.model import Evidence, HungUpBy
from dialer.errors import Bug

RANG = Facts(rang=True, ring_ms=9_000, elapsed_ms=10_000)
SILENT = Facts(rang=False, elapsed_ms=3_000)
AT_ONCE = Facts(rang=False, elapsed_ms=300)
ABANDONED = Facts(answered=True, rang=True, abandoned=True)
LEFT = Facts(answered=True, rang=True)
TALKED = Facts(answered=True, rang=True, bridged=True)


def refused(status: int, cause: str, q850: int | None = None, **more: object) -> Evidence:
    """The far end's final answer, as the switch reports it (proofs 6)."""
    return Evidence(
        channel=True,
        cause=cause,
        q850=q850,
        sip_status=status,
        sip_term_status=status,
        hangup_disposition="recv_refuse",
        **more,  # type: ignore[arg-type]
    )


def cancelled(cause: str, q850: int = 16) -> Evidence:
    """Our CANCEL: the 487 is our own, no final word of the far end."""
    return Evidence(
        channel=True,
        cause=cause,
        q850=q850,
        sip_status=487,
        sip_phrase="CANCEL",
        hangup_disposition="send_cancel",
    )


def ended(cause: str, disposition: str, term: int | None = None) -> Evidence:
    return Evidence(
        channel=True,
        cause=cause,
        q850=16,
        sip_term_status=term,
        hangup_disposition=disposition,
    )


US, THEM, CARRIER, NOBODY = HungUpBy.US, HungUpBy.THEM, HungUpBy.CARRIER, HungUpBy.NOBODY

# name, evidence, facts -> disposition, contact charged, number charged, suspect, by whom
PROVED = [
    ("404", refused(404, "UNALLOCATED_NUMBER", 1), SILENT, D.INVALID_NUMBER, 1, 1, 1, CARRIER),
    ("410", refused(410, "NUMBER_CHANGED", 22), SILENT, D.INVALID_NUMBER, 1, 1, 1, CARRIER),
    ("484", refused(484, "INVALID_NUMBER_FORMAT", 28), SILENT, D.INVALID_NUMBER, 1, 1, 1,
     CARRIER),
    ("480", refused(480, "NO_USER_RESPONSE", 18), SILENT, D.UNAVAILABLE, 1, 1, 0, CARRIER),
    ("486", refused(486, "USER_BUSY", 17), RANG, D.BUSY, 1, 1, 0, THEM),
    ("603 rang", refused(603, "CALL_REJECTED", 21), RANG, D.REJECTED, 1, 1, 0, THEM),
    ("603 late", refused(603, "CALL_REJECTED", 21), SILENT, D.REJECTED, 1, 1, 0, THEM),
    ("603 at once", refused(603, "CALL_REJECTED", 21), AT_ONCE, D.BLOCKED, 0, 1, 0, CARRIER),
    ("403", refused(403, "CALL_REJECTED", 21), RANG, D.CARRIER_REFUSED, 0, 1, 0, CARRIER),
    ("408", refused(408, "RECOVERY_ON_TIMER_EXPIRE", 102), SILENT, D.CARRIER_FAILURE, 0, 1, 0,
     CARRIER),
    ("500", refused(500, "NORMAL_TEMPORARY_FAILURE", 41), SILENT, D.CARRIER_FAILURE, 0, 1, 0,
     CARRIER),
    ("503 Reason 34", refused(503, "NORMAL_CIRCUIT_CONGESTION", 34), SILENT, D.CARRIER_FAILURE,
     0, 1, 0, CARRIER),
    ("183 then 480", refused(480, "NO_USER_RESPONSE", 18, early_media=True), RANG,
     D.UNAVAILABLE,
     1, 1, 0, CARRIER),
    ("183 then 486", refused(486, "USER_BUSY", 17, early_media=True), RANG, D.BUSY, 1, 1, 0,
     THEM),
    ("183 then 404", refused(404, "UNALLOCATED_NUMBER", 1, early_media=True), RANG,
     D.INVALID_NUMBER, 1, 1, 1, CARRIER),
    ("our time-out, rang", cancelled("NO_ANSWER", 19), RANG, D.NO_ANSWER, 1, 1, 0, US),
    ("our time-out, only 100", cancelled("NO_ANSWER", 19), SILENT, D.CARRIER_FAILURE, 0, 1, 0,
     US),
    ("our kill, ringing, no intent", cancelled("MANAGER_REQUEST"), RANG, D.CANCELLED, 1, 1, 0,
     US),
    ("our kill, silent, no intent", cancelled("ORIGINATOR_CANCEL"), SILENT, D.CANCELLED, 0, 1,
     0,
     US),
    ("our kill, no CREATE", Evidence(channel=True, cause="ORIGINATOR_CANCEL", q850=16), SILENT,
     D.CANCELLED, 0, 1, 0, US),
    ("progress_timeout", cancelled("PROGRESS_TIMEOUT"), SILENT, D.CARRIER_FAILURE, 0, 1, 0, US),
    ("they hang up after a talk", ended("NORMAL_CLEARING", "recv_bye", 200), TALKED, D.TALKED,
     1, 1, 0, THEM),
    ("operator hangs up", ended("NORMAL_CLEARING", "send_bye"), TALKED, D.TALKED, 1, 1, 0, US),
    ("our kill of a talk", ended("ALLOTTED_TIMEOUT", "send_bye"), TALKED, D.TALKED, 1, 1, 0,
     US),
    ("message played", ended("NORMAL_CLEARING", "send_bye"), ABANDONED, D.ABANDONED, 1, 1, 0,
     US),
    ("they left while waiting", ended("NORMAL_CLEARING", "recv_bye", 200), LEFT, D.SHORT_HANGUP,
     1, 1, 0, THEM),
    ("a machine", ended("NORMAL_CLEARING", "send_bye"),
     Facts(answered=True, rang=True, machine=True), D.MACHINE, 1, 1, 0, US),
    ("glare", cancelled("NO_ANSWER", 19), RANG, D.NO_ANSWER, 1, 1, 0, US),
    ("port closed", Evidence(channel=True, cause="NORMAL_TEMPORARY_FAILURE", q850=41), AT_ONCE,
     D.CARRIER_FAILURE, 0, 0, 0, NOBODY),
    ("no RTP port", Evidence(channel=True, cause="DESTINATION_OUT_OF_ORDER", q850=27), AT_ONCE,
     D.LOCAL_FAILURE, 0, 0, 0, NOBODY),
    ("502", refused(502, "NETWORK_OUT_OF_ORDER", 38), SILENT, D.CARRIER_FAILURE, 0, 1, 0,
     CARRIER),
    ("488", refused(488, "INCOMPATIBLE_DESTINATION", 88), SILENT, D.CODEC_FAILURE, 0, 1, 0,
     CARRIER),
    ("482", refused(482, "EXCHANGE_ROUTING_ERROR", 25), SILENT, D.ROUTING_FAILURE, 0, 1, 0,
     CARRIER),
    ("604", refused(604, "NO_ROUTE_DESTINATION", 3), SILENT, D.INVALID_NUMBER, 1, 1, 1,
     CARRIER),
    ("485", refused(485, "NO_ROUTE_DESTINATION", 3), SILENT, D.ROUTING_FAILURE, 0, 1, 0,
     CARRIER),
    ("608", refused(608, "CALL_REJECTED", 21), RANG, D.BLOCKED, 0, 1, 0, CARRIER),
    ("607 rang", refused(607, "UNWANTED"), RANG, D.REJECTED, 1, 1, 0, THEM),
    ("603+", refused(603, "CALL_REJECTED", 21, sip_603plus_reason="v=analytics1"), RANG,
     D.BLOCKED, 0, 1, 0, CARRIER),
    ("603 Network Blocked", refused(603, "CALL_REJECTED", 21, sip_phrase="Network Blocked"),
     RANG,
     D.BLOCKED, 0, 1, 0, CARRIER),
    ("487 from a carrier, at once", refused(487, "ORIGINATOR_CANCEL"),
     Facts(rang=True, ring_ms=4_000), D.CARRIER_FAILURE, 0, 1, 0, CARRIER),
    ("487 from a carrier, rang out", refused(487, "ORIGINATOR_CANCEL"),
     Facts(rang=True, ring_ms=16_000), D.NO_ANSWER, 1, 1, 0, CARRIER),
    ("far end says Q.850 19", refused(500, "NO_ANSWER", 19), SILENT, D.NO_ANSWER, 1, 1, 0,
     CARRIER),
    ("lost", Evidence(channel=True, cause="LOST"), RANG, D.LOST, 1, 1, 0, NOBODY),
    ("lost in talk", Evidence(channel=True, cause="LOST"), TALKED, D.TALKED, 1, 1, 0, NOBODY),
    ("switch stopped, ringing", cancelled("SYSTEM_SHUTDOWN"), RANG, D.LOST, 1, 1, 0, US),
    ("switch crashed, silent", Evidence(channel=True, cause="CRASH"), SILENT, D.LOST, 0, 1, 0,
     NOBODY),
    ("answered while we were blind", ended("NORMAL_CLEARING", "recv_bye", 200),
     Facts(answered=True, unseen=True, rang=True), D.LOST, 1, 1, 0, THEM),
]  # fmt: skip


@pytest.mark.parametrize("case", PROVED, ids=lambda case: case[0])
def test_the_proved_endings(case) -> None:
    """R5.1: a wrong row charges a contact for a carrier's failure, or hides one."""
    _, evidence, facts, disposition, charged, number_charged, suspect, by = case
    verdict = derive(evidence, facts=facts)
    assert verdict.disposition is disposition
    assert verdict.charged is bool(charged)
    assert verdict.number_charged is bool(number_charged)
    assert verdict.number_suspect is bool(suspect)
    assert verdict.hung_up_by is by


def test_a_gateway_known_to_be_silent_rings_without_saying_so() -> None:
    """Some carriers never send 180: their unanswered calls are tries all the same."""
    facts = Facts(rang=False, signals_ringing=False, elapsed_ms=24_000)
    assert derive(cancelled("NO_ANSWER", 19), facts=facts).disposition is D.NO_ANSWER


@pytest.mark.parametrize("cause", sorted(NO_CHANNEL))
def test_a_refusal_without_a_channel_is_nobodys_try(cause: str) -> None:
    """sps or a dead gateway must cost neither the contact's tries nor the number's day."""
    evidence = Evidence(channel=False, cause=cause, reply=f"-ERR {cause}")
    verdict = derive(evidence, facts=Facts(elapsed_ms=5))
    assert verdict.disposition is D.LOCAL_FAILURE
    assert (verdict.charged, verdict.number_charged) == (False, False)
    assert verdict.hung_up_by is NOBODY


def test_our_intent_comes_before_what_the_line_says() -> None:
    """5.3 row 1: charged as a try only if it rang."""
    for facts, charged in (
        (Facts(rang=True, stop_reason="stop"), True),
        (Facts(rang=False, stop_reason="overdial"), False),
    ):
        verdict = derive(cancelled("ORIGINATOR_CANCEL"), facts=facts)
        assert (verdict.disposition, verdict.charged) == (D.CANCELLED, charged)
        assert verdict.number_charged
    nothing = Evidence(channel=False, cause="GATEWAY_DOWN", reply="-ERR GATEWAY_DOWN")
    assert not derive(nothing, facts=Facts(stop_reason="stop")).number_charged
    answered = Facts(answered=True, bridged=True, stop_reason="stop")
    assert (
        derive(ended("NORMAL_CLEARING", "recv_bye", 200), facts=answered).disposition
        is D.TALKED
    )


def test_only_the_jobs_answer_is_no_proof_that_nothing_reached_the_carrier() -> None:
    """The same cause without SIP, but only because its hang-up was never seen."""
    told = Evidence(
        channel=True, cause="NORMAL_TEMPORARY_FAILURE", reply="-ERR NORMAL_TEMPORARY_FAILURE"
    )
    assert derive(told, facts=SILENT).number_charged


#: Causes that say nothing of the call: they may end in "unknown", and no others.
SAYS_NOTHING = {
    "CALL_AWARDED_DELIVERED",
    "NORMAL_CLEARING",
    "RESPONSE_TO_STATUS_ENQUIRY",
    "NORMAL_UNSPECIFIED",
    "SUCCESS",
    "BLIND_TRANSFER",
    "ATTENDED_TRANSFER",
    "PICKED_OFF",
    "BOWOUT",
}


@pytest.mark.parametrize("cause", sorted(CODES))
def test_every_cause_of_the_switch_has_a_home(cause: str) -> None:
    """A cause in "unknown" is charged to the contact whatever it was."""
    homes = set()
    theirs = ("recv_refuse",) if cause != "MANAGER_REQUEST" else ()  # nobody else's word
    for disposition in (*theirs, "send_cancel", None):
        evidence = Evidence(channel=True, cause=cause, hangup_disposition=disposition)
        homes.add(match(evidence, facts=RANG).name)
    assert (homes == {"unknown"}) == (cause in SAYS_NOTHING)
    if cause not in SAYS_NOTHING:
        assert "unknown" not in homes


#: 5.1, "in": SIP status -> the switch's cause.
SIP_IN = {
    404: "UNALLOCATED_NUMBER", 485: "NO_ROUTE_DESTINATION", 604: "NO_ROUTE_DESTINATION",
    486: "USER_BUSY", 600: "USER_BUSY", 480: "NO_USER_RESPONSE", 401: "CALL_REJECTED",
    402: "CALL_REJECTED", 403: "CALL_REJECTED", 407: "CALL_REJECTED", 603: "CALL_REJECTED",
    608: "CALL_REJECTED", 410: "NUMBER_CHANGED", 482: "EXCHANGE_ROUTING_ERROR",
    483: "EXCHANGE_ROUTING_ERROR", 484: "INVALID_NUMBER_FORMAT", 502: "NETWORK_OUT_OF_ORDER",
    400: "NORMAL_TEMPORARY_FAILURE", 481: "NORMAL_TEMPORARY_FAILURE",
    500: "NORMAL_TEMPORARY_FAILURE", 503: "NORMAL_TEMPORARY_FAILURE",
    405: "SERVICE_UNAVAILABLE",
    406: "SERVICE_NOT_IMPLEMENTED", 415: "SERVICE_NOT_IMPLEMENTED",
    501: "SERVICE_NOT_IMPLEMENTED",
    488: "INCOMPATIBLE_DESTINATION", 606: "INCOMPATIBLE_DESTINATION",
    408: "RECOVERY_ON_TIMER_EXPIRE", 504: "RECOVERY_ON_TIMER_EXPIRE", 413: "INTERWORKING",
    414: "INTERWORKING", 416: "INTERWORKING", 420: "INTERWORKING", 421: "INTERWORKING",
    423: "INTERWORKING", 505: "INTERWORKING", 513: "INTERWORKING", 487: "ORIGINATOR_CANCEL",
    607: "UNWANTED", 428: "NO_IDENTITY", 429: "BAD_IDENTITY_INFO",
    437: "UNSUPPORTED_CERTIFICATE",
    438: "INVALID_IDENTITY", 302: "NORMAL_UNSPECIFIED", 580: "NORMAL_UNSPECIFIED",
}  # fmt: skip
#: 5.3: which statuses each row names.
ROWS_OF_SIP = {
    D.INVALID_NUMBER: {404, 410, 484, 604},
    D.BUSY: {486, 600},
    D.UNAVAILABLE: {480},
    D.BLOCKED: {608},
    D.REJECTED: {603, 607},
    D.CARRIER_REFUSED: {401, 402, 403, 407, 428, 429, 437, 438},
    D.CODEC_FAILURE: {488, 606, 415, 406},
    D.ROUTING_FAILURE: {482, 483, 485, 302},
}


@pytest.mark.parametrize("status", sorted(SIP_IN))
def test_every_sip_status_has_a_home(status: int) -> None:
    """The status decides, whatever the switch made of it (403 and 603 share a cause: 5.2)."""
    cause = SIP_IN[status]
    home = derive(refused(status, cause, CODES[cause]), facts=RANG).disposition
    expected = next((d for d, rows in ROWS_OF_SIP.items() if status in rows), D.CARRIER_FAILURE)
    assert home is expected


def test_a_number_above_127_is_never_read_as_q850() -> None:
    """5.2: 16 is shown for all of them, and a Reason header's number is unchecked."""
    assert q850_of("PROGRESS_TIMEOUT", 16) is None
    assert q850_of("ORIGINATOR_CANCEL", 16) is None
    assert q850_of("SOMETHING_NEW", 16) is None
    assert q850_of("SOMETHING_NEW", 487) is None
    assert q850_of("SOMETHING_NEW", 17) == 17
    assert q850_of("USER_BUSY", 16) == 17
    odd = Evidence(channel=True, cause="SOMETHING_NEW", q850=999, hangup_disposition="recv_bye")
    assert derive(odd, facts=RANG).disposition is D.UNKNOWN


def test_our_own_487_is_nobodys_answer() -> None:
    """It stands in sip_invite_failure_status of every call that we cancel."""
    assert derive(cancelled("NO_ANSWER", 19), facts=RANG).disposition is D.NO_ANSWER
    assert match(cancelled("SYSTEM_SHUTDOWN"), facts=RANG).name == "switch stopped"


@pytest.mark.parametrize(
    ("text", "cause", "had_channel"),
    [
        ("-ERR USER_BUSY\n", "USER_BUSY", True),
        ("-ERR GATEWAY_DOWN\n", "GATEWAY_DOWN", False),
        ("-USAGE: originate <call url> <exten>|&<application_name>", "USAGE", False),
        ("-ERR weird words", "UNKNOWN", False),
        ("", "UNKNOWN", False),
        ("-ERR \r\nUSER_BUSY", "USER_BUSY", True),
    ],
)
def test_the_jobs_answer_is_read_as_hostile_text(text, cause, had_channel) -> None:
    reply = read_reply(text)
    assert (reply.cause, reply.had_channel) == (cause, had_channel)
    assert reply.text.isprintable()


@given(st.text(max_size=400))
def test_no_answer_of_a_job_breaks_the_reader(text: str) -> None:
    reply = read_reply(text)
    assert len(reply.text) <= 200
    assert reply.text.isprintable()
    assert len(reply.cause) <= 64


STATUS = st.none() | st.integers(100, 699)
EVIDENCE = st.builds(
    Evidence,
    channel=st.booleans(),
    cause=st.sampled_from([*sorted(CODES), "LOST", "SOMETHING_NEW"]),
    q850=st.none() | st.integers(-5, 2000),
    sip_status=STATUS,
    sip_term_status=STATUS,
    sip_phrase=st.none() | st.text(max_size=20),
    hangup_disposition=st.sampled_from(
        [
            None,
            "send_cancel",
            "recv_cancel",
            "send_refuse",
            "recv_refuse",
            "send_bye",
            "recv_bye",
        ]
    ),
)
FACTS = st.builds(
    Facts,
    answered=st.booleans(),
    bridged=st.booleans(),
    abandoned=st.booleans(),
    machine=st.booleans(),
    unseen=st.booleans(),
    rang=st.booleans(),
    stop_reason=st.none() | st.just("stop"),
    ring_ms=st.none() | st.integers(0, 60_000),
    elapsed_ms=st.none() | st.integers(0, 60_000),
)


@given(EVIDENCE, FACTS)
def test_every_ending_has_one_verdict_and_no_charge_without_a_channel(evidence, facts) -> None:
    """R1.3, R3.9: nothing that never left the house counts; an answer always does."""
    verdict = derive(evidence, facts=facts)
    if not evidence.channel:
        assert not verdict.number_charged
        assert verdict.hung_up_by is NOBODY
    elif facts.answered:
        assert verdict.charged
        assert verdict.number_charged
        assert verdict.disposition in (
            D.TALKED, D.ABANDONED, D.MACHINE, D.SHORT_HANGUP, D.LOST,
        )  # fmt: skip
    told = evidence.hangup_disposition
    if evidence.channel and evidence.cause not in ("LOST", "CRASH") and told is not None:
        assert (verdict.hung_up_by is US) == told.startswith("send_")


def test_another_table_may_be_passed_for_one_gateway() -> None:
    """R5.1: the map is configurable; a carrier that says 503 for busy gets a row of its own."""
    own = Row(
        name="busy here",
        source="gateway gw",
        disposition=D.BUSY,
        charged=Charge.YES,
        when=Condition(rang=True, sip=frozenset({503})),
    )
    evidence = refused(503, "NORMAL_TEMPORARY_FAILURE", 41)
    assert derive(evidence, facts=RANG, table=(own, *TABLE)).disposition is D.BUSY
    assert derive(evidence, facts=RANG).disposition is D.CARRIER_FAILURE
    with pytest.raises(Bug):
        derive(evidence, facts=SILENT, table=(own,))


def test_every_row_can_be_shown_to_a_person() -> None:
    """The map is visible (R5.1): each row has its own name and says where it comes from."""
    assert len({row.name for row in TABLE}) == len(TABLE)
    assert all(row.source for row in TABLE)
    assert TABLE[-1].when == Condition()
