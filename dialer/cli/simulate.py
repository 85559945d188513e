"""`dialer simulate FILE.yaml|FAMILY[:OPERATORS]`: the core in virtual time, with its score."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import orjson

from dialer.cli.bar import Bar
from dialer.cli.options import JSON
from dialer.cli.sheets import print_sheets
from dialer.core.model import Mode
from dialer.forecast.families import is_family, made
from dialer.forecast.grid import FINE, coarse
from dialer.forecast.layout import score_sheet
from dialer.forecast.pace import MODES
from dialer.forecast.scenario import Scenario
from dialer.forecast.scenario_file import load_scenario
from dialer.forecast.simulated import Row, pooled, simulate


@click.command()
@click.argument("scenario")
@click.option(
    "--pacing",
    "pacings",
    type=click.Choice([one.value for one in MODES]),
    multiple=True,
    default=[Mode.PREDICTIVE.value],
    show_default=True,
    help="May be given several times: the same people are then dialed by each.",
)
@click.option("--seeds", type=click.IntRange(1, 1000), default=3, show_default=True)
@click.option("--first-seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--hours",
    type=click.FloatRange(0.05, 24),
    default=8.0,
    show_default=True,
    help="Of a family.",
)
@click.option(
    "--cap", type=click.FloatRange(0.1, 99), default=3.0, show_default=True, help="In per cent."
)
@click.option(
    "--ratio", type=click.FloatRange(1, 10), default=2.0, show_default=True, help="Of power."
)
@click.option(
    "--coarse", "is_coarse", is_flag=True, help="Fewer decisions: faster, less exact."
)
@JSON
def simulate_command(
    *,
    scenario: str,
    pacings: tuple[str, ...],
    seeds: int,
    first_seed: int,
    hours: float,
    cap: float,
    ratio: float,
    is_coarse: bool,
    as_json: bool,
) -> None:
    """Dial made-up shifts with the core that dials: a scenario file, or a family of worlds."""
    shifts = [_shift(scenario, first_seed + one, hours) for one in range(seeds)]
    rows: dict[str, Row] = {}
    total_s = sum(one.lasts_s for one in shifts) * len(pacings)
    with Bar(total_s, "simulated") as bar:
        for pacing in pacings:
            done = []
            for one in shifts:
                grid = coarse(one.staff.operators) if is_coarse else FINE
                done.append(
                    simulate(
                        one,
                        Mode(pacing),
                        cap=cap / 100.0,
                        ratio=ratio,
                        grid=grid,
                        progress=bar.part(),
                    )
                )
                bar.finish(one.lasts_s)
            rows[pacing] = pooled(done)
    if as_json:
        click.echo(orjson.dumps({name: asdict(row) for name, row in rows.items()}))
        return
    print_sheets([score_sheet(scenario, rows)])


def _shift(scenario: str, seed: int, hours: float) -> Scenario:
    """Raises ConfigError."""
    if is_family(scenario) and not Path(scenario).exists():
        return made(scenario, seed, hours * 3600.0)
    if Path(scenario).suffix in (".yaml", ".yml"):
        return load_scenario(Path(scenario), seed)
    return made(scenario, seed, hours * 3600.0)
