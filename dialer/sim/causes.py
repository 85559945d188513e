"""Hang-up causes as the switch names and numbers them (freeswitch.md 5.1), as data.

`CODES` name -> Q.850 or private number, `SIP_TO_CAUSE` status of a refusal -> cause,
`PHRASES` status -> reason phrase.
"""

from __future__ import annotations

from types import MappingProxyType

CODES = MappingProxyType(
    {
        "NONE": 0,
        "UNALLOCATED_NUMBER": 1,
        "NO_ROUTE_TRANSIT_NET": 2,
        "NO_ROUTE_DESTINATION": 3,
        "CHANNEL_UNACCEPTABLE": 6,
        "CALL_AWARDED_DELIVERED": 7,
        "NORMAL_CLEARING": 16,
        "USER_BUSY": 17,
        "NO_USER_RESPONSE": 18,
        "NO_ANSWER": 19,
        "SUBSCRIBER_ABSENT": 20,
        "CALL_REJECTED": 21,
        "NUMBER_CHANGED": 22,
        "EXCHANGE_ROUTING_ERROR": 25,
        "DESTINATION_OUT_OF_ORDER": 27,
        "INVALID_NUMBER_FORMAT": 28,
        "FACILITY_REJECTED": 29,
        "NORMAL_UNSPECIFIED": 31,
        "NORMAL_CIRCUIT_CONGESTION": 34,
        "NETWORK_OUT_OF_ORDER": 38,
        "NORMAL_TEMPORARY_FAILURE": 41,
        "SWITCH_CONGESTION": 42,
        "REQUESTED_CHAN_UNAVAIL": 44,
        "FACILITY_NOT_SUBSCRIBED": 50,
        "OUTGOING_CALL_BARRED": 52,
        "INCOMING_CALL_BARRED": 54,
        "BEARERCAPABILITY_NOTAUTH": 57,
        "BEARERCAPABILITY_NOTAVAIL": 58,
        "CHAN_NOT_IMPLEMENTED": 66,
        "SERVICE_NOT_IMPLEMENTED": 79,
        "INCOMPATIBLE_DESTINATION": 88,
        "RECOVERY_ON_TIMER_EXPIRE": 102,
        "PROTOCOL_ERROR": 111,
        "INTERWORKING": 127,
        "ORIGINATOR_CANCEL": 487,
        "CRASH": 700,
        "SYSTEM_SHUTDOWN": 701,
        "LOSE_RACE": 702,
        "MANAGER_REQUEST": 703,
        "ALLOTTED_TIMEOUT": 802,
        "MEDIA_TIMEOUT": 804,
        "PICKED_OFF": 805,
        "USER_NOT_REGISTERED": 806,
        "PROGRESS_TIMEOUT": 807,
        "INVALID_GATEWAY": 808,
        "GATEWAY_DOWN": 809,
        "INVALID_URL": 810,
        "INVALID_PROFILE": 811,
    }
)

_NAMES = {code: name for name, code in CODES.items()}

SIP_TO_CAUSE = MappingProxyType(
    {
        400: "NORMAL_TEMPORARY_FAILURE",
        401: "CALL_REJECTED",
        402: "CALL_REJECTED",
        403: "CALL_REJECTED",
        404: "UNALLOCATED_NUMBER",
        407: "CALL_REJECTED",
        408: "RECOVERY_ON_TIMER_EXPIRE",
        410: "NUMBER_CHANGED",
        480: "NO_USER_RESPONSE",
        484: "INVALID_NUMBER_FORMAT",
        486: "USER_BUSY",
        487: "ORIGINATOR_CANCEL",
        488: "INCOMPATIBLE_DESTINATION",
        500: "NORMAL_TEMPORARY_FAILURE",
        502: "NETWORK_OUT_OF_ORDER",
        503: "NORMAL_TEMPORARY_FAILURE",
        504: "RECOVERY_ON_TIMER_EXPIRE",
        600: "USER_BUSY",
        603: "CALL_REJECTED",
        604: "NO_ROUTE_DESTINATION",
        608: "CALL_REJECTED",
    }
)

PHRASES = MappingProxyType(
    {
        200: "OK",
        400: "Bad Request",
        403: "Forbidden",
        404: "Not Found",
        408: "Request Timeout",
        410: "Gone",
        480: "Temporarily Unavailable",
        484: "Address Incomplete",
        486: "Busy Here",
        487: "Request Terminated",
        488: "Not Acceptable Here",
        500: "Server Internal Error",
        503: "Service Unavailable",
        603: "Decline",
        608: "Rejected",
    }
)


def cause_of_text(text: str) -> str:
    """A cause by name or number; whatever is unknown is NORMAL_CLEARING (freeswitch.md 5.2)."""
    name = text.strip().upper()
    if name.isdigit():
        return _NAMES.get(int(name), "NORMAL_CLEARING")
    return name if name in CODES else "NORMAL_CLEARING"


def cause_of_refusal(status: int, reason_q850: int | None = None) -> str:
    """The cause of a SIP refusal; a Q.850 reason sent along with it wins."""
    if reason_q850 is not None and reason_q850 in _NAMES:
        return _NAMES[reason_q850]
    return SIP_TO_CAUSE.get(status, "NORMAL_UNSPECIFIED")


def q850_shown(cause: str) -> int:
    """What `hangup_cause_q850` says: private causes show as 16."""
    code = CODES[cause]
    return code if code <= 127 else 16
