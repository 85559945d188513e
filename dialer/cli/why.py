"""`dialer why ATTEMPT|PHONE` and `dialer why-not PHONE`: on what ground, and why not (R6.8).

In English and Russian; --file writes everything as one JSON document for a supervising body.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import orjson

from dialer.app import SystemClock, holidays_of
from dialer.cli.options import CONFIG, JSON
from dialer.cli.people import digits_of
from dialer.cli.stores import campaign_named, ledger_of, load_for_stores
from dialer.core.model import AttemptId
from dialer.core.permission.destinations import refusal
from dialer.core.permission.persistence import DAYS, Figures
from dialer.errors import ConfigError, Problem
from dialer.ledger.store import PostgresLedger
from dialer.reports.grounds_told import (
    PERSON_FIGURES,
    WORDS,
    attempt_lines,
    of_person,
    why,
    why_not,
)
from dialer.reports.tables import Column, Table, harmless, print_tables
from dialer.reports.wording import masked
from dialer.settings.daemon import Settings
from dialer.settings.phones import parse_phone

LANGUAGE = click.option(
    "--language", type=click.Choice(["en", "ru"]), default="en", show_default=True
)
FILE = click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write everything there, as one document for a supervising body.",
)


@click.command("why")
@click.argument("attempt")
@LANGUAGE
@FILE
@CONFIG
@JSON
def why_command(
    attempt: str, language: str, file: Path | None, config: Path, as_json: bool
) -> None:
    """Say on what ground an attempt was made, as it was decided then.

    ATTEMPT is its id, or a phone: then every attempt on it.
    """
    settings = load_for_stores(config).settings
    with ledger_of(settings) as ledger:
        found = [one for key in _wanted(ledger, attempt) if (one := why(ledger, key))]
    if not found:
        click.echo("there is no such attempt", err=True)
        sys.exit(1)
    told = [(one, {word: attempt_lines(one, word) for word in ("en", "ru")}) for one in found]
    if file is not None or as_json:
        answers = [{"attempt": one, **_both(lines)} for one, lines in told]
        one_of = answers[0] if _is_id(attempt) else {"attempts": answers}
        document = {**_head(settings), **one_of}
        if file is not None:
            _write(file, document)
        else:
            click.echo(orjson.dumps(document, default=str))
        return
    columns = (Column(""), Column(""))
    print_tables(
        [
            Table(title=one["attempt"], columns=columns, rows=_harmless(lines[language]))
            for one, lines in told
        ]
    )


def _wanted(ledger: PostgresLedger, asked: str) -> Sequence[AttemptId]:
    """Raises ConfigError: neither an id nor a phone."""
    if _is_id(asked):
        return [AttemptId(str(UUID(asked)))]
    digits = parse_phone(asked)
    if isinstance(digits, str):
        what = "is neither an attempt's id nor a phone"
        remedy = "the channel's uuid, as reports and logs show it; or like +79161234567"
        raise ConfigError([Problem(place="attempt", what=what, remedy=remedy)])
    known = ledger.find_phone(digits.digits)
    return () if known is None else ledger.attempts_of(known)


def _is_id(asked: str) -> bool:
    try:
        UUID(asked)
    except ValueError:
        return False
    return True


def _harmless(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(title, harmless(value)) for title, value in lines]


@click.command("why-not")
@click.argument("phone")
@click.option("--campaign", help="Only this campaign's answer.")
@LANGUAGE
@FILE
@CONFIG
@JSON
def why_not_command(
    phone: str,
    campaign: str | None,
    language: str,
    file: Path | None,
    config: Path,
    as_json: bool,
) -> None:
    """Say why a phone is not called, or that it may be, campaign by campaign."""
    digits = digits_of(phone)
    loaded = load_for_stores(config)
    settings = loaded.settings
    chosen = [campaign_named(loaded, campaign)] if campaign else list(loaded.campaigns)
    holidays = holidays_of(settings, SystemClock())
    refused = refusal(
        digits, destinations=settings.destinations, own_numbers=settings.own_numbers
    )
    now = datetime.now(UTC)
    with ledger_of(settings) as ledger:
        known = ledger.find_phone(digits)
        asked = [(one, holidays(one)) for one in chosen]
        told, figures = [], Figures()
        if known is not None:
            told = why_not(ledger, known, asked, now, destination_allowed=refused is None)
            figures = ledger.persistence_of(known, now - timedelta(days=DAYS))
    document = {
        **_head(settings),
        "phone": masked(digits),
        "known": known is not None,
        "persistence": {key: getattr(figures, key) for key in PERSON_FIGURES},
        "answers": [one.as_json() for one in told],
    }
    if file is not None:
        _write(file, document)
    elif as_json:
        click.echo(orjson.dumps(document, default=str))
    elif known is None:
        click.echo(WORDS[language]["unknown"])
    else:
        for one in told:
            click.echo(f"{one.campaign}: {one.sentence(language)}")
        click.echo(of_person(figures, language))


def _head(settings: Settings) -> dict[str, Any]:
    """Who answers, and when it was written."""
    answers = settings.responsible
    return {
        "written_at": datetime.now(UTC),
        "responsible": None
        if answers is None
        else {"name": answers.name, "contact": answers.contact},
    }


def _both(lines: dict[str, list[tuple[str, str]]]) -> dict[str, Any]:
    return {language: [list(pair) for pair in pairs] for language, pairs in lines.items()}


def _write(file: Path, document: dict[str, Any]) -> None:
    try:
        text = orjson.dumps(document, default=str, option=orjson.OPT_INDENT_2)
        file.write_bytes(text)
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise ConfigError([Problem(place=f"--file {file}", what=what)]) from error
    click.echo(f"written: {file}")
