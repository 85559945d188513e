"""`originate`: from the command's text to an answered leg that runs its target, or a failure.

Order of the tests as in the switch: usage, endpoint, directory, then the session (pause,
limits, a uuid that lives already: no event at all), then the gateway (a lone CHANNEL_DESTROY).
Only then is there a call. freeswitch.md 1.4, 1.5; freeswitch-proofs.md 5, 6, 10.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import structlog

from dialer.sim import legs
from dialer.sim.behaviour import CallPlan, matches_extension, plan_call, plan_phone, subscriber
from dialer.sim.causes import cause_of_refusal
from dialer.sim.channel import Channel
from dialer.sim.dial_string import (
    USAGE,
    Application,
    Leg,
    OriginateText,
    UsageError,
    parse_originate,
)
from dialer.sim.evidence import Refusal
from dialer.sim.exchange import PROFILES, Exchange

log = structlog.get_logger(__name__)

Done = Callable[[str], None]

NO_CALLER = "0000000000"
_NO_PLAN = CallPlan(behaviour="none", first=None, first_s=0.0, status=None, final_s=0.0)


def originate(x: Exchange, text: str, done: Done) -> None:
    """Carry out an originate; `done` takes the reply when the call has got somewhere.

    Each leg after the first is called as well where nothing forbids it, as the switch would: a
    number with a comma in it must show in the record as the second call that it is.
    """
    try:
        parsed = parse_originate(text)
    except UsageError:
        done(USAGE)
        return
    _warn_of_commands(parsed)
    for place, leg in enumerate(parsed.legs):
        variables = {**leg.variables, **parsed.variables}
        _call(x, parsed, leg, variables, done if place == 0 else _nobody)


def _nobody(reply: str) -> None:
    log.warning("a second leg was dialed", reply=reply.strip())


def _warn_of_commands(parsed: OriginateText) -> None:
    for name in parsed.variables:
        if name.startswith("api_"):
            log.warning("an originate would run a command", variable=name)


def _call(
    x: Exchange, parsed: OriginateText, leg: Leg, variables: dict[str, str], done: Done
) -> None:
    failure = _endpoint_failure(x, leg)
    if failure is None:
        uuid = variables.get("origination_uuid", "")
        no_limits = variables.get("no_throttle_limits") == "true"
        admitted = x.limits.admit(x.now(), len(x.channels), no_limits=no_limits)
        if not admitted or uuid in x.channels:
            failure = "DESTINATION_OUT_OF_ORDER"
    if failure is not None:
        _refuse(x, leg, variables, failure, done)
        return
    failure = _way_failure(x, leg)
    if failure is not None:
        _lone_destroy(x, variables)
        _refuse(x, leg, variables, failure, done)
        return
    channel = _new_channel(x, parsed, leg, variables)
    channel.pending = done
    x.channels[channel.uuid] = channel
    x.record.originated(channel)
    wait_s = x.between(x.world.ways.create_s, channel.draw)
    channel.set_timer("plan", x.after(wait_s, _create, x, channel, variables, parsed))


def _refuse(x: Exchange, leg: Leg, variables: dict[str, str], cause: str, done: Done) -> None:
    reply = f"-ERR {cause}\n"
    x.record.refused(x.now(), reply, leg.number or leg.url, variables)
    done(reply)


def _endpoint_failure(x: Exchange, leg: Leg) -> str | None:
    """What fails before a session is even asked for."""
    if leg.kind == "unknown":
        return "CHAN_NOT_IMPLEMENTED"
    if leg.kind == "user":
        phones = x.world.phones
        if not leg.domain or matches_extension(phones.absent, leg.number):
            return "SUBSCRIBER_ABSENT"
        if matches_extension(phones.unregistered, leg.number):
            return "USER_NOT_REGISTERED"
    return None


def _way_failure(x: Exchange, leg: Leg) -> str | None:
    """What fails after the session was given and before there is a call."""
    if leg.kind == "gateway":
        gateway = x.gateways.get(leg.gateway)
        if gateway is None:
            return "INVALID_GATEWAY"
        if not leg.number:
            return "INVALID_URL"
        return None if gateway.up else "GATEWAY_DOWN"
    if leg.kind == "profile":
        if leg.profile not in PROFILES:
            return "INVALID_PROFILE"
        if matches_extension(x.world.phones.unregistered, leg.number):
            return "USER_NOT_REGISTERED"
    return None


def _lone_destroy(x: Exchange, variables: dict[str, str]) -> None:
    uuid = variables.get("origination_uuid") or x.new_uuid()
    ghost = Channel(
        uuid=uuid,
        session_id=x.limits.sessions_since_start,
        number="",
        domain="",
        gateway=None,
        variables={},
        plan=_NO_PLAN,
        draw=x.draw,
        created_at=x.now(),
        caller_number="",
        caller_name="",
        script=None,
        target="",
        inline=False,
        name="N/A",
        state="CS_NONE",
        state_number=0,
        call_uuid=uuid,
    )
    x.emit(ghost, "CHANNEL_DESTROY")


def _new_channel(
    x: Exchange, parsed: OriginateText, leg: Leg, variables: dict[str, str]
) -> Channel:
    uuid = variables.get("origination_uuid") or x.new_uuid()
    number, to_phone = leg.number, leg.kind != "gateway"
    plan, lost_s, seed = _plan(x, leg, to_phone=to_phone)
    now = x.now()
    shown = variables.get("origination_caller_id_number") or parsed.caller_number or NO_CALLER
    named = variables.get("origination_caller_id_name") or parsed.caller_name
    profile = "internal" if to_phone else "external"
    channel = Channel(
        uuid=uuid,
        session_id=x.limits.sessions_since_start,
        number=number,
        domain=leg.domain,
        gateway=None if to_phone else leg.gateway,
        variables=_first_variables(leg),
        plan=plan,
        draw=Random(seed),
        created_at=now,
        caller_number=shown,
        caller_name=named,
        script=parsed.script,
        target=parsed.target,
        inline=parsed.inline,
        name=f"sofia/{profile}/{number}" + (f"@{leg.domain}" if leg.domain else ""),
        caller_id=shown,
        caller_id_name=named,
        callee_id=number,
        profile_created_at=now,
        call_uuid=uuid,
        attempt=variables.get("dialer_attempt"),
        agent=variables.get("dialer_agent"),
        instance=variables.get("dialer_instance"),
    )
    if lost_s is not None:
        channel.set_timer("loss", x.after(lost_s, _lose, x, channel))
    return channel


def _plan(x: Exchange, leg: Leg, *, to_phone: bool) -> tuple[CallPlan, float | None, str]:
    """What the far end will do, when its leg is lost, and the seed of the leg's own delays."""
    nth = x.nth_call(leg.url if to_phone else subscriber(leg.number))
    seed = f"{x.world.seed}:{leg.number}:{nth}:ways"
    if to_phone:
        return *plan_phone(x.world, leg.number, nth), seed
    return plan_call(x.world, leg.number, nth), None, seed


