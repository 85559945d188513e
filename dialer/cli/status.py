"""`dialer status`: what the daemons are doing, from what they publish each second."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console

from dialer.app import make_presence
from dialer.cli.options import CONFIG, JSON
from dialer.cli.view import overview
from dialer.settings.loading import load


@click.command()
@CONFIG
@JSON
def status_command(config: Path, as_json: bool) -> None:
    """Exit code 0: every daemon dials; 1: none runs, or something holds one back."""
    settings = load(config).settings
    presence = make_presence(settings)
    statuses = {str(name): dict(one) for name, one in presence.statuses().items()}
    operators = {str(name): dict(one) for name, one in presence.operators().items()}
    if as_json:
        click.echo(orjson.dumps({"daemons": statuses, "operators": operators}))
    elif not statuses:
        click.echo("no daemon runs (dialer run), or it cannot reach Redis")
    else:
        Console().print(overview(statuses, operators))
    held = any(one["held_back_by"] or _unrecorded(one) for one in statuses.values())
    sys.exit(0 if statuses and not held else 1)


def _unrecorded(status: Mapping[str, Any]) -> bool:
    recordings = status.get("recordings")
    return bool(recordings and recordings["trouble"])
