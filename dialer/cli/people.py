"""What the verbs about a person's phone share: the number read, the effect of a stop."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import datetime

import click

from dialer.app import SystemClock, make_hopper, make_presence
from dialer.core.model import PhoneId
from dialer.engine.stopping import Enforced, stop_everywhere
from dialer.errors import ConfigError, Problem
from dialer.ledger.store import PostgresLedger
from dialer.settings.cells import read_instant
from dialer.settings.daemon import Settings
from dialer.settings.phones import parse_phone


def digits_of(text: str) -> str:
    """E.164. Raises ConfigError with the refusal's sentence; the number is not repeated."""
    parsed = parse_phone(text)
    if isinstance(parsed, str):
        raise ConfigError([Problem(place="phone", what=parsed, remedy="like +79161234567")])
    return parsed.digits


def who() -> str:
    """The person at the terminal, for the audit."""
    return getpass.getuser()


def instant_of(text: str, option: str, zone: str) -> datetime:
    """Raises ConfigError that names the option."""
    found = read_instant(text, zone)
    if found is None:
        what, remedy = "is no date", "like 2026-11-24T10:30 or 24.11.2026"
        raise ConfigError([Problem(place=option, what=what, remedy=remedy)])
    return found


def enforce(settings: Settings, ledger: PostgresLedger, phones: Sequence[PhoneId]) -> Enforced:
    """The stop stands in the ledger: now nothing of it may ring any more (R6.2)."""
    return stop_everywhere(
        ledger, make_hopper(settings), make_presence(settings), SystemClock(), phones
    )


def say_enforced(enforced: Enforced, said: str) -> None:
    """One line, "in force ...; one call may ring until 14:03:27"."""
    click.echo(f"{said}; {enforced.sentence}")
    if enforced.unsure:
        click.echo(
            f"the daemons could not be told, they refuse it by themselves: {enforced.unsure}",
            err=True,
        )
