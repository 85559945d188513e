"""Typed values -> the text of commands: the proven templates and nothing else.

Nothing is escaped: a value is of its narrow form or it is refused (freeswitch.md 8: a comma
in a number is a second leg, in a name a shell command). Refusals raise Bug: whatever a person
writes was checked at its own door long before. Line breaks are refused once more in `link`.
The templates are those of freeswitch-proofs.md 1 (customer, dead man's script), 2 (operator),
4 (message rescue), 11 (recording), 12 (hang up by variable); a changed one is an unproven
one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from dialer.core.model import Gateway, InstanceName, LegId, NumberId, Supervision, Tone
from dialer.core.numbers import forms
from dialer.core.permission.destinations import refusal
from dialer.core.permission.reasons import Reason
from dialer.errors import Bug
from dialer.ports import CustomerCall, OperatorCall, SupervisorCall

TICK = "dialer::tick"
READY = "dialer::ready"
#: A global variable of the switch by the attempt's id: it outlives the leg, and us.
OPT_OUT = "dialer_opt_out_"
#: The same by the call of somebody who called back; its value is his number.
CALLER_OUT = "dialer_caller_out_"
CALLER_STOP = "dialer::opt_out"
#: Header of the event by which the script tells of the key (no commas may stand there).
KEY = "dialer_key"
EVENTS = (
    "event json CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER"
    " CHANNEL_PARK CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_HANGUP_COMPLETE CHANNEL_DESTROY"
    " BACKGROUND_JOB HEARTBEAT SHUTDOWN RECORD_START RECORD_STOP DTMF"
    " CHANNEL_APPLICATION"
    f" CUSTOM {READY} {TICK} {CALLER_STOP}"
    " sofia::gateway_state sofia::gateway_add sofia::gateway_delete"
    " sofia::register sofia::unregister sofia::expire sofia::sip_user_state"
)  # freeswitch.md 2.2, without PLAYBACK_STOP (nobody reads it, 8 kB each); CUSTOM comes last
VERSION = "api version"
CORE_UUID = "api global_getvar core_uuid"
GLOBALS = "api global_getvar"  # all of them, a line each
SHOW_CHANNELS = "api show channels as json"
PING = "api uuid_exists 00000000-0000-4000-8000-000000000000"  # looks into the session table

_CODEC = re.compile(r"[A-Za-z0-9]{2,12}(?:@[0-9]{1,6}[hi])?")
#: 1 would be heard by the customer alone.
SUPERVISION_KEYS = {
    Supervision.LISTEN: "0",
    Supervision.WHISPER: "2",
    Supervision.BARGE: "3",
}

_DIGIT = re.compile(r"[0-9]")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ENDPOINT = re.compile(rf"user/[A-Za-z0-9_.-]{{1,64}}@{_LABEL}(?:\.{_LABEL}){{0,15}}")

#: Where the carrier reads the shown number -> `sip_cid_type`. From is the gateway's own
#: parameter (caller-id-in-from), written by `dialer gateways`.
CID_TYPES = {"from": "", "pai": "pid", "rpid": "rpid", "from_and_pai": "pid",
             "from_and_rpid": "rpid"}  # fmt: skip


class Cause(StrEnum):
    """Why we hang up. Each says who wanted it; the switch turns unknown names into "normal"."""

    ORIGINATOR_CANCEL = "ORIGINATOR_CANCEL"
    MANAGER_REQUEST = "MANAGER_REQUEST"
    NORMAL_CLEARING = "NORMAL_CLEARING"
    ALLOTTED_TIMEOUT = "ALLOTTED_TIMEOUT"


# ------------------------------------------------------------------ originate


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all our calls share: who we are, where the messages lie, whom we may call.

    `sounds` is the folder of the messages on the switch's machine (None: the switch's own).
    """

    instance: InstanceName
    sounds: str | None = None
    refuse: Callable[[str], Reason | None] = refusal

    def __post_init__(self) -> None:
        _name(self.instance, "instance")
        if self.sounds is not None and not _is_path(self.sounds.removeprefix("/")):
            raise Bug("a folder of sounds with characters that may not stand there")


def gateway_status(name: str) -> str:
    return f"api sofia status gateway {_name(name, 'gateway')}"


