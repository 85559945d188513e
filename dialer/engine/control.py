"""What people ask of a running daemon: commands from the meeting place become events.

Any process may send a command (`dialer operator ...`, later the API); the daemon answers each
with `{"ok": true, ...}` or `{"ok": false, "why": sentence}`. A verb is one method.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gevent
import structlog

from dialer.core.calls import events as happened
from dialer.core.calls import operators
from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.operators import Operator, OperatorState
from dialer.core.calls.results import is_machine
from dialer.core.model import AttemptId, InstanceName, Moment, OperatorId, PhoneId, Supervision
from dialer.core.permission.reasons import Reason
from dialer.engine.calls import Calls
from dialer.engine.dispatcher import Dispatcher
from dialer.engine.gate import Gate
from dialer.engine.preview import Preview
from dialer.engine.translation import fresh_leg
from dialer.errors import StoreError, SwitchError
from dialer.ports import Clock, Command, Hopper, Ledger, Meter, Presence

log = structlog.get_logger(__name__)

#: States in which a call may be stopped before anybody hears it.
ADRIFT = AttemptState.ADRIFT
STOPPABLE = (
    AttemptState.SHOWN,
    AttemptState.CLAIMED,
    AttemptState.DIALING,
    AttemptState.RINGING,
)

#: Verbs that wait for a store or the switch, each in an errand of its own: a halt must not
#: stand behind them.
SLOW = frozenset(
    {
        "operator.dispose",
        "operator.mask",
        "operator.unmask",
        "operator.start",
        "operator.skip",
        "supervise",
        "recordings.prune",
        "reload",
        "stop_phone",
        "stop_phones",
    }
)

#: So long a stop waits for the calls that it ends; whoever asked waits 2 s.
STOP_WAIT_S = 1.6
STOP_LOOK_S = 0.01

Answer = dict[str, Any]


def no(why: str) -> Answer:
    return {"ok": False, "why": why}


class Control:
    """One greenlet that receives; every change is made in the dispatcher's turn."""

    def __init__(
        self,
        calls: Calls,
        dispatcher: Dispatcher,
        presence: Presence,
        stores: tuple[Hopper, Ledger],
        gate: Gate,
        clock: Clock,
        meter: Meter,
        *,
        instance: InstanceName,
        reload: Callable[[], Answer],
        hot: Callable[[], None],
        errand: Callable[..., None],
        machine: Callable[[AttemptId, Moment], None],
        mask: Callable[..., str | None],
        supervise: Callable[..., str | None],
        preview: Preview,
        prune: Callable[[], int],
    ) -> None:
        self._calls = calls
        self._dispatcher = dispatcher
        self._presence = presence
        self._hopper, self._ledger = stores
        self._gate = gate
        self._clock = clock
        self._meter = meter
        self._instance = instance
        self._errand = errand
        self._machine = machine
        self._mask_recording = mask
        self._supervise_operator = supervise
        self._preview = preview
        self._verbs: dict[str, Callable[[Mapping[str, Any]], Answer]] = {
            "operator.login": self._login,
            "operator.ready": self._ready,
            "operator.pause": self._pause,
            "operator.logout": self._logout,
            "operator.dispose": self._dispose,
            "operator.card": self._card,
            "operator.start": lambda words: self._answer_card(words, self._preview.start),
            "operator.skip": lambda words: self._answer_card(words, self._preview.skip),
            "operator.mask": lambda words: self._mask(words, masked=True),
            "operator.unmask": lambda words: self._mask(words, masked=False),
            "supervise": self._supervise,
            "halt": self._halt,
            "resume": self._resume,
            "stop_phone": self._stop_phone,
            "stop_phones": self._stop_phones,
            "recordings.prune": lambda words: {"ok": True, "deleted": prune()},
            "reload": lambda words: reload(),
            "hot": lambda words: self._hot(hot),
            "imported": self._imported,
        }

    # ------------------------------------------------------------------ the loop

    def run(self) -> None:
        while True:
            try:
                command = self._presence.receive(self._instance, timeout_s=1.0)
            except StoreError as error:
                self._meter.count("dialer_store_errors_total", store=error.store)
                log.warning("commands cannot be received", error=str(error))
                gevent.sleep(1.0)
                continue
            if command is None:
                continue
            if command.verb in SLOW:
                self._errand(self._answer, command)
            else:
                self._answer(command)

    def _answer(self, command: Command) -> None:
        answer = self.obey(command)
        try:
            self._presence.reply(command.id, answer)
        except StoreError as error:
            self._meter.count("dialer_store_errors_total", store=error.store)
            log.warning("a command's answer is lost", verb=command.verb, error=str(error))

    def obey(self, command: Command) -> Answer:
        """Carry it out; what is wrong with it is answered, never raised."""
        verb = self._verbs.get(command.verb)
        if verb is None:
            return no(f"this daemon knows no verb {command.verb!r}")
        try:
            answer = verb(command.words)
        except (StoreError, SwitchError) as error:
            answer = no(str(error))
        except (KeyError, TypeError, ValueError) as error:
            # Whoever wrote it to the meeting place may have written anything.
            answer = no(f"the words of {command.verb} are not understood: {error!r}")
        log.info("command", verb=command.verb, ok=answer["ok"], why=answer.get("why", ""))
        return answer

    # ------------------------------------------------------------------ operators

    def _operator(self, words: Mapping[str, Any]) -> Operator | str:
        name = OperatorId(str(words.get("operator", "")))
        if name not in self._calls.profiles:
            return f"no operator {name!r} in the configuration"
        known = self._calls.operators.get(name)
        return operators.enrol(name, self._clock.now()) if known is None else known

    def _tell(self, words: Mapping[str, Any], event: happened.Event) -> Answer:
        """Tell him this event; say what state he is in then."""
        operator = self._operator(words)
        if isinstance(operator, str):
            return no(operator)

        def turn(now: Moment) -> Answer:
            if operator.id not in self._calls.operators:
                self._dispatcher.enlist(operator)
            self._dispatcher.to_operator(operator.id, event, now)
            after = self._calls.operators[operator.id]
            return {
                "ok": True,
                "state": after.state.value,
                "wish": after.wish.value if after.wish else "",
            }

        answer: Answer = self._dispatcher.do(turn)
        return answer

    def _login(self, words: Mapping[str, Any]) -> Answer:
        """Not before every leg on the switch is known: his may stand there, in a talk.

        A second leg would be called, and the look would hang up the first one.
        """
        if Reason.SWITCH_BLIND in self._gate.reasons:
            return no("the switch is being compared with the books: again in a moment")
        operator = self._operator(words)
        answer = self._tell(words, happened.LoginAsked(fresh_leg()))
        if isinstance(operator, Operator) and operator.state is not OperatorState.OFFLINE:
            answer["why"] = "is logged in already"
        return answer

    def _ready(self, words: Mapping[str, Any]) -> Answer:
        return self._tell(words, happened.ResumeAsked())

    def _pause(self, words: Mapping[str, Any]) -> Answer:
        return self._tell(words, happened.PauseAsked(str(words.get("reason") or "pause")))

    def _logout(self, words: Mapping[str, Any]) -> Answer:
        return self._tell(words, happened.LogoutAsked())

    def _dispose(self, words: Mapping[str, Any]) -> Answer:
        """The result of a talk: into the ledger first, then the operator is free."""
        operator = self._operator(words)
        if isinstance(operator, str):
            return no(operator)
        attempt = AttemptId(str(words.get("attempt") or operator.attempt or ""))
        if not attempt:
            return no(f"operator {operator.id} has no call to note a result for")
        self._ledger.dispose(
            attempt,
            operator=operator.id,
            result=str(words.get("result", "")),
            tags=[str(tag) for tag in words.get("tags", ())],
            summary=str(words.get("summary", "")),
            now=self._clock.now().wall,
        )
        if is_machine(str(words.get("result", ""))):
            self._dispatcher.do(lambda now: self._machine(attempt, now))
        if operator.state is OperatorState.WRAPUP and operator.attempt == attempt:
            return self._tell(words, happened.Disposed())
        return {"ok": True, "state": operator.state.value}

    def _card(self, words: Mapping[str, Any]) -> Answer:
        """What he is shown: ids only, who the contact is stands in the ledger."""
        operator = self._operator(words)
        if isinstance(operator, str):
            return no(operator)
        card = self._preview.card_of(operator.id)
        if card is None:
            return no(f"operator {operator.id} has no card")
        entry = card.attempt.claimed.entry
        return {
            "ok": True,
            "state": operator.state.value,
            "campaign": entry.campaign,
            "contact": entry.contact_id,
            "attempt": card.attempt.claimed.attempt_id,
            "left_s": round(card.left_s, 1),
        }

    def _answer_card(
        self, words: Mapping[str, Any], answer: Callable[[Operator], str | None]
    ) -> Answer:
        operator = self._operator(words)
        if isinstance(operator, str):
            return no(operator)
        why = answer(operator)
        return {"ok": True, "state": operator.state.value} if why is None else no(why)

    def _mask(self, words: Mapping[str, Any], *, masked: bool) -> Answer:
        """Card data is said: silence in the recording of his talk, or its end."""
        operator = self._operator(words)
        if isinstance(operator, str):
            return no(operator)
        if operator.state is not OperatorState.TALKING or operator.attempt is None:
            return no(f"operator {operator.id} is in no talk")
        by = str(words.get("by") or operator.id)
        why = self._mask_recording(operator.attempt, masked=masked, by=by)
        if why is not None:
            return no(why)
        return {"ok": True, "state": "masked" if masked else "recorded again"}

    def _supervise(self, words: Mapping[str, Any]) -> Answer:
        operator = self._operator(words)
        if isinstance(operator, str):
            return no(operator)
        why = self._supervise_operator(
            operator.id,
            supervisor=str(words["supervisor"]),
            endpoint=str(words["endpoint"]),
            mode=Supervision(str(words["mode"])),
        )
        return no(why) if why is not None else {"ok": True}

    # ------------------------------------------------------------------ stops

    def _halt(self, words: Mapping[str, Any]) -> Answer:
        """R10.6: no call starts any more, ringing ones end, talks go on."""
        self._gate.shut(Reason.HALTED, str(words.get("by", "")))
        return {"ok": True, "cancelled": self.cancel_all()}

    def cancel_all(self) -> int:
        """Every call that nobody has answered yet; how many there are."""
        return self._stop_all(lambda phone: True, Reason.HALTED)

    def _resume(self, words: Mapping[str, Any]) -> Answer:
        self._gate.open(Reason.HALTED)
        return {"ok": True}

    def _stop_phone(self, words: Mapping[str, Any]) -> Answer:
        answer = self._stop_phones({"phones": [words["phone"]]})
        self._hopper.void([PhoneId(int(words["phone"]))])
        return answer

    def _stop_phones(self, words: Mapping[str, Any]) -> Answer:
        """The stops are in the ledger already: cancel what rings (R6.2).

        Answers when the cancelled calls are over; `left`: those that are not after a while.
        Whoever asks voids the queues, once for all daemons (engine/stopping.py).
        """
        stopped = frozenset(PhoneId(int(phone)) for phone in words["phones"])
        keys = self._stop(lambda phone: phone in stopped, Reason.STOP, (*STOPPABLE, ADRIFT))
        left = self._not_over(keys)
        for _ in range(round(STOP_WAIT_S / STOP_LOOK_S)):
            if not left:
                break
            gevent.sleep(STOP_LOOK_S)
            left = self._not_over(keys)
        return {"ok": True, "cancelled": len(keys) - len(left), "left": len(left)}

    def _not_over(self, keys: Sequence[AttemptId]) -> list[AttemptId]:
        """Of these, who may still ring; a talk that had just begun goes on."""
        known = ((key, self._calls.attempts.get(key)) for key in keys)
        return [
            key
            for key, one in known
            if one is not None
            and (one.state in STOPPABLE or (one.state is ADRIFT and one.answered_at is None))
        ]

    def stop_phone(self, stopped: PhoneId) -> int:
        """How many calls to it were ended before anybody answered. Raises StoreError."""
        keys = self._stop(lambda phone: phone == stopped, Reason.STOP, (*STOPPABLE, ADRIFT))
        self._hopper.void([stopped])
        return len(keys)

    def _stop_all(self, which: Callable[[PhoneId], bool], reason: Reason) -> int:
        return len(self._stop(which, reason, STOPPABLE))

    def _stop(
        self,
        which: Callable[[PhoneId], bool],
        reason: Reason,
        states: tuple[AttemptState, ...],
    ) -> list[AttemptId]:
        def turn(now: Moment) -> list[AttemptId]:
            keys = [
                key
                for key, one in self._calls.attempts.items()
                if one.state in states and which(one.claimed.entry.phone_id)
            ]
            for key in keys:
                self._dispatcher.to_attempt(key, happened.Stop(reason.value), now)
            return keys

        stopped: list[AttemptId] = self._dispatcher.do(turn)
        return stopped

    def _hot(self, hot: Callable[[], None]) -> Answer:
        hot()
        return {"ok": True}

    def _imported(self, words: Mapping[str, Any]) -> Answer:
        """An import is another process and has no page of metrics: one daemon counts for it."""
        rows = {str(result): int(count) for result, count in dict(words["rows"]).items()}
        if min(rows.values(), default=0) < 0:
            raise ValueError("rows cannot be fewer than none")
        for result, count in rows.items():
            self._meter.count("dialer_import_rows_total", count, result=result)
        return {"ok": True}
