"""Operators who serve several groups are counted once (R2.6).

Each group's calls in flight and waiting customers will take operators: they are set against
those who belong to the fewest groups first, so that what is left over is left where it can be
used most.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dialer.core.model import GroupName, OperatorId


def free_for(
    ready: Mapping[OperatorId, Collection[GroupName]], claims: Mapping[GroupName, int]
) -> dict[GroupName, int]:
    """How many ready operators each group may still plan with, were it to launch alone.

    `ready` maps each ready operator to his groups, `claims` each group to its calls in flight
    and waiting. A group that claims more than it has takes nobody else's; the rest is its
    overdraft and is not booked. The sum over groups may exceed the operators: launch for one
    group, then ask again.
    """
    left = dict(ready)
    for group in sorted(claims, key=lambda name: (_choice(name, ready), name)):
        own = sorted(
            (one for one, groups in left.items() if group in groups),
            key=lambda one: (len(left[one]), one),
        )
        for operator in own[: claims[group]]:
            del left[operator]
    names = {name for groups in ready.values() for name in groups} | set(claims)
    return {name: sum(1 for groups in left.values() if name in groups) for name in names}


def _choice(group: GroupName, ready: Mapping[OperatorId, Collection[GroupName]]) -> int:
    """Groups with the fewest operators choose first."""
    return sum(1 for groups in ready.values() if group in groups)
