"""The numbers to show: pools of YAML -> core.model.Number, with kind, region, zone and limits.

Kind, region and zone come from the numbering plan where the file does not say them; a limit is
the number's own, else its pool's, else its kind's, else core's default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dialer.core.model import GatewayName, Number, NumberId, PoolName
from dialer.core.numbers.pools import OUTBOUND_KINDS
from dialer.errors import Problem
from dialer.settings.daemon_model import DaemonModel, LimitsModel, NumberModel, PoolModel
from dialer.settings.russia import numbering_plan
from dialer.settings.tree import Loc, Tree
from dialer.settings.validate import problem_at
from dialer.settings.wording import did_you_mean

SOFT_LIMIT, HARD_LIMIT = 70, 80
HOME_ZONE = "Europe/Moscow"

Pools = Mapping[PoolName, tuple[Number, ...]]


def numbers_of(model: DaemonModel, tree: Tree) -> tuple[Pools, list[Problem]]:
    """Every pool's numbers in the order of the file, and what is wrong with them."""
    problems: list[Problem] = []
    pools: dict[PoolName, tuple[Number, ...]] = {}
    owner: dict[str, str] = dict.fromkeys(model.inbound_numbers, "inbound_numbers")
    for name, pool in model.pools.items():
        problems += _unknown_gateways(model, tree, ("pools", name, "gateways"), pool.gateways)
        numbers: list[Number] = []
        for index, item in enumerate(pool.numbers):
            loc = ("pools", name, "numbers", index)
            problems += _unknown_gateways(model, tree, (*loc, "gateways"), item.gateways or [])
            made = [_number(digits, item, pool, (model, name)) for digits in _digits(item)]
            problems += _number_problems(made, tree, loc, owner)
            numbers += made
        pools[PoolName(name)] = tuple(numbers)
    return pools, problems


def _digits(item: NumberModel) -> Iterator[str]:
    first = str(item.number)
    last = item.last or first
    for value in range(int(first), int(last) + 1):
        yield f"+{value}"


def _unknown_gateways(
    model: DaemonModel, tree: Tree, loc: Loc, names: list[str]
) -> list[Problem]:
    return [
        problem_at(
            tree,
            (*loc, index),
            f"there is no gateway {name}",
            did_you_mean(name, model.gateways),
        )
        for index, name in enumerate(names)
        if name not in model.gateways
    ]


def _number_problems(
    made: list[Number], tree: Tree, loc: Loc, owner: dict[str, str]
) -> Iterator[Problem]:
    for number in made:
        if number.id in owner:
            what = f"{number.id} stands in {owner[number.id]} already"
            yield problem_at(tree, loc, what, "a number belongs to one pool, once")
        owner[number.id] = number.pool
        if number.kind not in OUTBOUND_KINDS:
            yield problem_at(
                tree,
                loc,
                f"{number.id} is {number.kind}: it only takes calls",
                "list it under inbound_numbers",
            )
    if made and made[0].soft_limit > made[0].hard_limit:
        yield problem_at(
            tree,
            loc,
            f"its soft limit of {made[0].soft_limit} is above the hard one of"
            f" {made[0].hard_limit}",
            "soft ≤ hard; a number's own word counts before its pool's and its kind's",
        )


def _number(
    digits: str, item: NumberModel, pool: PoolModel, context: tuple[DaemonModel, str]
) -> Number:
    model, pool_name = context
    kind = item.kind or kind_of(digits)
    limits = _limits((item, pool, model.number_kinds.get(kind)))
    hard = limits.get("hard_limit", max(HARD_LIMIT, limits.get("soft_limit", 0)))
    home = numbering_plan().by_code.get(digits[2:5]) if digits.startswith("+7") else None
    written_region = item.region or pool.region
    named = numbering_plan().named(written_region) if written_region else home
    zones = named.zones if named is not None else (HOME_ZONE,)
    return Number(
        id=NumberId(digits),
        pool=PoolName(pool_name),
        kind=kind,
        region=named.name if named is not None else written_region,
        gateways=tuple(GatewayName(name) for name in item.gateways or pool.gateways),
        zone=item.zone or pool.zone or zones[0],
        soft_limit=limits.get("soft_limit", min(SOFT_LIMIT, hard)),
        hard_limit=hard,
        calls_at_once=limits.get("calls_at_once"),
        min_gap_s=limits.get("min_gap", 0.0),
        calls_per_hour=limits.get("calls_per_hour"),
        state=item.state or "active",
    )


def _limits(nearest_first: tuple[LimitsModel | None, ...]) -> dict[str, Any]:
    """Each limit as the nearest one that says it."""
    found: dict[str, Any] = {}
    for limits in nearest_first:
        for name in LimitsModel.model_fields:
            value = getattr(limits, name, None)
            if value is not None:
                found.setdefault(name, value)
    return found


def kind_of(digits: str) -> str:
    """What a number of ours is by the Russian plan; abroad: a landline."""
    if digits.startswith("+79"):
        return "mobile"
    if digits.startswith(("+7800", "+7804")):
        return "toll_free"
    return "landline"
