"""`dialer operator VERB`: log in and out, pause, start the call on a card, mask the recording,
note a result.

Any process can do this: the command goes to the daemon by Redis, the daemon answers.
"""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

import click

from dialer.app import ask
from dialer.cli.options import CONFIG
from dialer.cli.stores import ledger_of, load_for_stores
from dialer.core.model import ContactId
from dialer.errors import ConfigError, Problem
from dialer.ledger.people import Shown
from dialer.reports.tables import Column, Table, print_tables
from dialer.settings.loading import load

NAME = click.argument("operator")


@click.group()
def operator_command() -> None:
    """Log an operator in or out, pause him, note the result of his talk."""


def _send(config: Path, verb: str, words: dict[str, Any]) -> None:
    settings = load(config).settings
    if words["operator"] not in settings.operators:
        known = ", ".join(sorted(settings.operators)) or "none"
        raise ConfigError(
            [Problem(place="operator", what="is not configured", remedy=f"known: {known}")]
        )
    answers = ask(settings, verb, words)
    if not answers:
        click.echo("no daemon runs: nothing was done", err=True)
        sys.exit(1)
    # Every daemon is asked; the one whose switch has his leg does it. Today there is one.
    bad = [
        f"{instance}: {'no answer' if answer is None else answer['why']}"
        for instance, answer in answers.items()
        if answer is None or not answer["ok"]
    ]
    for line in bad:
        click.echo(line, err=True)
    for answer in answers.values():
        if answer and answer["ok"]:
            wish = f", then {answer['wish']}" if answer.get("wish") else ""
            click.echo(f"{words['operator']}: {answer['state']}{wish}")
    sys.exit(1 if bad else 0)


@operator_command.command()
@NAME
@CONFIG
def login(operator: str, config: Path) -> None:
    """Call his phone and keep the line: he works."""
    _send(config, "operator.login", {"operator": operator})


@operator_command.command()
@NAME
@CONFIG
def ready(operator: str, config: Path) -> None:
    """Back from a pause."""
    _send(config, "operator.ready", {"operator": operator})


@operator_command.command()
@NAME
@click.option("--reason", required=True, help="One of the configured pause reasons.")
@CONFIG
def pause(operator: str, reason: str, config: Path) -> None:
    """Pause, at once or after the present call."""
    reasons = load(config).settings.pause_reasons
    if reasons and reason not in reasons:
        raise ConfigError(
            [
                Problem(
                    place="--reason", what="is not configured", remedy=f"one of {list(reasons)}"
                )
            ]
        )
    _send(config, "operator.pause", {"operator": operator, "reason": reason})


@operator_command.command()
@NAME
@CONFIG
def logout(operator: str, config: Path) -> None:
    """Go home, at once or after the present call."""
    _send(config, "operator.logout", {"operator": operator})


@operator_command.command()
@NAME
@CONFIG
def card(operator: str, config: Path) -> None:
    """Preview: show him the contact that he may call."""
    settings = load_for_stores(config).settings
    answers = ask(settings, "operator.card", {"operator": operator})
    found = next((one for one in answers.values() if one and one["ok"]), None)
    if found is None:
        why = next((one["why"] for one in answers.values() if one), "no daemon runs")
        click.echo(why, err=True)
        sys.exit(1)
    with ledger_of(settings) as ledger:
        contact = ledger.shown(ContactId(int(found["contact"])))
    rows = [("campaign", str(found["campaign"])), ("seconds left", f"{found['left_s']:.0f}")]
    if contact is not None:
        rows += _rows(contact)
    print_tables([Table(title=operator, columns=(Column(""), Column("")), rows=rows)])


def _rows(contact: Shown) -> list[tuple[str, str]]:
    last = contact.last_contact_at
    rows = [
        *contact.person._asdict().items(),
        ("status", contact.status),
        ("source", contact.source),
        ("segment", contact.segment),
        ("region", contact.region),
        ("tags", ", ".join(contact.tags)),
        ("last contact", "" if last is None else f"{last:%Y-%m-%d}"),
        *contact.fields.items(),
    ]
    return [(str(name), str(value)) for name, value in rows if value not in (None, "")]


@operator_command.command()
@NAME
@CONFIG
def start(operator: str, config: Path) -> None:
    """Preview: call the contact on his card."""
    _send(config, "operator.start", {"operator": operator})


@operator_command.command()
@NAME
@CONFIG
def skip(operator: str, config: Path) -> None:
    """Preview: not this contact now; he keeps his place and is shown again later."""
    _send(config, "operator.skip", {"operator": operator})


@operator_command.command()
@NAME
@CONFIG
def mask(operator: str, config: Path) -> None:
    """Silence in the recording of his talk, while card data is said."""
    _send(config, "operator.mask", {"operator": operator, "by": getpass.getuser()})


@operator_command.command()
@NAME
@CONFIG
def unmask(operator: str, config: Path) -> None:
    """The recording of his talk goes on."""
    _send(config, "operator.unmask", {"operator": operator, "by": getpass.getuser()})


@operator_command.command()
@NAME
@click.option("--result", required=True, help="What the talk came to.")
@click.option("--tag", "tags", multiple=True, help="From the dictionary of tags; repeatable.")
@click.option("--summary", default="", help="A short summary.")
@click.option("--attempt", default="", help="Not his last call but this one.")
@CONFIG
def dispose(
    operator: str, result: str, tags: tuple[str, ...], summary: str, attempt: str, config: Path
) -> None:
    """Note the result of his talk; his wrap-up ends."""
    words = {
        "operator": operator,
        "result": result,
        "tags": list(tags),
        "summary": summary,
        "attempt": attempt,
    }
    _send(config, "operator.dispose", words)