def originate_customer(call: CustomerCall, gateway: Gateway, house: House) -> str:
    """Proofs 1: rings, and from the answer on follows its own script until it is bridged.

    The script is the dead man's: silence, the recorded message, hang-up, whoever is alive here.
    """
    if call.gateway != gateway.name:
        raise Bug("the gateway's description is another gateway's")
    attempt = uuid(call.attempt)
    shown = number_form(call.caller, gateway.caller_form)
    variables = (
        f"origination_uuid={attempt}",
        f"origination_caller_id_number={shown}",
        f"origination_caller_id_name={shown}",
        "ignore_early_media=true",
        f"originate_timeout={_whole(call.ring_timeout_s, 1, 300)}",
        f"absolute_codec_string={codec_string(gateway.codecs)}",
        *gateway_variables(gateway),
        "hangup_after_bridge=true",
        "ignore_display_updates=true",
        f"dialer_instance={house.instance}",
        f"dialer_attempt={attempt}",
        rf"execute_on_answer=sched_hangup\s+{_whole(call.max_talk_s, 1, 86_400)}",
    )
    script = "^".join(
        (
            f"event:Event-Name=CUSTOM,Event-Subclass={READY}",
            f"playback:silence_stream://{_whole(call.silence_ms, 1, 60_000)}",
            *_message(attempt, call.message, call.opt_out_key, house),
        )
    )
    number = called(call.digits, gateway, house, call.caller)
    where = f"sofia/gateway/{_name(gateway.name, 'gateway')}/{number}"
    return f"bgapi originate {{{','.join(variables)}}}{where} 'm:^:{script}' inline"


def _message(leg: str, message: str, key: str, house: House) -> tuple[str, ...]:
    """Steps of a script: the message, with the key that ends all further calls, then the end.

    The switch itself writes the key down, so that it counts when nobody of us is alive
    (docs/decisions/0014). It interrupts the message for a moment only: it is heard to its end.
    """
    play = f"playback:{_sound(message, house)}", f"hangup:{Cause.NORMAL_CLEARING}"
    if not key:
        return play
    if not _DIGIT.fullmatch(key):
        raise Bug("an opt-out key that is no digit")
    heard = f"m:~:set_global:{OPT_OUT}{leg}={key}~event:{KEY}={key}"
    bind = f"bind_digit_action:dialer,{key},exec:execute_extension,{heard} inline"
    return bind, *play


def originate_test(call: CustomerCall, gateway: Gateway, house: House) -> str:
    """As a customer's, without a daemon's name on it: two tones, then the echo of himself."""
    if call.gateway != gateway.name:
        raise Bug("the gateway's description is another gateway's")
    shown = number_form(call.caller, gateway.caller_form)
    variables = (
        f"origination_uuid={uuid(call.attempt)}",
        f"origination_caller_id_number={shown}",
        f"origination_caller_id_name={shown}",
        "ignore_early_media=true",
        f"originate_timeout={_whole(call.ring_timeout_s, 1, 300)}",
        f"absolute_codec_string={codec_string(gateway.codecs)}",
        *gateway_variables(gateway),
        "ignore_display_updates=true",
        f"dialer_test={uuid(call.attempt)}",
        rf"execute_on_answer=sched_hangup\s+{_whole(call.max_talk_s, 1, 86_400)}",
    )
    number = called(call.digits, gateway, house, call.caller)
    where = f"sofia/gateway/{_name(gateway.name, 'gateway')}/{number}"
    script = "playback:tone_stream://%(300,200,800);loops=2^echo:"
    return f"bgapi originate {{{','.join(variables)}}}{where} 'm:^:{script}' inline"


def originate_operator(call: OperatorCall, house: House) -> str:
    """Proofs 2: a leg that stays parked over many talks and survives a vanishing customer."""
    variables = (
        f"origination_uuid={uuid(call.leg)}",
        "park_after_bridge=true",
        "uuid_bridge_park_on_cancel=true",
        "ignore_early_media=true",
        f"originate_timeout={_whole(call.timeout_s, 1, 300)}",
        "no_throttle_limits=true",
        "send_silence_when_idle=-1",
        "max_session_transfers=1000000",
        "sip_auto_answer=true",
        "media_timeout=30000",
        f"dialer_instance={house.instance}",
        f"dialer_agent={_name(call.operator, 'operator')}",
    )
    return f"bgapi originate {{{','.join(variables)}}}{_endpoint(call.endpoint)} &park()"


