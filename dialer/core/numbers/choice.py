"""Which of our numbers is shown next (R1.2, R1.4): the reference for the Lua claim.

Only numbers that no limit holds back. First the contact's own ("sticky") one, also past its
soft limit: he always sees the same number. Else the smallest of

    (used_today >= soft_limit, region differs, used_today, place in the pool)

so that the soft limit comes before local presence, local presence before load, and load is
even. An unknown region differs from every number's alike and decides nothing.

A contact whose calls failed over some gateways, or were told "number dead" there (R3.9, R5.2),
gets the best number that another gateway may show; only where there is none, the best of all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from dialer.core.model import GatewayName, NumberId
from dialer.core.numbers.limits import Held, Limits, Usage, pool_refusal, refusal


class Candidate(Limits, Protocol):
    """One number that the gateway may show: `ports.Shown` fits."""

    @property
    def number(self) -> NumberId: ...

    @property
    def region(self) -> str | None: ...

    @property
    def gateway(self) -> GatewayName: ...

    @property
    def others(self) -> tuple[GatewayName, ...]: ...


def route(shown: Candidate, avoided: Collection[str]) -> GatewayName:
    """The first gateway of those that may show it that is not avoided; else the first."""
    for name in (shown.gateway, *shown.others):
        if name not in avoided:
            return name
    return shown.gateway


def choose(
    shown: Sequence[Candidate],
    usages: Sequence[Usage],
    *,
    region: str | None,
    sticky: NumberId | None,
    now_s: float,
    avoided: Collection[str] = frozenset(),
) -> int | None:
    """The place in `shown` (the pool's order) of the number to show; None = none is eligible
    now.

    `usages` runs beside `shown`; `region` is the called phone's; `route` says by which gateway.
    """
    if avoided:
        elsewhere = [i for i, one in enumerate(shown) if route(one, avoided) not in avoided]
        found = choose(
            [shown[i] for i in elsewhere],
            [usages[i] for i in elsewhere],
            region=region,
            sticky=sticky,
            now_s=now_s,
        )
        if found is not None:
            return elsewhere[found]
    best: tuple[bool, bool, int, int] | None = None
    for position, (candidate, usage) in enumerate(zip(shown, usages, strict=True)):
        if refusal(candidate, usage, now_s) is not None:
            continue
        if candidate.number == sticky:
            return position
        key = (
            usage.used_today >= candidate.soft_limit,
            region is None or candidate.region != region,
            usage.used_today,
            position,
        )
        if best is None or key < best:
            best = key
    return None if best is None else best[3]


def held_back(shown: Sequence[Candidate], usages: Sequence[Usage], now_s: float) -> Held | None:
    """Why `choose` finds none: POOL_USED_UP (all at the hard limit) or NUMBERS_BUSY; None =
    it does.
    """
    refusals: list[Held] = []
    for candidate, usage in zip(shown, usages, strict=True):
        refused = refusal(candidate, usage, now_s)
        if refused is None:
            return None
        refusals.append(refused)
    return pool_refusal(refusals)
