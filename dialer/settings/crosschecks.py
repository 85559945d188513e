"""Names that point from a campaign into dialer.yaml.

They are looked up in the plain values, so that a wrong name is told even where something else
in either file is wrong too; what needs whole values is looked at only where both are good.
"""

from __future__ import annotations

from collections.abc import Iterator

from dialer.core.model import Campaign
from dialer.core.numbers.pools import may_show
from dialer.errors import Problem
from dialer.settings.daemon import Settings
from dialer.settings.tree import Tree
from dialer.settings.validate import problem_at
from dialer.settings.wording import did_you_mean, quoted


def unknown_names(campaign: Tree, daemon: Tree) -> Iterator[Problem]:
    """Pool, group and gateways that dialer.yaml does not know, each with the nearest name."""
    if daemon.value is None:
        return
    for key, section in (("pool", "pools"), ("group", "groups")):
        name, known = _word(campaign.at(key)), daemon.mapping(section)
        if name is not None and known and name not in known:
            what = f"there is no {key} {quoted(name)} in {daemon.file}"
            yield problem_at(campaign, (key,), what, did_you_mean(name, known))
    gateways, known = campaign.at("gateways"), daemon.mapping("gateways")
    for index, item in enumerate(gateways if isinstance(gateways, list) else []):
        name = _word(item)
        if name is not None and known and name not in known:
            what = f"there is no gateway {quoted(name)} in {daemon.file}"
            yield problem_at(campaign, ("gateways", index), what, did_you_mean(name, known))
    yield from _group_without_operators(campaign, daemon)
    if campaign.at("record") is True and daemon.at("recordings") is None:
        what = f"talks cannot be recorded: {daemon.file} does not say where"
        remedy = "recordings: {folder: /var/lib/dialer/recordings}"
        yield problem_at(campaign, ("record",), what, remedy)


def _word(value: object) -> str | None:
    """A name as the models read it: 7 may be a name too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def _group_without_operators(campaign: Tree, daemon: Tree) -> Iterator[Problem]:
    group = _word(campaign.at("group"))
    if group is None or group not in daemon.mapping("groups"):
        return
    for operator in daemon.mapping("operators").values():
        groups = operator.get("groups") if isinstance(operator, dict) else None
        if isinstance(groups, list | dict) and group in map(_word, groups):
            return
    yield problem_at(
        campaign,
        ("group",),
        f"the group {quoted(group)} has no operators: nobody could talk",
        f"give one 'groups: [{group}]' under operators in {daemon.file}",
    )


def no_price(campaign: Campaign, tree: Tree, settings: Settings) -> Iterator[Problem]:
    """A budget of money is reckoned by prices, all in one currency."""
    if campaign.budget.money is None:
        return
    known = {
        name: settings.gateways[name].price
        for name in campaign.gateways
        if name in settings.gateways
    }
    without = sorted(name for name, price in known.items() if price is None)
    if without:
        yield problem_at(
            tree,
            ("budget", "money"),
            f"no price is known of {', '.join(without)}",
            f"gateways: {without[0]}: price: {{per_minute: 1.90, step: 1s}} in dialer.yaml",
        )
    currencies = sorted({price.currency for price in known.values() if price is not None})
    if len(currencies) > 1:
        what = f"its gateways charge in {' and '.join(currencies)}"
        yield problem_at(tree, ("budget", "money"), what, "a budget has one currency")


def nothing_to_show(campaign: Campaign, tree: Tree, settings: Settings) -> Iterator[Problem]:
    """A campaign whose gateways may show none of its pool's active numbers.

    A gateway that does not exist has its own sentence: what follows from it is none.
    """
    if any(name not in settings.gateways for name in campaign.gateways):
        return
    numbers = settings.pools.get(campaign.pool, ())
    if not numbers or may_show(numbers, campaign.gateways, set(campaign.gateways)):
        return
    active = [number for number in numbers if number.state == "active"]
    if not active:
        what = f"no number of the pool {quoted(campaign.pool)} is active"
        yield problem_at(tree, ("pool",), what, "state: active")
        return
    allowed = sorted({gateway for number in active for gateway in number.gateways})
    if not allowed:
        what = f"no contract lists an active number of the pool {quoted(campaign.pool)}"
        yield problem_at(tree, ("pool",), what, "see `contract` of its gateways")
        return
    yield problem_at(
        tree,
        ("gateways",),
        f"none of them may show a number of the pool {quoted(campaign.pool)}",
        f"its numbers may be shown by: {', '.join(allowed)}",
    )