def _first_variables(leg: Leg) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    if leg.gateway:
        variables["sip_gateway_name"] = leg.gateway
    variables["sip_destination_url"] = f"sip:{leg.number}@127.0.0.1:5080"
    variables["sip_req_uri"] = f"{leg.number}@127.0.0.1:5080"
    return variables


def _lose(x: Exchange, channel: Channel) -> None:
    """The operator's phone or network is gone."""
    legs.hang_up(x, channel, "NORMAL_CLEARING", by_us=False)


# ------------------------------------------------------------------ ringing


def _create(
    x: Exchange, channel: Channel, variables: dict[str, str], parsed: OriginateText
) -> None:
    channel.variables.update(variables)
    if channel.domain:
        channel.variables["dialed_user"] = channel.number
        channel.variables["dialed_domain"] = channel.domain
        channel.variables["presence_id"] = f"{channel.number}@{channel.domain}"
    channel.visible = True
    x.emit(channel, "CHANNEL_CREATE")
    x.emit(channel, "CHANNEL_ORIGINATE")
    channel.enter("CS_CONSUME_MEDIA")
    started = x.now() % 1.0  # whole epoch seconds are counted: up to 1 s early (proofs 6)
    limit_s = max(parsed.timeout_s - started, 0.0)
    channel.set_timer("timeout", x.after(limit_s, _timed_out, x, channel, "NO_ANSWER"))
    progress = channel.variable("progress_timeout")
    if progress.isdigit() and int(progress) > 0:
        limit_s = max(int(progress) - started, 0.0)
        timer = x.after(limit_s, _timed_out, x, channel, "PROGRESS_TIMEOUT")
        channel.set_timer("progress", timer)
    _invite(x, channel)


def _timed_out(x: Exchange, channel: Channel, cause: str) -> None:
    legs.hang_up(x, channel, cause, by_us=True)


