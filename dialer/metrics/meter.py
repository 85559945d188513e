"""Counting by the names of `names`. Implements `ports.Meter`, for Prometheus and in memory.

An unknown name or set of labels is a Bug at once. A label's value outside its bounds is a Bug
in memory (tests) and "other" in service, where a metric must not end a call.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from itertools import product
from typing import Any

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

import dialer
from dialer.errors import Bug
from dialer.metrics.names import METRICS, Kind, Metric

log = structlog.get_logger(__name__)

OTHER = "other"


def _look_up(name: str, kind: Kind, labels: Mapping[str, str]) -> Metric:
    """The metric of this name. Raises Bug where name, kind or labels are not as declared."""
    metric = METRICS.get(name)
    if metric is None:
        raise Bug(f"there is no metric {name}")
    if metric.kind is not kind:
        raise Bug(f"{name} is a {metric.kind}, not a {kind}")
    declared = [label.name for label in metric.labels]
    if sorted(declared) != sorted(labels):
        raise Bug(f"{name} has labels {declared}, not {sorted(labels)}")
    return metric


class PrometheusMeter:
    """On a registry of its own; children are kept, so that a count is a look-up and an add.

    `registry` is what the page shows (`exposition`).
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # else two series for one
        self.registry = CollectorRegistry()
        self._metrics = {name: self._make(metric) for name, metric in METRICS.items()}
        self._children: dict[Kind, dict[tuple[str, tuple[tuple[str, str], ...]], Any]]
        self._children = {kind: {} for kind in Kind}
        self._seen: dict[tuple[str, str], set[str]] = {}
        ProcessCollector(registry=self.registry)
        build = Gauge(
            "dialer_build_info",
            "Always 1; the versions are in the labels.",
            ["version", "python"],
            registry=self.registry,
        )
        build.labels(dialer.__version__, platform.python_version()).set(1)
        self._show_zeros()

    def _show_zeros(self) -> None:
        """What can be zero is shown as zero from the start: an alert needs both ends of a rise.

        Of labelled ones only counters whose labels are all closed sets, and small.
        """
        for name, metric in METRICS.items():
            closed = [label.values for label in metric.labels if label.values is not None]
            if metric.labels and (
                metric.kind is not Kind.COUNTER or len(closed) < len(metric.labels)
            ):
                continue
            for values in product(*map(sorted, closed)):
                labels = [label.name for label in metric.labels]
                self._child(name, metric.kind, dict(zip(labels, values, strict=True)))

    def _make(self, metric: Metric) -> Counter | Gauge | Histogram:
        labels = [label.name for label in metric.labels]
        match metric.kind:
            case Kind.COUNTER:
                return Counter(metric.name, metric.help, labels, registry=self.registry)
            case Kind.GAUGE:
                return Gauge(metric.name, metric.help, labels, registry=self.registry)
            case Kind.HISTOGRAM:
                return Histogram(
                    metric.name,
                    metric.help,
                    labels,
                    registry=self.registry,
                    buckets=metric.buckets,
                )

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        child = self._children[Kind.COUNTER].get((name, tuple(labels.items())))
        (child or self._child(name, Kind.COUNTER, labels)).inc(amount)

    def observe(self, name: str, value: float, **labels: str) -> None:
        child = self._children[Kind.HISTOGRAM].get((name, tuple(labels.items())))
        (child or self._child(name, Kind.HISTOGRAM, labels)).observe(value)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        child = self._children[Kind.GAUGE].get((name, tuple(labels.items())))
        (child or self._child(name, Kind.GAUGE, labels)).set(value)

    def _child(self, name: str, kind: Kind, labels: dict[str, str]) -> Any:
        metric = _look_up(name, kind, labels)
        parent = self._metrics[name]
        bounded = {
            label.name: self._bounded(name, label.name, str(labels[label.name]))
            for label in metric.labels
        }
        child = parent.labels(**bounded) if bounded else parent
        # Only what is within bounds is kept: else hostile values would fill this dictionary.
        if bounded == labels:
            self._children[kind][name, tuple(labels.items())] = child
        return child

    def _bounded(self, name: str, label_name: str, value: str) -> str:
        label = next(one for one in METRICS[name].labels if one.name == label_name)
        seen = self._seen.setdefault((name, label_name), set())
        if value in seen:
            return value
        if (label.values is not None and value not in label.values) or len(seen) >= label.most:
            if OTHER not in seen:
                log.error("label out of bounds", metric=name, label=label_name)
                seen.add(OTHER)
            return OTHER
        seen.add(value)
        return value


class MemoryMeter:
    """For tests: strict, and it can be asked."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        self._observed: dict[tuple[str, frozenset[tuple[str, str]]], list[float]] = {}

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        if amount < 0:
            raise Bug(f"{name} is counted down by {amount}")
        key = self._key(name, Kind.COUNTER, labels)
        self._values[key] = self._values.get(key, 0.0) + amount

    def observe(self, name: str, value: float, **labels: str) -> None:
        self._observed.setdefault(self._key(name, Kind.HISTOGRAM, labels), []).append(value)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self._values[self._key(name, Kind.GAUGE, labels)] = value

    def value(self, name: str, **labels: str) -> float:
        """A counter or gauge, 0 where it never was touched; labels left out are summed over."""
        self._known(name)
        wanted = set(labels.items())
        return sum(
            value
            for (found, pairs), value in self._values.items()
            if found == name and wanted <= pairs
        )

    def observed(self, name: str, **labels: str) -> list[float]:
        """All values of a histogram, in order; labels left out are joined."""
        self._known(name)
        wanted = set(labels.items())
        return [
            value
            for (found, pairs), values in self._observed.items()
            if found == name and wanted <= pairs
            for value in values
        ]

    def _known(self, name: str) -> None:
        if name not in METRICS:
            raise Bug(f"there is no metric {name}")

    def _key(
        self, name: str, kind: Kind, labels: dict[str, str]
    ) -> tuple[str, frozenset[tuple[str, str]]]:
        for label in _look_up(name, kind, labels).labels:
            if label.values is not None and labels[label.name] not in label.values:
                raise Bug(f"{name}: {labels[label.name]!r} is no {label.name}")
        return name, frozenset((key, str(value)) for key, value in labels.items())
