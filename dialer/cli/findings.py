"""What an examination came to: fine, a warning or a failure, each with its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    FINE = "fine"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line for a person. `remedy` is empty where all is well."""

    level: Level
    subject: str
    what: str
    remedy: str = ""


def fine(subject: str, what: str) -> Finding:
    return Finding(level=Level.FINE, subject=subject, what=what)


def warning(subject: str, what: str, remedy: str) -> Finding:
    return Finding(level=Level.WARNING, subject=subject, what=what, remedy=remedy)


def failure(subject: str, what: str, remedy: str) -> Finding:
    return Finding(level=Level.FAILURE, subject=subject, what=what, remedy=remedy)


def clock(subject: str, offset_s: float, *, warn_s: float, fail_s: float) -> Finding:
    """R10.7: its clock beside ours."""
    what = f"its clock is {offset_s:+.2f} s from ours"
    remedy = "mend NTP on both machines: timedatectl, chronyc tracking"
    if abs(offset_s) >= fail_s:
        return failure(subject, what, f"{remedy}; nothing is dialed like this")
    return warning(subject, what, remedy) if abs(offset_s) >= warn_s else fine(subject, what)
