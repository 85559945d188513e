"""`dialer plan CAMPAIGN`: a dry run of the next minutes (R10.3).

The campaign's queue is put in order by its file, as the daemon does at its start; no number is
counted, nobody is claimed, no call goes out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from dialer.app import SystemClock, holidays_of
from dialer.cli.options import CONFIG, JSON
from dialer.cli.stores import campaign_named, keep_up, ledger_of, load_for_stores, zone_of
from dialer.reports.as_json import plan_json
from dialer.reports.layout import plan_tables
from dialer.reports.planned import PlanQuestion, plan
from dialer.reports.tables import print_tables


@click.command()
@click.argument("campaign")
@click.option(
    "--limit", type=click.IntRange(0, 1000), default=20, show_default=True, help="So many rows."
)
@CONFIG
@JSON
def plan_command(campaign: str, limit: int, config: Path, as_json: bool) -> None:
    """Show what a campaign would dial now, and why each other one is held back."""
    loaded = load_for_stores(config)
    chosen, settings = campaign_named(loaded, campaign), loaded.settings
    question = PlanQuestion(
        now=datetime.now(UTC),
        limit=limit,
        numbers=settings.pools.get(chosen.pool, ()),
        holidays=holidays_of(settings, SystemClock())(chosen),
        zone=zone_of(chosen),
    )
    with ledger_of(settings) as ledger:
        keep_up(ledger, chosen, question.now)
        planned = plan(ledger, chosen, question)
    if as_json:
        click.echo(orjson.dumps(plan_json(planned)))
        return
    print_tables(plan_tables(planned), planned.notes)
