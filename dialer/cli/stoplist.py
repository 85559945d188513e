"""`dialer stoplist`: who is not to be contacted (R6.2-R6.4).

When `add` or `import` has answered, no daemon dials that phone any more: the ledger refuses
every intent, queued entries are void, a call being set up is cancelled first.
"""

from __future__ import annotations

import calendar
import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from dialer.cli.imports import written_rejects
from dialer.cli.options import CONFIG, JSON
from dialer.cli.people import digits_of, enforce, instant_of, say_enforced, who
from dialer.cli.stores import HOME_ZONE, ledger_of, load_for_stores
from dialer.core.model import PhoneId
from dialer.engine.stopping import Enforced
from dialer.errors import ConfigError, Problem
from dialer.ledger.stoplist import StopEntry
from dialer.ports import RejectedRow, StopImport, StopRow, Wish
from dialer.reports.tables import Column, Table, harmless, print_tables
from dialer.reports.wording import masked
from dialer.settings.stop_rows import StopFile, open_stops

PATH = click.Path(dir_okay=False, path_type=Path)
CATEGORIES = {"never": "never", "messages-only": "messages_only", "not-now": "not_now"}
#: R6.3: "not now" means half a year, where nothing else is said.
DEFAULT_MONTHS = 6
AUDIT_DAYS = 91
PRINTED = 20


@click.group("stoplist")
def stoplist_command() -> None:
    """Add, remove, import, export, audit and list the phones that are not to be called."""


def _wish(
    category: str,
    channel: str,
    campaign: str | None,
    purpose: str | None,
    end: tuple[str | None, int | None],
) -> Wish:
    """`end`: an instant as written, or months from now."""
    if campaign and purpose:
        what = "stands beside --campaign: a wish has one scope"
        raise ConfigError([Problem(place="--purpose", what=what)])
    until, months = end
    now = datetime.now(UTC)
    expires_at = instant_of(until, "--until", HOME_ZONE) if until else None
    if category == "not-now" and expires_at is None:
        expires_at = _months_on(now, months or DEFAULT_MONTHS)
    elif months is not None and expires_at is None:
        expires_at = _months_on(now, months)
    if expires_at is not None and expires_at <= now:
        raise ConfigError([Problem(place="--until", what="lies in the past")])
    scope = "campaign" if campaign else "purpose" if purpose else "global"
    return Wish(
        category=CATEGORIES[category],
        channel=channel,
        scope=scope,
        scope_value=campaign or purpose,
        expires_at=expires_at,
    )


def _months_on(now: datetime, months: int) -> datetime:
    """The same day of the month, or its last one."""
    years, month = divmod(now.month - 1 + months, 12)
    year = now.year + years
    last = calendar.monthrange(year, month + 1)[1]
    return now.replace(year=year, month=month + 1, day=min(now.day, last))


def _wish_options(function: Any) -> Any:
    for option in reversed(
        (
            click.option(
                "--category",
                type=click.Choice(sorted(CATEGORIES)),
                default="never",
                show_default=True,
                help="never; messages-only: may be written to; not-now: until a date.",
            ),
            click.option(
                "--channel",
                type=click.Choice(["phone", "sms", "email"]),
                default="phone",
                show_default=True,
                help="What is not wanted.",
            ),
            click.option("--campaign", help="Only by this campaign; default: by nobody."),
            click.option("--purpose", help="Only for this purpose."),
            click.option("--until", help="When the wish ends: 2027-05-24."),
            click.option("--months", type=click.IntRange(1, 120), help="Or after how long."),
        )
    ):
        function = option(function)
    return function


@stoplist_command.command("add")
@click.argument("phone")
@_wish_options
@click.option("--origin", default="command line", show_default=True, help="Who said so, how.")
@CONFIG
@JSON
def add(
    phone: str,
    category: str,
    channel: str,
    campaign: str | None,
    purpose: str | None,
    until: str | None,
    months: int | None,
    origin: str,
    config: Path,
    as_json: bool,
) -> None:
    """Stop a phone; in force when this has answered."""
    digits = digits_of(phone)
    wish = _wish(category, channel, campaign, purpose, (until, months))
    settings = load_for_stores(config).settings
    with ledger_of(settings) as ledger:
        known = ledger.find_or_add_phone(digits)
        stopped = ledger.add_stop(known, origin=origin, now=datetime.now(UTC), wish=wish)
        enforced = Enforced()
        if wish.channel == "phone":
            enforced = enforce(settings, ledger, [known])
    if as_json:
        click.echo(
            orjson.dumps(
                {
                    "number": stopped.number,
                    "is_new": stopped.is_new,
                    "cancelled": enforced.cancelled,
                    "not_confirmed": enforced.not_confirmed,
                    "may_ring_until": enforced.may_ring_until,
                }
            )
        )
        return
    said = f"in force (number {stopped.number})" if stopped.is_new else "was in force already"
    say_enforced(enforced, said)


