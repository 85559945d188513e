"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path

import click

CONFIG = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("config/dialer.yaml"),
    envvar="DIALER_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The daemon's configuration.",
)

JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
