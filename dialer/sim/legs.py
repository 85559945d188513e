"""What one answered leg does: run its script, play, park, talk, end.

Orders of events are those of the recorded samples. When the first leg of a bridge ends, the
partner acts before its UNBRIDGE; when the second ends, its HANGUP_COMPLETE comes before
(samples 01, 02, 20, 25). A leg ends exactly once, whoever ends it.
"""

from __future__ import annotations

from typing import Any

from dialer.sim.causes import cause_of_text
from dialer.sim.channel import Bridge, Channel, Playing
from dialer.sim.dial_string import Application, parse_inline
from dialer.sim.evidence import Refusal, write_end, write_their_word
from dialer.sim.exchange import Exchange
from dialer.sim.recording import start_recording, stop_recordings

_SPY_S = 0.01  # after the leg that it listened to, an eavesdropping one goes on in its script

# ------------------------------------------------------------------ the script


def run_script(x: Exchange, channel: Channel, script: tuple[Application, ...]) -> None:
    """Begin a script from its first step, instead of whatever the leg did."""
    channel.script, channel.position = script, 0
    channel.parked = channel.limbo = False
    channel.enter("CS_EXECUTE")
    channel.hit_dialplan = True
    next_step(x, channel)


def next_step(x: Exchange, channel: Channel) -> None:
    """Go on until a step takes time, or the leg ends for want of steps."""
    while channel.alive:
        script = channel.script or ()
        if channel.position >= len(script):
            hang_up(x, channel, "NORMAL_CLEARING", by_us=True)
            return
        step = script[channel.position]
        channel.position += 1
        if not run_application(x, channel, step):
            return


def run_application(x: Exchange, channel: Channel, step: Application) -> bool:
    """One application; False if it takes time or has ended the leg."""
    show_application(x, channel, step)
    match step.name:
        case "event":
            _fire_event(x, channel, step.data)
        case "playback":
            play(x, channel, step.data, lambda: next_step(x, channel))
            return False
        case "sleep":
            wait_s = int(step.data) / 1000 if step.data.isdigit() else 0.0
            channel.set_timer("script", x.after(wait_s, next_step, x, channel))
            return False
        case "hangup":
            hang_up(x, channel, cause_of_text(step.data), by_us=True)
            return False
        case "park":
            park(x, channel, state="CS_EXECUTE")
            return False
        case "eavesdrop":
            if step.data not in x.channels:
                next_step(x, channel)
            channel.listens_to = step.data
            return False
        case "execute_extension":
            for inner in parse_inline(step.data.removesuffix(" inline")):
                run_application(x, channel, inner)
        case _:
            _note(x, channel, step)
    return True


def obey(x: Exchange, channel: Channel, step: Application) -> None:
    """An application by message: gone with the leg, if that has ended meanwhile."""
    if channel.alive and channel.answered:
        run_application(x, channel, step)


def _note(x: Exchange, channel: Channel, step: Application) -> None:
    """Applications that only write something down."""
    name, _, value = step.data.partition("=")
    match step.name:
        case "sched_hangup":
            schedule_hangup(x, channel, step.data)
        case "set":
            channel.variables[name] = value
        case "set_global":
            x.globals[name] = value
        case "record_session":
            if step.data not in channel.recordings:  # once more is one recording
                start_recording(x, channel, step.data)
        case "bind_digit_action":
            _bind_key(channel, step.data)


def show_application(x: Exchange, channel: Channel, step: Application) -> None:
    channel.variables["current_application"] = step.name
    if step.data:
        channel.variables["current_application_data"] = step.data
    else:
        channel.variables.pop("current_application_data", None)
    x.emit(
        channel,
        "CHANNEL_EXECUTE",
        {"Application": step.name, "Application-Data": step.data or "_undef_"},
    )


def _fire_event(x: Exchange, channel: Channel, data: str) -> None:
    values = dict(part.partition("=")[::2] for part in data.split(","))
    subclass = values.pop("Event-Subclass", "")
    name = values.pop("Event-Name", "CUSTOM" if subclass else "CHANNEL_APPLICATION")
    x.emit(channel, name, values, subclass)


def schedule_hangup(x: Exchange, channel: Channel, data: str) -> None:
    """`sched_hangup [+]secs [cause]`: whole epoch seconds, so up to 1 s early (proofs 1)."""
    when, _, cause = data.strip().partition(" ")
    digits = when.lstrip("+")
    if not digits.isdigit():
        return
    wait_s = max(int(digits) - x.now() % 1.0, 0.0)
    named = cause_of_text(cause) if cause.strip() else "ALLOTTED_TIMEOUT"
    channel.set_timer("ceiling", x.after(wait_s, _ceiling, x, channel, named))


