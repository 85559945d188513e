"""One group's operators and its campaigns as the decision sees them, read in one go.

An operator of several groups is ours in part, by the share of his last calls that were ours
(pacing.md 8); who wants to pause or go home after this call is nobody's. A busy operator stands
in the outlook of the campaign whose call he has, so that its law says when he will be free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

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
from dialer.core.pacing.durations import SHORT_TALK_S, rows_of
from dialer.core.pacing.observation import RING_MIN_S, Observation, Team
from dialer.core.pacing.outlook import Outlook
from dialer.core.pacing.predictive import MOST_CANCELLED
from dialer.core.permission.reasons import Reason
from dialer.engine.calls import IN_FLIGHT, Calls
from dialer.engine.campaign_limits import CampaignLimits
from dialer.engine.cap_keeper import CapKeeper
from dialer.engine.gate import Gate
from dialer.engine.launch import Launcher
from dialer.engine.lines import Lines
from dialer.engine.pacing_books import PacingBooks
from dialer.engine.tally import AnswerTally


class Staff(NamedTuple):
    """How many of the group's operators do what."""

    offered: int
    talking: int
    wrapup: int
    logged_in: int


@dataclass(slots=True)
class Hands:
    """Busy operators who will take another call: ages of talks, of wrap-ups with the talk
    before, and of those who are ours in part (0 talk, 1 wrap-up, 2 short wrap-up; row; part).
    """

    talking_s: list[float] = field(default_factory=list)
    wrapup_s: list[tuple[float, float]] = field(default_factory=list)
    partial: list[tuple[int, int, float]] = field(default_factory=list)

    def add(self, age_s: float, talk_s: float | None, part: float) -> None:
        """`talk_s`: the talk before the wrap-up; None: he talks, or is offered one."""
        if part < 1.0:
            table = 0 if talk_s is None else 2 if talk_s < SHORT_TALK_S else 1
            self.partial.append((table, rows_of([age_s])[0], part))
        elif talk_s is None:
            self.talking_s.append(age_s)
        else:
            self.wrapup_s.append((age_s, talk_s))


