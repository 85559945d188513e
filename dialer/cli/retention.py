"""`dialer retention preview|apply`: what is older than it is to be kept (R6.7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from dialer.cli.options import CONFIG
from dialer.cli.people import who
from dialer.cli.stores import ledger_of, load_for_stores
from dialer.core.permission.retention import DataKind, before, locked
from dialer.errors import ConfigError, Problem
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
    limits = _limits(loaded, now)
    with ledger_of(loaded.settings) as ledger:
        old = ledger.preview_retention(limits, locked(loaded.campaigns, now))
    for kind, rows in old.rows.items():
        click.echo(f"{kind}: {rows} rows from before {limits[kind]:%Y-%m-%d} would go")
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
    limits = _limits(loaded, now)
    if not yes:
        click.confirm("Delete for good what `dialer retention preview` shows?", abort=True)
    with ledger_of(loaded.settings) as ledger:
        gone = ledger.apply_retention(limits, locked(loaded.campaigns, now), by=who(), now=now)
    for kind, rows in gone.items():
        click.echo(f"{kind}: {rows} rows deleted")


def _limits(loaded: Loaded, now: datetime) -> Mapping[DataKind, datetime]:
    if not loaded.settings.retention:
        what, remedy = "nothing is configured", "retention: {attempts: 3y, operator_log: 1y}"
        raise ConfigError([Problem(place="retention", what=what, remedy=remedy)])
    return {kind: before(keep, now) for kind, keep in loaded.settings.retention.items()}
