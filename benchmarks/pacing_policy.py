"""The pacing bench's adapter: what its simulated day shows goes to the same core that dials.

For the hand-out's run.py, from the project's root:
`--policy benchmarks.pacing_policy:Predictive`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dialer.core.model import Mode
from dialer.core.pacing.cap_ledger import CapLedger, Kind
from dialer.core.pacing.cap_rule import CapRule, EarlyHangUps
from dialer.core.pacing.decide import decide
from dialer.core.pacing.observation import Observation
from dialer.core.pacing.tracker import Tracker

_IDLE, _TALK, _WRAP, _AWAY = 0, 1, 2, 3
_MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC)


class Predictive:
    """Thin: it translates, and decides nothing."""

    oracle = False

    def __init__(self, cap: float = 0.03) -> None:
        # The bench counts those who hang up while they wait as abandoned.
        self.rule = CapRule(limit=cap, early_hang_ups=EarlyHangUps.ABANDONED)

    def reset(self, view: Any, scenario: Any = None) -> None:
        self.view = view
        self.tracker = Tracker(rule=self.rule, ring_timeout_s=view.ring_timeout)
        self.ledger = CapLedger(self.rule)
        self.talk: dict[int, int] = {}  # operator: the call in talk
        self.talked_s: dict[int, float] = {}
        self.waiting: list[int] = []  # calls answered, in the order in which they are served
        self.live = 0

    def on_call_end(self, call: Any, outcome: str, now: float) -> None:
        if outcome == "answer":
            self.tracker.answered(call.id, now)
            self._enter(call.id, now, Kind.PENDING)
            self.waiting.append(call.id)
            self.live += 1
        else:
            self.tracker.ended(call.id, now, cancelled=outcome == "cancel")

    def on_connect(self, agent: Any, wait: float, now: float) -> None:
        self.talk[agent.id] = self.waiting.pop(0)
        self.tracker.talk_began(agent.id, now)

    def on_abandon(self, call: Any, now: float) -> None:
        self.waiting.remove(call.id)
        self._enter(call.id, now, Kind.ABANDONED)
        self.tracker.abandoned(now)

    def on_talk_end(self, agent: Any, duration: float, now: float) -> None:
        machine = self.view.answered < self.live  # as the operator has said
        self.live = self.view.answered
        if machine:
            self.tracker.machine(now)
        self._enter(self.talk.pop(agent.id), now, Kind.MACHINE if machine else Kind.PERSON)
        self.talked_s[agent.id] = duration
        self.tracker.talk_ended(agent.id, now)

    def on_wrap_end(self, agent: Any, duration: float, now: float) -> None:
        self.tracker.wrapup_ended(duration, talk_s=self.talked_s[agent.id])

    def decide(self, view: Any) -> Any:
        now = view.now
        staying = [one for one in view.agents if not one.leaving]
        ripe = [one for one in view.inflight.values() if one.may_hang_up(now)]
        busy = sum(1 for one in view.agents if one.state in (_TALK, _WRAP))
        outlook = self.tracker.outlook(
            now,
            counts=self.ledger.counts(_MIDNIGHT + timedelta(seconds=now)),
            operators=busy + len(view.idle),
            ends_s=view.closes_at,
            talking_s=[now - one.since for one in staying if one.state == _TALK],
            wrapup_s=[
                (now - one.since, self.talked_s[one.id])
                for one in staying
                if one.state == _WRAP
            ],
            cancellable_s=[now - one.launched_at for one in ripe],
        )
        seen = Observation(
            ready=len(view.idle),
            logged_in=len(view.agents),
            waiting=sum(1 for one in view.waiting if not one.dead),
            in_flight=len(view.inflight),
            tokens=int(view.tokens),
            channels=view.free_trunks,
            cap=self.rule.limit,
            outlook=outlook,
        )
        decision = decide(Mode.PREDICTIVE, seen)
        if decision.launch:
            ids = range(view.launched, view.launched + decision.launch)
            self.tracker.launched(ids, decision.why.risks[: decision.launch], now)
        ripe.reverse()
        return decision.launch, ripe[: decision.cancel]

    def _enter(self, call: int, now: float, kind: Kind) -> None:
        at = _MIDNIGHT + timedelta(seconds=now)
        self.ledger.enter(call, at.timestamp(), kind)
