"""Progressive: one call per free operator (R3.1). Nobody is dialed for whom no operator is
free.

A free operator is one who is ready and whom no waiting customer will take. If operators vanish
while calls ring, those calls have nobody: they are given up as soon as they have rung as long
as the law wants; until then the two seconds after the answer are their chance.
"""

from __future__ import annotations

from dialer.core.pacing.budget import ledger
from dialer.core.pacing.observation import Binding, Observation, Want, may_cancel


def policy(seen: Observation) -> Want:
    """Calls in flight up to the number of free operators."""
    free = max(0, seen.ready - seen.waiting)
    return Want(
        launch=max(0, free - seen.in_flight),
        cancel=may_cancel(seen, seen.in_flight - free),
        binding=Binding.OPERATORS_BUSY,
        budget_left=ledger(abandoned=seen.abandoned, answered=seen.answered, cap=seen.cap).left,
    )
