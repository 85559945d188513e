"""What the switch knows, what we believe, what the ledger holds open: differences are repaired.

At the start and after each reconnect, then each `SWEEP_S`: every open attempt of ours is
resolved against the switch before its contact may be dialed again; operators' legs are adopted.
Nothing is ever dialed here. A leg is called gone when two
looks have missed it (`show channels` lags) and `uuid_exists` says so too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from gevent.event import Event as Signal

from dialer.core.calls import events as happened
from dialer.core.calls import operators
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
from dialer.ports import Clock, FoundLeg, Ledger, Meter, Switch

log = structlog.get_logger(__name__)

SWEEP_S = 20.0
#: The second look of a pair, while something is missing; younger states are left alone.
SOON_S = 2.0
#: Operators of whose leg we have lost sight, or who are being called.
OUT_OF_SIGHT = (OperatorState.ADRIFT, OperatorState.REDIALED)

#: What the meeting place still says of operators from before our start.
Remembered = Mapping[OperatorId, Mapping[str, Any]]


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
        remembered: Callable[[], Remembered],
        supervisors_seen: Callable[[Sequence[FoundLeg]], None],
        opted_out: Callable[[AttemptId, Moment], None],
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
        self._opted_out = opted_out
        self._supervisors_seen = supervisors_seen
        self._gateway_seen = gateway_seen
        self._signal = Signal()
        #: Legs that the last look missed, and when they were missed first (monotonic).
        self._missing: dict[LegId, float] = {}
        #: Counts the connections: a look that began on an earlier one opens nothing.
        self._connection = 0

    # ------------------------------------------------------------------ the loop

    def link_up(self, *, restarted: bool = False) -> None:
        """After each (re)connect: nothing is dialed until a whole look has been taken.

        A switch that was started again has none of the old legs: one look is enough then.
        """
        since_s = self._clock.now().mono_s
        self._missing = dict.fromkeys(self._believed(), since_s) if restarted else {}
        self._connection += 1
        self.seeing()

    def seeing(self) -> None:
        """Events flow (again): what was not told meanwhile is looked up."""
        self._gate.shut(Reason.SWITCH_BLIND, "the switch is being compared with the books")
        self._signal.set()

    def run(self) -> None:
        while True:
            told = self._signal.wait(self._patience_s())
            self._signal.clear()
            if not told and not self._switch.usable():
                continue  # "link up" or "seeing" will tell
            began_s = self._clock.now().mono_s
            try:
                self.sweep()
                took_s = self._clock.now().mono_s - began_s
                self._meter.observe("dialer_reconcile_sweep_seconds", took_s)
            except (LinkDown, CommandRefused) as error:
                log.warning("reconcile waits for the switch", error=str(error))
                if Reason.SWITCH_BLIND in self._gate.reasons:
                    why = f"the switch cannot be compared with the books: {error}"
                    self._gate.shut(Reason.SWITCH_BLIND, why)

    def _patience_s(self) -> float:
        """Sooner while something is missing, or while dialing waits for a whole look."""
        shut = Reason.SWITCH_BLIND in self._gate.reasons
        return SOON_S if self._missing or shut else SWEEP_S

    def adopt_open(self) -> int:
        """At the start: what the ledger holds open in our name becomes live, out of sight."""
        found = self._ledger.open_attempts(self._instance)
        self._dispatcher.do(lambda now: self._dispatcher.adopt(found, now))
        if found:
            log.info("open attempts to resolve", attempts=len(found))
        return len(found)

    # ------------------------------------------------------------------ one look

    def sweep(self) -> None:
        """Compare once; the second look in a row that misses a leg declares it gone."""
        connection = self._connection
        believed = self._believed()
        found = self._switch.find_all()
        look = differences(
            believed.keys(),
            found,
            instance=self._instance,
            missing_before=self._missing.keys(),
        )
        self._supervisors_seen([leg for leg in found if leg.supervisor is not None])
        # Operators first: whom a customer talks with is known then.
        before = self._remembered() if look.strangers else {}
        for seen in sorted(look.strangers, key=_newest_first):
            self._stranger(seen, before)
        for seen in look.seen:
            self._tell_seen(seen)
        for leg in look.gone:
            if not self._switch.exists(leg):
                self._gone(leg, believed[leg])
        self._keep_missing(look.missing - frozenset(look.gone))
        self._read_opt_outs()
        for gateway, up in self._switch.gateways_up().items():
            self._gateway_seen(gateway, up)
        # Once a look has been taken every leg on the switch is known; those that are missing
        # stay leased and open until they are resolved, so that dialing others is safe. While
        # the switch is blind (or lost again) this look proves nothing of the next minute.
        if connection == self._connection and self._switch.usable():
            self._gate.open(Reason.SWITCH_BLIND)

    def _read_opt_outs(self) -> None:
        """Keys that were pressed while nobody listened: the switch has kept them.

        A live attempt is told, for its result; of others the ledger knows whether they had
        been bridged. Whoever is in a talk pressed it there: that means nothing.
        """
        try:
            for attempt in self._switch.opt_outs():
                live = self._calls.attempts.get(attempt)
                if live is None or live.opt_out:
                    self._opted_out(attempt, self._clock.now())
                elif live.bridged_at is None:
                    self._dispatcher.put(ToAttempt(attempt, happened.OptedOut()))
                else:
                    self._switch.forget_opt_out(attempt)
        except CommandRefused as error:
            # Dialing need not wait for it: the switch keeps them until we may ask.
            log.warning("opt-outs cannot be read: allow us global_getvar", reply=error.reply)

    def _keep_missing(self, missing: frozenset[LegId]) -> None:
        now_s = self._clock.now().mono_s
        self._missing = {leg: self._missing.get(leg, now_s) for leg in missing}
        oldest_s = max((now_s - at_s for at_s in self._missing.values()), default=0.0)
        self._meter.gauge("dialer_reconcile_missing_legs", len(self._missing))
        self._meter.gauge("dialer_reconcile_oldest_seconds", oldest_s)

    def _believed(self) -> dict[LegId, OperatorId | None]:
        """Legs that were asked for: of attempts that went out, and of operators."""
        legs: dict[LegId, OperatorId | None] = {
            LegId(key): None
            for key, one in self._calls.attempts.items()
            if one.state not in (AttemptState.SHOWN, AttemptState.CLAIMED)
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
            self._park_quietly(seen.leg)
        if event is not None:
            self._count("operator")
            self._dispatcher.put(ToOperator(operator, event, leg=seen.leg))

    # ------------------------------------------------------------------ strangers and losses

    def _stranger(self, seen: Seen, before: Remembered) -> None:
        """A leg of an earlier life of ours: an operator's is adopted, a customer's released.

        A customer's leg of ours that is not live has no open row: its result is in the books.
        Who talks is left to talk, to the ceiling that the switch keeps.
        """
        name = seen.found.operator
        if name is not None and name in self._calls.profiles:
            self._adopt_operator(name, seen, before.get(name, {}))
            return
        # Asked for after we began to look: ours, and no stranger.
        if AttemptId(seen.leg) in self._calls.attempts:
            return
        self._count("stranger")
        log.warning("leg that belongs to nobody", leg=seen.leg, state=seen.state.value)
        if seen.state is not LegState.TALKING:
            self._kill_quietly(seen.leg, "MANAGER_REQUEST")

    def _adopt_operator(self, name: OperatorId, seen: Seen, before: Mapping[str, Any]) -> None:
        """Unknown since our start, or given up in the middle of a talk that still goes on.

        Else he has logged out, or has a leg that we know, and this one was replaced.
        """
        known = self._calls.operators.get(name)
        if known is not None and known.leg == seen.leg:
            return  # called while we were looking
        talks = seen.state is LegState.TALKING
        if known is not None and not (talks and known.state is OperatorState.OFFLINE):
            self._kill_quietly(seen.leg, "NORMAL_CLEARING")
            return
        paused = str(before.get("pause_reason") or "") or None

        def turn(now: Moment) -> None:
            terms = self._terms(name, seen)
            operator = operators.adopt(name, seen.leg, now, pause_reason=paused, **terms)
            self._dispatcher.enlist(operator)

        self._dispatcher.do(turn)
        self._count("operator_adopted")
        log.info("operator adopted", operator=name, state=seen.state.value)
        self._tell_operator(name, seen)

    def _terms(self, name: OperatorId, seen: Seen) -> dict[str, float]:
        """Those of the talk that he is in, else the longest wrap-up of his groups."""
        attempt = self._calls.attempts.get(AttemptId(seen.partner or ""))
        if attempt is not None:
            campaign = self._calls.campaigns[attempt.claimed.entry.campaign]
            wrapup_s = self._calls.wrapup_of(campaign)
            return {"wrapup_s": wrapup_s, "max_talk_s": campaign.max_talk_s}
        groups, known = self._calls.profiles[name].groups, self._calls.groups
        wrapups_s = (known[one].wrapup_s for one in groups if one in known)
        return {"wrapup_s": max(wrapups_s, default=0.0)}

    def _kill_quietly(self, leg: LegId, cause: str) -> None:
        try:
            self._switch.kill(leg, cause)
        except CommandRefused:
            log.debug("leg is gone already", leg=leg)

    def _park_quietly(self, leg: LegId) -> None:
        try:
            self._switch.park(leg)
        except CommandRefused:
            log.debug("leg is gone already", leg=leg)

    def _gone(self, leg: LegId, operator: OperatorId | None) -> None:
        self._count("gone")
        if operator is None:
            self._dispatcher.put(ToAttempt(AttemptId(leg), happened.Gone()))
            return
        lost = happened.LegLost("gone", fresh_leg())
        self._dispatcher.put(ToOperator(operator, lost, leg=leg))

    def _count(self, kind: str) -> None:
        self._meter.count("dialer_reconcile_differences_total", kind=kind)


def _newest_first(seen: Seen) -> tuple[bool, float]:
    """Of two legs of one operator the first is adopted: the one in a talk, else the newest."""
    return seen.state is not LegState.TALKING, -seen.found.created_at
