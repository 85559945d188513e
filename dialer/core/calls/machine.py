"""The form of both state tables: a row is (state, kind of event) -> handler and targets.

A pair without a row is illegal, and so is a handler that moves to a state that its row does not
name: both raise Bug. The targets stand in the table, so that the documentation's diagrams are
drawn from it (`edges`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from dialer.core.calls.effects import Effect
from dialer.core.calls.events import Event
from dialer.core.model import Moment
from dialer.errors import Bug


class Stateful(Protocol):
    """A value that has a state."""

    @property
    def state(self) -> StrEnum: ...


V = TypeVar("V", bound=Stateful)

#: What every handler returns: the value after, and what is to be done.
Effects = tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Transition(Generic[V]):
    """One row: what to do and which states it may lead to (staying is always allowed)."""

    do: Callable[[V, Any, Moment], tuple[V, Effects]]
    to: frozenset[StrEnum]


Table = Mapping[tuple[StrEnum, type[Event]], Transition[V]]


def on(do: Callable[[V, Any, Moment], tuple[V, Effects]], *to: StrEnum) -> Transition[V]:
    """A row's right-hand side."""
    return Transition(do, frozenset(to))


def ignore(value: V, event: Event, now: Moment) -> tuple[V, Effects]:
    """An ordinary race: the event comes too late, or says what is known."""
    return value, ()


def take(table: Table[V], value: V, event: Event, now: Moment) -> tuple[V, Effects]:
    """One step by the table. Raises Bug where the table has no such row or no such target."""
    row = table.get((value.state, type(event)))
    if row is None:
        raise Bug(f"{value.state.value} cannot take {type(event).__name__}")
    after, effects = row.do(value, event, now)
    if after.state is not value.state and after.state not in row.to:
        raise Bug(f"{type(event).__name__} may not lead from {value.state} to {after.state}")
    return after, effects


def edges(table: Table[V]) -> Iterator[tuple[StrEnum, str, StrEnum]]:
    """(state, event's name, next state) of every row that moves, for the diagrams."""
    for (state, event), row in table.items():
        for target in sorted(row.to):
            yield state, event.__name__, target
