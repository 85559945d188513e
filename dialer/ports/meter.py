"""Figures for Prometheus."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    """Counts and measures by the names of `metrics.names`; an unknown name is a Bug."""

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None: ...

    def observe(self, name: str, value: float, **labels: str) -> None: ...

    def gauge(self, name: str, value: float, **labels: str) -> None: ...
