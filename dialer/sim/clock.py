"""The simulated switch's time: one heap of callbacks, driven by one greenlet or by hand.

Everything that happens later (a callee picks up, a message ends, a gateway goes down) is one
entry of one heap; no call has a greenlet of its own. `WallScheduler` runs the heap on the wall
clock, `VirtualScheduler` when it is told to advance, so a day can pass in a second.
`now()` is epoch seconds on both; the wall's never steps back.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from typing import Any, Protocol

import gevent
from gevent.event import Event

_BATCH = 64  # callbacks run before the sockets get a turn
_TICK_S = 0.001  # timers closer together than this run together: a switch is no finer


class Timer:
    """One callback that is due at `when`; `cancel` keeps it from running."""

    __slots__ = ("arguments", "function", "when")

    def __init__(
        self, when: float, function: Callable[..., None], arguments: tuple[Any, ...]
    ) -> None:
        self.when = when
        self.function: Callable[..., None] | None = function
        self.arguments = arguments

    def cancel(self) -> None:
        """The entry stays in the heap until it is due, but holds nothing any more."""
        self.function = None
        self.arguments = ()


class Scheduler(Protocol):
    """What the simulated switch asks of time."""

    def now(self) -> float:
        """Epoch seconds."""
        ...

    def call_at(self, when: float, function: Callable[..., None], *arguments: Any) -> Timer: ...


class _Heap:
    """Timers in order of time; those of one instant in the order in which they were set."""

    __slots__ = ("_count", "_entries")

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Timer]] = []
        self._count = 0

    def push(self, timer: Timer) -> bool:
        """True if this timer is now the first one."""
        self._count += 1
        heapq.heappush(self._entries, (timer.when, self._count, timer))
        return self._entries[0][2] is timer

    def first_at(self) -> float | None:
        while self._entries and self._entries[0][2].function is None:
            heapq.heappop(self._entries)
        return self._entries[0][0] if self._entries else None

    def run_first(self) -> None:
        timer = heapq.heappop(self._entries)[2]
        function, arguments = timer.function, timer.arguments
        if function is not None:
            timer.cancel()
            function(*arguments)


class VirtualScheduler:
    """Time that stands still until `advance` is called."""

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self._heap = _Heap()

    def now(self) -> float:
        return self._now

    def call_at(self, when: float, function: Callable[..., None], *arguments: Any) -> Timer:
        timer = Timer(max(when, self._now), function, arguments)
        self._heap.push(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Run everything that is due within the next `seconds`, each at its own instant."""
        until = self._now + seconds
        while (first := self._heap.first_at()) is not None and first <= until:
            self._now = max(self._now, first)
            self._heap.run_first()
        self._now = until


class WallScheduler:
    """Runs the heap on the wall clock in one greenlet of its own.

    An error in a callback ends the greenlet and is raised again by `join` and `stop`: a switch
    that has gone wrong must not go on quietly.
    """

    def __init__(self) -> None:
        self._heap = _Heap()
        self._woken = Event()
        self._offset = time.time() - time.monotonic()
        self._running = False
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def now(self) -> float:
        return self._offset + time.monotonic()

    def call_at(self, when: float, function: Callable[..., None], *arguments: Any) -> Timer:
        timer = Timer(when, function, arguments)
        if self._heap.push(timer):
            self._woken.set()
        return timer

    def start(self) -> None:
        self._running = True
        self._greenlet = gevent.spawn(self._run)

    def join(self) -> None:
        """Wait until the scheduler ends; raises what a callback raised."""
        if self._greenlet is not None:
            self._greenlet.get()

    def stop(self) -> None:
        self._running = False
        self._woken.set()
        self.join()

    def _run(self) -> None:
        while self._running:
            self._woken.clear()
            first = self._heap.first_at()
            wait_s = None if first is None else first - self.now()
            if wait_s is None or wait_s > 0:
                self._woken.wait(None if wait_s is None else wait_s + _TICK_S / 2)
                continue
            self._run_batch()
            gevent.sleep(0)

    def _run_batch(self) -> None:
        now = self.now()
        for _ in range(_BATCH):
            first = self._heap.first_at()
            if first is None or first > now or not self._running:
                return
            self._heap.run_first()
