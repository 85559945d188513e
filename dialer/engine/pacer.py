"""How many calls go out now: observation -> decide -> claim -> committed intent -> originate.

One greenlet for all groups, so that an operator who serves several is planned with once. It
looks when something changed, at most each `MIN_INTERVAL_S`, and on a tick. What a limit cuts
off is not queued: the next look decides afresh. Walk of a contact, steps 3 to 5
(docs/architecture.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import uuid4

import gevent
import structlog
from gevent.event import Event as Signal

from dialer.core.calls import attempts
from dialer.core.calls import events as happened
from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.operators import OperatorState
from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    Claimed,
    ContactId,
    GatewayName,
    GroupName,
    InstanceName,
    Intent,
    IntentAnswer,
    Moment,
    NumberId,
)
from dialer.core.pacing.balance import free_for
from dialer.core.pacing.decide import decide
from dialer.core.pacing.observation import Decision, Observation
from dialer.core.permission.grounds import grounds
from dialer.core.permission.reasons import REQUEUED, Reason
from dialer.engine.calls import ASKING, IN_FLIGHT, Calls
from dialer.engine.dispatcher import Dispatcher, ToAttempt
from dialer.engine.gate import Gate
from dialer.engine.lines import Lines
from dialer.engine.tally import AnswerTally
from dialer.errors import StoreError
from dialer.ports import ClaimRequest, Clock, Hopper, Ledger, Meter, Shown

log = structlog.get_logger(__name__)

MIN_INTERVAL_S = 0.1
TICK_S = 0.5
#: Claims of so many in one round trip (dependencies.md 3: ten are enough for anything).
CLAIM = 50
#: Past it another daemon may resolve the attempt; renewed by the reaper while we live.
LEASE_S = 60.0
#: A refused contact of which nobody said until when is looked at again after so long.
AGAIN_S = 900.0
#: A pool that was found used up, or a hopper that was found empty, is not asked again for so
#: long.
REST_S = 1.0
#: A number of which the ledger says that its day is over is not shown for so long; then it is
#: asked again, because calls that never reached the carrier are given back, and limits change.
SPENT_S = 60.0


class Pacer:
    """Launches calls; the only caller of `core.pacing`."""

    def __init__(
        self,
        calls: Calls,
        dispatcher: Dispatcher,
        stores: tuple[Hopper, Ledger],
        lines: Lines,
        gate: Gate,
        tally: AnswerTally,
        clock: Clock,
        meter: Meter,
        *,
        instance: InstanceName,
        hungry: Callable[[], None],
        unrecordable: Callable[[Campaign], bool],
    ) -> None:
        self._calls = calls
        self._dispatcher = dispatcher
        self._hopper, self._ledger = stores
        self._lines = lines
        self._gate = gate
        self._tally = tally
        self._clock = clock
        self._meter = meter
        self._instance = instance
        self._hungry = hungry
        self._unrecordable = unrecordable
        self._signal = Signal()
        self.decisions: dict[CampaignName, Decision] = {}
        self.held_back: dict[CampaignName, Mapping[str, int]] = {}
        #: (abandoned by us, answered by people) in the cap's window, refreshed by the reaper.
        self.caps: dict[CampaignName, tuple[int, int]] = {}
        self._resting: dict[tuple[CampaignName, Reason], float] = {}
        self._spent: dict[tuple[NumberId, date], float] = {}
        self._looked_at_s = clock.now().mono_s

    def wake(self) -> None:
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
        """Every active campaign once, the more important first."""
        elapsed_s, self._looked_at_s = now.mono_s - self._looked_at_s, now.mono_s
        active = [one for one in self._calls.campaigns.values() if one.active]
        for campaign in sorted(active, key=self._turn):
            decision = decide(campaign.mode, self.observe(campaign, now))
            self.decisions[campaign.name] = decision
            self._meter.count(
                "dialer_pacing_bound_seconds_total",
                elapsed_s,
                campaign=campaign.name,
                binding=decision.why.binding.value,
            )
            if decision.launch:
                self._launch(campaign, decision.launch, now)
            for _, attempt in self._ringing(campaign)[: decision.cancel]:
                self._dispatcher.put(ToAttempt(attempt, happened.Stop(attempts.OVERDIAL)))

    def _turn(self, campaign: Campaign) -> tuple[int, float, str]:
        """By priority, then by who is furthest behind its share of the calls in flight."""
        live = self._calls.count(campaign.name, *IN_FLIGHT, *ASKING, AttemptState.TALKING)
        return (-campaign.priority, live / campaign.share, campaign.name)

    def observe(self, campaign: Campaign, now: Moment) -> Observation:
        """Everything that the decision may look at, read in one go."""
        calls, shut = self._calls, self._gate.reasons
        states = [one.state for _, one in calls.members(campaign.group)]
        abandoned, answered = self.caps.get(campaign.name, (0, 0))
        room = self._lines.room(campaign, calls, now)
        return Observation(
            ready=self._ready_for(campaign),
            offered=states.count(OperatorState.OFFERED),
            talking=states.count(OperatorState.TALKING),
            wrapup=states.count(OperatorState.WRAPUP),
            logged_in=len(states) - states.count(OperatorState.OFFLINE),
            waiting=calls.count(campaign.name, AttemptState.WAITING),
            in_flight=calls.count(campaign.name, *IN_FLIGHT),
            tokens=sum(room.values()),
            channels=None if self._lines.up(campaign, now) else 0,
            numbers=self._rested(Reason.POOL_USED_UP, campaign, now),
            hopper_size=self._rested(Reason.HOPPER_EMPTY, campaign, now),
            ratio=campaign.ratio,
            cap=campaign.abandonment_cap,
            abandoned=abandoned,
            answered=answered,
            answer_rate=self._tally.rate(campaign.name),
            ringing_s=tuple(now.mono_s - rang for rang, _ in self._ringing(campaign)),
            unrecordable=self._unrecordable(campaign),
            halted=Reason.HALTED in shut,
            switch_blind=Reason.SWITCH_BLIND in shut,
            paused=bool(shut.keys() - {Reason.HALTED, Reason.SWITCH_BLIND}),
        )

    def _ringing(self, campaign: Campaign) -> list[tuple[float, AttemptId]]:
        """(since when, attempt) of the campaign's ringing calls, the longest first."""
        return sorted(
            (one.rang_at.mono_s, key)
            for key, one in self._calls.attempts.items()
            if one.state is AttemptState.RINGING
            and one.rang_at is not None
            and one.claimed.entry.campaign == campaign.name
        )

    def _ready_for(self, campaign: Campaign) -> int:
        """Ready operators of the group, less those whom other campaigns' calls will take."""
        ready = {
            one.id: self._calls.profiles[one.id].groups
            for one in self._calls.operators.values()
            if one.state is OperatorState.READY
        }
        claims: Counter[GroupName] = Counter()
        for other in self._calls.campaigns.values():
            if other.name != campaign.name:
                claims[other.group] += self._calls.count(
                    other.name, *IN_FLIGHT, AttemptState.WAITING
                )
        return free_for(ready, claims).get(campaign.group, 0)

    def _rested(self, reason: Reason, campaign: Campaign, now: Moment) -> int | None:
        """0 while what was found empty a moment ago need not be asked again, else no limit."""
        return 0 if self._resting.get((campaign.name, reason), 0.0) > now.mono_s else None

    # ------------------------------------------------------------------ claim

    def _launch(self, campaign: Campaign, want: int, now: Moment) -> None:
        """Claim and commit in batches until there are `want`, or a limit says enough."""
        try:
            # The gate may be shut while a store is waited for.
            while want > 0 and self._gate.is_open:
                claimed, shown, asked = self._claim(campaign, want, now)
                if claimed:
                    self._commit(campaign, claimed, shown, now)
                want -= len(claimed)
                if len(claimed) < asked or asked == 0:
                    return
        except StoreError as error:
            self._meter.count("dialer_store_errors_total", store=error.store)
            self._gate.shut(Reason.STORE_FAILED, str(error))

    def _claim(
        self, campaign: Campaign, want: int, now: Moment
    ) -> tuple[Sequence[Claimed], Sequence[Shown], int]:
        """(claimed, numbers that could be shown, asked for): never more than the gateway with
        the least room could take.
        """
        room = self._lines.room(campaign, self._calls, now)
        self._spent = {key: at for key, at in self._spent.items() if at > now.mono_s}
        shown = self._lines.shown(campaign, room, self._spent, now)
        count = self._at_most(shown, room, want)
        shown = [
            replace(one, others=tuple(name for name in one.others if room[name] >= count))
            if one.others
            else one
            for one in shown
        ]
        if count == 0:
            if room and not shown:
                self._rest(Reason.POOL_USED_UP, campaign, now)
            return (), shown, 0
        request = ClaimRequest(
            campaign=campaign.name,
            count=count,
            shown=shown,
            attempt_ids=[AttemptId(str(uuid4())) for _ in range(count)],
            owner=self._instance,
            lease_s=LEASE_S,
            now=now,
        )
        answer = self._hopper.claim(request)
        self.held_back[campaign.name] = answer.held_back
        for reason, times in answer.held_back.items():
            self._meter.count(
                "dialer_held_back_total", times, campaign=campaign.name, reason=reason
            )
            if reason in (Reason.HOPPER_EMPTY, Reason.POOL_USED_UP):
                self._rest(Reason(reason), campaign, now)
        self._meter.count("dialer_claims_total", len(answer.claimed), campaign=campaign.name)
        for one in answer.claimed:
            self._lines.take(one.gateway, 1, now)
        return answer.claimed, shown, count

    def _at_most(
        self, shown: Sequence[Shown], room: Mapping[GatewayName, int], want: int
    ) -> int:
        """Any of these numbers may be chosen, so each of their gateways must have the room.

        A gateway that would only stand in for the first is left out where it has less.
        """
        least = min((room[one.gateway] for one in shown), default=0)
        return min(want, CLAIM, least)

    def _rest(self, reason: Reason, campaign: Campaign, now: Moment) -> None:
        self._resting[campaign.name, reason] = now.mono_s + REST_S
        if reason is Reason.HOPPER_EMPTY:
            self._hungry()

    def fed(self, campaign: CampaignName) -> None:
        """The feeder has put something into this hopper."""
        if self._resting.pop((campaign, Reason.HOPPER_EMPTY), None) is not None:
            self._signal.set()

    # ------------------------------------------------------------------ intent

    def _commit(
        self,
        campaign: Campaign,
        claimed: Sequence[Claimed],
        shown: Sequence[Shown],
        now: Moment,
    ) -> None:
        """No commit, no call. A stop that comes meanwhile finds the attempt already here."""
        rules = attempts.CallRules.of(campaign)

        def begin(at: Moment) -> None:
            for one in claimed:
                self._dispatcher.begin(attempts.claim(one, rules, at))

        self._dispatcher.do(begin)
        limits = {one.number: one.hard_limit for one in shown}
        intents = [
            Intent(
                claimed=one,
                campaign=campaign,
                number_hard_limit=limits[one.number],
                instance=self._instance,
                grounds=grounds(one.entry, campaign, now.wall),
            )
            for one in claimed
        ]
        try:
            answers = self._ledger.commit_intents(intents, now.wall)
        except StoreError:
            # Committed or not: none of them has gone out, so all are withdrawn (and retried).
            for one in claimed:
                self._deny(one, Reason.STORE_FAILED)
            raise
        self._heed(campaign, claimed, answers, now)

    def _deny(self, claimed: Claimed, reason: str) -> None:
        self._dispatcher.put(ToAttempt(claimed.attempt_id, happened.Denied(reason)))

    def _heed(
        self,
        campaign: Campaign,
        claimed: Sequence[Claimed],
        answers: Sequence[IntentAnswer],
        now: Moment,
    ) -> None:
        by_id = {one.attempt_id: one for one in claimed}
        later: list[tuple[ContactId, str, datetime]] = []
        for answer in answers:
            reason = "committed" if answer.committed else str(answer.reason)
            self._meter.count("dialer_intents_total", campaign=campaign.name, answer=reason)
            one = by_id[answer.attempt_id]
            if answer.committed and answer.digits is not None:
                if Reason.SWITCH_BLIND in self._gate.reasons:
                    self._deny(one, Reason.SWITCH_BLIND)  # lost while the ledger was asked
                else:
                    self._dispatcher.put(ToAttempt(one.attempt_id, happened.Go(answer.digits)))
                continue
            self._deny(one, reason)
            if reason == Reason.NUMBER_LIMIT:
                self._spent[one.number, one.number_day] = now.mono_s + SPENT_S
            elif reason == Reason.HALTED:
                self._gate.shut(Reason.HALTED, "said by the ledger")
            elif reason not in REQUEUED:
                until = answer.until or now.wall + timedelta(seconds=AGAIN_S)
                later.append((one.entry.contact_id, reason, until))
        if later:
            self._ledger.postpone(campaign.name, later)
