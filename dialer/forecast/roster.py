"""Who is at work when: log-in times, breaks by plan, phones that are lost.

A plan says when breaks are due in the middle; each operator takes his a little earlier or
later, so that the team does not leave as one.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from dialer.forecast.scenario import Move, What


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A break that everybody takes once: about `at_s`, for `lasts_s`."""

    at_s: float
    lasts_s: float


#: Two short ones and lunch, in a shift of eight hours.
BREAKS = (
    Break(at_s=7200.0, lasts_s=600.0),
    Break(at_s=14400.0, lasts_s=1800.0),
    Break(at_s=21600.0, lasts_s=600.0),
)
#: How far a break may lie from its time, to either side.
SPREAD_S = 1500.0
#: A break that would end so short before the shift's end is not taken.
_NOT_BEFORE_END_S = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The shift's plan. `login_s`: over how long the others log in after the first third;
    `lost_per_h`: how often an operator's phone is lost (1 to 5 minutes each).
    """

    breaks: tuple[Break, ...] = BREAKS
    login_s: float = 900.0
    lost_per_h: float = 0.0


BREAKS_OF_8_H = Plan()
STILL = Plan(breaks=(), login_s=0.0)


def roster(plan: Plan, operators: int, lasts_s: float, dice: Generator) -> tuple[Move, ...]:
    """All moves of a shift, in order."""
    moves: list[Move] = []
    for operator in range(operators):
        first = operator < max(1, operators // 3)
        login_s = 0.0 if first else float(dice.uniform(0.0, plan.login_s))
        moves.append(Move(at_s=login_s, operator=operator, what=What.IN))
        for one in plan.breaks:
            at_s = one.at_s + float(dice.uniform(-SPREAD_S, SPREAD_S))
            if one.at_s + one.lasts_s + _NOT_BEFORE_END_S <= lasts_s and at_s > login_s:
                moves += _away(operator, at_s, one.lasts_s, What.OUT)
        if plan.lost_per_h > 0.0:
            moves += _losses(operator, plan.lost_per_h, lasts_s, dice)
    return tuple(sorted(moves))


def _away(operator: int, at_s: float, lasts_s: float, what: What) -> list[Move]:
    back_s = at_s + lasts_s
    return [
        Move(at_s=at_s, operator=operator, what=what),
        Move(at_s=back_s, operator=operator, what=What.IN),
    ]


def _losses(operator: int, per_h: float, lasts_s: float, dice: Generator) -> list[Move]:
    moves: list[Move] = []
    at_s = float(dice.exponential(3600.0 / per_h))
    while at_s < lasts_s:
        for_s = float(dice.uniform(60.0, 300.0))
        moves += _away(operator, at_s, for_s, What.GONE)
        at_s += for_s + float(dice.exponential(3600.0 / per_h))
    return moves