def _ceiling(x: Exchange, channel: Channel, cause: str) -> None:
    hang_up(x, channel, cause, by_us=True)


# ------------------------------------------------------------------ playing


def play(x: Exchange, channel: Channel, path: str, then: Any) -> None:
    """Play a file; `then` runs at its end, but not when something takes the leg away."""
    length_s = x.world.sound_length_s(path)
    channel.playing = Playing(path=path, began_at=x.now(), length_s=length_s, then=then)
    x.emit(channel, "PLAYBACK_START", {"Playback-File-Path": path})
    channel.set_timer("playback", x.after(length_s, _played, x, channel))
    plan = channel.plan
    if plan.key is not None and "://" not in path and plan.key_s < length_s:
        channel.set_timer("key", x.after(plan.key_s, press_key, x, channel, plan.key))


def _played(x: Exchange, channel: Channel) -> None:
    playing = channel.playing
    end_playback(x, channel)
    if playing is not None:
        playing.then()


def end_playback(x: Exchange, channel: Channel) -> None:
    """PLAYBACK_STOP says `done` also for what was cut short (proofs 1)."""
    playing = channel.playing
    if playing is None:
        return
    channel.playing = None
    channel.cancel_timer("playback", "key")
    length_ms = int(playing.length_s * 1000)
    channel.variables["playback_ms"] = str(length_ms)
    channel.variables["playback_seconds"] = str(length_ms // 1000)
    channel.variables["playback_samples"] = str(length_ms * 8)
    x.emit(
        channel,
        "PLAYBACK_STOP",
        {"Playback-File-Path": playing.path, "Playback-Status": "done"},
    )


def _bind_key(channel: Channel, data: str) -> None:
    """`REALM,DIGIT,exec:APPLICATION,ARGUMENT`: the only form that is simulated."""
    _, digit, action, argument = [*data.split(",", 3), "", "", ""][:4]
    name = action.removeprefix("exec:")
    if digit and name != action:
        channel.bound_keys[digit] = Application(name, argument)


def press_key(x: Exchange, channel: Channel, digit: str) -> None:
    """A bound key does what it is bound to, and no DTMF event tells of it."""
    bound = channel.bound_keys.get(digit)
    if channel.alive and bound is not None:
        run_application(x, channel, bound)
    elif channel.alive:
        x.emit(
            channel,
            "DTMF",
            {"DTMF-Digit": digit, "DTMF-Duration": "2000", "DTMF-Source": "RTP"},
        )


# ------------------------------------------------------------------ park


def park(x: Exchange, channel: Channel, *, state: str = "CS_PARK") -> None:
    """Park a leg that is free: CHANNEL_PARK says so."""
    channel.parked, channel.limbo = True, False
    channel.enter(state)
    channel.variables["current_application"] = "park"
    channel.variables.pop("current_application_data", None)
    timeout, _, cause = channel.variable("park_timeout").partition(":")
    if timeout:
        channel.variables.pop("park_after_bridge", None)
        wait_s = float(timeout) if timeout.isdigit() else 0.0
        timer = x.after(wait_s, _ceiling, x, channel, cause_of_text(cause))
        channel.set_timer("park", timer)
    x.emit(channel, "CHANNEL_PARK")


def take_away(x: Exchange, channel: Channel) -> None:
    """A command takes the leg out of whatever it does; its partner acts as after a bridge."""
    channel.cancel_timer("script", "park")
    if channel.hand_over is not None:
        channel.hand_over.cancel()
    bridge = channel.bridge
    if bridge is not None:
        partner = bridge.other(channel)
        _close_bridge(x, bridge)
        x.emit(bridge.first, "CHANNEL_UNBRIDGE", bridge_headers(bridge))
        after_bridge(x, partner)
    end_playback(x, channel)
    channel.parked = channel.limbo = False


# ------------------------------------------------------------------ bridge


def bridge_headers(bridge: Bridge) -> dict[str, Any]:
    return {
        "Bridge-A-Unique-ID": bridge.first.uuid,
        "Bridge-B-Unique-ID": bridge.second.uuid,
    }


def _close_bridge(x: Exchange, bridge: Bridge) -> None:
    now = x.now()
    for channel in (bridge.first, bridge.second):
        other = bridge.other(channel)
        channel.bridge = None
        channel.cancel_timer("talk")
        channel.bridges.append((other.uuid, bridge.began_at, now))
        channel.variables["last_bridge_to"] = other.uuid
        first = channel is bridge.first
        channel.variables["last_bridge_role"] = "originator" if first else "originatee"


def after_bridge(x: Exchange, channel: Channel) -> None:
    """What its variables say that a leg does when its partner has gone."""
    if not channel.alive:
        return
    channel.variables["last_bridge_hangup_cause"] = "NORMAL_CLEARING"
    channel.variables["bridge_hangup_cause"] = "NORMAL_CLEARING"
    if x.limits.stopping:
        hang_up(x, channel, "SYSTEM_SHUTDOWN", by_us=True)
    elif channel.true("park_after_bridge"):
        park(x, channel)
    elif channel.true("hangup_after_bridge"):
        hang_up(x, channel, "NORMAL_CLEARING", by_us=True)
    else:
        channel.enter("CS_EXECUTE")
        next_step(x, channel)


def _part(x: Exchange, bridge: Bridge, gone: Channel) -> None:
    """One leg of a bridge has hung up: all events of both, in the samples' order."""
    partner = bridge.other(gone)
    _close_bridge(x, bridge)
    if gone is bridge.first:
        after_bridge(x, partner)
        gone.enter("CS_SOFT_EXECUTE", "CS_HANGUP")
        x.emit(gone, "CHANNEL_UNBRIDGE", bridge_headers(bridge))
        _report(x, gone)
        _destroy(x, gone)
        return
    _report(x, gone)
    if partner.alive:
        partner.variables["last_bridge_hangup_cause"] = gone.hangup_cause
    x.emit(partner, "CHANNEL_UNBRIDGE", bridge_headers(bridge))
    if partner.true("park_after_bridge") and not x.limits.stopping:
        after_bridge(x, partner)
        _destroy(x, gone)
    else:
        _destroy(x, gone)
        after_bridge(x, partner)


# ------------------------------------------------------------------ the end


def hang_up(
    x: Exchange,
    channel: Channel,
    cause: str,
    *,
    by_us: bool,
    refusal: Refusal | None = None,
) -> None:
    """End a leg for good; a second end of the same leg is nothing."""
    if not channel.alive:
        return
    channel.ended_at = x.now()
    channel.cancel_all_timers()
    if not by_us:
        write_their_word(channel, cause, refusal)
    channel.hangup_cause, channel.answer_state = cause, "hangup"
    stop_recordings(x, channel)
    for spy in [one for one in x.channels.values() if one.listens_to == channel.uuid]:
        x.after(_SPY_S, next_step, x, spy)
    bridge, hand_over = channel.bridge, channel.hand_over
    if bridge is not None:
        _part(x, bridge, channel)
        return
    if channel.playing is not None:
        channel.enter("CS_EXECUTE", "CS_HANGUP")
        end_playback(x, channel)
    if hand_over is not None:
        hand_over.lost(channel)
    if by_us or not channel.answered or not x.world.ways.races:
        _tell_end(x, channel)
        return
    # Their BYE: `uuid_exists` says false at once, the event comes with the thread's next tick.
    x.channels.pop(channel.uuid, None)
    x.after(x.between(x.world.ways.report_s, channel.draw), _tell_end, x, channel)


def _tell_end(x: Exchange, channel: Channel) -> None:
    pending, channel.pending = channel.pending, None
    place = _place_of_job(x, channel, channel.hangup_cause)
    reply = f"-ERR {channel.hangup_cause}\n"
    if pending and place == "first":
        pending(reply)
    _report(x, channel)
    if pending and place == "middle":
        pending(reply)
    _destroy(x, channel)
    if pending and place == "last":
        pending(reply)


def _place_of_job(x: Exchange, channel: Channel, cause: str) -> str:
    """Where BACKGROUND_JOB comes among HANGUP_COMPLETE and DESTROY: a race in the switch."""
    usual = "middle"
    if cause in ("NO_ANSWER", "PROGRESS_TIMEOUT") or not channel.visible:
        usual = "first"
    if not x.world.ways.races or channel.draw.random() < 0.7:
        return usual
    return channel.draw.choice(("first", "middle", "last"))


def _report(x: Exchange, channel: Channel) -> None:
    x.emit(channel, "CHANNEL_HANGUP")
    channel.enter("CS_REPORTING")
    channel.call_state = "HANGUP"
    write_end(channel, channel.hangup_cause)
    variables = channel.variables
    if "current_application" in variables:
        variables["last_app"] = variables["current_application"]
        if "current_application_data" in variables:
            variables["last_arg"] = variables["current_application_data"]
    x.emit(channel, "CHANNEL_HANGUP_COMPLETE")
    x.record.ended(channel)


def _destroy(x: Exchange, channel: Channel) -> None:
    channel.enter("CS_REPORTING", "CS_DESTROY")
    channel.call_uuid = channel.uuid
    x.channels.pop(channel.uuid, None)
    x.emit(channel, "CHANNEL_DESTROY")
    channel.other = None
