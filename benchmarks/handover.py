"""Milliseconds from ANSWER to CHANNEL_BRIDGE of the daemon, beside a bare script on one switch.

Both are processes of their own on the same real FreeSWITCH (FREESWITCH names its binary) and
dial by turns; an independent `stopwatch` takes the times of both. Both have the same number of
operators parked all the time. DIALER_HANDOVER_CALLS (of each, 150) and
DIALER_HANDOVER_CALLS_PER_S (8) change the run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import gevent
import psycopg

from benchmarks.bare import INSTANCE, PASSWORD
from dialer.cli.rehearsal import end
from dialer.sim.servers import start_postgres, start_redis
from tests.switch.callees import number
from tests.switch.driven import Driven
from tests.switch.instances import FIRST_EXTENSION, FREESWITCH, Instances

CALLS = int(os.environ.get("DIALER_HANDOVER_CALLS", "150"))
CALLS_PER_S = float(os.environ.get("DIALER_HANDOVER_CALLS_PER_S", "8"))
TURNS = 3
DAEMON = "driven"
TALK_S, WRAPUP_S = 2.0, 1.5

Times = Mapping[str, Mapping[str, float]]


def run(calls: int = CALLS, calls_per_s: float = CALLS_PER_S) -> dict[str, Any]:
    """Medians, p99 and their ratios (daemon / bare), with the load of both."""
    if not os.environ.get(FREESWITCH):
        return {"skipped": f"no real switch: {FREESWITCH} names no freeswitch binary"}
    operators = round(calls_per_s * (TALK_S + WRAPUP_S)) + 4
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Instances(2 * operators) as instances:
            return _measure(folder, instances, operators, calls, calls_per_s)


def _measure(
    folder: Path, instances: Instances, operators: int, calls: int, calls_per_s: float
) -> dict[str, Any]:
    extensions = ("--first", FIRST_EXTENSION + operators, "--operators", operators)
    with (
        _daemon(folder, instances, operators, calls_per_s) as driven,
        _script("bare", instances, extensions) as bare,
        _script("stopwatch", instances) as stopwatch,
    ):
        for turn in range(TURNS):
            _bare_turn(bare, calls // TURNS, calls_per_s)
            _daemon_turn(driven, turn, calls // TURNS)
        assert stopwatch.stdin is not None
        assert stopwatch.stdout is not None
        stopwatch.stdin.close()
        times: dict[str, Times] = json.loads(stopwatch.stdout.read())
    ours, floor = figures(times[DAEMON]), figures(times[INSTANCE])
    return {
        "calls_per_s": calls_per_s,
        "operators_of_each": operators,
        "bare": floor,
        "daemon": ours,
        "median_ratio": round(ours["median_ms"] / floor["median_ms"], 3),
        "p99_ratio": round(ours["p99_ms"] / floor["p99_ms"], 3),
        "load_of_the_machine": [round(one, 2) for one in os.getloadavg()],
    }


def figures(times: Times) -> dict[str, float]:
    """Of one side; ready_ms is what the switch takes before anybody may bridge."""
    handed_over = [one for one in times.values() if "bridged" in one]
    ready_ms = _between(handed_over, "answered", "ready")
    whole_ms = _between(handed_over, "answered", "bridged")
    return {
        "answered": len(times),
        "bridged": len(handed_over),
        "ready_median_ms": round(median(ready_ms), 1),
        "median_ms": round(median(whole_ms), 1),
        "p90_ms": round(_share(whole_ms, 0.9), 1),
        "p99_ms": round(_share(whole_ms, 0.99), 1),
    }


def _between(calls: Iterable[Mapping[str, float]], first: str, last: str) -> list[float]:
    return sorted((one[last] - one[first]) * 1000 for one in calls)


def _share(ascending: Sequence[float], share: float) -> float:
    return ascending[min(len(ascending) - 1, int(share * len(ascending)))]


# ------------------------------------------------------------------ the two sides


@contextmanager
def _daemon(
    folder: Path, instances: Instances, operators: int, calls_per_s: float
) -> Iterator[Driven]:
    redis, postgres = start_redis(folder / "redis"), start_postgres(folder / "postgres")
    driven = Driven(
        folder,
        instances,
        (redis.url, postgres.url),
        operators=operators,
        calls_per_s=calls_per_s,
        ratio=1.0,
        name=DAEMON,
    )
    try:
        driven.start()
        driven.wait_for("all ready", lambda: driven.states()["ready"] == operators)
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


def _bare_turn(bare: subprocess.Popen[bytes], calls: int, calls_per_s: float) -> None:
    assert bare.stdin is not None
    bare.stdin.write(f"{calls} {calls_per_s}\n".encode())
    bare.stdin.flush()
    _answer(bare, b"done")


def _daemon_turn(driven: Driven, turn: int, calls: int) -> None:
    first = turn * calls
    driven.add([number("talk", (first + n) % 1000, tenths=5) for n in range(calls)])
    dsn = driven.settings.postgresql_dsn
    with psycopg.connect(dsn, autocommit=True) as connection, gevent.Timeout(300.0):
        while _ended(connection) < first + calls:
            gevent.sleep(1.0)
    gevent.sleep(1.5)  # the last operators leave their wrap-up


def _ended(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT count(*) FROM attempts WHERE ended_at IS NOT NULL")
    return int((row.fetchone() or (0,))[0])
