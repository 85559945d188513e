"""A campaign's past as assumptions: each value with the observations that it rests on.

Where the past says too little of something (`LEAST` observations) the default stays. Shares get
the doubt of a binomial count, durations that of a mean; how much days differ is what daily
values spread beyond their own sampling, drawn towards the default while there are few days. The
mean of few days is no truth either: their spread is part of its doubt.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

import numpy as np

from dialer.core.calls.operator_value import OperatorState
from dialer.core.model import CampaignName, Disposition
from dialer.forecast.assumptions import KEYS, Assumed, Assumption, Source, defaults
from dialer.forecast.spreads import Spread, gamma, lognormal, observed
from dialer.ports import PastAnswer, PastCalls, PastEnding, PastHour

#: Of fewer observations nothing is concluded.
LEAST = 30
#: A shape is taken from so many durations, below them only the mean.
SHAPE = 150
#: So many calls an hour needs to weigh as much as the whole day's rate.
_HOUR_WEIGHT = 60.0
#: A day counts with so many calls or talks; the default spread weighs so many days.
_DAY_CALLS, _DAY_TALKS, _PRIOR_DAYS = 50, 30, 3.0
#: The latest answered calls that are looked at.
MOST = 20_000


def fit(
    past: PastCalls,
    campaign: CampaignName,
    span: tuple[datetime, datetime],
    zone: str,
    overrides: Mapping[str, Assumption],
) -> Assumed:
    """Everything that history supports, the defaults, and the overrides over both."""
    since, until = span
    hours = past.hours(campaign, since, until, zone)
    endings = past.endings(campaign, since, until)
    answers = past.answers(campaign, since, until, MOST)
    talks = [one for one in answers if one.disposition == Disposition.TALKED and one.talk_s]
    values = defaults()
    values.update(_shares(endings, answers))
    values.update(_days(hours, talks))
    values.update(_talks(talks))
    values.update(_of_few_days(values, hours, talks))
    wrapups = [one for one in past.wrapups_s(campaign, since, until, MOST) if one < 3600.0]
    rings = [one.ring_s for one in answers if 0.0 <= one.ring_s < 120.0]
    delays = [one.post_dial_s for one in answers if one.post_dial_s is not None]
    values.update(_duration("wrapup_s", wrapups) | _duration("ring_s", rings))
    values.update(_duration("post_dial_s", delays) | _presence(past, campaign, span))
    values.update(overrides)
    calls = sum(one.calls for one in hours)
    return shaped(
        values,
        talk=[one.talk_s for one in talks if one.talk_s],
        wrapup=wrapups,
        ring=rings,
        hours={} if "answer_rate" in overrides else _profile(hours),
        history=f"{calls} calls on {len({one.day for one in hours})} days",
    )


def shaped(
    values: Mapping[str, Assumption],
    *,
    talk: Sequence[float] = (),
    wrapup: Sequence[float] = (),
    ring: Sequence[float] = (),
    hours: Mapping[int, float] | None = None,
    history: str = "no history was asked",
) -> Assumed:
    """Assumptions with the shapes of their durations: of observations where there are enough,
    else lognormal (talk, wrap-up) and gamma (ringing).
    """

    def shape(name: str, seen: Sequence[float], law: Spread) -> Spread:
        steady = len(seen) >= SHAPE and values[f"{name}_variation"].source is not Source.STATED
        return (observed(seen) if steady else law).with_mean(values[f"{name}_s"].value)

    ring_s = values["ring_s"].value
    return Assumed(
        values=values,
        talk=shape("talk", talk, lognormal(90.0, values["talk_variation"].value)),
        wrapup=shape("wrapup", wrapup, lognormal(20.0, values["wrapup_variation"].value)),
        ring=(observed(ring) if len(ring) >= SHAPE else gamma(9.0, 2.5)).with_mean(ring_s),
        hours=hours or {},
        history=history,
    )


def share_seen(name: str, part: float, whole: float) -> dict[str, Assumption]:
    """A share of counts; nothing where there are too few of them."""
    if whole < LEAST:
        return {}
    # Half a case on either side: none of 40 is not "never".
    value = (part + 0.5) / (whole + 1.0)
    doubt = 1.0 / math.sqrt((whole + 1.0) * value * (1.0 - value))
    inside = min(KEYS[name].most, value)
    return _one(name, inside, int(whole), doubt)


def _one(name: str, value: float, observations: int, doubt: float) -> dict[str, Assumption]:
    return {
        name: Assumption(
            name=name,
            value=value,
            source=Source.HISTORY,
            observations=observations,
            doubt=doubt,
        )
    }


def _shares(
    endings: Sequence[PastEnding], answers: Sequence[PastAnswer]
) -> dict[str, Assumption]:
    def calls(*names: Disposition) -> int:
        return sum(one.calls for one in endings if one.disposition in names)

    every = sum(one.calls for one in endings)
    answered = sum(one.answered for one in endings)
    invalid = calls(Disposition.INVALID_NUMBER)
    dead_silent = sum(
        one.silent for one in endings if one.disposition == Disposition.INVALID_NUMBER
    )
    silent = sum(one.silent for one in endings) - dead_silent
    open_calls = every - answered - invalid
    rejected = calls(Disposition.REJECTED)
    found = share_seen("answer_rate", answered, every - invalid)
    found |= share_seen("invalid_share", invalid, every)
    found |= share_seen("machine_share", calls(Disposition.MACHINE), answered)
    found |= share_seen("failed_share", silent, open_calls)
    found |= share_seen("rejected_share", rejected, open_calls - silent)
    waited_s = sum(one.wait_s or 0.0 for one in answers)
    left = calls(Disposition.SHORT_HANGUP)
    if answered >= LEAST and waited_s > 60.0:
        found |= _one(
            "hang_ups_per_s", (left + 0.5) / waited_s, left, 1 / math.sqrt(left + 1.0)
        )
    return found | _later(endings)


def _later(endings: Sequence[PastEnding]) -> dict[str, Assumption]:
    """Odds of an answer at later tries against the first."""
    counts = {
        later: (
            sum(one.answered for one in endings if one.later is later) + 0.5,
            sum(one.calls - one.answered for one in endings if one.later is later) + 0.5,
        )
        for later in (False, True)
    }
    fewest = min(sum(pair) for pair in counts.values())
    if fewest < 2 * LEAST:
        return {}
    (first_yes, first_no), (later_yes, later_no) = counts[False], counts[True]
    odds = (later_yes / later_no) / (first_yes / first_no)
    doubt = math.sqrt(sum(1.0 / count for pair in counts.values() for count in pair))
    return _one("later_odds", min(20.0, odds), int(later_yes + later_no), doubt)


def _days(hours: Sequence[PastHour], talks: Sequence[PastAnswer]) -> dict[str, Assumption]:
    """How much days differ, beyond what chance alone makes of a day."""
    calls: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    for one in hours:
        calls[one.day][0] += one.calls
        calls[one.day][1] += one.answered
    odds, sampled = [], []
    for every, answered in calls.values():
        if every >= _DAY_CALLS:
            rate = (answered + 0.5) / (every + 1.0)
            odds.append(math.log(rate / (1.0 - rate)))
            sampled.append(1.0 / (every * rate * (1.0 - rate)))
    found = _between("day_spread", odds, sampled)
    by_day: dict[date, list[float]] = defaultdict(list)
    for talk in talks:
        by_day[talk.day].append(talk.talk_s or 0.0)
    means, sampled = [], []
    for seen in by_day.values():
        if len(seen) >= _DAY_TALKS:
            mean = float(np.mean(seen))
            means.append(math.log(mean))
            sampled.append(float(np.var(seen)) / mean**2 / len(seen))
    return found | _between("talk_day_spread", means, sampled)


def _between(
    name: str, daily: Sequence[float], sampled: Sequence[float]
) -> dict[str, Assumption]:
    if len(daily) < 2:
        return {}
    beyond = max(0.0, float(np.var(daily, ddof=1)) - float(np.mean(sampled)))
    default, days = KEYS[name].default or 0.0, len(daily) - 1
    variance = (days * beyond + _PRIOR_DAYS * default**2) / (days + _PRIOR_DAYS)
    return _one(name, math.sqrt(variance), len(daily), 0.0)


def _of_few_days(
    values: Mapping[str, Assumption], hours: Sequence[PastHour], talks: Sequence[PastAnswer]
) -> dict[str, Assumption]:
    """Answer rate and talk with the doubt that days differ: of ten thousand calls on one day
    nobody knows what a usual day is.
    """
    calls: dict[date, float] = defaultdict(float)
    for one in hours:
        calls[one.day] += one.calls
    talked: dict[date, float] = defaultdict(float)
    for talk in talks:
        talked[talk.day] += 1.0
    found = {}
    for name, spread, weights in (
        ("answer_rate", "day_spread", list(calls.values())),
        ("talk_s", "talk_day_spread", list(talked.values())),
    ):
        known = values[name]
        if known.source is not Source.HISTORY or not sum(weights):
            continue
        # As many days of equal weight would leave the mean so uncertain.
        days = sum(weights) ** 2 / sum(weight**2 for weight in weights)
        doubt = math.hypot(known.doubt, values[spread].value / math.sqrt(days))
        found[name] = replace(known, doubt=doubt)
    return found


def _talks(talks: Sequence[PastAnswer]) -> dict[str, Assumption]:
    lengths = [one.talk_s for one in talks if one.talk_s]
    found = _duration("talk_s", lengths)
    if len(lengths) >= SHAPE:
        variation = float(np.std(lengths) / np.mean(lengths))
        found |= _one("talk_variation", min(5.0, variation), len(lengths), 0.0)
    by_operator: dict[str, list[float]] = defaultdict(list)
    for one in talks:
        if one.operator and one.talk_s:
            by_operator[one.operator].append(math.log(one.talk_s))
    own = [seen for seen in by_operator.values() if len(seen) >= 20]
    if len(own) >= 5:
        within = float(np.mean([np.var(seen, ddof=1) / len(seen) for seen in own]))
        between = float(np.var([np.mean(seen) for seen in own], ddof=1)) - within
        found |= _one("operator_spread", math.sqrt(max(0.0, between)), len(own), 0.0)
    return found


def _duration(name: str, seen: Sequence[float]) -> dict[str, Assumption]:
    """The mean of durations, with the doubt of a mean."""
    if len(seen) < LEAST:
        return {}
    mean = max(float(np.mean(seen)), KEYS[name].least, 1e-3)
    doubt = float(np.std(seen)) / mean / math.sqrt(len(seen))
    return _one(name, min(KEYS[name].most, mean), len(seen), doubt)


def _presence(
    past: PastCalls, campaign: CampaignName, span: tuple[datetime, datetime]
) -> dict[str, Assumption]:
    """The share of their time at work that operators paused."""
    rows = past.presence(campaign, *span)
    seconds = {one.state: one.seconds for one in rows}
    paused_s = seconds.get(OperatorState.PAUSED, 0.0)
    at_work_s = paused_s + sum(
        seconds.get(state, 0.0)
        for state in (OperatorState.READY, OperatorState.TALKING, OperatorState.WRAPUP)
    )
    if at_work_s < 8 * 3600.0:
        return {}
    hours = int(at_work_s / 3600.0)
    share = min(0.8, paused_s / at_work_s)
    return _one("break_share", share, hours, 1.0 / math.sqrt(hours))


def _profile(hours: Sequence[PastHour]) -> dict[int, float]:
    """Odds of an answer by hour of the day against all hours, drawn towards 1 by few calls."""
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for one in hours:
        counts[one.hour][0] += one.calls
        counts[one.hour][1] += one.answered
    every = sum(calls for calls, _ in counts.values())
    answered = sum(yes for _, yes in counts.values())
    if every < LEAST or not 0 < answered < every:
        return {}
    whole = answered / every
    found = {}
    for hour, (calls, yes) in counts.items():
        rate = (yes + _HOUR_WEIGHT * whole) / (calls + _HOUR_WEIGHT)
        found[hour] = rate / (1.0 - rate) / (whole / (1.0 - whole))
    return found
