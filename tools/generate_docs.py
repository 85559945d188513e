"""Writes the documents that are drawn from the code: states, dispositions, metrics, campaigns.

    .venv/bin/python tools/generate_docs.py          # `make docs`

`documents()` is what they must hold; tests/rooms/docs holds the files to it. Nothing here is
said that the code does not say: handlers' and events' own docstrings, the tables, the names.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from dialer.core.calls import attempts, effects, events, operators
from dialer.core.calls.cause_rows import FLAGS, Charge, Condition, Row
from dialer.core.calls.causes_table import TABLE
from dialer.core.calls.machine import Table, Transition, edges, ignore
from dialer.core.model import Disposition
from dialer.metrics.names import METRICS, Kind, Label, Metric
from dialer.settings.description import SCHEMAS, describe, json_schema

ROOT = Path(__file__).resolve().parents[1]

Rows = Sequence[Sequence[str]]


def documents() -> dict[str, str]:
    """File under docs/ -> its whole text."""
    return {
        "states.md": states(),
        "dispositions.md": dispositions(),
        "metrics.md": metrics(),
        "campaigns.md": describe(),
    }


def schemas() -> dict[str, str]:
    """File under config/schema/ -> its whole text, for editors."""
    return {
        f"{name}.json": json.dumps(json_schema(name), indent=1, ensure_ascii=False) + "\n"
        for name in SCHEMAS
    }


def main() -> None:
    for name, text in documents().items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")
    folder = ROOT / "config" / "schema"
    folder.mkdir(exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text, encoding="utf-8")


# ------------------------------------------------------------------ Markdown


def table(head: Sequence[str], rows: Rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def said(thing: Any) -> str:
    """The first paragraph of a docstring ("" where there is none of its own)."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


# ------------------------------------------------------------------ states.md

_STATES = """\
# State tables

Drawn from `dialer/core/calls/attempts.py` and `dialer/core/calls/operators.py` by `make docs`.
The same tables run in the daemon: what is not in them cannot happen. A pair of state and event
without a row raises `Bug` in tests; in service it is logged (`event not in the state table`),
counted (`dialer_table_violations_total`) and the value stays as it was.

A row names the states to which its handler may lead; staying is always allowed. *ignored* is an
ordinary race: the event comes too late, or says what is known. `ADRIFT` is "out of sight" (the
link was lost, or the daemon was started again) and has diagrams of its own.
"""

_UNSEEN = "ADRIFT"


def states() -> str:
    parts = [_STATES]
    parts += _machine(
        "Attempt", attempts.TABLE, attempts.AttemptState, attempts.AttemptState.ENDED
    )
    parts += _machine(
        "Operator", operators.TABLE, operators.OperatorState, operators.OperatorState.OFFLINE
    )
    parts += ["## Events\n", table(("event", "what it says"), _members(events, events.Event))]
    parts += [
        "## Effects\n",
        table(("effect", "what is ordered"), _members(effects, effects.Effect)),
    ]
    return "\n".join(parts)


def _machine(
    title: str, rows: Table[Any], kinds: type[StrEnum], rests: StrEnum
) -> Iterator[str]:
    yield f"## {title}\n"
    yield _diagram(rows, kinds, rests, unseen=False)
    yield f"### {title}: out of sight and found again\n"
    yield _diagram(rows, kinds, rests, unseen=True)
    for state in kinds:
        yield f"### {title} in {state.name}\n"
        yield table(("event", "leads to", "what is done"), list(_state_rows(rows, state)))


def _diagram(rows: Table[Any], kinds: type[StrEnum], rests: StrEnum, *, unseen: bool) -> str:
    """A Mermaid diagram: the edges that touch ADRIFT, or all others; labels are the events."""
    labels: dict[tuple[str, str], list[str]] = {}
    for before, event, after in edges(rows):
        if before is not after and (_UNSEEN in (before.name, after.name)) is unseen:
            labels.setdefault((before.name, after.name), []).append(event)
    lines = ["```mermaid", "stateDiagram-v2"]
    if not unseen:
        first = next(iter(kinds)).name
        lines.append(f"    [*] --> {first}")
    lines += [
        f"    {before} --> {after}: {', '.join(sorted(named))}"
        for (before, after), named in labels.items()
    ]
    if not unseen and not any(before == rests.name for before, _ in labels):
        lines.append(f"    {rests.name} --> [*]")
    return "\n".join([*lines, "```", ""])


