"""What pacing sees at one moment, and what it answers with the reason as data (R3.2,
pacing.md 7).

All counts are of one campaign on one switch, except the operators: they are those that the
campaign's group may still plan with (`balance.free_for`). A person must be able to redo the
decision from `Why` alone; `sentence` makes text of it, at the edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dialer.core.model import Mode


class Binding(StrEnum):
    """What kept the campaign from launching one call more: a closed set, also a metric's
    label.
    """

    # nothing may go out at all
    SWITCH_BLIND = "switch_blind"
    HALTED = "halted"
    PAUSED = "paused"
    RECORDING = "recording"
    CALLING_HOURS = "calling_hours"
    NO_OPERATORS = "no_operators"
    # the policy wants no more
    OPERATORS_BUSY = "operators_busy"
    BUDGET = "budget"  # one drop more could pass the cap
    CAP = "cap"  # the cap is passed: one call per free operator until it is earned again
    RISK = "risk"  # predictive: its own issue
    # it wants more, and cannot
    HOPPER_EMPTY = "hopper_empty"
    NUMBERS_USED_UP = "numbers_used_up"
    CHANNELS = "channels"
    CPS = "cps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The moment of decision.

    `ready`: operators free for a call now, before `waiting` customers (answered, without an
    operator) and `in_flight` calls (claimed, dialing, ringing) are set against them.
    `ringing_s`: for each call in flight that has rung, since when; empty = none may be given
    up. `abandoned` and `answered` are the cap's window so far. `answer_rate`: share of
    launched calls that people answer, None = unknown (the worst is assumed). Limits: None =
    does not limit.
    """

    ready: int
    offered: int = 0
    talking: int = 0
    wrapup: int = 0
    logged_in: int
    waiting: int = 0
    in_flight: int = 0
    ringing_s: tuple[float, ...] = ()
    # what may go out now
    tokens: int | None = None  # calls per second, gateways and switch
    channels: int | None = None  # calls at once, gateways and switch
    numbers: int | None = None  # calls that the pool may still show today
    hopper_size: int | None = None
    # what the campaign says, and its ledger
    ratio: float = 1.0
    cap: float = 0.03
    abandoned: int = 0
    answered: int = 0
    answer_rate: float | None = None
    # what shuts the campaign
    paused: bool = False
    halted: bool = False
    switch_blind: bool = False
    in_hours: bool = True
    unrecordable: bool = False  # its talks cannot be recorded, and its rule is to stop then


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What a policy wants: so many launches and cancels, and what kept it from wanting more.

    `overdial`: how many calls in flight beyond the free operators it allows.
    """

    launch: int
    cancel: int = 0
    binding: Binding
    overdial: int = 0
    budget_left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The decision's reason: what was seen, what was wanted, what bound."""

    mode: Mode
    binding: Binding
    observation: Observation
    wanted: int
    overdial: int = 0
    budget_left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Launch so many calls now, give up so many ringing ones (longest first), and why."""

    launch: int
    cancel: int
    why: Why


#: A call may be given up after so long a ring (law and R3.14: 15 s or four rings).
RING_MIN_S = 15.0


def may_cancel(seen: Observation, excess: int) -> int:
    """How many of `excess` calls in flight have rung long enough to be given up."""
    rung = sum(1 for ring_s in seen.ringing_s if ring_s >= RING_MIN_S)
    return max(0, min(excess, rung))


_BOUND_BY = {
    Binding.SWITCH_BLIND: "the switch does not answer or its events do not flow",
    Binding.HALTED: "the emergency stop is on",
    Binding.PAUSED: "the campaign is paused",
    Binding.RECORDING: "its talks cannot be recorded now (when_full: stop_dialing)",
    Binding.CALLING_HOURS: "outside the calling hours",
    Binding.NO_OPERATORS: "no operator is logged in",
    Binding.OPERATORS_BUSY: "every free operator has his calls",
    Binding.BUDGET: "more calls could pass the abandonment cap",
    Binding.CAP: "the abandonment cap is passed: one call per free operator",
    Binding.RISK: "the next call would be lost too often",
    Binding.HOPPER_EMPTY: "nobody else is due",
    Binding.NUMBERS_USED_UP: "our numbers are used up for today",
    Binding.CHANNELS: "no channel is free",
    Binding.CPS: "the limit of calls per second",
}


def sentence(why: Why, launch: int) -> str:
    """One line for the wall and the log."""
    seen = why.observation
    start = f"launching {launch} of {why.wanted}" if launch else "holding"
    parts = [
        f"{start} at {seen.in_flight} in flight: {seen.ready} ready",
        f"{seen.waiting} waiting",
    ]
    if why.mode is Mode.POWER:
        parts.append(f"{seen.ratio:g} calls per operator")
    text = ", ".join(parts)
    if seen.answered:
        share = seen.abandoned / seen.answered
        text += f"; {share:.1%} of {seen.answered} abandoned"
        if why.budget_left is not None:
            text += f", {max(0.0, why.budget_left):.1f} drops left"
    return f"{text}; {_BOUND_BY[why.binding]}"
