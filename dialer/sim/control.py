"""The `api` commands about the switch as a whole: show, status, fsctl, sofia, small ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from dialer.sim.channel import Channel
from dialer.sim.exchange import Exchange, GatewayState
from dialer.sim.headers import VERSION, dump

_RULE = "=" * 97
_HUMAN_VERSION = "1.11.2-release git 3f13ad1 2026-08-09 16:23:10Z 64bit"
_FSCTL_USAGE = "-ERR Invalid command\nUSAGE: fsctl [pause [inbound|outbound]|resume|sps|...]\n"


# ------------------------------------------------------------------ show


def _show(x: Exchange, text: str) -> str:
    words = text.split()
    if words[:1] != ["channels"]:
        return "-ERR only channels are simulated\n"
    if "count" in words:
        return f"\n{len(x.channels)} total.\n"
    rows = [_row(channel) for channel in x.channels.values()]
    if words[1:] != ["as", "json"]:
        lines = ["uuid,direction,created,name,state,dest", *(_line(row) for row in rows)]
        return "\n".join([*lines, "", f"{len(rows)} total.", ""])
    if not rows:
        return '{"row_count": 0}\n'
    table = {"row_count": len(rows), "rows": rows}
    return dump(table).decode("utf-8", "surrogateescape") + "\n"


def _line(row: dict[str, Any]) -> str:
    return ",".join(
        row[key] for key in ("uuid", "direction", "created", "name", "state", "dest")
    )


def _row(channel: Channel) -> dict[str, Any]:
    """One row of the core's table of channels: no variables in it (proofs 7)."""
    created = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(channel.created_at))
    return {
        "uuid": channel.uuid,
        "direction": "outbound",
        "created": created,
        "created_epoch": str(int(channel.created_at)),
        "name": channel.name,
        "state": channel.state,
        "cid_name": channel.caller_id_name,
        "cid_num": channel.caller_id,
        "ip_addr": "127.0.0.1" if channel.heard else "",
        "dest": channel.number,
        "application": channel.variable("current_application"),
        "application_data": channel.variable("current_application_data"),
        "dialplan": "inline" if channel.inline and channel.answered else "",
        "context": "default",
        "read_codec": "PCMA" if channel.answered else "",
        "read_rate": "8000" if channel.answered else "",
        "write_codec": "PCMA" if channel.answered else "",
        "write_rate": "8000" if channel.answered else "",
        "secure": "",
        "hostname": "simulated",
        "presence_id": f"{channel.number}@{channel.domain}" if channel.domain else "",
        "presence_data": "",
        "callstate": channel.call_state,
        "callee_name": channel.callee_id_name,
        "callee_num": channel.callee_id,
        "callee_direction": "",
        "call_uuid": channel.call_uuid if channel.bridge is not None else "",
        "initial_cid_name": channel.caller_name,
        "initial_cid_num": channel.caller_number,
        "initial_dest": channel.number,
    }


# ------------------------------------------------------------------ status


def _status(x: Exchange, _text: str) -> str:
    limits, now = x.limits, x.now()
    last = limits.last_second(now)
    return (
        f"UP {x.up_time()}\n"
        f"FreeSWITCH (Version {_HUMAN_VERSION}) is ready\n"
        f"{limits.sessions_since_start} session(s) since startup\n"
        f"{len(x.channels)} session(s) - peak {limits.peak_sessions}, "
        f"last 5min {limits.peak_sessions} \n"
        f"{last} session(s) per Sec out of max {limits.sps}, peak {limits.peak_sps}, "
        f"last 5min {limits.peak_sps} \n"
        f"{limits.max_sessions} session(s) max\n"
        "min idle cpu 0.00/95.00\n"
        "Current Stack Size/Max 240K/240K\n"
    )


def _version(_x: Exchange, _text: str) -> str:
    return f"FreeSWITCH Version {VERSION} ({_HUMAN_VERSION.partition('release ')[2]})\n"


def _global_variable(x: Exchange, text: str) -> str:
    known = {"core_uuid": x.core_uuid, "hostname": "simulated", "switchname": "simulated"}
    known |= x.globals
    if not text.strip():
        return "".join(f"{name}={value}\n" for name, value in known.items())
    return known.get(text.strip(), "")


def _set_global_variable(x: Exchange, text: str) -> str:
    """No value: it is gone."""
    name, separator, value = text.strip().partition("=")
    if not separator or not name:
        return "-ERR missing argument\n"
    if value:
        x.globals[name] = value
    else:
        x.globals.pop(name, None)
    return "+OK\n"


def _file_exists(x: Exchange, text: str) -> str:
    """Every message has a length here, so it is there; but for those that the world lacks."""
    return "false" if text.strip().rpartition("/")[2] in x.world.lost_sounds else "true"


def _epoch(x: Exchange, _text: str) -> str:
    return str(int(x.now()))


