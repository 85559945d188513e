"""Which jobs and legs we have asked for.

A job's uuid is ours and is written down before the command leaves: on the events connection
its answer may overtake the command's own reply (freeswitch.md 1.5). Both books are bounded;
what falls out is settled by the sweep like anything else that was never answered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Set

from gevent.event import Event

from dialer.core.model import LegId

JOBS = 20_000
GRACE_S = 10.0  # `show channels` lags behind; a younger leg is not called gone by it


class Originates:
    """The jobs on their way, and the customers' legs on the line."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, LegId] = OrderedDict()
        self._customers: dict[LegId, float] = {}
        self.customers_live = Event()  # set while one is: then the events socket is woken

    def begin(self, job: str, leg: LegId, *, customer: bool, now_s: float) -> None:
        self._jobs[job] = leg
        while len(self._jobs) > JOBS:
            self._jobs.popitem(last=False)
        if customer:
            self.add_customer(leg, now_s)

    def add_customer(self, leg: LegId, now_s: float) -> None:
        self._customers.setdefault(leg, now_s)
        self.customers_live.set()

    def refused(self, job: str) -> None:
        """The switch did not take the job: no answer will come."""
        leg = self._jobs.pop(job, None)
        if leg is not None:
            self.ended(leg)

    def answered(self, job: str) -> LegId | None:
        """Whose job it was; None for somebody else's, or one answered before."""
        return self._jobs.pop(job, None)

    def ended(self, leg: LegId) -> None:
        if self._customers.pop(leg, None) is not None and not self._customers:
            self.customers_live.clear()

    def keep_only(self, found: Set[LegId], now_s: float) -> None:
        """After a look at all channels: a hang-up that was lost must not wake for ever."""
        for leg, since_s in list(self._customers.items()):
            if leg not in found and now_s - since_s > GRACE_S:
                self.ended(leg)

    def live(self) -> int:
        return len(self._customers)
