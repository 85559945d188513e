"""`dialer doctor`: everything around the daemon looked at: fine, a warning, or a failure.

Each line says what to do. Exit code 0: no failure, 1: something keeps us from dialing as we
should. Changes nothing, needs no root; a running daemon is not disturbed.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dialer.app import make_vault, questions_to_switch, switch_lets_in
from dialer.cli import doctor_numbers, doctor_stores, doctor_switch
from dialer.cli.findings import Finding, Level, failure
from dialer.cli.options import CONFIG, JSON
from dialer.cli.quiet import quiet
from dialer.cli.stores import ledger_of
from dialer.errors import StoreError, SwitchError
from dialer.hopper import facts as redis_facts
from dialer.hopper.client import connect
from dialer.ledger import facts as postgres_facts
from dialer.settings.daemon import Settings
from dialer.settings.loading import Loaded, load

STYLES = {Level.FINE: "green", Level.WARNING: "yellow", Level.FAILURE: "bold red"}


@click.command()
@click.option("--fine/--no-fine", "show_fine", default=True, help="Show what is fine, too.")
@CONFIG
@JSON
def doctor_command(show_fine: bool, config: Path, as_json: bool) -> None:
    """Look at switch, stores, gateways, sounds, clocks and contracts."""
    quiet()
    loaded = load(config)
    findings = list(examine(loaded))
    counts = Counter(one.level for one in findings)
    if as_json:
        click.echo(
            orjson.dumps(
                {
                    "findings": findings,
                    "counts": {level.value: counts[level] for level in Level},
                }
            )
        )
    else:
        shown = [one for one in findings if show_fine or one.level is not Level.FINE]
        Console(soft_wrap=False).print(_table(shown))
        click.echo(
            f"{counts[Level.FINE]} fine, {counts[Level.WARNING]} warnings,"
            f" {counts[Level.FAILURE]} failures"
        )
    sys.exit(1 if counts[Level.FAILURE] else 0)


def examine(loaded: Loaded) -> Iterator[Finding]:
    """Everything, one after the other; what cannot be reached is a failure of its own."""
    settings = loaded.settings
    yield from _switch(loaded)
    yield from _redis(settings)
    yield from _postgresql(settings)
    yield from doctor_numbers.of_contracts(settings)
    yield from doctor_numbers.of_callbacks(settings)


def _switch(loaded: Loaded) -> Iterator[Finding]:
    settings = loaded.settings
    host, port = settings.switch.host, settings.switch.port
    default = switch_lets_in(settings, host, doctor_switch.DEFAULT_PASSWORD)
    yield from doctor_switch.of_password(settings, default)
    local = _is_loopback(host)
    elsewhere = _public_address() if local else None
    greeted = elsewhere and switch_lets_in(settings, elsewhere, "not a password") is not None
    yield from doctor_switch.of_reach(local, greeted or None)
    messages = sorted({one.message for one in loaded.campaigns})
    try:
        with questions_to_switch(settings) as questions:
            facts = questions.facts(list(settings.trunks), messages)
    except SwitchError as error:
        remedy = f"is FreeSWITCH up, and does event_socket.conf.xml fit {host}:{port}?"
        yield failure(doctor_switch.SWITCH, str(error), remedy)
        return
    yield from doctor_switch.of_switch(facts, settings)
    yield from doctor_switch.of_gateways(facts, settings)
    yield from doctor_switch.of_sounds(facts, settings, loaded.campaigns)
    yield from doctor_switch.of_phones(facts, settings)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _public_address() -> str | None:
    """This machine's own address towards others; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if _is_loopback(address) else address


def _redis(settings: Settings) -> Iterator[Finding]:
    try:
        with connect(settings.redis_url, connections=1) as client:
            facts = redis_facts.ask(client)
    except StoreError as error:
        yield failure(doctor_stores.REDIS, error.what, error.remedy or "redis: url")
        return
    yield from doctor_stores.of_redis(facts)


def _postgresql(settings: Settings) -> Iterator[Finding]:
    try:
        facts = postgres_facts.ask(settings.postgresql_dsn)
    except StoreError as error:
        yield failure(doctor_stores.POSTGRESQL, error.what, error.remedy or "postgresql: dsn")
        return
    yield from doctor_stores.of_postgresql(facts)
    if not facts.pending:
        yield from _keys(settings)


def _keys(settings: Settings) -> Iterator[Finding]:
    today = datetime.now(UTC).date()
    keys = make_vault(settings).keys
    try:
        with ledger_of(settings) as ledger:
            uses = ledger.data_keys() if keys else ()
    except StoreError as error:
        yield failure(doctor_stores.POSTGRESQL, error.what, error.remedy)
        return
    yield from doctor_stores.of_keys(uses, keys, today)


def _table(findings: list[Finding]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for one in findings:
        text = Text(one.what)
        if one.remedy:
            text.append(f"\n→ {one.remedy}", "dim")
        table.add_row(Text(one.level.value, STYLES[one.level]), one.subject, text)
    return table
