"""Preview: the card first, the operator starts the call (R3.1). The dialer starts none.

Whoever has started one waits for it, so no answered person is without an operator; if he goes
away meanwhile his call is given up as soon as it has rung as long as the law wants.
"""

from __future__ import annotations

from dialer.core.pacing.budget import ledger
from dialer.core.pacing.observation import Binding, Observation, Want, may_cancel


def policy(seen: Observation) -> Want:
    """Exactly the calls that operators have started; `ready` are those who wait for theirs."""
    return Want(
        launch=max(0, seen.started),
        cancel=may_cancel(seen, seen.in_flight + seen.waiting - max(0, seen.ready)),
        binding=Binding.NOT_STARTED,
        budget_left=ledger(abandoned=seen.abandoned, answered=seen.answered, cap=seen.cap).left,
    )
