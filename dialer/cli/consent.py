"""`dialer consent`: what a person allowed on a phone, added and withdrawn (R6.1).

A withdrawal is in force when this has answered, like a stop; it holds also for a phone that is
not in the base yet.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from dialer.cli.options import CONFIG, JSON
from dialer.cli.people import digits_of, enforce, instant_of, say_enforced, who
from dialer.cli.stores import HOME_ZONE, ledger_of, load_for_stores
from dialer.core.permission.grounds import ConsentFact
from dialer.errors import ConfigError, Problem
from dialer.ports import ImportedConsent
from dialer.reports.tables import Column, Table, harmless, print_tables
from dialer.settings.cells import clean


@click.group("consent")
def consent_command() -> None:
    """Show, add and withdraw consents of a phone."""


@consent_command.command("show")
@click.argument("phone")
@CONFIG
@JSON
def show(phone: str, config: Path, as_json: bool) -> None:
    """Every consent and withdrawal on record, ended ones too."""
    digits = digits_of(phone)
    with ledger_of(load_for_stores(config).settings) as ledger:
        known = ledger.find_phone(digits)
        consents = ledger.consents_of(known) if known else ()
        withdrawals = ledger.withdrawals_of(known) if known else ()
    now = datetime.now(UTC)
    if as_json:
        found = {
            "consents": [_as_json(contact, one, now) for contact, one in consents],
            "withdrawals": [
                {"purpose": purpose or None, "at": at, "origin": origin}
                for purpose, at, origin in withdrawals
            ],
        }
        click.echo(orjson.dumps(found))
        return
    if not consents and not withdrawals:
        click.echo("no consent is on record for this phone", err=True)
        sys.exit(1)
    names = ("purpose", "given", "until", "state", "text", "source", "evidence")
    rows = [
        (
            harmless(one.purpose),
            f"{one.given_at:%Y-%m-%d %H:%M}",
            f"{one.expires_at:%Y-%m-%d}" if one.expires_at else "",
            _state(one, now),
            harmless(one.text_version or ""),
            harmless(one.source or ""),
            harmless(one.evidence or ""),
        )
        for _, one in consents
    ]
    rows += [
        (purpose or "all", "", "", f"withdrawn {at:%Y-%m-%d %H:%M}", "", harmless(origin), "")
        for purpose, at, origin in withdrawals
    ]
    table = Table(title="Consents", columns=tuple(Column(name) for name in names), rows=rows)
    print_tables([table])


def _state(consent: ConsentFact, now: datetime) -> str:
    if consent.withdrawn_at is not None:
        return f"withdrawn {consent.withdrawn_at:%Y-%m-%d %H:%M}"
    if consent.expires_at is not None and consent.expires_at <= now:
        return "expired"
    return "in force"


def _as_json(contact: int, consent: ConsentFact, now: datetime) -> dict[str, Any]:
    return {
        "contact": contact or None,
        "purpose": consent.purpose,
        "given_at": consent.given_at,
        "expires_at": consent.expires_at,
        "withdrawn_at": consent.withdrawn_at,
        "text_version": consent.text_version,
        "evidence": consent.evidence,
        "source": consent.source,
        "state": _state(consent, now).split()[0],
    }


@consent_command.command("add")
@click.argument("phone")
@click.option("--purpose", required=True, help="What for; campaigns name a purpose.")
@click.option("--given-at", required=True, help="When: 2026-11-24T10:30.")
@click.option("--evidence", required=True, help="How it is proved: form id, recording, file.")
@click.option("--text-version", help="Which text was shown.")
@click.option("--expires-at", help="Until when: 2027-11-24.")
@click.option("--source", default="command line", show_default=True)
@CONFIG
def add(
    phone: str,
    purpose: str,
    given_at: str,
    evidence: str,
    text_version: str | None,
    expires_at: str | None,
    source: str,
    config: Path,
) -> None:
    """A consent is proved, not ticked: evidence is asked for."""
    digits, now = digits_of(phone), datetime.now(UTC)
    given = instant_of(given_at, "--given-at", HOME_ZONE)
    if given > now:
        raise ConfigError([Problem(place="--given-at", what="lies in the future")])
    ends = instant_of(expires_at, "--expires-at", HOME_ZONE) if expires_at else None
    if ends is not None and ends <= given:
        raise ConfigError([Problem(place="--expires-at", what="lies before --given-at")])
    if not clean(evidence):
        raise ConfigError([Problem(place="--evidence", what="is empty")])
    consent = ImportedConsent(
        purpose=clean(purpose),
        given_at=given,
        expires_at=ends,
        text_version=clean(text_version) if text_version else None,
        evidence=clean(evidence),
    )
    with ledger_of(load_for_stores(config).settings) as ledger:
        known = ledger.find_or_add_phone(digits)
        added = ledger.add_consent(known, consent, source=source, by=who(), now=now)
    click.echo("consent on record" if added else "this consent was on record already")


@consent_command.command("withdraw")
@click.argument("phone")
@click.option("--purpose", help="For this purpose only; default: for every one.")
@CONFIG
def withdraw(phone: str, purpose: str | None, config: Path) -> None:
    """In force when this has answered, also for a phone that nobody knows yet."""
    digits, now = digits_of(phone), datetime.now(UTC)
    settings = load_for_stores(config).settings
    with ledger_of(settings) as ledger:
        known = ledger.find_or_add_phone(digits)
        withdrawn = ledger.withdraw_consents(known, purpose=purpose, now=now, by=who())
        enforced = enforce(settings, ledger, [known])
    count = f"{withdrawn} consent{'' if withdrawn == 1 else 's'} withdrawn"
    say_enforced(enforced, f"in force: {count}")
