"""Events as the switch writes them: header names, order and values of the recorded samples.

An event is a dict of headers; the bulk that no daemon reads (SDP, codecs, RTP counters) comes
as ready-made JSON, so that an event has its real size (4-11 kB) without its real cost. An event
is serialised once, whoever gets it.
"""

from __future__ import annotations

import json
import time
from functools import lru_cache
from typing import Any

import orjson

from dialer.sim.bulk import BULK
from dialer.sim.channel import Channel

VERSION = "1.11.2-release+git~20260809T162310Z~3f13ad1~64bit"

_SOURCES = {
    "CHANNEL_CREATE": ("switch_core_state_machine.c", "switch_core_session_run", "626"),
    "CHANNEL_ORIGINATE": ("switch_ivr_originate.c", "switch_ivr_originate", "4136"),
    "CHANNEL_PROGRESS": (
        "switch_channel.c",
        "switch_channel_perform_mark_ring_ready_value",
        "3507",
    ),
    "CHANNEL_PROGRESS_MEDIA": (
        "switch_channel.c",
        "switch_channel_perform_mark_pre_answered",
        "3593",
    ),
    "CHANNEL_ANSWER": ("switch_channel.c", "switch_channel_perform_mark_answered", "3848"),
    "CHANNEL_PARK": ("switch_ivr.c", "switch_ivr_park", "1002"),
    "CHANNEL_BRIDGE": ("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", "1689"),
    "CHANNEL_UNBRIDGE": ("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", "1879"),
    "CHANNEL_HANGUP": ("switch_channel.c", "switch_channel_perform_hangup", "3417"),
    "CHANNEL_HANGUP_COMPLETE": (
        "switch_core_state_machine.c",
        "switch_core_session_reporting_state",
        "943",
    ),
    "CHANNEL_DESTROY": ("switch_core_session.c", "switch_core_session_perform_destroy", "1588"),
    "CHANNEL_EXECUTE": ("switch_core_session.c", "switch_core_session_exec", "2996"),
    "PLAYBACK_START": ("switch_ivr_play_say.c", "switch_ivr_play_file", "1625"),
    "PLAYBACK_STOP": ("switch_ivr_play_say.c", "switch_ivr_play_file", "2023"),
    "RECORD_START": ("switch_ivr_async.c", "record_callback", "1301"),
    "RECORD_STOP": ("switch_ivr_async.c", "record_callback", "1501"),
    "CHANNEL_APPLICATION": ("mod_dptools.c", "event_function", "1700"),
    "DTMF": ("switch_channel.c", "switch_channel_dequeue_dtmf", "738"),
    "BACKGROUND_JOB": ("mod_event_socket.c", "api_exec", "1580"),
    "HEARTBEAT": ("switch_core.c", "send_heartbeat", "106"),
    "SHUTDOWN": ("switch_core.c", "switch_core_destroy", "3033"),
}
_NO_SOURCE = ("mod_dptools.c", "event_function", "1902")


class Stamp:
    """Makes the headers that every event begins with; counts `Event-Sequence`."""

    def __init__(self, core_uuid: str, host: str) -> None:
        self.core_uuid = core_uuid
        self._host = {
            "FreeSWITCH-Hostname": host,
            "FreeSWITCH-Switchname": "simulated",
            "FreeSWITCH-IPv4": "127.0.0.1",
            "FreeSWITCH-IPv6": "::1",
        }
        self._sequence = 0
        self._second = -1
        self._dates: dict[str, str] = {}

    def headers(self, name: str, now: float, subclass: str = "") -> dict[str, Any]:
        self._sequence += 1
        file, function, line = _SOURCES.get(name, _NO_SOURCE)
        if int(now) != self._second:
            self._second = int(now)
            self._dates = _dates(now)
        first = {"Event-Subclass": subclass} if subclass else {}
        return {
            **first,
            "Event-Name": name,
            "Core-UUID": self.core_uuid,
            **self._host,
            **self._dates,
            "Event-Date-Timestamp": str(microseconds(now)),
            "Event-Calling-File": file,
            "Event-Calling-Function": function,
            "Event-Calling-Line-Number": line,
            "Event-Sequence": str(self._sequence),
        }


