"""The disposition table of freeswitch.md 5.3 as data: from the top, the first match wins.

Rows keep the order and the numbers of that table; letters mark what proofs 5, 6 and 10 split
off. `charged` is a try of the contact (R3.14), `number_charged` a call that reached the carrier
with our number shown (R1.3). A row without codes asks only for its facts.
"""

from __future__ import annotations

from collections.abc import Sequence

from dialer.core.calls.cause_rows import LOST, Charge, Condition, Row
from dialer.core.model import Disposition as D

YES, NO, IF_RANG = Charge.YES, Charge.NO, Charge.IF_RANG
IF_CHANNEL = Charge.IF_CHANNEL

#: A 603 that comes so soon after the INVITE, without any ringing, is no person's.
AT_ONCE_MS = 1_500
#: Some carriers end their own ring time-out with 487.
CARRIER_RING_MS = 15_000

NOT_A_PERSON = frozenset({401, 402, 403, 407})


def _sip(*codes: int) -> frozenset[int]:
    return frozenset(codes)


def _codes(
    sip: frozenset[int] = frozenset(), q850: tuple[int, ...] = (), causes: str = ""
) -> Condition:
    return Condition(sip=sip, q850=frozenset(q850), causes=frozenset(causes.split()))


TABLE: Sequence[Row] = (
    Row(
        name="cancelled",
        source="5.3 row 1",
        disposition=D.CANCELLED,
        charged=IF_RANG,
        when=Condition(stopped=True, answered=False),
        note="we wanted it gone before an answer",
    ),
    Row(
        name="no channel",
        source="5.3 row 2",
        disposition=D.LOCAL_FAILURE,
        charged=NO,
        when=Condition(channel=False),
        number_charged=NO,
        note="refused by our own switch: nobody was called",
    ),
    Row(
        name="talked",
        source="5.3 row 3",
        disposition=D.TALKED,
        charged=YES,
        when=Condition(answered=True, bridged=True),
    ),
    Row(
        name="abandoned",
        source="5.3 row 4",
        disposition=D.ABANDONED,
        charged=YES,
        when=Condition(answered=True, abandoned=True),
        note="answered, and nobody of ours spoke in time (R2.2)",
    ),
    Row(
        name="machine",
        source="5.3 row 6",
        disposition=D.MACHINE,
        charged=YES,
        when=Condition(answered=True, machine=True),
    ),
    Row(
        name="answered unseen",
        source="5.3 row 18",
        disposition=D.LOST,
        charged=YES,
        when=Condition(answered=True, unseen=True),
        note="answered while we were not looking: nobody can tell what it came to",
    ),
    Row(
        name="short hang-up",
        source="5.3 row 5",
        disposition=D.SHORT_HANGUP,
        charged=YES,
        when=Condition(answered=True),
        note="the customer left before we were too late; shown apart (R2.2)",
    ),
    Row(
        name="killed before an answer",
        source="5.2, proofs 6",
        disposition=D.CANCELLED,
        charged=IF_RANG,
        when=Condition(
            by_us=True, causes=frozenset({"ORIGINATOR_CANCEL", "MANAGER_REQUEST", "LOSE_RACE"})
        ),
        note="hung up by the emergency stop or by hand, without an intent of this attempt",
    ),
    Row(
        name="invalid number",
        source="5.3 row 7",
        disposition=D.INVALID_NUMBER,
        charged=YES,
        when=_codes(_sip(404, 410, 484, 604), (1, 22, 28, 54), "DOES_NOT_EXIST_ANYWHERE"),
        number_suspect=True,
        note="404 is misused: R5.2 says when the phone goes",
    ),
    Row(
        name="busy",
        source="5.3 row 8",
        disposition=D.BUSY,
        charged=YES,
        when=_codes(_sip(486, 600), (17,), "BUSY_EVERYWHERE"),
    ),
    Row(
        name="not answered, says the far end",
        source="5.3 row 9",
        disposition=D.NO_ANSWER,
        charged=YES,
        when=Condition(by_us=False, q850=frozenset({19}), causes=frozenset({"NO_PICKUP"})),
    ),
    Row(
        name="not answered",
        source="5.3 row 9, proofs 6",
        disposition=D.NO_ANSWER,
        charged=YES,
        when=Condition(
            by_us=True,
            rang=True,
            causes=frozenset({"NO_ANSWER", "ALLOTTED_TIMEOUT", "NO_PICKUP"}),
        ),
        note="our ring time-out after a 180 or 183; their 200 may have crossed our CANCEL",
    ),
    Row(
        name="not answered, silent gateway",
        source="5.3 row 9",
        disposition=D.NO_ANSWER,
        charged=YES,
        when=Condition(
            by_us=True,
            signals_ringing=False,
            causes=frozenset({"NO_ANSWER", "ALLOTTED_TIMEOUT", "NO_PICKUP"}),
        ),
    ),
    Row(
        name="unavailable",
        source="5.3 row 10",
        disposition=D.UNAVAILABLE,
        charged=YES,
        when=_codes(_sip(480), (18, 20)),
        note="switched off, out of coverage",
    ),
    Row(
        name="blocked",
        source="5.3 row 11",
        disposition=D.BLOCKED,
        charged=NO,
        when=_codes(_sip(608)),
        note="our number's fault, not the contact's",
    ),
    Row(
        name="blocked, by its text",
        source="5.3 row 11, 5.2",
        disposition=D.BLOCKED,
        charged=NO,
        when=Condition(blocked_note=True, sip=_sip(603), causes=frozenset({"DECLINE"})),
    ),
    Row(
        name="blocked, at once",
        source="5.3 row 11",
        disposition=D.BLOCKED,
        charged=NO,
        when=Condition(
            rang=False,
            max_elapsed_ms=AT_ONCE_MS,
            sip=_sip(603, 607),
            causes=frozenset({"DECLINE", "UNWANTED", "REJECT_ALL"}),
        ),
        note="nobody declines before his phone rings",
    ),
    Row(
        name="rejected",
        source="5.3 row 12",
        disposition=D.REJECTED,
        charged=YES,
        when=_codes(_sip(603, 607), (), "DECLINE UNWANTED REJECT_ALL"),
    ),
    Row(
        name="rejected while ringing",
        source="5.3 row 12",
        disposition=D.REJECTED,
        charged=YES,
        when=Condition(rang=True, q850=frozenset({21}), not_sip=NOT_A_PERSON),
    ),
    Row(
        name="carrier refused",
        source="5.3 row 13",
        disposition=D.CARRIER_REFUSED,
        charged=NO,
        when=_codes(
            NOT_A_PERSON | _sip(428, 429, 433, 436, 437, 438, 439, 440),
            (29, 50, 52, 57),
            "USER_CHALLENGE NO_IDENTITY BAD_IDENTITY_INFO UNSUPPORTED_CERTIFICATE "
            "INVALID_IDENTITY STALE_DATE",
        ),
        note="balance, a number not allowed, a missing signature",
    ),
    Row(
        name="gateway not configured",
        source="5.3 row 2, 5.1",
        disposition=D.LOCAL_FAILURE,
        charged=NO,
        when=_codes(
            causes="INVALID_GATEWAY GATEWAY_DOWN INVALID_URL INVALID_PROFILE "
            "USER_NOT_REGISTERED"
        ),
        number_charged=NO,
    ),
    Row(
        name="gateway unreachable",
        source="proofs 5",
        disposition=D.CARRIER_FAILURE,
        charged=NO,
        when=Condition(
            final=False,
            rang=False,
            reply_only=False,
            causes=frozenset({"NORMAL_TEMPORARY_FAILURE"}),
        ),
        number_charged=NO,
        note="looks like the carrier's 503, but no SIP answer came: nothing reached it",
    ),
    Row(
        name="no media port",
        source="freeswitch.md 1.4",
        disposition=D.LOCAL_FAILURE,
        charged=NO,
        when=Condition(
            final=False,
            rang=False,
            reply_only=False,
            causes=frozenset({"DESTINATION_OUT_OF_ORDER"}),
        ),
        number_charged=NO,
        note="the INVITE was never sent",
    ),
    Row(
        name="carrier rang out",
        source="5.3 row 17",
        disposition=D.NO_ANSWER,
        charged=YES,
        when=Condition(by_us=False, min_ring_ms=CARRIER_RING_MS, sip=_sip(487)),
        note="the carrier's own ring time-out",
    ),
    Row(
        name="carrier cancelled",
        source="5.3 row 17",
        disposition=D.CARRIER_FAILURE,
        charged=NO,
        when=Condition(
            by_us=False, sip=_sip(487), causes=frozenset({"ORIGINATOR_CANCEL", "LOSE_RACE"})
        ),
    ),
    Row(
        name="carrier failure",
        source="5.3 row 14",
        disposition=D.CARRIER_FAILURE,
        charged=NO,
        when=_codes(
            frozenset(range(500, 600))
            | _sip(400, 405, 408, 413, 414, 416, 420, 421, 422, 423, 481, 489, 491, 493, 494),
            (6, 27, 34, 38, *range(41, 48), 58, 63, 66, 69, 81, *range(95, 104), 111, 127),
            "PROGRESS_TIMEOUT MEDIA_TIMEOUT NO_ANSWER ALLOTTED_TIMEOUT NO_PICKUP",
        ),
        note="a ring time-out without 180 or 183 is here: nobody's phone rang",
    ),
    Row(
        name="codec failure",
        source="5.3 row 15",
        disposition=D.CODEC_FAILURE,
        charged=NO,
        when=_codes(_sip(406, 415, 488, 606), (65, 79, 88), "NOT_ACCEPTABLE SRTP_READ_ERROR"),
    ),
    Row(
        name="routing failure",
        source="5.3 row 16",
        disposition=D.ROUTING_FAILURE,
        charged=NO,
        when=_codes(_sip(300, 301, 302, 305, 380, 482, 483, 485), (2, 3, 23, 25)),
        note="the same phone over two gateways: suspect",
    ),
    Row(
        name="lost",
        source="5.3 row 18",
        disposition=D.LOST,
        charged=YES,
        when=_codes(causes=LOST),
        note="nobody can tell: maybe dialed is dialed, for contact and number",
    ),
    Row(
        name="switch stopped",
        source="5.3 row 18",
        disposition=D.LOST,
        charged=IF_RANG,
        when=_codes(causes="CRASH SYSTEM_SHUTDOWN"),
    ),
    Row(
        name="unknown",
        source="5.3 row 19",
        disposition=D.UNKNOWN,
        charged=YES,
        note="more than 2 % of a gateway's calls here: the table needs work",
    ),
)