def _invite(x: Exchange, channel: Channel) -> None:
    plan = channel.plan
    gateway = x.gateways.get(channel.gateway or "")
    if gateway is not None:
        if gateway.settings.closed:
            refusal = Refusal(status=503, sent=False)
            channel.set_timer("plan", x.after(0.001, _refused, x, channel, refusal))
            return
        channel.invited = True
        if gateway.over_rate(x.now()):
            channel.set_timer("plan", x.after(0.01, _refused, x, channel, Refusal(status=503)))
            return
    if plan.first is not None:
        channel.set_timer("first", x.after(plan.first_s, _first_word, x, channel))
    if plan.status == 200:
        channel.set_timer("plan", x.after(plan.final_s, _answer, x, channel))
    elif plan.status is not None:
        refusal = Refusal(
            status=plan.status,
            reason_q850=plan.reason_q850,
            text_603plus=plan.text_603plus,
        )
        channel.set_timer("plan", x.after(plan.final_s, _refused, x, channel, refusal))


def _hear(x: Exchange, channel: Channel) -> None:
    if not channel.heard:
        channel.heard = True
        channel.variables["sip_call_id"] = str(x.new_uuid())


def _first_word(x: Exchange, channel: Channel) -> None:
    _hear(x, channel)
    channel.cancel_timer("progress")
    if channel.plan.first == 183:
        channel.media_at = x.now()
        channel.answer_state = "early"
        channel.variables["endpoint_disposition"] = "EARLY MEDIA"
        x.emit(channel, "CHANNEL_PROGRESS_MEDIA")
        if not channel.true("ignore_early_media") and not _consumes(channel):
            channel.set_timer("notice", x.after(0.0, _notice, x, channel))
        return
    channel.progress_at = x.now()
    x.emit(channel, "CHANNEL_PROGRESS")
    channel.call_state = "RINGING"


def _consumes(channel: Channel) -> bool:
    return channel.variable("ignore_early_media") in ("consume", "ring_ready")


def _refused(x: Exchange, channel: Channel, refusal: Refusal) -> None:
    if refusal.sent:
        _hear(x, channel)
    gateway = x.gateways.get(channel.gateway or "")
    if gateway is not None:
        gateway.failed_calls_out += 1
    cause = cause_of_refusal(refusal.status, refusal.reason_q850)
    legs.hang_up(x, channel, cause, by_us=False, refusal=refusal)


# ------------------------------------------------------------------ answered


def _answer(x: Exchange, channel: Channel) -> None:
    _hear(x, channel)
    channel.cancel_timer("timeout", "progress", "first")
    if channel.plan.gone:
        _leaves(x, channel)
        return
    channel.answered_at = x.now()
    channel.answer_state = "answered"
    x.emit(channel, "CHANNEL_ANSWER")
    channel.call_state = "ACTIVE"
    on_answer = channel.variable("execute_on_answer").replace("::", " ", 1)
    name, _, data = on_answer.partition(" ")
    if name:
        legs.run_application(x, channel, Application(name, data))
    if not channel.alive:
        return
    patience_s = channel.plan.patience_s
    if patience_s is not None:
        channel.set_timer("patience", x.after(patience_s, _leaves, x, channel))
    wait_s = x.between(x.world.ways.notice_s, channel.draw)
    channel.set_timer("notice", x.after(wait_s, _notice, x, channel))


def _leaves(x: Exchange, channel: Channel) -> None:
    legs.hang_up(x, channel, "NORMAL_CLEARING", by_us=False)


def _notice(x: Exchange, channel: Channel) -> None:
    """The originate loop sees the answer, up to 20 ms late.

    A bridge begun before that leaves a good call whose job says ORIGINATOR_CANCEL (sample 25).
    """
    pending, channel.pending = channel.pending, None
    channel.variables["endpoint_disposition"] = "ANSWER"
    _swap_ids(channel)
    if channel.hand_over is not None or channel.bridge is not None:
        if pending:
            pending("-ERR ORIGINATOR_CANCEL\n")
        return
    first = not x.world.ways.races or channel.draw.random() < 0.5
    reply = f"+OK {channel.uuid}\n"
    if pending and first:
        pending(reply)
    _run_target(x, channel)
    if pending and not first:
        pending(reply)


def _swap_ids(channel: Channel) -> None:
    variables = channel.variables
    variables["pre_transfer_caller_id_number"] = channel.caller_id
    variables["channel_cid_flipped"] = "yes"
    channel.caller_id, channel.callee_id = channel.callee_id, channel.caller_id
    channel.caller_id_name, channel.callee_id_name = (
        channel.callee_id_name,
        channel.caller_id_name,
    )


def _run_target(x: Exchange, channel: Channel) -> None:
    if channel.script is None:
        legs.hang_up(x, channel, "NO_ROUTE_DESTINATION", by_us=True)
        return
    if channel.inline:
        channel.profile_index += 1
        channel.profile_created_at = x.now()
        channel.variables["max_forwards"] = "70"
        target = f"bl_xfer:{channel.target}/inline/default"
        channel.append_history(f"{int(x.now())}:{x.new_uuid()}:{target}")
    legs.run_script(x, channel, channel.script)
