"""`dialer keys`: the keys of personal data: make one, what each has sealed, rotation.

A rotation stops nobody's work; killed half-way it goes on where it stood when run again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from dialer.app import seal_recordings
from dialer.cli.bar import Bar
from dialer.cli.options import CONFIG
from dialer.cli.people import who
from dialer.cli.stores import ledger_of, load_for_stores
from dialer.core.model import AttemptId
from dialer.ledger.keyring import KeyUse
from dialer.ledger.vault import new_entry

#: So many that failed are named.
SHOWN = 20


@click.group("keys")
def keys_command() -> None:
    """The keys that seal numbers, names, addresses, notes and recordings."""


@keys_command.command("new")
@click.argument("name")
def new(name: str) -> None:
    """Print a fresh key NAME as it stands in keys_file; it is kept nowhere."""
    click.echo(new_entry(name))


@keys_command.command("show")
@CONFIG
def show(config: Path) -> None:
    """Show how much each key has sealed; exit code 1 where one is missing or over."""
    with ledger_of(load_for_stores(config).settings) as ledger:
        uses = ledger.data_keys()
    for number, one in enumerate(uses):
        sounds = f", {one.recordings} recordings" if one.recordings else ""
        click.echo(f"{_name(one)}: {one.texts} texts{sounds}{_remark(one, first=number == 0)}")
    if not uses:
        click.echo("no key, and nothing to seal")
    wrong = [one for one in uses if one.over or not one.held]
    sys.exit(1 if any(one.texts or one.recordings for one in wrong) else 0)


def _name(one: KeyUse) -> str:
    return one.id or "in clear"


def _remark(one: KeyUse, *, first: bool) -> str:
    if not one.held:
        return ": this key is missing; none of them can be read, nothing is dialed by them"
    if one.over:
        return ": its time is over; run: dialer keys rotate, with a new key before it"
    if not one.id:
        return ": run: dialer keys rotate, with a key in keys_file"
    if first:
        return " (seals)"
    return "" if one.texts or one.recordings else " (may be taken out)"


@keys_command.command("rotate")
@CONFIG
def rotate(config: Path) -> None:
    """Seal everything under the first key; daemons go on dialing."""
    settings = load_for_stores(config).settings
    with ledger_of(settings) as ledger:
        stale = ledger.stale_by_folder()
        ours = stale.get(settings.instance, 0)
        # Recordings first: a key is retired when nothing at all needs it.
        with Bar(max(ours, 1), "recordings") as bar:
            sealed, failed = seal_recordings(settings, ledger, bar.finish)
        with Bar(1.0, "sealing") as bar:
            done = ledger.rotate_keys(by=who(), progress=_shares(bar.part()))
        left = ledger.stale_by_folder()
    click.echo(f"{done.rows} rows sealed under the first key")
    if sealed:
        click.echo(f"{sealed} recordings sealed under the first key")
    for key in done.retired:
        click.echo(f"the key {key} seals nothing any more: it may be taken out of the ring")
    _say_what_is_left(left, failed)
    if done.unreadable:
        click.echo(
            f"{done.unreadable} rows cannot be opened by any key and stay as they are:"
            " dialer keys show names the missing keys",
            err=True,
        )
    sys.exit(1 if done.unreadable or failed else 0)


def _shares(tell: Callable[[float], None]) -> Callable[[int, int], None]:
    return lambda done, total: tell(done / max(total, 1))


def _say_what_is_left(left: Mapping[str, int], failed: Mapping[AttemptId, str]) -> None:
    for attempt, why in list(failed.items())[:SHOWN]:
        click.echo(f"recording {attempt}: {why}", err=True)
    if len(failed) > SHOWN:
        click.echo(f"and {len(failed) - SHOWN} more", err=True)
    for instance, count in left.items():
        click.echo(
            f"{count} recordings of {instance} are not under the first key yet: its daemon does"
            " that after its reload (or there: dialer keys rotate); then run this again",
            err=True,
        )
