"""Decision -> claim -> committed intent: no commit, no call (docs/architecture.md, steps 4, 5).

What cannot go out now is not queued: the pacer decides afresh. A decision is stale after half a
second, so what a slow store has held up that long is dropped, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import gevent

from dialer.core.calls import attempts
from dialer.core.calls import events as happened
from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    Claimed,
    ContactId,
    GatewayName,
    InstanceName,
    Intent,
    IntentAnswer,
    Mode,
    Moment,
    NumberId,
)
from dialer.core.pacing.counted_on import ZONE
from dialer.core.permission.grounds import grounds
from dialer.core.permission.money import reserve
from dialer.core.permission.reasons import REQUEUED, Reason
from dialer.engine.calls import Calls
from dialer.engine.dispatcher import Dispatcher, ToAttempt
from dialer.engine.gate import Gate
from dialer.engine.lines import Lines
from dialer.engine.pacing_books import PacingBooks
from dialer.errors import StoreError
from dialer.ports import ClaimRequest, Clock, Hopper, Ledger, Meter, Shown

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
#: Calls that leave within it are no heap to anybody.
NO_HEAP_S = 0.001
#: With one of these even a committed call stays here.
STOPS_COMMITTED = (Reason.SWITCH_BLIND, Reason.HALTED)
#: What has not been claimed so long after the decision is dropped (pacing.md 9).
STALE_S = 0.5


class Launcher:
    """Carries decisions out."""

    def __init__(
        self,
        calls: Calls,
        dispatcher: Dispatcher,
        stores: tuple[Hopper, Ledger],
        lines: Lines,
        gate: Gate,
        books: PacingBooks,
        clock: Clock,
        meter: Meter,
        *,
        instance: InstanceName,
        holidays: Callable[[Campaign], frozenset[date]],
        errand: Callable[..., None],
        hungry: Callable[[], None],
        limit_reached: Callable[[CampaignName, Reason], None],
    ) -> None:
        self._limit_reached = limit_reached
        self._calls = calls
        self._dispatcher = dispatcher
        self._hopper, self._ledger = stores
        self._lines = lines
        self._gate = gate
        self._books = books
        self._clock = clock
        self._meter = meter
        self._instance = instance
        self._holidays = holidays
        self._errand = errand
        self._hungry = hungry
        self.held_back: dict[CampaignName, Mapping[str, int]] = {}
        self._resting: dict[tuple[CampaignName, Reason], float] = {}
        self._spent: dict[tuple[NumberId, date], float] = {}

    def rested(self, reason: Reason, campaign: Campaign, now: Moment) -> int | None:
        """0 while what was found empty a moment ago need not be asked again, else no limit."""
        return 0 if self._resting.get((campaign.name, reason), 0.0) > now.mono_s else None

    def fed(self, campaign: CampaignName) -> bool:
        """The feeder has put something into this hopper; True: it was waited for."""
        return self._resting.pop((campaign, Reason.HOPPER_EMPTY), None) is not None

    # ------------------------------------------------------------------ claim

    def launch(
        self, campaign: Campaign, want: int, now: Moment, *, risks: Sequence[float] = ()
    ) -> None:
        """Claim and commit in batches until there are `want`, or a limit says enough.

        `risks`: at which each was decided, in order; none: no more than an operator each.
        """
        left = [*risks[:want], *([0.0] * (want - len(risks)))]
        try:
            # The gate may be shut while a store is waited for.
            while left and self._gate.is_open:
                claimed, shown, asked = self.claim(campaign, len(left), now)
                if claimed:
                    self.commit(campaign, claimed, shown, now, risks=left[: len(claimed)])
                del left[: len(claimed)]
                if len(claimed) < asked or asked == 0:
                    return
                if self._clock.now().mono_s - now.mono_s > STALE_S:
                    self._drop(campaign, len(left))
                    return
        except StoreError as error:
            self._meter.count("dialer_store_errors_total", store=error.store)
            self._gate.shut(Reason.STORE_FAILED, str(error))

    def _drop(self, campaign: Campaign, calls: int) -> None:
        self._meter.count("dialer_pacing_stale_calls_total", calls, campaign=campaign.name)

    def claim(
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

    # ------------------------------------------------------------------ intent

    def commit(
        self,
        campaign: Campaign,
        claimed: Sequence[Claimed],
        shown: Sequence[Shown],
        now: Moment,
        *,
        risks: Sequence[float] = (),
    ) -> None:
        """No commit, no call. A stop that comes meanwhile finds the attempt already here."""
        rules = attempts.CallRules.of(campaign)

        def begin(at: Moment) -> None:
            for one in claimed:
                self._dispatcher.begin(attempts.claim(one, rules, at))
            self._books.launched(campaign, claimed, risks or [0.0] * len(claimed), at)

        self._dispatcher.do(begin)
        self._intend(campaign, claimed, shown, now)

    def intend(
        self,
        campaign: Campaign,
        claimed: Sequence[Claimed],
        shown: Sequence[Shown],
        now: Moment,
    ) -> dict[AttemptId, str]:
        """Attempts that are CLAIMED already (preview): by attempt, why it was refused."""
        risks = [0.0] * len(claimed)
        self._dispatcher.do(lambda at: self._books.launched(campaign, claimed, risks, at))
        return self._intend(campaign, claimed, shown, now)

    def _intend(
        self,
        campaign: Campaign,
        claimed: Sequence[Claimed],
        shown: Sequence[Shown],
        now: Moment,
    ) -> dict[AttemptId, str]:
        limits = {one.number: one.hard_limit for one in shown}
        holidays = self._holidays(campaign)
        intents = [
            Intent(
                claimed=one,
                campaign=campaign,
                number_hard_limit=limits[one.number],
                instance=self._instance,
                grounds=grounds(one.entry, campaign, now.wall),
                reserved=reserve(self._lines.price(one.gateway)),
                holidays=holidays,
            )
            for one in claimed
        ]
        try:
            self._spare(campaign, claimed, now)
            answers = self._ledger.commit_intents(intents, now.wall)
        except StoreError:
            # Committed or not: none of them has gone out, so all are withdrawn (and retried).
            for one in claimed:
                self._deny(one, Reason.STORE_FAILED)
            raise
        return self._heed(campaign, claimed, answers, now)

    def _spare(self, campaign: Campaign, claimed: Sequence[Claimed], now: Moment) -> None:
        """Whoever was rung and given up by pacing today is not given up a second time."""
        if campaign.mode is not Mode.PREDICTIVE:
            return
        zone = ZoneInfo(campaign.default_zone or ZONE)
        midnight = datetime.combine(now.wall.astimezone(zone).date(), time(), zone)
        contacts = [one.entry.contact_id for one in claimed]
        found = self._ledger.cancelled_since(contacts, midnight)
        self._books.spared.update(
            one.attempt_id for one in claimed if one.entry.contact_id in found
        )

    def _go(self, claimed: Claimed, digits: str) -> Reason | None:
        """Out, when its gateway's turn is; or why not. A stop until then finds it CLAIMED."""
        wait_s = self._lines.turn_s(claimed.gateway, self._clock.now())
        if wait_s >= NO_HEAP_S:
            self._errand(self._go_in_turn, claimed, digits, wait_s)
            return None
        return self._go_now(claimed, digits)

    def _go_in_turn(self, claimed: Claimed, digits: str, wait_s: float) -> None:
        gevent.sleep(wait_s)
        self._go_now(claimed, digits)

    def _go_now(self, claimed: Claimed, digits: str) -> Reason | None:
        """The gate may have been shut while the ledger was asked, or since."""
        shut = next((one for one in STOPS_COMMITTED if one in self._gate.reasons), None)
        if shut is not None:
            self._deny(claimed, shut)
        else:
            self._dispatcher.put(ToAttempt(claimed.attempt_id, happened.Go(digits)))
        return shut

    def _deny(self, claimed: Claimed, reason: str) -> None:
        self._dispatcher.put(ToAttempt(claimed.attempt_id, happened.Denied(reason)))

    def _heed(
        self,
        campaign: Campaign,
        claimed: Sequence[Claimed],
        answers: Sequence[IntentAnswer],
        now: Moment,
    ) -> dict[AttemptId, str]:
        """What the ledger refused, and why: back with it, or postponed."""
        by_id = {one.attempt_id: one for one in claimed}
        refused: dict[AttemptId, str] = {}
        later: list[tuple[ContactId, str, datetime]] = []
        for answer in answers:
            # Committed without digits: the number could not be decrypted (its reason says so).
            reason = "committed" if answer.digits is not None else str(answer.reason)
            self._meter.count("dialer_intents_total", campaign=campaign.name, answer=reason)
            one = by_id[answer.attempt_id]
            if answer.committed and answer.digits is not None:
                shut = self._go(one, answer.digits)
                if shut is not None:
                    refused[one.attempt_id] = shut
                continue
            self._deny(one, reason)
            refused[one.attempt_id] = reason
            if reason == Reason.NUMBER_LIMIT:
                self._spent[one.number, one.number_day] = now.mono_s + SPENT_S
            elif reason in (Reason.BUDGET_CALLS, Reason.BUDGET_MONEY, Reason.PERSISTENCE):
                self._limit_reached(campaign.name, Reason(reason))
            elif reason == Reason.HALTED:
                self._gate.shut(Reason.HALTED, "said by the ledger")
            elif reason not in REQUEUED:
                until = answer.until or now.wall + timedelta(seconds=AGAIN_S)
                later.append((one.entry.contact_id, reason, until))
        if later:
            self._ledger.postpone(campaign.name, later)
        return refused
