"""The end of a demo as one JSON object, and the same for a terminal.

Counted from the ledger and from the switch's own record: the daemon's memory is asked nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType

from dialer.core.model import Campaign, Number
from dialer.core.numbers.pools import number_day
from dialer.ledger.store import PostgresLedger
from dialer.ports import ImportReport
from dialer.reports.asked import operator_figures
from dialer.reports.queue_now import Held, queue_now
from dialer.reports.shares import share_of
from dialer.reports.tables import Column, Table, rich_table
from dialer.reports.twice import dialed_twice, shortest_retry_s
from dialer.reports.values import occupancy
from dialer.reports.wording import words


def rehearsal_summary(
    ledger: PostgresLedger,
    *,
    campaigns: Sequence[Campaign],
    numbers: Sequence[Number],
    since: datetime,
    until: datetime,
    imported: ImportReport,
    records: Iterable[Mapping[str, Any]],
    restarts: int = 0,
    holidays: Callable[[Campaign], frozenset[date]] = lambda campaign: frozenset(),
) -> dict[str, Any]:
    """`held_back` counts contacts by reason, each entry judged at `until`.

    `dialed_twice` is what the witness who saw more of it saw: the switch or the ledger.
    """
    span = (since, until + timedelta(seconds=1))
    totals = [ledger.reports.totals(one.name, *span) for one in campaigns]
    dispositions: Counter[str] = Counter()
    for one in campaigns:
        dispositions.update(ledger.reports.dispositions(one.name, *span))
    abandoned = sum(one.abandoned for one in totals)
    live = abandoned + sum(one.talked for one in totals)
    operators = operator_figures(ledger, since, until)
    seen = dialed_twice(records, shortest_retry_s(campaigns))
    return {
        "contacts": _contacts(ledger, campaigns),
        "attempts": sum(one.attempts for one in totals),
        "dispositions": dict(sorted(dispositions.items())),
        "abandoned_share": abandoned / live if live else 0.0,
        "answered_by_people": live,
        "occupancy": occupancy(
            sum(one.talk_s for one in operators), sum(one.idle_s for one in operators)
        ),
        "calls_per_number": _calls_per_number(ledger, numbers, since, until),
        "held_back": _held_back(ledger, campaigns, until, holidays),
        "rejected_rows": imported.rejected,
        "unresolved": sum(one.unresolved for one in totals),
        "dialed_twice": max(seen, ledger.reports.dialed_twice(*span)),
        "restarts": restarts,
        "abandoned": abandoned,
    }


def summary_table(summary: Mapping[str, Any]) -> RenderableType:
    """What `rehearsal_summary` says, for a person."""
    abandoned = share_of(summary["abandoned"], summary["answered_by_people"])
    busy = summary["occupancy"]
    lines = (
        ("contacts", str(summary["contacts"])),
        ("rows rejected at import", str(summary["rejected_rows"])),
        ("attempts", str(summary["attempts"])),
        ("abandoned by us", str(abandoned)),
        ("occupancy of the operators", "nobody worked" if busy is None else f"{busy:.0%}"),
        ("attempts without an end", str(summary["unresolved"])),
        ("dialed twice", str(summary["dialed_twice"])),
        ("daemons started again", str(summary["restarts"])),
    )
    return Group(
        rich_table(_counts("Rehearsal", ("", ""), lines)),
        rich_table(_mapping("Endings", ("ending", "attempts"), summary["dispositions"])),
        rich_table(_mapping("Held back", ("reason", "contacts"), summary["held_back"])),
        rich_table(
            _mapping("Calls per number", ("number", "calls"), summary["calls_per_number"])
        ),
    )


def _contacts(ledger: PostgresLedger, campaigns: Sequence[Campaign]) -> int:
    """Cards on the lists that are dialed, each list once."""
    lists = sorted({one.list_name for one in campaigns})
    return sum(ledger.reports.base_counts(name)["contacts"] for name in lists)


def _calls_per_number(
    ledger: PostgresLedger, numbers: Sequence[Number], since: datetime, until: datetime
) -> dict[str, int]:
    """Calls charged on the busiest day of the span: what stands against the day's limit."""
    calls: dict[str, int] = {number.id: 0 for number in numbers}
    days = [number_day(number, at) for number in numbers for at in (since, until)]
    if not days:
        return calls
    for number, _, dialed, _ in ledger.reports.calls_per_number(min(days), max(days)):
        calls[number] = max(calls.get(number, 0), dialed)
    return calls


def _held_back(
    ledger: PostgresLedger,
    campaigns: Sequence[Campaign],
    at: datetime,
    holidays: Callable[[Campaign], frozenset[date]],
) -> dict[str, int]:
    held: Counter[str] = Counter()
    for campaign in campaigns:
        for one in queue_now(ledger, campaign, at, holidays(campaign)).held:
            held[one.reason] += one.contacts
    return dict(held.most_common())


def _mapping(title: str, columns: tuple[str, str], counts: Mapping[str, int]) -> Table:
    named = title == "Held back"
    rows = [
        (Held(reason=name, contacts=n).sentence if named else words(name), str(n))
        for name, n in counts.items()
    ]
    return _counts(title, columns, rows)


def _counts(title: str, columns: tuple[str, str], rows: Iterable[tuple[str, str]]) -> Table:
    name, number = columns
    return Table(title=title, columns=(Column(name), Column(number, right=True)), rows=[*rows])
