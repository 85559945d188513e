"""`dialer complaint`: somebody has complained. It is kept and counted; he is called no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import orjson

from dialer.cli.options import CONFIG, JSON
from dialer.cli.people import digits_of, enforce, say_enforced, who
from dialer.cli.stores import campaign_named, ledger_of, load_for_stores
from dialer.reports.tables import Column, Table, harmless, print_tables
from dialer.reports.wording import masked


@click.group("complaint")
def complaint_command() -> None:
    """Note a complaint, or list them."""


@complaint_command.command("add")
@click.argument("phone")
@click.option("--text", required=True, help="What was said; kept sealed.")
@click.option("--campaign", help="Default: the campaign that has called this phone last.")
@click.option("--keep-calling", is_flag=True, help="Add no stop: he wishes to be called.")
@CONFIG
def add(phone: str, text: str, campaign: str | None, keep_calling: bool, config: Path) -> None:
    """Note a complaint of this phone's owner, and stop his phone."""
    digits = digits_of(phone)
    loaded = load_for_stores(config)
    if campaign is not None:
        campaign_named(loaded, campaign)
    now = datetime.now(UTC)
    with ledger_of(loaded.settings) as ledger:
        known = ledger.find_or_add_phone(digits)
        if not keep_calling:
            ledger.add_stop(known, origin="complaint", now=now)
            say_enforced(enforce(loaded.settings, ledger, [known]), "his stop is in force")
        counted = ledger.add_complaint(known, text, campaign=campaign, by=who(), now=now)
    against = "no campaign: none has called him in 30 days" if counted is None else counted
    click.echo(f"noted; it counts against {against}")


@complaint_command.command("list")
@click.option("--days", default=30, show_default=True, help="Of so many days.")
@click.option("--campaign", help="Only about this campaign.")
@JSON
@CONFIG
def list_command(days: int, campaign: str | None, as_json: bool, config: Path) -> None:
    """List complaints, the newest first, with their words; numbers are masked."""
    since = datetime.now(UTC) - timedelta(days=days)
    with ledger_of(load_for_stores(config).settings) as ledger:
        found = ledger.complaints(since, campaign)
    if as_json:
        shown = [{**one._asdict(), "digits": masked(one.digits)} for one in found]
        click.echo(orjson.dumps(shown, default=str))
        return
    rows = [
        (
            f"{one.at.astimezone():%Y-%m-%d %H:%M}",
            one.campaign or "–",
            masked(one.digits),
            harmless(one.taken_by),
            harmless(one.text or ""),
        )
        for one in found
    ]
    names = ("when", "campaign", "phone", "taken by", "words")
    table = Table(
        title=f"Complaints of {days} days",
        columns=tuple(Column(name) for name in names),
        rows=rows,
        empty="none",
    )
    print_tables([table])