@stoplist_command.command("remove")
@click.argument("phone")
@click.option("--channel", type=click.Choice(["phone", "sms", "email"]), help="Only this one.")
@CONFIG
def remove(phone: str, channel: str | None, config: Path) -> None:
    """The person has changed his mind: his wishes end. Logged."""
    digits = digits_of(phone)
    with ledger_of(load_for_stores(config).settings) as ledger:
        known = ledger.find_phone(digits)
        ended = 0
        if known is not None:
            ended = ledger.remove_stops(known, by=who(), now=datetime.now(UTC), channel=channel)
    if not ended:
        click.echo("the phone has no stop in force", err=True)
        sys.exit(1)
    click.echo(f"{ended} wish{'es' if ended > 1 else ''} ended")


# ------------------------------------------------------------------ files


@stoplist_command.command("import")
@click.argument("file", type=PATH)
@_wish_options
@click.option("--source", help="Whose list it is; its running numbers are told apart by it.")
@click.option("--rejected", type=PATH, help="Write every rejected row's line and reason there.")
@CONFIG
@JSON
def import_(
    file: Path,
    category: str,
    channel: str,
    campaign: str | None,
    purpose: str | None,
    until: str | None,
    months: int | None,
    source: str | None,
    rejected: Path | None,
    config: Path,
    as_json: bool,
) -> None:
    """Take over a list: a phone a line, or a CSV with a header."""
    default = _wish(category, channel, campaign, purpose, (until, months))
    stops = open_stops(file, default=default, zone=HOME_ZONE)
    settings = load_for_stores(config).settings
    told: list[Enforced] = []
    with (
        ledger_of(settings) as ledger,
        _watched(stops) as rows,
        written_rejects(rejected) as note,
    ):

        def ringing(phones: Sequence[PhoneId]) -> None:
            told.append(enforce(settings, ledger, phones))

        report = ledger.import_stops(
            rows,
            source=source or file.name,
            by=who(),
            now=datetime.now(UTC),
            rejected=note,
            ringing=ringing,
        )
    if as_json:
        click.echo(orjson.dumps(_as_json(report, told)))
    else:
        _say(report, told, stops.path.name)
    sys.exit(0 if report.rows > report.rejected else 1)


@contextmanager
def _watched(stops: StopFile) -> Iterator[Iterator[StopRow | RejectedRow]]:
    """The rows, with a bar on the terminal that moves with the bytes read."""
    console = Console(stderr=True)
    bar = Progress(
        TextColumn(harmless(stops.path.name), markup=False),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=stops.size_bytes)

        def rows() -> Iterator[StopRow | RejectedRow]:
            for count, row in enumerate(stops.rows()):
                if count % 1000 == 0:
                    bar.update(task, completed=stops.position_bytes)
                yield row
            bar.update(task, completed=stops.size_bytes)

        yield rows()


def _say(report: StopImport, told: Sequence[Enforced], name: str) -> None:
    for row in report.first_rejected[:PRINTED]:
        click.echo(f"{name}:{row.line}: {harmless(row.reason)}", err=True)
    if report.rejected > PRINTED:
        click.echo(f"and {report.rejected - PRINTED} more rejected rows", err=True)
    for first, last in report.gaps[:PRINTED]:
        click.echo(f"{name}: the numbers {first} to {last} are missing: ask for them", err=True)
    rows = [
        ("rows read", report.rows),
        ("new in force", report.added),
        ("ended", report.removed),
        ("in force already", report.known),
        ("taken over before, by their numbers", report.repeated),
        ("rejected", report.rejected),
        ("calls cancelled", sum(one.cancelled for one in told)),
    ]
    table = Table(
        title=f"{name} onto the stop list",
        columns=(Column(""), Column("", right=True)),
        rows=[(what, str(count)) for what, count in rows],
    )
    print_tables([table])
    for one in told:
        if one.may_ring_until is not None:
            click.echo(f"in force; {one.sentence}")


def _as_json(report: StopImport, told: Sequence[Enforced]) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "added": report.added,
        "removed": report.removed,
        "known": report.known,
        "repeated": report.repeated,
        "gaps": [list(gap) for gap in report.gaps],
        "rejected": report.rejected,
        "cancelled": sum(one.cancelled for one in told),
        "may_ring_until": max(
            (one.may_ring_until for one in told if one.may_ring_until), default=None
        ),
    }


