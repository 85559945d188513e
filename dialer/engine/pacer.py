"""How many calls go out now: the moment -> decision -> cancelled and launched calls.

One greenlet for all groups. It looks when something changed, at most each `MIN_INTERVAL_S`, and
on a tick; all campaigns of a group are decided together, from one balance of its operators.
What a limit cuts off is not queued: the next look decides afresh. Walk of a contact, step 3
(docs/architecture.md); the launch is `launch.Launcher`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import gevent
from gevent.event import Event as Signal

from dialer.core.calls import attempts
from dialer.core.calls import events as happened
from dialer.core.calls.attempts import AttemptState
from dialer.core.model import AttemptId, Campaign, CampaignName, GroupName, Mode, Moment
from dialer.core.pacing.observation import Decision, Team
from dialer.core.pacing.sentence import sentence
from dialer.engine.calls import ASKING, IN_FLIGHT, Calls
from dialer.engine.dispatcher import Dispatcher, ToAttempt
from dialer.engine.launch import Launcher
from dialer.engine.pacing_guard import PacingGuard
from dialer.engine.preview import Preview
from dialer.engine.team import Lookout
from dialer.ports import Clock, Meter

MIN_INTERVAL_S = 0.25
TICK_S = 0.5

#: (group, what was seen, what was decided): for the recorder.
Noted = Callable[[GroupName, Team, Mapping[CampaignName, Decision], Moment], None]


class Pacer:
    """Decides; the only caller of the core's policies."""

    def __init__(
        self,
        calls: Calls,
        dispatcher: Dispatcher,
        lookout: Lookout,
        launcher: Launcher,
        preview: Preview,
        guard: PacingGuard,
        clock: Clock,
        meter: Meter,
        *,
        noted: Noted,
    ) -> None:
        self._calls = calls
        self._dispatcher = dispatcher
        self._lookout = lookout
        self._launcher = launcher
        self._preview = preview
        self._guard = guard
        self._clock = clock
        self._meter = meter
        self._noted = noted
        self._signal = Signal()
        self.decisions: dict[CampaignName, Decision] = {}
        self._looked_at_s = clock.now().mono_s

    def wake(self) -> None:
        self._signal.set()

    def fed(self, campaign: CampaignName) -> None:
        """The feeder has put something into this hopper."""
        if self._launcher.fed(campaign):
            self._signal.set()

    def run(self) -> None:
        while True:
            self._signal.wait(TICK_S)
            self._signal.clear()
            now = self._clock.now()
            self.look(now)
            # Not more often than this, however many events there are.
            rest_s = MIN_INTERVAL_S - (self._clock.now().mono_s - now.mono_s)
            gevent.sleep(max(0.0, rest_s))

    # ------------------------------------------------------------------ one look

    def look(self, now: Moment) -> None:
        """Every group with an active campaign once, the more important first."""
        # A clock that stepped back bound nobody.
        elapsed_s, self._looked_at_s = max(0.0, now.mono_s - self._looked_at_s), now.mono_s
        self._preview.look()
        groups: dict[GroupName, list[Campaign]] = {}
        for campaign in self._calls.campaigns.values():
            if campaign.active:
                groups.setdefault(campaign.group, []).append(campaign)
        for group in sorted(groups, key=lambda name: self._group_turn(groups[name])):
            self._look_at(group, groups[group], now, elapsed_s)

    def _group_turn(self, campaigns: Sequence[Campaign]) -> tuple[int, float, str]:
        return min(map(self._turn, campaigns))

    def _turn(self, campaign: Campaign) -> tuple[int, float, str]:
        """By priority, then by who is furthest behind its share of the calls in flight."""
        live = self._calls.count(campaign.name, *IN_FLIGHT, *ASKING, AttemptState.TALKING)
        return (-campaign.priority, live / campaign.share, campaign.name)

    def _look_at(
        self, group: GroupName, campaigns: list[Campaign], now: Moment, elapsed_s: float
    ) -> None:
        team, ripe = self._lookout.team(group, campaigns, now)
        team, decisions = self._guard.decide(group, team, now)
        self._noted(group, team, decisions, now)
        by_name = {one.name: one for one in campaigns}
        for name, decision in decisions.items():
            self.decisions[name] = decision
            self._meter.count(
                "dialer_pacing_bound_seconds_total",
                elapsed_s,
                campaign=name,
                binding=decision.why.binding.value,
            )
            self._cancel(by_name[name], decision, ripe.get(name, []))
        for name in sorted(decisions, key=lambda one: self._turn(by_name[one])):
            decision = decisions[name]
            if not decision.launch:
                continue
            if by_name[name].mode is Mode.PREVIEW:
                self._preview.show(by_name[name], decision.launch, now)
            else:
                self._launcher.launch(
                    by_name[name], decision.launch, now, risks=decision.why.risks
                )

    def _cancel(
        self, campaign: Campaign, decision: Decision, ripe: Sequence[AttemptId]
    ) -> None:
        """Predictive gives up the youngest first, the others those that rang longest."""
        if not decision.cancel:
            return
        given_up = list(ripe)
        if decision.why.mode is not Mode.PREDICTIVE or decision.why.observation.outlook is None:
            given_up = [key for _, key in self._lookout.ringing(campaign)]
        for attempt in given_up[: decision.cancel]:
            self._meter.count("dialer_pacing_cancelled_total", campaign=campaign.name)
            self._dispatcher.put(ToAttempt(attempt, happened.Stop(attempts.OVERDIAL)))

    # ------------------------------------------------------------------ seen

    def why(self, name: CampaignName) -> str:
        """The last decision in one line."""
        decision = self.decisions.get(name)
        if decision is None:
            return "not decided yet"
        text = sentence(decision.why, decision.launch)
        campaign = self._calls.campaigns.get(name)
        distrust = self._guard.distrusted.get(campaign.group) if campaign else None
        return text if distrust is None else f"{text}; fell back to progressive: {distrust.why}"
