"""`dialer export`, `dialer erase`, `dialer audit verify`: the rights of the person (R6.6).

An erased phone leaves its keyed digest with a stop, so that it is neither called nor loaded
again, and nobody's counters.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from dialer.app import make_vault, prune_everywhere, prune_recordings
from dialer.cli.options import CONFIG
from dialer.cli.people import digits_of, enforce, who
from dialer.cli.retention import held_line
from dialer.cli.stores import ledger_of, load_for_stores
from dialer.core.model import InstanceName
from dialer.ledger.store import PostgresLedger
from dialer.settings.daemon import Settings
from dialer.settings.data_keys import LOOKUP_KEY


@click.command("export")
@click.argument("phone")
@CONFIG
def export_command(phone: str, config: Path) -> None:
    """Write everything that is stored on a phone as JSON, its clear number included."""
    digits = digits_of(phone)
    with ledger_of(load_for_stores(config).settings) as ledger:
        known = ledger.find_phone(digits)
        if known is None:
            click.echo("nothing is stored on this phone", err=True)
            sys.exit(1)
        found = ledger.export_person(known, by=who(), now=datetime.now(UTC))
    click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))


@click.command("erase")
@click.argument("phone")
@click.option("--yes", is_flag=True, help="Do not ask.")
@CONFIG
def erase_command(phone: str, yes: bool, config: Path) -> None:
    """Erase everything on a phone and its people; a stop under its keyed digest stays."""
    digits = digits_of(phone)
    settings = load_for_stores(config).settings
    now = datetime.now(UTC)
    with ledger_of(settings) as ledger:
        known = ledger.find_phone(digits)
        if known is None:
            click.echo("nothing is stored on this phone", err=True)
            sys.exit(1)
        if not yes:
            click.confirm(
                "Erase for good the phone and every card on which it stands?", abort=True
            )
        every = ledger.phones_of_person(known)
        for one in every:
            ledger.add_stop(one, origin="erasure", now=now)
        enforce(settings, ledger, every)
        done = ledger.erase_person(known, by=who(), now=now)
        files = _delete_files(settings, ledger, done.recordings) if done.recordings else ""
    click.echo(
        f"erased: {done.contacts} contacts, {done.phones} phones, {done.attempts} attempts;"
        " a stop under the keyed digest stays"
    )
    for held in done.held:
        click.echo(held_line(held))
    if files:
        click.echo(files)
    if make_vault(settings).lookup is None:
        click.echo(
            f"warning: {LOOKUP_KEY} is not set: the digest has no key, and a list of all"
            " numbers reverses it",
            err=True,
        )


def _delete_files(settings: Settings, ledger: PostgresLedger, due: Mapping[str, int]) -> str:
    """By the daemons in whose folders they lie, or by ourselves; one that is away: later."""
    told = prune_everywhere(settings)
    if not told.get(settings.instance):
        prune_recordings(settings, ledger, by=who())
    left = [
        f"{count} of {name}"
        for name, count in due.items()
        if not told.get(InstanceName(name))
        and ledger.due_recordings(InstanceName(name), datetime.now(UTC), 1)
    ]
    if not left:
        return f"{sum(due.values())} recordings deleted"
    return (
        f"recordings are due and not yet deleted: {', '.join(left)}"
        " (the daemon does it when it starts, or there: dialer recordings prune)"
    )


@click.group("audit")
def audit_command() -> None:
    """The append-only record of who did what."""


@audit_command.command("verify")
@CONFIG
def verify(config: Path) -> None:
    """Is every row there, and as it was written?"""
    with ledger_of(load_for_stores(config).settings) as ledger:
        chain = ledger.verify_audit()
    click.echo(f"{chain.rows} rows, {chain.unchained} from before the chain began")
    if chain.broken:
        rows = ", ".join(map(str, chain.broken))
        click.echo(f"changed, or the row before is gone, at link {rows}", err=True)
    if chain.missing_at_end:
        click.echo(f"{chain.missing_at_end} rows at the end are gone", err=True)
    sys.exit(1 if chain.broken or chain.missing_at_end else 0)
