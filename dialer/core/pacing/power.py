"""Power: a fixed number of calls in flight per free operator (R3.1), inside the abandonment
cap.

The ratio is what the campaign asks for; the cap's ledger has the last word. Calls beyond the
free operators ("overdial") are bounded by the drops that the ledger can still bear; where it
can bear none, power is progressive until new answers have earned room. A ratio under 1 dials
like 1.
"""

from __future__ import annotations

import math

from dialer.core.pacing.budget import affordable_overdial, ledger
from dialer.core.pacing.observation import Binding, Observation, Want, may_cancel

# 1.15 * 20 comes out a hair under 23.
_HAIR = 1e-9


def policy(seen: Observation) -> Want:
    """Calls in flight up to ratio x free operators, and up to free operators + what is
    affordable.
    """
    free = max(0, seen.ready - seen.waiting)
    asked = max(free, math.floor(seen.ratio * free + _HAIR))
    budget = ledger(abandoned=seen.abandoned, answered=seen.answered, cap=seen.cap)
    overdial = min(asked - free, affordable_overdial(budget, seen.answer_rate))
    target = free + overdial
    if target == asked:
        binding = Binding.OPERATORS_BUSY
    else:
        binding = Binding.CAP if budget.passed else Binding.BUDGET
    # A call too many is let go only where the cap is passed: else its operator is expected.
    excess = seen.in_flight - target if budget.passed else 0
    return Want(
        launch=max(0, target - seen.in_flight),
        cancel=may_cancel(seen, excess),
        binding=binding,
        overdial=overdial,
        budget_left=budget.left,
    )
