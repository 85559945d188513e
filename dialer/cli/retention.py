"""`dialer retention preview|apply|holds`: what is older than it is to be kept (R6.7).

The daemon does it daily by itself; here a person sees beforehand what would go, or does it now.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from dialer.cli.options import CONFIG, JSON
from dialer.cli.people import who
from dialer.cli.stores import ledger_of, load_for_stores
from dialer.core.permission.retention import DataKind, limits
from dialer.errors import ConfigError, Problem
from dialer.ports import Held
from dialer.settings.loading import Loaded


@click.group()
def retention_command() -> None:
    """Show or delete what is older than `retention:` in dialer.yaml says."""


@retention_command.command()
@CONFIG
def preview(config: Path) -> None:
    """Show what would go, and what stays by law; delete nothing."""
    loaded = load_for_stores(config)
    now = datetime.now(UTC)
    before = _before(loaded, now)
    with ledger_of(loaded.settings) as ledger:
        old = ledger.preview_retention(before, now)
    for kind, rows in old.rows.items():
        click.echo(f"{kind}: {rows} rows from before {before[kind]:%Y-%m-%d} would go")
    for name, (rows, oldest) in old.locked.items():
        click.echo(
            f"{rows} attempts of {name} stay, kept by law; the oldest is of {oldest:%Y-%m-%d}"
        )
    if old.recorded:
        click.echo(f"{old.recorded} attempts stay while their recordings are kept")
    click.echo("stops, consents, withdrawals, the audit and supervisions are never deleted")


@retention_command.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@CONFIG
def apply(yes: bool, config: Path) -> None:
    """Delete it for good; logged in the audit."""
    loaded = load_for_stores(config)
    now = datetime.now(UTC)
    before = _before(loaded, now)
    if not yes:
        click.confirm("Delete for good what `dialer retention preview` shows?", abort=True)
    with ledger_of(loaded.settings) as ledger:
        gone = ledger.apply_retention(before, by=who(), now=now)
    for kind, rows in gone.items():
        click.echo(f"{kind}: {rows} rows deleted")


@retention_command.command()
@JSON
@CONFIG
def holds(as_json: bool, config: Path) -> None:
    """List what a law orders to keep of people who are erased, with its ground and its end."""
    with ledger_of(load_for_stores(config).settings) as ledger:
        found = ledger.held_by_law()
    if as_json:
        click.echo(orjson.dumps([one.as_json() for one in found]))
        return
    for one in found:
        click.echo(held_line(one))
    if not found:
        click.echo("nothing is kept of people who are erased")


def held_line(one: Held) -> str:
    """`3 recordings of debts, locked until 2029-11-24: 230-FZ ...`."""
    first, last = f"{one.first_until:%Y-%m-%d}", f"{one.last_until:%Y-%m-%d}"
    until = last if first == last else f"{first} to {last}"
    return f"{one.rows} {one.kind} of {one.campaign}, locked until {until}: {one.ground}"


def _before(loaded: Loaded, now: datetime) -> Mapping[DataKind, datetime]:
    if not loaded.settings.retention:
        what, remedy = "nothing is configured", "retention: {attempts: 3y, operator_log: 1y}"
        raise ConfigError([Problem(place="retention", what=what, remedy=remedy)])
    return limits(loaded.settings.retention, now)
