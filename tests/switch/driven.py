"""The unchanged daemon as a process of its own, dialing a list on a real switch.

Its stores are the tests' own servers; its operators are robots that act by the published
commands alone. What it believes is read from PostgreSQL, from the published state and from its
log.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import gevent
import orjson
import psycopg
from psycopg.rows import dict_row

from dialer.app import make_ledger, make_presence
from dialer.cli.robots import Robots
from dialer.ports import Command
from dialer.settings.columns import ColumnMapping
from dialer.settings.csv_rows import open_contacts
from dialer.settings.loading import load
from dialer.settings.phones import PhoneReader
from tests.switch.instances import DOMAIN, FIRST_EXTENSION, GATEWAY, MESSAGE, Instances

CONFIG = """\
name: {name}
switch: {{{user}domain: {domain}, calls_per_s: {rate}, calls_at_once: 200, sounds: {sounds}}}
log: {{level: info}}
gateways:
  {gateway}: {{calls_per_s: {rate}, calls_at_once: 200{carrier}}}
number_kinds:
  landline: {{soft_limit: 5000, hard_limit: 5000}}
pools:
  cities:
    gateways: [{gateway}]
    numbers: ["+74950000101..+74950000110"]
groups:
  sales: {{strategy: longest_idle, wrapup: 1s}}
