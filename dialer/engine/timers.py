"""Deadlines of live values: a heap of instants, each checked against the value when it is due.

A deadline that was moved or dropped is not searched for in the heap: when it comes up, the
dispatcher compares it with the value's present deadline and forgets it if they differ.
"""

from __future__ import annotations

import heapq


class Timers:
    """(instant, kind, id) in order; `kind` is "attempt" or "operator"."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str, str]] = []

    def set(self, at_s: float, kind: str, name: str) -> None:
        heapq.heappush(self._heap, (at_s, kind, name))

    def next_at_s(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def due(self, now_s: float) -> list[tuple[float, str, str]]:
        """All that are due, oldest first; they are taken out."""
        taken = []
        while self._heap and self._heap[0][0] <= now_s:
            taken.append(heapq.heappop(self._heap))
        return taken
