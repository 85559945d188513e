"""One group's operators and its campaigns as the decision sees them, read in one go.

An operator of several groups is ours in part, by the share of his last calls that were ours
(pacing.md 8); who wants to pause or go home after this call is nobody's. A busy operator stands
in the outlook of the campaign whose call he has, so that its law says when he will be free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.operators import Operator, OperatorState
from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    GroupName,
    Mode,
    Moment,
    OperatorId,
)
from dialer.core.pacing.answers import STEP_S
from dialer.core.pacing.balance import free_for
from dialer.core.pacing.durations import SHORT_TALK_S, row_of
from dialer.core.pacing.observation import Observation, Team
from dialer.core.pacing.outlook import Outlook
from dialer.core.permission.reasons import Reason
from dialer.engine.calls import IN_FLIGHT, Calls
from dialer.engine.campaign_limits import CampaignLimits
from dialer.engine.cap_keeper import CapKeeper
from dialer.engine.gate import Gate
from dialer.engine.launch import Launcher
from dialer.engine.lines import Lines
from dialer.engine.pacing_books import PacingBooks
from dialer.engine.tally import AnswerTally

#: States in which an operator will take another call after the present one.
BUSY = frozenset({OperatorState.OFFERED, OperatorState.TALKING, OperatorState.WRAPUP})


@dataclass(frozen=True, slots=True)
class Hand:
    """A busy operator: how long so far, the talk before his wrap-up, our part of him."""

    state: OperatorState
    age_s: float
    talk_s: float
    part: float


class Lookout:
    """Reads; changes nothing but the tables of the law, which are made when they are due."""

    def __init__(
        self,
        calls: Calls,
        lines: Lines,
        gate: Gate,
        tally: AnswerTally,
        books: PacingBooks,
        caps: CapKeeper,
        launcher: Launcher,
        limits: CampaignLimits,
        *,
        unrecordable: Callable[[Campaign], bool],
    ) -> None:
        self._calls = calls
        self._lines = lines
        self._gate = gate
        self._tally = tally
        self._books = books
        self._caps = caps
        self._launcher = launcher
        self._limits = limits
        self._unrecordable = unrecordable

    def team(
        self, group: GroupName, campaigns: Sequence[Campaign], now: Moment
    ) -> tuple[Team, dict[CampaignName, list[AttemptId]]]:
        """The group now; and of each predictive campaign the calls that may be given up, in
        the order of its outlook.
        """
        pooled = [one for one in campaigns if one.mode is Mode.PREDICTIVE]
        whole = len(pooled) == len(campaigns)
        idle, partial = self._idle(group, whole)
        hands = self._hands(group, pooled, now)
        seen: dict[str, tuple[Mode, Observation]] = {}
        ripe: dict[CampaignName, list[AttemptId]] = {}
        for campaign in campaigns:
            one = self._observe(campaign, idle + len(partial), now)
            if campaign.mode is Mode.PREDICTIVE:
                may_go = self._ripe(campaign, now)
                ripe[campaign.name] = [key for _, key in may_go]
                ages = [age for age, _ in may_go]
                own = hands.get(campaign.name, [])
                one = replace(one, outlook=self._outlook(campaign, own, ages, now))
            seen[campaign.name] = (campaign.mode, one)
        team = Team(
            idle=idle,
            partial=tuple(partial),
            waiting=self._waiting(group),
            campaigns=seen,
        )
        return team, ripe

    # ------------------------------------------------------------------ operators

    def _idle(self, group: GroupName, whole: bool) -> tuple[int, list[float]]:
        """(ready operators that are ours alone, our part of the others).

        Policies that reckon one call per operator need whole ones: then those of several groups
        are ours unless another group's calls will take them.
        """
        ready = [
            one
            for _, one in self._calls.members(group)
            if one.state is OperatorState.READY and one.wish is None
        ]
        if not whole:
            return self._left_for(group), []
        parts = [self._part(one.id, group) for one in ready]
        return sum(part >= 1.0 for part in parts), [part for part in parts if part < 1.0]

    def _left_for(self, group: GroupName) -> int:
        ready = {
            one.id: self._calls.profiles[one.id].groups
            for one in self._calls.operators.values()
            if one.state is OperatorState.READY
        }
        claims: Counter[GroupName] = Counter()
        for other in self._calls.campaigns.values():
            if other.group != group:
                states = (*IN_FLIGHT, AttemptState.WAITING)
                claims[other.group] += self._calls.count(other.name, *states)
        return free_for(ready, claims).get(group, 0)

    def _part(self, operator: OperatorId, group: GroupName) -> float:
        """1 where no other group of his dials, else our share of his last calls."""
        dialing = {one.group for one in self._calls.campaigns.values() if one.active}
        groups = [one for one in self._calls.profiles[operator].groups if one in dialing]
        if len(groups) <= 1:
            return 1.0
        return self._books.share_of(operator, group, groups)

    def _hands(
        self, group: GroupName, pooled: Sequence[Campaign], now: Moment
    ) -> dict[CampaignName, list[Hand]]:
        """Busy operators by the campaign whose law tells of them."""
        if not pooled:
            return {}
        names = {one.name for one in pooled}
        hands: dict[CampaignName, list[Hand]] = {}
        for _, one in self._calls.members(group):
            if one.state not in BUSY or one.wish is not None:
                continue
            last = self._books.last_of(one.id)
            name = last.campaign if last.campaign in names else pooled[0].name
            assert name is not None
            hands.setdefault(name, []).append(self._hand(one, group, last.talk_s, now))
        return hands

    def _hand(self, one: Operator, group: GroupName, talk_s: float, now: Moment) -> Hand:
        age_s = 0.0
        if one.state is not OperatorState.OFFERED:
            age_s = max(0.0, now.mono_s - one.since.mono_s)
        return Hand(one.state, age_s, talk_s, self._part(one.id, group))

    def _waiting(self, group: GroupName) -> int:
        """Answered and without an operator; calls of campaigns that have been switched off are
        taken as answered: they dial nothing, but have first claim.
        """
        waiting = len(self._calls.waiting.get(group, ()))
        for one in self._calls.campaigns.values():
            if one.group == group and not one.active:
                waiting += self._calls.count(one.name, *IN_FLIGHT)
        return waiting

    # ------------------------------------------------------------------ one campaign

    def _observe(self, campaign: Campaign, ready: int, now: Moment) -> Observation:
        """Everything but the outlook."""
        calls, shut, name = self._calls, self._gate.reasons, campaign.name
        states = [one.state for _, one in calls.members(campaign.group)]
        abandoned, answered = self._caps.abandonment(name)
        room = self._lines.room(campaign, calls, now)
        return Observation(
            ready=ready,
            offered=states.count(OperatorState.OFFERED),
            talking=states.count(OperatorState.TALKING),
            wrapup=states.count(OperatorState.WRAPUP),
            logged_in=len(states) - states.count(OperatorState.OFFLINE),
            waiting=calls.count(name, AttemptState.WAITING),
            in_flight=calls.count(name, *IN_FLIGHT),
            tokens=sum(room.values()),
            channels=self._lines.channels(campaign, calls, now),
            numbers=self._launcher.rested(Reason.POOL_USED_UP, campaign, now),
            day_budget=self._limits.calls_left(name),
            hopper_size=self._launcher.rested(Reason.HOPPER_EMPTY, campaign, now),
            ratio=campaign.ratio,
            share=campaign.share,
            priority=campaign.priority,
            cap=campaign.abandonment.limit,
            abandoned=abandoned,
            answered=answered,
            answer_rate=self._tally.rate(name),
            shown=calls.count(name, AttemptState.SHOWN),
            ringing_s=tuple(now.mono_s - rang for rang, _ in self.ringing(campaign)),
            rests=self._limits.rests(name, now),
            unrecordable=self._unrecordable(campaign),
            halted=Reason.HALTED in shut,
            switch_blind=Reason.SWITCH_BLIND in shut,
            paused=bool(shut.keys() - {Reason.HALTED, Reason.SWITCH_BLIND}),
        )

    def ringing(self, campaign: Campaign) -> list[tuple[float, AttemptId]]:
        """(since when, attempt) of the campaign's ringing calls, the longest first."""
        return sorted(
            (one.rang_at.mono_s, key)
            for key, one in self._calls.attempts.items()
            if one.state is AttemptState.RINGING
            and one.rang_at is not None
            and one.claimed.entry.campaign == campaign.name
        )

    def _ripe(self, campaign: Campaign, now: Moment) -> list[tuple[float, AttemptId]]:
        """(age, attempt) of the calls that may be given up, the youngest first."""
        return sorted(
            (_age_s(one.claimed_at.mono_s, now.mono_s), key)
            for key, one in self._calls.attempts.items()
            if one.claimed.entry.campaign == campaign.name and self._books.may_give_up(one, now)
        )

    def _outlook(
        self, campaign: Campaign, hands: Iterable[Hand], ripe_s: Sequence[float], now: Moment
    ) -> Outlook | None:
        """None where nothing can be said: no window read yet, or estimates just dropped."""
        window = self._caps.windows.get(campaign.name)
        hands = list(hands)
        if window is None or self._books.is_distrusted(campaign, now):
            return None
        whole = [one for one in hands if one.part >= 1.0]
        outlook = self._books.outlook(
            campaign,
            now,
            counts=window.counts,
            withheld=window.withheld,
            began_s=window.began_s,
            operators=max(1, self._calls.logged_in(campaign.group)),
            ends_s=window.more_until_s,
            talking_s=[one.age_s for one in whole if one.state is not OperatorState.WRAPUP],
            wrapup_s=[
                (one.age_s, one.talk_s) for one in whole if one.state is OperatorState.WRAPUP
            ],
            cancellable_s=ripe_s,
        )
        if outlook is None or len(whole) == len(hands):
            return outlook
        return replace(outlook, partial=tuple(map(_row, (h for h in hands if h.part < 1.0))))


def _age_s(began_s: float, now_s: float) -> float:
    """The age on the grid of half seconds that the outlook's calls stand on."""
    return STEP_S * (int(now_s / STEP_S) - int(began_s / STEP_S))


def _row(hand: Hand) -> tuple[int, int, float]:
    """(table of the law, row, our part) of an operator of several groups."""
    table = 0
    if hand.state is OperatorState.WRAPUP:
        table = 2 if hand.talk_s < SHORT_TALK_S else 1
    return table, row_of(hand.age_s), hand.part
