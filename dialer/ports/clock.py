"""Where time comes from."""

from __future__ import annotations

from typing import Protocol

from dialer.core.model import (
    Moment,
)


class Clock(Protocol):
    """Both clocks; the only place where time comes from."""

    def now(self) -> Moment: ...
