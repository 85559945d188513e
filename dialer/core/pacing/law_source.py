"""What a `Law` was made of: a few hundred numbers instead of twenty thousand.

A recorded day keeps these; the tables are made again by the same code (`Durations.tables`,
`Law.of`), bit by bit on the same machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dialer.core.pacing.durations import Durations, Hazard
from dialer.core.pacing.outlook import Law
from dialer.core.pacing.tracker import Tracker

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LawSource:
    """`hazards`: (events, exposure) by age of talk, wrap-up, short wrap-up; `level`: of talks,
    (real, expected) endings.
    """

    revision: int
    answered_by: Numbers
    ended_by: Numbers
    hazards: tuple[tuple[Numbers, Numbers], ...]
    level: tuple[float, float]

    @classmethod
    def of(cls, tracker: Tracker, law: Law) -> LawSource:
        """Of the law that the tracker has just made; nothing may have been told it since."""
        durations = tracker.durations
        return cls(
            revision=law.revision,
            answered_by=tuple(law.answered_by.tolist()),
            ended_by=tuple(law.ended_by.tolist()),
            hazards=tuple(
                (tuple(one.events.tolist()), tuple(one.exposure.tolist()))
                for one in _hazards(durations)
            ),
            level=(float(durations.level.real), float(durations.level.expected)),
        )

    def law(self) -> Law:
        durations = Durations()
        for one, (events, exposure) in zip(_hazards(durations), self.hazards, strict=True):
            one.events, one.exposure = np.array(events), np.array(exposure)
        durations.level.real, durations.level.expected = self.level
        return Law.of(
            self.revision,
            np.array(self.answered_by),
            np.array(self.ended_by),
            durations.tables(),
        )


def _hazards(durations: Durations) -> tuple[Hazard, ...]:
    return (durations.talk, *durations.wrapups)
