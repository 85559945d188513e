"""The daemon against what was forecast of it, in wall-clock time (docs/forecast.md 7).

FORECAST_WALL_S=600 runs it so many seconds; by default it is skipped. What it measured
is printed (`pytest -s`).
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import gevent
import orjson
import psycopg
import pytest

from dialer.app import make_ledger, make_presence
from dialer.cli.rehearsal import Rehearsal, Rehearsed
from dialer.cli.robots import Robots
from dialer.diary.files import days, lines
from dialer.diary.replay import replay
from dialer.diary.values import Replayed
from dialer.reports.asked import operator_figures
from dialer.reports.values import occupancy
from dialer.settings.columns import ColumnMapping
from dialer.settings.csv_rows import open_contacts
from dialer.settings.phones import PhoneReader

WALL_S = float(os.environ.get("FORECAST_WALL_S", "0"))
MOSCOW = ZoneInfo("Europe/Moscow")
OPERATORS = 16

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(WALL_S * 1.3 + 300.0),
    pytest.mark.skipif(WALL_S < 360.0, reason="FORECAST_WALL_S=600 runs it"),
]

CONFIG = """\
name: foretold
switch: {domain: test.invalid, calls_per_s: 10, calls_at_once: 200}
gateways:
  carrier: {calls_per_s: 10, calls_at_once: 200}
pools:
  cities:
    gateways: [carrier]
    numbers: ["+74950000101..+74950000130"]
groups:
  sales: {strategy: longest_idle, wrapup: 10s}
operators:
"""

#: Its hours end with the measurement, as a forecast's shift does: until then drops may be spent
#: ahead of the answers that earn them.
CAMPAIGN = """\
list: base
group: sales
pool: cities
purpose: marketing
consent: {off: true, ground: "a test on a simulated switch"}
mode: predictive
windows: [{days: daily, open: "0:00", close: "CLOSES"}]
default_zone: Europe/Moscow
ring_timeout: 30s
retry: {busy: 2h, no_answer: 2h, unavailable: 2h}
"""

WORLD = """\
callees:
  answered: 0.30
  machine: 0
  busy: 0.08
  no_answer: 0.56
  rejected: 0.06
  blocked: 0
  invalid: 0
  unavailable: 0
  carrier_failure: 0
  early_media: 0
  post_dial_delay_s: [0.5, 1.5]
  ring_median_s: 6.0
  ring_sigma: 0.58
  talk_median_s: 30.0
  talk_sigma: 0.7
  impatient_share: 0.05
  key_share: 0
  silent_share: 0.05
