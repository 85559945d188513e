"""`dialer supervise OPERATOR`: a supervisor's phone is called and hears the operator's talks.

He stays with the operator from talk to talk until one of the two hangs up. On his own phone the
keys 0 (listen), 2 (whisper) and 3 (barge) change what he does, too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from dialer.app import ask
from dialer.cli.options import CONFIG
from dialer.core.model import OperatorId, Supervision
from dialer.errors import ConfigError, Problem
from dialer.settings.daemon import Settings
from dialer.settings.loading import load
from dialer.settings.scalars import read_extension
from dialer.settings.wording import did_you_mean


@click.command()
@click.argument("operator")
@click.option("--phone", default=None, help="The extension to call.")
@click.option(
    "--as", "name", default=None, help="Who listens; without --phone his own one is called."
)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Supervision]),
    default="listen",
    show_default=True,
    help="whisper: only the operator hears him; barge: both do. Again: another mode.",
)
@CONFIG
def supervise_command(
    operator: str, phone: str | None, name: str | None, mode: str, config: Path
) -> None:
    """Listen to an operator's talks, whisper to him, or barge in; each step is logged."""
    settings = load(config).settings
    if OperatorId(operator) not in settings.operators:
        raise _wrong(
            "operator", "is not configured", did_you_mean(operator, settings.operators)
        )
    words = {
        "operator": operator,
        "supervisor": name or f"phone-{phone}",
        "endpoint": _endpoint(settings, phone, name),
        "mode": mode,
    }
    answers = ask(settings, "supervise", words)
    if not answers:
        click.echo("no daemon runs: nothing was done", err=True)
        sys.exit(1)
    for instance, answer in answers.items():
        if answer is None or not answer["ok"]:
            why = "no answer" if answer is None else answer["why"]
            click.echo(f"{instance}: {why}", err=True)
    good = [answer for answer in answers.values() if answer and answer["ok"]]
    if good:
        click.echo(f"{words['supervisor']} with {operator}: {mode}")
    sys.exit(0 if good else 1)


def _endpoint(settings: Settings, phone: str | None, name: str | None) -> str:
    """The dial string of the phone to be called. Raises ConfigError."""
    if phone is None:
        own = settings.operators.get(OperatorId(name or ""))
        if own is None:
            what = "says no phone to call" if name is None else f"nobody here is called {name}"
            raise _wrong("--phone", what, "an extension, like --phone 199")
        return own.endpoint
    try:
        extension = read_extension(phone)
    except ValueError as error:
        raise _wrong("--phone", "is not an extension", "like 199") from error
    if settings.switch.domain is None:
        what = "the switch's domain is not configured"
        raise _wrong("--phone", what, "switch: {domain: pbx.example}")
    return f"user/{extension}@{settings.switch.domain}"


def _wrong(place: str, what: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(place=place, what=what, remedy=remedy)])
