"""A small campaign in a fast world, with the unchanged daemon as a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent
import pytest

from dialer.app import make_ledger, make_presence
from dialer.cli.rehearsal import Rehearsal, Rehearsed
from dialer.cli.robots import Robots
from dialer.settings.columns import ColumnMapping
from dialer.settings.csv_rows import open_contacts
from dialer.settings.phones import PhoneReader

#: A second of the world lasts 50 ms: a campaign of minutes is over in seconds.
FAST = 0.05

CONFIG = """\
name: crash
switch: {domain: test.invalid, calls_per_s: 80, calls_at_once: 200}
gateways:
  carrier_a: {calls_per_s: 60, calls_at_once: 150}
  carrier_b: {calls_per_s: 40, calls_at_once: 100}
pools:
  cities:
    gateways: [carrier_a, carrier_b]
    numbers: ["+74950000101..+74950000110"]
groups:
  sales: {strategy: longest_idle, wrapup: 1s}
operators:
"""

CAMPAIGN = """\
list: base
group: sales
pool: cities
purpose: marketing
consent: {off: true, ground: "a test on a simulated switch"}
mode: {mode}
default_zone: Europe/Moscow
ring_timeout: 20s
"""


class Run:
    """A rehearsal with its contacts loaded, its operators at work and its daemon kept alive."""

    def __init__(
        self, folder: Path, contacts: int, operators: int, mode: str = "progressive"
    ) -> None:
        config = folder / "dialer.yaml"
        people = "".join(
            f"  op{n}: {{extension: {100 + n}, groups: [sales]}}\n" for n in range(operators)
        )
        campaign = folder / "crash.yaml"
        campaign.write_text(CAMPAIGN.replace("{mode}", mode), encoding="utf-8")
        config.write_text(CONFIG + people + "campaigns: crash.yaml\n", encoding="utf-8")
        self.contacts = folder / "base.csv"
        rows = "".join(f"Contact {n},+7495{1_000_000 + n}\n" for n in range(contacts))
        self.contacts.write_text("name,phone\n" + rows, encoding="utf-8")
        self.rehearsal = Rehearsal(
            Rehearsed(config=config, campaign_files=(), operators=None, seed=7, time_scale=FAST)
        )
        self._greenlets: list[Any] = []

    def __enter__(self) -> Run:
        self.rehearsal.__enter__()
        try:
            self._load()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        gevent.killall(self._greenlets)
        self.rehearsal.__exit__(None, None, None)

    def _load(self) -> None:
        settings = self.rehearsal.loaded.settings
        ledger = make_ledger(settings, migrate=True)
        ledger.open()
        try:
            rows = open_contacts(self.contacts, ColumnMapping(), PhoneReader()).rows()
            ledger.import_rows("base", rows, source="test", now=datetime.now(UTC))
        finally:
            ledger.close()
        self.presence = make_presence(settings)
        robots = Robots(
            self.presence,
            settings.instance,
            list(settings.operators),
            seed=7,
            time_scale=FAST,
        )
        self.rehearsal.start_daemon()
        self._greenlets = [
            gevent.spawn(self.rehearsal.keep_alive),
            gevent.spawn(robots.run),
        ]

    def wait_for(self, what: str, true: Callable[[], bool], timeout_s: float = 30.0) -> None:
        """Wait until something is seen; a test that never sees it says what it missed."""
        with gevent.Timeout(timeout_s, AssertionError(f"never seen: {what}")):
            while not true():
                gevent.sleep(0.02)

    def wait_for_calls(self, calls: int) -> None:
        self.wait_for(f"{calls} calls", lambda: self.dialed() >= calls)

    def wait_for_successor(self, daemon: subprocess.Popen[bytes]) -> None:
        self.wait_for("a successor", lambda: self.rehearsal.daemon is not daemon)

    def dialed(self) -> int:
        """Customers' channels in the switch's own record."""
        return sum(
            1
            for line in self.rehearsal.records()
            if line["event"] == "originated" and line.get("attempt")
        )

    def daemon_runs(self) -> bool:
        """This daemon, not its predecessor, whose status stays for a while."""
        daemon = self.rehearsal.daemon
        return daemon is not None and any(
            one["phase"] == "running" and one["pid"] == daemon.pid
            for one in self.presence.statuses().values()
        )


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """`run(contacts=..., operators=...)` -> a started Run, ended after the test."""
    started: list[Run] = []

    def start(contacts: int = 400, operators: int = 30, mode: str = "progressive") -> Run:
        begun = Run(tmp_path, contacts, operators, mode).__enter__()
        started.append(begun)
        return begun

    yield start
    for begun in started:
        begun.__exit__()