def microseconds(epoch_s: float) -> int:
    return int(epoch_s * 1_000_000)


def _text(epoch_s: float) -> str:
    """Microseconds as a header's text, "0" for what has not happened."""
    return str(int(epoch_s * 1_000_000)) if epoch_s else "0"


def _dates(now: float) -> dict[str, str]:
    local, gmt = time.localtime(now), time.gmtime(now)
    return {
        "Event-Date-Local": time.strftime("%Y-%m-%d %H:%M:%S", local),
        "Event-Date-GMT": time.strftime("%a, %d %b %Y %H:%M:%S GMT", gmt),
    }


def _channel_part(channel: Channel) -> dict[str, Any]:
    headers = {
        "Channel-State": channel.state,
        "Channel-Call-State": channel.call_state,
        "Channel-State-Number": str(channel.state_number),
        "Channel-Name": channel.name,
        "Unique-ID": channel.uuid,
        "Call-Direction": "outbound",
        "Presence-Call-Direction": "outbound",
        "Channel-HIT-Dialplan": "true" if channel.hit_dialplan else "false",
        "Channel-Call-UUID": channel.call_uuid,
        "Answer-State": channel.answer_state,
    }
    if channel.domain:
        headers["Channel-Presence-ID"] = f"{channel.number}@{channel.domain}"
    if channel.hangup_cause:
        headers["Hangup-Cause"] = channel.hangup_cause
    if channel.answered:
        headers["Channel-Read-Codec-Name"] = "PCMA"
        headers["Channel-Read-Codec-Rate"] = "8000"
        headers["Channel-Write-Codec-Name"] = "PCMA"
        headers["Channel-Write-Codec-Rate"] = "8000"
    return headers


_PROFILE = (
    "Direction",
    "Logical-Direction",
    "Caller-ID-Name",
    "Caller-ID-Number",
    "Orig-Caller-ID-Name",
    "Orig-Caller-ID-Number",
    "Callee-ID-Name",
    "Callee-ID-Number",
    "ANI",
    "Destination-Number",
    "Unique-ID",
    "Source",
    "Context",
    "Channel-Name",
    "Profile-Index",
    "Profile-Created-Time",
    "Channel-Created-Time",
    "Channel-Answered-Time",
    "Channel-Progress-Time",
    "Channel-Progress-Media-Time",
    "Channel-Hangup-Time",
    "Channel-Transfer-Time",
    "Channel-Resurrect-Time",
    "Channel-Bridged-Time",
    "Channel-Last-Hold",
    "Channel-Hold-Accum",
    "Screen-Bit",
    "Privacy-Hide-Name",
    "Privacy-Hide-Number",
)
_MAY_BE_EMPTY = tuple(_PROFILE.index(key) for key in _PROFILE if key.endswith("ID-Name"))
_CALLER_KEYS = tuple(f"Caller-{key}" for key in _PROFILE)
_OTHER_KEYS = tuple(f"Other-Leg-{key}" for key in _PROFILE)


def _profile_part(keys: tuple[str, ...], channel: Channel) -> dict[str, str]:
    """A leg's caller profile, as `Caller-*` or, of the partner, as `Other-Leg-*`.

    After an answer the two ids change places, and a bridge writes the partner's into them: the
    dialed number and the shown one stay only in Destination-Number and Orig-Caller-ID-Number.
    """
    values = (
        "outbound",
        "inbound" if channel.other else "outbound",
        channel.caller_id_name,
        channel.caller_id,
        channel.caller_name,
        channel.caller_number,
        channel.callee_id_name,
        channel.callee_id,
        channel.caller_number,
        channel.number,
        channel.uuid,
        "src/switch_ivr_originate.c",
        "default",
        channel.name,
        str(channel.profile_index),
        _text(channel.profile_created_at),
        _text(channel.created_at),
        _text(channel.answered_at),
        _text(channel.progress_at),
        _text(channel.media_at),
        _text(channel.ended_at) if channel.state == "CS_REPORTING" else "0",
        *("0", "0", _text(channel.bridged_at), "0", "0", "true", "false", "false"),
    )
    part = dict(zip(keys, values, strict=True))
    for at in _MAY_BE_EMPTY:
        if not values[at]:
            del part[keys[at]]
    return part