ways: {lost_share: 0}
"""

#: The same world in a forecast's words. Robots think 0.5 to 4 s over their notes, and are
#: heard a quarter of a second later on average.
ASSUMED = {
    "answer_rate": "30%",
    "invalid_share": "0%",
    "machine_share": "0%",
    "failed_share": f"{100 * 0.08 / 0.70:.1f}%",
    "rejected_share": f"{100 * 0.06 / 0.62:.1f}%",
    "silent_share": "4.5%",
    "hang_ups_per_s": "0.017",
    "talk_s": f"{30.0 * math.exp(0.7**2 / 2):.2f}",
    "talk_variation": f"{math.sqrt(math.exp(0.7**2) - 1):.3f}",
    "wrapup_s": "2.45",
    "wrapup_variation": "0.41",
    "ring_s": f"{6.0 * math.exp(0.58**2 / 2):.2f}",
    "post_dial_s": "1",
    "operator_spread": "0",
    "break_share": "0%",
    "login_s": "1",
    "contacts": "4000",
}


class Foretold:
    """A campaign whose operators come when the test says so, and whose hours end with it."""

    def __init__(self, folder: Path, closes: datetime) -> None:
        people = "".join(
            f"  op{n}: {{extension: {100 + n}, groups: [sales]}}\n" for n in range(OPERATORS)
        )
        config = folder / "dialer.yaml"
        config.write_text(CONFIG + people + "campaigns: foretold.yaml\n", encoding="utf-8")
        closing = closes.astimezone(MOSCOW).strftime("%H:%M")
        campaign = CAMPAIGN.replace("CLOSES", closing)
        (folder / "foretold.yaml").write_text(campaign, encoding="utf-8")
        world = folder / "world.yaml"
        world.write_text(WORLD, encoding="utf-8")
        self._contacts = folder / "base.csv"
        rows = "".join(f"Contact {n},+7495{1_000_000 + n}\n" for n in range(4000))
        self._contacts.write_text("name,phone\n" + rows, encoding="utf-8")
        self.rehearsal = Rehearsal(
            Rehearsed(config=config, campaign_files=(), operators=None, seed=11, world=world)
        )

    def load(self) -> None:
        ledger = make_ledger(self.rehearsal.loaded.settings, migrate=True)
        ledger.open()
        try:
            rows = open_contacts(self._contacts, ColumnMapping(), PhoneReader()).rows()
            ledger.import_rows("base", rows, source="test", now=datetime.now(UTC))
        finally:
            ledger.close()

    def dial(self, closes: datetime) -> datetime:
        """Since when: the operators come once the daemon is at work."""
        settings = self.rehearsal.loaded.settings
        presence = make_presence(settings)
        self.rehearsal.start_daemon()
        with gevent.Timeout(60.0, AssertionError("the daemon did not come up")):
            while not any(
                one.get("phase") == "running" for one in presence.statuses().values()
            ):
                gevent.sleep(0.1)
        began_at = datetime.now(UTC)
        robots = Robots(
            presence, settings.instance, list(settings.operators), seed=7, time_scale=1.0
        )
        running = gevent.spawn(robots.run)
        try:
            gevent.sleep((closes - datetime.now(UTC)).total_seconds())
        finally:
            running.kill()
        self.rehearsal.drain()
        return began_at

    def figures(self, since: datetime, until: datetime) -> dict[str, float]:
        """What happened between the two, from PostgreSQL."""
        settings = self.rehearsal.loaded.settings
        ledger = make_ledger(settings)
        ledger.open()
        try:
            operators = operator_figures(ledger, since, until)
        finally:
            ledger.close()
        with psycopg.connect(settings.postgresql_dsn) as connection:
            attempts, answered, abandoned = connection.execute(
                "SELECT count(*), count(*) FILTER (WHERE answered_at < %(until)s),"
                " count(*) FILTER (WHERE disposition = 'abandoned') FROM attempts",
                {"until": until},
            ).fetchone() or (0, 0, 0)
        busy = occupancy(sum(one.talk_s for one in operators), sum(o.idle_s for o in operators))
        return {
            "occupancy": busy or 0.0,
            "answers_per_h": answered * 3600.0 / (until - since).total_seconds(),
            "attempts": float(attempts),
            "abandonment": abandoned / max(1, answered),
        }

    def replayed(self) -> list[Replayed]:
        """Every recorded decision, decided again."""
        folder = Path(self.rehearsal.environment["DIALER_STATE"]) / "pacing" / "foretold"
        return [replay(lines(folder, day)) for day in days(folder)]

    def forecast(self, since: datetime, until: datetime) -> dict[str, Any]:
        """`dialer forecast` of the same assumptions, as a person would ask it."""
        words = [sys.executable, "-m", "dialer", "forecast", "foretold", "--without-history"]
        words += ["--config", str(self.rehearsal.config), "--json", "--no-table", "--fine"]
        words += ["--hours", str((until - since).total_seconds() / 3600.0), "--seeds", "49"]
        words += ["--from", since.astimezone(MOSCOW).strftime("%Y-%m-%dT%H:%M:%S")]
        for name, value in ASSUMED.items():
            words += ["--assume", f"{name}={value}"]
        told = subprocess.run(
            words, env=self.rehearsal.environment, capture_output=True, check=True, timeout=240
        )
        figures: dict[str, Any] = orjson.loads(told.stdout)["figures"]
        return figures


def test_the_daemons_minutes_are_those_that_were_forecast(tmp_path: Path) -> None:
    """A forecast that the daemon does not keep is a promise to nobody.

    Of eight in ten runs a figure lies inside the interval; what lies outside it by more than
    half of its width is no chance (one run of a hundred).
    """
    # Hours are written in minutes: at least WALL_S from now, once everything is up.
    closes = datetime.now(UTC) + timedelta(seconds=WALL_S + 25.0)
    closes = (closes + timedelta(seconds=59)).replace(second=0, microsecond=0)
    if closes.astimezone(MOSCOW).date() != datetime.now(MOSCOW).date():
        pytest.skip("the campaign's hours would end after midnight")
    foretold = Foretold(tmp_path, closes)
    with foretold.rehearsal:
        foretold.load()
        since = foretold.dial(closes)
        seen = foretold.figures(since, closes)
        told = foretold.forecast(since, closes)
        again = foretold.replayed()
    say = sys.stdout.write
    say(f"\n{(closes - since).total_seconds():.0f} s, {OPERATORS} operators, predictive\n")
    for name, value in seen.items():
        low, high = told[name]["low"], told[name]["high"]
        where = "inside" if low <= value <= high else "outside"
        say(f"{name}: {value:.4g}, forecast {low:.4g} .. {high:.4g}: {where}\n")
    decisions = sum(one.decisions for one in again)
    say(f"replayed: {sum(one.equal for one in again)} of {decisions} decisions equal\n")
    assert decisions > WALL_S
    assert all(one.equal == one.decisions for one in again)
    for name in ("occupancy", "answers_per_h", "attempts"):
        low, high = told[name]["low"], told[name]["high"]
        more = (high - low) / 2.0
        assert low - more <= seen[name] <= high + more, (name, seen[name], told[name])
