"""`dialer report CAMPAIGN`: what came of it, on the terminal, as JSON, or as one HTML page."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import orjson

from dialer.app import SystemClock, holidays_of
from dialer.cli.options import CONFIG, JSON
from dialer.cli.stores import campaign_named, ledger_of, load_for_stores, zone_of
from dialer.core.model import Campaign
from dialer.errors import ConfigError, Problem
from dialer.reports.as_json import report_json
from dialer.reports.asked import ReportQuestion, campaign_report
from dialer.reports.layout import report_tables
from dialer.reports.page import report_page
from dialer.reports.tables import print_tables
from dialer.settings.cells import read_instant
from dialer.settings.loading import Loaded

_BACK = re.compile(r"([1-9][0-9]{0,3})(h|d)", re.ASCII)
_UNIT = {"h": timedelta(hours=1), "d": timedelta(days=1)}


@click.command()
@click.argument("campaign")
@click.option(
    "--since", help="today, 24h, 7d, 2026-11-24 or 2026-11-24T10:00; else from the beginning."
)
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write one self-contained page there.",
)
@CONFIG
@JSON
def report_command(
    campaign: str, since: str | None, page: Path | None, config: Path, as_json: bool
) -> None:
    """Show what came of a campaign."""
    loaded = load_for_stores(config)
    chosen = campaign_named(loaded, campaign)
    now = datetime.now(UTC)
    began = None if since is None else read_since(since, zone_of(chosen), now)
    with ledger_of(loaded.settings) as ledger:
        report = campaign_report(ledger, chosen, _question(loaded, chosen, began, now))
    if page is not None:
        _write(page, report_page(report))
        click.echo(f"written: {page}", err=as_json)
    if as_json:
        click.echo(orjson.dumps(report_json(report)))
    elif page is None:
        print_tables(report_tables(report))


def read_since(text: str, zone: str, now: datetime) -> datetime:
    """The instant meant. Raises ConfigError where it is none, or not over yet."""
    back = _BACK.fullmatch(text)
    if text == "today":
        day = now.astimezone(ZoneInfo(zone)).date()
        since: datetime | None = datetime.combine(day, time(), tzinfo=ZoneInfo(zone))
    elif back is not None:
        since = now - int(back[1]) * _UNIT[back[2]]
    else:
        since = read_instant(text, zone)
    if since is None:
        what, remedy = "is no time", "today, 24h, 7d, 2026-11-24 or 2026-11-24T10:00"
        raise ConfigError([Problem(place="--since", what=what, remedy=remedy)])
    if since > now:
        raise ConfigError([Problem(place="--since", what="lies in the future")])
    return since.astimezone(UTC)


def _question(
    loaded: Loaded, campaign: Campaign, since: datetime | None, now: datetime
) -> ReportQuestion:
    settings = loaded.settings
    return ReportQuestion(
        since=since,
        until=now,
        numbers=settings.pools.get(campaign.pool, ()),
        operators=[
            name for name, one in settings.operators.items() if campaign.group in one.groups
        ],
        zone=zone_of(campaign),
        holidays=holidays_of(settings, SystemClock())(campaign),
        currency=_currency(loaded, campaign),
    )


def _currency(loaded: Loaded, campaign: Campaign) -> str:
    gateways = loaded.settings.gateways
    prices = [gateways[name].price for name in campaign.gateways if name in gateways]
    return " or ".join(sorted({one.currency for one in prices if one is not None}))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise ConfigError([Problem(place=str(path), what=what)]) from error
