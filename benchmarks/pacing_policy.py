"""The pacing bench's adapter: what its simulated day shows goes to the same core that dials.

For the hand-out's run.py, from the project's root:
`--policy benchmarks.pacing_policy:Predictive`.
"""

from __future__ import annotations

from typing import Any

from dialer.core.pacing.predictive import Contender, wanted
from dialer.core.pacing.tracker import Tracker

_IDLE, _TALK, _WRAP, _AWAY = 0, 1, 2, 3


class Predictive:
    """Thin: it counts nothing, decides nothing."""

    oracle = False

    def __init__(self, cap: float = 0.03, **knobs: Any) -> None:
        self.cap = cap
        self.knobs = knobs

    def reset(self, view: Any, scenario: Any = None) -> None:
        self.view = view
        self.tracker = Tracker(cap=self.cap, ring_timeout_s=view.ring_timeout)
        self.talked: dict[int, float] = {}
        self.seen = 0

    def on_call_end(self, call: Any, outcome: str, now: float) -> None:
        if outcome == "answer":
            self.tracker.answered(call.id, now)
            self.seen += 1
        else:
            self.tracker.ended(call.id, now, cancelled=outcome == "cancel")

    def on_connect(self, agent: Any, wait: float, now: float) -> None:
        self.tracker.talk_began(agent.id, now)

    def on_abandon(self, call: Any, now: float) -> None:
        self.tracker.abandoned_call(now)

    def on_talk_end(self, agent: Any, duration: float, now: float) -> None:
        if self.view.answered < self.seen:  # the operator has said that it was a machine
            self.seen = self.view.answered
            self.tracker.machine(now)
        self.talked[agent.id] = duration
        self.tracker.talk_ended(agent.id, now)

    def on_wrap_end(self, agent: Any, duration: float, now: float) -> None:
        self.tracker.wrapup_ended(duration, talk_s=self.talked.get(agent.id, 60.0))

    def decide(self, view: Any) -> Any:
        now = view.now
        most = min(int(view.tokens), view.free_trunks)
        busy = [one for one in view.agents if one.state in (_TALK, _WRAP)]
        ripe = [one for one in view.inflight.values() if one.may_hang_up(now)]
        ripe.reverse()
        outlook = self.tracker.outlook(
            now,
            operators=len(busy) + len(view.idle),
            ends_s=view.closes_at,
            talking_s=[now - a.since for a in busy if a.state == _TALK and not a.leaving],
            wrapup_s=[
                (now - a.since, self.talked.get(a.id, 60.0))
                for a in busy
                if a.state == _WRAP and not a.leaving
            ],
            cancellable_s=[now - one.launched_at for one in ripe],
        )
        waiting = sum(1 for one in view.waiting if not one.dead)
        contender = Contender(outlook=outlook, most=most)
        (want,) = wanted(len(view.idle) - waiting, [contender])
        if want.launch:
            ids = range(view.launched, view.launched + len(want.launch))
            self.tracker.launched(ids, want.launch, now)
        return len(want.launch), ripe[: want.cancel]
