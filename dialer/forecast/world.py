"""One shift in virtual time: an event heap on which people, operators and lines meet the core.

What is true stands in the scenario; what the core sees is what a daemon would see. Decisions
are taken on a grid: each `tick_s`, and on events at most each `gap_s`. An answered call goes at
once to whom core/calls/acd.py pairs it with, else it waits for the line's patience and is then
abandoned. Deterministic: the same scenario, pace and grid give the same shift.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from dialer.core.calls.acd import ReadyOperator, Turn, WaitingCustomer, pair
from dialer.core.model import AttemptId, Disposition, LegId, Mode, Moment, OperatorId, Strategy
from dialer.core.pacing.cap_ledger import Kind
from dialer.core.pacing.observation import Decision
from dialer.core.pacing.throttle import Bucket, available, fill, take
from dialer.forecast.feed import Contact, Endless, Feed
from dialer.forecast.grid import FINE, Grid
from dialer.forecast.luck import Luck
from dialer.forecast.pace import Pace, Seen
from dialer.forecast.people import Call, Operator, State, place_call
from dialer.forecast.pool import Pool
from dialer.forecast.scenario import Move, Scenario, What
from dialer.forecast.tally import Shift, Tally

_WALL = datetime(2000, 1, 1, tzinfo=UTC)  # pairing asks for both clocks, and uses one


class World:
    """One shift; `run` once."""

    def __init__(
        self,
        scenario: Scenario,
        pace: Pace,
        *,
        feed: Feed | None = None,
        pool: Pool | None = None,
        grid: Grid = FINE,
        strategy: Strategy = Strategy.LONGEST_IDLE,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        self._scenario = scenario
        self._pace = pace
        self._feed = feed or Endless()
        self._pool = pool or Pool((), _WALL)
        self._grid = grid
        self._strategy = strategy
        self._progress = progress
        self._luck = Luck(scenario)
        self._tally = Tally(scenario.lasts_s)
        self._operators = [
            Operator(place, factor) for place, factor in enumerate(self._luck.factors)
        ]
        # By place, so that a decision looks at nobody who is away.
        self._idle: dict[int, ReadyOperator] = {}
        self._talking: dict[int, Operator] = {}
        self._wrapup: dict[int, Operator] = {}
        self._in_flight: dict[int, Call] = {}
        self._waiting: dict[int, Call] = {}
        self._heap: list[tuple[float, int, Callable[[Any, float], bool], Any]] = []
        self._order = 0
        self._calls = 0
        self._last_turn: Turn | None = None
        self._decided_s = -math.inf
        self._busy_until_s = 0.0
        self._finished_s: float | None = None
        # What has gathered since the last decision may go out, and no part of a call is lost.
        per_s = scenario.line.calls_per_s
        burst = 1.0 + per_s * max(1.0, grid.tick_s)
        self._bucket = Bucket(rate_per_s=per_s, burst=burst, tokens=burst, at_s=0.0)

    def run(self) -> Shift:
        ends_s = self._scenario.lasts_s
        for move in self._scenario.staff.roster:
            self._at(move.at_s, self._move, move)
        self._at(0.0, self._tick, None)
        gap_s, heap = self._grid.gap_s, self._heap
        now_s = 0.0
        while heap and heap[0][0] <= ends_s and self._finished_s is None:
            now_s, _, happens, subject = heapq.heappop(heap)
            changed = happens(subject, now_s)
            if changed and (now_s - self._decided_s >= gap_s or happens == self._tick):
                self._decide(now_s)
        stopped_s = ends_s if self._finished_s is None else self._finished_s
        self._close(stopped_s)
        return self._tally.shift(stopped_s, self._finished_s)

    def _at(self, at_s: float, happens: Callable[[Any, float], bool], subject: Any) -> None:
        self._order += 1
        heapq.heappush(self._heap, (at_s, self._order, happens, subject))

    # ------------------------------------------------------------------ what happens
    # Each says whether a decision may change by it.

    def _tick(self, _: None, now_s: float) -> bool:
        self._at(now_s + self._grid.tick_s, self._tick, None)
        if self._progress is not None:
            self._progress(now_s)
        if not self._in_flight and self._feed.ready(now_s) == 0:
            self._look_for_the_end(now_s)
        return True

    def _look_for_the_end(self, now_s: float) -> None:
        """Nobody is left to dial today, and the last talk is over."""
        over = not (self._talking or self._wrapup or self._waiting)
        if over and self._feed.next_s(now_s) >= self._scenario.lasts_s:
            self._finished_s = max(self._busy_until_s, 1.0)

    def _call_over(self, call: Call, now_s: float) -> bool:
        if self._in_flight.pop(call.id, None) is None:
            return False  # given up before
        self._pool.ended(call.number)
        if call.ending is not None:
            self._pace.tracker.ended(call.id, now_s)
            self._feed.ended(call.contact, call.ending, now_s)
            self._busy_until_s = now_s
            return True
        call.answered_s = now_s
        self._pace.tracker.answered(call.id, now_s)
        self._pace.enter(call.id, now_s, Kind.PENDING)
        self._waiting[call.id] = call
        self._pair(now_s)
        if call.id in self._waiting:
            self._at(now_s + self._patience(), self._lost, call)
        return False

    def _patience(self) -> float:
        """Until he is abandoned, or hangs up before."""
        limit_s = self._scenario.line.patience_s
        per_s = self._scenario.people.hang_ups_per_s
        if per_s > 0.0:
            limit_s = min(limit_s, -math.log1p(-next(self._luck.waits)[0]) / per_s)
        return limit_s

    def _lost(self, call: Call, now_s: float) -> bool:
        if self._waiting.pop(call.id, None) is None:
            return False
        early = now_s - call.answered_s < self._scenario.line.patience_s - 1e-9
        self._pace.enter(call.id, now_s, Kind.EARLY if early else Kind.ABANDONED)
        if early:
            self._tally.hung_up += 1
            self._feed.ended(call.contact, Disposition.SHORT_HANGUP, now_s)
        else:
            self._feed.ended(call.contact, Disposition.ABANDONED, now_s)
        if not early or self._scenario.line.early_hang_ups_count:
            self._tally.drop(call.answered_s)
            self._pace.tracker.abandoned(now_s)
        else:
            self._tally.answer(call.answered_s)
        return False

    def _talk_over(self, operator: Operator, now_s: float) -> bool:
        call = operator.call
        self._tally.talked(operator.since_s, now_s)
        operator.talked_s = now_s - operator.since_s
        if call is not None:
            self._pace.enter(call.id, now_s, Kind.MACHINE if call.machine else Kind.PERSON)
            if call.machine:
                self._tally.machines += 1
                self._pace.tracker.machine(now_s)
            came_to = Disposition.MACHINE if call.machine else Disposition.TALKED
            self._feed.ended(call.contact, came_to, now_s)
        self._pace.tracker.talk_ended(operator.place, now_s)
        operator.state, operator.since_s, operator.call = State.WRAPUP, now_s, None
        self._wrapup[operator.place] = self._talking.pop(operator.place)
        self._at(now_s + operator.wrapup_s, self._wrapup_over, operator)
        return True

    def _wrapup_over(self, operator: Operator, now_s: float) -> bool:
        lasted_s = now_s - operator.since_s
        self._tally.wrapup_s += lasted_s
        self._pace.tracker.wrapup_ended(lasted_s, talk_s=operator.talked_s)
        self._busy_until_s = now_s
        del self._wrapup[operator.place]
        self._free(operator, now_s)
        return True

    def _move(self, move: Move, now_s: float) -> bool:
        operator = self._operators[move.operator]
        if move.what is What.IN:
            operator.going = operator.leaving = False
            if operator.state is State.AWAY:
                self._free(operator, now_s)
            return True
        operator.going = True
        if operator.state is State.IDLE:
            self._tally.idled(operator.since_s, now_s)
            del self._idle[operator.place]
            operator.state, operator.since_s = State.AWAY, now_s
        elif operator.state is not State.AWAY:
            operator.leaving = move.what is What.OUT
        return True

    def _free(self, operator: Operator, now_s: float) -> None:
        operator.since_s = now_s
        if operator.going:
            operator.state, operator.leaving = State.AWAY, False
            return
        operator.state = State.IDLE
        name = str(operator.place)
        self._idle[operator.place] = ReadyOperator(
            operator=OperatorId(name),
            leg=LegId(name),
            place=operator.place,
            idle_since_s=now_s,
        )
        self._pair(now_s)

    # ------------------------------------------------------------------ hand-over

    def _pair(self, now_s: float) -> None:
        if not self._waiting or not self._idle:
            return
        customers = [
            WaitingCustomer(attempt=AttemptId(str(one.id)), answered_at_s=one.answered_s)
            for one in self._waiting.values()
        ]
        ready, now = list(self._idle.values()), Moment(now_s, _WALL)
        for two in pair(customers, ready, self._strategy, now=now, last=self._last_turn):
            self._last_turn = two.turn
            call = self._waiting.pop(int(two.attempt))
            self._connect(self._operators[int(two.operator)], call, now_s)

    def _connect(self, operator: Operator, call: Call, now_s: float) -> None:
        tally, people = self._tally, self._scenario.people
        starts_s = now_s + self._scenario.line.hand_over_s
        tally.idled(operator.since_s, starts_s)
        tally.connects += 1
        tally.waited_s += starts_s - call.answered_s
        talk_s = next(self._luck.talk) * operator.factor * people.pace_of_talk(now_s)
        wrapup_s = next(self._luck.wrapup)
        if call.machine:
            first, second = next(self._luck.waits)
            talk_s = _between(people.machine_talk_s, first)
            wrapup_s = _between(people.machine_wrapup_s, second)
        else:
            tally.answer(call.answered_s)
        del self._idle[operator.place]
        self._talking[operator.place] = operator
        operator.state, operator.since_s, operator.call = State.TALKING, starts_s, call
        operator.wrapup_s = max(0.2, wrapup_s)
        self._at(starts_s + max(1.0, talk_s), self._talk_over, operator)
        self._pace.tracker.talk_began(operator.place, starts_s)

    # ------------------------------------------------------------------ decisions

    def _decide(self, now_s: float) -> None:
        self._decided_s = now_s
        self._refill(now_s)
        ripe = self._ripe(now_s)
        seen = self._seen(now_s, ripe)
        began_s = time.process_time()
        decision = self._pace.decide(seen)
        self._tally.decided_s += time.process_time() - began_s
        self._tally.decisions += 1
        if decision.cancel:
            if self._pace.mode is Mode.PREDICTIVE:
                ripe.reverse()
            for call in ripe[: decision.cancel]:
                self._give_up(call, now_s)
        if decision.launch:
            self._launch(decision, now_s)

    def _refill(self, now_s: float) -> None:
        line = self._scenario.line
        if line.pauses:
            filled = fill(self._bucket, now_s)
            self._bucket = Bucket(
                rate_per_s=line.rate(now_s),
                burst=filled.burst,
                tokens=filled.tokens,
                at_s=filled.at_s,
            )

    def _ripe(self, now_s: float) -> list[Call]:
        """Calls that have rung long enough to be given up, oldest first."""
        least_s = self._scenario.line.ring_least_s
        found = []
        for call in self._in_flight.values():
            if now_s - call.launched_s < least_s:
                break  # younger ones follow
            if call.ripe_s <= now_s and self._feed.may_cancel(call.contact, now_s):
                found.append(call)
        return found

    def _seen(self, now_s: float, ripe: list[Call]) -> Seen:
        # Who goes home after this call is nobody's next operator.
        talking = [
            max(0.0, now_s - one.since_s) for one in self._talking.values() if not one.leaving
        ]
        wrapup = [
            (now_s - one.since_s, one.talked_s)
            for one in self._wrapup.values()
            if not one.leaving
        ]
        busy_lines = len(self._in_flight) + len(self._waiting) + len(self._talking)
        return Seen(
            now_s=now_s,
            ends_s=self._scenario.lasts_s,
            idle=len(self._idle),
            waiting=len(self._waiting),
            talking_s=talking,
            wrapup_s=wrapup,
            operators=len(self._idle) + len(self._talking) + len(self._wrapup),
            in_flight=len(self._in_flight),
            ripe_s=[now_s - one.launched_s for one in ripe],
            tokens=available(self._bucket, now_s),
            channels=max(0, self._scenario.line.calls_at_once - busy_lines),
            ready=self._feed.ready(now_s),
            numbers=0 if self._pool.empty else None,
        )

    def _launch(self, decision: Decision, now_s: float) -> None:
        self._bucket, granted = take(self._bucket, now_s, decision.launch)
        ids: list[int] = []
        for _ in range(granted):
            contact = self._feed.take(now_s)
            if contact is None:
                break
            number = self._pool.take(now_s)
            if number is None:
                self._feed.give_back(contact)
                break
            ids.append(self._dial(contact, number, now_s))
        if ids:
            self._tally.launch(now_s, len(ids))
            self._tally.charged += len(ids)
            self._pace.launched(ids, decision, now_s)

    def _dial(self, contact: Contact, number: int, now_s: float) -> int:
        self._calls += 1
        call = place_call(
            self._calls,
            contact,
            now_s,
            self._scenario,
            next(self._luck.calls),
            next(self._luck.ring),
        )
        call.number = number
        self._in_flight[call.id] = call
        self._at(call.ends_s, self._call_over, call)
        return call.id

    def _give_up(self, call: Call, now_s: float) -> None:
        del self._in_flight[call.id]
        self._tally.cancelled += 1
        self._pool.ended(call.number)
        self._pace.tracker.ended(call.id, now_s, cancelled=True)
        self._feed.ended(call.contact, Disposition.CANCELLED, now_s)

    def _close(self, now_s: float) -> None:
        """The shift is over: what goes on is counted up to here, who rings is not called."""
        for one in self._operators:
            if one.state is State.TALKING:
                self._tally.talked(one.since_s, now_s)
                if one.call is not None:
                    self._feed.ended(one.call.contact, Disposition.TALKED, now_s)
            elif one.state is State.IDLE:
                self._tally.idled(one.since_s, now_s)
            elif one.state is State.WRAPUP:
                self._tally.wrapup_s += now_s - one.since_s
        for call in (*self._in_flight.values(), *self._waiting.values()):
            self._feed.give_back(call.contact)
        self._tally.left = self._feed.left()


def _between(bounds: tuple[float, float], uniform: float) -> float:
    return bounds[0] + (bounds[1] - bounds[0]) * uniform
