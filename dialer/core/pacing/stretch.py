"""The ledger of the last half hour: no stretch may be bad, however good the day (pacing.md 5).

A stretch is the last 30 minutes, and longer until it holds 190 live answers: below that a limit
says nothing. Near its limit the price falls, to a seventh, not to zero: the drops that remain
come from operators who vanish, and the idle time would be lost for nothing. Only where the next
drop could pass the limit it falls to a sixteenth.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

STRETCH_S = 1800.0
ANSWERS = 190
#: Share of answers that a stretch may lose, and how much of it is used before nothing is left.
LIMIT = 0.05
#: The last part of the room, over which the price falls, and what stays of it. In small teams
#: that is two drops. In large ones, of so many answers in half an hour, it is wider: what falls
#: and rises steeply is under the limit no less often, and costs half a point of occupancy.
_CAUTION, _LAST = 0.83, 0.2
_CAUTION_LARGE, _LAST_LARGE = 0.88, 0.3
_MANY, _LARGE = 200, 300
_LEAST = 0.15
_BEYOND, _LEAST_BEYOND = -0.05, 0.06


class Stretch:
    """Live answers and drops by time. Mutable, owned by the shell; `to_json` for a restart."""

    def __init__(self) -> None:
        self._at: deque[tuple[float, int, int]] = deque()  # (time, answers, drops)
        self.answers = 0
        self.abandoned = 0

    def count(self, now_s: float, *, answers: int = 0, abandoned: int = 0) -> None:
        """Answers may be taken back (-1) when an operator says that it was a machine."""
        self._at.append((now_s, answers, abandoned))
        self.answers += answers
        self.abandoned += abandoned
        while self._at:
            at_s, first, lost = self._at[0]
            if now_s - at_s < STRETCH_S or self.answers - first < ANSWERS:
                return
            self._at.popleft()
            self.answers -= first
            self.abandoned -= lost

    def state(self, now_s: float) -> list[list[float]]:
        """(seconds ago, answers, drops), to go on with after a restart."""
        return [[now_s - at_s, answers, lost] for at_s, answers, lost in self._at]

    def take(self, state: Sequence[Sequence[float]], now_s: float, idle_s: float) -> None:
        self._at.clear()
        self.answers = self.abandoned = 0
        for ago_s, answers, lost in state:
            at_s = now_s - idle_s - float(ago_s)
            self.count(at_s, answers=int(answers), abandoned=int(lost))

    def factor(self, limit: float = LIMIT) -> float:
        """What the price is multiplied with: 1 while there is room."""
        large = min(1.0, max(0.0, (self.answers - _MANY) / (_LARGE - _MANY)))
        caution = _CAUTION + large * (_CAUTION_LARGE - _CAUTION)
        last = _LAST + large * (_LAST_LARGE - _LAST)
        room = caution * limit * max(self.answers, ANSWERS)
        left = (room - self.abandoned) / room
        if left < _BEYOND:
            return _LEAST_BEYOND
        return max(_LEAST, min(1.0, left / last))
