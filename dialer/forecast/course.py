"""One seed's course: all shifts of the question, one after the other, and what they came to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from dialer.core.pacing.certificate import Certificate
from dialer.forecast.drawn import Drawn
from dialer.forecast.feed import ListFeed
from dialer.forecast.grid import FINE, coarse
from dialer.forecast.pace import Pace
from dialer.forecast.pool import Pool
from dialer.forecast.question import Question
from dialer.forecast.tally import Shift, Slice
from dialer.forecast.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Figures of one seed. `finished_h`: hours from the first shift's beginning until nobody is
    left who may be dialed in these shifts, infinite where somebody is; `left` are not at rest.
    `numbers`: of the pool's day, the fullest shift's.
    """

    seed: int
    occupancy: float
    idle_per_talk_s: float
    answers_per_h: float
    talks: float
    attempts: float
    attempts_per_talk: float
    abandonment: float
    worst_shift: float
    bound: float
    cancelled: float
    numbers: float
    used_up_shifts: float
    finished_h: float
    left: float
    cost: float
    worked_h: float
    slices: tuple[Slice, ...]
    decided_s: float


def course(
    question: Question, seed: int, progress: Callable[[float], None] | None = None
) -> Course:
    """Dial all shifts. Deterministic by question and seed."""
    drawn = Drawn(question, seed)
    feed = drawn.feed()
    pool = Pool(question.numbers, question.shifts[0], question.used)
    campaign = question.campaign
    grid = FINE if question.fine else coarse(question.operators)
    pace = Pace(
        question.mode,
        question.rule,
        ring_timeout_s=float(campaign.ring_timeout_s),
        ratio=campaign.ratio,
        begins=question.shifts[0],
        campaign=campaign,
        law_s=grid.law_s,
    )
    shifts: list[Shift] = []
    loads: list[float] = []
    finished_h = math.inf
    for place, begins in enumerate(question.shifts):
        if place:
            pace.begin_shift(begins)
            pool.begin_shift(begins)
            if isinstance(feed, ListFeed):
                feed.begin_shift(begins)
        world = World(
            drawn.shift(place),
            pace,
            feed=feed,
            pool=pool,
            grid=grid,
            strategy=question.strategy,
            progress=progress,
        )
        shift = world.run()
        shifts.append(shift)
        loads.append(pool.load().share if question.numbers else 0.0)
        if shift.finished_s is not None:
            rest_s = (question.shifts[-1] - begins).total_seconds() + question.lasts_s
            if feed.next_s(shift.finished_s) >= rest_s:
                since = begins - question.shifts[0]
                finished_h = (since.total_seconds() + shift.finished_s) / 3600.0
                break
    return _summed(question, seed, shifts, loads, finished_h)


def _summed(
    question: Question, seed: int, shifts: list[Shift], loads: list[float], finished_h: float
) -> Course:
    talk_s = sum(one.talk_s for one in shifts)
    idle_s = sum(one.idle_s for one in shifts)
    talks = sum(one.connects for one in shifts)
    attempts = sum(one.launched for one in shifts)
    answered = sum(one.answered for one in shifts)
    abandoned = sum(one.abandoned for one in shifts)
    lasted_h = sum(one.lasts_s for one in shifts) / 3600.0
    worked_h = (talk_s + idle_s + sum(one.wrapup_s for one in shifts)) / 3600.0
    # The window of the cap is a shift's day: the bound is the worst shift's.
    cap = question.rule.limit
    bound = max(
        Certificate(cap=cap, answers=one.answered, abandoned=one.abandoned).bound
        for one in shifts
    )
    value = question.assumed.value
    minutes = (talk_s + sum(one.waited_s for one in shifts)) / 60.0
    cost = (
        value("price_per_call") * sum(one.charged for one in shifts)
        + value("price_per_minute") * minutes
        + value("price_per_operator_h") * question.operators * lasted_h
    )
    return Course(
        seed=seed,
        occupancy=talk_s / max(1e-9, talk_s + idle_s),
        idle_per_talk_s=idle_s / max(1, talks),
        answers_per_h=answered / max(1e-9, lasted_h),
        talks=talks,
        attempts=attempts,
        attempts_per_talk=attempts / max(1, talks),
        abandonment=abandoned / max(1, answered),
        worst_shift=max(one.abandonment for one in shifts),
        bound=bound,
        cancelled=sum(one.cancelled for one in shifts),
        numbers=max(loads),
        used_up_shifts=sum(1 for load in loads if load >= 1.0),
        finished_h=finished_h,
        left=shifts[-1].left,
        cost=cost,
        worked_h=worked_h,
        slices=shifts[0].slices,
        decided_s=sum(one.decided_s for one in shifts),
    )
