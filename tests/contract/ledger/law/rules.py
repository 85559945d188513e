"""A campaign's file and its preset, as `checker` reads them: plain YAML, nothing of dialer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.contract.ledger.law.hours import Hours

PRESETS = Path(__file__).parents[4] / "dialer" / "settings" / "presets"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def seconds(text: Any) -> float:
    """ "30d", "72h", "90m" -> seconds."""
    number, unit = re.fullmatch(r"(\d+)([smhd])", str(text)).groups()  # type: ignore[union-attr]
    return int(number) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


def days_of(words: Any) -> frozenset[int]:
    """ "mon-fri", "daily", ["sat", "sun"] -> numbers, Monday 0."""
    found: set[int] = set()
    for word in [words] if isinstance(words, str) else words:
        if word == "daily":
            found |= set(range(7))
        elif "-" in word:
            first, last = (DAYS.index(day) for day in word.split("-"))
            found |= set(range(first, last + 1))
        else:
            found.add(DAYS.index(word))
    return frozenset(found)


def minutes(text: Any) -> int:
    """ "9:00" -> 540; YAML 1.1 reads an unquoted 9:00 as that already."""
    if isinstance(text, int):
        return text
    hours, rest = str(text).split(":")
    return int(hours) * 60 + int(rest)


def hours_of(windows: Iterable[dict[str, Any]]) -> Hours:
    return tuple(
        (days_of(one.get("days", "daily")), minutes(one["open"]), minutes(one["close"]))
        for one in windows
    )


class Rules:
    """A campaign's file with its preset's figures beneath."""

    def __init__(self, name: str, file: dict[str, Any]) -> None:
        law: dict[str, Any] = {}
        if "preset" in file:
            law = yaml.safe_load((PRESETS / f"{file['preset']}.yaml").read_text())["campaign"]
        said = {**law, **file}
        caps = {**law.get("caps", {}), **file.get("caps", {})}
        self.name = name
        self.purpose = said["purpose"]
        self.needs_consent = said.get("consent", "required") == "required"
        self.windows = hours_of(said.get("windows", ()))
        self.segments = {
            segment: hours_of(windows)
            for segment, windows in said.get("segment_windows", {}).items()
        }
        self.holidays = "holidays" in said
        self.zone = said.get("default_zone")
        self.most = {
            "day": (caps.get("talks_per_day", 1), caps.get("per_day", 2)),
            "week": (caps.get("talks_per_week"), caps.get("per_week", 4)),
            "month": (caps.get("talks_per_month"), caps.get("per_month", 8)),
        }
        self.rolling = [
            (one["count"], one["most"], timedelta(seconds=seconds(one["within"])))
            for one in caps.get("rolling", ())
        ]
        self.gap = timedelta(seconds=seconds(caps.get("min_gap", "0s")))
        self.rests = {
            ending: timedelta(seconds=seconds(rest))
            for ending, rest in caps.get("rest_after", {}).items()
        }
        self.failures = said.get("rounds", {}).get("uncharged_per_day", 10)
        budget = said.get("budget", {})
        self.most_calls = budget.get("calls")
        money = budget.get("money")
        self.most_money = None if money is None else round(money * 1_000_000)