def _variables(channel: Channel) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "variable_direction": "outbound",
        "variable_is_outbound": "true",
        "variable_uuid": channel.uuid,
        "variable_call_uuid": channel.call_uuid,
        "variable_session_id": str(channel.session_id),
    }
    if channel.state != "CS_NONE":
        shown["variable_channel_name"] = channel.name
    for name, value in channel.variables.items():
        shown[_variable_key(name)] = value
    return shown


@lru_cache(maxsize=1024)
def _variable_key(name: str) -> str:
    return f"variable_{name}"


_TIMES = ("start", "profile_start", "answer", "bridge", "progress", "progress_media", "end")
_TIME_KEYS = tuple((f"variable_{one}_epoch", f"variable_{one}_uepoch") for one in _TIMES)


def _times(channel: Channel) -> dict[str, str]:
    """The accounting variables of the last two events."""
    instants = (
        channel.created_at,
        channel.profile_created_at,
        channel.answered_at,
        channel.bridged_at,
        channel.progress_at,
        channel.media_at,
        channel.ended_at,
    )
    shown = {}
    for (seconds, micros), at in zip(_TIME_KEYS, instants, strict=True):
        shown[seconds] = str(int(at)) if at else "0"
        shown[micros] = str(int(at * 1_000_000)) if at else "0"
    whole = microseconds(channel.ended_at) - microseconds(channel.created_at)
    billed = microseconds(channel.ended_at) - microseconds(channel.answered_at)
    billed = billed if channel.answered else 0
    shown["variable_duration"] = str(whole // 1_000_000)
    shown["variable_mduration"] = str(whole // 1000)
    shown["variable_uduration"] = str(whole)
    shown["variable_billsec"] = str(billed // 1_000_000)
    shown["variable_billmsec"] = str(billed // 1000)
    shown["variable_billusec"] = str(billed)
    shown["variable_digits_dialed"] = "none"
    return shown


def channel_headers(channel: Channel, first: dict[str, Any]) -> dict[str, Any]:
    """All headers of an event of a channel; `first` are those of the event itself.

    A channel that never got as far as a call (CS_NONE) has no caller profile (sample 09).
    """
    if channel.state == "CS_NONE":
        return {**first, **_channel_part(channel), **_variables(channel)}
    headers = {
        **first,
        **_channel_part(channel),
        **_profile_part(_CALLER_KEYS, channel),
    }
    if channel.transfer_source:
        headers["Caller-Transfer-Source"] = channel.transfer_source
    if channel.heard:
        headers["Caller-Network-Addr"] = "127.0.0.1"
    if channel.other is not None:
        headers["Other-Type"] = channel.other_type
        headers.update(_profile_part(_OTHER_KEYS, channel.other))
    headers.update(_variables(channel))
    if channel.state == "CS_REPORTING":
        headers.update(_times(channel))
    return headers


def bulk_of(channel: Channel) -> bytes:
    """The stage of the ready-made part that fits this channel."""
    if not channel.visible:
        return b""
    if channel.answered:
        return BULK["reported" if channel.state == "CS_REPORTING" else "answered"]
    return BULK["heard" if channel.heard else "created"]


class Event:
    """One event: `headers` for filters, `frame` (made once, when somebody wants it) to send."""

    __slots__ = ("_bulk", "_frame", "headers", "name", "subclass")

    def __init__(self, headers: dict[str, Any], bulk: bytes = b"") -> None:
        self.headers = headers
        self.name: str = headers["Event-Name"]
        self.subclass: str = headers.get("Event-Subclass", "")
        self._bulk = bulk
        self._frame: bytes | None = None

    def json(self) -> bytes:
        own = dump(self.headers)
        return own[:-1] + b"," + self._bulk + b"}" if self._bulk else own

    def frame(self) -> bytes:
        """The whole frame, `Content-Length` in bytes (freeswitch.md 2.6)."""
        if self._frame is None:
            body = self.json()
            head = f"Content-Length: {len(body)}\nContent-Type: text/event-json\n\n"
            self._frame = head.encode() + body
        return self._frame


def dump(value: object) -> bytes:
    """JSON; text that is no UTF-8 goes out byte for byte, as the switch does it (sample 19)."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "surrogateescape")
