"""What one called number, or one operator's phone, will do in one call: drawn by seed.

The plan of the nth call to a number is a function of (seed, subscriber, n) alone, so two runs
with the same world differ only where the dialer differs. Whether a number exists at all is
drawn from (seed, subscriber): a dead number stays dead. A pattern of the world overrides the
draw.

`SHAPES` documents every behaviour: what the carrier says first, how it ends, what the person
does after an answer. Status 200 is an answer, None means that nobody ever answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from types import MappingProxyType

from dialer.errors import ConfigError, Problem
from dialer.sim.world import Callees, Pattern, World


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A behaviour: `first` is 180, 183 or None; `person` what happens after an answer."""

    status: int | None
    first: int | None = None
    person: str = ""  # "waits" | "leaves" | "vanishes" | "gone" | "presses" | "machine"
    reason_q850: int | None = None
    text_603plus: str | None = None
    instant: bool = False


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "answer": Shape(status=200, first=180, person="waits"),
        "answer_without_ringing": Shape(status=200, person="waits"),
        "impatient": Shape(status=200, first=180, person="leaves"),
        "vanish": Shape(status=200, first=180, person="vanishes"),
        "gone": Shape(status=200, first=180, person="gone"),  # no ANSWER is told (sample 29)
        "opt_out": Shape(status=200, first=180, person="presses"),
        "machine": Shape(status=200, first=180, person="machine"),
        "no_answer": Shape(status=None, first=180),
        "silent": Shape(status=None),
        "glare": Shape(status=None, first=180),  # their 200 crosses our CANCEL (sample 24)
        "busy": Shape(status=486),
        "rejected": Shape(status=603, first=180),
        "declined": Shape(status=603),
        "blocked": Shape(status=603, text_603plus="Network Blocked"),
        "rejected_608": Shape(status=608),
        "invalid": Shape(status=404),
        "number_changed": Shape(status=410),
        "incomplete": Shape(status=484),
        "unavailable": Shape(status=480),
        "forbidden": Shape(status=403),
        "carrier_failure": Shape(status=503),
        "congestion": Shape(status=503, reason_q850=34),
        "timer_expired": Shape(status=408),
        "server_error": Shape(status=500),
        "not_acceptable": Shape(status=488),
        "carrier_ends_ringing": Shape(status=487, first=180),
        "early_media_busy": Shape(status=486, first=183),
        "early_media_unavailable": Shape(status=480, first=183),
        "early_media_invalid": Shape(status=404, first=183),
        "instant_busy": Shape(status=486, instant=True),
        "instant_answer": Shape(status=200, person="waits", instant=True),
    }
)

