"""Our own numbers as they are used up in a simulated day (R1.2, R1.3).

The choice among them is core/numbers/choice.py's; where no number has a limit but the day's,
what it would choose is the least used one, and a heap finds that without asking each number.
Regions are not told apart here: a forecast counts calls, not faces.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dialer.core.model import GatewayName, Number, NumberId
from dialer.core.numbers.choice import choose
from dialer.core.numbers.limits import Usage
from dialer.core.numbers.pools import NumberLoad, PoolLoad, number_day, number_hour, pool_load


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What `choose` asks of a number."""

    number: NumberId
    region: str | None
    soft_limit: int
    hard_limit: int
    calls_at_once: int | None
    min_gap_s: float
    calls_per_hour: int | None
    gateway: GatewayName
    others: tuple[GatewayName, ...] = ()


class Pool:
    """Mutable: the day's counts. `begins`: the instant of second 0; no numbers: no limit."""

    def __init__(
        self,
        numbers: Sequence[Number],
        begins: datetime,
        used: Sequence[int] = (),
    ) -> None:
        self._numbers = numbers
        self._shown = [
            _Shown(
                number=one.id,
                region=one.region,
                soft_limit=one.soft_limit,
                hard_limit=one.hard_limit,
                calls_at_once=one.calls_at_once,
                min_gap_s=one.min_gap_s,
                calls_per_hour=one.calls_per_hour,
                gateway=one.gateways[0],
            )
            for one in numbers
        ]
        self._plain = not any(
            one.calls_at_once is not None or one.min_gap_s or one.calls_per_hour is not None
            for one in numbers
        )
        self._begins = begins
        self._used = list(used) or [0] * len(numbers)
        self._open = [0] * len(numbers)
        self._last_s: list[float | None] = [None] * len(numbers)
        self._hour: list[tuple[str, int]] = [("", 0)] * len(numbers)
        self._begin_day()

    def begin_shift(self, begins: datetime) -> None:
        """Another day: numbers whose own day has changed begin at nothing."""
        for place, number in enumerate(self._numbers):
            if number_day(number, begins) != number_day(number, self._begins):
                self._used[place] = 0
        self._begins = begins
        self._last_s = [None] * len(self._numbers)
        self._begin_day()

    def _begin_day(self) -> None:
        self._heap = [
            (used >= one.soft_limit, used, place)
            for place, (used, one) in enumerate(zip(self._used, self._shown, strict=True))
            if used < one.hard_limit
        ]
        heapq.heapify(self._heap)

    def left(self) -> int | None:
        """Calls that the pool may still show today; None: there is no pool to use up."""
        return self.load().hard_left if self._numbers else None

    def load(self) -> PoolLoad:
        return pool_load(
            NumberLoad(used, one.soft_limit, one.hard_limit)
            for used, one in zip(self._used, self._shown, strict=True)
        )

    @property
    def empty(self) -> bool:
        """No number may be shown any more today."""
        return bool(self._numbers) and self._plain and not self._heap

    def take(self, now_s: float) -> int | None:
        """A number for a call: its place; -1 where there is no pool; None: none may be shown
        now.
        """
        if not self._numbers:
            return -1
        if not self._plain:
            return self._choose(now_s)
        if not self._heap:
            return None
        _, _, place = heapq.heappop(self._heap)
        self._used[place] += 1
        used, shown = self._used[place], self._shown[place]
        if used < shown.hard_limit:
            heapq.heappush(self._heap, (used >= shown.soft_limit, used, place))
        return place

    def ended(self, place: int) -> None:
        """The call that showed it is over."""
        if place >= 0 and not self._plain:
            self._open[place] -= 1

    def _choose(self, now_s: float) -> int | None:
        wall = self._begins + timedelta(seconds=now_s)
        usages = []
        for place, number in enumerate(self._numbers):
            hour = number_hour(number, wall)
            if self._hour[place][0] != hour:
                self._hour[place] = (hour, 0)
            usages.append(
                Usage(
                    used_today=self._used[place],
                    used_hour=self._hour[place][1],
                    at_once=self._open[place],
                    last_at=self._last_s[place],
                )
            )
        chosen = choose(self._shown, usages, region=None, sticky=None, now_s=now_s)
        if chosen is not None:
            self._used[chosen] += 1
            self._open[chosen] += 1
            self._last_s[chosen] = now_s
            self._hour[chosen] = (self._hour[chosen][0], self._hour[chosen][1] + 1)
        return chosen