def _reload_xml(_x: Exchange, _text: str) -> str:
    return "+OK [Success]\n"


# ------------------------------------------------------------------ fsctl


def _fsctl(x: Exchange, text: str) -> str:
    words = text.split()
    function = _FSCTL.get(words[0].lower()) if words else None
    return function(x, words[1:]) if function else _FSCTL_USAGE


def _pause(x: Exchange, words: list[str]) -> str:
    return _set_pause(x, words, paused=True)


def _resume(x: Exchange, words: list[str]) -> str:
    return _set_pause(x, words, paused=False)


def _set_pause(x: Exchange, words: list[str], *, paused: bool) -> str:
    which = words[0].lower() if words else ""
    if which != "inbound":
        x.limits.outbound_paused = paused
    if which != "outbound":
        x.limits.inbound_paused = paused
    return "+OK\n"


def _pause_check(x: Exchange, words: list[str]) -> str:
    limits = x.limits
    which = words[0].lower() if words else ""
    paused = {"inbound": limits.inbound_paused, "outbound": limits.outbound_paused}
    both = limits.inbound_paused and limits.outbound_paused
    return "true" if paused.get(which, both) else "false"


def _ready_check(x: Exchange, _words: list[str]) -> str:
    return "false" if x.limits.stopping else "true"


def _sps(x: Exchange, words: list[str]) -> str:
    if words and words[0].isdigit() and int(words[0]) > 0:
        x.limits.sps = int(words[0])
    return f"+OK sessions per second: {x.limits.sps}\n"


def _last_sps(x: Exchange, _words: list[str]) -> str:
    return f"+OK last sessions per second: {x.limits.last_second(x.now())}\n"


def _max_sessions(x: Exchange, words: list[str]) -> str:
    if words and words[0].isdigit() and int(words[0]) > 0:
        x.limits.max_sessions = int(words[0])
    return f"+OK max sessions: {x.limits.max_sessions}\n"


_FSCTL: dict[str, Callable[[Exchange, list[str]], str]] = {
    "pause": _pause,
    "resume": _resume,
    "pause_check": _pause_check,
    "ready_check": _ready_check,
    "sps": _sps,
    "last_sps": _last_sps,
    "max_sessions": _max_sessions,
}


# ------------------------------------------------------------------ sofia


def _sofia(x: Exchange, text: str) -> str:
    words = text.split()
    if len(words) < 2 or words[1] != "gateway" or words[0] not in ("status", "xmlstatus"):
        return "-ERR only status gateway is simulated\n"
    gateway = x.gateways.get(words[2]) if len(words) > 2 else None
    if words[0] == "status":
        return _gateway_text(gateway) if gateway else "Invalid Gateway!\n"
    head = '<?xml version="1.0" encoding="ISO-8859-1"?>\n'
    if len(words) > 2:
        return head + (_gateway_xml(gateway) if gateway else "Invalid Gateway!\n")
    return (
        head
        + "<gateways>\n"
        + "".join(map(_gateway_xml, x.gateways.values()))
        + "</gateways>\n"
    )


def _gateway_text(gateway: GatewayState) -> str:
    status = "UP" if gateway.up else "DOWN"
    pairs = (
        ("Name    ", gateway.name),
        ("Profile ", "external"),
        ("Scheme  ", "Digest"),
        ("Ping    ", "5"),
        ("PingState", f"1/{int(gateway.up)}/1"),
        ("State   ", "NOREG"),
        ("Status  ", f"{status} (ping)"),
        ("CallsIN ", "0"),
        ("CallsOUT", str(gateway.calls_out)),
        ("FailedCallsIN", "0"),
        ("FailedCallsOUT", str(gateway.failed_calls_out)),
    )
    lines = [f"{name}\t{value}" for name, value in pairs]
    return "\n".join([_RULE, *lines, _RULE, ""])


def _gateway_xml(gateway: GatewayState) -> str:
    pairs = (
        ("name", escape(gateway.name)),
        ("profile", "external"),
        ("pingmin", "1"),
        ("pingcount", str(int(gateway.up))),
        ("pingmax", "1"),
        ("state", "NOREG"),
        ("status", "UP" if gateway.up else "DOWN"),
        ("calls-in", "0"),
        ("calls-out", str(gateway.calls_out)),
        ("failed-calls-in", "0"),
        ("failed-calls-out", str(gateway.failed_calls_out)),
    )
    inside = "".join(f"    <{name}>{value}</{name}>\n" for name, value in pairs)
    return f"  <gateway>\n{inside}  </gateway>\n"


COMMANDS: dict[str, Callable[[Exchange, str], str]] = {
    "show": _show,
    "status": _status,
    "version": _version,
    "file_exists": _file_exists,
    "global_getvar": _global_variable,
    "global_setvar": _set_global_variable,
    "strepoch": _epoch,
    "reloadxml": _reload_xml,
    "fsctl": _fsctl,
    "sofia": _sofia,
}
