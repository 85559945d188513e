"""Words for Grafana: panels, rows and dashboards as values, and their JSON (schema 39).

The modules beside this one say what is on them. A row lays its panels out from left to right by
their widths (24 to a line); nobody counts grid positions by hand. Every query goes to the
datasource that the viewer chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 39
COLUMNS = 24
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One line of a panel. `legend` may name labels: {{campaign}}."""

    expr: str
    legend: str = ""
    instant: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One picture. `why` is its help: what it tells, and what would be wrong.

    `quiet`: it may be without data while all is well (a test of a live daemon asks it).
    """

    title: str
    why: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 8
    height: int = 8
    stacked: bool = False
    bars: bool = False
    lowest: float | None = 0.0
    highest: float | None = None
    steps: tuple[tuple[float | None, str], ...] = ()
    words: tuple[tuple[float, str, str], ...] = ()  # value -> text, colour
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A headed group of panels."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A choice at the top: the values of `label` on `metric`."""

    label: str
    metric: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """One page; its file is NAME.json."""

    name: str
    title: str
    about: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = field(default=())


def line(title: str, why: str, *queries: Query, **more: Any) -> Panel:
    return Panel(title=title, why=why, queries=queries, **more)


def stat(title: str, why: str, *queries: Query, **more: Any) -> Panel:
    return Panel(
        title=title, why=why, queries=queries, kind="stat", **{"width": 4, "height": 4, **more}
    )


def q(expr: str, legend: str = "") -> Query:
    return Query(expr=" ".join(expr.split()), legend=legend)


GREEN_TO_RED = ((None, "green"), (0.8, "orange"), (1.0, "red"))
BAD_IF_ANY = ((None, "green"), (1.0, "red"))
UP = ((0.0, "down", "red"), (1.0, "up", "green"))
QUANTILES = ((0.5, "half"), (0.9, "nine of ten"), (0.99, "99 of 100"))


def quantiles(metric: str, chosen: str, *, by: str = "") -> tuple[Query, ...]:
    """Lines of a histogram: p50, p90, p99; `by` is one label more."""
    inner = f"sum by (le{', ' + by if by else ''})"
    return tuple(
        q(
            f"histogram_quantile({share}, {inner} (rate({metric}_bucket{chosen}"
            "[$__rate_interval])))",
            f"{word} {{{{{by}}}}}" if by else word,
        )
        for share, word in QUANTILES
    )


def as_json(board: Dashboard, all_of: Sequence[Dashboard]) -> dict[str, Any]:
    """What Grafana loads."""
    return {
        "uid": f"dialer-{board.name}",
        "title": board.title,
        "description": board.about,
        "tags": ["dialer"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [_alerts()]},
        "links": [_link(other) for other in all_of if other is not board],
        "templating": {"list": [_datasource(), *map(_variable, board.variables)]},
        "panels": list(_panels(board)),
    }


def _link(board: Dashboard) -> dict[str, Any]:
    return {
        "type": "link",
        "title": board.title,
        "url": f"/d/dialer-{board.name}",
        "keepTime": True,
        "includeVars": True,
    }


def _alerts() -> dict[str, Any]:
    """Firing alerts as marks on every picture."""
    return {
        "name": "Alerts",
        "enable": True,
        "iconColor": "red",
        "datasource": DATASOURCE,
        "expr": 'ALERTS{alertname=~"Dialer.*", alertstate="firing"}',
        "step": "30s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{campaign}} {{gateway}} {{group}} {{instance}}",
    }


def _datasource() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
    }


def _variable(variable: Variable) -> dict[str, Any]:
    query = f"label_values({variable.metric}, {variable.label})"
    return {
        "name": variable.label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": "variable"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def _panels(board: Dashboard) -> Any:
    number, top = 0, 0
    for row in board.rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": top},
        }
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            number += 1
            place = {"h": panel.height, "w": panel.width, "x": left, "y": top}
            yield _panel(panel, number, place)
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.why,
        "datasource": DATASOURCE,
        "gridPos": place,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "editorMode": "code",
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                "range": panel.kind != "stat",
                "instant": panel.kind == "stat",
            }
            for index, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = [{"value": value, "color": colour} for value, colour in panel.steps]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {
            "mode": "absolute",
            "steps": steps or [{"value": None, "color": "green"}],
        },
        "color": {"mode": "thresholds" if steps else "palette-classic"},
    }
    if panel.lowest is not None:
        defaults["min"] = panel.lowest
    if panel.highest is not None:
        defaults["max"] = panel.highest
    if panel.words:
        defaults["mappings"] = [
            {
                "type": "value",
                "options": {
                    f"{value:g}": {"text": text, "color": colour, "index": index}
                    for index, (value, text, colour) in enumerate(panel.words)
                },
            }
        ]
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "bars" if panel.bars else "line",
            "lineWidth": 1,
            "fillOpacity": 70 if panel.bars else 30 if panel.stacked else 8,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "line" if steps else "off"},
        }
    if panel.kind == "state-timeline":
        defaults["custom"] = {"fillOpacity": 80, "lineWidth": 0}
    return defaults


def _options(panel: Panel) -> dict[str, Any]:
    match panel.kind:
        case "timeseries":
            return {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
        case "state-timeline":
            return {
                "mergeValues": True,
                "showValue": "auto",
                "rowHeight": 0.9,
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "single", "sort": "none"},
            }
        case _:
            return {
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                "colorMode": "value",
                "graphMode": "area",
                "justifyMode": "auto",
                "orientation": "auto",
                "textMode": "auto",
            }
