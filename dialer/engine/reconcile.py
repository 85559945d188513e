"""What we believe against what exists on the switch: differences as values. Pure.

`show channels` is read from the switch's own database, which lags (freeswitch.md 2.4): a leg is
called gone when two looks in a row have missed it, and it was asked for before the first of
them. Whoever acts on a difference asks `uuid_exists` first; that one is the authority.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from dialer.core.model import InstanceName, LegId
from dialer.ports import FoundLeg


class LegState(StrEnum):
    """What a leg that exists is doing."""

    RINGING = "ringing"
    IN_SCRIPT = "in_script"  # answered, its own script plays
    TALKING = "talking"
    PARKED = "parked"
    LIMBO = "limbo"  # answered, in nothing: out of its script, neither bridged nor parked


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A leg that we know, as it is now. `partner`: whom it talks with."""

    leg: LegId
    state: LegState
    partner: LegId | None
    found: FoundLeg


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """One look's findings. `missing` goes into the next look as `missing_before`.

    `strangers` carry our instance's name and we don't know them: calls of an earlier life of
    ours, to be adopted or hung up. A supervisor's leg is none: it ends with his hang-up.
    """

    seen: tuple[Seen, ...]
    gone: tuple[LegId, ...]
    missing: frozenset[LegId]
    strangers: tuple[Seen, ...]


def differences(
    believed: Set[LegId],
    found: Sequence[FoundLeg],
    *,
    instance: InstanceName,
    missing_before: Set[LegId] = frozenset(),
) -> Differences:
    """`believed`: legs of live attempts and operators that were asked for before this look."""
    seen: list[Seen] = []
    strangers: list[Seen] = []
    present: Mapping[LegId, FoundLeg] = {leg.leg: leg for leg in found}
    for leg in present.values():
        if leg.leg in believed:
            seen.append(_seen(leg))
        elif leg.instance == instance and leg.supervisor is None:
            strangers.append(_seen(leg))
    missing = frozenset(leg for leg in believed if leg not in present)
    return Differences(
        seen=tuple(seen),
        gone=tuple(sorted(missing & missing_before)),
        missing=missing,
        strangers=tuple(strangers),
    )


def _seen(found: FoundLeg) -> Seen:
    return Seen(leg=found.leg, state=state_of(found), partner=found.bridged_to, found=found)


def state_of(found: FoundLeg) -> LegState:
    if not found.answered:
        return LegState.RINGING
    if found.bridged_to is not None:
        return LegState.TALKING
    if found.parked:
        return LegState.PARKED
    return LegState.IN_SCRIPT if found.in_script else LegState.LIMBO
