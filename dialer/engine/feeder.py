"""Keeps the hopper filled with the head of each campaign's queue.

The ledger says who is due (set-wise rules), the core has the last look (`permission.decide`)
and says until when each entry may be called; what may not be called now is postponed with its
reason and keeps its place. The hopper is bounded: it holds minutes of work, not the list. A hot
lead wakes the feeder at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import gevent
import structlog
from gevent.event import Event as Signal

from dialer.core.model import Campaign, CampaignName, ContactId, Entry, Moment
from dialer.core.permission.decide import Denied, within_hours
from dialer.errors import StoreError
from dialer.ports import Clock, Due, Hopper, Ledger, Meter

log = structlog.get_logger(__name__)

#: Entries held ready per campaign; refilled when half of them are gone.
FULL = 1_000
#: Looks at the ledger when nothing wakes it.
TICK_S = 1.0
#: A well-filled hopper is brought up to date so often: ranks that depend on time, promised
#: calls that became due, closed windows.
REFRESH_S = 15.0
#: A contact without a known next time is looked at again after so long.
AGAIN_S = 900.0
#: Between two tries to listen for new leads.
DEAF_S = 1.0


class Feeder:
    """One greenlet for all campaigns."""

    def __init__(
        self,
        ledger: Ledger,
        hopper: Hopper,
        clock: Clock,
        meter: Meter,
        *,
        campaigns: Callable[[], Mapping[CampaignName, Campaign]],
        holidays: Callable[[Campaign], frozenset[date]],
        open_for_work: Callable[[], bool],
        fed: Callable[[CampaignName], None],
    ) -> None:
        self._ledger = ledger
        self._hopper = hopper
        self._clock = clock
        self._meter = meter
        self._campaigns = campaigns
        self._holidays = holidays
        self._open = open_for_work
        self._fed = fed
        self._signal = Signal()
        self._urgent = False
        self._quiet_until_s: dict[CampaignName, float] = {}
        self._stale_from_s: dict[CampaignName, float] = {}
        self._fed_for: dict[CampaignName, Campaign] = {}

    def wake(self) -> None:
        """Somebody became due: look at once, even where the hopper is well filled."""
        self._urgent = True
        self._signal.set()

    def nudge(self) -> None:
        """The pacer found a hopper empty: look at the next chance."""
        self._signal.set()

    def run(self) -> None:
        while True:
            self._signal.clear()
            if self._open() and not self.feed_all():
                gevent.sleep(TICK_S)
            self._signal.wait(TICK_S)

    def listen(self) -> None:
        """A greenlet of its own: new leads are told by the ledger."""
        deaf = False
        while True:
            try:
                # After a gap: listen first, then look, so that nobody falls between.
                if self._ledger.wait_for_work(0.1 if deaf else 30.0) or deaf:
                    self.wake()
                deaf = False
            except StoreError as error:
                deaf = True
                log.warning("not woken by new leads for now", error=str(error))
                gevent.sleep(DEAF_S)

    def feed_all(self) -> bool:
        """Every active campaign; False if one could not be fed. Who became due stays urgent
        until all have been.
        """
        urgent, self._urgent = self._urgent, False
        failed = False
        for campaign in list(self._campaigns().values()):
            try:
                if campaign.active:
                    self.feed(campaign, urgent=urgent)
                elif self._fed_for.get(campaign.name) != campaign:
                    self._empty(campaign)
            except StoreError as error:
                failed = True
                self._meter.count("dialer_store_errors_total", store=error.store)
                log.warning("feeding waits", campaign=campaign.name, error=str(error))
        self._urgent = self._urgent or (urgent and failed)
        return not failed

    def feed(self, campaign: Campaign, *, urgent: bool = False) -> int:
        """Fill this campaign's hopper; how many entries were offered."""
        now = self._clock.now()
        if self._fed_for.get(campaign.name) != campaign:
            self._empty(campaign)
        size = self._hopper.size(campaign.name)
        self._meter.gauge("dialer_hopper_entries", size, campaign=campaign.name)
        if not urgent and self._has_enough(campaign.name, size, now):
            return 0
        due = self._ledger.due(campaign, now.wall, FULL)
        entries, postponed = self._look(campaign, due, now)
        if postponed:
            self._ledger.postpone(campaign.name, postponed)
            for reason, times in Counter(reason for _, reason, _ in postponed).items():
                self._meter.count(
                    "dialer_postponed_total", times, campaign=campaign.name, reason=reason
                )
        if entries:
            self._offer(campaign.name, entries)
            self._meter.count("dialer_offered_total", len(entries), campaign=campaign.name)
            self._fed(campaign.name)
        # After the offer: whoever waits for a call does not wait for the others' scores.
        self._ledger.rescore(campaign, now.wall)
        self._stale_from_s[campaign.name] = now.mono_s + REFRESH_S
        # What is in the hopper stays due until it is claimed: where the head has not more to
        # give, the ledger need not be asked again at once. What was held made room for those
        # behind.
        if len(due) < FULL or len(entries) == FULL:
            self._quiet_until_s[campaign.name] = now.mono_s + TICK_S * 0.9
        else:
            self._signal.set()
        return len(entries)

    def _empty(self, campaign: Campaign) -> None:
        """What was queued under another configuration (or before our start) has its hours and
        its order; the ledger gives it again.
        """
        self._hopper.clear(campaign.name)
        self._fed_for[campaign.name] = campaign
        self._stale_from_s.pop(campaign.name, None)
        self._quiet_until_s.pop(campaign.name, None)

    def _has_enough(self, campaign: CampaignName, size: int, now: Moment) -> bool:
        if self._quiet_until_s.get(campaign, 0.0) > now.mono_s:
            return True
        return size > FULL // 2 and self._stale_from_s.get(campaign, 0.0) > now.mono_s

    def _offer(self, campaign: CampaignName, entries: Sequence[Entry]) -> None:
        """Those that fell out of the head since they were queued must go: they would stand
        there with ranks of yesterday, and the hopper would grow.
        """
        self._hopper.offer(campaign, entries)
        if self._hopper.size(campaign) > FULL:
            self._hopper.clear(campaign)
            self._hopper.offer(campaign, entries)

    def _look(
        self, campaign: Campaign, due: Sequence[Due], now: Moment
    ) -> tuple[list[Entry], list[tuple[ContactId, str, datetime]]]:
        """The core's last look: (entries that may be called now, those to postpone and why)."""
        entries: list[Entry] = []
        postponed: list[tuple[ContactId, str, datetime]] = []
        later = now.wall + timedelta(seconds=AGAIN_S)
        holidays = self._holidays(campaign)
        for one in due:
            if one.held is not None:
                postponed.append((one.entry.contact_id, one.held, one.held_until or later))
                continue
            hours = within_hours(
                one.entry, campaign, one.windows, now.wall, holidays, segment=one.segment
            )
            if isinstance(hours, Denied):
                postponed.append((one.entry.contact_id, hours.why.value, hours.until or later))
                continue
            until = None if hours.until is None else hours.until.timestamp()
            entries.append(replace(one.entry, callable_until=until))
        return entries, postponed
