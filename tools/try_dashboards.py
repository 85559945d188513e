"""Asks a running Prometheus every query of every panel, and names those without data.

    .venv/bin/python tools/try_dashboards.py http://127.0.0.1:9090 [MINUTES [PICTURES/]]

For a Prometheus that scrapes a rehearsing daemon (`dialer demo`). Exit code 1 where a panel is
empty that should not be (`quiet` panels may be: they show what goes wrong). With a folder each
page is also drawn there as one SVG, roughly as Grafana would, to be looked at.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.parse
import urllib.request
from html import escape
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

# ruff: noqa: T201 - a tool for the terminal; the address is its user's

from dashboards.panels import Dashboard, Panel
from make_dashboards import DASHBOARDS

STEP_S = 15
COLOURS = (
    "#7eb26d",
    "#eab839",
    "#6ed0e0",
    "#ef843c",
    "#e24d42",
    "#1f78c1",
    "#ba43a9",
    "#705da0",
)
CELL_W, CELL_H = 48, 24

Series = list[tuple[str, list[tuple[float, float]]]]


def main(address: str, minutes: float, pictures: Path | None) -> int:
    empty = 0
    for board in DASHBOARDS:
        drawn = []
        for row in board.rows:
            for panel in row.panels:
                series = [
                    one for query in panel.queries for one in ask(address, query, minutes)
                ]
                drawn.append((panel, series))
                if not series:
                    empty += not panel.quiet
                    word = "may be empty" if panel.quiet else "EMPTY"
                    print(f"{board.title}: {panel.title}: {word}")
        if pictures:
            pictures.mkdir(parents=True, exist_ok=True)
            (pictures / f"{board.name}.svg").write_text(picture(board, drawn), "utf-8")
    panels = sum(len(row.panels) for board in DASHBOARDS for row in board.rows)
    print(f"{panels} panels, {empty} empty that should not be")
    return 1 if empty else 0


def ask(address: str, query: Any, minutes: float) -> Series:
    """(legend, points) of each series that the query brings over these minutes."""
    now = time.time()
    expr = query.expr.replace("$__rate_interval", "1m")
    for variable in ("campaign", "group", "gateway", "pool", "instance"):
        expr = expr.replace(f"${variable}", ".*")
    words = {"query": expr, "start": now - minutes * 60, "end": now, "step": STEP_S}
    url = f"{address}/api/v1/query_range?{urllib.parse.urlencode(words)}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        result = json.load(answer)["data"]["result"]
    found = []
    for one in result:
        points = [(at, float(value)) for at, value in one["values"] if value != "NaN"]
        if points:
            found.append((legend(query.legend, one["metric"]), points))
    return found


def legend(pattern: str, labels: dict[str, str]) -> str:
    for name, value in labels.items():
        pattern = pattern.replace(f"{{{{{name}}}}}", value)
    return pattern or " ".join(labels.values())


# ------------------------------------------------------------------ drawn


def picture(board: Dashboard, drawn: list[tuple[Panel, Series]]) -> str:
    parts, left, top, tallest = [], 0, 1, 0
    for panel, series in drawn:
        if left + panel.width > 24:
            left, top, tallest = 0, top + tallest, 0
        parts.append(
            f'<g transform="translate({left * CELL_W},{top * CELL_H})">{box(panel, series)}</g>'
        )
        left, tallest = left + panel.width, max(tallest, panel.height)
    height = (top + tallest) * CELL_H
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{24 * CELL_W}" height="{height}" '
        f'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" '
        f'fill="#111217"/><text x="8" y="17" fill="#fff" font-size="15">{escape(board.title)}'
        f"</text>{''.join(parts)}</svg>"
    )


def box(panel: Panel, series: Series) -> str:
    width, height = panel.width * CELL_W - 8, panel.height * CELL_H - 8
    head = (
        f'<rect width="{width}" height="{height}" fill="#181b1f" stroke="#333"/>'
        f'<text x="6" y="14" fill="#ccc">{escape(panel.title)}</text>'
    )
    if not series:
        return (
            head + f'<text x="{width // 2 - 20}" y="{height // 2}" fill="#888">No data</text>'
        )
    if panel.kind == "stat":
        value = series[0][1][-1][1]
        return head + (
            f'<text x="{width // 2}" y="{height // 2 + 14}" fill="#7eb26d" font-size="24" '
            f'text-anchor="middle">{shown(value, panel.unit)}</text>'
        )
    return head + lines(panel, series, width, height)


def lines(panel: Panel, series: Series, width: int, height: int) -> str:
    """Polylines on common axes; stacked ones add up."""
    times = sorted({at for _, points in series for at, _ in points})
    base = dict.fromkeys(times, 0.0)
    curves = []
    for name, points in series:
        if panel.stacked:
            for at, value in points:
                base[at] += value
            curves.append((name, [(at, base[at]) for at, _ in points]))
        else:
            curves.append((name, points))
    values = [value for _, points in curves for _, value in points]
    low = min(0.0 if panel.lowest is not None else min(values), *values)
    high = max(max(values), low + 1e-9)
    plot_h, first, span = height - 58, times[0], max(times[-1] - times[0], 1.0)
    out = [f'<text x="4" y="30" fill="#888">{shown(high, panel.unit)}</text>']
    for index, (name, points) in enumerate(curves):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(
            f"{50 + (at - first) / span * (width - 60):.1f},"
            f"{24 + plot_h - (value - low) / (high - low) * plot_h:.1f}"
            for at, value in points
        )
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}"/>')
        x, y = 6 + (index % 4) * (width // 4), height - 22 + (index // 4) * 11
        if index < 8:
            place = f'x="{x}" y="{y}" fill="{colour}" font-size="9"'
            out.append(f"<text {place}>{escape(name[:28])}</text>")
    return "".join(out)


def shown(value: float, unit: str) -> str:
    match unit:
        case "percentunit":
            return f"{value * 100:.1f} %"
        case "s":
            return f"{value * 1000:.1f} ms" if abs(value) < 1 else f"{value:.1f} s"
        case "bytes":
            return f"{value / 2**20:.0f} MiB"
        case _:
            return f"{value:.4g}"


if __name__ == "__main__":
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    sys.exit(main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 15.0, folder))
