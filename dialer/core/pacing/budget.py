"""The abandonment cap as a ledger: plain arithmetic on counts, no estimate (pacing.md 5).

The strict rule: k <= cap * n at every moment once n >= 1/cap, where n = calls answered by
people and k = abandoned by us in the cap's window. Before that volume one drop may be had in
advance: it is earned by the time at which it counts. Predictive pacing extends it (answers
still to come, margin, the stretch's ledger) without changing what stands here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: A rate below it says no more than "hardly anybody answers".
LEAST_RATE = 1e-4

# Sums like 0.03 * 100 come out a hair under the whole number.
_HAIR = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`left`: drops that the window can still bear now (below 0: passed)."""

    left: float
    passed: bool  # k > cap * n at a volume at which that counts


def ledger(*, abandoned: int, answered: int, cap: float) -> Budget:
    """The window's books. A cap of 0 earns nothing, one of 1 or more never binds."""
    if cap <= 0:
        return Budget(left=float(-abandoned), passed=abandoned > 0)
    earned = max(1.0, cap * answered)
    return Budget(
        left=earned - abandoned,
        passed=answered >= 1 / cap - _HAIR and abandoned > cap * answered + _HAIR,
    )


def affordable_overdial(budget: Budget, answer_rate: float | None) -> int:
    """Most calls in flight beyond the free operators whose answers the budget could bear.

    Each such call counts as lost if it is answered. `answer_rate` None or 0 is taken as 1: then
    even all of them answering at once does not pass the cap.
    """
    if budget.left < 1 - _HAIR:
        return 0
    rate = 1.0 if not answer_rate else min(1.0, max(LEAST_RATE, answer_rate))
    return math.floor(budget.left / rate + _HAIR)
