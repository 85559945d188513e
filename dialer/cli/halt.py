"""`dialer halt` and `dialer resume`: the emergency stop (R10.6).

The ledger is told first: from then on no daemon commits an intent, whether it hears us or not.
Then every daemon is told to cancel what has not been answered. Talks go on.
"""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from dialer.app import ask, open_ledger
from dialer.cli.options import CONFIG
from dialer.errors import StoreError
from dialer.settings.daemon import Settings
from dialer.settings.loading import load


@click.command()
@CONFIG
def halt_command(config: Path) -> None:
    """No call starts any more, ringing ones end, talks go on."""
    settings = load(config).settings
    ledger = open_ledger(settings)
    try:
        ledger.set_halted(True, by=getpass.getuser(), now=datetime.now(UTC))
    finally:
        ledger.close()
    click.echo("halted: no daemon commits another call")
    sys.exit(_tell(settings, "halt"))


@click.command()
@CONFIG
def resume_command(config: Path) -> None:
    """Dial again."""
    settings = load(config).settings
    ledger = open_ledger(settings)
    try:
        ledger.set_halted(False, by=getpass.getuser(), now=datetime.now(UTC))
    finally:
        ledger.close()
    click.echo("the emergency stop is off")
    sys.exit(_tell(settings, "resume"))


def _tell(settings: Settings, verb: str) -> int:
    """Say what each daemon answered; 1 if one did not."""
    try:
        answers = ask(settings, verb, {"by": getpass.getuser()}, timeout_s=2.0)
    except StoreError as error:
        click.echo(f"the daemons could not be told: {error}", err=True)
        return 1
    for instance, answer in answers.items():
        if answer is None:
            click.echo(f"{instance}: no answer (its next intent is refused all the same)")
        else:
            click.echo(f"{instance}: done, {answer.get('cancelled', 0)} calls cancelled")
    if not answers:
        click.echo("no daemon runs")
    return 1 if None in answers.values() else 0