_VANISH_S = (0.0, 0.01, 0.02, 0.04, 0.1)
_PICKS_UP_AT_ONCE_S = 0.02  # a phone that answers by itself sends no 180 (sample 20)
_MACHINE_TALKS_S = (8.0, 35.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPlan:
    """One call as it will go if nobody interferes. Seconds count from the INVITE.

    `first` (180 or 183) comes at `first_s`, `status` at `final_s`. After an answer the callee
    leaves `patience_s` later unless bridged, and `talk_s` after a bridge (None = never). He
    presses `key` `key_s` after the recorded message began.
    """

    behaviour: str
    first: int | None
    first_s: float
    status: int | None
    final_s: float
    reason_q850: int | None = None
    text_603plus: str | None = None
    patience_s: float | None = None
    talk_s: float | None = None
    key: str | None = None
    key_s: float = 0.0
    gone: bool = False  # his BYE comes with his answer, before the switch has told that


def check_patterns(world: World) -> None:
    """Raises ConfigError for a pattern that is no regex or names no behaviour."""
    problems = []
    for pattern in world.patterns:
        place = f"patterns: {pattern.digits}"
        if pattern.behaviour not in SHAPES:
            known = ", ".join(SHAPES)
            what = f"no behaviour {pattern.behaviour!r}"
            problems.append(Problem(place=place, what=what, remedy=known))
        try:
            re.compile(pattern.digits)
        except re.error as error:
            problems.append(Problem(place=place, what=f"is no regular expression: {error}"))
    if problems:
        raise ConfigError(problems)


def plan_call(world: World, digits: str, nth: int) -> CallPlan:
    """What the `nth` call (1 = first) to this number will do."""
    who = subscriber(digits)
    draw = Random(f"{world.seed}:{who}:{nth}")
    pattern = next((one for one in world.patterns if _matches(one.digits, digits)), None)
    if pattern is not None:
        name = pattern.behaviour
    elif Random(f"{world.seed}:{who}").random() < _dead_share(world.callees):
        name = "invalid"
    else:
        name = _draw_behaviour(world.callees, draw)
    return _plan(world.callees, name, pattern, draw)


def subscriber(digits: str) -> str:
    """Who is meant: +79161234567, 89161234567 and 9161234567 by any gateway are one person."""
    return digits[-10:]


def plan_phone(world: World, extension: str, nth: int) -> tuple[CallPlan, float | None]:
    """What an operator's phone will do, and after how long its leg is lost (None = never)."""
    draw = Random(f"{world.seed}:phone:{extension}:{nth}")
    phones = world.phones
    answer_s = draw.uniform(*phones.answer_s)
    refuses = _matches(phones.refusing, extension)
    plan = CallPlan(
        behaviour="refusing" if refuses else "phone",
        first=180 if answer_s > _PICKS_UP_AT_ONCE_S else None,
        first_s=_PICKS_UP_AT_ONCE_S,
        status=603 if refuses else 200,
        final_s=answer_s,
    )
    lost_s = None
    if phones.losses_per_hour > 0:
        lost_s = draw.expovariate(phones.losses_per_hour / 3600.0)
    return plan, lost_s


def _plan(callees: Callees, name: str, pattern: Pattern | None, draw: Random) -> CallPlan:
    """Draws always come in the same order, so that forcing one value moves no other."""
    shape = SHAPES[name]
    dial_s = draw.uniform(*callees.post_dial_delay_s)
    ring_s = _lognormal(draw, callees.ring_median_s, callees.ring_sigma)
    talk_s: float = _lognormal(draw, callees.talk_median_s, callees.talk_sigma)
    patience_s = _patience(callees, shape.person, draw)
    key_s = draw.uniform(0.3, 2.5)
    presses = shape.person == "presses" or draw.random() < callees.key_share
    if pattern is not None:
        dial_s = dial_s if pattern.dial_s is None else pattern.dial_s
        ring_s = ring_s if pattern.ring_s is None else pattern.ring_s
        talk_s = talk_s if pattern.talk_s is None else pattern.talk_s
        patience_s = patience_s if pattern.patience_s is None else pattern.patience_s
    if shape.instant:
        dial_s = ring_s = 0.0
    answered = shape.status == 200
    return CallPlan(
        behaviour=name,
        first=shape.first,
        first_s=dial_s,
        status=shape.status,
        final_s=dial_s + ring_s if shape.first or answered else dial_s,
        reason_q850=shape.reason_q850,
        text_603plus=shape.text_603plus,
        patience_s=patience_s if answered else None,
        talk_s=talk_s if answered else None,
        key=callees.key if answered and presses and shape.person != "machine" else None,
        key_s=key_s,
        gone=shape.person == "gone",
    )


def _patience(callees: Callees, person: str, draw: Random) -> float | None:
    impatient = draw.random() < callees.impatient_share
    early_s, waits_s = draw.uniform(0.0, 3.0), draw.expovariate(1.0 / callees.patience_mean_s)
    if person == "vanishes":
        return draw.choice(_VANISH_S)
    if person == "machine":
        return draw.uniform(*_MACHINE_TALKS_S)
    if person == "presses":
        return None
    if person == "leaves" or (person == "waits" and impatient):
        return early_s
    return 3.0 + waits_s


def _draw_behaviour(callees: Callees, draw: Random) -> str:
    early = draw.choice(("early_media_busy", "early_media_unavailable", "early_media_invalid"))
    silent = draw.random() < callees.silent_share
    shares = {
        "answer": callees.answered,
        "machine": callees.machine,
        "busy": callees.busy,
        "silent" if silent else "no_answer": callees.no_answer,
        "rejected": callees.rejected,
        "blocked": callees.blocked,
        "unavailable": callees.unavailable,
        "carrier_failure": callees.carrier_failure,
        early: callees.early_media,
    }
    return draw.choices(list(shares), weights=list(shares.values()))[0]


def _dead_share(callees: Callees) -> float:
    living = (
        callees.answered
        + callees.machine
        + callees.busy
        + callees.no_answer
        + callees.rejected
        + callees.blocked
        + callees.unavailable
        + callees.carrier_failure
        + callees.early_media
    )
    whole = living + callees.invalid
    return callees.invalid / whole if whole > 0 else 0.0


def _lognormal(draw: Random, median: float, sigma: float) -> float:
    return median * math.exp(draw.gauss(0.0, 1.0) * sigma)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _matches(pattern: str, text: str) -> bool:
    return bool(pattern) and _compiled(pattern).fullmatch(text) is not None


def matches_extension(pattern: str, extension: str) -> bool:
    """True if a pattern of `Phones` means this extension."""
    return _matches(pattern, extension)
