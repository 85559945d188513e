"""The price of risk: the largest risk at which one more call is worth launching (pacing.md 4).

Two loops of different speed. The slow one steers by *predicted* risk, which is far quieter
than drops: at each answered call with launch risk q, log price += RATE * (1 - c q / target),
with c = real / predicted abandonments, learned slowly. The fast one forgets: a leaky sum of
real less predicted drops, above one, brakes. While a ledger holds the price down it does not
learn: else it winds up and the release is a burst.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

#: How far one answered call moves the price.
RATE = 0.02
#: Start and bounds, in caps.
_START, _LEAST, _MOST = 1.3, 0.1, 6.0
#: Whatever the cap: half of the answered are never risked.
_HIGHEST = 0.5
#: Memory of real / predicted, in answers, and the drops it is believed to have seen before.
_MEMORY = 1500.0
_BELIEF = 4.0
#: The brake forgets in so many seconds and bites so hard.
_BRAKE_S = 90.0
_BRAKE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """`theta` is the price before brake and ledgers; `surplus` the brake's leaky sum."""

    cap: float
    theta: float
    real: float = _BELIEF
    predicted: float = _BELIEF
    surplus: float = 0.0
    at_s: float = 0.0

    @property
    def bias(self) -> float:
        """Real over predicted abandonments."""
        return self.real / self.predicted


def start(cap: float) -> Price:
    return Price(cap=cap, theta=_bounded(_START * cap, cap))


def taken(price: Price, state: Mapping[str, Any]) -> Price:
    """Go on from a saved state; ValueError where it does not fit."""
    theta, real, predicted = (float(state[name]) for name in ("theta", "real", "predicted"))
    if not (0.0 < theta < 1.0 and 0.0 < real < 1e6 and 0.0 < predicted < 1e6):
        raise ValueError("price")
    return replace(price, theta=_bounded(theta, price.cap), real=real, predicted=predicted)


def answered(price: Price, *, risk: float, target: float, held: bool, now_s: float) -> Price:
    """A call launched at this risk was answered. `target`: the rate of drops that would just
    spend what the ledger has left; `held`: a ledger keeps the price down.
    """
    keep = 1.0 - 1.0 / _MEMORY
    decayed = _decayed(price, now_s)
    real = _BELIEF + (price.real - _BELIEF) * keep
    predicted = _BELIEF + (price.predicted - _BELIEF) * keep + risk
    bias, theta = real / predicted, price.theta
    if not held:
        step = RATE * (1.0 - bias * risk / max(target, 1e-6))
        theta = _bounded(theta * math.exp(max(-0.5, min(RATE, step))), price.cap)
    return replace(
        decayed,
        real=real,
        predicted=predicted,
        surplus=decayed.surplus - risk * bias,
        theta=theta,
    )


def abandoned(price: Price, now_s: float) -> Price:
    """An answered call found no operator in time."""
    price = _decayed(price, now_s)
    return replace(price, real=price.real + 1.0, surplus=price.surplus + 1.0)


def braked(price: Price, operators: int, now_s: float) -> float:
    """The price with the brake: a cluster of drops says that the model is wrong now."""
    excess = _decayed(price, now_s).surplus - 1.0
    if excess <= 0.0:
        return price.theta
    return price.theta * math.exp(-_BRAKE * excess * min(1.0, 8.0 / max(1, operators)))


def _decayed(price: Price, now_s: float) -> Price:
    if now_s <= price.at_s:
        return price  # a clock that steps back forgets nothing
    keep = math.exp((price.at_s - now_s) / _BRAKE_S)
    return replace(price, surplus=max(-1.0, price.surplus * keep), at_s=now_s)


def _bounded(theta: float, cap: float) -> float:
    return min(_HIGHEST, _MOST * cap, max(_LEAST * cap, theta))