def _state_rows(rows: Table[Any], state: StrEnum) -> Iterator[tuple[str, str, str]]:
    """What moves first, then what stays, then what is ignored; by name within each."""
    own = [(event.__name__, row) for (of, event), row in rows.items() if of is state]
    for event, row in sorted(own, key=lambda one: (_rank(one[1]), one[0])):
        if row.do is ignore:
            yield event, "–", "*ignored*"
        else:
            targets = ", ".join(sorted(target.name for target in row.to)) or "stays"
            yield event, targets, said(row.do) or f"`{row.do.__name__}`"


def _rank(row: Transition[Any]) -> int:
    return 2 if row.do is ignore else 0 if row.to else 1


def _members(module: Any, base: type) -> list[tuple[str, str]]:
    """The module's own subclasses in the order of their definition."""
    return [
        (f"`{name}`", said(one))
        for name, one in vars(module).items()
        if inspect.isclass(one) and issubclass(one, base) and one is not base
    ]


# ------------------------------------------------------------------ dispositions.md

_DISPOSITIONS = """\
# Dispositions

How the end of an attempt is judged, drawn from `dialer/core/calls/causes_table.py` by
`make docs`. Read from the top; the first row that matches wins (`core/calls/causes.py:match`).
All that a row asks must hold, but of its codes (SIP status, Q.850, FreeSWITCH's cause) one is
enough. The evidence is kept with every attempt, so that an old result can be judged anew.

*try* is a try of the contact (R3.14), *number* a call that reached the carrier with our number
shown (R1.3): `if_rang` = only if a 180 or 183 was seen or may have been; `if_channel` = only if
the switch made a channel. *suspect*: the called number may be dead (R5.2). *source* names the
paragraph of `freeswitch.md` or the measurement of `freeswitch-proofs.md` ("proofs") behind it.
"""


def dispositions() -> str:
    head = ("#", "row", "when", "disposition", "try", "number", "suspect", "source", "note")
    rows = [
        (
            str(place),
            row.name,
            "; ".join(_asked(row.when)) or "anything else",
            f"`{row.disposition.value}`",
            row.charged.value,
            row.number_charged.value,
            "yes" if row.number_suspect else "",
            row.source,
            row.note,
        )
        for place, row in enumerate(TABLE, start=1)
    ]
    return "\n".join(
        [_DISPOSITIONS, table(head, rows), "## By disposition\n", _by_disposition()]
    )


def _asked(when: Condition) -> Iterator[str]:
    for flag in FLAGS:
        wanted = getattr(when, flag)
        if wanted is not None:
            yield _FLAG_WORDS[flag][not wanted]
    if when.min_ring_ms is not None:
        yield f"rang for at least {when.min_ring_ms / 1000:g} s"
    if when.max_elapsed_ms is not None:
        yield f"within {when.max_elapsed_ms / 1000:g} s of the INVITE"
    if when.sip:
        yield f"SIP {ranges(when.sip)}"
    if when.q850:
        yield f"Q.850 {ranges(when.q850)}"
    if when.causes:
        yield ", ".join(f"`{cause}`" for cause in sorted(when.causes))
    if when.not_sip:
        yield f"not SIP {ranges(when.not_sip)}"


#: Each flag of a condition: what it says where it must hold, and where it must not.
_FLAG_WORDS = {
    "channel": ("a channel existed", "no channel ever existed"),
    "answered": ("answered", "not answered"),
    "bridged": ("bridged", "not bridged"),
    "abandoned": ("nobody of ours in time", "not abandoned by us"),
    "machine": ("a machine was heard", "no machine was heard"),
    "unseen": ("we were not looking", "we saw it"),
    "stopped": ("we ordered it gone", "we did not order it gone"),
    "rang": ("a 180 or 183 was seen, or may have been", "neither 180 nor 183"),
    "signals_ringing": ("the gateway signals ringing", "the gateway never sends 180 or 183"),
    "by_us": ("hung up by our side", "not hung up by our side"),
    "final": ("the far end said a last word", "no last word of the far end"),
    "reply_only": ("only the job's answer is known", "more than the job's answer is known"),
    "blocked_note": ("its text says that analytics blocked it", "no such text"),
}


