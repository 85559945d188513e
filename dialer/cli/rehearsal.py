"""Everything that a rehearsal needs, each a process of its own: servers, switch, daemon.

A temporary folder holds a real Redis-protocol server and a real PostgreSQL, the simulated
switch and its record, and the unchanged daemon, which is started again when it dies. Whatever
ends the rehearsal, all of them are stopped by their own process ids and the folder is removed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import gevent
import orjson
import structlog

from dialer.cli.rehearsed_files import made_active, with_operators
from dialer.errors import StoreError
from dialer.settings.loading import Loaded, load
from dialer.sim.private_server import RunningServer
from dialer.sim.servers import start_postgres, start_redis

log = structlog.get_logger(__name__)

#: A daemon that dies more often than this while it starts will not come up.
MOST_RESTARTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What is rehearsed, and in which world."""

    config: Path
    campaign_files: tuple[Path, ...]
    operators: int | None
    seed: int
    time_scale: float = 1.0
    world: Path | None = None
    any_hour: bool = False


class Rehearsal:
    """A context: entered, everything runs; left, nothing does."""

    def __init__(self, rehearsed: Rehearsed) -> None:
        self.rehearsed = rehearsed
        self.daemon: subprocess.Popen[bytes] | None = None
        self.restarts = 0
        self._undo = ExitStack()
        self._ending = False
        self._campaigns = rehearsed.campaign_files

    def __enter__(self) -> Rehearsal:
        try:
            self._start()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending = True
        self._undo.close()

    # ------------------------------------------------------------------ start

    def _start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dialer-demo-"))
        self._undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.redis = redis = self._server(start_redis(self.folder / "redis"))
        self.postgres = postgres = self._server(start_postgres(self.folder / "postgres"))
        self.record = self.folder / "switch.ndjson"
        self.log = self.folder / "daemon.log"
        password = secrets.token_urlsafe(24)
        self.environment = os.environ | {
            "DIALER_SWITCH_PASSWORD": password,
            "DIALER_SIM_PASSWORD": password,
            "DIALER_REDIS_URL": redis.url,
            "DIALER_POSTGRESQL_DSN": postgres.url,
            "DIALER_STATE": os.environ.get("DIALER_STATE") or str(self.folder / "state"),
            "DIALER_HTTP_LISTEN": f"127.0.0.1:{_free_port()}",
        }
        self.config = self._derived_config()
        # First as they are written: what is wrong is told with the files' own names.
        self.loaded = self._load()
        self._campaigns = tuple(map(self._derived_campaign, self.rehearsed.campaign_files))
        self.environment["DIALER_SWITCH_PORT"] = str(self._start_switch())
        self.loaded = self._load()

    def _server(self, server: RunningServer) -> RunningServer:
        self._undo.callback(server.remove)
        return server

    def _load(self) -> Loaded:
        return load(
            self.config,
            campaign_files=self._campaigns or None,
            environ=self.environment,
        )

    def _derived_config(self) -> Path:
        """The configuration itself, or one with as many operators as were asked for."""
        wanted = self.rehearsed.operators
        if wanted is None:
            return self.rehearsed.config
        derived = self.folder / self.rehearsed.config.name
        text = with_operators(self.rehearsed.config.resolve(), wanted)
        derived.write_text(text, encoding="utf-8")
        return derived

    def _derived_campaign(self, file: Path) -> Path:
        """Named on purpose: rehearsed although it is not active; nobody real is called."""
        derived = self.folder / "campaigns" / file.name
        derived.parent.mkdir(exist_ok=True)
        derived.write_text(
            made_active(file, any_hour=self.rehearsed.any_hour), encoding="utf-8"
        )
        return derived

    def _start_switch(self) -> int:
        """The simulated switch on a free port; its gateways are those of the configuration."""
        rehearsed = self.rehearsed
        words = [sys.executable, "-m", "dialer.sim", "--record", str(self.record)]
        words += ["--seed", str(rehearsed.seed), "--time-scale", str(rehearsed.time_scale)]
        if rehearsed.world:
            words += ["--world", str(rehearsed.world)]
        for name in self.loaded.settings.gateways:
            words += ["--gateway", name]
        errors = (self.folder / "switch.log").open("wb")
        self._undo.callback(errors.close)
        self.switch = switch = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=self.environment,
            start_new_session=True,
        )
        self._undo.callback(end, switch)
        assert switch.stdout is not None
        line = switch.stdout.readline()
        if not line:
            said = (self.folder / "switch.log").read_text(errors="replace").strip()
            raise StoreError("simulated switch", f"did not start: {said[-400:]}")
        port: int = orjson.loads(line)["port"]
        return port

    # ------------------------------------------------------------------ the daemon

    def start_daemon(self) -> None:
        """The unchanged daemon; `keep_alive` starts it again when it dies."""
        words = [sys.executable, "-m", "dialer", "run", "--config", str(self.config)]
        for file in self._campaigns:
            words += ["--campaign", str(file)]
        with self.log.open("ab") as errors:
            self.daemon = subprocess.Popen(
                words, stderr=errors, env=self.environment, start_new_session=True
            )
        self._undo.callback(end, self.daemon)

    def keep_alive(self) -> None:
        """A greenlet: systemd's part in a rehearsal."""
        while not self._ending:
            gevent.sleep(0.2)
            if self.daemon is None or self.daemon.poll() is None or self._ending:
                continue
            self.restarts += 1
            log.warning("the daemon ended and is started again", code=self.daemon.returncode)
            if self.restarts > MOST_RESTARTS:
                return
            self.start_daemon()

    def drain(self, timeout_s: float = 90.0) -> None:
        """SIGTERM: no talk is cut; then the daemon is gone."""
        self._ending = True
        if self.daemon is None or self.daemon.poll() is not None:
            return
        self.daemon.terminate()
        ends_at = time.monotonic() + timeout_s
        while self.daemon.poll() is None and time.monotonic() < ends_at:
            gevent.sleep(0.1)

    def last_words(self) -> str:
        """What the daemon said last, for a person whose rehearsal did not start."""
        lines = self.log.read_bytes().splitlines()[-3:] if self.log.exists() else []
        return "\n".join(line.decode(errors="replace") for line in lines)

    def records(self) -> Iterator[dict[str, Any]]:
        """The switch's own record, line by line."""
        with self.record.open("rb") as lines:
            for line in lines:
                yield orjson.loads(line)


def end(process: subprocess.Popen[bytes], patience_s: float = 5.0) -> None:
    """By its own process id: asked first, then made to."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
