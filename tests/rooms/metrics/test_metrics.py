"""The names hold Prometheus' conventions and stay bounded; a scraper can read the page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

import dialer
from dialer.core.model import Disposition
from dialer.core.permission.reasons import Reason
from dialer.errors import Bug, StoreError
from dialer.metrics.exposition import application
from dialer.metrics.meter import MemoryMeter, PrometheusMeter
from dialer.metrics.names import METRICS, Kind, Metric

UNITS = ("_seconds", "_ratio", "_bytes")
EACH = pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)


def sample_labels(metric: Metric) -> dict[str, str]:
    return {
        label.name: min(label.values) if label.values is not None else "spring"
        for label in metric.labels
    }


# ------------------------------------------------------------------ names


@EACH
def test_names_follow_the_conventions_that_alert_rules_count_on(metric: Metric):
    assert re.fullmatch(r"dialer_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert not re.search(
        r"_(ms|milliseconds|minutes|percent|count|sum|bucket)(_|$)", metric.name
    )
    if metric.kind is Kind.HISTOGRAM:
        assert metric.name.endswith(UNITS)
        assert list(metric.buckets) == sorted(set(metric.buckets))
    else:
        assert not metric.buckets
    assert metric.help.endswith(".")


@EACH
def test_no_label_can_grow_without_bound_or_name_a_person(metric: Metric):
    for label in metric.labels:
        assert label.name not in {"phone", "number", "contact", "operator", "attempt", "leg"}
        assert label.most <= 500
        assert label.values is None or 0 < len(label.values) <= 64


def uses(folder: Path) -> Iterator[tuple[str, str, set[str] | None]]:
    """(name, verb, labels or None where they come as **labels) of every use in the code."""
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            first = node.args[0] if node.args else None
            if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
                continue
            if node.func.attr in {"count", "observe", "gauge"} and first.value.startswith(
                "dialer_"
            ):
                names = {word.arg for word in node.keywords if word.arg is not None}
                spread = any(word.arg is None for word in node.keywords)
                labels = None if spread else names - {"amount", "value"}
                yield first.value, node.func.attr, labels


def test_every_use_in_the_code_is_declared_with_its_kind_and_labels():
    """Else the first call of its kind in service would raise a Bug."""
    kinds = {"count": Kind.COUNTER, "observe": Kind.HISTOGRAM, "gauge": Kind.GAUGE}
    found = list(uses(Path(dialer.__file__).parent))
    for name, verb, labels in found:
        assert name in METRICS, name
        assert METRICS[name].kind is kinds[verb], name
        if labels is not None:
            assert labels == {label.name for label in METRICS[name].labels}, name


# ------------------------------------------------------------------ the meters


@pytest.fixture(params=[PrometheusMeter, MemoryMeter])
def meter(request: pytest.FixtureRequest) -> PrometheusMeter | MemoryMeter:
    made: PrometheusMeter | MemoryMeter = request.param()
    return made


def test_a_misspelt_name_or_label_is_a_bug_at_once(meter: PrometheusMeter | MemoryMeter):
    with pytest.raises(Bug):
        meter.count("dialer_claim_total", campaign="spring")
    with pytest.raises(Bug):
        meter.count("dialer_claims_total")
    with pytest.raises(Bug):
        meter.count("dialer_claims_total", campaign="spring", phone="1")
    with pytest.raises(Bug):
        meter.gauge("dialer_claims_total", 1.0, campaign="spring")
    with pytest.raises(Bug):
        meter.observe("dialer_switch_up", 1.0)


def test_memory_meter_answers_what_was_counted():
    meter = MemoryMeter()
    meter.count("dialer_claims_total", campaign="spring")
    meter.count("dialer_claims_total", 4, campaign="spring")
    meter.count("dialer_claims_total", campaign="autumn")
    meter.gauge("dialer_switch_up", 1)
    meter.gauge("dialer_switch_up", 0)
    meter.observe("dialer_hand_over_seconds", 0.25)
    assert meter.value("dialer_claims_total", campaign="spring") == 5
    assert meter.value("dialer_claims_total") == 6
    assert meter.value("dialer_switch_up") == 0
    assert meter.observed("dialer_hand_over_seconds") == [0.25]
    assert meter.value("dialer_rescues_total") == 0
    with pytest.raises(Bug):
        meter.value("dialer_rescue_total")
    with pytest.raises(Bug):
        meter.count("dialer_held_back_total", campaign="spring", reason="bad mood")
    with pytest.raises(Bug):
        meter.count("dialer_claims_total", -1, campaign="spring")


def read(meter: PrometheusMeter) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    page = get(meter, "/metrics")[2].decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_hostile_or_endless_label_values_end_in_other_and_the_call_goes_on():
    meter = PrometheusMeter()
    for i in range(2_000):
        meter.count("dialer_switch_events_total", kind=f"made up {i}")
        meter.count("dialer_held_back_total", campaign="spring", reason=f"why {i}")
    found = read(meter)
    events = {key: n for key, n in found.items() if key[0] == "dialer_switch_events_total"}
    assert 2 < len(events) <= 65
    assert sum(events.values()) == 2_000
    other = frozenset({("campaign", "spring"), ("reason", "other")})
    assert found["dialer_held_back_total", other] == 2_000
    assert sum(map(len, meter._children.values())) <= 128


def test_labels_in_another_order_are_the_same_series():
    meter = PrometheusMeter()
    reason = Reason.HOPPER_EMPTY
    meter.count("dialer_held_back_total", campaign="spring", reason=reason)
    meter.count("dialer_held_back_total", reason=reason, campaign="spring")
    key = frozenset({("campaign", "spring"), ("reason", "hopper_empty")})
    assert read(meter)["dialer_held_back_total", key] == 2


# ------------------------------------------------------------------ the pages


def get(
    meter: PrometheusMeter, path: str, method: str = "GET", health: Any = lambda: (True, {})
) -> tuple[str, dict[str, str], bytes]:
    answer: list[Any] = []
    body = b"".join(
        application(meter, health)(
            {"REQUEST_METHOD": method, "PATH_INFO": path},
            lambda status, headers, exc_info=None: answer.extend((status, headers)),  # type: ignore[arg-type]
        )
    )
    return answer[0], dict(answer[1]), body


def test_a_scraper_reads_every_metric_as_what_it_is():
    meter = PrometheusMeter()
    for metric in METRICS.values():
        labels = sample_labels(metric)
        match metric.kind:
            case Kind.COUNTER:
                meter.count(metric.name, 2, **labels)
            case Kind.GAUGE:
                meter.gauge(metric.name, 2, **labels)
            case Kind.HISTOGRAM:
                meter.observe(metric.name, 2, **labels)
    status, headers, page = get(meter, "/metrics")
    assert status == "200 OK"
    assert headers["Content-Type"].startswith("text/plain")
    assert int(headers["Content-Length"]) == len(page)
    families = {one.name: one for one in text_string_to_metric_families(page.decode())}
    for metric in METRICS.values():
        family = families[metric.name.removesuffix("_total")]
        assert family.type == metric.kind.value
        assert family.documentation == metric.help
        used = sample_labels(metric).items()
        values = {
            sample.name.removeprefix(metric.name): sample.value
            for sample in family.samples
            if used <= sample.labels.items()
        }
        assert values["_count" if metric.kind is Kind.HISTOGRAM else ""] in (1, 2)
        assert not any(name.endswith("_created") for name in values)
    assert families["dialer_build_info"].samples[0].labels["version"] == dialer.__version__
    assert "process_resident_memory_bytes" in families


def test_what_never_happened_is_shown_as_zero():
    """A rise from nothing to one is no rise to an alert rule: the zero must be there before."""
    page = read(PrometheusMeter())
    assert page["dialer_rescues_total", frozenset()] == 0
    machine = frozenset({("machine", "operator")})
    assert page["dialer_table_violations_total", machine] == 0


def test_health_is_503_when_the_daemon_is_not_well():
    meter = PrometheusMeter()
    assert get(meter, "/healthz", health=lambda: (True, {"calls": 3})) == (
        "200 OK",
        {
            "Content-Type": "application/json",
            "Content-Length": "22",
            "Cache-Control": "no-store",
        },
        b'{"ok":true,"calls":3}\n',
    )

    def broken() -> tuple[bool, dict[str, Any]]:
        raise StoreError("redis", "no connection", "is it running?")

    status, _, body = get(meter, "/healthz", health=broken)
    assert status.startswith("503")
    assert orjson.loads(body) == {
        "ok": False,
        "error": "redis: no connection (is it running?)",
    }
    assert get(meter, "/healthz", health=lambda: (False, {"blind": True}))[0].startswith("503")


def test_other_paths_and_methods_are_refused():
    meter = PrometheusMeter()
    assert get(meter, "/")[0].startswith("404")
    assert get(meter, "/metrics", method="POST")[0].startswith("405")
    status, headers, body = get(meter, "/metrics", method="HEAD")
    assert status == "200 OK" and body == b"" and int(headers["Content-Length"]) > 1000


def test_every_disposition_and_reason_is_a_label():
    """A new one must not end in "other" unseen."""
    meter = MemoryMeter()
    for disposition in Disposition:
        meter.count("dialer_attempts_ended_total", campaign="c", disposition=disposition)
    for reason in Reason:
        meter.count("dialer_intents_total", campaign="c", answer=reason)
        meter.count("dialer_held_back_total", campaign="c", reason=reason)
    assert meter.value("dialer_intents_total") == len(Reason)
