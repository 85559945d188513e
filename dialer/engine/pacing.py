"""Pacing as one part of the daemon: its pieces joined, its slow work done beside the pacer.

The pacer decides several times a second; once a second this writes the diary, and once a minute
what has been learned, each with its own failures: neither holds up a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

import gevent
import structlog

from dialer.core.model import Campaign, CampaignName, GroupName, InstanceName, Moment
from dialer.core.pacing.certificate import said
from dialer.core.pacing.observation import Decision, Team
from dialer.engine.calls import Calls
from dialer.engine.campaign_limits import CampaignLimits
from dialer.engine.cap_keeper import CapKeeper
from dialer.engine.dispatcher import Dispatcher
from dialer.engine.gate import Gate
from dialer.engine.launch import Launcher
from dialer.engine.lines import Lines
from dialer.engine.outbox import Outbox
from dialer.engine.pacer import Pacer
from dialer.engine.pacing_books import PacingBooks
from dialer.engine.pacing_guard import PacingGuard
from dialer.engine.pacing_memory import PacingMemory
from dialer.engine.plan import Ports
from dialer.engine.preview import Preview
from dialer.engine.tally import AnswerTally
from dialer.engine.team import Lookout
from dialer.errors import StoreError
from dialer.ports import Decided

log = structlog.get_logger(__name__)

TICK_S = 1.0
SAVE_S = 60.0


class Pacing:
    """`books` is made first: the dispatcher needs it."""

    def __init__(
        self,
        calls: Calls,
        dispatcher: Dispatcher,
        ports: Ports,
        books: PacingBooks,
        outbox: Outbox,
        lines: Lines,
        gate: Gate,
        tally: AnswerTally,
        *,
        instance: InstanceName,
        holidays: Callable[[Campaign], frozenset[date]],
        errand: Callable[..., None],
        hungry: Callable[[], None],
        unrecordable: Callable[[Campaign], bool],
    ) -> None:
        clock, meter = ports.clock, ports.meter
        self._calls = calls
        self._ports = ports
        self._books = books
        self.caps = CapKeeper(
            calls, ports.ledger, books, instance=instance, unwritten=outbox.unwritten
        )
        self.memory = PacingMemory(calls, ports.ledger, books, instance=instance)
        self.limits = CampaignLimits(calls, lines, ports.ledger, clock, meter)
        self.launcher = Launcher(
            calls,
            dispatcher,
            (ports.hopper, ports.ledger),
            lines,
            gate,
            books,
            clock,
            meter,
            instance=instance,
            holidays=holidays,
            errand=errand,
            hungry=hungry,
            limit_reached=self.limits.reached,
        )
        self.lookout = Lookout(
            calls,
            lines,
            gate,
            tally,
            books,
            self.caps,
            self.launcher,
            self.limits,
            unrecordable=unrecordable,
        )
        self.preview = Preview(
            calls,
            dispatcher,
            self.launcher,
            ports.ledger,
            lines,
            gate,
            clock,
            meter,
            unrecordable=unrecordable,
        )
        self.guard = PacingGuard(meter)
        self.pacer = Pacer(
            calls,
            dispatcher,
            self.lookout,
            self.launcher,
            self.preview,
            self.guard,
            clock,
            meter,
            noted=self._note,
        )
        self._instance = instance
        self._saved_at_s = clock.now().mono_s

    # ------------------------------------------------------------------ beside the pacer

    def run(self) -> None:
        """What was noted and learned goes to its places."""
        while True:
            now = self._ports.clock.now()
            self.keep(now)
            self.measure()
            gevent.sleep(TICK_S)

    def keep(self, now: Moment) -> None:
        try:
            self._ports.diary.write(now.wall)
            if now.mono_s - self._saved_at_s >= SAVE_S:
                self._saved_at_s = now.mono_s
                self.memory.save(now)
        except StoreError as error:
            self._ports.meter.count("dialer_store_errors_total", store=error.store)
            log.warning("pacing is not kept for now", error=str(error))

    def stop(self, now: Moment) -> None:
        """The last of the diary and of what was learned; our slices are the others' again."""
        self.measure()
        last_words: tuple[Callable[[], None], ...] = (
            partial(self._ports.diary.write, now.wall),
            partial(self.memory.save, now),
            partial(self._ports.ledger.return_slices, self._instance),
        )
        for say in last_words:
            try:
                say()
            except StoreError as error:
                log.warning("pacing is not kept at the end", error=str(error))

    def _note(
        self,
        group: GroupName,
        team: Team,
        decisions: Mapping[CampaignName, Decision],
        now: Moment,
    ) -> None:
        laws = {}
        for name, (_, seen) in team.campaigns.items():
            page = self._books.known(CampaignName(name))
            if seen.outlook is not None and page is not None and page.law is not None:
                laws[name] = (page.law.number, page.law.source)
        self._ports.diary.note(
            Decided(at=now.wall, group=group, team=team, laws=laws, decisions=decisions)
        )

    # ------------------------------------------------------------------ seen

    def seen(self, name: CampaignName) -> dict[str, Any]:
        """Of one campaign, for the status and the live view."""
        decision = self.pacer.decisions.get(name)
        abandoned, answered = self.caps.abandonment(name)
        told: dict[str, Any] = {
            "why": self.pacer.why(name),
            "binding": decision.why.binding.value if decision else "",
            "held_back": dict(self.launcher.held_back.get(name, {})),
            "abandoned": abandoned,
            "answered": answered,
            "limits": self.limits.seen(name),
        }
        window = self.caps.windows.get(name)
        if window is not None:
            told["window_until"] = window.until.isoformat()
            told["certificate"] = said(window.certificate)
        outlook = decision.why.observation.outlook if decision else None
        if outlook is not None:
            told["price"] = round(outlook.theta, 5)
            told["price_set_by"] = outlook.set_by.value
            told["answer_rate"] = round(outlook.rate, 4)
            told["budget_left"] = round(outlook.budget_left or 0.0, 2)
        page = self._books.known(name)
        if page is not None:
            told["abandoned_predicted"] = round(page.predicted, 2)
            told["abandoned_real"] = page.abandoned
            by_gateway = page.tracker.answers.by_carrier()
            if len(by_gateway) > 1:
                told["answer_rate_by_gateway"] = {
                    way: round(rate, 4) for way, rate in by_gateway.items()
                }
        return told

    def measure(self) -> None:
        """The gauges of each campaign."""
        meter = self._ports.meter
        for campaign in self._calls.campaigns.values():
            name, words = campaign.name, {"campaign": campaign.name}
            window, page = self.caps.windows.get(name), self._books.known(name)
            decision = self.pacer.decisions.get(name)
            if window is not None:
                bound = window.certificate.bound
                meter.gauge("dialer_pacing_abandonment_bound_ratio", bound, **words)
            if page is not None:
                meter.gauge("dialer_pacing_abandoned_predicted", page.predicted, **words)
                meter.gauge("dialer_pacing_abandoned_real", page.abandoned, **words)
            outlook = decision.why.observation.outlook if decision else None
            if outlook is not None:
                meter.gauge("dialer_pacing_price_ratio", outlook.theta, **words)
                meter.gauge("dialer_pacing_answer_rate_ratio", outlook.rate, **words)
                left = outlook.budget_left or 0.0
                meter.gauge("dialer_pacing_budget_left_drops", left, **words)
            distrusted = campaign.group in self.guard.distrusted
            meter.gauge("dialer_pacing_distrusted", float(distrusted), **words)
