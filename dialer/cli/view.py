"""Daemons, campaigns, operators and numbers on a terminal: one renderable from what is
published.

Shared by `dialer status` and the live view of the demo.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

STATE_STYLE = {
    "ready": "green",
    "talking": "bold cyan",
    "offered": "cyan",
    "wrapup": "yellow",
    "paused": "magenta",
    "redialed": "red",
    "adrift": "red",
    "offline": "dim",
}
#: States of calls in the order of their life. Those that last an instant, or are trouble, have
#: a column only while somebody is in them.
CALL_STATES = (
    "shown",
    "claimed",
    "dialing",
    "ringing",
    "waiting",
    "offered",
    "talking",
    "message",
    "adrift",
)
ALWAYS_SHOWN = ("dialing", "ringing", "waiting", "talking")

Statuses = Mapping[str, Mapping[str, Any]]


def overview(statuses: Statuses, operators: Mapping[str, Mapping[str, Any]]) -> Group:
    """Everything that is published, a block for each daemon, then the operators."""
    blocks: list[RenderableType] = []
    for name in sorted(statuses):
        status = statuses[name]
        blocks += [_head(name, status), _campaigns(status), _lines(status)]
    blocks.append(_operators(operators))
    return Group(*blocks)


def _head(name: str, status: Mapping[str, Any]) -> RenderableType:
    switch = status["switch"]
    text = Text.assemble(
        (name, "bold"),
        f"  {status['phase']} for {status['uptime_s']:.0f} s  switch ",
        ("usable", "green") if switch["usable"] else ("NOT USABLE", "bold red"),
        f"  unwritten results {status['outbox']}",
    )
    for reason, detail in status["held_back_by"].items():
        text.append(f"\nnothing is dialed: {reason}: {detail}", "bold red")
    recordings = status.get("recordings")
    if recordings and recordings["trouble"]:
        text.append(f"\nnothing is recorded: {recordings['trouble']}", "bold red")
    if recordings and recordings.get("unsealed"):
        text.append(f"\nnot sealed: {recordings['unsealed']}", "bold red")
    for one in status.get("supervisions", ()):
        text.append(f"\n{one['supervisor']} with {one['operator']}: {one['mode']}", "magenta")
    for trouble in status.get("troubles", ()):
        text.append(f"\nto be mended: {trouble['text']}", "yellow")
    return text


def _campaigns(status: Mapping[str, Any]) -> Group:
    shown = [
        state
        for state in CALL_STATES
        if state in ALWAYS_SHOWN
        or any(one["calls"].get(state) for one in status["campaigns"].values())
    ]
    table = Table(expand=True, title_justify="left", pad_edge=False)
    table.add_column("campaign", style="bold")
    for state in shown:
        table.add_column(state, justify="right")
    table.add_column("answered", justify="right")
    table.add_column("abandoned", justify="right")
    for name, one in status["campaigns"].items():
        table.add_row(
            name,
            *(str(one["calls"].get(state, 0) or "·") for state in shown),
            str(one["answered"]),
            _abandoned(one["abandoned"], one["answered"]),
        )
    whys = Text("\n").join(
        Text.assemble((f"{name} ", "bold"), (f"{one['mode']}: {one['why']}", "dim"))
        for name, one in status["campaigns"].items()
    )
    return Group(table, whys)


def _abandoned(abandoned: int, answered: int) -> str:
    return f"{abandoned} ({abandoned / answered:.1%})" if answered else "0"


def _lines(status: Mapping[str, Any]) -> Table:
    """Our numbers by pool, each with its count of today; the gateways."""
    table = Table(expand=True, show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for pool, load in status["pools"].items():
        style = "red" if load["used_up"] else "yellow" if load["warning"] else ""
        table.add_row(
            f"pool {pool}",
            Text(f"{load['used']} used, {load['left']} left ({load['share']:.0%})", style),
        )
    counts = [f"{number} {count}" for number, count in status["numbers"].items() if count]
    if counts:
        table.add_row("numbers today", Text("  ".join(counts), "dim"))
    gateways = [
        f"{name} {'up' if one['up'] else 'DOWN'}, {one['calls']} calls"
        for name, one in status["gateways"].items()
    ]
    table.add_row("gateways", "  ".join(gateways))
    return table


def _operators(operators: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    states = Counter(map(_state, operators.values()))
    cells = [
        Text.assemble(
            (f"{name:<10}", "bold"),
            (f"{_state(one):<8}", STATE_STYLE.get(str(one["state"]), "")),
            (f"{one['for_s']:>6.0f} s", "dim"),
        )
        for name, one in sorted(operators.items())
    ]
    table = Table.grid(padding=(0, 2))
    for row in range(0, min(len(cells), 40), 4):
        table.add_row(*cells[row : row + 4])
    counted = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return Panel(table, title=f"operators: {counted or 'none'}", title_align="left")


def _state(one: Mapping[str, Any]) -> str:
    """Who reads a card waits for nobody (preview)."""
    return "card" if one.get("card") else str(one["state"])
