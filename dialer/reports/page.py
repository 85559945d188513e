"""The report as one self-contained HTML page: no script, nothing from elsewhere.

Everything that is shown goes through jinja2's autoescape; the bars of the hours are plain SVG
made of numbers only.
"""

from __future__ import annotations

from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from dialer.reports.layout import report_tables
from dialer.reports.tables import harmless
from dialer.reports.values import CampaignReport
from dialer.reports.wording import clock

#: The drawing of the hours, in SVG units.
HEIGHT, BAR, GAP = 120, 14, 4
#: So many hours are drawn, the last ones; all stand in the table.
DRAWN_HOURS = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One hour: how high the attempts and, in them, the talks."""

    x: int
    attempts_high: float
    talks_high: float
    label: str
    title: str


def report_page(report: CampaignReport) -> str:
    """The whole page as text."""
    environment = Environment(
        loader=PackageLoader("dialer.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["harmless"] = harmless
    bars = _bars(report)
    return environment.get_template("report.html").render(
        campaign=report.campaign,
        made=f"{clock(report.until, report.zone, report.until)}, {report.until:%d.%m.%Y}",
        zone=report.zone,
        tables=report_tables(report),
        bars=bars,
        height=HEIGHT,
        bar=BAR,
        width=max(1, len(bars)) * (BAR + GAP),
    )


def _bars(report: CampaignReport) -> list[Bar]:
    hours = report.hours[-DRAWN_HOURS:]
    most = max((one.attempts for one in hours), default=1)
    return [
        Bar(
            x=place * (BAR + GAP),
            attempts_high=HEIGHT * one.attempts / most,
            talks_high=HEIGHT * one.talked / most,
            label=f"{one.hour:%H}",
            title=f"{one.hour:%d.%m. %H:00}: {one.attempts} attempts, {one.talked} talks",
        )
        for place, one in enumerate(hours)
    ]
