"""Performs effects through ports, each in a watched greenlet; what it learns comes back as
events.

No business `if` here: an effect holds all that is needed. Commands have their own deadlines in
the switch's room. After LinkDown nobody knows whether a command was carried out: nothing is
repeated, the reconcile after the reconnect finds out.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
import structlog

from dialer.core.calls import effects as ordered
from dialer.core.calls import events as happened
from dialer.core.calls.effects import Effect
from dialer.core.calls.events import Event
from dialer.core.model import (
    AttemptId,
    CampaignName,
    Disposition,
    LegId,
    Moment,
    OperatorId,
    Outcome,
)
from dialer.engine.calls import Calls
from dialer.engine.dispatcher import Dispatcher, Item, ToAttempt, ToOperator
from dialer.engine.lines import Lines
from dialer.engine.outbox import Outbox
from dialer.engine.recorder import Recorder
from dialer.engine.supervision import Nursery
from dialer.engine.tally import AnswerTally
from dialer.engine.translation import fresh_leg
from dialer.errors import Bug, CommandRefused, LinkDown
from dialer.ports import CustomerCall, Meter, OperatorCall, Switch

log = structlog.get_logger(__name__)

#: Endings that speak against the gateway and not against the phone called (R3.9).
GATEWAY_FAULTS = frozenset(
    {Disposition.CARRIER_FAILURE, Disposition.CARRIER_REFUSED, Disposition.LOCAL_FAILURE}
)


#: Our own word, in the form of the switch's causes: the call could not be written.
UNWRITTEN = "CALL_NOT_WRITTEN"


class Performer:
    """One method per effect. `perform` is called inside the dispatcher's turn and never
    yields.
    """

    def __init__(
        self,
        calls: Calls,
        switch: Switch,
        outbox: Outbox,
        nursery: Nursery,
        meter: Meter,
        *,
        recorder: Recorder,
        lines: Lines,
        tally: AnswerTally,
        settled: Callable[[Outcome, Moment], None],
    ) -> None:
        self._calls = calls
        self._switch = switch
        self._outbox = outbox
        self._nursery = nursery
        self._meter = meter
        self._recorder = recorder
        self._lines = lines
        self._tally = tally
        self._settled = settled
        self._put: Callable[[Item], None] = lambda item: None
        self._at_once: dict[type[Effect], Callable[..., None]] = {
            ordered.Settle: self._settle,
            ordered.GiveBack: self._give_back,
            ordered.StopPhone: self._stop_phone,
        }
        self._begun: dict[type[Effect], Callable[..., Callable[[], object]]] = {
            ordered.Bridge: self._begin_bridge,
        }
        self._errands: dict[type[Effect], Callable[..., None]] = {
            ordered.Originate: self._originate,
            ordered.KillCustomer: self._kill_customer,
            ordered.PlayMessage: self._play_message,
            ordered.Bridge: self._bridge,
            ordered.Rescue: self._rescue,
            ordered.StartRecording: recorder.start,
            ordered.Beep: self._beep,
            ordered.CallOperator: self._call_operator,
            ordered.KillOperator: self._kill_operator,
            ordered.ParkOperator: self._park_operator,
            ordered.CleanLeg: self._clean_leg,
        }

    def connect(self, dispatcher: Dispatcher) -> None:
        """Answers go into the dispatcher's inbox (the two know each other, so one comes
        later).
        """
        self._put = dispatcher.put

    def perform(self, effect: Effect, now: Moment) -> None:
        kind = type(effect)
        if kind in self._at_once:
            self._at_once[kind](effect, now)
        elif kind in self._begun:
            # Written within the turn: a person waits for it. The answer is an errand.
            self._nursery.errand(self._errand, effect, self._begun[kind](effect))
        else:
            self._nursery.errand(self._errand, effect)

    def _errand(self, effect: Effect, *begun: Callable[[], object]) -> None:
        try:
            self._errands[type(effect)](effect, *begun)
        except LinkDown as error:
            self._meter.count("dialer_effects_unsure_total", effect=type(effect).__name__)
            log.warning(
                "command without an answer", effect=type(effect).__name__, error=str(error)
            )
        except CommandRefused as error:
            # Each effect knows the refusals that mean something to it; this is another (a
            # question that the switch does not answer, say), and deadlines will tell.
            log.warning("command refused", effect=type(effect).__name__, reply=error.reply)
        except Bug:
            # A value that may not be written on the wire: nothing was sent.
            log.exception("command not written", effect=type(effect).__name__)

    # ------------------------------------------------------------------ inside the turn

    def _settle(self, effect: ordered.Settle, now: Moment) -> None:
        attempt = self._calls.ended[effect.attempt]
        campaign = self._calls.campaigns[attempt.claimed.entry.campaign]
        result = self._outbox.settle(attempt, effect.evidence, campaign, now)
        failed = result.verdict.disposition in GATEWAY_FAULTS
        self._lines.ended(result.gateway, failed=failed, now=now)
        self._settled(result, now)
        self._tally.count(result.campaign, answered=result.answered_at is not None)

    def _give_back(self, effect: ordered.GiveBack, now: Moment) -> None:
        self._outbox.withdraw(self._calls.ended[effect.attempt].claimed, effect.reason)

    def _stop_phone(self, effect: ordered.StopPhone, now: Moment) -> None:
        attempt = self._calls.find_attempt(effect.attempt)
        if attempt is not None:
            self._meter.count("dialer_opt_outs_total", campaign=attempt.claimed.entry.campaign)
        self._outbox.opt_out(effect.attempt, now)

    def opt_out_is_written(self, attempt: AttemptId) -> None:
        """It stands in the ledger: the switch need not remember it any longer."""
        self._nursery.errand(self._forget_opt_out, attempt)

    def _forget_opt_out(self, attempt: AttemptId) -> None:
        try:
            self._switch.forget_opt_out(attempt)
        except (LinkDown, CommandRefused) as error:
            # The next sweep finds it again, and the ledger knows it then.
            log.info("opt-out not forgotten yet", attempt=attempt, error=str(error))

    # ------------------------------------------------------------------ the customer's leg

    def _originate(self, effect: ordered.Originate) -> None:
        campaign = self._calls.campaigns[CampaignName(effect.campaign)]
        call = CustomerCall(
            attempt=effect.attempt,
            digits=effect.digits,
            caller=effect.number,
            gateway=effect.gateway,
            ring_timeout_s=campaign.ring_timeout_s,
            silence_ms=campaign.silence_ms,
            message=campaign.message,
            max_talk_s=campaign.max_talk_s,
            opt_out_key=campaign.opt_out_key,
        )
        self._meter.count("dialer_originates_total", gateway=effect.gateway)
        try:
            self._switch.originate_customer(call)
        except CommandRefused as error:
            self._meter.count("dialer_originates_refused_total", gateway=effect.gateway)
            self._put(ToAttempt(effect.attempt, happened.Refused(error.reply)))
        except Bug as error:
            # One bad number must not end the daemon, nor be tried until it does.
            log.exception("call not written", attempt=effect.attempt)
            self._put(ToAttempt(effect.attempt, happened.Refused(f"-ERR {UNWRITTEN} {error}")))

    def _kill_customer(self, effect: ordered.KillCustomer) -> None:
        self._recorder.await_start(effect.attempt)
        try:
            self._switch.kill(LegId(effect.attempt), effect.cause)
        except CommandRefused:
            # Too early or too late: the stop is repeated at Created, and the end comes by
            # itself.
            log.debug("nothing to hang up", attempt=effect.attempt)

    def _play_message(self, effect: ordered.PlayMessage) -> None:
        campaign = self._calls.campaigns[CampaignName(effect.campaign)]
        try:
            self._switch.play_message(
                LegId(effect.attempt), campaign.message, campaign.opt_out_key
            )
        except CommandRefused as error:
            log.info(
                "nobody left to hear the message", attempt=effect.attempt, reply=error.reply
            )

    # ------------------------------------------------------------------ the hand-over

    def _begin_bridge(self, effect: ordered.Bridge) -> Callable[[], object]:
        return self._switch.begin_bridge(effect.operator_leg, LegId(effect.attempt))

    def _bridge(self, effect: ordered.Bridge, answered: Callable[[], object]) -> None:
        try:
            answered()
        except CommandRefused as error:
            # `-ERR Invalid uuid`: one of the two is gone, the other untouched (proofs 4).
            self._meter.count("dialer_offers_failed_total", why="refused")
            log.info("hand-over refused", attempt=effect.attempt, reply=error.reply)
            if self._switch.exists(effect.operator_leg):
                self._put(_to_offered(effect, happened.CallerGone()))
                self._customer_if_gone(effect.attempt)
            else:
                self._put(_to_customer(effect, happened.OperatorGone()))
                self._lost_leg(effect.operator, effect.operator_leg)

    def _rescue(self, effect: ordered.Rescue) -> None:
        """No CHANNEL_BRIDGE in time: ask the switch, which is the authority (proofs 4)."""
        self._meter.count("dialer_rescues_total")
        found = self._switch.find(effect.operator_leg)
        customer = self._switch.find(LegId(effect.attempt))
        partner = None if found is None else found.bridged_to
        together = partner == LegId(effect.attempt)
        if partner is not None and (together or self._is_live(partner)):
            self._tell_bridged(effect.operator, AttemptId(partner))
            if together:
                return
        if customer is None:
            self._customer_if_gone(effect.attempt)
        else:
            self._put(_to_customer(effect, happened.OfferFailed()))
        if found is None:
            self._lost_leg(effect.operator, effect.operator_leg)
        elif found.parked:
            self._put(_to_offered(effect, happened.CallerGone()))
        elif partner is None or not self._is_live(partner):
            self._park(effect.operator_leg)

    def _tell_bridged(self, operator: OperatorId, attempt: AttemptId) -> None:
        bridged = happened.Bridged(operator, attempt)
        self._put(ToOperator(operator, bridged))
        self._put(ToAttempt(attempt, bridged))

    def _customer_if_gone(self, attempt: AttemptId) -> None:
        """Its HANGUP_COMPLETE is on its way or was lost; an attempt that has ended ignores
        this.
        """
        if not self._switch.exists(LegId(attempt)):
            self._put(ToAttempt(attempt, happened.Gone()))

    def _lost_leg(self, operator: OperatorId, leg: LegId) -> None:
        """Its hang-up may have been told meanwhile; then his phone is being called already."""
        self._put(ToOperator(operator, happened.LegLost("gone", fresh_leg()), leg=leg))

    # ------------------------------------------------------------------ the operator's leg

    def _call_operator(self, effect: ordered.CallOperator) -> None:
        gevent.sleep(effect.delay_s)
        current = self._calls.operators.get(effect.operator)
        if current is None or current.leg != effect.leg:
            return  # he logged out, or another leg was ordered, while this one waited
        endpoint = self._calls.profiles[effect.operator].endpoint
        try:
            self._switch.originate_operator(
                OperatorCall(operator=effect.operator, leg=effect.leg, endpoint=endpoint)
            )
        except CommandRefused as error:
            lost = happened.LegLost(error.reply, fresh_leg())
            self._put(ToOperator(effect.operator, lost, leg=effect.leg))

    def _beep(self, effect: ordered.Beep) -> None:
        """After the bridge: it costs the customer nothing."""
        try:
            self._switch.beep(effect.leg, effect.tone)
        except CommandRefused as error:
            log.info("no beep", operator=effect.operator, reply=error.reply)

    def _kill_operator(self, effect: ordered.KillOperator) -> None:
        operator = self._calls.operators.get(effect.operator)
        self._recorder.await_start(None if operator is None else operator.attempt)
        try:
            self._switch.kill(effect.leg, "NORMAL_CLEARING")
        except CommandRefused:
            log.debug("operator's leg is gone already", operator=effect.operator)

    def _park_operator(self, effect: ordered.ParkOperator) -> None:
        """Meanwhile he may have been parked, or given another call: look before it is done."""
        found = self._switch.find(effect.leg)
        if found is None:
            self._lost_leg(effect.operator, effect.leg)
        elif found.parked:
            self._put(ToOperator(effect.operator, happened.Parked(), leg=effect.leg))
        elif found.bridged_to is None or not self._is_live(found.bridged_to):
            self._park(effect.leg)

    def _is_live(self, leg: LegId) -> bool:
        return AttemptId(leg) in self._calls.attempts

    def _park(self, leg: LegId) -> None:
        try:
            self._switch.park(leg)
        except CommandRefused as error:
            log.warning("park refused", leg=leg, reply=error.reply)

    def _clean_leg(self, effect: ordered.CleanLeg) -> None:
        try:
            self._switch.clean(effect.leg)
        except CommandRefused:
            log.debug("operator's leg is gone already", operator=effect.operator)


def _to_offered(effect: ordered.Bridge | ordered.Rescue, event: Event) -> ToOperator:
    """For the operator, while he is still in this hand-over."""
    return ToOperator(effect.operator, event, leg=effect.operator_leg, attempt=effect.attempt)


def _to_customer(effect: ordered.Bridge | ordered.Rescue, event: Event) -> ToAttempt:
    """For the customer, while he is still in this hand-over."""
    return ToAttempt(effect.attempt, event, offered_to=effect.operator_leg)
