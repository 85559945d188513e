"""The table by which a supervisor decides: operators and cap against occupancy.

Each cell is one steady stretch at the middle of all assumptions, a list without an end and no
breaks, with the same people in every cell: differences between cells are those of team and cap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dialer.core.model import Mode
from dialer.forecast.drawn import Drawn
from dialer.forecast.grid import coarse
from dialer.forecast.luck import stream
from dialer.forecast.pace import Pace
from dialer.forecast.question import Question
from dialer.forecast.roster import STILL, roster
from dialer.forecast.world import World

CAPS = (0.01, 0.02, 0.03, 0.05)
_TEAMS = (0.5, 0.75, 1.0, 1.25, 1.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A team under a cap. `cap` None: progressive, nobody is abandoned."""

    operators: int
    cap: float | None
    occupancy: float
    abandonment: float
    talks_per_h: float


def teams(operators: int) -> list[int]:
    """Team sizes around the asked one."""
    return sorted({max(1, round(operators * one)) for one in _TEAMS})


def lasts_s(operators: int) -> float:
    """Small teams are looked at longer: their luck is larger."""
    return 3600.0 if operators >= 40 else 7200.0


def table(
    question: Question,
    caps: Sequence[float] = CAPS,
    progress: Callable[[], None] | None = None,
) -> list[Cell]:
    """All cells, by operators, progressive first."""
    cells = []
    for operators in teams(question.operators):
        for cap in (None, *caps):
            cells.append(_cell(question, operators, cap))
            if progress is not None:
                progress()
    return cells


def _cell(question: Question, operators: int, cap: float | None) -> Cell:
    lasting_s = lasts_s(operators)
    still = replace(
        question,
        operators=operators,
        lasts_s=lasting_s,
        queue=(),
        assumed=replace(
            question.assumed,
            values={k: v for k, v in question.assumed.values.items() if k != "contacts"},
        ),
        # The lines of the question are those of its team: the others have theirs in proportion.
        calls_per_s=question.calls_per_s * max(1.0, operators / question.operators),
    )
    scenario = Drawn(still, 0, still=True).shift(0)
    moves = roster(STILL, operators, lasting_s, stream("table", operators))
    scenario = replace(scenario, staff=replace(scenario.staff, roster=moves))
    pace = Pace(
        Mode.PROGRESSIVE if cap is None else Mode.PREDICTIVE,
        replace(question.rule, limit=cap or question.rule.limit, certify=None),
        ring_timeout_s=float(question.campaign.ring_timeout_s),
    )
    shift = World(scenario, pace, grid=coarse(operators), strategy=question.strategy).run()
    return Cell(
        operators=operators,
        cap=cap,
        occupancy=shift.occupancy,
        abandonment=shift.abandonment,
        talks_per_h=shift.connects * 3600.0 / lasting_s,
    )
