"""The `api` commands that a dialer uses, with the replies of mod_commands word for word.

`run` takes a command's name and argument text and calls `done` with the reply: at once for all
but `originate`, which answers when its call has got somewhere.
"""

from __future__ import annotations

from collections.abc import Callable

from dialer.sim import control, hand_over, legs, originate
from dialer.sim.causes import cause_of_text
from dialer.sim.channel import Channel
from dialer.sim.dial_string import Application, parse_inline, split_words
from dialer.sim.exchange import Exchange
from dialer.sim.recording import start_recording, stop_recordings

NO_CHANNEL = "-ERR No such channel!\n"
Command = Callable[[Exchange, str], str]


def run(x: Exchange, name: str, argument: str, done: Callable[[str], None]) -> None:
    """Carry out a command; an unknown one is refused as the switch does it."""
    command = name.lower()
    if command == "originate":
        originate.originate(x, argument, done)
        return
    function = COMMANDS.get(command) or control.COMMANDS.get(command)
    if function is None:
        done(f"-ERR {name} Command not found!\n")
        return
    done(function(x, argument) or "-ERR no reply\n")


def _usage(syntax: str) -> str:
    return f"-USAGE: {syntax}\n"


# ------------------------------------------------------------------ life and death


def _exists(x: Exchange, text: str) -> str:
    return "true" if text.strip() in x.channels else "false"


def _kill(x: Exchange, text: str) -> str:
    words = split_words(text)
    if not words:
        return _usage("<uuid> [cause]")
    channel = x.channel(words[0])
    if channel is None:
        return NO_CHANNEL
    cause = cause_of_text(words[1]) if len(words) > 1 else "NORMAL_CLEARING"
    legs.hang_up(x, channel, cause, by_us=True)
    return "+OK\n"


def _hangup_all(x: Exchange, text: str) -> str:
    words = split_words(text)
    cause = cause_of_text(words[0]) if words else "MANAGER_REQUEST"
    matches = dict(zip(words[1::2], words[2::2], strict=False))
    for channel in list(x.channels.values()):
        if all(channel.variable(name) == value for name, value in matches.items()):
            legs.hang_up(x, channel, cause, by_us=True)
    if not matches:
        return f"+OK hangup all channels with cause {cause}\n"
    name, value = next(iter(matches.items()))
    return f"+OK hangup all channels matching [{name}]=[{value}] with cause: {cause}\n"


# ------------------------------------------------------------------ variables


def _dump(x: Exchange, text: str) -> str:
    words = split_words(text)
    if not words:
        return _usage("<uuid> [format]")
    channel = x.channel(words[0])
    if channel is None:
        return NO_CHANNEL
    if len(words) < 2 or words[1].lower() != "json":
        return "-ERR only json is simulated\n"
    return x.channel_data(channel).decode("utf-8", "surrogateescape")


def _get_variable(x: Exchange, text: str) -> str:
    words = split_words(text)
    if len(words) < 2:
        return _usage("<uuid> <var>")
    channel = x.channel(words[0])
    if channel is None:
        return NO_CHANNEL
    value = channel.variables.get(words[1])
    if isinstance(value, list):
        return "ARRAY::" + "|:".join(value)
    return "_undef_" if value is None else str(value)


def _set_variable(x: Exchange, text: str) -> str:
    """No value, or an empty one, unsets it."""
    words = split_words(text)
    if not 2 <= len(words) <= 3:
        return _usage("<uuid> <var> [value]")
    channel = x.channel(words[0])
    if channel is None:
        return NO_CHANNEL
    _set(channel, words[1], words[2] if len(words) == 3 else "")
    return "+OK\n"


def _set_variables(x: Exchange, text: str) -> str:
    uuid, _, rest = text.partition(" ")
    if not rest:
        return _usage("<uuid> <var>=<value>;<var>=<value>...")
    channel = x.channel(uuid)
    if channel is None:
        return NO_CHANNEL
    for part in rest.split(";"):
        name, _, value = part.partition("=")
        if not name:
            return "-ERR No variable specified\n"
        _set(channel, name, value)
    return "+OK\n"


def _set(channel: Channel, name: str, value: str) -> None:
    if value:
        channel.variables[name] = value
    else:
        channel.variables.pop(name, None)


# ------------------------------------------------------------------ where a leg goes


def _bridge(x: Exchange, text: str) -> str:
    words = split_words(text)
    if len(words) < 2:
        return _usage("<uuid> <other_uuid>")
    return hand_over.bridge(x, words[0], words[1])


def _park(x: Exchange, text: str) -> str:
    """Also the rescue from limbo: CHANNEL_PARK 3-8 ms later (proofs 4)."""
    channel = x.channel(text.strip())
    if channel is None:
        return NO_CHANNEL
    if channel.answered:
        legs.take_away(x, channel)
        wait_s = x.between(x.world.ways.rescue_s, channel.draw)
        channel.set_timer("script", x.after(wait_s, _park_now, x, channel))
    return "+OK\n"


