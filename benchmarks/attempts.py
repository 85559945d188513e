"""Attempts per second and CPU milliseconds per attempt of the daemon, alone on the measured
core.

The whole walk: claim, committed intent, originate, events, result, settled lease, against the
simulated switch with calls that are refused at once. The daemon's CPU is read from the system,
so that the switch, PostgreSQL and Valkey beside it do not count.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gevent
import psycopg

from dialer.app import make_ledger, make_presence
from dialer.cli.rehearsal import Rehearsal, Rehearsed
from dialer.cli.robots import Robots
from dialer.settings.columns import ColumnMapping
from dialer.settings.csv_rows import open_contacts
from dialer.settings.phones import PhoneReader

OPERATORS = 600
CONTACTS = 60_000
WARM_UP_S = 6.0
MEASURED_S = 15.0

CONFIG = """\
name: bench
switch: {domain: test.invalid, calls_per_s: 3000, calls_at_once: 4000}
log: {level: warning}
gateways:
  carrier_a: {calls_per_s: 3000, calls_at_once: 4000}
number_kinds:
  landline: {soft_limit: 100000, hard_limit: 100000}
pools:
  cities:
    gateways: [carrier_a]
    numbers: ["+74950000101..+74950000110"]
groups:
  sales: {strategy: longest_idle, wrapup: 1s}
"""

CAMPAIGN = """\
list: base
group: sales
pool: cities
purpose: marketing
consent: {off: true, ground: "a benchmark on a simulated switch"}
mode: progressive
default_zone: Europe/Moscow
"""

WORLD = """\
sps: 100000
max_sessions: 10000
callees: {answered: 0, machine: 0, busy: 1, no_answer: 0, rejected: 0, blocked: 0, invalid: 0,
  unavailable: 0, carrier_failure: 0, early_media: 0, post_dial_delay_s: [0.05, 0.15]}
gateways: {}
"""


def run(measured_s: float = MEASURED_S) -> dict[str, Any]:
    """attempts_per_s, cpu_ms_per_attempt, cpu_share of one core."""
    with (
        tempfile.TemporaryDirectory(prefix="dialer-bench-") as name,
        _rehearsal(Path(name)) as rehearsal,
    ):
        return _measure(rehearsal, Path(name), measured_s)


def _rehearsal(folder: Path) -> Rehearsal:
    files = {"dialer.yaml": CONFIG, "bench.yaml": CAMPAIGN, "world.yaml": WORLD}
    people = "".join(
        f"  op{n}: {{extension: {1000 + n}, groups: [sales]}}\n" for n in range(OPERATORS)
    )
    files["dialer.yaml"] += f"operators:\n{people}campaigns: bench.yaml\n"
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    rows = "".join(f"Contact {n},+7495{1_000_000 + n}\n" for n in range(CONTACTS))
    (folder / "base.csv").write_text("name,phone\n" + rows, encoding="utf-8")
    return Rehearsal(
        Rehearsed(
            config=folder / "dialer.yaml",
            campaign_files=(),
            operators=None,
            seed=1,
            world=folder / "world.yaml",
        )
    )


def _measure(rehearsal: Rehearsal, folder: Path, measured_s: float) -> dict[str, Any]:
    settings = rehearsal.loaded.settings
    ledger = make_ledger(settings, migrate=True)
    ledger.open()
    rows = open_contacts(folder / "base.csv", ColumnMapping(), PhoneReader()).rows()
    ledger.import_rows("base", rows, source="bench", now=datetime.now(UTC))
    ledger.close()
    rehearsal.start_daemon()
    presence = make_presence(settings)
    robots = Robots(
        presence, settings.instance, list(settings.operators), seed=1, time_scale=1.0
    )
    while not presence.statuses():
        gevent.sleep(0.1)
    for operator in settings.operators:
        robots.log_in(operator)
    with gevent.Timeout(120):
        while sum(one["state"] == "ready" for one in presence.operators().values()) < OPERATORS:
            gevent.sleep(0.2)
    gevent.sleep(WARM_UP_S)
    before, cpu_before, at = (
        _ended(settings.postgresql_dsn),
        _cpu_s(rehearsal),
        time.monotonic(),
    )
    gevent.sleep(measured_s)
    ended = _ended(settings.postgresql_dsn) - before
    cpu_s, elapsed_s = _cpu_s(rehearsal) - cpu_before, time.monotonic() - at
    return {
        "attempts_per_s": round(ended / elapsed_s, 1),
        "cpu_ms_per_attempt": round(1000 * cpu_s / max(1, ended), 3),
        "cpu_share": round(cpu_s / elapsed_s, 3),
        "attempts_per_cpu_s": round(ended / cpu_s, 1),
    }


def _ended(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM attempts WHERE ended_at IS NOT NULL")
        (count,) = row.fetchone() or (0,)
        return int(count)


def _cpu_s(rehearsal: Rehearsal) -> float:
    """User and system time of the daemon so far (proc(5): fields 14 and 15)."""
    assert rehearsal.daemon is not None
    stat = Path(f"/proc/{rehearsal.daemon.pid}/stat").read_text(encoding="ascii")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
