"""What one shift came to: counts by the minute while it runs, a frozen `Shift` at its end.

Words are those of the product: occupancy = talk / (talk + idle), a stretch is at least 30
minutes and 200 live answers, machines that operators told apart are no live answers, and
whoever hung up while waiting counts as `early_hang_ups: abandoned` says (the strict side).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

STRETCH_MINUTES = 30
STRETCH_ANSWERS = 200
#: Talk and idle time are kept by so many seconds, for the plot.
SLICE_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A quarter of an hour."""

    launched: int
    answered: int
    abandoned: int
    talk_s: float
    idle_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """The sums of one shift; `worst_stretch` None: no stretch had enough answers."""

    lasts_s: float  # until its end, or until the list was used up
    launched: int
    connects: int
    machines: int
    answered: int  # live: people connected, and all abandoned
    abandoned: int
    hung_up: int  # of the abandoned: people who left while they waited
    cancelled: int
    charged: int  # against our numbers' day
    talk_s: float
    idle_s: float
    wrapup_s: float
    waited_s: float
    worst_stretch: float | None
    decisions: int
    decided_s: float  # processor seconds of all decisions
    finished_s: float | None  # nobody was left to dial today
    left: int
    slices: tuple[Slice, ...]

    @property
    def occupancy(self) -> float:
        return self.talk_s / max(1e-9, self.talk_s + self.idle_s)

    @property
    def abandonment(self) -> float:
        return self.abandoned / max(1, self.answered)

    @property
    def idle_per_talk_s(self) -> float:
        return self.idle_s / max(1, self.connects)

    @property
    def answers_per_h(self) -> float:
        return self.answered * 3600.0 / max(1.0, self.lasts_s)


class Tally:
    """Counts while the shift runs."""

    def __init__(self, lasts_s: float) -> None:
        self.launched = self.connects = self.machines = 0
        self.hung_up = self.cancelled = self.charged = 0
        self.wrapup_s = self.waited_s = 0.0
        self.decisions = 0
        self.decided_s = 0.0
        self.left = 0
        minutes = int(lasts_s / 60.0) + 1
        slices = int(lasts_s / SLICE_S) + 1
        self._answers = [0] * minutes
        self._drops = [0] * minutes
        self._launches = [0] * slices
        self._talk_s = [0.0] * slices
        self._idle_s = [0.0] * slices

    def launch(self, now_s: float, count: int) -> None:
        self.launched += count
        self._launches[min(int(now_s / SLICE_S), len(self._launches) - 1)] += count

    def answer(self, answered_s: float) -> None:
        """A person was connected."""
        self._answers[int(answered_s / 60.0)] += 1

    def drop(self, answered_s: float) -> None:
        """An answered call had no operator in time."""
        self._answers[int(answered_s / 60.0)] += 1
        self._drops[int(answered_s / 60.0)] += 1

    def talked(self, from_s: float, until_s: float) -> None:
        _spread(self._talk_s, from_s, until_s)

    def idled(self, from_s: float, until_s: float) -> None:
        _spread(self._idle_s, from_s, until_s)

    def shift(self, ended_s: float, finished_s: float | None) -> Shift:
        """The sums, once it is over."""
        return Shift(
            lasts_s=ended_s,
            launched=self.launched,
            connects=self.connects,
            machines=self.machines,
            answered=sum(self._answers),
            abandoned=sum(self._drops),
            hung_up=self.hung_up,
            cancelled=self.cancelled,
            charged=self.charged,
            talk_s=sum(self._talk_s),
            idle_s=sum(self._idle_s),
            wrapup_s=self.wrapup_s,
            waited_s=self.waited_s,
            worst_stretch=worst_stretch(self._answers, self._drops),
            decisions=self.decisions,
            decided_s=self.decided_s,
            finished_s=finished_s,
            left=self.left,
            slices=tuple(self._slices()),
        )

    def _slices(self) -> list[Slice]:
        minutes = int(SLICE_S / 60.0)
        return [
            Slice(
                launched=launches,
                answered=sum(self._answers[place * minutes : (place + 1) * minutes]),
                abandoned=sum(self._drops[place * minutes : (place + 1) * minutes]),
                talk_s=self._talk_s[place],
                idle_s=self._idle_s[place],
            )
            for place, launches in enumerate(self._launches)
        ]


def worst_stretch(answers: list[int], drops: list[int]) -> float | None:
    """The largest share of drops in any stretch of 30 minutes, longer until it holds 200 live
    answers; both lists are by the minute.
    """
    answered = np.concatenate([[0], np.cumsum(answers)])
    dropped = np.concatenate([[0], np.cumsum(drops)])
    ends = np.arange(STRETCH_MINUTES, len(answers) + 1)
    enough = np.searchsorted(answered, answered[ends] - STRETCH_ANSWERS, "right") - 1
    starts = np.minimum(ends - STRETCH_MINUTES, enough)
    valid = starts >= 0
    if not valid.any():
        return None
    ends, starts = ends[valid], starts[valid]
    shares = (dropped[ends] - dropped[starts]) / np.maximum(
        1, answered[ends] - answered[starts]
    )
    return float(shares.max())


def _spread(slices: list[float], from_s: float, until_s: float) -> None:
    """An interval's seconds to the slices in which they lie."""
    place = int(from_s / SLICE_S)
    while from_s < until_s and place < len(slices):
        edge = min(until_s, (place + 1) * SLICE_S)
        slices[place] += edge - from_s
        from_s = edge
        place += 1
