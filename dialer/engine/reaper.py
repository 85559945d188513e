"""What the switch knows, what we believe, what the ledger holds open: differences are repaired.

At the start and after each reconnect, then each `SWEEP_S`: every open attempt of ours is
resolved against the switch before its contact may be dialed again; operators' legs are adopted;
leases of a dead daemon are settled. Nothing is ever dialed here. A leg is called gone when two
looks have missed it (`show channels` lags) and `uuid_exists` says so too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gevent
import structlog
from gevent.event import Event as Signal

from dialer.core.calls import attempts, operators
from dialer.core.calls import events as happened
from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.events import Event
from dialer.core.calls.operators import OperatorState
from dialer.core.model import (
    AttemptId,
    GatewayName,
    InstanceName,
    LegId,
    Moment,
    OperatorId,
)
from dialer.core.permission.reasons import Reason
from dialer.engine.calls import Calls
from dialer.engine.dispatcher import Dispatcher, ToAttempt, ToOperator
from dialer.engine.gate import Gate
from dialer.engine.reconcile import LegState, Seen, differences
from dialer.engine.translation import fresh_leg
from dialer.errors import CommandRefused, LinkDown
from dialer.ports import Clock, Ledger, Meter, Switch

log = structlog.get_logger(__name__)

SWEEP_S = 20.0
#: The second look of a pair, while something is missing; younger states are left alone.
SOON_S = 2.0
#: Operators of whose leg we have lost sight, or who are being called.
OUT_OF_SIGHT = (OperatorState.ADRIFT, OperatorState.REDIALED)


class Reaper:
    """One greenlet; asks the switch and the ledger, tells the dispatcher."""

    def __init__(
        self,
        calls: Calls,
        dispatcher: Dispatcher,
        switch: Switch,
        ledger: Ledger,
        gate: Gate,
        clock: Clock,
        meter: Meter,
        *,
        instance: InstanceName,
        remembered: Callable[[], Mapping[OperatorId, Mapping[str, Any]]],
        gateway_seen: Callable[[GatewayName, bool], None],
    ) -> None:
        self._calls = calls
        self._dispatcher = dispatcher
        self._switch = switch
        self._ledger = ledger
        self._gate = gate
        self._clock = clock
        self._meter = meter
        self._instance = instance
        self._remembered = remembered
        self._gateway_seen = gateway_seen
        self._signal = Signal()
        self._missing: frozenset[LegId] = frozenset()

    # ------------------------------------------------------------------ the loop

    def link_up(self) -> None:
        """After each (re)connect: nothing is dialed until a whole look has been taken."""
        self._gate.shut(Reason.SWITCH_BLIND, "the switch is being compared with the books")
        self._missing = frozenset()
        self._signal.set()

    def run(self) -> None:
        while True:
            self._signal.wait(SOON_S if self._missing else SWEEP_S)
            self._signal.clear()
            try:
                self.sweep()
            except (LinkDown, CommandRefused) as error:
                log.warning("reconcile waits for the switch", error=str(error))
                gevent.sleep(0.5)

    def adopt_open(self) -> int:
        """At the start: what the ledger holds open in our name becomes live, out of sight."""
        found = self._ledger.open_attempts(self._instance)

        def turn(now: Moment) -> None:
            for one in found:
                campaign = self._calls.campaigns.get(one.claimed.entry.campaign)
                if campaign is None:
                    log.error(
                        "open attempt of an unknown campaign",
                        attempt=one.claimed.attempt_id,
                        campaign=one.claimed.entry.campaign,
                    )
                    continue
                rules = attempts.CallRules.of(campaign)
                self._dispatcher.begin(attempts.adopt(one, rules, now))

        self._dispatcher.do(turn)
        if found:
            log.info("open attempts to resolve", attempts=len(found))
        return len(found)

    # ------------------------------------------------------------------ one look

    def sweep(self) -> None:
        """Compare once; the second look in a row that misses a leg declares it gone."""
        believed = self._believed()
        found = self._switch.find_all()
        look = differences(
            believed.keys(), found, instance=self._instance, missing_before=self._missing
        )
        for seen in look.seen:
            self._tell_seen(seen)
        for seen in look.strangers:
            self._stranger(seen)
        for leg in look.gone:
            if not self._switch.exists(leg):
                self._gone(leg, believed[leg])
        self._missing = look.missing - frozenset(look.gone)
        self._meter.gauge("dialer_reconcile_missing_legs", len(self._missing))
        for gateway, up in self._switch.gateways_up().items():
            self._gateway_seen(gateway, up)
        # Once a look has been taken every leg on the switch is known; those that are missing
        # stay leased and open until they are resolved, so that dialing others is safe.
        self._gate.open(Reason.SWITCH_BLIND)

    def _believed(self) -> dict[LegId, OperatorId | None]:
        """Legs that were asked for: of attempts that went out, and of operators."""
        legs: dict[LegId, OperatorId | None] = {
            LegId(key): None
            for key, one in self._calls.attempts.items()
            if one.state is not AttemptState.CLAIMED
        }
        for operator in self._calls.operators.values():
            if operator.leg is not None:
                legs[operator.leg] = operator.id
        return legs

    # ------------------------------------------------------------------ known legs

    def _tell_seen(self, seen: Seen) -> None:
        operator = self._calls.operator_of_leg(seen.leg)
        if operator is not None:
            self._tell_operator(operator.id, seen)
            return
        attempt = self._calls.attempts.get(AttemptId(seen.leg))
        if attempt is not None and attempt.state is AttemptState.ADRIFT:
            self._count("adrift")
            event = self._found(seen)
            self._dispatcher.put(ToAttempt(attempt.claimed.attempt_id, event))

    def _found(self, seen: Seen) -> Event:
        """What a customer's leg that exists is doing, as an event."""
        now = self._clock.now().wall.timestamp()
        answered_at = seen.found.answered_at
        ago_s = max(0.0, now - answered_at) if answered_at else 0.0
        match seen.state:
            case LegState.RINGING:
                return happened.FoundRinging()
            case LegState.TALKING:
                partner = self._calls.operator_of_leg(seen.partner)
                return happened.FoundTalking(
                    partner.id if partner else None, AttemptId(seen.leg), ago_s
                )
            case _:
                in_script = seen.state is LegState.IN_SCRIPT
                return happened.FoundAnswered(in_script=in_script, answered_ago_s=ago_s)

    def _tell_operator(self, operator: OperatorId, seen: Seen) -> None:
        """Only what is out of step is told: an operator at rest on a parked leg is well."""
        known = self._calls.operators[operator]
        settled = self._clock.now().mono_s - known.since.mono_s >= SOON_S
        if known.state is OperatorState.OFFLINE or not (settled or known.state in OUT_OF_SIGHT):
            return  # in the middle of something that has deadlines of its own
        event: Event | None = None
        if seen.state is LegState.TALKING and known.state is not OperatorState.TALKING:
            if seen.partner is not None:
                event = happened.FoundTalking(operator, AttemptId(seen.partner))
        elif seen.state is LegState.PARKED:
            if known.state in OUT_OF_SIGHT:
                event = happened.LegUp(seen.leg)
            elif not known.parked or known.state is OperatorState.TALKING:
                event = happened.Parked()
        elif seen.state is LegState.LIMBO:
            # Neither bridged nor parked, for ever, unless it is parked again (proofs 4).
            self._count("limbo")
            self._switch.park(seen.leg)
        if event is not None:
            self._count("operator")
            self._dispatcher.put(ToOperator(operator, event))

    # ------------------------------------------------------------------ strangers and losses

    def _stranger(self, seen: Seen) -> None:
        """A leg of an earlier life of ours: an operator's is adopted, a customer's released.

        A customer's leg of ours that is not live has no open row: its result is in the books.
        """
        name = seen.found.operator
        if name is not None and name in self._calls.profiles:
            self._adopt_operator(name, seen)
            return
        self._count("stranger")
        log.warning(
            "leg that belongs to nobody is hung up", leg=seen.leg, state=seen.state.value
        )
        try:
            self._switch.kill(seen.leg, "MANAGER_REQUEST")
        except CommandRefused:
            log.debug("stranger is gone already", leg=seen.leg)

    def _adopt_operator(self, name: OperatorId, seen: Seen) -> None:
        known = self._calls.operators.get(name)
        if known is not None and known.leg not in (None, seen.leg):
            self._kill_quietly(seen.leg)  # it was replaced: the newest leg wins
            return
        before = self._remembered().get(name, {})
        paused = str(before.get("pause_reason") or "") or None

        def turn(now: Moment) -> None:
            operator = operators.adopt(name, seen.leg, now, pause_reason=paused)
            self._dispatcher.enlist(operator)

        self._dispatcher.do(turn)
        self._count("operator_adopted")
        log.info("operator adopted", operator=name, state=seen.state.value)
        self._tell_operator(name, seen)

    def _kill_quietly(self, leg: LegId) -> None:
        try:
            self._switch.kill(leg, "NORMAL_CLEARING")
        except CommandRefused:
            log.debug("leg is gone already", leg=leg)

    def _gone(self, leg: LegId, operator: OperatorId | None) -> None:
        self._count("gone")
        if operator is not None:
            self._dispatcher.put(ToOperator(operator, happened.LegLost("gone", fresh_leg())))
        else:
            self._dispatcher.put(ToAttempt(AttemptId(leg), happened.Gone()))

    def _count(self, kind: str) -> None:
        self._meter.count("dialer_reconcile_differences_total", kind=kind)
