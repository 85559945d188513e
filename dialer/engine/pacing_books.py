"""What pacing knows of each campaign, fed by the dispatcher in its turn: one `Tracker` each.

The dispatcher tells every change of an attempt or an operator, the performer every result; the
pacer asks for the outlook. What the core refuses here never stops the dispatcher: that
campaign's estimates are dropped, it is dialed progressively for a while and learns afresh.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from dialer.core.calls.attempt_value import Attempt, AttemptState
from dialer.core.calls.operator_value import Operator, OperatorState
from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    Claimed,
    Disposition,
    EarlyHangUps,
    GroupName,
    Moment,
    OperatorId,
    Outcome,
)
from dialer.core.pacing.cancelling import PostDialDelays, RingingCall, may_give_up
from dialer.core.pacing.cap_ledger import Counts
from dialer.core.pacing.law_source import LawSource
from dialer.core.pacing.outlook import Law, Outlook
from dialer.core.pacing.tracker import Tracker
from dialer.engine.calls import Calls
from dialer.engine.cap_window import rule_of
from dialer.ports import Meter

log = structlog.get_logger(__name__)

#: What a defect of the estimates can raise.
DEFECTS = (ArithmeticError, LookupError, ValueError, TypeError, AttributeError)
#: After one the campaign is dialed progressively for so long.
DISTRUST_S = 30.0
#: Attempts whose drop has been counted already: as long as calls live.
REMEMBERED = 20_000
#: An operator's share between his groups is that of about so many calls.
CALLS_REMEMBERED = 60


@dataclass(slots=True, kw_only=True)
class Talked:
    """What an operator did last, so that his wrap-up and his share are told apart."""

    campaign: CampaignName | None = None
    talk_s: float = 0.0
    groups: Counter[GroupName] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeLaw:
    """The present law, its number (never used twice) and what it was made of."""

    law: Law
    number: int
    source: LawSource


@dataclass(slots=True, kw_only=True)
class Page:
    """One campaign. `predicted`, `abandoned`: risks of its answered calls summed, and real
    drops, since the daemon began.
    """

    tracker: Tracker
    distrusted_until_s: float = 0.0
    predicted: float = 0.0
    abandoned: int = 0
    law: MadeLaw | None = None
    dropped: dict[AttemptId, None] = field(default_factory=dict)
    risks: dict[AttemptId, float] = field(default_factory=dict)


class PacingBooks:
    """Written inside the dispatcher's turn only."""

    def __init__(self, calls: Calls, meter: Meter) -> None:
        self._calls = calls
        self._meter = meter
        self._pages: dict[CampaignName, Page] = {}
        self._last: dict[OperatorId, Talked] = {}
        self._laws = 0
        #: Calls whose contact was rung and given up today: not a second time.
        self.spared: set[AttemptId] = set()
        self._delays = PostDialDelays()
        #: Told of each answer and what it turns out to be, for the cap's window.
        self.on_count: Callable[[CampaignName, Counts], None] = lambda name, counts: None

    # ------------------------------------------------------------------ pages

    def page(self, campaign: Campaign, now: Moment) -> Page:
        page = self._pages.get(campaign.name)
        if page is None:
            page = self._pages[campaign.name] = Page(tracker=_fresh(campaign, now))
        return page

    def known(self, name: CampaignName) -> Page | None:
        return self._pages.get(name)

    @property
    def pages(self) -> dict[CampaignName, Page]:
        return dict(self._pages)

    def restore(self, campaign: Campaign, tracker: Tracker) -> None:
        """What an earlier life has learned; only before the first call."""
        self._pages[campaign.name] = Page(tracker=tracker)

    def forget(self, campaign: Campaign, now: Moment, why: str) -> None:
        """The estimates of this campaign are worth nothing: begin afresh, carefully."""
        log.error("pacing estimates dropped", campaign=campaign.name, why=why)
        self._meter.count("dialer_pacing_fallbacks_total", campaign=campaign.name, why="defect")
        page = self._pages[campaign.name]
        page.tracker = _fresh(campaign, now)
        page.law = None
        page.distrusted_until_s = now.mono_s + DISTRUST_S
        for one in self._calls.attempts.values():
            if one.claimed.entry.campaign == campaign.name and one.answered_at is None:
                way = [one.claimed.gateway]
                page.tracker.launched([one.claimed.attempt_id], [0.0], now.mono_s, way)

    @contextmanager
    def _safely(self, name: CampaignName, now: Moment) -> Iterator[Page | None]:
        """The page, if there is one; a defect drops its estimates."""
        campaign = self._calls.campaigns.get(name)
        if campaign is None:
            yield None
            return
        try:
            yield self.page(campaign, now)
        except DEFECTS as error:
            log.warning("pacing estimates failed", campaign=name, exc_info=error)
            self.forget(campaign, now, type(error).__name__)

    def _keep_law(self, page: Page, law: Law) -> None:
        """In the very turn in which it was made, so that its source is still what it was."""
        if page.law is None or page.law.law is not law:
            self._laws += 1
            source = LawSource.of(page.tracker, law)
            page.law = MadeLaw(law=law, number=self._laws, source=source)

    def is_distrusted(self, campaign: Campaign, now: Moment) -> bool:
        page = self._pages.get(campaign.name)
        return page is not None and now.mono_s < page.distrusted_until_s

    def outlook(self, campaign: Campaign, now: Moment, **seen: Any) -> Outlook | None:
        """What the tracker makes of the moment (`Tracker.outlook`); None after a defect."""
        with self._safely(campaign.name, now) as page:
            if page is not None:
                page.tracker.counted_from_s = seen.pop("began_s")
                outlook: Outlook = page.tracker.outlook(now.mono_s, **seen)
                self._keep_law(page, outlook.law)
                return outlook
        return None

    # ------------------------------------------------------------------ attempts

    def launched(
        self,
        campaign: Campaign,
        claimed: Sequence[Claimed],
        risks: Sequence[float],
        now: Moment,
    ) -> None:
        """Claimed: from here on they may be answered."""
        ids = [one.attempt_id for one in claimed]
        with self._safely(campaign.name, now) as page:
            if page is not None:
                ways = [one.gateway for one in claimed]
                page.tracker.launched(ids, risks, now.mono_s, ways)
                page.risks.update(zip(ids, risks, strict=True))

    def attempt_moved(self, before: Attempt, after: Attempt, now: Moment) -> None:
        """Called for each change, whatever it is; what says nothing new changes nothing."""
        name, key = after.claimed.entry.campaign, after.claimed.attempt_id
        with self._safely(name, now) as page:
            if page is None:
                return
            if before.answered_at is None and after.answered_at is not None:
                page.predicted += page.risks.pop(key, 0.0)
                self.spared.discard(key)
                page.tracker.answered(key, now.mono_s)
                self.on_count(name, Counts(pending=1))
            elif after.answered_at is None and after.state is not before.state:
                self._unanswered(page, before, after, now)
            if before.rang_at is None and after.rang_at is not None:
                self._rang(after)
            if before.message_at is None and after.message_at is not None:
                self._drop(page, name, key, now)

    def _unanswered(self, page: Page, before: Attempt, after: Attempt, now: Moment) -> None:
        key = after.claimed.attempt_id
        if after.state is AttemptState.ADRIFT:
            # Out of sight: it says nothing of answering, and counts again when it is found.
            page.tracker.ended(key, now.mono_s, cancelled=True)
        elif before.state is AttemptState.ADRIFT and after.state is not AttemptState.ENDED:
            dialed_at = after.dialed_at or after.claimed_at
            risk, way = page.risks.get(key, 0.0), after.claimed.gateway
            page.tracker.launched([key], [risk], dialed_at.mono_s, [way])
        elif after.state is AttemptState.ENDED:
            page.risks.pop(key, None)
            self.spared.discard(key)
            ours = after.stop_reason is not None or after.dialed_at is None
            page.tracker.ended(key, now.mono_s, cancelled=ours)

    def _rang(self, attempt: Attempt) -> None:
        if attempt.rang_at is not None and attempt.dialed_at is not None and not attempt.blind:
            delay_s = attempt.rang_at.mono_s - attempt.dialed_at.mono_s
            self._delays.rang(attempt.claimed.gateway, delay_s)

    def may_give_up(self, attempt: Attempt, now: Moment) -> bool:
        """Law and manners allow it; whether it is worth it, the decision says."""
        if attempt.state not in _RINGING or attempt.stop_reason is not None:
            return False
        call = RingingCall(
            launched_s=(attempt.dialed_at or attempt.claimed_at).mono_s,
            rang_s=None if attempt.rang_at is None else attempt.rang_at.mono_s,
            gateway=attempt.claimed.gateway,
            cancelled_today=attempt.claimed.attempt_id in self.spared,
        )
        return may_give_up(call, self._delays, now.mono_s)

    def settled(self, result: Outcome, now: Moment) -> None:
        """The one result: a drop that was not seen as one before it."""
        if result.answered_at is None:
            return
        campaign = self._calls.campaigns[result.campaign]
        disposition = result.verdict.disposition
        strict = campaign.abandonment.early_hang_ups is EarlyHangUps.ABANDONED
        lost = disposition is Disposition.LOST and result.bridged_at is None
        early = disposition is Disposition.SHORT_HANGUP and strict
        with self._safely(result.campaign, now) as page:
            if page is not None and (disposition is Disposition.ABANDONED or lost or early):
                self._drop(page, result.campaign, result.attempt_id, now)

    def _drop(self, page: Page, name: CampaignName, key: AttemptId, now: Moment) -> None:
        if key in page.dropped:
            return
        page.dropped[key] = None
        if len(page.dropped) > REMEMBERED:
            del page.dropped[next(iter(page.dropped))]
        page.abandoned += 1
        page.tracker.abandoned(now.mono_s)
        self.on_count(name, Counts(pending=-1, abandoned=1))

    def machine(self, attempt: AttemptId, now: Moment) -> None:
        """An operator says that this answered call was a machine."""
        one = self._calls.find_attempt(attempt)
        if one is None or one.answered_at is None:
            return
        with self._safely(one.claimed.entry.campaign, now) as page:
            if page is not None:
                page.tracker.machine(now.mono_s)
                self.on_count(one.claimed.entry.campaign, Counts(pending=-1, machine=1))

    # ------------------------------------------------------------------ operators

    def operator_moved(self, before: Operator, after: Operator, now: Moment) -> None:
        """Talks and wrap-ups, as they begin and end."""
        if before.state is after.state:
            return
        last = self._last.setdefault(after.id, Talked())
        if after.state is OperatorState.TALKING:
            last.campaign, last.talk_s = self._campaign_of(after), 0.0
            self._had_call(last)
        if last.campaign is None:
            return
        with self._safely(last.campaign, now) as page:
            if page is None:
                return
            if after.state is OperatorState.TALKING:
                page.tracker.talk_began(after.id, now.mono_s)
            if before.state is OperatorState.TALKING:
                talk_s = page.tracker.talk_ended(after.id, now.mono_s)
                last.talk_s = talk_s or now.mono_s - before.since.mono_s
            if before.state is OperatorState.WRAPUP and after.state in _WRAPPED_UP:
                wrapup_s = max(0.0, now.mono_s - before.since.mono_s)
                page.tracker.wrapup_ended(wrapup_s, talk_s=last.talk_s)

    def _campaign_of(self, operator: Operator) -> CampaignName | None:
        attempt = self._calls.find_attempt(operator.attempt)
        return None if attempt is None else attempt.claimed.entry.campaign

    def _had_call(self, last: Talked) -> None:
        campaign = self._calls.campaigns.get(last.campaign or CampaignName(""))
        if campaign is None:
            return
        last.groups[campaign.group] += 1
        if last.groups.total() > CALLS_REMEMBERED:
            for group in last.groups:
                last.groups[group] //= 2

    def share_of(
        self, operator: OperatorId, group: GroupName, groups: Sequence[GroupName]
    ) -> float:
        """The part of his last calls that were this group's; evenly parted at first."""
        had = self.last_of(operator).groups
        return (had[group] + 1) / (sum(had[one] for one in groups) + len(groups))

    def last_of(self, operator: OperatorId) -> Talked:
        """Whose call he had last, and how long he talked."""
        last = self._last.get(operator)
        return Talked() if last is None else last


_RINGING = (AttemptState.DIALING, AttemptState.RINGING)
_WRAPPED_UP = frozenset({OperatorState.READY, OperatorState.PAUSED, OperatorState.OFFLINE})


def _fresh(campaign: Campaign, now: Moment) -> Tracker:
    return Tracker(
        rule=rule_of(campaign),
        ring_timeout_s=campaign.ring_timeout_s,
        now_s=now.mono_s,
    )
