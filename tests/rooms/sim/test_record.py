"""The record is the witness from which "nobody was dialed twice" is counted: it must name every
accepted, ended and refused originate, and survive the death of everybody.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.sim import legs
from dialer.sim.clock import VirtualScheduler, WallScheduler
from dialer.sim.world import Gateway
from tests.rooms.sim.client import EVERYTHING, Client
from tests.rooms.sim.conftest import CALM, Scene, pattern
from tests.rooms.sim.virtual import Laboratory


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_talk_is_told_from_acceptance_to_end(tmp_path: Path) -> None:
    path = tmp_path / "record.ndjson"
    one = Laboratory(replace(CALM, time_scale=1.0, patterns=(pattern("answer"),)), path)
    one.login("operator")
    one.ready("c")
    one.api("uuid_bridge operator c")
    one.clock.advance(10.6)
    legs.hang_up(one.x, one.channel("c"), "NORMAL_CLEARING", by_us=False)
    started, _, accepted, ended = lines(path)
    assert started["event"] == "started"
    assert accepted["event"] == "originated"
    assert (accepted["uuid"], accepted["attempt"], accepted["instance"]) == ("c", "c", "i1")
    assert ended["event"] == "ended"
    assert ended["destination"] == "79160000001"
    assert ended["caller"] == "74951234567"
    assert ended["gateway"] == "carrier"
    assert ended["cause"] == "NORMAL_CLEARING"
    assert ended["reached_carrier"] is True
    [talk] = ended["bridges"]
    assert talk["other"] == "operator"
    assert talk["to"] - talk["from"] == pytest.approx(10.0, abs=0.1)
    times = [ended[key] for key in ("created_at", "progress_at", "answered_at", "bridged_at")]
    assert times == sorted(times)
    assert ended["ended_at"] >= times[-1]


def test_refusals_are_told_and_never_reached_the_carrier(tmp_path: Path) -> None:
    path = tmp_path / "record.ndjson"
    world = replace(
        CALM,
        time_scale=1.0,
        gateways={"carrier": Gateway(), "closed": Gateway(closed=True)},
        patterns=(pattern("no_answer", "79161.*"), pattern("busy")),
    )
    one = Laboratory(world, path)
    one.call("unknown", gateway="nosuch")
    one.call("closed", gateway="closed")
    one.call("killed", "79161000000")
    one.api("uuid_kill killed ORIGINATOR_CANCEL")
    one.call("busy")
    one.call("rang", "79161000000")
    one.clock.advance(5.0)
    one.api("uuid_kill rang ORIGINATOR_CANCEL")
    told = {
        line["uuid"]: (
            line["event"],
            line["cause"],
            line["sip_status"],
            line["reached_carrier"],
        )
        for line in lines(path)
        if line["event"] == "ended"
    }
    refused = [line for line in lines(path) if line["event"] == "refused"]
    assert [(r["attempt"], r["cause"]) for r in refused] == [("unknown", "INVALID_GATEWAY")]
    assert told == {
        "closed": ("ended", "NORMAL_TEMPORARY_FAILURE", 503, False),
        "killed": ("ended", "ORIGINATOR_CANCEL", None, False),
        "busy": ("ended", "USER_BUSY", 486, True),
        "rang": ("ended", "ORIGINATOR_CANCEL", 487, True),
    }


def test_every_accepted_call_ends_once_under_load(tmp_path: Path) -> None:
    """Five hundred calls, a third killed at odd moments: created = ended = answered jobs."""
    path = tmp_path / "record.ndjson"
    one = Laboratory(replace(CALM, time_scale=1.0, patterns=(), sps=10_000), path)
    for number in range(500):
        uuid = f"c{number}"
        one.call(uuid, f"7916{number:07d}")
        if number % 3 == 0:
            one.x.after(number % 7 * 0.9, one.kill, uuid)
        one.clock.advance(0.01)
    one.clock.advance(900.0)
    assert one.x.channels == {}
    events = [line["event"] for line in lines(path)]
    assert events.count("originated") == events.count("ended") == 500
    ended = [e["Unique-ID"] for e in one.events if e["Event-Name"] == "CHANNEL_HANGUP_COMPLETE"]
    assert len(ended) == len(set(ended)) == 500
    assert len(one.replies) == 500


# ------------------------------------------------------------------ as a process


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*options: str, password: str = "secret") -> subprocess.Popen[str]:
        (tmp_path / "password").write_text(password + "\n")
        command = [sys.executable, "-m", "dialer.sim", *options]
        one = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path.cwd()
        )
        started.append(one)
        return one

    yield start
    for one in started:
        if one.poll() is None:
            one.kill()
        one.communicate()


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(json.loads(process.stdout.readline())["port"])


def test_a_killed_switch_leaves_its_open_calls_in_the_record(
    process: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    record, world = tmp_path / "record.ndjson", tmp_path / "world.yaml"
    world.write_text("patterns: [{digits: '.*', behaviour: no_answer}]\n")
    options = ("--password-file", str(tmp_path / "password"), "--record", str(record))
    first = process(*options, "--world", str(world), "--gateway", "second")
    client = Client(port_of(first), "secret")
    assert client.authorised == "+OK accepted"
    client.command(EVERYTHING)
    client.send("bgapi originate {origination_uuid=c1}sofia/gateway/second/79160000001 &park()")
    core = client.event("CHANNEL_CREATE", "c1")["Core-UUID"]
    first.kill()
    client.until(lambda: client.closed)
    client.close()
    second = process(*options, "--seed", "9")
    again = Client(port_of(second), "secret")
    assert again.api("global_getvar core_uuid") != core
    assert again.api("show channels as json") == '{"row_count": 0}\n'
    again.close()
    second.send_signal(signal.SIGTERM)
    assert second.wait(10) == 0
    events = [(line["event"], line.get("uuid")) for line in lines(record)]
    assert events == [("started", None), ("originated", "c1"), ("started", None)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "no password"),
        (
            ("--password-file", "{tmp}/password", "--world", "{tmp}/nosuch.yaml"),
            "cannot be read",
        ),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_2(
    process: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.delenv("DIALER_SIM_PASSWORD", raising=False)
    one = process(*(option.format(tmp=tmp_path) for option in options))
    _, errors = one.communicate(timeout=10)
    assert one.returncode == 2
    assert said in errors
    assert "Traceback" not in errors


# ------------------------------------------------------------------ time


def test_virtual_time_runs_in_order_and_only_when_told() -> None:
    clock, ran = VirtualScheduler(100.0), []
    clock.call_at(103.0, lambda: ran.append(("late", clock.now())))
    clock.call_at(101.0, lambda: ran.append(("early", clock.now())))
    clock.call_at(101.0, lambda: ran.append(("second", clock.now())))
    clock.call_at(102.0, lambda: ran.append(("cancelled", clock.now()))).cancel()
    clock.advance(0.5)
    assert ran == []
    clock.advance(5.0)
    assert ran == [("early", 101.0), ("second", 101.0), ("late", 103.0)]
    assert clock.now() == 105.5


def test_an_error_inside_the_switch_does_not_stay_hidden() -> None:
    clock = WallScheduler()

    def fail() -> None:
        raise ValueError("broken")

    clock.call_at(clock.now(), fail)
    clock.start()
    with pytest.raises(ValueError, match="broken"):
        clock.join()


def test_a_heartbeat_says_what_is_left(scene: Callable[..., Scene]) -> None:
    one = scene("no_answer", sps=10)
    one.another().command("event json HEARTBEAT")
    heartbeat = one.switch.exchange.heartbeat_values(one.switch.exchange.now())
    assert heartbeat["FreeSWITCH-Version"].startswith("1.11.2")
    assert heartbeat["Session-Count"] == "0"
    one.call()
    one.client.event("CHANNEL_CREATE")
    assert one.switch.exchange.heartbeat_values(0.0)["Session-Count"] == "1"
