"""Decides, and never lets a defect of the decision be silence or more calls.

A decision that fails, is absurd, or takes so long that the loop stands still is thrown away:
its group is dialed progressively (one call per free operator) for half a minute, with a reason
in the status, an error in the log and a count for the alert.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from dialer.core.model import CampaignName, GroupName, Mode, Moment
from dialer.core.pacing.decide import decide_group
from dialer.core.pacing.observation import Decision, Observation, Team
from dialer.core.pacing.predictive import MOST_AT_ONCE
from dialer.engine.pacing_books import DEFECTS, DISTRUST_S
from dialer.ports import Meter

log = structlog.get_logger(__name__)

#: The loop stands still while it is decided: bridges wait. Some milliseconds are usual.
TOO_LONG_S = 0.1
#: One that is merely slow now and then (another process took the processor) is no defect.
SLOW_IN_A_ROW = 3

Decide = Callable[[Team], Mapping[str, Decision]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distrust:
    """A group is dialed progressively until then, and why."""

    until_s: float
    why: str


class PacingGuard:
    """One for all groups. `seconds` times the decision only; no decision depends on it but by
    being thrown away.
    """

    def __init__(
        self,
        meter: Meter,
        *,
        decide: Decide = decide_group,
        seconds: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._meter = meter
        self._decide = decide
        self._seconds = seconds
        self._slow: dict[GroupName, int] = {}
        self.distrusted: dict[GroupName, Distrust] = {}

    def decide(
        self, group: GroupName, team: Team, now: Moment
    ) -> tuple[Team, dict[CampaignName, Decision]]:
        """The decisions, and the team as it was decided on."""
        known = self.distrusted.get(group)
        if known is not None and now.mono_s >= known.until_s:
            del self.distrusted[group]
            log.info("pacing is trusted again", group=group)
            known = None
        if known is None:
            began_s = self._seconds()
            try:
                decisions = self._decide(team)
                why = absurd(team, decisions)
            except DEFECTS as error:
                log.warning("pacing decision failed", group=group, exc_info=error)
                why, decisions = f"failed: {type(error).__name__}", {}
            took_s = self._seconds() - began_s
            self._meter.observe("dialer_pacing_decision_seconds", took_s)
            why = why or self._too_slow(group, team, took_s)
            if why is None:
                return team, {CampaignName(name): one for name, one in decisions.items()}
            self._distrust(group, team, why, now)
        plain = progressively(team)
        return plain, {CampaignName(name): one for name, one in decide_group(plain).items()}

    def _too_slow(self, group: GroupName, team: Team, took_s: float) -> str | None:
        if took_s <= TOO_LONG_S:
            self._slow[group] = 0
            return None
        self._slow[group] = self._slow.get(group, 0) + 1
        if self._slow[group] < SLOW_IN_A_ROW:
            return None
        return f"took {took_s * 1000:.0f} ms"

    def _distrust(self, group: GroupName, team: Team, why: str, now: Moment) -> None:
        self._slow[group] = 0
        self.distrusted[group] = Distrust(until_s=now.mono_s + DISTRUST_S, why=why)
        log.error("pacing fell back to progressive", group=group, why=why, for_s=DISTRUST_S)
        word = "slow" if why.startswith("took") else "absurd" if "absurd" in why else "failed"
        for name, (mode, _) in team.campaigns.items():
            if mode is Mode.PREDICTIVE:
                self._meter.count("dialer_pacing_fallbacks_total", campaign=name, why=word)


def progressively(team: Team) -> Team:
    """The same moment without any outlook; operators of several groups are nobody's then."""
    return replace(
        team,
        partial=(),
        campaigns={
            name: (Mode.PROGRESSIVE if mode is Mode.PREDICTIVE else mode, _plain(seen))
            for name, (mode, seen) in team.campaigns.items()
        },
    )


def _plain(seen: Observation) -> Observation:
    return replace(seen, outlook=None)


def absurd(team: Team, decisions: Mapping[str, Decision]) -> str | None:
    """What no decision may say, whatever was seen."""
    for name, one in decisions.items():
        if not 0 <= one.launch <= MOST_AT_ONCE or one.cancel < 0:
            return f"absurd: {one.launch} launches, {one.cancel} cancels"
        if not all(math.isfinite(risk) and risk >= 0.0 for risk in one.why.risks):
            return "absurd: a risk that is no number"
        theta = one.why.theta
        if theta is not None and not math.isfinite(theta):
            return "absurd: a price that is no number"
        if name not in team.campaigns:
            return "absurd: an unknown campaign"
    return (
        None if decisions.keys() == team.campaigns.keys() else "absurd: a campaign is missing"
    )
