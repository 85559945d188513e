"""Dashboards: files as drawn, laid out without a gap in their grid, asking for what exists.

Losing these, Grafana shows "No data" where a supervisor looks first.
"""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dialer.metrics.names import METRICS
from tests.rooms.monitoring.promql import wrong
from tests.rooms.monitoring.test_rules import ALERTS, RECORDED, RECORDING

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "grafana"
PROMTOOL = shutil.which("promtool")
TOOL = runpy.run_path(str(ROOT / "tools" / "make_dashboards.py"))
DRAWN, DASHBOARDS = TOOL["documents"](), TOOL["DASHBOARDS"]
sys.path.remove(str(ROOT / "tools"))
BOARDS = {name: json.loads(text) for name, text in DRAWN.items()}
PANELS = [
    (name, panel)
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
EACH = pytest.mark.parametrize("name", BOARDS)
#: Of Grafana's panels and units, those that we use.
KINDS = {"timeseries", "stat", "state-timeline"}
UNITS = {"short", "s", "percentunit", "bytes"}


def filled_in(query: str) -> str:
    """As Grafana asks it with "All" chosen."""
    return query.replace("[$__rate_interval]", "[1m]")


@EACH
def test_the_files_are_what_the_code_says(name: str):
    """Run: make docs"""
    assert (FOLDER / "dashboards" / name).read_text(encoding="utf-8") == DRAWN[name]


@pytest.mark.parametrize(
    ("name", "panel"), PANELS, ids=[f"{name}: {panel['title']}" for name, panel in PANELS]
)
def test_a_panel_asks_only_for_series_and_labels_that_exist(name: str, panel: dict[str, Any]):
    for target in panel["targets"]:
        assert wrong(filled_in(target["expr"]), RECORDED) == []


def test_every_metric_is_seen_somewhere():
    """What no page and no alert shows is counted for nobody."""
    asked = [target["expr"] for _, panel in PANELS for target in panel["targets"]]
    asked += [rule["expr"] for rule in (*ALERTS, *RECORDING)]
    asked += [variable.metric for board in DASHBOARDS for variable in board.variables]
    text = "\n".join(asked)
    assert [
        name for name in METRICS if not re.search(rf"\b{name}(_bucket|_count)?\b", text)
    ] == []


@EACH
def test_the_choices_at_the_top_exist(name: str):
    for variable in BOARDS[name]["templating"]["list"][1:]:
        metric, label = variable["definition"].removeprefix("label_values(")[:-1].split(", ")
        assert wrong(f'{metric}{{{label}=~".+"}}', RECORDED) == []
        used = json.dumps([panel.get("targets") for panel in BOARDS[name]["panels"]])
        assert f"${label}" in used, f"nothing asks for ${label}"


@EACH
def test_grafana_finds_what_it_needs_in_each_file(name: str):
    """The schema's facts: own numbers, known kinds and units, a grid of 24 without overlaps."""
    board = BOARDS[name]
    assert len(board["uid"]) <= 40
    assert board["schemaVersion"] == 39
    assert "id" not in board, "a number of one Grafana means another page in the next"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (place["x"] + x, place["y"] + y)
            for x in range(place["w"])
            for y in range(place["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["type"] in KINDS
            assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
            assert panel["description"].endswith("."), (
                f"{panel['title']}: says not what it tells"
            )
            refs = [target["refId"] for target in panel["targets"]]
            assert len(set(refs)) == len(refs)


def test_provisioning_points_at_the_files():
    """A path that is not mounted is an empty Grafana without an error."""
    provisioning = FOLDER / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())
    [prometheus] = source["datasources"]
    assert (prometheus["type"], prometheus["isDefault"]) == ("prometheus", True)
    pages = yaml.safe_load((provisioning / "dashboards" / "dialer.yaml").read_text())
    [provider] = pages["providers"]
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    mounts = compose["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts
    assert "./grafana/provisioning:/etc/grafana/provisioning:ro" in mounts


@pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not here: it comes with the package prometheus"
)
def test_promtool_can_read_every_query(tmp_path: Path):
    """Wrapped as recording rules: brackets, functions and types are Prometheus' own word."""
    rules = [
        {"record": f"panel:{index}", "expr": filled_in(target["expr"])}
        for index, target in enumerate(t for _, panel in PANELS for t in panel["targets"])
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    said = subprocess.run(
        [str(PROMTOOL), "check", "rules", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