def originate_supervisor(call: SupervisorCall, house: House) -> str:
    """Proofs 11: hears the operator's leg, parked or in a talk, from talk to talk."""
    variables = (
        f"origination_uuid={uuid(call.leg)}",
        "ignore_early_media=true",
        f"originate_timeout={_whole(call.timeout_s, 1, 300)}",
        "no_throttle_limits=true",
        "sip_auto_answer=true",
        "media_timeout=30000",
        "eavesdrop_enable_dtmf=true",
        f"dialer_instance={house.instance}",
        f"dialer_supervisor={_name(call.supervisor, 'supervisor')}",
        f"dialer_supervised={_name(call.operator, 'operator')}",
    )
    where = _endpoint(call.endpoint)
    target = f"&eavesdrop({uuid(call.operator_leg)})"
    return f"bgapi originate {{{','.join(variables)}}}{where} {target}"


def supervise(leg: LegId, mode: Supervision) -> str:
    """The key that the eavesdropping leg itself understands."""
    return f"api uuid_recv_dtmf {uuid(leg)} {SUPERVISION_KEYS[mode]}"


def called(digits: str, gateway: Gateway, house: House, caller: NumberId | None = None) -> str:
    """The number as this gateway wants it. Asked once more: may it be dialed at all?"""
    port = gateway.sim_ports.get(caller, "") if caller is not None else ""
    number = forms.written(
        digits,
        gateway.called_form,
        strip=gateway.called_strip,
        prefix=gateway.called_prefix + port,
    )
    if number is None:
        raise Bug("the number to call is not in E.164, or not to be written as configured")
    if house.refuse(digits) is not None:
        raise Bug("not an allowed destination")
    return number


def number_form(number: str, form: str) -> str:
    """`number` (E.164) in one of the words of `core.numbers.forms`."""
    text = forms.written(number, form)
    if text is None:
        raise Bug("a number that cannot be written: not E.164, or of no such form")
    return text


def gateway_variables(gateway: Gateway) -> tuple[str, ...]:
    """What the carrier wants to be different (R3.11); nothing where it is as proved."""
    variables: list[str] = []
    if cid_type := CID_TYPES[gateway.caller_in]:
        # Without the second a "Privacy: none" goes along, which some carriers refuse.
        variables += (f"sip_cid_type={cid_type}", "sip_cid_suppress_privacy_none=true")
    if gateway.dtmf != "rfc2833":
        variables.append(f"dtmf_type={_name(gateway.dtmf, 'way to send keys')}")
    if gateway.media_encryption != "none":
        word = _name(gateway.media_encryption, "encryption")
        variables.append(f"rtp_secure_media={word}")
    return tuple(variables)


def codec_string(codecs: tuple[str, ...]) -> str:
    """One codec: no transcoding. Several need another separator than the variables'."""
    if not codecs or not all(_CODEC.fullmatch(codec) for codec in codecs):
        raise Bug("a codec's name with characters that may not stand there")
    return codecs[0] if len(codecs) == 1 else "^^:" + ":".join(codecs)


# ------------------------------------------------------------------ what is done with legs


def bridge(operator_leg: LegId, customer_leg: LegId) -> str:
    """Operator FIRST, always (proofs 0.1): the other order loses and strands operators."""
    return f"api uuid_bridge {uuid(operator_leg)} {uuid(customer_leg)}"


def park(leg: LegId) -> str:
    return f"api uuid_park {uuid(leg)}"


def kill(leg: LegId, cause: str) -> str:
    return f"api uuid_kill {uuid(leg)} {_cause(cause)}"


def play_message(leg: LegId, message: str, key: str, house: House) -> str:
    """For a leg that has left its script; uuid_broadcast says +OK there and plays nothing."""
    script = "^".join(_message(uuid(leg), message, key, house))
    return f"api uuid_transfer {uuid(leg)} 'm:^:{script}' inline"


def forget_opt_out(attempt: str) -> str:
    """No value: the variable is gone."""
    return f"api global_setvar {OPT_OUT}{uuid(attempt)}="


