"""The command line as processes: `dialer VERB` to its end, `dialer run` and a switch beside it.

Fixtures: `folder` (dialer.yaml, spring.yaml), `environ`, `dialer`, `switch`, `daemon`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import gevent
import orjson
import pytest

from dialer.cli.rehearsal import end
from dialer.core.model import InstanceName
from dialer.hopper.client import connect
from dialer.hopper.presence import RedisPresence

CONFIG = """\
name: bad
switch: {domain: test.invalid, calls_per_s: 80, calls_at_once: 200}
gateways:
  alpha: {calls_per_s: 60, calls_at_once: 100}
pools:
  cities:
    gateways: [alpha]
    numbers: [{number: "+74951230001", soft_limit: 2, hard_limit: 3}]
groups:
  sales: {wrapup: 0s}
operators:
  op1: {extension: 101, groups: [sales]}
campaigns: spring.yaml
"""
CAMPAIGN = """\
list: people
group: sales
pool: cities
purpose: marketing
consent: {off: true, ground: "a test"}
mode: power
ratio: 3
default_zone: Europe/Moscow
"""
PASSWORD = "right"


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def sentences(self) -> list[str]:
        """What a person is told: stderr without the log's lines."""
        return [line for line in self.err.splitlines() if not line.startswith("{")]


Dialer = Callable[..., Ended]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dialer.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "spring.yaml").write_text(CAMPAIGN, encoding="utf-8")
    return tmp_path


@pytest.fixture
def environ(folder: Path, dsn: str, fresh_redis: str) -> dict[str, str]:
    return os.environ | {
        "DIALER_CONFIG": "dialer.yaml",
        "DIALER_POSTGRESQL_DSN": dsn,
        "DIALER_REDIS_URL": fresh_redis,
        "DIALER_SWITCH_PASSWORD": PASSWORD,
        "DIALER_SWITCH_PORT": "1",
        "DIALER_SIM_PASSWORD": PASSWORD,
        "DIALER_HTTP_LISTEN": f"127.0.0.1:{free_port()}",
    }


@pytest.fixture
def dialer(folder: Path, environ: dict[str, str]) -> Dialer:
    """`dialer("check", NAME="value")`: a process to its end, without a traceback."""

    def run(*words: str, **changes: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "dialer", *words],
            cwd=folder,
            env=environ | changes,
            capture_output=True,
            timeout=60,
            check=False,
        )
        ended = Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ended.out + ended.err
        return ended

    return run


@pytest.fixture
def switch(folder: Path, environ: dict[str, str]) -> Iterator[Callable[..., int]]:
    """`switch(gateway="alpha")` -> the port of a simulated switch that knows this gateway."""
    started: list[subprocess.Popen[bytes]] = []

    def start(gateway: str = "alpha") -> int:
        record = str(folder / "switch.ndjson")
        words = ["--record", record, "--time-scale", "0.05", "--seed", "7"]
        process = subprocess.Popen(
            [sys.executable, "-m", "dialer.sim", *words, "--gateway", gateway],
            env=environ,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout is not None
        port: int = orjson.loads(process.stdout.readline())["port"]
        return port

    yield start
    for process in started:
        end(process)
        assert process.stdout is not None
        process.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Daemon:
    """`dialer run` as a process; what it publishes, and what it logs."""

    def __init__(self, folder: Path, environ: dict[str, str], port: int) -> None:
        self.log = folder / f"daemon{environ['DIALER_HTTP_LISTEN'].rpartition(':')[2]}.log"
        with self.log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dialer", "run"],
                cwd=folder,
                env=environ | {"DIALER_SWITCH_PORT": str(port)},
                stdout=errors,
                stderr=errors,
            )
        self.presence = RedisPresence(connect(environ["DIALER_REDIS_URL"], connections=2))

    def status(self, name: str = "bad") -> dict[str, Any]:
        return dict(self.presence.statuses().get(InstanceName(name), {}))

    def wait_for(
        self, what: str, true: Callable[[dict[str, Any]], bool], name: str = "bad"
    ) -> dict[str, Any]:
        """The status in which it was seen; a test that never sees it shows the last one."""
        status: dict[str, Any] = {}
        for _ in range(600):
            status = self.status(name)
            if status and true(status):
                return status
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            gevent.sleep(0.05)
        raise AssertionError(f"never seen: {what}; last: {status}")


@pytest.fixture
def daemon(folder: Path, environ: dict[str, str]) -> Iterator[Callable[[int], Daemon]]:
    started: list[Daemon] = []

    def start(port: int, **changes: str) -> Daemon:
        started.append(Daemon(folder, environ | changes, port))
        return started[-1]

    yield start
    # All of them first: what is found wrong with one must not leave another running.
    for one in started:
        end(one.process, patience_s=15.0)
    for one in started:
        log = one.log.read_text(encoding="utf-8")
        assert "Traceback" not in log
        assert all(line.startswith("{") for line in log.splitlines()), log


def people(folder: Path, count: int, name: str = "Contact") -> None:
    rows = "".join(f"{name} {n},+7495{2_000_000 + n}\n" for n in range(count))
    (folder / "people.csv").write_text("name,phone\n" + rows, encoding="utf-8")


def originated(folder: Path) -> list[dict[str, Any]]:
    """Customers' channels in the switch's own record."""
    record = folder / "switch.ndjson"
    lines = record.read_bytes().splitlines() if record.exists() else []
    found = [orjson.loads(line) for line in lines]
    return [line for line in found if line["event"] == "originated" and line.get("attempt")]
