"""`dialer lead PHONE`: a hot lead, dialed ahead of the queue if it may be dialed now (R3.5).

The consent arrives with the lead (R6.9). What forbids the call is said at once, in words; the
intent asks the same rules once more before anything is dialed.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from dialer.app import SystemClock, ask, holidays_of
from dialer.cli.options import CONFIG
from dialer.cli.stores import campaign_named, keep_up, ledger_of, load_for_stores, zone_of
from dialer.core.model import Campaign
from dialer.errors import ConfigError, Problem, StoreError
from dialer.ledger.store import PostgresLedger
from dialer.ports import HotLead, ImportedConsent, ImportedPhone, ImportRow
from dialer.reports.queue_now import Held, refusal_of
from dialer.reports.wording import clock
from dialer.settings.cells import clean, read_instant
from dialer.settings.contact_rows import region_of
from dialer.settings.daemon import Settings
from dialer.settings.phones import PhoneReader


@click.command()
@click.argument("phone")
@click.option("--campaign", required=True, help="Which campaign dials it.")
@click.option("--name", help="The contact's name.")
@click.option("--source", default="hot lead", show_default=True, help="Where it comes from.")
@click.option("--region", help="Region or city; places a mobile in its time zone.")
@click.option("--consent-at", help="When the consent was given: 2026-11-24T10:30.")
@click.option("--evidence", help="How the consent is proved: the form's id, a recording.")
@CONFIG
def lead_command(
    phone: str,
    campaign: str,
    name: str | None,
    source: str,
    region: str | None,
    consent_at: str | None,
    evidence: str | None,
    config: Path,
) -> None:
    """Dial a contact ahead of the queue: a hot lead."""
    loaded = load_for_stores(config)
    settings, chosen = loaded.settings, campaign_named(loaded, campaign)
    now = datetime.now(UTC)
    row = ImportRow(
        line=1,
        phones=(_phone(phone, region, settings),),
        name=clean(name) if name else None,
        region=region_of(region)[0] if region else None,
        source=clean(source) or None,
        added_at=now,
        tags=("warm lead",),
        consent=_consent(chosen, consent_at, evidence, now),
    )
    with ledger_of(settings) as ledger:
        keep_up(ledger, chosen, now)
        lead = _add(ledger, chosen, row, now)
        holidays = holidays_of(settings, SystemClock())(chosen)
        refused = refusal_of(ledger, chosen, lead.contact_id, now, holidays)
        halted = ledger.halted()
    _wake(settings)
    if refused is not None:
        _say_refused(refused, zone_of(chosen), now)
    if not chosen.active:
        _refuse("the campaign is switched off (active: false)")
    if halted:
        _refuse("the emergency stop is on")
    click.echo("dialed ahead of the queue as soon as a line and an operator are free")


def _phone(text: str, region: str | None, settings: Settings) -> ImportedPhone:
    """Raises ConfigError with the refusal's sentence; the number itself is not repeated."""
    reader = PhoneReader(destinations=settings.destinations, own_numbers=settings.own_numbers)
    read = reader.read(text, region_of(region)[1] if region else None)
    if isinstance(read, str):
        raise ConfigError([Problem(place="phone", what=read, remedy="like +79161234567")])
    return read


def _consent(
    campaign: Campaign, given: str | None, evidence: str | None, now: datetime
) -> ImportedConsent | None:
    if given is None:
        if evidence is not None:
            what = "is missing, while an evidence is given"
            raise ConfigError([Problem(place="--consent-at", what=what)])
        return None
    given_at = read_instant(given, zone_of(campaign))
    if given_at is None:
        what, remedy = "is no date", "like 2026-11-24T10:30 or 24.11.2026"
        raise ConfigError([Problem(place="--consent-at", what=what, remedy=remedy)])
    if given_at > now:
        raise ConfigError([Problem(place="--consent-at", what="lies in the future")])
    if not evidence or not clean(evidence):
        what, remedy = "is missing", "a consent is proved, not ticked: the form's id, a file"
        raise ConfigError([Problem(place="--evidence", what=what, remedy=remedy)])
    return ImportedConsent(
        purpose=campaign.purpose, given_at=given_at, evidence=clean(evidence)
    )


def _add(ledger: PostgresLedger, campaign: Campaign, row: ImportRow, now: datetime) -> HotLead:
    try:
        return ledger.add_hot_row(campaign.name, row, now)
    except StoreError as error:
        if error.what != "no card is made":
            raise
        for reason in error.remedy.split(", "):
            _refuse(Held(reason=reason, contacts=1).sentence)
        raise


def _say_refused(refused: Held, zone: str, now: datetime) -> None:
    again = f"; looked at again {clock(refused.until, zone, now)}" if refused.until else ""
    _refuse(f"{refused.sentence}{again}")


def _refuse(why: str) -> None:
    """Ends the program: the lead is not dialed now."""
    click.echo(f"not dialed now: {why}", err=True)
    sys.exit(1)


def _wake(settings: Settings) -> None:
    """The ledger has told the daemons already; this is for those that do not listen now."""
    try:
        ask(settings, "hot", {}, timeout_s=1.0)
    except StoreError as error:
        click.echo(f"the daemons could not be told, they look by themselves: {error}", err=True)
