"""Milliseconds from ANSWER to CHANNEL_BRIDGE of the daemon, beside a bare script on one switch.

Both are processes of their own on the same real FreeSWITCH (FREESWITCH names its binary) and
dial by many short turns, so that what else the machine does falls on both; an independent
`stopwatch` takes the times of both. Both have the same number of operators parked all the time.
DIALER_HANDOVER_CALLS (of each, 240), _CALLS_PER_S (8), _ONE_ANSWERS (1: each call, 3: one in
three) and _TURNS (12) change the run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import gevent
import psycopg

from benchmarks.bare import INSTANCE, PASSWORD, callee
from benchmarks.load import Load, shares
from dialer.cli.rehearsal import end
from dialer.sim.servers import start_postgres, start_redis
from tests.switch.driven import Driven
from tests.switch.instances import FIRST_EXTENSION, FREESWITCH, Instances

DAEMON = "driven"
TALK_S, WRAPUP_S, RING_S = 1.5, 1.5, 0.8

Times = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What both do."""

    calls: int = int(os.environ.get("DIALER_HANDOVER_CALLS", "240"))
    calls_per_s: float = float(os.environ.get("DIALER_HANDOVER_CALLS_PER_S", "8"))
    one_answers: int = int(os.environ.get("DIALER_HANDOVER_ONE_ANSWERS", "1"))
    turns: int = int(os.environ.get("DIALER_HANDOVER_TURNS", "12"))

    @property
    def of_a_turn(self) -> int:
        return self.calls // self.turns

    @property
    def operators(self) -> int:
        """Enough that nobody waits for one: here the hand-over is measured, not the queue."""
        busy = self.calls_per_s / self.one_answers * (TALK_S + WRAPUP_S)
        return round(busy + self.calls_per_s * RING_S) + 6


def run(plan: Plan | None = None) -> dict[str, Any]:
    """Medians, p99 and their ratios (daemon / bare), with the load of both."""
    if not os.environ.get(FREESWITCH):
        return {"skipped": f"no real switch: {FREESWITCH} names no freeswitch binary"}
    plan = plan or Plan()
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Instances(2 * plan.operators) as instances:
            return _measure(folder, instances, plan)


def _measure(folder: Path, instances: Instances, plan: Plan) -> dict[str, Any]:
    options = ("--first", FIRST_EXTENSION + plan.operators, "--operators", plan.operators)
    with (
        _daemon(folder, instances, plan) as driven,
        _script("bare", instances, (*options, "--one-answers", plan.one_answers)) as bare,
        _script("stopwatch", instances) as stopwatch,
    ):
        assert driven.daemon is not None
        switches = {"switch": instances.switch.pid, "carrier": instances.carrier.pid}
        loads = (
            Load({**switches, "dialer": bare.pid}),
            Load({**switches, "dialer": driven.daemon.pid}),
        )
        begun_at: list[float] = []
        for turn in range(plan.turns):
            begun_at.append(time.monotonic())
            with loads[0].taken():
                _bare_turn(bare, plan)
            with loads[1].taken():
                _daemon_turn(driven, turn, plan)
        assert stopwatch.stdin is not None
        assert stopwatch.stdout is not None
        stopwatch.stdin.close()
        times: dict[str, Times] = json.loads(stopwatch.stdout.read())
    return _compared(plan, times, begun_at) | {
        "cores_of_bare_turns": shares(loads[0]),
        "cores_of_daemon_turns": shares(loads[1]),
        "load_of_the_machine": [round(one, 2) for one in os.getloadavg()],
    }


def _compared(
    plan: Plan, times: Mapping[str, Times], begun_at: Sequence[float]
) -> dict[str, Any]:
    ours, floor = figures(times[DAEMON].values()), figures(times[INSTANCE].values())
    pairs = list(_by_turns(times, begun_at))
    return {
        "calls_per_s": plan.calls_per_s,
        "one_call_answers_of": plan.one_answers,
        "operators_of_each": plan.operators,
        "bare": floor,
        "daemon": ours,
        "median_ratio": round(ours["median_ms"] / floor["median_ms"], 3),
        "p99_ratio": round(ours["p99_ms"] / floor["p99_ms"], 3),
        "median_ratio_of_turns": round(median(one / other for one, other in pairs), 3),
    }


