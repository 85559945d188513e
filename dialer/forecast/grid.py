"""How often a simulated dialer decides: as the daemon does, or more seldom and near enough."""

from __future__ import annotations

from dataclasses import dataclass

from dialer.core.pacing.tracker import LAW_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """When decisions are taken: each `tick_s`, and on events not more often than `gap_s`."""

    tick_s: float = 0.5
    gap_s: float = 0.25

    @property
    def law_s(self) -> float:
        """How long a law is used: as by the daemon, of large teams ten decisions."""
        return LAW_S if self.tick_s < 2.0 else 10.0 * self.tick_s


FINE = Grid()


def coarse(operators: int) -> Grid:
    """Sparser, and near enough (docs/forecast.md 5): large teams are steady, and a decision
    costs the same for them as for small ones.
    """
    if operators >= 80:
        return Grid(tick_s=4.0, gap_s=4.0)
    if operators >= 40:
        return Grid(tick_s=2.0, gap_s=2.0)
    return Grid(tick_s=1.0, gap_s=1.0) if operators >= 15 else Grid(tick_s=1.0, gap_s=0.5)
