"""Sheets of the forecast on the terminal, with the reports' own tables."""

from __future__ import annotations

from collections.abc import Sequence

from dialer.forecast.layout import Sheet
from dialer.reports.tables import Column, Table, print_tables


def print_sheets(sheets: Sequence[Sheet], notes: Sequence[str] = ()) -> None:
    """To standard output."""
    print_tables([table_of(one) for one in sheets], notes)


def table_of(sheet: Sheet) -> Table:
    """Words stand left, figures right."""
    columns = [
        Column(head, right=place > 0 and not sheet.words)
        for place, head in enumerate(sheet.heads)
    ]
    return Table(title=sheet.title, columns=columns, rows=sheet.rows, note=sheet.note)
