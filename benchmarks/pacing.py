"""One predictive decision, beside the floor of one matrix product of the same size.

1,000 operators and 5,000 calls in flight (aim: p99 under 10 ms), and 10 operators (under 2 ms).
A decision is everything from the events' bins to the answer: outlook, balance, risks; the floor
multiplies calls by age with a table (ages x 3 horizons), operators by age with theirs.
"""

from __future__ import annotations

import os
import time
from typing import Any, NamedTuple

import numpy as np

from dialer.core.model import Mode
from dialer.core.pacing.answers import HORIZON_S
from dialer.core.pacing.cap_ledger import Counts
from dialer.core.pacing.cap_rule import CapRule
from dialer.core.pacing.decide import decide
from dialer.core.pacing.durations import ROWS
from dialer.core.pacing.observation import Observation
from dialer.core.pacing.tracker import Tracker

ROUNDS = 1_500
COUNTS = Counts(person=5_000, abandoned=100)


class Clocks(NamedTuple):
    """Seconds by the wall and of the processor."""

    wall_s: float
    own_s: float

    def __sub__(self, other: Clocks) -> Clocks:
        return Clocks(self.wall_s - other.wall_s, self.own_s - other.own_s)


def run() -> dict[str, Any]:
    """Milliseconds: median and p99 of each."""
    return {
        "load before": round(os.getloadavg()[0], 2),
        "1,000 operators, 5,000 calls": _decisions(1_000, 5_000),
        "100 operators, 400 calls": _decisions(100, 400),
        "10 operators, 25 calls": _decisions(10, 25),
        "floor, same size": _floor(),
    }


def _decisions(operators: int, calls: int) -> dict[str, float]:
    rng = np.random.default_rng(1)
    tracker = Tracker(rule=CapRule(), ring_timeout_s=28.0)
    now_s, number = 30.0, 0
    took: list[Clocks] = []
    for at_s in np.sort(rng.uniform(0.0, 28.0, calls)).tolist():
        tracker.launched([number], [0.02], at_s)
        number += 1
    first = 0
    for _ in range(ROUNDS):
        # As many leave as come, so that the size stays what it is said to be.
        for ended in range(first, number - calls):
            tracker.ended(ended, now_s)
        first = max(first, number - calls)
        busy_s = (rng.exponential(90.0, operators * 3 // 4)).tolist()
        began = clocks()
        outlook = tracker.outlook(
            now_s,
            counts=COUNTS,
            operators=operators,
            ends_s=28_800.0,
            talking_s=busy_s[operators // 5 :],
            wrapup_s=[(age_s / 5.0, 60.0) for age_s in busy_s[: operators // 5]],
        )
        seen = Observation(
            ready=operators // 20,
            logged_in=operators,
            in_flight=calls,
            outlook=outlook,
            tokens=9,
        )
        decision = decide(Mode.PREDICTIVE, seen)
        took.append(clocks() - began)
        new = max(decision.launch, calls // 56)
        tracker.launched(range(number, number + new), [0.02] * new, now_s)
        number += new
        now_s += 0.5
    return figures(took)


def _floor() -> dict[str, float]:
    rng = np.random.default_rng(2)
    calls, operators = rng.random(62), rng.random(ROWS)
    by_call = rng.random((62, 3 * HORIZON_S))
    by_operator = rng.random((ROWS, 3 * HORIZON_S))
    took: list[Clocks] = []
    for _ in range(ROUNDS):
        began = clocks()
        _ = operators @ by_operator - calls @ by_call
        took.append(clocks() - began)
    return figures(took)


def clocks() -> Clocks:
    return Clocks(time.perf_counter(), time.process_time())


def figures(took: list[Clocks]) -> dict[str, float]:
    """Median and p99 by the wall, and p99 of the processor's time that it took itself: what
    others on the machine take away is not in it.
    """
    by_wall, own = (sorted(1e3 * one[clock] for one in took) for clock in (0, 1))
    last = int(len(took) * 0.99)
    return {
        "median_ms": round(by_wall[len(took) // 2], 4),
        "p99_ms": round(by_wall[last], 4),
        "own_p99_ms": round(own[last], 4),
    }
