"""The tables of worked-out.md, by their headings: the paper is the expectation.

A table is a list of rows, a row a mapping from its column to its cell. What the dialer did is
brought into the same form: Moscow's time, first names, M1 for +74951230001.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
MOSCOW = ZoneInfo("Europe/Moscow")
NUMBERS = {
    "+74951230001": "M1",
    "+74951230002": "M2",
    "+73431230003": "E1",
    "+74231230004": "V1",
    "+79001230005": "S1",
}

Row = dict[str, str]


@cache
def _sections() -> dict[str, list[Row]]:
    text = (HERE / "worked-out.md").read_text(encoding="utf-8")
    found: dict[str, list[Row]] = {}
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        title, _, rest = section.partition("\n")
        lines = [line for line in rest.splitlines() if line.startswith("|")]
        cells = [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]
        head, _, *rows = cells
        found[title.strip()] = [dict(zip(head, row, strict=True)) for row in rows]
    return found


def paper(title: str, *columns: str) -> list[Row]:
    """The table under this heading; with `columns`, only those."""
    rows = _sections()[title]
    return [{name: row[name] for name in columns} for row in rows] if columns else rows


def clock(at: datetime | None) -> str:
    """24.11 11:30:06, in Moscow."""
    return "" if at is None else at.astimezone(MOSCOW).strftime("%d.%m %H:%M:%S")


def day(of: date) -> str:
    return of.strftime("%d.%m")


def instant(text: str) -> datetime:
    """24.11 11:30 of the case: November and December 2026."""
    return datetime.strptime(f"2026 {text}", "%Y %d.%m %H:%M").replace(tzinfo=MOSCOW)