def ranges(numbers: frozenset[int]) -> str:
    """404, 410, 500–599."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def _by_disposition() -> str:
    rows = []
    for disposition in Disposition:
        own = [row for row in TABLE if row.disposition is disposition]
        rows.append((f"`{disposition.value}`", _places(own), _charges(own)))
    return table(("disposition", "rows", "counts as a try"), rows)


def _places(rows: Sequence[Row]) -> str:
    return ", ".join(str(place) for place, row in enumerate(TABLE, start=1) if row in rows)


def _charges(rows: Sequence[Row]) -> str:
    charged = {row.charged for row in rows}
    return " or ".join(words for charge, words in _CHARGES.items() if charge in charged)


_CHARGES: Mapping[Charge, str] = {
    Charge.YES: "yes",
    Charge.NO: "no",
    Charge.IF_RANG: "if it rang",
    Charge.IF_CHANNEL: "if a channel existed",
}


# ------------------------------------------------------------------ metrics.md

_METRICS = """\
# Metrics

Every metric on `/metrics`, drawn from `dialer/metrics/names.py` by `make docs`. Beside them
stand `dialer_build_info` and the process's own (`process_*`). A label's values are closed sets
or names from the configuration, bounded; never a phone, a number of ours, a contact or an
operator. A value outside its bounds is counted as `other` and logged once
(`label out of bounds`). Where a metric tells of trouble, [runbook.md](runbook.md) says what to
do.

*place kept* marks a name that nothing counts or measures in this version: it stays at zero or
absent, so do not alert on it yet.
"""


def metrics() -> str:
    counted = _counted()
    parts = [_METRICS]
    for kind in Kind:
        rows = [
            (
                f"`{one.name}`",
                ", ".join(f"`{label.name}`" for label in one.labels) or "–",
                one.help if one.name in counted else f"{one.help} *place kept*",
            )
            for one in METRICS.values()
            if one.kind is kind
        ]
        parts += [
            f"## {kind.value.capitalize()}s\n",
            table(("name", "labels", "meaning"), rows),
        ]
    parts += ["## Labels\n", table(("label", "values"), list(_labels()))]
    parts += ["## Buckets\n", table(("histogram", "upper bounds, s"), list(_buckets()))]
    return "\n".join(parts)


def _counted() -> frozenset[str]:
    """Names that stand in the code of some room other than their list."""
    text = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "dialer").rglob("*.py"))
        if path.parts[-2:] != ("metrics", "names.py")
    )
    return frozenset(re.findall(r'"(dialer_[a-z_]+)"', text))


def _labels() -> Iterator[tuple[str, str]]:
    seen: dict[tuple[str, str], None] = {}
    for metric in METRICS.values():
        for label in metric.labels:
            seen[_owners(metric, label), _values(label)] = None
    yield from sorted(seen)


def _owners(metric: Metric, label: Label) -> str:
    """The label's name; with the metric's, where another one gives it other values."""
    alike = (one for all_of in METRICS.values() for one in all_of.labels)
    if any(one.name == label.name and one != label for one in alike):
        return f"`{label.name}` of `{metric.name}`"
    return f"`{label.name}`"


def _values(label: Label) -> str:
    if label.values is None:
        return f"open, at most {label.most}"
    return ", ".join(f"`{value}`" for value in sorted(label.values))


def _buckets() -> Iterator[tuple[str, str]]:
    for metric in METRICS.values():
        if metric.buckets:
            yield f"`{metric.name}`", _bounds(metric)


def _bounds(metric: Metric) -> str:
    return ", ".join(f"{bound:g}" for bound in metric.buckets)


if __name__ == "__main__":
    main()
