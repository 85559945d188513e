"""Alerts and recording rules: each asks for what exists, is tested, and has its paragraph.

Losing these, a renamed metric silences an alert without a word, and whom one wakes at night
finds no page that says what to do.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rooms.monitoring.promql import grouped, selectors, wrong

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "prometheus"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not here: it comes with the package prometheus"
)


def rules(name: str) -> list[dict[str, Any]]:
    tree = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return [rule for group in tree["groups"] for rule in group["rules"]]


RECORDING = rules("recording.rules.yml")
ALERTS = rules("alerts.rules.yml")
#: What is recorded -> its labels (those that it is summed by).
RECORDED = {rule["record"]: frozenset(grouped(rule["expr"])) - {"le"} for rule in RECORDING}
EACH = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])


@pytest.mark.parametrize(
    "rule", [*RECORDING, *ALERTS], ids=lambda r: r.get("alert") or r["record"]
)
def test_a_rule_asks_only_for_series_and_labels_that_exist(rule: dict[str, Any]):
    assert wrong(rule["expr"], RECORDED) == []


@EACH
def test_an_alert_says_how_bad_it_is_and_where_to_read_on(alert: dict[str, Any]):
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    told = alert["annotations"]
    assert set(told) == {"summary", "description", "runbook_url"}
    assert told["runbook_url"].endswith(f"/runbook.md#{alert['alert'].lower()}")
    named = set(re.findall(r"\$labels\.(\w+)", told["summary"] + told["description"]))
    assert not wrong(alert["expr"], RECORDED)
    kept = grouped(alert["expr"]) or named
    assert named <= kept | {"instance", "job"}, "a label that the query does not keep"


def test_every_alert_has_its_paragraph_in_the_runbook_and_every_paragraph_its_alert():
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    headed = re.findall(r"^### (Dialer\w+)$", text, re.MULTILINE)
    assert sorted(headed) == sorted(alert["alert"] for alert in ALERTS)


def test_every_alert_is_tried_where_it_must_fire_and_where_it_must_not():
    tree = yaml.safe_load((FOLDER / "tests" / "alerts.test.yml").read_text(encoding="utf-8"))
    fires: set[str] = set()
    quiet: set[str] = set()
    for case in tree["tests"]:
        for check in case["promql_expr_test"]:
            [asked] = selectors(check["expr"])
            name = {label: text for label, _, text in asked.matchers}["alertname"]
            (fires if check["exp_samples"][0]["value"] else quiet).add(name)
    names = {alert["alert"] for alert in ALERTS}
    assert fires == names
    assert quiet == names


@needs_promtool
def test_promtool_passes_the_rules_and_their_tests():
    files = [str(path) for path in sorted((FOLDER / "tests").glob("*.test.yml"))]
    checked = subprocess.run(
        [str(PROMTOOL), "check", "config", "--syntax-only", str(FOLDER / "prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tried = subprocess.run(
        [str(PROMTOOL), "test", "rules", *files], capture_output=True, text=True, check=False
    )
    assert tried.returncode == 0, tried.stdout + tried.stderr


# ------------------------------------------------------------------ the reader of queries


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("dialer_rescue_total", "no series dialer_rescue_total"),
        ('dialer_calls{sate="talking"}', "no label sate"),
        ('dialer_calls{state=~"talking|taking"}', "never taking"),
        ("sum by (gateway) (dialer_calls)", "has the label gateway"),
        ("dialer_hand_over_seconds", "no series dialer_hand_over_seconds"),
        ('rate(dialer_hand_over_seconds_bucket{le="0.7"}[5m])', "no bucket 0.7"),
    ],
)
def test_a_mistake_in_a_query_is_found(query: str, what: str):
    """Else the tests above would pass whatever is written."""
    [said] = wrong(query, {})
    assert what in said