def forget_caller_stop(call: LegId) -> str:
    return f"api global_setvar {CALLER_OUT}{uuid(call)}="


def has_sound(message: str, house: House) -> str:
    """Asked where the folder of the messages is known: a path from the root."""
    return f"api file_exists {_sound(message, house)}"


def clean(leg: LegId) -> str:
    """Unset what grows by 96 bytes a bridge in every event of the leg (proofs 2)."""
    return f"api uuid_setvar {uuid(leg)} transfer_history"


def stereo(leg: LegId) -> str:
    """Two channels: the customer left, the operator right."""
    return f"api uuid_setvar {uuid(leg)} RECORD_STEREO true"


def record(leg: LegId, path: str) -> tuple[str, dict[str, str]]:
    """Command and headers: the leg's own thread begins it, at its next look for messages.

    `uuid_record start` from outside, on a leg that hangs up in that moment, leaves a channel
    that never ends (docs/decisions/0015: 10 of 154 short talks; this way 0 of 365).
    """
    if not _is_path(path.removeprefix("/")):
        raise Bug("a recording's path with characters that may not stand there")
    return f"sendmsg {uuid(leg)}", {
        "call-command": "execute",
        "execute-app-name": "record_session",
        "execute-app-arg": path,
    }


def mask(leg: LegId, path: str, *, masked: bool) -> str:
    """The recording goes on, with silence in it."""
    if not _is_path(path.removeprefix("/")):
        raise Bug("a recording's path with characters that may not stand there")
    return f"api uuid_record {uuid(leg)} {'mask' if masked else 'unmask'} {path}"


def announce(leg: LegId, sound: str, house: House) -> str:
    """Mixed into what this leg hears; `uuid_broadcast` would suspend the bridge."""
    return f"api uuid_displace {uuid(leg)} start {_sound(sound, house)} 0 mux"


def beep(leg: LegId, tone: Tone) -> str:
    """Proofs 11: the bridge stays up, and nobody but this leg hears it."""
    length = _whole(tone.length_ms, 10, 5_000)
    sound = f"tone_stream://%({length},0,{_whole(tone.frequency_hz, 100, 3_400)})"
    return f"api uuid_displace {uuid(leg)} start {sound} 0 mux"


def exists(leg: LegId) -> str:
    return f"api uuid_exists {uuid(leg)}"


def dump(leg: LegId) -> str:
    return f"api uuid_dump {uuid(leg)} json"


def hang_up_all(cause: str, house: House) -> str:
    """Every leg of this daemon, and nobody else's (proofs 12)."""
    return f"api hupall {_cause(cause)} dialer_instance {house.instance}"


def tick(number: int, house: House) -> tuple[str, dict[str, str]]:
    """An event that comes back to us if events flow at all (proofs 8): command and headers."""
    return "sendevent CUSTOM", {
        "Event-Subclass": TICK,
        "dialer-instance": house.instance,
        "dialer-tick": str(_whole(number, 0, 1 << 53)),
    }


# ------------------------------------------------------------------ narrow forms


def uuid(leg: str) -> str:
    """`leg` itself, if it is a uuid in its canonical form."""
    if not _UUID.fullmatch(leg):
        raise Bug("a leg's id that is no canonical uuid")
    return leg


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def _name(text: str, what: str) -> str:
    if not _NAME.fullmatch(text):
        raise Bug(f"a name of {what} with characters that may not stand there")
    return text


def _endpoint(text: str) -> str:
    if not _ENDPOINT.fullmatch(text):
        raise Bug("an operator's endpoint that is not user/NAME@DOMAIN")
    return text


def _sound(text: str, house: House) -> str:
    if not _is_path(text):
        raise Bug("a sound's file name with characters that may not stand there")
    return f"{house.sounds}/{text}" if house.sounds is not None else text


def _is_path(text: str) -> bool:
    """Names joined by "/", none of them "." or "..", so that nothing leaves its folder."""
    parts = text.split("/")
    return len(text) <= 255 and all(
        _NAME.fullmatch(part) and part.strip(".") != "" for part in parts
    )


def _cause(text: str) -> str:
    if text not in Cause.__members__:
        raise Bug("a hang-up cause that we do not give")
    return text


def _whole(value: int, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise Bug(f"a number that is not a whole one from {least} to {most}")
    return value