def _park_now(x: Exchange, channel: Channel) -> None:
    if channel.alive and channel.hand_over is None and channel.bridge is None:
        legs.park(x, channel)


def _transfer(x: Exchange, text: str) -> str:
    words = split_words(text)
    if not 2 <= len(words) <= 5:
        return _usage("<uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]")
    channel = x.channel(words[0])
    if channel is None:
        return NO_CHANNEL
    if words[1].startswith("-"):
        return "-ERR\n"
    legs.take_away(x, channel)
    left = channel.variable("max_forwards") or channel.variable("max_session_transfers") or "70"
    channel.variables["max_forwards"] = str(int(left) - 1)
    channel.append_history(f"{int(x.now())}:{x.new_uuid()}:bl_xfer:{words[1]}")
    inline = len(words) > 2 and words[2].lower() == "inline"
    script = parse_inline(words[1]) if inline else ()
    wait_s = x.between(x.world.ways.rescue_s, channel.draw)
    channel.set_timer("script", x.after(wait_s, _run_now, x, channel, script))
    return "+OK\n"


def _run_now(x: Exchange, channel: Channel, script: tuple[Application, ...]) -> None:
    if not script:
        legs.hang_up(x, channel, "NO_ROUTE_DESTINATION", by_us=True)
    elif channel.alive:
        legs.run_script(x, channel, script)


# ------------------------------------------------------------------ media


def _broadcast(x: Exchange, text: str) -> str:
    """`playback!CAUSE::FILE` plays, then hangs up; a leg in limbo plays nothing (proofs 4)."""
    words = split_words(text)
    if len(words) < 2:
        return _usage("<uuid> <path> [aleg|bleg|holdb|both]")
    channel = x.channel(words[0])
    if channel is None:
        return "-ERR invalid uuid\n"
    application, separator, path = words[1].partition("::")
    if not separator:
        application, path = "playback", words[1]
    name, _, cause = application.partition("!")
    if name != "playback" or channel.limbo or channel.hand_over is not None:
        return "+OK Message sent\n"
    channel.cancel_timer("script", "playback", "key")
    interrupted = channel.playing
    channel.playing = None

    def then() -> None:
        if cause:
            legs.hang_up(x, channel, cause_of_text(cause), by_us=True)
        elif interrupted is not None:
            legs.play(x, channel, interrupted.path, interrupted.then)

    legs.play(x, channel, path, then)
    return "+OK Message sent\n"


def _break(x: Exchange, text: str) -> str:
    words = split_words(text)
    if not words:
        return _usage("<uuid> [all]")
    channel = x.channel(words[0])
    if channel is None:
        return NO_CHANNEL
    playing = channel.playing
    if playing is not None:
        legs.end_playback(x, channel)
        playing.then()
    return "+OK\n"


def _displace(x: Exchange, text: str) -> str:
    words = split_words(text)
    if len(words) < 3 or words[1] not in ("start", "stop"):
        return _usage("<uuid> [start|stop] <path> [<limit>] [mux]")
    if x.channel(words[0]) is None:
        return "-ERR Cannot locate session!\n"
    return "+OK Success\n"


def _record(x: Exchange, text: str) -> str:
    words = split_words(text)
    if len(words) < 3 or words[1] not in ("start", "stop", "mask", "unmask"):
        return _usage("<uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]")
    channel = x.channel(words[0])
    if channel is None:
        return "-ERR Cannot locate session!\n"
    if words[1] == "start":
        if not channel.answered:
            return "-ERR Cannot record session!\n"
        if words[2] not in channel.recordings:  # once more is +OK, and one recording
            start_recording(x, channel, words[2])
    elif words[1] == "stop" and not stop_recordings(x, channel, words[2]):
        return "-ERR Cannot stop record session!\n"
    return "+OK Success\n"


def _receive_keys(x: Exchange, text: str) -> str:
    words = split_words(text)
    if len(words) < 2:
        return _usage("<uuid> <dtmf_data>")
    channel = x.channel(words[0])
    if channel is None:
        return "-ERR Cannot locate session!\n"
    for digit in words[1].partition("@")[0]:
        legs.press_key(x, channel, digit)
    return f"+OK {words[0]} received DTMF {words[1]}.\n"


COMMANDS: dict[str, Command] = {
    "uuid_exists": _exists,
    "uuid_kill": _kill,
    "hupall": _hangup_all,
    "uuid_dump": _dump,
    "uuid_getvar": _get_variable,
    "uuid_setvar": _set_variable,
    "uuid_setvar_multi": _set_variables,
    "uuid_bridge": _bridge,
    "uuid_park": _park,
    "uuid_transfer": _transfer,
    "uuid_broadcast": _broadcast,
    "uuid_break": _break,
    "uuid_displace": _displace,
    "uuid_record": _record,
    "uuid_recv_dtmf": _receive_keys,
}
