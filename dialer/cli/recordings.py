"""`dialer recordings list|prune`: what is recorded, and what its retention takes away.

The daemon prunes daily by itself; here a person sees beforehand what would go, or does it now.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from dialer.app import prune_recordings
from dialer.cli.options import CONFIG, JSON
from dialer.cli.stores import ledger_of, load_for_stores
from dialer.core.model import CampaignName
from dialer.errors import ConfigError, Problem
from dialer.ports import ListedRecording

#: So many are shown of those that would go.
SHOWN = 10_000


@click.group()
def recordings_command() -> None:
    """List the recordings of talks, delete those whose time is over."""


@recordings_command.command(name="list")
@click.option("--campaign", default=None, help="Only this campaign's.")
@click.option("--days", default=7, show_default=True, help="Of so many days.")
@JSON
@CONFIG
def list_command(campaign: str | None, days: int, as_json: bool, config: Path) -> None:
    """The newest first; the path is seen from the folder of recordings."""
    since = datetime.now(UTC) - timedelta(days=days)
    with ledger_of(load_for_stores(config).settings) as ledger:
        name = None if campaign is None else CampaignName(campaign)
        found = ledger.list_recordings(name, since, SHOWN)
    _show(found, as_json=as_json)


@recordings_command.command()
@click.option("--dry-run", is_flag=True, help="Show what would go; delete nothing.")
@JSON
@CONFIG
def prune(dry_run: bool, as_json: bool, config: Path) -> None:
    """Delete the recordings of this daemon's folder whose time is over."""
    settings = load_for_stores(config).settings
    if settings.recordings is None:
        what, remedy = "is not configured", "recordings: {folder: /var/lib/dialer/recordings}"
        raise ConfigError([Problem(place="recordings", what=what, remedy=remedy)])
    with ledger_of(settings) as ledger:
        now = datetime.now(UTC)
        due = ledger.due_recordings(settings.instance, now, SHOWN)
        if dry_run:
            _show(due, as_json=as_json)
            return
        gone = prune_recordings(settings, ledger, by=f"dialer recordings: {getpass.getuser()}")
        left = ledger.due_recordings(settings.instance, now, SHOWN)
    if as_json:
        click.echo(orjson.dumps({"deleted": gone, "left": len(left)}))
    else:
        click.echo(f"{gone} recordings deleted")
    if left:
        click.echo(
            f"{len(left)} could not be deleted: may this user write in"
            f" {settings.recordings.folder}?",
            err=True,
        )
        sys.exit(1)


def _show(found: Sequence[ListedRecording], *, as_json: bool) -> None:
    total = sum(one.size_bytes or 0 for one in found)
    if as_json:
        rows = [one._asdict() for one in found]
        click.echo(orjson.dumps({"recordings": rows, "bytes": total}, default=str))
        return
    table = Table("begun", "campaign", "length", "kB", "kept until", "state", "file")
    for one in found:
        table.add_row(
            f"{one.started_at:%Y-%m-%d %H:%M:%S}",
            one.campaign,
            "–" if one.duration_ms is None else f"{one.duration_ms / 1000:.0f} s",
            "–" if one.size_bytes is None else f"{one.size_bytes / 1000:.0f}",
            f"{one.keep_until:%Y-%m-%d}",
            one.failure or one.state,
            one.path,
        )
    Console().print(table)
    click.echo(f"{len(found)} recordings, {total / 1e6:.1f} MB")
