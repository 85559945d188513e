"""One table as a value, for the terminal (rich) and for the page (html) alike.

Cells are text from anywhere (names of gateways, causes from the wire): the terminal gets them
as plain text, never as markup, less what would move its cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text


class Column(NamedTuple):
    """A column's head; figures stand on the right."""

    name: str
    right: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`note` stands under the table; `empty` is said where it has no rows."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    note: str = ""
    empty: str = "nothing"


def harmless(text: str) -> str:
    """Without control characters: a cell is one line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)


#: Columns of a page that nobody watches: no cell is broken in a file or a pipe.
WIDE = 160


def print_tables(tables: Sequence[Table], notes: Sequence[str] = ()) -> None:
    """To standard output, what stands above everything first."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDE)
    for note in notes:
        console.print(Text(harmless(note), "bold yellow"))
    for table in tables:
        console.print(rich_table(table))


def rich_table(table: Table) -> RenderableType:
    """For a terminal: the title, the cells, the note."""
    made = RichTable(
        box=box.SIMPLE,
        pad_edge=False,
        show_header=any(column.name for column in table.columns),
    )
    for column in table.columns:
        made.add_column(Text(column.name), justify="right" if column.right else "left")
    for row in table.rows:
        made.add_row(*(Text(harmless(cell)) for cell in row))
    parts: list[RenderableType] = [Text(harmless(table.title), "bold")]
    parts.append(made if table.rows else Text(f" {table.empty}\n", "dim"))
    if table.note:
        parts.append(Text(f" {harmless(table.note)}\n", "dim"))
    return Group(*parts)
