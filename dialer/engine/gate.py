"""Whether anything may be launched at all: shut by whoever finds a reason, open when none is
left.
"""

from __future__ import annotations

import structlog

from dialer.core.permission.reasons import Reason

log = structlog.get_logger(__name__)


class Gate:
    """Reasons that hold everything back, each with a detail for a person."""

    def __init__(self) -> None:
        self._shut: dict[Reason, str] = {}

    def shut(self, reason: Reason, detail: str = "") -> None:
        if reason not in self._shut:
            log.warning("dialing is held back", reason=reason.value, detail=detail)
        self._shut[reason] = detail

    def open(self, reason: Reason) -> None:
        if self._shut.pop(reason, None) is not None:
            log.info("dialing is free of this again", reason=reason.value)

    @property
    def is_open(self) -> bool:
        return not self._shut

    @property
    def reasons(self) -> dict[Reason, str]:
        return dict(self._shut)
