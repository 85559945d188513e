"""The daemon: every greenlet and the order in which they live.

Start forwards: ledger, hopper, switch, what is open is resolved, then dialing. Stop backwards:
no new calls, the calls on the line are seen to their end, the outbox is emptied, then the links
close. Operators' legs stay parked on the switch: a successor adopts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import gevent
import structlog
from gevent.event import Event as Signal
from gevent.lock import Semaphore

from dialer.core.model import Campaign, GatewayName, InstanceName, OperatorId
from dialer.core.permission.reasons import Reason
from dialer.engine.calls import Calls
from dialer.engine.control import Control
from dialer.engine.dispatcher import Dispatcher
from dialer.engine.feeder import Feeder
from dialer.engine.gate import Gate
from dialer.engine.holidays import missing_holidays
from dialer.engine.leases import Leases
from dialer.engine.lines import Lines
from dialer.engine.name import Name
from dialer.engine.outbox import Outbox
from dialer.engine.pacing import Pacing
from dialer.engine.pacing_books import PacingBooks
from dialer.engine.performer import Performer
from dialer.engine.plan import Plan, Ports
from dialer.engine.reaper import Reaper
from dialer.engine.recorder import Recorder
from dialer.engine.retention_run import RetentionRun
from dialer.engine.status import Status
from dialer.engine.stores import StoreWatch
from dialer.engine.supervision import Notifier, Nursery
from dialer.engine.supervisors import Supervisors
from dialer.engine.surroundings import Surroundings
from dialer.engine.tally import AnswerTally
from dialer.engine.word_keeper import WordKeeper
from dialer.errors import ConfigError, StoreError
from dialer.ports import SwitchEvent

__all__ = ["Daemon", "Plan", "Ports"]

log = structlog.get_logger(__name__)

#: How long the results of an untimely end may take into the books.
LAST_WORDS_S = 2.0


class Daemon:
    """Owns live state and greenlets; `run` returns when the daemon has stopped."""

    def __init__(
        self,
        instance: InstanceName,
        ports: Ports,
        plan: Plan,
        *,
        load: Callable[[], Plan],
        holidays: Callable[[Campaign], frozenset[date]],
        notifier: Notifier,
        strict: bool = False,
    ) -> None:
        self._instance = instance
        self._ports = ports
        self._plan = plan
        self._load = load
        self._notifier = notifier
        self._strict = strict
        self._phase = "starting"
        self._stopping = Signal()
        self._reload_asked = Signal()
        self._reloading = Semaphore()
        self._hurry = False
        self._build(holidays)

    def _build(self, holidays: Callable[[Campaign], frozenset[date]]) -> None:
        """Forwards: each part gets those that stand already, later ones by a callable."""
        self._build_state()
        self._build_heart()
        self._build_walk(holidays)
        self._build_repair()
        self._build_desk()

    def _build_state(self) -> None:
        """What is known: live calls, lines, what is on its way to the stores."""
        ports, plan = self._ports, self._plan
        self.gate = Gate()
        self.gate.shut(Reason.SWITCH_BLIND, "not connected yet")
        self.nursery = Nursery()
        self.calls = Calls()
        self.calls.configure(plan.campaigns, plan.groups, plan.operators)
        self.lines = Lines(
            plan.gateways,
            plan.numbers,
            switch_calls_per_s=plan.switch_calls_per_s,
            switch_calls_at_once=plan.switch_calls_at_once,
        )
        self.tally = AnswerTally()
        self.books = PacingBooks(self.calls, ports.meter)
        self.words = WordKeeper(
            ports.journal, ports.ledger, self.gate, ports.clock, ports.meter
        )
        self.name = Name(self._instance, ports.ledger, self.gate, self._notifier)
        self.outbox = Outbox(
            ports.ledger,
            ports.hopper,
            self._instance,
            ports.clock,
            ports.meter,
            price=self.lines.price,
            opt_out_is_written=lambda attempt: self.performer.opt_out_is_written(attempt),
        )

    def _build_heart(self) -> None:
        """The single writer, and who carries out what it orders."""
        ports, meter = self._ports, self._ports.meter
        self.recorder = Recorder(
            self.calls,
            ports.switch,
            ports.ledger,
            ports.recordings,
            ports.clock,
            meter,
            instance=self._instance,
            place=self._plan.recordings,
        )
        self.supervisors = Supervisors(
            self.calls,
            ports.switch,
            ports.ledger,
            ports.clock,
            meter,
            instance=self._instance,
        )
        self.performer = Performer(
            self.calls,
            ports.switch,
            self.outbox,
            self.nursery,
            meter,
            recorder=self.recorder,
            lines=self.lines,
            tally=self.tally,
            settled=self.books.settled,
        )
        self.dispatcher = Dispatcher(
            self.calls,
            ports.clock,
            meter,
            perform=self.performer.perform,
            changed=lambda: self.pacer.wake(),
            alive=self._notifier.alive,
            operator_moved=self.outbox.operator_moved,
            books=self.books,
            strict=self._strict,
        )
        self.performer.connect(self.dispatcher)

    def _build_walk(self, holidays: Callable[[Campaign], frozenset[date]]) -> None:
        """From the ledger to the hopper, from the hopper to the line."""
        ports, clock, meter = self._ports, self._ports.clock, self._ports.meter
        self.feeder = Feeder(
            ports.ledger,
            ports.hopper,
            clock,
            meter,
            campaigns=lambda: self.calls.campaigns,
            holidays=holidays,
            open_for_work=self._may_feed,
            fed=lambda campaign: self.pacer.fed(campaign),
        )
        self.pacing = Pacing(
            self.calls,
            self.dispatcher,
            ports,
            self.books,
            self.outbox,
            self.lines,
            self.gate,
            self.tally,
            instance=self._instance,
            holidays=holidays,
            errand=self.nursery.errand,
            hungry=self.feeder.nudge,
            unrecordable=self.recorder.stops,
        )
        self.pacer = self.pacing.pacer

    def _build_repair(self) -> None:
        """Who compares what we believe with the switch and the stores."""
        ports, instance = self._ports, self._instance
        clock, meter, stores = ports.clock, ports.meter, (ports.hopper, ports.ledger)
        self.reaper = Reaper(
            self.calls,
            self.dispatcher,
            ports.switch,
            ports.ledger,
            self.gate,
            clock,
            meter,
            instance=instance,
            remembered=self._remembered,
            opted_out=self.outbox.opt_out,
            supervisors_seen=self.supervisors.seen,
            gateway_seen=lambda name, up: self.lines.gateway_state(name, up, clock.now()),
        )
        self.store_watch = StoreWatch(
            self.calls,
            stores,
            self.gate,
            clock,
            meter,
            instance=instance,
            caps=self.pacing.caps.refresh,
            refill=self.feeder.wake,
            halted=lambda: self.control.cancel_all(),
            boxes=(self.outbox.to_ledger, self.outbox.to_hopper),
            switch_clock_offset_s=lambda: ports.switch.health().get("clock_offset_s"),
        )
        self.leases = Leases(
            self.calls,
            self.dispatcher,
            ports.switch,
            stores,
            ports.presence,
            clock,
            meter,
            instance=instance,
            withdraw=self.outbox.withdraw,
        )

    def _build_desk(self) -> None:
        """What people ask and see."""
        ports, instance = self._ports, self._instance
        clock, meter, stores = ports.clock, ports.meter, (ports.hopper, ports.ledger)
        self.control = Control(
            self.calls,
            self.dispatcher,
            ports.presence,
            stores,
            self.gate,
            clock,
            meter,
            instance=instance,
            reload=self._reload,
            hot=self.feeder.wake,
            errand=self.nursery.errand,
            machine=self.books.machine,
            mask=self.recorder.mask,
            supervise=self.supervisors.supervise,
            preview=self.pacing.preview,
            prune=self.recorder.prune,
        )
        self.retention = RetentionRun(
            lambda: self._plan, ports.ledger, clock, meter, instance=instance
        )
        self.surroundings = Surroundings(
            self.calls,
            self.lines,
            ports.switch,
            ports.ledger,
            clock,
            meter,
            phone_stopped=self.control.stop_phone,
            others=(
                self.pacing.limits.troubles,
                self.retention.troubles,
                self.words.troubles,
                lambda: missing_holidays(self.calls, self._plan, clock.now().wall.date()),
            ),
        )
        self.status = Status(
            self.calls,
            ports.switch,
            ports.hopper,
            ports.presence,
            self.lines,
            self.gate,
            self.pacing,
            self.outbox,
            clock,
            meter,
            instance=instance,
            phase=lambda: self._phase,
            recordings=self.recorder.status,
            supervisions=self.supervisors.status,
            troubles=self.surroundings.troubles,
            tell=self._notifier.status,
        )

    # ------------------------------------------------------------------ life

    def run(self) -> None:
        """Until `stop`; raises what a greenlet died of, or StoreError before the first call."""
        self._ports.ledger.open()
        if not self.name.wait(self._stopping, self.status.show_waiting):
            self._ports.ledger.close()
            return
        try:
            self._start()
            self._phase = "running"
            self._notifier.ready("dialing")
            self.nursery.wait(self._stopping)
            self._drain()
        finally:
            self._phase = "stopped"
            self._ports.switch.stop()
            # If a greenlet died: what has ended should still be in the books.
            self.outbox.wait_empty(LAST_WORDS_S)
            self.nursery.stop()
            self.pacing.stop(self._ports.clock.now())
            if self.name.ours:  # else it is our successor who is seen
                self._forget()
            self._ports.ledger.close()

    def stop(self) -> None:
        """Begin the drain (a signal handler may call it); a second call ends the drain."""
        if self._stopping.is_set():
            self._hurry = True
        self._stopping.set()

    def _start(self) -> None:
        now = self._ports.clock.now()
        ledger = self._ports.ledger
        # Before anything may be dialed: has the base forgotten what people said?
        self.words.start(now)
        ledger.save_numbers(self._plan.numbers)
        ledger.save_campaigns(list(self._plan.campaigns.values()), now.wall)
        start = self.nursery.start
        start("dispatcher", self.dispatcher.run)
        start("outbox to postgresql", self.outbox.to_ledger.run)
        start("outbox to redis", self.outbox.to_hopper.run)
        # What is open in our name becomes live before anything is claimed or fed.
        self.reaper.adopt_open()
        self.pacing.memory.restore(now)
        self.pacing.limits.look(now)
        self.recorder.adopt()
        start("recorder", self.recorder.run)
        start("supervisors", self.supervisors.run)
        self.store_watch.look(now)
        start("store watch", self.store_watch.run)
        start("name", self.name.run)
        start("reaper", self.reaper.run)
        start("leases", self.leases.run)
        self._ports.switch.start(self._inbox)
        start("feeder", self.feeder.run)
        start("work", self.feeder.listen)
        start("control", self.control.run)
        start("surroundings", self.surroundings.run)
        start("status", self.status.run)
        start("pacer", self.pacer.run)
        start("pacing", self.pacing.run)
        start("limits", self.pacing.limits.run)
        start("retention", self.retention.run)
        start("words", self.words.run)
        start("reload", self._reload_when_asked)

    def _drain(self) -> None:
        """No talk is cut, no answered call is left without an end (R10.1)."""
        self._phase = "draining"
        self._notifier.stopping("draining")
        self.gate.shut(Reason.PAUSED, "the daemon is draining")
        self.pacing.preview.withdraw_all()
        log.info("draining", calls=len(self.calls.attempts))
        end_s = self._ports.clock.now().mono_s + self._plan.drain_s
        while not self._hurry and self._ports.clock.now().mono_s < end_s:
            self.nursery.check()
            if not self.calls.attempts:
                break
            gevent.sleep(0.1)
        log.info("drained", left_on_the_switch=len(self.calls.attempts))
        if not self.outbox.wait_empty(10.0):
            log.error("results are not written", items=self.outbox.size)

    def _forget(self) -> None:
        """Out of sight; but a successor must know who of the adopted is in a pause."""
        operators = self.status.operators(self._ports.clock.now())
        try:
            self._ports.presence.forget(self._instance)
            self._ports.presence.publish_operators(self._instance, operators)
        except StoreError as error:
            log.warning("presence could not be withdrawn", error=str(error))

    # ------------------------------------------------------------------ wiring

    def _inbox(self, event: SwitchEvent) -> None:
        """From the reader of the event socket: cheap, never blocks."""
        match event.kind:
            case "link_up":
                self._ports.meter.count("dialer_switch_reconnects_total")
                self._ports.meter.gauge("dialer_switch_up", 1.0)
                self.reaper.link_up(restarted=bool(event.data.get("restarted")))
            case "link_lost" | "no_link" | "blind":
                self._ports.meter.gauge("dialer_switch_up", float(event.kind == "blind"))
                self.gate.shut(Reason.SWITCH_BLIND, str(event.data.get("why", event.kind)))
            case "seeing":
                self.reaper.seeing()
            case "record_started" | "record_stopped":
                self.recorder.told(event)
            case "gateway":
                name = GatewayName(str(event.data.get("gateway", "")))
                up = bool(event.data.get("up"))
                self.lines.gateway_state(name, up, self._ports.clock.now())
            case "caller_stop":
                self.surroundings.wake()
        self.supervisors.told(event)
        self.dispatcher.put(event)

    def _may_feed(self) -> bool:
        return Reason.STORE_FAILED not in self.gate.reasons

    def _remembered(self) -> Mapping[OperatorId, Mapping[str, Any]]:
        try:
            return self._ports.presence.operators()
        except StoreError:
            log.warning("nobody remembers who was paused: adopted operators are ready")
            return {}

    # ------------------------------------------------------------------ reload

    def ask_reload(self) -> None:
        """From a signal handler."""
        self._reload_asked.set()

    def _reload_when_asked(self) -> None:
        while True:
            self._reload_asked.wait()
            self._reload_asked.clear()
            self._reload()

    def _reload(self) -> dict[str, Any]:
        """One at a time: a command and a signal may come together. systemd is told both ends;
        not during a drain, where a READY would undo the STOPPING.
        """
        with self._reloading:
            if self._stopping.is_set():
                return {"ok": False, "why": "the daemon is stopping"}
            self._notifier.reloading()
            try:
                answer = self._reload_alone()
            finally:
                if not self._stopping.is_set():
                    self._notifier.ready(self.status.line())
        result = "applied" if answer["ok"] else "refused"
        self._ports.meter.count("dialer_reloads_total", result=result)
        self._ports.meter.gauge("dialer_reload_refused", float(not answer["ok"]))
        return answer

    def _reload_alone(self) -> dict[str, Any]:
        """The whole new configuration, or the old one stays; no call is dropped."""
        try:
            plan = self._load()
            now = self._ports.clock.now()
            self._ports.ledger.save_numbers(plan.numbers)
            self._ports.ledger.save_campaigns(list(plan.campaigns.values()), now.wall)
        except (ConfigError, StoreError) as error:
            log.warning("reload refused, the old configuration stays", why=str(error))
            return {"ok": False, "why": str(error)}
        self._plan = plan
        self.dispatcher.do(lambda at: self._apply(plan))
        self.feeder.wake()
        log.info("reloaded", campaigns=sorted(plan.campaigns))
        return {"ok": True, "campaigns": sorted(plan.campaigns)}

    def _apply(self, plan: Plan) -> None:
        """In the dispatcher's turn: all of it or nothing is seen by the others."""
        gone = self.calls.campaigns.keys() - plan.campaigns.keys()
        # Its file is gone: nothing more is dialed for it, its live calls go on.
        retired = {name: replace(self.calls.campaigns[name], active=False) for name in gone}
        self.calls.configure({**retired, **plan.campaigns}, plan.groups, plan.operators)
        self.lines.configure(plan.gateways, plan.numbers)
        self._ports.switch.set_gateways(plan.gateways)
        self.recorder.configure(plan.recordings)
