"""Draws deploy/grafana/dashboards/*.json: what stands on each page, and why.

    .venv/bin/python tools/make_dashboards.py          # part of `make docs`

A new metric goes where its question is asked: add a `line(...)` to a row of tools/dashboards.
tests/rooms/monitoring holds the files to this text, and every query to the metrics and labels
that really exist. Shared things (hopper, pools, caps) are the same in every daemon of a base:
max. What each daemon has of its own (calls, operators, counters): sum.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))


from dashboards.campaign import CAMPAIGN
from dashboards.daemon import DAEMON
from dashboards.lines import LINES
from dashboards.operators import OPERATORS
from dashboards.panels import as_json

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "grafana" / "dashboards"

DASHBOARDS = (CAMPAIGN, OPERATORS, LINES, DAEMON)


def documents() -> dict[str, str]:
    """File name -> its whole text."""
    return {
        f"{board.name}.json": json.dumps(as_json(board, DASHBOARDS), indent=1) + "\n"
        for board in DASHBOARDS
    }


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
