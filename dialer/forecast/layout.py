"""What simulations and forecasts come to, as sheets: rows for the terminal and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dialer.forecast.simulated import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table. The first column is words, the others are figures unless `words` is set."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""
    words: bool = False


def per_cent(share: float | None, digits: int = 1) -> str:
    """0.0312 -> `3.1 %`; None -> a dash."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"


def score_sheet(scenario: str, rows: Mapping[str, Row]) -> Sheet:
    """The score table of `dialer simulate`."""
    return Sheet(
        title=f"{scenario}: {next(iter(rows.values())).shifts} simulated shifts",
        heads=(
            "pacing",
            "occupancy",
            "utilisation",
            "abandoned",
            "worst day",
            "worst stretch",
            "idle s per talk",
            "talks per operator-hour",
            "lines per talk",
            "given up",
            "µs per decision",
        ),
        rows=[
            (
                name,
                per_cent(row.occupancy),
                per_cent(row.utilisation),
                per_cent(row.abandonment, 2),
                per_cent(row.worst_day, 2),
                per_cent(row.worst_stretch),
                f"{row.idle_per_talk_s:.1f}",
                f"{row.talks_per_operator_h:.1f}",
                f"{row.lines_per_talk:.2f}",
                str(row.cancelled),
                f"{row.decision_us:.0f}",
            )
            for name, row in rows.items()
        ],
        note="Occupancy: talk / (talk + idle), wrap-up apart. A stretch is at least 30 minutes"
        " and 200 live answers; – where no stretch had so many.",
    )
