"""As much of PromQL as is needed to ask whether a query's metrics and labels exist.

`selectors` finds every NAME{matchers}; `grouped` every label of by, without, on, ignoring and
group_left. Strings are cut out first, so that a word in a matcher is not taken for a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dialer.metrics.names import METRICS, Kind

#: What Prometheus and the client library add to every series of ours.
ALWAYS = frozenset({"instance", "job"})
#: Series that are not in METRICS.
FOREIGN: Mapping[str, frozenset[str]] = {
    "up": ALWAYS,
    "ALERTS": frozenset({"alertname", "alertstate", "severity", *ALWAYS}),
    "dialer_build_info": frozenset({"version", "python", *ALWAYS}),
    "process_start_time_seconds": ALWAYS,
    "process_cpu_seconds_total": ALWAYS,
    "process_resident_memory_bytes": ALWAYS,
    "process_virtual_memory_bytes": ALWAYS,
    "process_open_fds": ALWAYS,
    "process_max_fds": ALWAYS,
}

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_DURATION = re.compile(r"\[[^\]]*\]")
_SELECTOR = re.compile(r"(?<![\w:])([a-zA-Z_:][\w:]*)(?![\w:])\s*(\{[^}]*\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
_WORDS = frozenset({"and", "or", "unless", "bool", "offset", "inf", "nan", "by", "on"})


@dataclass(frozen=True, slots=True)
class Selector:
    """One use of a series. `matchers`: label -> (operator, text)."""

    name: str
    matchers: tuple[tuple[str, str, str], ...]


def selectors(query: str) -> Iterator[Selector]:
    text = _DURATION.sub("", _GROUPED.sub("", query))
    for match in _SELECTOR.finditer(_hide(text)):
        name = match[1]
        if name.lower() in _WORDS or text[match.end(1) :].lstrip()[:1] == "(":
            continue
        found = _MATCHER.findall(text[match.start(2) : match.end(2)]) if match[2] else []
        yield Selector(name, tuple(found))


def _hide(text: str) -> str:
    """Strings of the same length without letters or braces in them."""
    return _STRING.sub(lambda one: '"' + "_" * (len(one[0]) - 2) + '"', text)


def grouped(query: str) -> set[str]:
    return {
        label.strip()
        for inside in _GROUPED.findall(_hide(query))
        for label in inside.split(",")
        if label.strip()
    }


def labels_of(name: str, recorded: Mapping[str, frozenset[str]]) -> frozenset[str] | None:
    """The labels of a series; None where there is no such series."""
    if name in FOREIGN:
        return FOREIGN[name]
    if name in recorded:
        return recorded[name] | {"instance"}
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    if base != name and base in METRICS and METRICS[base].kind is Kind.HISTOGRAM:
        bucket = {"le"} if name.endswith("_bucket") else set()
        return frozenset({label.name for label in METRICS[base].labels} | bucket | ALWAYS)
    if name in METRICS and METRICS[name].kind is not Kind.HISTOGRAM:
        return frozenset({label.name for label in METRICS[name].labels} | ALWAYS)
    return None


def wrong(query: str, recorded: Mapping[str, frozenset[str]]) -> list[str]:
    """What in this query does not exist: series, labels, values of closed labels."""
    said = []
    known: set[str] = set()
    used = list(selectors(query))
    for one in used:
        labels = labels_of(one.name, recorded)
        if labels is None:
            said.append(f"there is no series {one.name}")
            continue
        known |= labels
        for label, operator, text in one.matchers:
            if label not in labels:
                said.append(f"{one.name} has no label {label}")
            said += _values(one.name, label, operator, text)
    said += [f"nothing here has the label {label}" for label in grouped(query) - known]
    return said if used else ["no series is asked for"]


def _values(name: str, label: str, operator: str, text: str) -> Iterator[str]:
    """Values that a closed label never has, and bucket bounds that no histogram has."""
    base = METRICS.get(re.sub(r"_(bucket|sum|count)$", "", name)) or METRICS.get(name)
    if base is None or "$" in text:
        return
    if label == "le":
        if text not in {
            f"{bound:.1f}" if bound >= 1 else f"{bound:g}" for bound in base.buckets
        }:
            yield f"{name} has no bucket {text}"
        return
    closed = next((one.values for one in base.labels if one.name == label), None)
    if closed is None:
        return
    words = text.split("|") if operator in ("=~", "!~") else [text]
    yield from (f"{label} of {name} is never {word}" for word in words if word not in closed)