class Lookout:
    """Reads; changes nothing but the tables of the law, which are made when they are due.

    A look costs a few milliseconds at a thousand operators and five thousand calls, while
    which the loop stands still: nothing here asks the same thing of each of them twice.
    """

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
        members = [one for _, one in self._calls.members(group)]
        idle, partial = self._idle(group, members, whole)
        hands = self._hands(group, members, pooled, now)
        staff = _staff(members)
        seen: dict[str, tuple[Mode, Observation]] = {}
        ripe: dict[CampaignName, list[AttemptId]] = {}
        for campaign in campaigns:
            one = self._observe(campaign, idle + len(partial), staff, now)
            if campaign.mode is Mode.PREDICTIVE:
                may_go = self._ripe(campaign, now)
                ripe[campaign.name] = [key for _, key in may_go]
                ages = [age for age, _ in may_go]
                own = hands.get(campaign.name, Hands())
                one = replace(one, outlook=self._outlook(campaign, own, staff, ages, now))
            seen[campaign.name] = (campaign.mode, one)
        team = Team(
            idle=idle,
            partial=tuple(partial),
            waiting=self._waiting(group),
            campaigns=seen,
        )
        return team, ripe

    # ------------------------------------------------------------------ operators

    def _idle(
        self, group: GroupName, members: Sequence[Operator], whole: bool
    ) -> tuple[int, list[float]]:
        """(ready operators that are ours alone, our part of the others).

        Policies that reckon one call per operator need whole ones: then those of several groups
        are ours unless another group's calls will take them.
        """
        if not whole:
            return self._left_for(group), []
        dialing = self._dialing()
        parts = [
            self._part(one.id, group, dialing)
            for one in members
            if one.state is OperatorState.READY and one.wish is None
        ]
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

    def _dialing(self) -> frozenset[GroupName]:
        return frozenset(one.group for one in self._calls.campaigns.values() if one.active)

    def _part(
        self, operator: OperatorId, group: GroupName, dialing: frozenset[GroupName]
    ) -> float:
        """1 where no other group of his dials, else our share of his last calls."""
        served = self._calls.profiles[operator].groups
        if len(served) <= 1:
            return 1.0
        groups = [one for one in served if one in dialing]
        return self._books.share_of(operator, group, groups) if len(groups) > 1 else 1.0

    def _hands(
        self,
        group: GroupName,
        members: Sequence[Operator],
        pooled: Sequence[Campaign],
        now: Moment,
    ) -> dict[CampaignName, Hands]:
        """Busy operators by the campaign whose law tells of them."""
        hands = {one.name: Hands() for one in pooled}
        if not pooled:
            return hands
        dialing, first, now_s = self._dialing(), hands[pooled[0].name], now.mono_s
        for one in members:
            state = one.state
            if one.wish is not None or not _is_busy(state):
                continue
            last = self._books.last_of(one.id)
            own = first if last.campaign is None else hands.get(last.campaign, first)
            offered = state is OperatorState.OFFERED
            age_s = 0.0 if offered else max(0.0, now_s - one.since.mono_s)
            wrapup = state is OperatorState.WRAPUP
            part = self._part(one.id, group, dialing)
            own.add(age_s, last.talk_s if wrapup else None, part)
        return hands

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

    def _observe(
        self, campaign: Campaign, ready: int, staff: Staff, now: Moment
    ) -> Observation:
        """Everything but the outlook."""
        calls, shut, name = self._calls, self._gate.reasons, campaign.name
        abandoned, answered = self._caps.abandonment(name)
        room = self._lines.room(campaign, calls, now)
        return Observation(
            ready=ready,
            offered=staff.offered,
            talking=staff.talking,
            wrapup=staff.wrapup,
            logged_in=staff.logged_in,
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
            ringing_s=self._ringing_s(campaign, now),
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
            for key, one in self._calls.in_flight(campaign.name).items()
            if one.state is AttemptState.RINGING and one.rang_at is not None
        )

    def _ringing_s(self, campaign: Campaign, now: Moment) -> tuple[float, ...]:
        """How long those have rung that have rung long enough to be given up."""
        latest_s = now.mono_s - RING_MIN_S
        return tuple(
            now.mono_s - one.rang_at.mono_s
            for one in self._calls.in_flight(campaign.name).values()
            if one.rang_at is not None
            and one.rang_at.mono_s <= latest_s
            and one.state is AttemptState.RINGING
        )

    def _ripe(self, campaign: Campaign, now: Moment) -> list[tuple[float, AttemptId]]:
        """(age, attempt) of the calls that may be given up, the youngest first: no more of
        them than one decision can give up.
        """
        ripe: list[tuple[float, AttemptId]] = []
        latest_s = now.mono_s - RING_MIN_S
        for key, one in reversed(self._calls.in_flight(campaign.name).items()):
            if one.claimed_at.mono_s <= latest_s and self._books.may_give_up(one, now):
                ripe.append((_age_s(one.claimed_at.mono_s, now.mono_s), key))
                if len(ripe) >= MOST_CANCELLED:
                    break
        return sorted(ripe)

    def _outlook(
        self,
        campaign: Campaign,
        hands: Hands,
        staff: Staff,
        ripe_s: Sequence[float],
        now: Moment,
    ) -> Outlook | None:
        """None where nothing can be said: no window read yet, or estimates just dropped."""
        window = self._caps.windows.get(campaign.name)
        if window is None or self._books.is_distrusted(campaign, now):
            return None
        outlook = self._books.outlook(
            campaign,
            now,
            counts=window.counts,
            withheld=window.withheld,
            began_s=window.began_s,
            operators=max(1, staff.logged_in),
            ends_s=window.more_until_s,
            talking_s=hands.talking_s,
            wrapup_s=hands.wrapup_s,
            cancellable_s=ripe_s,
        )
        if outlook is None or not hands.partial:
            return outlook
        return replace(outlook, partial=tuple(hands.partial))


def _is_busy(state: OperatorState) -> bool:
    """He will take another call after the present one. (By identity: the hash of an enum costs
    more than the three looks.)
    """
    return (
        state is OperatorState.TALKING
        or state is OperatorState.WRAPUP
        or state is OperatorState.OFFERED
    )


def _staff(members: Iterable[Operator]) -> Staff:
    states = [one.state for one in members]
    return Staff(
        offered=states.count(OperatorState.OFFERED),
        talking=states.count(OperatorState.TALKING),
        wrapup=states.count(OperatorState.WRAPUP),
        logged_in=len(states) - states.count(OperatorState.OFFLINE),
    )


def _age_s(began_s: float, now_s: float) -> float:
    """The age on the grid of half seconds that the outlook's calls stand on."""
    return STEP_S * (int(now_s / STEP_S) - int(began_s / STEP_S))
