"""The switch's headers -> SwitchEvent, and a channel's dump -> FoundLeg. Pure, never raises.

KINDS names every kind. Text comes from other people's phones: it is cut to a length, control
characters become spaces, numbers that are none are None. The number called or shown is never
read from `Caller-*` (after a bridge it is the operator's, proofs 4): a leg is known by its uuid
alone. A bridge is told by Bridge-A/B-Unique-ID: Unique-ID is only the first argument's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from dialer.core.calls.sound import Sound
from dialer.core.model import AttemptId, Evidence, LegId, OperatorId
from dialer.esl.commands import CALLER_STOP, KEY, READY, TICK
from dialer.ports import FoundLeg, SwitchEvent

Headers = Mapping[str, Any]

KINDS = frozenset(
    {
        # a leg: leg, at, data {attempt, operator, instance} where the channel says so
        "created",
        "progressed",  # + early_media: True for 183 with media, False for 180
        "answered",
        "ready",  # the customer's own script runs: it may be bridged (proofs 0.3)
        "parked",
        "bridged",  # leg, other: the two legs, first argument first
        "unbridged",
        # + evidence: Evidence; sound: Sound; created_at, answered_at, bridged_at: epoch s, None
        "hung_up",
        "destroyed",  # + ghost: True, no channel ever lived (others: see worth_decoding)
        "dtmf",  # + digit
        "opted_out",  # the opt-out key, heard by the customer's own script
        "record_started",  # + path
        "record_stopped",  # + path
        # a background job of ours (translate gives "job", the switch object makes these of it)
        "job",  # job, reply, origination_uuid, instance
        "originate_ok",  # leg, reply
        "originate_failed",  # leg, reply; what it means depends on whether a channel was seen
        # the switch itself
        "heartbeat",  # core_uuid, version, sessions
        "tick",  # instance, number
        "shutdown",
        "caller_stop",  # leg: the call of somebody who called back and pressed 9
        "gateway",  # gateway, up
        "registration",  # user, domain, registered
        # made by the keeper, not by the switch
        "link_up",  # core_uuid, version, restarted
        "link_lost",  # why
        "no_link",  # why: each new reason for which there is none
        "blind",  # why: events do not flow or no command is answered; nothing may be originated
        "seeing",
    }
)

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_JOB_LEG = re.compile(r"\{origination_uuid=([0-9a-f-]{36}),")
_JOB_INSTANCE = re.compile(r",dialer_instance=([A-Za-z0-9_.-]{1,80}),")
_DESTROY = b'{"Event-Name":"CHANNEL_DESTROY",'
_NEVER_LIVED = b'"Channel-State":"CS_NONE"'
_DYING = frozenset({"CS_HANGUP", "CS_REPORTING", "CS_DESTROY", "CS_NONE"})
_NOT_BRIDGED = frozenset(
    {"CS_NEW", "CS_INIT", "CS_ROUTING", "CS_EXECUTE", "CS_PARK", "CS_RESET"}
)


def translate(headers: Headers) -> SwitchEvent | None:
    """None for what nobody asked about."""
    name = headers.get("Event-Name")
    if name == "CUSTOM":
        name = headers.get("Event-Subclass")
    reader = _READERS.get(name) if isinstance(name, str) else None
    return reader(headers) if reader else None


def worth_decoding(body: bytes) -> bool:
    """False for the CHANNEL_DESTROY of a channel that lived, by its bytes alone.

    It repeats HANGUP_COMPLETE (13 kB, a third of an unanswered attempt's JSON). What matters is
    the lone one, of a channel that never lived (freeswitch.md 1.4).
    """
    return not body.startswith(_DESTROY) or _NEVER_LIVED in body


# ------------------------------------------------------------------ events of legs


def _leg_event(kind: str, **extra: Any) -> Callable[[Headers], SwitchEvent | None]:
    def read(headers: Headers) -> SwitchEvent | None:
        return _of_leg(headers, kind, extra)

    return read


def _of_leg(headers: Headers, kind: str, extra: Mapping[str, Any]) -> SwitchEvent | None:
    leg = _leg(headers, "Unique-ID")
    if leg is None:
        return None
    return SwitchEvent(kind=kind, leg=leg, at=_at(headers), data={**_owner(headers), **extra})


def _owner(headers: Headers) -> dict[str, str]:
    """Whose leg it is, as far as the event carries our variables (some early ones don't)."""
    owner = {}
    for key, header in _OWNERS:
        if (value := _text(headers.get(header))) is not None:
            owner[key] = value
    return owner


_OWNERS = (
    ("attempt", "variable_dialer_attempt"),
    ("operator", "variable_dialer_agent"),
    ("instance", "variable_dialer_instance"),
)


def _bridge_event(kind: str) -> Callable[[Headers], SwitchEvent | None]:
    def read(headers: Headers) -> SwitchEvent | None:
        first = _leg(headers, "Bridge-A-Unique-ID")
        second = _leg(headers, "Bridge-B-Unique-ID")
        if first is None or second is None:
            return None
        data = {k: v for k, v in _owner(headers).items() if k == "instance"}
        return SwitchEvent(kind=kind, leg=first, other=second, at=_at(headers), data=data)

    return read


def _hung_up(headers: Headers) -> SwitchEvent | None:
    times = {
        "created_at": _instant(headers, "Caller-Channel-Created-Time"),
        "answered_at": _instant(headers, "Caller-Channel-Answered-Time"),
        "bridged_at": _instant(headers, "Caller-Channel-Bridged-Time"),
    }
    told: dict[str, Any] = {"evidence": evidence(headers), "sound": sound(headers), **times}
    return _of_leg(headers, "hung_up", told)


def sound(headers: Headers) -> Sound:
    """The counters of RTP that the switch writes at the end of a channel."""

    def number(name: str) -> float:
        try:
            return float(headers.get(f"variable_rtp_audio_{name}") or 0)
        except ValueError:
            return 0.0

    return Sound(
        received=int(number("in_media_packet_count")),
        sent=int(number("out_media_packet_count")),
        lost=int(number("in_flaw_total")),
        jitter_ms=max(0.0, number("in_jitter_max_variance")) ** 0.5,
        mos=number("in_mos") or None,
    )


def evidence(headers: Headers) -> Evidence:
    """What CHANNEL_HANGUP_COMPLETE tells of the ending (proofs 6)."""
    early_media = (
        headers.get("variable_endpoint_disposition") == "EARLY MEDIA"
        or _instant(headers, "Caller-Channel-Progress-Media-Time") is not None
    )
    return Evidence(
        channel=True,
        cause=_text(headers.get("Hangup-Cause"))
        or _text(headers.get("variable_hangup_cause"))
        or "UNKNOWN",
        q850=_whole(headers.get("variable_hangup_cause_q850")),
        sip_status=_whole(headers.get("variable_sip_invite_failure_status")),
        sip_phrase=_text(headers.get("variable_sip_invite_failure_phrase")),
        sip_term_status=_whole(headers.get("variable_sip_term_status")),
        sip_reason=_text(headers.get("variable_sip_reason")),
        sip_603plus_reason=_text(headers.get("variable_sip_603plus_reason")),
        hangup_disposition=_text(headers.get("variable_sip_hangup_disposition")),
        sip_call_id=_text(headers.get("variable_sip_call_id")),
        early_media=early_media,
    )


def _destroyed(headers: Headers) -> SwitchEvent | None:
    """A lone CHANNEL_DESTROY in CS_NONE: the originate failed before a channel lived."""
    return _of_leg(headers, "destroyed", {"ghost": headers.get("Channel-State") == "CS_NONE"})


def _dtmf(headers: Headers) -> SwitchEvent | None:
    digit = _text(headers.get("DTMF-Digit"))
    return _of_leg(headers, "dtmf", {"digit": digit}) if digit is not None else None


def _application(headers: Headers) -> SwitchEvent | None:
    """The `event` application of the customer's script; other people's scripts use it too."""
    if _text(headers.get(KEY)) is None:
        return None
    return _of_leg(headers, "opted_out", {})


def _recording(kind: str) -> Callable[[Headers], SwitchEvent | None]:
    def read(headers: Headers) -> SwitchEvent | None:
        return _of_leg(headers, kind, {"path": _text(headers.get("Record-File-Path"))})

    return read


# ------------------------------------------------------------------ events of the switch


def _job(headers: Headers) -> SwitchEvent | None:
    """BACKGROUND_JOB. Its argument is our own text: jobs of an earlier life are known by it."""
    job = _text(headers.get("Job-UUID"))
    if job is None:
        return None
    argument = headers.get("Job-Command-Arg")
    argument = argument if isinstance(argument, str) else ""
    leg = _JOB_LEG.match(argument)
    instance = _JOB_INSTANCE.search(argument)
    data = {
        "job": job,
        "reply": _text(headers.get("_body")) or "",
        "origination_uuid": leg.group(1) if leg else None,
        "instance": instance.group(1) if instance else None,
    }
    return SwitchEvent(kind="job", at=_at(headers), data=data)


def _heartbeat(headers: Headers) -> SwitchEvent:
    data = {
        "core_uuid": _text(headers.get("Core-UUID")),
        "version": _text(headers.get("FreeSWITCH-Version")),
        "sessions": _whole(headers.get("Session-Count")),
    }
    return SwitchEvent(kind="heartbeat", at=_at(headers), data=data)


def _tick(headers: Headers) -> SwitchEvent:
    data = {
        "instance": _text(headers.get("dialer-instance")),
        "number": _whole(headers.get("dialer-tick")),
    }
    return SwitchEvent(kind="tick", at=_at(headers), data=data)


def _shutdown(headers: Headers) -> SwitchEvent:
    return SwitchEvent(kind="shutdown", at=_at(headers))


def _gateway(up: bool | None) -> Callable[[Headers], SwitchEvent | None]:
    def read(headers: Headers) -> SwitchEvent | None:
        name = _text(headers.get("Gateway"))
        if name is None:
            return None
        known = _gateway_up(headers) if up is None else up
        return SwitchEvent(kind="gateway", at=_at(headers), data={"gateway": name, "up": known})

    return read


def _gateway_up(headers: Headers) -> bool:
    """Ping-Status is what decides GATEWAY_DOWN; without it the registration's state."""
    ping = _text(headers.get("Ping-Status"))
    if ping is not None:
        return ping == "UP"
    return headers.get("State") in ("NOREG", "REGED", "TRYING", "REGISTER")


def _registration(registered: bool | None) -> Callable[[Headers], SwitchEvent | None]:
    def read(headers: Headers) -> SwitchEvent | None:
        user = _text(headers.get("from-user")) or _text(headers.get("username"))
        domain = _text(headers.get("from-host")) or _text(headers.get("realm"))
        if user is None or domain is None:
            return None
        there = headers.get("Ping-Status") == "REACHABLE" if registered is None else registered
        data = {"user": user, "domain": domain, "registered": there}
        return SwitchEvent(kind="registration", at=_at(headers), data=data)

    return read


_READERS: Mapping[str, Callable[[Headers], SwitchEvent | None]] = {
    "CHANNEL_CREATE": _leg_event("created"),
    "CHANNEL_PROGRESS": _leg_event("progressed", early_media=False),
    "CHANNEL_PROGRESS_MEDIA": _leg_event("progressed", early_media=True),
    "CHANNEL_ANSWER": _leg_event("answered"),
    READY: _leg_event("ready"),
    "CHANNEL_PARK": _leg_event("parked"),
    "CHANNEL_BRIDGE": _bridge_event("bridged"),
    "CHANNEL_UNBRIDGE": _bridge_event("unbridged"),
    "CHANNEL_HANGUP_COMPLETE": _hung_up,
    "CHANNEL_DESTROY": _destroyed,
    "DTMF": _dtmf,
    "CHANNEL_APPLICATION": _application,
    "RECORD_START": _recording("record_started"),
    "RECORD_STOP": _recording("record_stopped"),
    "BACKGROUND_JOB": _job,
    "HEARTBEAT": _heartbeat,
    TICK: _tick,
    "SHUTDOWN": _shutdown,
    CALLER_STOP: _leg_event("caller_stop"),
    "sofia::gateway_state": _gateway(None),
    "sofia::gateway_add": _gateway(True),
    "sofia::gateway_delete": _gateway(False),
    "sofia::register": _registration(True),
    "sofia::unregister": _registration(False),
    "sofia::expire": _registration(False),
    "sofia::sip_user_state": _registration(None),
}


# ------------------------------------------------------------------ a channel's dump


def found_leg(dump: Headers) -> FoundLeg | None:
    """From `uuid_dump UUID json`; None for a channel that is already going."""
    leg = _leg(dump, "Unique-ID")
    state = _text(dump.get("Channel-State"))
    answer = _text(dump.get("Answer-State"))
    if leg is None or state in _DYING or answer == "hangup":
        return None
    application = _text(dump.get("variable_current_application"))
    attempt = _text(dump.get("variable_dialer_attempt"))
    operator = _text(dump.get("variable_dialer_agent"))
    supervised = _text(dump.get("variable_dialer_supervised"))
    return FoundLeg(
        leg=leg,
        attempt=AttemptId(attempt) if attempt else None,
        operator=OperatorId(operator) if operator else None,
        instance=_text(dump.get("variable_dialer_instance")),
        answered=answer == "answered",
        parked=state == "CS_PARK" or (state == "CS_EXECUTE" and application == "park"),
        in_script=state == "CS_EXECUTE"
        and answer == "answered"
        and application not in (None, "park"),
        bridged_to=_partner(dump),
        created_at=_instant(dump, "Caller-Channel-Created-Time") or 0.0,
        answered_at=_instant(dump, "Caller-Channel-Answered-Time"),
        supervisor=_text(dump.get("variable_dialer_supervisor")),
        supervised=OperatorId(supervised) if supervised else None,
    )


def _partner(dump: Headers) -> LegId | None:
    """`bridge_uuid` is set when uuid_bridge begins and stays after a talk (samples 20, 21).

    So it is believed only where this profile (uuid_bridge makes a new one) was really bridged,
    and where the leg is not back in a script, in park, or half-way out (limbo).
    """
    bridged_at = _instant(dump, "Caller-Channel-Bridged-Time")
    since = _instant(dump, "Caller-Profile-Created-Time")
    if bridged_at is None or (since is not None and bridged_at < since):
        return None
    if _text(dump.get("Channel-State")) in _NOT_BRIDGED:
        return None
    return _leg(dump, "variable_bridge_uuid")


# ------------------------------------------------------------------ values


def _text(value: Any, limit: int = 256) -> str | None:
    """A clean short text; None for nothing."""
    if not isinstance(value, str):
        return None
    text = value[:limit]
    if not text.isprintable():
        text = _CONTROLS.sub(" ", text)
    return text.strip() or None


def _leg(headers: Headers, name: str) -> LegId | None:
    value = _text(headers.get(name))
    return LegId(value) if value is not None else None


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return None


def _instant(headers: Headers, name: str) -> float | None:
    """Epoch microseconds -> epoch seconds; the switch writes 0 for "never"."""
    micros = _whole(headers.get(name))
    return micros / 1e6 if micros else None


def _at(headers: Headers) -> float:
    return (_whole(headers.get("Event-Date-Timestamp")) or 0) / 1e6