def _by_turns(
    times: Mapping[str, Times], begun_at: Sequence[float]
) -> Iterator[tuple[float, float]]:
    """Of each turn the median of the daemon and of the bare script, in ms."""
    for since_s, until_s in zip(begun_at, (*begun_at[1:], float("inf")), strict=True):
        sides = (
            [one for one in times[name].values() if since_s <= one["answered"] < until_s]
            for name in (DAEMON, INSTANCE)
        )
        ours, theirs = (_between(side, "answered", "bridged") for side in sides)
        if ours and theirs:
            yield median(ours), median(theirs)


def figures(times: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Of one side; ready_ms is what the switch takes before anybody may bridge, asked_ms what
    the program then takes to order it, and bridge_ms what the switch takes to do it.
    """
    calls = list(times)
    whole_ms = _between(calls, "answered", "bridged")
    return {
        "answered": len(calls),
        "bridged": len(whole_ms),
        "ready_median_ms": round(median(_between(calls, "answered", "ready")), 1),
        "asked_median_ms": round(median(_between(calls, "ready", "asked")), 1),
        "bridge_median_ms": round(median(_between(calls, "asked", "bridged")), 1),
        "median_ms": round(median(whole_ms), 1),
        "p90_ms": round(_share(whole_ms, 0.9), 1),
        "p99_ms": round(_share(whole_ms, 0.99), 1),
    }


def _between(calls: Iterable[Mapping[str, float]], first: str, last: str) -> list[float]:
    """Ascending, of those who were handed over."""
    return sorted((one[last] - one[first]) * 1000 for one in calls if "bridged" in one)


def _share(ascending: Sequence[float], share: float) -> float:
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


# ------------------------------------------------------------------ the two sides


@contextmanager
def _daemon(folder: Path, instances: Instances, plan: Plan) -> Iterator[Driven]:
    redis, postgres = start_redis(folder / "redis"), start_postgres(folder / "postgres")
    driven = Driven(
        folder,
        instances,
        (redis.url, postgres.url),
        operators=plan.operators,
        calls_per_s=plan.calls_per_s,
        ratio=1.0,
        name=DAEMON,
    )
    try:
        driven.start()
        driven.wait_for("all ready", lambda: driven.states()["ready"] == plan.operators)
        yield driven
    finally:
        driven.stop()
        redis.remove()
        postgres.remove()


@contextmanager
def _script(
    name: str, instances: Instances, options: Iterable[object] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """`benchmarks.NAME` on the switch, once it has said that it is ready."""
    words = [sys.executable, "-m", f"benchmarks.{name}", "--port", str(instances.switch.port)]
    words += [str(option) for option in options]
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {PASSWORD: instances.switch.password},
    )
    try:
        _answer(process, b"ready")
        yield process
    finally:
        end(process)


def _answer(process: subprocess.Popen[bytes], word: bytes) -> None:
    assert process.stdout is not None
    if process.stdout.readline().strip() != word:
        raise RuntimeError("a script of the benchmark has ended")


def _bare_turn(bare: subprocess.Popen[bytes], plan: Plan) -> None:
    assert bare.stdin is not None
    bare.stdin.write(f"{plan.of_a_turn} {plan.calls_per_s}\n".encode())
    bare.stdin.flush()
    _answer(bare, b"done")


def _daemon_turn(driven: Driven, turn: int, plan: Plan) -> None:
    first = turn * plan.of_a_turn
    places = range(first, first + plan.of_a_turn)
    driven.add([callee(place, plan.one_answers) for place in places])
    dsn = driven.settings.postgresql_dsn
    with psycopg.connect(dsn, autocommit=True) as connection, gevent.Timeout(300.0):
        while _ended(connection) < first + plan.of_a_turn:
            gevent.sleep(0.3)
    gevent.sleep(1.5)  # the last operators leave their wrap-up


def _ended(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM attempts WHERE ended_at IS NOT NULL")
    return int((row.fetchone() or (0,))[0])
