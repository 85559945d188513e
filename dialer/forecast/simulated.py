"""`dialer simulate`: shifts of a family or a scenario file, and how the core did in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dialer.core.model import Mode
from dialer.core.pacing.cap_rule import CapRule, EarlyHangUps
from dialer.forecast.feed import Feed
from dialer.forecast.grid import FINE, Grid
from dialer.forecast.pace import Pace
from dialer.forecast.scenario import Scenario
from dialer.forecast.tally import Shift
from dialer.forecast.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Shifts of one kind, pooled; shares of 1."""

    shifts: int
    occupancy: float
    utilisation: float
    abandonment: float
    worst_day: float
    worst_stretch: float | None
    idle_per_talk_s: float
    talks_per_operator_h: float
    lines_per_talk: float
    cancelled: int
    decision_us: float


def simulate(
    scenario: Scenario,
    mode: Mode,
    *,
    cap: float = 0.03,
    ratio: float = 1.0,
    grid: Grid = FINE,
    feed: Feed | None = None,
    progress: Callable[[float], None] | None = None,
) -> Shift:
    """One shift with the core that dials."""
    counted = scenario.line.early_hang_ups_count
    rule = CapRule(
        limit=cap,
        early_hang_ups=EarlyHangUps.ABANDONED if counted else EarlyHangUps.APART,
    )
    pace = Pace(mode, rule, ring_timeout_s=scenario.line.ring_timeout_s, ratio=ratio)
    return World(scenario, pace, grid=grid, feed=feed, progress=progress).run()


def pooled(shifts: list[Shift]) -> Row:
    """Sums over shifts, the worst where it says so."""
    talk_s = sum(one.talk_s for one in shifts)
    idle_s = sum(one.idle_s for one in shifts)
    busy_s = talk_s + sum(one.wrapup_s for one in shifts)
    connects = max(1, sum(one.connects for one in shifts))
    stretches = [one.worst_stretch for one in shifts if one.worst_stretch is not None]
    decisions = max(1, sum(one.decisions for one in shifts))
    return Row(
        shifts=len(shifts),
        occupancy=talk_s / max(1e-9, talk_s + idle_s),
        utilisation=busy_s / max(1e-9, busy_s + idle_s),
        abandonment=sum(one.abandoned for one in shifts)
        / max(1, sum(one.answered for one in shifts)),
        worst_day=max(one.abandonment for one in shifts),
        worst_stretch=max(stretches) if stretches else None,
        idle_per_talk_s=idle_s / connects,
        talks_per_operator_h=connects * 3600.0 / max(1e-9, busy_s + idle_s),
        lines_per_talk=sum(one.launched for one in shifts) / connects,
        cancelled=sum(one.cancelled for one in shifts),
        decision_us=1e6 * sum(one.decided_s for one in shifts) / decisions,
    )
