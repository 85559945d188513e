"""Predictive: launch while one more call risks no more than the price of risk (R3.2).

One balance of operators for all campaigns that feed the group (pacing.md 3, 8); each has its
own calls, law and price. Among those whose next call is allowed the higher priority goes first,
then the one furthest behind its share. A call that may be given up is given up, youngest first,
while its own risk passes the price three times: its contact is retried later like a no-answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dialer.core.model import Mode
from dialer.core.pacing import progressive
from dialer.core.pacing.answers import HORIZON_S
from dialer.core.pacing.observation import Binding, Observation, Team, Want
from dialer.core.pacing.outlook import Outlook, SetBy
from dialer.core.pacing.risk import (
    EXACT_OPERATORS,
    Balance,
    ExactBalance,
    NormalBalance,
    free_counts,
    marginal,
    moments,
    poisson_below,
    worst_from,
)

Floats = NDArray[np.float64]

#: A call is given up where its risk passes so many prices, and never below this risk: it has
#: rung at a person's for 15 s, who was rung in vain for certain, and of a hundred such calls
#: hardly ten would still be answered.
CANCEL_AT = 3.0
CANCEL_LEAST = 0.06
#: So many in one decision: the next is half a second away.
MOST_CANCELLED = 8
#: More than this is never launched at one moment, whatever the limits say.
MOST_AT_ONCE = 400
_TIMES_S: Floats = np.arange(HORIZON_S, dtype=np.float64) + 0.5


#: Below this answer rate calls in flight are limited by count: nobody can tell a list that
#: nobody answers from one that all will answer in a minute.
PROBE_RATE = 0.04
#: The answer rate's sd over its mean from which on two rates are believed at once, as in the
#: second after an hour of silence in which three people pick up: neither may be dialed by.
DOUBTFUL = 1.2
_LEAST_LINES = 1.5
_LINES_PER_RATE = 280.0


def alone(seen: Observation, most: int) -> Want:
    """One predictive campaign that has its operators for itself."""
    if seen.outlook is None:
        return replace(progressive.policy(seen), binding=Binding.NO_ESTIMATE)
    contender = Contender(outlook=seen.outlook, most=most)
    return want_of(seen, wanted(seen.ready - seen.waiting, [contender])[0])


def together(team: Team, most: Mapping[str, int]) -> dict[str, Want]:
    """All predictive campaigns of a group. `most`: how many each may launch now; those that
    are not in it launch nothing, but their calls in flight are in the balance.
    """
    names = [
        name
        for name, (mode, seen) in team.campaigns.items()
        if mode is Mode.PREDICTIVE and seen.outlook is not None
    ]
    spare = team.idle - team.waiting
    contenders = []
    for mode, seen in team.campaigns.values():
        if mode is not Mode.PREDICTIVE or seen.outlook is None:
            spare -= seen.in_flight
    for name in names:
        seen = team.campaigns[name][1]
        if seen.outlook is None:
            continue
        load = seen.talking + float(seen.outlook.calls @ seen.outlook.rates)
        contenders.append(
            Contender(
                outlook=seen.outlook,
                most=most.get(name, 0),
                share=seen.share,
                priority=seen.priority,
                load=load,
            )
        )
    if not contenders:
        return {}
    found = wanted(spare, contenders, partial=team.partial)
    return {
        name: want_of(team.campaigns[name][1], one)
        for name, one in zip(names, found, strict=True)
        if name in most
    }


_BINDS = {
    SetBy.STRETCH: Binding.STRETCH,
    SetBy.LEDGER: Binding.BUDGET,
    SetBy.CERTIFICATE: Binding.UNCERTIFIED,
}


def want_of(seen: Observation, one: Wanted) -> Want:
    """What a policy answers, with what kept it from wanting more."""
    outlook = seen.outlook
    set_by = SetBy.PRICE if outlook is None else outlook.set_by
    binding = Binding.PROBE if one.probing else _BINDS.get(set_by, Binding.RISK)
    return Want(
        launch=len(one.launch),
        cancel=one.cancel,
        binding=binding,
        budget_left=None if outlook is None else outlook.budget_left,
        risks=one.launch,
        refused=one.refused,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One campaign at the group's operators. `most`: what its limits let through now; `load`:
    operators that it has, or will have from its calls in flight; `share` against the others.
    """

    outlook: Outlook
    most: int
    share: float = 1.0
    priority: int = 0
    load: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Risks of the calls to launch (in order), of the first refused; how many to give up;
    whether risk would bear more, but hardly anybody answers.
    """

    launch: tuple[float, ...]
    refused: float
    cancel: int = 0
    probing: bool = False


@dataclass(slots=True, kw_only=True)
class _Turn:
    """A contender while the decision is made."""

    contender: Contender
    fresh: Floats
    most: int
    probe: int
    risk: float = 0.0
    launch: list[float] = field(default_factory=list)

    @property
    def probing(self) -> bool:
        """Risk would bear one call more, and so would the limits."""
        bears = self.risk <= self.contender.outlook.theta
        return bears and len(self.launch) >= self.probe < self.contender.most

    @property
    def behind(self) -> tuple[int, float]:
        """Sorts the next to launch first: priority, then the least load for its share."""
        one = self.contender
        load = one.load + len(self.launch) * one.outlook.rate
        return (-one.priority, (load + 1e-9) / max(one.share, 1e-6))


def wanted(
    spare: int, contenders: Sequence[Contender], *, partial: Sequence[float] = ()
) -> list[Wanted]:
    """What each of the campaigns that share the operators would launch now.

    `spare`: idle operators less waiting customers; `partial`: idle operators of whom only this
    part is ours, because they serve other groups too.
    """
    scene = Scene.of(spare, [one.outlook for one in contenders], partial)
    balance = scene.balance(scene.calls)
    turns = [
        _Turn(
            contender=one,
            fresh=np.minimum(1.0, one.outlook.law.fresh * one.outlook.rate),
            most=min(one.most, probe),
            probe=probe,
        )
        for one, probe in ((one, _probe(spare, one.outlook)) for one in contenders)
    ]
    while True:
        worst = worst_from(balance.lost())
        for turn in turns:
            turn.risk = marginal(worst, turn.contender.outlook.law.arrival)
        allowed = [
            turn
            for turn in turns
            if turn.risk <= turn.contender.outlook.theta and len(turn.launch) < turn.most
        ]
        if not allowed:
            break
        turn = min(allowed, key=lambda one: one.behind)
        turn.launch.append(turn.risk)
        balance.add(turn.fresh)
    idle_hands = not any(turn.launch for turn in turns)
    return [
        Wanted(
            launch=tuple(turn.launch),
            refused=turn.risk,
            cancel=_to_cancel(scene, own, worst) if idle_hands else 0,
            probing=turn.probing,
        )
        for own, turn in enumerate(turns)
    ]


def _probe(spare: int, outlook: Outlook) -> int:
    """How many more calls may go out while hardly anybody answers, or nobody can tell."""
    doubtful = outlook.spread > DOUBTFUL
    if outlook.rate >= PROBE_RATE and not doubtful:
        return MOST_AT_ONCE
    lines = _LEAST_LINES if doubtful else max(_LEAST_LINES, _LINES_PER_RATE * outlook.rate)
    return max(0, int(max(1, spare) * lines - outlook.calls.sum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What stands still while one decision is made: everything but the calls in flight, of
    which some may be given up. `answered`: a row for each age of each outlook, `calls`: how
    many; `places`: where an outlook's begin.
    """

    spare: int
    outlooks: Sequence[Outlook]
    answered: Floats
    calls: Floats
    places: Sequence[int]
    spread: float
    inbound: Floats
    free: Floats  # exact: P(so many become free); else the three moments of it
    is_exact: bool

    @classmethod
    def of(
        cls, spare: int, outlooks: Sequence[Outlook], partial: Sequence[float] = ()
    ) -> Scene:
        """Inbound calls come first; `partial` as in `wanted`."""
        alone = _free_one_by_one(outlooks, partial)
        busy = sum(len(rows) for one in outlooks for rows in one.busy)
        is_exact = busy + len(alone) + max(0, spare) <= EXACT_OPERATORS
        answered = np.concatenate([one.law.answers(one.ages, one.rates) for one in outlooks])
        sizes = [len(one.ages) for one in outlooks]
        return cls(
            spare=spare,
            outlooks=outlooks,
            answered=answered if is_exact else moments(answered),
            calls=np.concatenate([one.calls for one in outlooks]),
            places=[sum(sizes[:own]) for own in range(len(sizes))],
            spread=max((one.spread for one in outlooks), default=0.0),
            inbound=float(sum(one.inbound_per_s for one in outlooks)) * _TIMES_S,
            free=_free_exactly(outlooks, alone) if is_exact else _free_moments(outlooks, alone),
            is_exact=is_exact,
        )

    def balance(self, calls: Floats) -> Balance:
        """The operators' balance with so many calls in flight."""
        if self.is_exact:
            most = max(0, self.spare + self.free.shape[1] - 1)
            below = poisson_below(self.inbound, most)
            balance = ExactBalance(self.spare, self.free, below, min(0.9, self.spread))
            return balance.with_calls(self.answered, calls)
        chances = (calls @ self.answered).reshape(3, HORIZON_S) + self.inbound
        return NormalBalance(self.spare, self.free, chances, self.spread)


