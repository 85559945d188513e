"""One decision as one JSON value, and back: every number comes back to the last bit.

A law is written once, before the first decision that refers to it by its number. Fields that
have their default are left out; a field that this version does not know is an error of form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any

import numpy as np

from dialer.core.model import CampaignName, GroupName, Mode
from dialer.core.pacing.law_source import LawSource
from dialer.core.pacing.observation import Decision, Observation, Team
from dialer.core.pacing.outlook import Law, Outlook, SetBy
from dialer.diary.values import Entry, Told
from dialer.ports import Decided

#: The form of the lines; a file of another one is refused.
VERSION = 1
_ARRAYS = {"ages": np.intp, "calls": np.float64, "rates": np.float64}


def law_line(number: int, source: LawSource) -> dict[str, Any]:
    return {
        "law": number,
        "revision": source.revision,
        "answered_by": list(source.answered_by),
        "ended_by": list(source.ended_by),
        "hazards": [[list(events), list(exposure)] for events, exposure in source.hazards],
        "level": list(source.level),
    }


def law_of(line: Mapping[str, Any]) -> Law:
    """The tables, made again."""
    return LawSource(
        revision=line["revision"],
        answered_by=tuple(line["answered_by"]),
        ended_by=tuple(line["ended_by"]),
        hazards=tuple((tuple(events), tuple(exposure)) for events, exposure in line["hazards"]),
        level=(line["level"][0], line["level"][1]),
    ).law()


def decided_line(one: Decided) -> dict[str, Any]:
    team = one.team
    return {
        "at": one.at.isoformat(),
        "group": one.group,
        "idle": team.idle,
        "waiting": team.waiting,
        "partial": list(team.partial),
        "campaigns": {
            name: [mode.value, _observation(seen, one.laws.get(name, (0, None))[0])]
            for name, (mode, seen) in team.campaigns.items()
        },
        "decisions": {name: _told(decision) for name, decision in one.decisions.items()},
    }


def _observation(seen: Observation, law: int) -> dict[str, Any]:
    told = _written(seen)
    if seen.outlook is not None:
        told["outlook"] = _written(seen.outlook) | {"law": law}
    return told


def _written(value: Any) -> dict[str, Any]:
    """Fields that differ from their default, as JSON holds them."""
    told = {}
    for field in fields(value):
        own = getattr(value, field.name)
        if field.name in ("law", "outlook"):
            continue
        if isinstance(own, np.ndarray):
            told[field.name] = own.tolist()
        elif field.default is MISSING or own != field.default:
            told[field.name] = _plain(own)
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(float(value))}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return value


def _told(decision: Decision) -> dict[str, Any]:
    why = decision.why
    told = {
        "launch": decision.launch,
        "cancel": decision.cancel,
        "binding": why.binding.value,
        "wanted": why.wanted,
    }
    if why.risks:
        told["risks"] = _plain(why.risks)
    if why.refused is not None:
        told["refused"] = _plain(why.refused)
    return told


def told_of(decision: Decision) -> Told:
    """What of a decision is compared."""
    why = decision.why
    return Told(
        launch=decision.launch,
        cancel=decision.cancel,
        binding=why.binding.value,
        wanted=why.wanted,
        risks=tuple(float(risk) for risk in why.risks),
        refused=None if why.refused is None else float(why.refused),
    )


# ------------------------------------------------------------------ back


def entry_of(line: Mapping[str, Any], laws: Mapping[int, Law]) -> Entry:
    """Raises KeyError, TypeError or ValueError for a line that is not ours."""
    team = Team(
        idle=line["idle"],
        waiting=line["waiting"],
        partial=tuple(map(_read, line["partial"])),
        campaigns={
            name: (Mode(mode), _observed(seen, laws))
            for name, (mode, seen) in line["campaigns"].items()
        },
    )
    decisions = {
        CampaignName(name): Told(
            launch=one["launch"],
            cancel=one["cancel"],
            binding=one["binding"],
            wanted=one["wanted"],
            risks=tuple(map(_read, one.get("risks", ()))),
            refused=None if one.get("refused") is None else _read(one["refused"]),
        )
        for name, one in line["decisions"].items()
    }
    return Entry(
        at=datetime.fromisoformat(line["at"]),
        group=GroupName(line["group"]),
        team=team,
        decisions=decisions,
    )


def _observed(told: Mapping[str, Any], laws: Mapping[int, Law]) -> Observation:
    words = {name: _read(value) for name, value in told.items() if name != "outlook"}
    if "outlook" in told:
        words["outlook"] = _outlook(told["outlook"], laws)
    return Observation(**words)


def _outlook(told: Mapping[str, Any], laws: Mapping[int, Law]) -> Outlook:
    words: dict[str, Any] = {"law": laws[told["law"]]}
    for name, value in told.items():
        if name in _ARRAYS:
            words[name] = np.array(value, dtype=_ARRAYS[name])
        elif name == "set_by":
            words[name] = SetBy(value)
        elif name != "law":
            words[name] = _read(value)
    return Outlook(**words)


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return float(value["float"])
    if isinstance(value, list):
        return tuple(_read(one) for one in value)
    return value
