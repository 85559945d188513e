"""`dialer check`: the configuration and every campaign, all that is wrong at once.

Needs no secrets and no switch. Where the database is at hand the lists are looked at, too:
whether the pools carry them (R1.11) and whether the rules' fields are there (R3.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from dialer.app import make_vault
from dialer.cli.options import CONFIG
from dialer.cli.quiet import quiet
from dialer.cli.stores import ledger_of
from dialer.core.base.priority import missing_fields
from dialer.core.model import Campaign, PoolName
from dialer.core.numbers import pools
from dialer.errors import StoreError
from dialer.ledger.store import PostgresLedger
from dialer.settings.calendars import moved_days_missing
from dialer.settings.daemon import Settings
from dialer.settings.data_keys import DATA_KEYS_FILE
from dialer.settings.loading import Loaded, load

#: A key that ends is told so long before.
ENDS_SOON_DAYS = 30


@click.command()
@click.option(
    "--campaign",
    "campaigns",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    help="Check these campaign files instead of those that the configuration names.",
)
@click.option("--offline", is_flag=True, help="Do not ask the database about the lists.")
@CONFIG
def check_command(campaigns: tuple[Path, ...], offline: bool, config: Path) -> None:
    """Say what is wrong in the configuration and the campaigns."""
    quiet()
    loaded = load(config, campaign_files=campaigns or None, secrets_needed=False)
    settings = loaded.settings
    click.echo(
        f"{config}: fine: {_count(len(loaded.campaigns), 'campaign')},"
        f" {_count(len(settings.numbers), 'number')} to show,"
        f" {_count(len(settings.operators), 'operator')}"
    )
    for campaign in loaded.campaigns:
        click.echo(f"  {_campaign(campaign, settings)}")
    for warning in _warnings(loaded):
        click.echo(f"warning: {warning}", err=True)
    click.echo(_ask_lists(loaded, offline=offline))


def _campaign(campaign: Campaign, settings: Settings) -> str:
    """One line: what it is, who talks, what it may show."""
    operators = sum(campaign.group in one.groups for one in settings.operators.values())
    carried = pools.plan(settings.pools.get(campaign.pool, ()), 0)
    rules = f", {_count(len(campaign.rules), 'rule')}" if campaign.rules else ""
    return (
        f"{campaign.name}: {campaign.mode.value}, list {campaign.list_name},"
        f" group {campaign.group} ({_count(operators, 'operator')}),"
        f" pool {campaign.pool} ({_count(carried.numbers, 'number')},"
        f" {carried.capacity} calls a day, at most {carried.hard_capacity}),"
        f" {campaign.order.value} order{rules}{'' if campaign.active else '; not active'}"
    )


def _warnings(loaded: Loaded) -> Iterator[str]:
    """What is allowed, and yet perhaps not meant."""
    if not loaded.campaigns:
        yield "there is no campaign: nothing would be dialed"
    yield from _key_warnings(loaded.settings)
    today = datetime.now(UTC).date()
    for country in sorted({one.holidays for one in loaded.campaigns if one.holidays}):
        year = moved_days_missing(loaded.settings.calendar, country, today)
        if year is not None:
            yield (
                f"{country}: no moved holidays of {year} are known yet: write them under"
                f" calendar: {country}: add / remove, or take a newer library"
            )
    for campaign in loaded.campaigns:
        if not campaign.windows:
            yield f"{campaign.name}: no calling windows: it dials at any hour of the day"
        for key, word in campaign.laxer.items():
            yield f"{campaign.name}: {key} is laxer than {campaign.preset} asks, on: {word}"
        if not campaign.consent_required:
            yield f"{campaign.name}: dials without consent, on: {campaign.consent_ground}"


def _key_warnings(settings: Settings) -> Iterator[str]:
    """Raises ConfigError where a file of keys is there and is not what it should be."""
    absent = [one for one in settings.key_files if one is not None and not one.exists()]
    for path in absent:
        yield f"{path} is not on this machine: the data keys were not looked at"
    if absent:
        return
    keys = make_vault(settings).keys
    if not keys:
        yield (
            f"no data key is given (keys_file, or {DATA_KEYS_FILE}): numbers, names, addresses"
            " and notes stand in the database in clear, and recordings in their folder"
            " (dialer keys new NAME)"
        )
    soon = datetime.now(UTC).date() + timedelta(days=ENDS_SOON_DAYS)
    for key in keys:
        if key.ends_on is not None and key.ends_on <= soon:
            yield (
                f"the data key {key.id} ends on {key.ends_on}: put a new key before it and"
                " run dialer keys rotate; afterwards nothing that it sealed can be dialed"
            )


# ------------------------------------------------------------------ the lists


def _ask_lists(loaded: Loaded, *, offline: bool) -> str:
    """Prints what the lists give reason to say; the last line: were they asked?"""
    if offline:
        return (
            "the database was not asked (--offline): pools and rules are not held against lists"
        )
    if not loaded.settings.postgresql_dsn:
        return "the database was not asked: its address is a secret that is not here"
    try:
        with ledger_of(loaded.settings) as ledger:
            for warning in _list_warnings(loaded, ledger):
                click.echo(f"warning: {warning}", err=True)
    except StoreError as error:
        return f"the database was not asked: {error}"
    return "the lists were looked at in the database"


def _list_warnings(loaded: Loaded, ledger: PostgresLedger) -> Iterator[str]:
    waiting: dict[PoolName, int] = {}
    now = datetime.now(UTC)
    for campaign in loaded.campaigns:
        contacts = ledger.reports.base_counts(campaign.list_name)["contacts"]
        if not contacts:
            yield f"{campaign.name}: the list {campaign.list_name} is empty"
            continue
        yield from _weak_rules(campaign, ledger)
        if campaign.active:
            open_ones = _open_contacts(campaign, ledger, contacts, now)
            waiting[campaign.pool] = waiting.get(campaign.pool, 0) + open_ones
    yield from _short_pools(loaded.settings, waiting)


def _weak_rules(campaign: Campaign, ledger: PostgresLedger) -> Iterator[str]:
    shares = ledger.reports.filled_shares(campaign.list_name)
    for field, filled in missing_fields(campaign.rules, shares):
        said = "no contact has it" if not filled else f"only {filled:.0%} have it"
        yield f"{campaign.name}: a rule looks at {field}, but on its list {said}"


def _open_contacts(
    campaign: Campaign, ledger: PostgresLedger, contacts: int, now: datetime
) -> int:
    """Contacts that this campaign has still to call: all of them before its first start."""
    states = ledger.reports.queue_states(campaign.name)
    if not states:
        return contacts
    return sum(one.entries for one in states if one.state in ("due", "waiting", "dialing"))


def _short_pools(settings: Settings, waiting: Mapping[PoolName, int]) -> Iterator[str]:
    """Numbers times soft limit against one call for each contact (R1.11)."""
    for name, contacts in waiting.items():
        plan = pools.plan(settings.pools.get(name, ()), contacts)
        if plan.warning and plan.capacity:
            days = f", {contacts / plan.capacity:.1f} days" if not plan.enough else ""
            yield (
                f"pool {name}: {contacts} contacts are to be called once, with room for"
                f" {plan.capacity} calls a day on {_count(plan.numbers, 'number')}"
                f" ({plan.share:.0%}{days})"
            )


def _count(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
