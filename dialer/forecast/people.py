"""Callers and operators of a simulated shift: what a call will come to is drawn when it goes
out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum, auto

from dialer.core.model import Disposition
from dialer.forecast.feed import Contact
from dialer.forecast.scenario import SILENT_EXTRA_S, Scenario


class State(Enum):
    """An operator's."""

    IDLE = auto()
    TALKING = auto()
    WRAPUP = auto()
    AWAY = auto()


class Operator:
    """`going`: wants to be away; `leaving`: has said so; `factor`: of his talks' length."""

    __slots__ = (
        "call",
        "factor",
        "going",
        "leaving",
        "place",
        "since_s",
        "state",
        "talked_s",
        "wrapup_s",
    )

    def __init__(self, place: int, factor: float) -> None:
        self.place = place
        self.factor = factor
        self.state = State.AWAY
        self.since_s = 0.0
        self.going, self.leaving = True, False
        self.talked_s = 60.0
        self.wrapup_s = 0.0
        self.call: Call | None = None


class Call:
    """A call in flight. `ending` None: it will be answered at `ends_s`; `ripe_s`: from then on
    it may be given up.
    """

    __slots__ = (
        "answered_s",
        "contact",
        "ending",
        "ends_s",
        "id",
        "launched_s",
        "machine",
        "number",
        "ripe_s",
    )

    def __init__(self, call_id: int, contact: Contact, launched_s: float) -> None:
        self.id = call_id
        self.contact = contact
        self.launched_s = launched_s
        self.answered_s = 0.0
        self.ending: Disposition | None = None
        self.ends_s = math.inf
        self.ripe_s = math.inf
        self.machine = False
        self.number = -1


def place_call(
    call_id: int,
    contact: Contact,
    now_s: float,
    scenario: Scenario,
    dice: Sequence[float],
    ring_s: float,
) -> Call:
    """A call that goes out now. `dice`: six uniform numbers; `ring_s`: how long it would ring
    until an answer.
    """
    people, line = scenario.people, scenario.line
    call = Call(call_id, contact, now_s)
    answers, fails, delay, rejects, silent, machine = dice
    post_dial_s = people.post_dial_s[0] + delay * (
        people.post_dial_s[1] - people.post_dial_s[0]
    )
    rings_at_s = now_s + post_dial_s
    if contact.dead:
        call.ending = Disposition.INVALID_NUMBER
        call.ends_s = now_s + 1.0 + rejects
        return call
    chance = people.chance(now_s, contact.tries)
    if answers < chance and post_dial_s + ring_s < line.ring_timeout_s:
        call.ends_s = rings_at_s + ring_s
        call.machine = machine < people.machine_share
    elif answers >= chance and fails < people.failed_share:
        call.ending = Disposition.BUSY
        call.ends_s = now_s + 1.0 + rejects
        return call
    elif rejects < people.rejected_share:
        call.ending = Disposition.REJECTED
        rung_s = rejects / people.rejected_share * (line.ring_timeout_s - 2.0)
        call.ends_s = rings_at_s + rung_s
    else:
        call.ending = Disposition.NO_ANSWER
        call.ends_s = now_s + line.ring_timeout_s
    quiet = silent < people.silent_share
    since_s = now_s + SILENT_EXTRA_S if quiet else rings_at_s
    call.ripe_s = since_s + line.ring_least_s
    return call
