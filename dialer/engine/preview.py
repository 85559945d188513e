"""Preview (R3.1): the card first, then the call. Who is free is shown a contact and starts the
call or skips it; only then is the intent committed, and the call is his.

A card is a claim that waits for a person: phone and number are held by its lease, nothing is
dialed, and the pacing counts it as a call in flight, because it has its operator. He is kept
for it until its call is answered or over. A card that nobody looks at goes to the next
operator, and who did not look is paused: else one empty chair would walk through the list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

import structlog

from dialer.core.calls import acd, attempts, operators
from dialer.core.calls import events as happened
from dialer.core.calls.attempt_steps import CARD_WAITED
from dialer.core.calls.attempts import Attempt, AttemptState
from dialer.core.calls.operators import Operator, OperatorState
from dialer.core.model import AttemptId, Campaign, Claimed, Moment, OperatorId
from dialer.core.permission.reasons import SENTENCES, Reason
from dialer.engine.calls import Calls
from dialer.engine.dispatcher import Dispatcher, ToAttempt, ToOperator
from dialer.engine.gate import Gate
from dialer.engine.launch import Launcher
from dialer.engine.lines import Lines
from dialer.errors import StoreError
from dialer.ports import Clock, Ledger, Meter, Shown

log = structlog.get_logger(__name__)

#: A contact whom somebody has skipped is shown again after so long; his place is kept.
SKIPPED_S = 600.0
#: The pause of who has let a card wait.
NOT_STARTED = "card not started"


class Card(NamedTuple):
    """What an operator is shown; who the contact is, the ledger says (`Ledger.card`)."""

    attempt: Attempt
    left_s: float


class Preview:
    """Cards of all preview campaigns; what it changes, it changes in the dispatcher's turn."""

    def __init__(
        self,
        calls: Calls,
        dispatcher: Dispatcher,
        launcher: Launcher,
        ledger: Ledger,
        lines: Lines,
        gate: Gate,
        clock: Clock,
        meter: Meter,
        *,
        unrecordable: Callable[[Campaign], bool],
    ) -> None:
        self._calls = calls
        self._dispatcher = dispatcher
        self._launcher = launcher
        self._ledger = ledger
        self._lines = lines
        self._gate = gate
        self._clock = clock
        self._meter = meter
        self._unrecordable = unrecordable
        #: What each card's number may still show; gone with its card.
        self._shown: dict[AttemptId, tuple[OperatorId, Sequence[Shown]]] = {}

    # ------------------------------------------------------------------ the pacer's side

    def look(self) -> None:
        """Before each decision: cards whose operator is gone go to the next one."""
        for key, (name, _) in list(self._shown.items()):
            attempt = self._calls.find_attempt(key)
            if attempt is not None and attempt.state is AttemptState.SHOWN:
                if not self._is_here(name):
                    self._withdraw(key, Reason.CARD_WITHDRAWN)
                continue
            del self._shown[key]
            if attempt is None or attempt.stop_reason != CARD_WAITED:
                continue
            self._count(attempt, "waited")
            if self._is_here(name):
                self._dispatcher.put(ToOperator(name, happened.PauseAsked(NOT_STARTED)))

    def show(self, campaign: Campaign, count: int, now: Moment) -> None:
        """So many cards to operators who are free, in the order of their group's strategy."""
        count = min(count, len(self._free(campaign)))
        try:
            claimed, shown, _ = self._launcher.claim(campaign, count, now)
        except StoreError as error:
            self._meter.count("dialer_store_errors_total", store=error.store)
            self._gate.shut(Reason.STORE_FAILED, str(error))
            return
        if claimed:
            # Who was free before Redis was asked may have a call by now.
            self._dispatcher.do(lambda at: self._hand_out(campaign, claimed, shown, at))

    def _hand_out(
        self,
        campaign: Campaign,
        claimed: Sequence[Claimed],
        shown: Sequence[Shown],
        now: Moment,
    ) -> None:
        rules = attempts.CallRules.of(campaign)
        strategy = self._calls.groups[campaign.group].strategy
        free = acd.first(self._free(campaign), len(claimed), strategy)
        chosen = [one.operator for one in free]
        for one, name in zip(claimed, chosen, strict=False):
            self._dispatcher.begin(attempts.show(one, rules, name, now))
            self._shown[one.attempt_id] = (name, shown)
            self._meter.count("dialer_cards_total", campaign=campaign.name, answer="shown")
        for one in claimed[len(chosen) :]:
            self._dispatcher.begin(attempts.claim(one, rules, now))
            self._withdraw(one.attempt_id, Reason.CARD_WITHDRAWN)

    def _free(self, campaign: Campaign) -> list[acd.ReadyOperator]:
        return [
            operators.ready_operator(one, place)
            for place, one in self._calls.members(campaign.group)
            if operators.may_be_paired(one)
            and one.wish is None
            and one.id not in self._calls.kept
        ]

    def withdraw_all(self) -> None:
        """The daemon ends: what nobody has started goes back to its place."""
        for key in list(self._shown):
            attempt = self._calls.attempts.get(key)
            if attempt is not None and attempt.state is AttemptState.SHOWN:
                self._withdraw(key, Reason.CARD_WITHDRAWN)

    def _is_here(self, name: OperatorId) -> bool:
        operator = self._calls.operators.get(name)
        return operator is not None and operator.state is OperatorState.READY

    def _withdraw(self, key: AttemptId, reason: str) -> None:
        self._dispatcher.put(ToAttempt(key, happened.Denied(reason)))

    # ------------------------------------------------------------------ the operator's side

    def card_of(self, name: OperatorId) -> Card | None:
        """What he is shown now."""
        attempt = self._calls.attempts.get(self._calls.kept.get(name, AttemptId("")))
        if attempt is None or attempt.state is not AttemptState.SHOWN:
            return None
        deadline_s = attempt.deadline_at or 0.0
        return Card(attempt, max(0.0, deadline_s - self._clock.now().mono_s))

    def start(self, operator: Operator) -> str | None:
        """His call goes out; or why not. Raises StoreError: then it has not, and the card goes
        back to its place.
        """
        card = self.card_of(operator.id)
        if card is None:
            return f"operator {operator.id} has no card"
        if not self._gate.is_open:
            held = next(iter(self._gate.reasons))
            return f"held back: {SENTENCES[held]}; the card stays"
        key, claimed = card.attempt.claimed.attempt_id, card.attempt.claimed
        campaign = self._calls.campaigns[claimed.entry.campaign]
        if self._unrecordable(campaign):
            return "its talk could not be recorded now (when_full); the card stays"
        _, shown = self._shown.get(key, (operator.id, ()))
        gone = self._why_gone(campaign, claimed)
        if gone is not None:
            self._withdraw(key, gone)
            return f"{SENTENCES[gone]}; the card is withdrawn"
        if not self._dispatcher.do(self._begin(key)):
            return f"the card of {operator.id} was withdrawn a moment ago"
        self._count(card.attempt, "started")
        try:
            refused = self._launcher.intend(campaign, [claimed], shown, self._clock.now())
        except StoreError as error:
            self._meter.count("dialer_store_errors_total", store=error.store)
            self._gate.shut(Reason.STORE_FAILED, str(error))
            raise
        reason = refused.get(key)
        return None if reason is None else f"not called: {_said(reason)}"

    def _begin(self, key: AttemptId) -> Callable[[Moment], bool]:
        def turn(now: Moment) -> bool:
            attempt = self._calls.attempts.get(key)
            if attempt is None or attempt.state is not AttemptState.SHOWN:
                return False
            self._dispatcher.to_attempt(key, happened.Started(), now)
            return True

        return turn

    def _why_gone(self, campaign: Campaign, claimed: Claimed) -> Reason | None:
        """What has changed while the card was read, and no lock of the ledger asks for."""
        now, until = self._clock.now(), claimed.entry.callable_until
        if not campaign.active:
            return Reason.CAMPAIGN_ENDED
        if until is not None and now.wall.timestamp() >= until:
            return Reason.WINDOW_CLOSED
        if not self._lines.is_up(claimed.gateway, now):
            return Reason.GATEWAY_DOWN
        return None

    def skip(self, operator: Operator) -> str | None:
        """Not this one, not now: shown again later, in its place. Raises StoreError."""
        card = self.card_of(operator.id)
        if card is None:
            return f"operator {operator.id} has no card"
        entry = card.attempt.claimed.entry
        until = self._clock.now().wall + timedelta(seconds=SKIPPED_S)
        # The ledger first: while it is asked, the lease still holds the phone.
        self._ledger.postpone(
            entry.campaign, [(entry.contact_id, Reason.CARD_SKIPPED.value, until)]
        )
        self._count(card.attempt, "skipped")
        self._withdraw(card.attempt.claimed.attempt_id, Reason.CARD_SKIPPED)
        return None

    def _count(self, attempt: Attempt, answer: str) -> None:
        name = attempt.claimed.entry.campaign
        self._meter.count("dialer_cards_total", campaign=name, answer=answer)


def _said(reason: str) -> str:
    return SENTENCES[Reason(reason)] if reason in set(Reason) else reason
