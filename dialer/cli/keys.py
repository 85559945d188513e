"""`dialer keys`: the keys of personal data: make one, what each has sealed, rotation.

A rotation stops nobody's work; killed half-way it goes on where it stood when run again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dialer.cli.bar import Bar
from dialer.cli.options import CONFIG
from dialer.cli.people import who
from dialer.cli.stores import ledger_of, load_for_stores
from dialer.ledger.keyring import KeyUse
from dialer.ledger.vault import new_entry


@click.group("keys")
def keys_command() -> None:
    """The keys that seal numbers, names, addresses and notes."""


@keys_command.command("new")
@click.argument("name")
def new(name: str) -> None:
    """Print a fresh key NAME as it stands in keys_file; it is kept nowhere."""
    click.echo(new_entry(name))


@keys_command.command("show")
@CONFIG
def show(config: Path) -> None:
    """Show how many texts each key has sealed; exit code 1 where one is missing or over."""
    with ledger_of(load_for_stores(config).settings) as ledger:
        uses = ledger.data_keys()
    for number, one in enumerate(uses):
        click.echo(f"{_name(one)}: {one.texts} texts{_remark(one, first=number == 0)}")
    if not uses:
        click.echo("no key, and nothing to seal")
    sys.exit(1 if any(one.texts and (one.over or not one.held) for one in uses) else 0)


def _name(one: KeyUse) -> str:
    return one.id or "in clear"


def _remark(one: KeyUse, *, first: bool) -> str:
    if not one.held:
        return ": this key is missing; none of them can be read, nothing is dialed by them"
    if one.over:
        return ": its time is over; run: dialer keys rotate, with a new key before it"
    if not one.id:
        return ": run: dialer keys rotate, with a key in keys_file"
    return " (seals)" if first else "" if one.texts else " (may be taken out)"


@keys_command.command("rotate")
@CONFIG
def rotate(config: Path) -> None:
    """Seal everything under the first key; daemons go on dialing."""
    with ledger_of(load_for_stores(config).settings) as ledger, Bar(1.0, "sealing") as bar:
        tell = bar.part()

        def progress(done: int, total: int) -> None:
            tell(done / max(total, 1))

        done = ledger.rotate_keys(by=who(), progress=progress)
    click.echo(f"{done.rows} rows sealed under the first key")
    for key in done.retired:
        click.echo(f"the key {key} seals nothing any more: it may be taken out of the ring")
    if done.unreadable:
        click.echo(
            f"{done.unreadable} rows cannot be opened by any key and stay as they are:"
            " dialer keys show names the missing keys",
            err=True,
        )
        sys.exit(1)
