"""The only mutable state of the daemon: live attempts, operators, and where to find them by
leg.

Written by the dispatcher alone, and never across a yield. Everybody else reads counts. An
attempt lives here from its claim until its result has been handed to the outbox; ended ones are
kept for a while as tombstones, because late events of their legs still come.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping

from dialer.core.calls.attempts import Attempt, AttemptState
from dialer.core.calls.operators import Operator, OperatorState
from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    GatewayName,
    Group,
    GroupName,
    LegId,
    OpenAttempt,
    OperatorId,
    OperatorProfile,
    PoolName,
)

#: Ended attempts remembered for late events: at 40 calls a second about four minutes.
TOMBSTONES = 10_000

#: States in which a call may still be answered and need an operator.
IN_FLIGHT = (
    AttemptState.SHOWN,
    AttemptState.CLAIMED,
    AttemptState.DIALING,
    AttemptState.RINGING,
)
#: States in which a call keeps the operator whom it is meant for from others (preview).
KEEPING = frozenset({*IN_FLIGHT, AttemptState.WAITING})
#: States in which a customer has answered and waits for an operator.
ASKING = (AttemptState.WAITING, AttemptState.OFFERED)


class Calls:
    """Live attempts and operators with their indexes."""

    def __init__(self) -> None:
        self.attempts: dict[AttemptId, Attempt] = {}
        self.ended: OrderedDict[AttemptId, Attempt] = OrderedDict()
        self.operators: dict[OperatorId, Operator] = {}
        self.profiles: dict[OperatorId, OperatorProfile] = {}
        self.groups: dict[GroupName, Group] = {}
        self.campaigns: dict[CampaignName, Campaign] = {}
        self.waiting: dict[GroupName, set[AttemptId]] = {}
        #: Who has a card, or a call that he has started and that is not answered yet.
        self.kept: dict[OperatorId, AttemptId] = {}
        self._by_leg: dict[LegId, OperatorId] = {}
        self._by_state: Counter[tuple[CampaignName, AttemptState]] = Counter()
        self._by_gateway: Counter[GatewayName] = Counter()
        self._in_flight: dict[CampaignName, dict[AttemptId, Attempt]] = {}

    # ------------------------------------------------------------------ configuration

    def configure(
        self,
        campaigns: Mapping[CampaignName, Campaign],
        groups: Mapping[GroupName, Group],
        profiles: Mapping[OperatorId, OperatorProfile],
    ) -> None:
        """New campaigns, groups, operators; live calls keep what they began with."""
        # What left the files may still have live calls or legs: it is kept.
        self.campaigns = {**self.campaigns, **campaigns}
        self.groups = {**self.groups, **groups}
        self.profiles = {**self.profiles, **profiles}
        # A campaign may have moved to another group while its customers wait.
        self.waiting = {group: set() for group in self.groups}
        for attempt in self.attempts.values():
            if attempt.state is AttemptState.WAITING:
                self._line_of(attempt).add(attempt.claimed.attempt_id)

    def group_of(self, attempt: Attempt) -> GroupName:
        return self.campaigns[attempt.claimed.entry.campaign].group

    def campaign_of(self, found: OpenAttempt) -> Campaign:
        """Its campaign; where the file is gone a stand-in, switched off, by the defaults: what
        is open must be resolved all the same.
        """
        name = found.claimed.entry.campaign
        stand_in = Campaign(
            name=name,
            list_name="",
            group=GroupName(""),
            pool=PoolName(""),
            gateways=(),
            purpose="",
            active=False,
        )
        return self.campaigns.setdefault(name, stand_in)

    def wrapup_of(self, campaign: Campaign) -> float:
        """Seconds after a talk of this campaign: its own, else its group's."""
        if campaign.wrapup_s is not None:
            return campaign.wrapup_s
        return (self.groups.get(campaign.group) or Group(name=campaign.group)).wrapup_s

    # ------------------------------------------------------------------ attempts

    def put_attempt(self, attempt: Attempt) -> None:
        """Insert or replace; an ended one moves to the tombstones."""
        key = attempt.claimed.attempt_id
        old = self.attempts.get(key)
        if old is not None:
            self._uncount(old)
        if attempt.state is AttemptState.ENDED:
            self.attempts.pop(key, None)
            self._in_flight.get(attempt.claimed.entry.campaign, {}).pop(key, None)
            self.ended[key] = attempt
            if len(self.ended) > TOMBSTONES:
                self.ended.popitem(last=False)
        else:
            self.attempts[key] = attempt
            self._count(attempt)

    def _count(self, attempt: Attempt) -> None:
        campaign = attempt.claimed.entry.campaign
        self._by_state[campaign, attempt.state] += 1
        if attempt.state in IN_FLIGHT:
            # Put again it keeps its place, which is that of its claim.
            self._in_flight.setdefault(campaign, {})[attempt.claimed.attempt_id] = attempt
        else:
            self._in_flight.get(campaign, {}).pop(attempt.claimed.attempt_id, None)
        self._by_gateway[attempt.claimed.gateway] += 1
        if attempt.meant_for is not None and attempt.state in KEEPING:
            self.kept[attempt.meant_for] = attempt.claimed.attempt_id
        if attempt.state is AttemptState.WAITING:
            self._line_of(attempt).add(attempt.claimed.attempt_id)

    def _uncount(self, attempt: Attempt) -> None:
        self._by_state[attempt.claimed.entry.campaign, attempt.state] -= 1
        self._by_gateway[attempt.claimed.gateway] -= 1
        key = attempt.claimed.attempt_id
        if attempt.meant_for is not None and self.kept.get(attempt.meant_for) == key:
            del self.kept[attempt.meant_for]
        if attempt.state is AttemptState.WAITING:
            self._line_of(attempt).discard(attempt.claimed.attempt_id)

    def _line_of(self, attempt: Attempt) -> set[AttemptId]:
        return self.waiting.setdefault(self.group_of(attempt), set())

    def find_attempt(self, key: str | None) -> Attempt | None:
        """Live or lately ended."""
        if key is None:
            return None
        return self.attempts.get(AttemptId(key)) or self.ended.get(AttemptId(key))

    def in_flight(self, campaign: CampaignName) -> dict[AttemptId, Attempt]:
        """Calls that may still be answered, in the order of their claims. A view: it is not
        to be kept across a turn.
        """
        return self._in_flight.get(campaign, {})

    def count(self, campaign: CampaignName, *states: AttemptState) -> int:
        return sum(self._by_state[campaign, state] for state in states)

    def count_all(self, *states: AttemptState) -> int:
        return sum(n for (_, state), n in self._by_state.items() if state in states)

    def on_gateway(self, gateway: GatewayName) -> int:
        return self._by_gateway[gateway]

    # ------------------------------------------------------------------ operators

    def put_operator(self, operator: Operator) -> None:
        old = self.operators.get(operator.id)
        if old is not None and old.leg is not None:
            self._by_leg.pop(old.leg, None)
        self.operators[operator.id] = operator
        if operator.leg is not None:
            self._by_leg[operator.leg] = operator.id

    def operator_of_leg(self, leg: LegId | None) -> Operator | None:
        if leg is None:
            return None
        found = self._by_leg.get(leg)
        return None if found is None else self.operators[found]

    def members(self, group: GroupName) -> Iterator[tuple[int, Operator]]:
        """(place in the group, operator) of everybody who belongs to it and is known."""
        for operator in self.operators.values():
            place = self.profiles[operator.id].groups.get(group)
            if place is not None:
                yield place, operator

    def logged_in(self, group: GroupName) -> int:
        return sum(
            1 for _, one in self.members(group) if one.state is not OperatorState.OFFLINE
        )
