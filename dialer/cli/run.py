"""`dialer run`: the daemon in the foreground, as systemd wants it.

SIGTERM and SIGINT drain, a second one ends the drain; SIGHUP reloads the campaigns. What keeps
the daemon from starting is one sentence and exit code 1 (a store, the switch) or 2 (the
configuration).
"""

from __future__ import annotations

import gc
import signal
from pathlib import Path

import click
import gevent
import psycopg.waiting
import structlog

from dialer.app import Service
from dialer.cli.logs import configure
from dialer.cli.options import CONFIG
from dialer.errors import Bug, SwitchError
from dialer.settings.loading import load

log = structlog.get_logger(__name__)


@click.command()
@CONFIG
@click.option(
    "--campaign",
    "campaigns",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    multiple=True,
    help="Dial these campaign files instead of those that the configuration names.",
)
@click.option("--migrate", is_flag=True, help="Bring the database to this version first.")
def run_command(config: Path, campaigns: tuple[Path, ...], migrate: bool) -> None:
    """Run the daemon until SIGTERM; it drains: no talk is cut."""
    if psycopg.waiting.wait is not psycopg.waiting.wait_poll:
        raise Bug("psycopg was imported before gevent patched: start through dialer.__main__")
    files = list(campaigns) or None
    # Before anything of the daemon exists: its first line is JSON, too.
    configure(load(config, campaign_files=files).settings.log_level)
    service = Service(config, files, migrate=migrate)
    try:
        version = service.probe()
    except SwitchError as error:
        # A wrong password will not mend itself; a switch that is not up yet may be.
        if "password" in str(error):
            raise
        log.warning("the switch is not there yet", error=str(error))
    else:
        log.info("switch found", version=version)
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, service.daemon.stop)
    gevent.signal_handler(signal.SIGHUP, service.daemon.ask_reload)
    # What stands now stays: a collection that walks all of it takes 30 ms, in which a person
    # who has answered waits for his operator.
    gc.collect()
    gc.freeze()
    service.run()
