"""Whose is this leg? The switch's events become events of attempts and operators.

A leg is an attempt (its uuid is the attempt's id) or an operator's. What concerns both sides of
a hand-over is told to both, the operator's side first: his leg is the one that must not be
lost.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import structlog

from dialer.core.calls import events as happened
from dialer.core.calls.attempts import Attempt, AttemptState
from dialer.core.calls.events import Event
from dialer.core.calls.operators import Operator, OperatorState
from dialer.core.calls.sound import PROOF_S, faults
from dialer.core.model import AttemptId, LegId, Moment, OperatorId
from dialer.engine.calls import Calls
from dialer.ports import Meter, SwitchEvent

log = structlog.get_logger(__name__)

ToAttempt = Callable[[AttemptId, Event, Moment], None]
ToOperator = Callable[[OperatorId, Event, Moment], None]


def fresh_leg() -> LegId:
    return LegId(str(uuid4()))


class Router:
    """One method per kind of switch event; unknown kinds are counted, not raised."""

    def __init__(
        self, calls: Calls, to_attempt: ToAttempt, to_operator: ToOperator, meter: Meter
    ) -> None:
        self._calls = calls
        self._to_attempt = to_attempt
        self._to_operator = to_operator
        self._meter = meter
        self._routes: dict[str, Callable[[SwitchEvent, Moment], None]] = {
            "created": self._created,
            "progressed": self._progressed,
            "answered": self._answered,
            "ready": self._ready,
            "parked": self._parked,
            "bridged": self._bridged,
            "hung_up": self._hung_up,
            "originate_failed": self._originate_failed,
            "dtmf": self._key,
            "opted_out": self._opted_out,
            "link_lost": self._link_lost,
        }

    def route(self, event: SwitchEvent, now: Moment) -> None:
        self._meter.count("dialer_switch_events_total", kind=event.kind)
        if event.at:
            lag_s = max(0.0, now.wall.timestamp() - event.at)
            self._meter.observe("dialer_switch_event_lag_seconds", lag_s)
        handler = self._routes.get(event.kind)
        if handler is not None:
            handler(event, now)

    def _attempt(self, leg: LegId | None) -> Attempt | None:
        return self._calls.find_attempt(leg)

    def _created(self, event: SwitchEvent, now: Moment) -> None:
        if attempt := self._attempt(event.leg):
            self._to_attempt(attempt.claimed.attempt_id, happened.Created(), now)

    def _progressed(self, event: SwitchEvent, now: Moment) -> None:
        if attempt := self._attempt(event.leg):
            early_media = bool(event.data.get("early_media"))
            self._to_attempt(attempt.claimed.attempt_id, happened.Progressed(early_media), now)

    def _answered(self, event: SwitchEvent, now: Moment) -> None:
        if attempt := self._attempt(event.leg):
            campaign = attempt.claimed.entry.campaign
            self._meter.count("dialer_answered_total", campaign=campaign)
            if attempt.dialed_at is not None and attempt.answered_at is None:
                rang_s = max(0.0, now.mono_s - attempt.dialed_at.mono_s)
                self._meter.observe("dialer_ring_seconds", rang_s, campaign=campaign)
            self._to_attempt(attempt.claimed.attempt_id, happened.Answered(), now)

    def _ready(self, event: SwitchEvent, now: Moment) -> None:
        if attempt := self._attempt(event.leg):
            self._to_attempt(attempt.claimed.attempt_id, happened.Ready(), now)

    def _parked(self, event: SwitchEvent, now: Moment) -> None:
        operator = self._calls.operator_of_leg(event.leg)
        if operator is None or event.leg is None:
            return
        if operator.state is OperatorState.REDIALED:
            self._to_operator(operator.id, happened.LegUp(event.leg), now)
        else:
            self._to_operator(operator.id, happened.Parked(), now)

    def _bridged(self, event: SwitchEvent, now: Moment) -> None:
        operator = self._calls.operator_of_leg(event.leg) or self._calls.operator_of_leg(
            event.other
        )
        attempt = self._attempt(event.leg) or self._attempt(event.other)
        if operator is None or attempt is None:
            return
        bridged = happened.Bridged(operator.id, attempt.claimed.attempt_id)
        # Whomever we thought he was with: else he would be given a call in the middle of it.
        self._to_operator(operator.id, bridged, now)
        if attempt.answered_at is not None and attempt.state is not AttemptState.ENDED:
            self._meter.observe(
                "dialer_hand_over_seconds", max(0.0, now.mono_s - attempt.answered_at.mono_s)
            )
        self._to_attempt(attempt.claimed.attempt_id, bridged, now)

    def _hung_up(self, event: SwitchEvent, now: Moment) -> None:
        if attempt := self._attempt(event.leg):
            self._judge_sound(attempt, event)
            self._customer_gone(attempt, happened.HungUp(event.data["evidence"]), now)
        elif operator := self._calls.operator_of_leg(event.leg):
            self._operator_leg_gone(operator, event.data["evidence"].cause, now)

    def _judge_sound(self, attempt: Attempt, event: SwitchEvent) -> None:
        """By gateway: what of its talks was heard, and what was wrong with them."""
        sound, bridged_at = event.data.get("sound"), event.data.get("bridged_at")
        if sound is None or bridged_at is None or event.at - bridged_at < PROOF_S:
            return
        gateway = attempt.claimed.gateway
        counted = {"received": sound.received, "sent": sound.sent, "lost": sound.lost}
        for packets, count in counted.items():
            self._meter.count(
                "dialer_gateway_packets_total", count, gateway=gateway, packets=packets
            )
        self._meter.observe(
            "dialer_gateway_jitter_seconds", sound.jitter_ms / 1000, gateway=gateway
        )
        for fault in faults(sound, event.at - bridged_at):
            self._meter.count(
                "dialer_gateway_sound_faults_total", gateway=gateway, fault=fault.value
            )

    def _customer_gone(self, attempt: Attempt, hung_up: happened.HungUp, now: Moment) -> None:
        self._to_attempt(attempt.claimed.attempt_id, hung_up, now)
        operator = self._calls.operators.get(attempt.operator) if attempt.operator else None
        if (
            operator is not None
            and operator.attempt == attempt.claimed.attempt_id
            and operator.state is OperatorState.TALKING
        ):
            self._to_operator(operator.id, happened.CallEnded(), now)

    def _operator_leg_gone(self, operator: Operator, cause: str, now: Moment) -> None:
        """The phone is lost; a customer in the hand-over goes to the next operator."""
        attempt = self._attempt(LegId(operator.attempt)) if operator.attempt else None
        self._to_operator(operator.id, happened.LegLost(cause, fresh_leg()), now)
        if (
            attempt is not None
            and attempt.state is AttemptState.OFFERED
            and attempt.operator == operator.id
        ):
            # Operator first: the customer is alive but out of its script (proofs 4).
            self._to_attempt(attempt.claimed.attempt_id, happened.OfferFailed(), now)

    def _originate_failed(self, event: SwitchEvent, now: Moment) -> None:
        reply = str(event.data.get("reply", ""))
        if attempt := self._attempt(event.leg):
            self._to_attempt(attempt.claimed.attempt_id, happened.Refused(reply), now)
            return
        operator = self._calls.operator_of_leg(event.leg)
        if operator is not None and operator.state is OperatorState.REDIALED:
            self._to_operator(operator.id, happened.LegLost(reply, fresh_leg()), now)

    def _key(self, event: SwitchEvent, now: Moment) -> None:
        attempt = self._attempt(event.leg)
        if attempt is not None:
            digit = str(event.data.get("digit", ""))
            self._to_attempt(attempt.claimed.attempt_id, happened.KeyPressed(digit), now)

    def _opted_out(self, event: SwitchEvent, now: Moment) -> None:
        if attempt := self._attempt(event.leg):
            self._to_attempt(attempt.claimed.attempt_id, happened.OptedOut(), now)

    def _link_lost(self, event: SwitchEvent, now: Moment) -> None:
        for key in list(self._calls.attempts):
            self._to_attempt(key, happened.LinkLost(), now)
        for name, operator in list(self._calls.operators.items()):
            if operator.state in (OperatorState.OFFERED, OperatorState.TALKING):
                self._to_operator(name, happened.LinkLost(), now)
