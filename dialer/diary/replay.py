"""A recorded day decided again by the same core: equal to the last bit, or what differs.

With another pacing the same moments are decided as that one would have: not what the day would
have become, but where the two part and on what ground.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from dialer.core.model import CampaignName, Mode
from dialer.core.pacing.decide import decide_group
from dialer.core.pacing.observation import Decision, Team
from dialer.core.pacing.outlook import Law
from dialer.core.pacing.sentence import sentence
from dialer.diary import codec
from dialer.diary.values import Difference, Entry, Replayed
from dialer.errors import ConfigError, Problem

#: Differences that are kept to be shown.
SHOWN = 20


def replay(
    lines: Iterable[Mapping[str, Any] | None],
    *,
    campaign: CampaignName | None = None,
    pacing: Mode | None = None,
) -> Replayed:
    """Raises ConfigError for a diary of another version."""
    decisions = equal = damaged = 0
    launched, cancelled = [0, 0], [0, 0]
    found: list[Difference] = []
    begins = ends = None
    for entry in _entries(lines):
        if entry is None:
            damaged += 1
            continue
        begins, ends = begins or entry.at, entry.at
        now = decide_group(_as(entry.team, pacing, campaign))
        for name, then in entry.decisions.items():
            if campaign not in (None, name):
                continue
            told = codec.told_of(now[name])
            decisions += 1
            launched = [launched[0] + then.launch, launched[1] + told.launch]
            cancelled = [cancelled[0] + then.cancel, cancelled[1] + told.cancel]
            if told == then:
                equal += 1
            elif len(found) < SHOWN:
                found.append(_difference(entry, name, now[name]))
    return Replayed(
        decisions=decisions,
        equal=equal,
        launched=(launched[0], launched[1]),
        cancelled=(cancelled[0], cancelled[1]),
        first=found[0] if found else None,
        differences=tuple(found),
        begins=begins,
        ends=ends,
        damaged=damaged,
    )


def _entries(lines: Iterable[Mapping[str, Any] | None]) -> Iterator[Entry | None]:
    """Moments in order; None for what cannot be read."""
    laws: dict[int, Law] = {}
    for line in lines:
        if line is None:
            yield None
            continue
        if "version" in line:
            if line["version"] != codec.VERSION:
                what = f"the diary is of version {line['version']}, ours is {codec.VERSION}"
                raise ConfigError(
                    [Problem(place="diary", what=what, remedy="replay it with its own dialer")]
                )
            laws = {}  # another life of the daemon: its numbers begin anew
            continue
        try:
            if "law" in line:
                laws[int(line["law"])] = codec.law_of(line)
            else:
                yield codec.entry_of(line, laws)
        except (KeyError, TypeError, ValueError, IndexError):
            yield None


def _as(team: Team, pacing: Mode | None, campaign: CampaignName | None) -> Team:
    """The moment, with another pacing for one campaign or for all."""
    if pacing is None:
        return team
    return replace(
        team,
        campaigns={
            name: (pacing if campaign in (None, name) else mode, seen)
            for name, (mode, seen) in team.campaigns.items()
        },
    )


def _difference(entry: Entry, name: CampaignName, now: Decision) -> Difference:
    then = decide_group(entry.team)[name]
    return Difference(
        at=entry.at,
        group=entry.group,
        campaign=name,
        then=entry.decisions[name],
        now=codec.told_of(now),
        why=f"{sentence(now.why, now.launch)} | then: {sentence(then.why, then.launch)}",
    )
