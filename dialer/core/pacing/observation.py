"""What pacing sees at one moment, and what it answers with the reason as data (R3.2,
pacing.md 7).

All counts are of one campaign on one switch, except the operators: they are those that the
campaign's group may still plan with (`balance.free_for`). A person must be able to redo the
decision from `Why` alone; `sentence` makes text of it, at the edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dialer.core.model import Mode
from dialer.core.pacing.outlook import Outlook


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
    PERSISTENCE = "persistence"  # a limit of persistence is passed: it rests, or has stopped
    # the policy wants no more
    OPERATORS_BUSY = "operators_busy"
    BUDGET = "budget"  # one drop more could pass the cap
    CAP = "cap"  # the cap is passed: one call per free operator until it is earned again
    RISK = "risk"  # predictive: one call more would be lost too often
    PROBE = "probe"  # predictive: hardly anybody answers, or nobody can tell whether they do
    STRETCH = "stretch"  # predictive: the last half hour lost too many
    UNCERTIFIED = "uncertified"  # too few answers to certify: one call per free operator
    NO_ESTIMATE = "no_estimate"  # predictive without an outlook: one call per free operator
    NOT_STARTED = "not_started"  # preview: who is free has a card, and has not started its call
    # it wants more, and cannot
    HOPPER_EMPTY = "hopper_empty"
    NUMBERS_USED_UP = "numbers_used_up"
    DAY_BUDGET = "day_budget"  # calls or money of the campaign's day
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
    day_budget: int | None = None  # calls that the campaign's day still bears
    shown: int = 0  # preview: of those in flight, cards that wait for their operator
    # what predictive sees of the next half minute; None: nothing can be said
    outlook: Outlook | None = None
    # what the campaign says, and its ledger
    ratio: float = 1.0
    share: float = 1.0
    priority: int = 0
    cap: float = 0.03
    abandoned: int = 0
    answered: int = 0
    answer_rate: float | None = None
    # what shuts the campaign
    paused: bool = False
    halted: bool = False
    switch_blind: bool = False
    in_hours: bool = True
    rests: bool = False  # a limit of persistence is passed, and this is no time of its share
    unrecordable: bool = False  # its talks cannot be recorded, and its rule is to stop then


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What a policy wants: so many launches and cancels, and what kept it from wanting more.

    `overdial`: how many calls in flight beyond the free operators it allows. Of predictive:
    `risks` of the calls to launch, in order, and `refused`, the risk of the next one.
    """

    launch: int
    cancel: int = 0
    binding: Binding
    overdial: int = 0
    budget_left: float | None = None
    risks: tuple[float, ...] = ()
    refused: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """The operators of one group on one switch, and all campaigns that feed it, as seen at one
    moment. `idle`: ready operators, each counted once; `partial`: our part of ready operators
    who serve other groups too (they are not in `idle`); `waiting`: answered customers without
    an operator, inbound and promised ones with them.
    """

    idle: int
    waiting: int = 0
    partial: tuple[float, ...] = ()
    campaigns: Mapping[str, tuple[Mode, Observation]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The decision's reason: what was seen, what was wanted, what bound. `team`: what was seen
    of the group, where several campaigns were decided together.
    """

    mode: Mode
    binding: Binding
    observation: Observation
    wanted: int
    overdial: int = 0
    budget_left: float | None = None
    risks: tuple[float, ...] = ()
    refused: float | None = None
    team: Team | None = None
    campaign: str = ""

    @property
    def theta(self) -> float | None:
        """The price of risk that was asked."""
        outlook = self.observation.outlook
        return None if outlook is None else outlook.theta


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Launch so many calls now, give up so many ringing ones, and why. Predictive gives up the
    youngest of `Outlook.cancellable` first, the others the longest of `ringing_s` first.
    """

    launch: int
    cancel: int
    why: Why


#: A call may be given up after so long a ring (law and R3.14: 15 s or four rings).
RING_MIN_S = 15.0


def may_cancel(seen: Observation, excess: int) -> int:
    """How many of `excess` calls in flight have rung long enough to be given up."""
    rung = sum(1 for ring_s in seen.ringing_s if ring_s >= RING_MIN_S)
    return max(0, min(excess, rung))
