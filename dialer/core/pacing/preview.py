"""Preview: the card first, the operator starts the call (R3.1).

One card for each operator who is free, as progressive has one call: a card counts as a call in
flight, since it has its operator. So no answered person is without one; if he goes away
meanwhile his call is given up as soon as it has rung as long as the law wants.
"""

from __future__ import annotations

from dialer.core.pacing.budget import ledger
from dialer.core.pacing.observation import Binding, Observation, Want, may_cancel


def policy(seen: Observation) -> Want:
    """As many cards as operators are free, less the cards and calls that have theirs."""
    free = seen.ready - seen.waiting - seen.in_flight
    return Want(
        launch=max(0, free),
        cancel=may_cancel(seen, -free),
        binding=Binding.NOT_STARTED if seen.shown else Binding.OPERATORS_BUSY,
        budget_left=ledger(abandoned=seen.abandoned, answered=seen.answered, cap=seen.cap).left,
    )
