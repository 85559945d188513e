"""What a tracker has learned as plain JSON values, and a tracker that begins with it.

Shapes, durations, price and the last half hour come back; calls in flight, talks and the cap's
books do not: those have their own places. Another version is refused, never guessed at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dialer.core.pacing.answers import CAUTIOUS_RATE, Answers
from dialer.core.pacing.cap_rule import CapRule
from dialer.core.pacing.durations import Durations, Hazard
from dialer.core.pacing.tracker import Tracker

VERSION = 1
#: The present level of answering is believed after a pause of so long.
FRESH_S = 900.0
#: It weighs as much as so many calls.
_WEIGHT = 20.0


class OtherVersion(Exception):
    """Saved by another version of the dialer, or not by a dialer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How a campaign begins. `rate`: answers per call about this hour, None: unknown."""

    rule: CapRule
    ring_timeout_s: float
    rate: float | None
    now_s: float


def remembered(tracker: Tracker, now_s: float) -> dict[str, Any]:
    """Everything worth keeping; instants as seconds before `now_s`."""
    answers, durations, price = tracker.answers, tracker.durations, tracker.price
    return {
        "version": VERSION,
        "answers": answers.answers,
        "rate": answers.rate,
        "answered": answers.shapes[0].tolist(),
        "ended": answers.shapes[1].tolist(),
        "hazards": [[h.events.tolist(), h.exposure.tolist()] for h in _hazards(durations)],
        "level": [durations.level.real, durations.level.expected],
        "price": [price.theta, price.real, price.predicted],
        "stretch": [[now_s - at, n, k] for at, n, k in tracker.stretch.entries()],
    }


def restored(saved: Any, start: Start, *, ago_s: float = 0.0) -> Tracker:
    """A tracker with what was saved `ago_s` ago; None: a cautious one. Raises OtherVersion."""
    tracker = Tracker(rule=start.rule, ring_timeout_s=start.ring_timeout_s, now_s=start.now_s)
    rate, weight = start.rate, 6.0
    if saved is not None:
        try:
            if saved["version"] != VERSION:
                raise OtherVersion(f"version {saved['version']}, ours is {VERSION}")
            if ago_s <= FRESH_S:
                rate, weight = float(saved["rate"]), _WEIGHT
        except (TypeError, KeyError, ValueError, IndexError) as error:
            raise OtherVersion("they are not in our form") from error
    tracker.answers = Answers(
        ring_timeout_s=start.ring_timeout_s,
        rate=min(0.95, max(0.003, CAUTIOUS_RATE if rate is None else rate)),
        weight=weight,
        start_s=start.now_s,
    )
    if saved is not None:
        try:
            _fill(tracker, saved, start, ago_s)
        except (TypeError, KeyError, ValueError, IndexError) as error:
            raise OtherVersion("they are not in our form") from error
    return tracker


def _fill(tracker: Tracker, saved: Any, start: Start, ago_s: float) -> None:
    tracker.answers.take_shapes(_numbers(saved["answered"]), _numbers(saved["ended"]))
    for hazard, (events, exposure) in zip(
        _hazards(tracker.durations), saved["hazards"], strict=True
    ):
        if len(events) != len(hazard.events) or len(exposure) != len(hazard.exposure):
            raise ValueError("another number of ages")
        hazard.events, hazard.exposure = (
            np.array(_numbers(events)),
            np.array(_numbers(exposure)),
        )
    real, expected = _numbers(saved["level"])
    tracker.durations.level.real, tracker.durations.level.expected = real, expected
    theta, real, predicted = _numbers(saved["price"])
    if not min(real, predicted) > 0.0:
        raise ValueError("a price of nothing")
    cap = start.rule.limit
    theta = min(6.0 * cap, max(0.1 * cap, theta))
    tracker.price = replace(
        tracker.price, theta=theta, real=real, predicted=predicted, at_s=start.now_s
    )
    for before_s, answers, abandoned in saved["stretch"]:
        at_s = start.now_s - ago_s - float(before_s)
        tracker.stretch.count(at_s, answers=int(answers), abandoned=int(abandoned))


def _numbers(values: Sequence[Any]) -> list[float]:
    found = [float(value) for value in values]
    if not np.isfinite(found).all() or min(found, default=0.0) < 0.0:
        raise ValueError("not a number of events")
    return found


def _hazards(durations: Durations) -> tuple[Hazard, ...]:
    return (durations.talk, *durations.wrapups)
