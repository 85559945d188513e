"""The single writer: inbox -> core step -> live state -> effects.

Everything that changes a live attempt or operator passes through `put` and is handled here, one
after the other, with no yield between the read of a value and its write. Effects are handed to
the performer, which acts outside. After each batch the groups that changed are paired, so that
a customer and an operator meet in the same turn of the loop in which the second of them is
ready.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import gevent
import structlog
from gevent.event import AsyncResult
from gevent.event import Event as Signal

from dialer.core.calls import acd, attempts, operators
from dialer.core.calls import events as happened
from dialer.core.calls.attempts import Attempt, AttemptState
from dialer.core.calls.effects import Effect
from dialer.core.calls.events import Event
from dialer.core.calls.operators import Operator, OperatorState
from dialer.core.model import AttemptId, GroupName, LegId, Moment, OpenAttempt, OperatorId
from dialer.engine.calls import Calls
from dialer.engine.timers import Timers
from dialer.engine.translation import Router
from dialer.errors import Bug
from dialer.ports import Clock, Meter, SwitchEvent

log = structlog.get_logger(__name__)

#: The loop yields after so many items, so that a burst of events does not starve the sockets.
BATCH = 50

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ToAttempt:
    """An event for one attempt, from the performer, the pacer or the reaper.

    `offered_to`: only while he is in the hand-over to this leg. A slow answer may come when he
    has been given to the next operator.
    """

    attempt: AttemptId
    event: Event
    offered_to: LegId | None = None


@dataclass(frozen=True, slots=True)
class ToOperator:
    """An event for one operator.

    `leg`, `attempt`: only while his leg or his call is still this one; what was asked of the
    switch may be answered when he has others.
    """

    operator: OperatorId
    event: Event
    leg: LegId | None = None
    attempt: AttemptId | None = None


@dataclass(frozen=True, slots=True)
class Do:
    """Run this inside the dispatcher's turn: it may read and write live state, and never
    yields.
    """

    run: Callable[[Moment], Any]
    answer: AsyncResult[Any]


Item = SwitchEvent | ToAttempt | ToOperator | Do


class Books(Protocol):
    """Who learns from every change, in the same turn (pacing)."""

    def attempt_moved(self, before: Attempt, after: Attempt, now: Moment) -> None: ...

    def operator_moved(self, before: Operator, after: Operator, now: Moment) -> None: ...


class Dispatcher:
    """Owns the inbox and the clock's deadlines; the only caller of the cores' `step`."""

    def __init__(
        self,
        calls: Calls,
        clock: Clock,
        meter: Meter,
        *,
        perform: Callable[[Effect, Moment], None],
        changed: Callable[[], None],
        alive: Callable[[], None],
        operator_moved: Callable[[Operator, Moment], None],
        books: Books,
        strict: bool = False,
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._meter = meter
        self._perform = perform
        self._changed = changed
        self._alive = alive
        self._operator_moved = operator_moved
        self._books = books
        self._strict = strict
        self._timers = Timers()
        self._inbox: deque[Item] = deque()
        self._signal = Signal()
        self._dirty: set[GroupName] = set()
        self._last_offered: dict[GroupName, acd.Turn] = {}
        self._alive_at_s = 0.0
        self._router = Router(calls, self.to_attempt, self.to_operator, meter)

    # ------------------------------------------------------------------ the inbox

    def put(self, item: Item) -> None:
        """From any greenlet; never blocks, never yields."""
        self._inbox.append(item)
        self._signal.set()

    def do(self, run: Callable[[Moment], T]) -> T:
        """Run this in the dispatcher's turn and return its answer (waits for that turn)."""
        answer: Any = AsyncResult()
        self.put(Do(run, answer))
        value: T = answer.get()
        return value

    @property
    def backlog(self) -> int:
        return len(self._inbox)

    # ------------------------------------------------------------------ the loop

    def run(self) -> None:
        while True:
            now = self._clock.now()
            self.turn(now)
            turn_s = self._clock.now().mono_s - now.mono_s
            self._meter.observe("dialer_dispatcher_turn_seconds", turn_s)
            if self._inbox:
                gevent.sleep(0)
                continue
            self._signal.clear()
            self._signal.wait(self._patience_s(now))

    def _patience_s(self, now: Moment) -> float:
        next_at_s = self._timers.next_at_s()
        return 1.0 if next_at_s is None else max(0.0, min(1.0, next_at_s - now.mono_s))

    def turn(self, now: Moment) -> None:
        """Due deadlines, then at most BATCH items, then the pairing of what changed."""
        self._meter.gauge("dialer_dispatcher_backlog", len(self._inbox))
        for at_s, kind, name in self._timers.due(now.mono_s):
            self._time_out(at_s, kind, name, now)
        for _ in range(min(BATCH, len(self._inbox))):
            self._handle(self._inbox.popleft(), now)
        if self._dirty:
            self._pair_all(now)
            self._changed()
        if now.mono_s - self._alive_at_s >= 1.0:
            self._alive_at_s = now.mono_s
            self._alive()

    def _handle(self, item: Item, now: Moment) -> None:
        match item:
            case SwitchEvent():
                self._router.route(item, now)
            case ToAttempt():
                if self._is_meant_attempt(item):
                    self.to_attempt(item.attempt, item.event, now)
            case ToOperator():
                if self._is_meant_operator(item):
                    self.to_operator(item.operator, item.event, now)
            case Do():
                self._do(item, now)

    def _is_meant_attempt(self, item: ToAttempt) -> bool:
        if item.offered_to is None:
            return True
        one = self._calls.attempts.get(item.attempt)
        return (
            one is not None
            and one.state is AttemptState.OFFERED
            and one.operator_leg == item.offered_to
        )

    def _is_meant_operator(self, item: ToOperator) -> bool:
        one = self._calls.operators.get(item.operator)
        return one is None or (
            (item.leg is None or one.leg == item.leg)
            and (item.attempt is None or one.attempt == item.attempt)
        )

    def _do(self, item: Do, now: Moment) -> None:
        try:
            item.answer.set(item.run(now))
        except Exception as error:  # noqa: BLE001 - the asker decides; the dispatcher lives on
            item.answer.set_exception(error)

    def _time_out(self, at_s: float, kind: str, name: str, now: Moment) -> None:
        value: Attempt | Operator | None
        if kind == "attempt":
            value = self._calls.attempts.get(AttemptId(name))
            if value is not None and value.deadline_at == at_s:
                self.to_attempt(AttemptId(name), happened.TimedOut(), now)
        else:
            value = self._calls.operators.get(OperatorId(name))
            if value is not None and value.deadline_at == at_s:
                self.to_operator(OperatorId(name), happened.TimedOut(), now)

    # ------------------------------------------------------------------ steps

    def begin(self, attempt: Attempt) -> None:
        """A new or adopted attempt enters (called inside a turn)."""
        self._calls.put_attempt(attempt)
        self._deadline("attempt", attempt.claimed.attempt_id, None, attempt.deadline_at)
        self._touch(attempt)

    def adopt(self, found: Sequence[OpenAttempt], now: Moment) -> None:
        """Attempts of an earlier life become live, out of sight (called inside a turn)."""
        for one in found:
            campaign = self._calls.campaign_of(one)
            self.begin(attempts.adopt(one, attempts.CallRules.of(campaign), now))

    def enlist(self, operator: Operator) -> None:
        """A new or adopted operator enters (called inside a turn)."""
        self._calls.put_operator(operator)
        self._deadline("operator", operator.id, None, operator.deadline_at)
        self._operator_moved(operator, self._clock.now())
        self._dirty.update(self._calls.profiles[operator.id].groups)

    def to_attempt(self, key: AttemptId, event: Event, now: Moment) -> None:
        attempt = self._calls.find_attempt(key)
        if attempt is None:
            self._meter.count("dialer_events_unknown_total", kind=type(event).__name__)
            return
        try:
            after, effects = attempts.step(attempt, event, now)
        except Bug as error:
            self._refuse("attempt", key, attempt.state, event, error)
            return
        if after is not attempt:
            self._calls.put_attempt(after)
            self._books.attempt_moved(attempt, after, now)
            self._deadline("attempt", key, attempt.deadline_at, after.deadline_at)
            # Not only where the state changed: dialer::ready makes a waiting customer pairable.
            self._touch(after)
            if after.state is not attempt.state:
                self._log_attempt(attempt, after, event)
        for effect in effects:
            self._perform(effect, now)

    def to_operator(self, key: OperatorId, event: Event, now: Moment) -> None:
        operator = self._calls.operators.get(key)
        if operator is None:
            self._meter.count("dialer_events_unknown_total", kind=type(event).__name__)
            return
        try:
            after, effects = operators.step(operator, event, now)
        except Bug as error:
            self._refuse("operator", key, operator.state, event, error)
            return
        if after is not operator:
            self._calls.put_operator(after)
            self._books.operator_moved(operator, after, now)
            self._deadline("operator", key, operator.deadline_at, after.deadline_at)
            self._dirty.update(self._calls.profiles[key].groups)
            if after.state is not operator.state:
                self._log_operator(operator, after, event, now)
        for effect in effects:
            self._perform(effect, now)

    def _refuse(
        self,
        who: str,
        key: str,
        state: AttemptState | OperatorState,
        event: Event,
        error: Bug,
    ) -> None:
        """The tables forbid this pair: the value stays as it was."""
        if self._strict:
            raise error
        self._meter.count("dialer_table_violations_total", machine=who)
        log.error(
            "event not in the state table",
            exc_info=error,
            machine=who,
            key=key,
            state=state.value,
            event_kind=type(event).__name__,
        )

    def _deadline(
        self, kind: str, name: str, before_s: float | None, after_s: float | None
    ) -> None:
        if after_s is not None and after_s != before_s:
            self._timers.set(after_s, kind, name)

    def _touch(self, attempt: Attempt) -> None:
        self._dirty.add(self._calls.group_of(attempt))

    def _log_attempt(self, before: Attempt, after: Attempt, event: Event) -> None:
        log.debug(
            "attempt moved",
            attempt=after.claimed.attempt_id,
            before=before.state.value,
            after=after.state.value,
            event_kind=type(event).__name__,
        )

    def _log_operator(
        self, before: Operator, after: Operator, event: Event, now: Moment
    ) -> None:
        self._operator_moved(after, now)
        if before.state is OperatorState.WRAPUP:
            wrapup_s = now.mono_s - before.since.mono_s
            for group in sorted(self._calls.profiles[after.id].groups)[:1]:
                self._meter.observe("dialer_wrapup_seconds", wrapup_s, group=group)
        log.info(
            "operator moved",
            operator=after.id,
            before=before.state.value,
            after=after.state.value,
            event_kind=type(event).__name__,
        )

    # ------------------------------------------------------------------ pairing

    def _pair_all(self, now: Moment) -> None:
        """A pairing changes two values and may free nobody else: one pass over the groups."""
        groups, self._dirty = self._dirty, set()
        for group in sorted(groups, key=self._urgency):
            if self._calls.waiting.get(group):
                self._pair(group, now)

    def _urgency(self, group: GroupName) -> tuple[int, GroupName]:
        """Groups whose campaigns matter more choose their operators first."""
        most = max(
            (one.priority for one in self._calls.campaigns.values() if one.group == group),
            default=0,
        )
        return (-most, group)

    def _pair(self, name: GroupName, now: Moment) -> None:
        waiting = [
            attempts.waiting_customer(self._calls.attempts[key])
            for key in self._calls.waiting[name]
            if attempts.may_be_paired(self._calls.attempts[key])
        ]
        group = self._calls.groups.get(name)
        if not waiting or group is None:
            return
        ready = [
            operators.ready_operator(operator, place, kept=operator.id in self._calls.kept)
            for place, operator in self._calls.members(name)
            if operators.may_be_paired(operator)
        ]
        pairs = acd.pair(
            waiting, ready, group.strategy, last=self._last_offered.get(name), now=now
        )
        for pair in pairs:
            self._offer(name, pair, now)

    def _offer(self, group: GroupName, pair: acd.Pair, now: Moment) -> None:
        attempt = self._calls.attempts[pair.attempt]
        operator = self._calls.operators[pair.operator]
        campaign = self._calls.campaigns[attempt.claimed.entry.campaign]
        if operator.leg is None:
            raise Bug(f"operator {operator.id} was paired without a leg")
        event = happened.Paired(
            operator=operator.id,
            operator_leg=operator.leg,
            attempt=attempt.claimed.attempt_id,
            wrapup_s=self._calls.wrapup_of(campaign),
            max_talk_s=campaign.max_talk_s,
            beep=self._calls.groups[group].beep,
        )
        self._last_offered[group] = pair.turn
        # His step orders the bridge: it is on its way before anything is logged.
        self.to_attempt(attempt.claimed.attempt_id, event, now)
        self.to_operator(operator.id, event, now)
