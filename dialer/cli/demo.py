"""`dialer demo`: rehearse a campaign with everything it needs, and nothing that it could reach.

Real stores and the unchanged daemon against the simulated switch; a live view; Ctrl-C drains
and prints the report. With `--seconds` it ends by itself; with `--json` the end is one JSON
object.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import gevent
import orjson
from rich.console import Console
from rich.live import Live
from rich.text import Text

from dialer.app import make_ledger, make_presence
from dialer.cli.rehearsal import Rehearsal, Rehearsed
from dialer.cli.robots import Robots
from dialer.cli.view import overview
from dialer.errors import ConfigError, Problem, StoreError
from dialer.ports import ImportReport, Presence
from dialer.reports.rehearsed import rehearsal_summary, summary_table
from dialer.settings.columns import ColumnMapping
from dialer.settings.csv_rows import open_contacts
from dialer.settings.phones import PhoneReader

HOME = Path(__file__).resolve().parents[2]
FILE = click.Path(dir_okay=False, exists=True, path_type=Path)

#: A daemon that has not published anything for so long did not start.
START_S = 60.0


@click.command()
@click.option("--config", type=FILE, help="Your configuration instead of the demo's.")
@click.option(
    "--campaign",
    "campaigns",
    type=FILE,
    multiple=True,
    help="Rehearsed even if not active; repeatable.",
)
@click.option("--contacts", type=FILE, help="Your contacts, CSV or JSON lines.")
@click.option("--operators", type=click.IntRange(0, 2000), help="As many instead.")
@click.option("--seed", type=int, default=1, show_default=True, help="Repeats a world.")
@click.option("--seconds", type=click.FloatRange(min=1), help="End by itself.")
@click.option("--time-scale", type=click.FloatRange(0.01, 10), default=1.0, hidden=True)
@click.option("--world", type=FILE, help="Other people and carriers (config/demo_world.yaml).")
@click.option("--any-hour", is_flag=True, help="Without the windows of --campaign.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object.")
def demo_command(
    config: Path | None,
    campaigns: tuple[Path, ...],
    contacts: Path | None,
    operators: int | None,
    seed: int,
    seconds: float | None,
    time_scale: float,
    world: Path | None,
    any_hour: bool,
    as_json: bool,
) -> None:
    """Rehearse a campaign on a simulated switch, with everything it needs."""
    if config is not None and contacts is None:
        raise ConfigError(
            [
                Problem(
                    place="--contacts",
                    what="whom shall your configuration dial?",
                    remedy="--contacts FILE.csv",
                )
            ]
        )
    rehearsed = Rehearsed(
        config=config or HOME / "config" / "demo.yaml",
        campaign_files=campaigns,
        operators=operators,
        seed=seed,
        time_scale=time_scale,
        world=world or HOME / "config" / "demo_world.yaml",
        any_hour=any_hour,
    )
    console = Console(stderr=as_json)
    with Rehearsal(rehearsed) as rehearsal:
        demo = Demo(rehearsal, console, as_json=as_json)
        summary = demo.run(contacts or HOME / "campaigns" / "demo.csv", seconds)
    if as_json:
        click.echo(orjson.dumps(summary))
    else:
        console.print(summary_table(summary))
    sys.exit(0)


class Demo:
    """The parts of a rehearsal in their order."""

    def __init__(self, rehearsal: Rehearsal, console: Console, *, as_json: bool) -> None:
        self._rehearsal = rehearsal
        self._console = console
        self._live_view = console.is_terminal and not as_json
        self._presence: Presence = make_presence(rehearsal.loaded.settings)
        self._began_at = datetime.now(UTC)

    def run(self, contacts: Path, seconds: float | None) -> dict[str, Any]:
        rehearsal, settings = self._rehearsal, self._rehearsal.loaded.settings
        ledger = make_ledger(settings, migrate=True)
        ledger.open()
        try:
            imported = self._import(contacts)
            rehearsal.start_daemon()
            greenlets = [gevent.spawn(rehearsal.keep_alive)]
            robots = Robots(
                self._presence,
                settings.instance,
                list(settings.operators),
                seed=rehearsal.rehearsed.seed,
                time_scale=rehearsal.rehearsed.time_scale,
            )
            greenlets.append(gevent.spawn(robots.run))
            try:
                self._wait_for_daemon()
                self._watch(seconds)
            finally:
                gevent.killall(greenlets)
            self._console.print("draining: talks go on to their end, nothing new is dialed")
            rehearsal.drain()
            return rehearsal_summary(
                ledger,
                campaigns=rehearsal.loaded.campaigns,
                numbers=settings.numbers,
                since=self._began_at,
                until=datetime.now(UTC),
                imported=imported,
                records=rehearsal.records(),
                restarts=rehearsal.restarts,
            )
        finally:
            ledger.close()

    def _import(self, contacts: Path) -> ImportReport:
        """Into the list of each campaign; a list that several dial is filled once."""
        settings = self._rehearsal.loaded.settings
        ledger = make_ledger(settings)
        ledger.open()
        report = ImportReport()
        try:
            for list_name in sorted(
                {one.list_name for one in self._rehearsal.loaded.campaigns}
            ):
                phones = PhoneReader(
                    destinations=settings.destinations, own_numbers=settings.own_numbers
                )
                file = open_contacts(contacts, ColumnMapping(), phones)
                report = ledger.import_rows(
                    list_name, file.rows(), source=contacts.name, now=datetime.now(UTC)
                )
        finally:
            ledger.close()
        self._console.print(
            f"{contacts.name}: {report.rows} rows, {report.contacts_added} contacts, "
            f"{report.rejected} rejected"
        )
        return report

    # ------------------------------------------------------------------ watching

    def _wait_for_daemon(self) -> None:
        ends_at = time.monotonic() + START_S
        while not self._presence.statuses():
            daemon = self._rehearsal.daemon
            if time.monotonic() > ends_at or (daemon and daemon.returncode == 2):
                raise StoreError(
                    "daemon", "did not start", f"it said: {self._rehearsal.last_words()}"
                )
            gevent.sleep(0.1)

    def _watch(self, seconds: float | None) -> None:
        """Until time is up, the lists are done, or Ctrl-C."""
        ends_at = None if seconds is None else time.monotonic() + seconds
        try:
            if self._live_view:
                with Live(self._view(), console=self._console, auto_refresh=False) as live:
                    while not self._over(ends_at):
                        live.update(self._view(), refresh=True)
                        gevent.sleep(0.5)
            else:
                while not self._over(ends_at):
                    gevent.sleep(0.5)
        except KeyboardInterrupt:
            self._console.print("Ctrl-C")

    def _over(self, ends_at: float | None) -> bool:
        return ends_at is not None and time.monotonic() >= ends_at

    def _view(self) -> Any:
        try:
            statuses = {str(name): one for name, one in self._presence.statuses().items()}
            operators = {str(name): one for name, one in self._presence.operators().items()}
        except StoreError as error:
            return Text(str(error), "red")
        if not statuses:
            return Text("the daemon is starting")
        return overview(statuses, operators)