_HEADER = (
    "number",
    "change",
    "phone",
    "channel",
    "category",
    "scope",
    "scope_value",
    "added_at",
    "expires_at",
    "origin",
)


@stoplist_command.command("export")
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
@click.option("--since", type=click.IntRange(0), help="Only changes after this number.")
@CONFIG
def export(file: TextIO, since: int | None, config: Path) -> None:
    """Write the list as CSV, or with --since every later change with its number.

    The numbers have no gap: who keeps a copy sees by them what he has missed.
    """
    rows = csv.writer(file)
    with ledger_of(load_for_stores(config).settings) as ledger:
        ledger.note_export("stop list exported", by=who(), now=datetime.now(UTC))
        if since is None:
            rows.writerow(_HEADER[2:])
            for one in ledger.stop_list.in_force(datetime.now(UTC)):
                if not one.digits:  # of an erased person: nobody can be told whom to spare
                    continue
                rows.writerow(_cells(one.digits, one[3:8], one.expires_at, one.origin))
            return
        rows.writerow(_HEADER)
        for change in ledger.stop_list.changes(since):
            cells = _cells(change.digits, change[5:10], change.expires_at, change.origin)
            rows.writerow((change.number, change.change, *cells))


def _cells(
    digits: str, wish: Iterable[Any], expires_at: datetime | None, origin: str
) -> list[str]:
    """Text that a spreadsheet does not take for a formula."""
    channel, category, scope, value, added_at = wish
    return [
        digits,
        channel,
        category,
        scope,
        harmless(value or ""),
        added_at.isoformat(),
        expires_at.isoformat() if expires_at else "",
        harmless(origin).lstrip("=@"),
    ]


# ------------------------------------------------------------------ looked through


@stoplist_command.command("list")
@CONFIG
@JSON
def list_(config: Path, as_json: bool) -> None:
    """How many wishes are in force, by channel, category and scope."""
    with ledger_of(load_for_stores(config).settings) as ledger:
        rows, last = ledger.stop_list.totals(datetime.now(UTC))
    if as_json:
        kinds = ("channel", "category", "scope", "entries")
        found = [dict(zip(kinds, row, strict=True)) for row in rows]
        click.echo(orjson.dumps({"last_number": last, "in_force": found}))
        return
    table = Table(
        title=f"Stops in force (latest change: number {last})",
        columns=(
            Column("channel"),
            Column("category"),
            Column("scope"),
            Column("", right=True),
        ),
        rows=[(channel, category, scope, str(n)) for channel, category, scope, n in rows],
    )
    print_tables([table])


@stoplist_command.command("audit")
@click.option("--days", type=click.IntRange(1), default=AUDIT_DAYS, show_default=True)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True)
@click.option("--keep", help="This phone was looked at: its wishes stand.")
@CONFIG
@JSON
def audit(days: int, limit: int, keep: str | None, config: Path, as_json: bool) -> None:
    """Entries that nobody has looked at for a quarter: owner or mind changed?"""
    now = datetime.now(UTC)
    digits = digits_of(keep) if keep else None
    with ledger_of(load_for_stores(config).settings) as ledger:
        if digits is not None:
            known = ledger.find_phone(digits)
            kept = ledger.stop_list.keep(known, by=who(), now=now) if known else 0
            click.echo(f"{kept} entries looked at, they stand")
            sys.exit(0 if kept else 1)
        found = ledger.stop_list.to_be_audited(now - timedelta(days=days), now, limit)
    if as_json:
        click.echo(orjson.dumps([_entry(one) for one in found]))
        return
    table = Table(
        title=f"Not looked at for {days} days",
        columns=(
            Column("phone"),
            Column("channel"),
            Column("category"),
            Column("scope"),
            Column("added"),
            Column("origin"),
        ),
        rows=[
            (
                masked(one.digits),
                one.channel,
                one.category,
                one.scope_value or one.scope,
                f"{one.added_at:%Y-%m-%d}",
                harmless(one.origin),
            )
            for one in found
        ],
    )
    print_tables([table])


def _entry(one: StopEntry) -> dict[str, Any]:
    return {
        "entry": one.seq,
        "phone": masked(one.digits),
        "channel": one.channel,
        "category": one.category,
        "scope": one.scope,
        "scope_value": one.scope_value,
        "added_at": one.added_at,
        "expires_at": one.expires_at,
        "origin": one.origin,
        "audited_at": one.audited_at,
    }
