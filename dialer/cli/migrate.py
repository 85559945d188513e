"""`dialer migrate`: the database gets this version's schema; forwards only, safe to repeat."""

from __future__ import annotations

from pathlib import Path

import click

from dialer.cli.options import CONFIG
from dialer.cli.stores import load_for_stores
from dialer.ledger.migrate import migrate


@click.command()
@CONFIG
def migrate_command(config: Path) -> None:
    """Bring the database to this version."""
    applied = migrate(load_for_stores(config).settings.postgresql_dsn)
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("nothing to do: the database is of this version")
