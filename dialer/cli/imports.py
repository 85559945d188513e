"""`dialer import FILE --list NAME`: contacts from CSV or JSON lines onto a list (R4.2).

Streams: the file may be larger than memory. An import that was interrupted is repeated; the
same file twice changes nothing. Exit code 0 also where rows were rejected, 1 where nothing of
the file could be loaded.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from dialer.app import tell_one
from dialer.cli.options import CONFIG, JSON
from dialer.cli.stores import ledger_of, load_for_stores
from dialer.errors import ConfigError, Problem, StoreError
from dialer.ports import ImportReport, ImportRow, RejectedRow
from dialer.reports.queue_now import Held
from dialer.reports.tables import Column, Table, harmless, print_tables
from dialer.settings.cells import clean
from dialer.settings.columns import ColumnMapping, load_mapping
from dialer.settings.csv_rows import ContactFile, open_contacts
from dialer.settings.loading import Loaded
from dialer.settings.phones import PhoneReader

PATH = click.Path(dir_okay=False, path_type=Path)

#: Rejected rows that are printed; all of them go to --rejected.
PRINTED = 20
#: The bar moves each so many rows.
STEP_ROWS = 500


@click.command()
@click.argument("file", type=PATH)
@click.option("--list", "list_name", required=True, help="Made where there is none yet.")
@click.option("--mapping", type=PATH, help="What the columns mean: config/mappings/*.yaml.")
@click.option("--source", help="Where contacts without a source come from; else the file.")
@click.option("--rejected", type=PATH, help="Write every rejected row's line and reason there.")
@CONFIG
@JSON
def import_command(
    file: Path,
    list_name: str,
    mapping: Path | None,
    source: str | None,
    rejected: Path | None,
    config: Path,
    as_json: bool,
) -> None:
    """Load a CSV or JSON-lines file into a list."""
    wanted = clean(list_name)
    if not wanted:
        raise ConfigError([Problem(place="--list", what="is empty")])
    loaded = load_for_stores(config)
    contacts = _open(file, mapping, loaded)
    done = _Import(contacts, wanted, source=clean(source or "") or file.name)
    if not as_json:
        _say_plan(contacts)
    with ledger_of(loaded.settings) as ledger, ExitStack() as stack:
        note = stack.enter_context(written_rejects(rejected))
        watched = stack.enter_context(done.watched())
        report = ledger.import_rows(
            wanted, watched, source=done.source, now=datetime.now(UTC), rejected=note
        )
    _have_counted(report, loaded)
    if as_json:
        click.echo(orjson.dumps(_as_json(report)))
    else:
        _say(report, done, loaded, everything=rejected is not None)
    sys.exit(0 if report.rows > report.rejected else 1)


def _open(file: Path, mapping: Path | None, loaded: Loaded) -> ContactFile:
    columns = load_mapping(mapping) if mapping else ColumnMapping()
    settings = loaded.settings
    phones = PhoneReader(destinations=settings.destinations, own_numbers=settings.own_numbers)
    return open_contacts(file, columns, phones)


def _have_counted(report: ImportReport, loaded: Loaded) -> None:
    """A running daemon adds the rows to its metrics; without one nothing is lost but that."""
    rows = {
        "added": report.contacts_added,
        "updated": report.contacts_updated,
        "merged": report.contacts_merged,
        "unchanged": report.unchanged,
        "kept_out": sum(report.kept_out.values()),
        "rejected": report.rejected,
    }
    with suppress(StoreError):
        tell_one(loaded.settings, "imported", {"rows": rows})


@dataclass(frozen=True, slots=True)
class _Import:
    """One file on its way."""

    file: ContactFile
    list_name: str
    source: str

    @contextmanager
    def watched(self) -> Iterator[Iterator[ImportRow | RejectedRow]]:
        """The rows, with a bar on the terminal that moves with the bytes read."""
        console = Console(stderr=True)
        bar = Progress(
            TextColumn(harmless(self.file.path.name), markup=False),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[rows]} rows"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        with bar:
            task = bar.add_task("", total=self.file.size_bytes, rows=0)

            def moved(rows: int) -> None:
                bar.update(task, completed=self.file.position_bytes, rows=rows)

            yield self._rows(moved)

    def _rows(self, moved: Callable[[int], None]) -> Iterator[ImportRow | RejectedRow]:
        count = 0
        for count, row in enumerate(self.file.rows(), start=1):
            if count % STEP_ROWS == 0:
                moved(count)
            yield row
        moved(count)


@contextmanager
def written_rejects(path: Path | None) -> Iterator[Callable[[RejectedRow], None] | None]:
    """A CSV of line and reason; the reasons hold no personal data. None: nothing is written."""
    if path is None:
        yield None
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(("line", "reason"))
            yield lambda row: rows.writerow((row.line, harmless(row.reason)))
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise ConfigError([Problem(place=f"--rejected {path}", what=what)]) from error


# ------------------------------------------------------------------ what is said


def _say_plan(file: ContactFile) -> None:
    """What the file was taken for, before it is read."""
    kind = "JSON lines" if file.delimiter is None else f"CSV with {file.delimiter!r}"
    meanings = ", ".join(file.plan.indexes)
    click.echo(f"{file.path.name}: {kind}, {file.encoding.upper()}; columns: {meanings}")
    if file.plan.ignored:
        passed = ", ".join(harmless(name)[:40] or "(no name)" for name in file.plan.ignored)
        click.echo(f"columns passed over: {passed}")


def _say(report: ImportReport, done: _Import, loaded: Loaded, *, everything: bool) -> None:
    name = done.file.path.name
    for row in report.first_rejected[:PRINTED]:
        click.echo(f"{name}:{row.line}: {harmless(row.reason)}", err=True)
    more = report.rejected + report.in_part - min(PRINTED, len(report.first_rejected))
    if more > 0:
        where = "in the file of --rejected" if everything else "--rejected FILE.csv names all"
        click.echo(f"and {more} more rejected rows ({where})", err=True)
    print_tables([_table(report, done)])
    if report.rows == report.rejected:
        click.echo("nothing could be loaded", err=True)
    if done.list_name not in {one.list_name for one in loaded.campaigns}:
        click.echo(f"no campaign dials the list {done.list_name!r} yet")


def _table(report: ImportReport, done: _Import) -> Table:
    rows = [
        ("rows read", report.rows),
        ("contacts added", report.contacts_added),
        ("contacts updated", report.contacts_updated),
        ("merged into another row's contact", report.contacts_merged),
        ("unchanged", report.unchanged),
        ("phones added", report.phones_added),
        ("consents added", report.consents_added),
        ("newly on the list", report.listed),
        *(
            (f"kept out: {Held(reason=reason, contacts=n).sentence}", n)
            for reason, n in report.kept_out.items()
        ),
        ("rejected", report.rejected),
        *(
            (("taken over without one of their phones", report.in_part),)
            if report.in_part
            else ()
        ),
    ]
    return Table(
        title=f"{done.file.path.name} onto the list {done.list_name}",
        columns=(Column(""), Column("", right=True)),
        rows=[(what, str(count)) for what, count in rows],
    )


def _as_json(report: ImportReport) -> dict[str, Any]:
    return {
        "rows": report.rows,
        "contacts_added": report.contacts_added,
        "contacts_updated": report.contacts_updated,
        "contacts_merged": report.contacts_merged,
        "unchanged": report.unchanged,
        "phones_added": report.phones_added,
        "consents_added": report.consents_added,
        "listed": report.listed,
        "kept_out": dict(report.kept_out),
        "rejected_rows": report.rejected,
        "phones_left_out": report.in_part,
        "first_rejected": [
            {"line": row.line, "reason": row.reason} for row in report.first_rejected
        ],
    }
