"""The forecast as one self-contained HTML page: no script, nothing from elsewhere.

Two drawings in plain SVG, made of numbers only: occupancy by the quarter hour with its
interval, and by team size for each cap. All text goes through jinja2's autoescape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from dialer.forecast.grid_table import Cell
from dialer.forecast.layout import per_cent
from dialer.forecast.outcome import Outcome, Quarter
from dialer.forecast.sheets import forecast_sheets, headline

#: The drawings, in SVG units: the field of the curves and the margin of the labels.
WIDTH, HEIGHT, LEFT = 720, 220, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A word at an axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line of points, "x,y x,y"; `band` the polygon of its interval."""

    name: str
    points: str
    band: str = ""
    dots: tuple[tuple[float, float, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One plot of shares from 0 to 100 %."""

    title: str
    curves: tuple[Curve, ...]
    across: tuple[Mark, ...]
    up: tuple[Mark, ...]


def forecast_page(found: Outcome) -> str:
    """The whole page as text."""
    environment = Environment(
        loader=PackageLoader("dialer.forecast"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawings = [_day(found)] if found.quarters else []
    if found.cells:
        drawings.append(_teams(found.cells))
    return environment.get_template("forecast.html").render(
        campaign=found.question.campaign.name,
        lines=headline(found),
        drawings=drawings,
        sheets=forecast_sheets(found),
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
    )


def _day(found: Outcome) -> Drawing:
    """Occupancy of the first shift by the quarter hour."""
    question, quarters = found.question, found.quarters
    begins = question.shifts[0].astimezone(ZoneInfo(question.zone))
    whole_s = max(question.lasts_s, 900.0)

    def x(at_s: float) -> float:
        return LEFT + WIDTH * at_s / whole_s

    middle = [(x(one.begins_s + 450.0), _y(one.occupancy.middle)) for one in quarters]
    hours = int(whole_s // 3600)
    marks = [
        Mark(at=x(hour * 3600.0), text=f"{(begins.hour + hour) % 24}:{begins.minute:02d}")
        for hour in range(0, hours + 1, max(1, hours // 8))
    ]
    curve = Curve(name="median", points=_points(middle), band=_band(quarters, x))
    return Drawing(
        title=f"Occupancy by the quarter hour; shaded: {found.confidence:.0%} of the seeds",
        curves=(curve,),
        across=tuple(marks),
        up=_levels(),
    )


def _band(quarters: Sequence[Quarter], x: object) -> str:
    assert callable(x)
    there = [(x(one.begins_s + 450.0), _y(one.occupancy.high)) for one in quarters]
    back = [(x(one.begins_s + 450.0), _y(one.occupancy.low)) for one in reversed(quarters)]
    return _points([*there, *back])


def _teams(cells: Sequence[Cell]) -> Drawing:
    """Occupancy by the number of operators, a curve for each cap."""
    sizes = sorted({one.operators for one in cells})
    most = max(sizes)

    def x(operators: int) -> float:
        return LEFT + WIDTH * operators / (most * 1.05)

    curves = []
    caps = sorted({one.cap for one in cells if one.cap is not None})
    for cap in (None, *caps):
        own = sorted((one for one in cells if one.cap == cap), key=lambda one: one.operators)
        name = "progressive" if cap is None else f"cap {per_cent(cap, 0)}"
        dots = tuple(
            (
                x(one.operators),
                _y(one.occupancy),
                f"{name}, {one.operators} operators: {per_cent(one.occupancy)}",
            )
            for one in own
        )
        points = _points([(at, up) for at, up, _ in dots])
        curves.append(Curve(name=name, points=points, dots=dots))
    return Drawing(
        title="Occupancy by operators and cap",
        curves=tuple(curves),
        across=tuple(Mark(at=x(one), text=str(one)) for one in sizes),
        up=_levels(),
    )


def _y(share: float) -> float:
    return HEIGHT * (1.0 - min(1.0, max(0.0, share)))


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _levels() -> tuple[Mark, ...]:
    return tuple(Mark(at=_y(one / 4.0), text=f"{25 * one} %") for one in range(5))