def _free_exactly(outlooks: Sequence[Outlook], alone: Floats) -> Floats:
    busy = [
        table[list(rows)]
        for one in outlooks
        for table, rows in zip(one.law.free, one.busy, strict=True)
        if rows
    ]
    return free_counts(np.concatenate([alone, *busy]))


def _free_moments(outlooks: Sequence[Outlook], alone: Floats) -> Floats:
    total: Floats = moments(alone).sum(0)
    for one in outlooks:
        for table, rows in zip(one.law.free_moments, one.busy, strict=True):
            if rows:
                total = total + np.bincount(rows, minlength=len(table)) @ table
    return total.reshape(3, HORIZON_S)


def _free_one_by_one(outlooks: Sequence[Outlook], partial: Sequence[float]) -> Floats:
    """Rows of operators who count in part: they serve other groups as well."""
    rows = [np.full(HORIZON_S, part) for part in partial]
    for one in outlooks:
        rows += [one.law.free[kind][row] * part for kind, row, part in one.partial]
    return np.stack(rows) if rows else np.zeros((0, HORIZON_S))


def _to_cancel(scene: Scene, own: int, worst: Floats) -> int:
    """How many of the calls that may be given up risk too much, youngest first."""
    outlook, first = scene.outlooks[own], scene.places[own]
    ripe = outlook.cancellable[:MOST_CANCELLED]
    if not ripe:
        return 0
    calls = scene.calls.copy()
    at_most = max(CANCEL_LEAST, CANCEL_AT * outlook.theta)
    for cancelled, age in enumerate(ripe):
        own_calls = calls[first : first + len(outlook.ages)]
        where = np.flatnonzero((outlook.ages == age) & (own_calls >= 1.0))[:1]
        if not len(where):
            return cancelled
        gains = np.diff(scene.answered[first + where[0], :HORIZON_S], prepend=0.0)
        # With the call itself in the balance its risk can only be larger.
        if gains.sum() <= 1e-6 or marginal(worst, gains / gains.sum()) <= at_most:
            return cancelled
        calls[first + where[0]] -= 1.0
        worst = worst_from(scene.balance(calls).lost())
        if marginal(worst, gains / gains.sum()) <= at_most:
            return cancelled
    return len(ripe)
