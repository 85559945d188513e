"""Supervisors who listen, whisper or barge in: their legs are nobody's operator or customer.

A supervisor's leg eavesdrops on the operator's leg, which is parked between talks, so it goes
with him from talk to talk (proofs 11) until either phone hangs up. Each step is logged,
append-only (R2.7). One greenlet writes the log; commands come from the control's errands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gevent
import structlog
from gevent.event import Event as Signal

from dialer.core.model import InstanceName, LegId, OperatorId, Supervision
from dialer.engine.calls import Calls
from dialer.engine.translation import fresh_leg
from dialer.errors import Bug, CommandRefused, LinkDown, StoreError
from dialer.ports import (
    Clock,
    FoundLeg,
    Ledger,
    Meter,
    Supervised,
    SupervisorCall,
    Switch,
    SwitchEvent,
)

log = structlog.get_logger(__name__)

#: The leg's script begins some milliseconds after its answer; a key before that is lost.
SETTLE_S = 0.3
#: A leg that was asked for and that a sweep does not find is given up after so long.
UNSEEN_S = 45.0
RETRY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Live:
    """One supervision."""

    leg: LegId
    supervisor: str
    operator: OperatorId
    mode: Supervision
    asked_at_s: float
    begun: bool = False


class Supervisors:
    """All supervisions of this daemon."""

    def __init__(
        self,
        calls: Calls,
        switch: Switch,
        ledger: Ledger,
        clock: Clock,
        meter: Meter,
        *,
        instance: InstanceName,
    ) -> None:
        self._calls = calls
        self._switch = switch
        self._ledger = ledger
        self._clock = clock
        self._meter = meter
        self._instance = instance
        self._live: dict[LegId, _Live] = {}
        self._steps: deque[Supervised] = deque()
        self._signal = Signal()

    # ------------------------------------------------------------------ asked for

    def supervise(
        self, operator: OperatorId, *, supervisor: str, endpoint: str, mode: Supervision
    ) -> str | None:
        """None: his phone is being called, or the mode is changed; else why not.

        Raises LinkDown. The same supervisor with the same operator again: another mode.
        """
        known = self._calls.operators.get(operator)
        if known is None or known.leg is None or not (known.parked or known.attempt):
            return f"operator {operator} is not logged in"
        if endpoint in self._busy_phones():
            return "that phone holds an operator's own line: log him out, or name another phone"
        for live in self._live.values():
            if (live.supervisor, live.operator) == (supervisor, operator):
                return self._change(live, mode)
        leg = fresh_leg()
        live = _Live(
            leg=leg,
            supervisor=supervisor,
            operator=operator,
            mode=mode,
            asked_at_s=self._clock.now().mono_s,
        )
        self._live[leg] = live
        self._note(live, "asked")
        return self._call(live, endpoint, known.leg)

    def _busy_phones(self) -> frozenset[str]:
        return frozenset(
            self._calls.profiles[one.id].endpoint
            for one in self._calls.operators.values()
            if one.leg is not None
        )

    def _call(self, live: _Live, endpoint: str, operator_leg: LegId) -> str | None:
        call = SupervisorCall(
            leg=live.leg,
            supervisor=live.supervisor,
            endpoint=endpoint,
            operator=live.operator,
            operator_leg=operator_leg,
        )
        try:
            self._switch.originate_supervisor(call)
        except (CommandRefused, Bug) as error:
            self._end(live.leg, "failed", str(error).strip())
            return f"his phone cannot be called: {str(error).strip()}"
        return None

    def _change(self, live: _Live, mode: Supervision) -> str | None:
        after = replace(live, mode=mode)
        self._live[live.leg] = after
        if live.begun:
            try:
                self._switch.supervise(live.leg, mode)
            except CommandRefused as error:
                self._live[live.leg] = live
                return f"the switch refused it: {error.reply.strip()}"
        self._note(after, "mode")
        return None

    # ------------------------------------------------------------------ told by the switch

    def told(self, event: SwitchEvent) -> None:
        """From the reader of the event socket: cheap, never blocks."""
        live = None if event.leg is None else self._live.get(event.leg)
        if live is None:
            return
        match event.kind:
            case "answered":
                self._live[live.leg] = replace(live, begun=True)
                self._note(live, "begun")
                gevent.spawn(self._set_mode, live.leg)
            case "originate_failed":
                self._end(live.leg, "failed", str(event.data.get("reply", "")).strip())
            case "hung_up":
                step = "ended" if live.begun else "failed"
                self._end(live.leg, step, event.data["evidence"].cause)

    def _set_mode(self, leg: LegId) -> None:
        """Listening is what the leg does by itself; the others are asked for by a key."""
        gevent.sleep(SETTLE_S)
        live = self._live.get(leg)
        if live is None or live.mode is Supervision.LISTEN:
            return
        try:
            self._switch.supervise(leg, live.mode)
        except (CommandRefused, LinkDown) as error:
            log.warning("supervisor only listens", leg=leg, error=str(error))

    def seen(self, found: Sequence[FoundLeg]) -> None:
        """After a sweep: those of an earlier life are known again, those that went are over."""
        present = {one.leg for one in found}
        now_s = self._clock.now().mono_s
        for one in found:
            if one.leg not in self._live and one.supervisor and one.supervised:
                self._live[one.leg] = _Live(
                    leg=one.leg,
                    supervisor=one.supervisor,
                    operator=one.supervised,
                    mode=Supervision.LISTEN,  # which, only his ear knows
                    asked_at_s=now_s,
                    begun=one.answered,
                )
        for live in list(self._live.values()):
            if live.leg not in present and now_s - live.asked_at_s > UNSEEN_S:
                self._end(live.leg, "ended", "not found by a sweep")

    # ------------------------------------------------------------------ the log

    def _end(self, leg: LegId, step: str, detail: str) -> None:
        live = self._live.pop(leg, None)
        if live is not None:
            self._note(live, step, detail)

    def _note(self, live: _Live, step: str, detail: str | None = None) -> None:
        operator = self._calls.operators.get(live.operator)
        self._steps.append(
            Supervised(
                at=self._clock.now().wall,
                instance=self._instance,
                leg=live.leg,
                step=step,
                supervisor=live.supervisor,
                operator=live.operator,
                mode=live.mode.value,
                attempt=None if operator is None else operator.attempt,
                detail=detail,
            )
        )
        self._meter.gauge("dialer_supervisions", len(self._live))
        self._signal.set()
        log.info(
            "supervision",
            step=step,
            supervisor=live.supervisor,
            operator=live.operator,
            mode=live.mode.value,
        )

    def run(self) -> None:
        while True:
            self._signal.wait()
            self._signal.clear()
            try:
                self.write()
            except StoreError as error:
                self._meter.count("dialer_store_errors_total", store=error.store)
                log.warning("supervisions wait for the ledger", error=str(error))
                gevent.sleep(RETRY_S)
                self._signal.set()

    def write(self) -> None:
        """Raises StoreError; what is not written yet stays in front."""
        while self._steps:
            self._ledger.log_supervision(self._steps[0])
            self._steps.popleft()

    def status(self) -> Sequence[Mapping[str, Any]]:
        """Who listens to whom, now."""
        return [
            {
                "supervisor": one.supervisor,
                "operator": one.operator,
                "mode": one.mode.value,
                "begun": one.begun,
            }
            for one in self._live.values()
        ]
