"""Operators' own words for what a call came to, where the dialer must understand them."""

from __future__ import annotations

#: Nobody was there: the call leaves the live answers of the abandonment cap.
MACHINE_RESULTS = frozenset({"machine", "answering machine", "voicemail", "автоответчик"})


def is_machine(result: str) -> bool:
    return result.strip().casefold() in MACHINE_RESULTS