campaigns: list.yaml
operators:
"""

CAMPAIGN = """\
list: base
group: sales
pool: cities
purpose: marketing
consent: {{off: true, ground: "a test on loopback"}}
mode: power
ratio: {ratio}
default_zone: Europe/Moscow
ring_timeout: 15s
# a full run outlasts the two minutes after which a carrier's failure is tried again
retry: {{carrier_refused: 1h, carrier_failure: 1h}}
silence: 1.8s
message: {message}
"""

THINKING = 0.1  # robots note their results so much faster than people


class Driven:
    """A daemon on `switch`, its list and its robots. `port`: another way to its socket.

    `user`: whom it logs in as; `carrier`: more keys of its gateway;
    `extra`, `extra_campaign`: more lines of the two files; `change` may edit them further.
    """

    def __init__(
        self,
        folder: Path,
        switch: Instances,
        stores: tuple[str, str],
        *,
        operators: int,
        calls_per_s: float = 10.0,
        ratio: float = 2.0,
        port: int | None = None,
        name: str = "driven",
        user: tuple[str, str] | None = None,
        carrier: str = "",
        extra: str = "",
        extra_campaign: str = "",
        change: Callable[[Driven], None] | None = None,
    ) -> None:
        self._folder = folder
        self.log = folder / "daemon.log"
        self.daemon: subprocess.Popen[bytes] | None = None
        redis_url, postgres_dsn = stores
        self._environment = os.environ | {
            "DIALER_SWITCH_PASSWORD": user[1] if user else switch.switch.password,
            "DIALER_SWITCH_PORT": str(port or switch.switch.port),
            "DIALER_REDIS_URL": redis_url,
            "DIALER_POSTGRESQL_DSN": postgres_dsn,
            "DIALER_HTTP_LISTEN": f"127.0.0.1:{_free_port()}",
        }
        self.config = folder / "dialer.yaml"
        people = (
            f"  op{n}: {{extension: {FIRST_EXTENSION + n}, groups: [sales]}}\n"
            for n in range(operators)
        )
        self.config.write_text(
            CONFIG.format(
                name=name,
                domain=DOMAIN,
                rate=calls_per_s,
                sounds=switch.folder,
                gateway=GATEWAY,
                user=f"user: {user[0]}, " if user else "",
                carrier=carrier and f", {carrier}",
            )
            + "".join(people)
            + extra,
            encoding="utf-8",
        )
        campaign = CAMPAIGN.format(ratio=ratio, message=MESSAGE) + extra_campaign
        (folder / "list.yaml").write_text(campaign, encoding="utf-8")
        if change is not None:
            change(self)
        self.settings = load(
            self.config, campaign_files=None, environ=self._environment
        ).settings
        self.presence = make_presence(self.settings)
        self._robots: gevent.Greenlet[..., None] | None = None
        self._migrate()

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """The daemon and its robots."""
        with self.log.open("ab") as errors:
            words = [sys.executable, "-m", "dialer", "run", "--config", str(self.config)]
            self.daemon = subprocess.Popen(
                words, stderr=errors, env=self._environment, start_new_session=True
            )
        if self._robots is None:
            names = list(self.settings.operators)
            robots = Robots(
                self.presence, self.settings.instance, names, seed=7, time_scale=THINKING
            )
            self._robots = gevent.spawn(robots.run)

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        assert self.daemon is not None
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def ask(self, verb: str) -> None:
        """Every operator sends this command, as his desk would."""
        for name in self.settings.operators:
            command = Command(id=str(uuid4()), verb=verb, words={"operator": name})
            self.presence.send(self.settings.instance, command)

    def tell(self, verb: str, **words: str) -> dict[str, Any]:
        """One command, as any process may send it; its answer."""
        command = Command(id=str(uuid4()), verb=verb, words=words)
        self.presence.send(self.settings.instance, command)
        answer = self.presence.await_reply(command.id, 10.0)
        assert answer is not None
        return dict(answer)

    def status(self) -> dict[str, Any]:
        """What it publishes each second."""
        return dict(self.presence.statuses()[self.settings.instance])

    def binding(self) -> str:
        """What bound the last decision of its campaign."""
        return str(self.status()["campaigns"]["list"]["binding"])

    def log_out(self) -> None:
        """Everybody has noted his last result and goes home; their legs are hung up."""
        self.wait_for("everybody ready", lambda: set(self.states()) == {"ready"})
        if self._robots is not None:
            self._robots.kill()
        self.ask("operator.logout")
        self.wait_for("everybody gone", lambda: set(self.states()) <= {"offline"})

    def stop(self, timeout_s: float = 30.0) -> None:
        """SIGTERM, drained; whatever was left undone by a failed test is ended here."""
        if self._robots is not None:
            self._robots.kill()
        if self.daemon is None or self.daemon.poll() is not None:
            return
        self.daemon.terminate()
        try:
            self.daemon.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()

    # ------------------------------------------------------------------ the list

    def _migrate(self) -> None:
        ledger = make_ledger(self.settings, migrate=True)
        ledger.open()
        ledger.close()

    def add(self, numbers: Sequence[str]) -> None:
        """More contacts at the end of the list."""
        file = self._folder / f"{uuid4()}.csv"
        rows = "".join(f"Contact {one[-7:]},{one}\n" for one in numbers)
        file.write_text("name,phone\n" + rows, encoding="utf-8")
        ledger = make_ledger(self.settings)
        ledger.open()
        try:
            contacts = open_contacts(file, ColumnMapping(), PhoneReader()).rows()
            now = datetime.now(UTC)
            report = ledger.import_rows("base", contacts, source="test", now=now)
            assert report.listed == len(set(numbers))
        finally:
            ledger.close()

    # ------------------------------------------------------------------ what it believes

    def attempts(self) -> list[dict[str, Any]]:
        """The ledger's rows, ids as text."""
        with psycopg.connect(self.settings.postgresql_dsn, row_factory=dict_row) as connection:
            return connection.execute(
                "SELECT a.*, a.id::text AS id FROM attempts AS a ORDER BY committed_at"
            ).fetchall()

    def settled(self, contacts: int) -> bool:
        """So many contacts were called and no attempt is open."""
        rows = self.attempts()
        called = {row["contact_id"] for row in rows}
        return len(called) >= contacts and all(row["ended_at"] for row in rows)

    def states(self) -> Counter[str]:
        """Operators by state, as a desk sees them."""
        return Counter(str(one["state"]) for one in self.presence.operators().values())

    def running(self) -> bool:
        """This process, not its predecessor, whose status stays for a while."""
        return self.daemon is not None and any(
            one["phase"] == "running" and one["pid"] == self.daemon.pid
            for one in self.presence.statuses().values()
        )

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Lines of its log with this phrase."""
        lines = self.log.read_bytes().splitlines() if self.log.exists() else []
        told = [orjson.loads(line) for line in lines if line.startswith(b"{")]
        return [one for one in told if one["event"] == event]

    def wait_for(self, what: str, true: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Wait until something is seen; a test that never sees it says what it missed.

        A daemon that has ended is waited for no longer.
        """
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            if true():
                return
            if self.daemon is not None and self.daemon.poll() is not None:
                break
            gevent.sleep(0.1)
        last = self.log.read_bytes().splitlines()[-5:]
        said = b"\n".join(last).decode(errors="replace")
        raise AssertionError(f"never seen: {what}; {dict(self.states())}; at last:\n{said}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
