"""`dialer recordings list|prune|export|verify`: what is recorded, its sound, and what goes.

The daemon prunes by itself; here a person sees beforehand what would go, or does it now. A
recording is given out in clear by `export` only, which the audit tells (R7.4).
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import click
import orjson
from rich.console import Console
from rich.table import Table

from dialer.app import prune_recordings, recording_folder
from dialer.cli.bar import Bar
from dialer.cli.options import CONFIG, JSON
from dialer.cli.people import who
from dialer.cli.stores import ledger_of, load_for_stores
from dialer.core.model import CampaignName, RecordingPlace
from dialer.errors import ConfigError, Problem
from dialer.ledger.store import PostgresLedger
from dialer.ports import FoundRecording, ListedRecording, RecordedFile
from dialer.recordings.files import NO_FILE
from dialer.recordings.folder import RecordingFolder
from dialer.settings.daemon import Settings

#: So many are shown of those that would go.
SHOWN = 10_000
#: No recording is older.
ALL_DAYS = 36_500


@click.group()
def recordings_command() -> None:
    """List recordings of talks, give one out, prove them, delete those whose time is over."""


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
    place = _place(settings)
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
            f"{len(left)} could not be deleted: may this user write in {place.folder}?",
            err=True,
        )
        sys.exit(1)


@recordings_command.command()
@click.argument("attempt")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@CONFIG
def export(attempt: str, file: Path, config: Path) -> None:
    """Write the talk of ATTEMPT in clear into FILE, a WAV; the audit tells who did."""
    settings = load_for_stores(config).settings
    place, folder = _place(settings), recording_folder(settings)
    if file.exists():
        _fail(f"{file} is there already")
    with ledger_of(settings) as ledger:
        one = ledger.find_recording(attempt)
        if one is None:
            _fail(f"there is no recording of {attempt}: dialer recordings list")
        elif one.instance != settings.instance:
            _fail(f"it lies in the folder of {one.instance}: ask there")
        elif one.state != "kept":
            _fail(f"there is no file of it: it is {one.state.replace('_', ' ')}")
        else:
            _export(ledger, folder, place, one, file)
    click.echo(f"{file}: the checksum is right")


def _export(
    ledger: PostgresLedger,
    folder: RecordingFolder,
    place: RecordingPlace,
    one: FoundRecording,
    file: Path,
) -> None:
    """Beside, for its owner alone; in its place only when all of it is proved and told."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as target:
            why = _wrong(folder.examine(place, one.path, target.write), one)
        if why is not None:
            _fail(why)
        ledger.note_recording_export(one, by=who(), now=datetime.now(UTC))
        os.link(beside, file)  # unlike a rename it takes the place of nothing
    finally:
        beside.unlink()


@recordings_command.command()
@click.option("--days", default=None, type=click.IntRange(1), help="Only of so many days.")
@CONFIG
def verify(days: int | None, config: Path) -> None:
    """Is every file of this daemon's folder there, does it open, is it what was recorded?"""
    settings = load_for_stores(config).settings
    place, folder = _place(settings), recording_folder(settings)
    since = datetime.now(UTC) - timedelta(days=days or ALL_DAYS)
    with ledger_of(settings) as ledger:
        kept = ledger.kept_recordings(settings.instance, since)
    wrong = []
    with Bar(max(len(kept), 1), "recordings") as bar:
        for one in kept:
            why = _wrong(folder.examine(place, one.path), one)
            if why is not None:
                wrong.append((one, why))
            bar.finish(1)
    for one, why in wrong:
        click.echo(f"{one.attempt}: {why}", err=True)
    click.echo(f"{len(kept)} recordings, {len(wrong)} of them are not as they should be")
    sys.exit(1 if wrong else 0)


def _wrong(found: RecordedFile | str, one: FoundRecording) -> str | None:
    if isinstance(found, str):
        return "the file is not there" if found == NO_FILE else found
    if one.sha256 is not None and found.sha256 != one.sha256:
        return "its sound is not the one that was recorded: the checksum differs"
    return None


def _place(settings: Settings) -> RecordingPlace:
    if settings.recordings is None:
        what, remedy = "is not configured", "recordings: {folder: /var/lib/dialer/recordings}"
        raise ConfigError([Problem(place="recordings", what=what, remedy=remedy)])
    return settings.recordings


def _fail(why: str) -> NoReturn:
    click.echo(f"dialer: {why}", err=True)
    sys.exit(1)


def _show(found: Sequence[ListedRecording], *, as_json: bool) -> None:
    total = sum(one.size_bytes or 0 for one in found)
    if as_json:
        rows = [one._asdict() for one in found]
        click.echo(orjson.dumps({"recordings": rows, "bytes": total}, default=str))
        return
    table = Table("begun", "campaign", "length", "kB", "kept until", "state", "key", "file")
    for one in found:
        table.add_row(
            f"{one.started_at:%Y-%m-%d %H:%M:%S}",
            one.campaign,
            "–" if one.duration_ms is None else f"{one.duration_ms / 1000:.0f} s",
            "–" if one.size_bytes is None else f"{one.size_bytes / 1000:.0f}",
            f"{one.keep_until:%Y-%m-%d}",
            one.failure or one.state,
            one.sealed_under or "–",
            one.path,
        )
    Console().print(table)
    click.echo(f"{len(found)} recordings, {total / 1e6:.1f} MB")
