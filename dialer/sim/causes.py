"""What the switch makes of SIP's words and numbers (freeswitch.md 5), as data.

`CODES` name -> Q.850 or private number (the core's table), `SIP_TO_CAUSE` status of a refusal
-> cause, `PHRASES` status -> reason phrase.
"""

from __future__ import annotations

from types import MappingProxyType

from dialer.core.calls import cause_codes

CODES = MappingProxyType({"NONE": 0, **cause_codes.CODES})

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
