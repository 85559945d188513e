"""A progress bar on standard error for what takes longer than a breath; silent in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType

import click


class Bar:
    """Counts in any unit towards `total`."""

    def __init__(self, total: float, label: str) -> None:
        self._shown = sys.stderr.isatty()
        self._bar = click.progressbar(
            length=1000, label=label, file=sys.stderr, show_pos=False, hidden=not self._shown
        )
        self._total = max(total, 1e-9)
        self._done = 0.0
        self._at = 0

    def __enter__(self) -> Bar:
        self._bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def part(self) -> Callable[[float], None]:
        """For one piece of work: told how much of it is done."""

        def done(amount: float) -> None:
            self._show(self._done + amount)

        return done

    def finish(self, amount: float) -> None:
        """A piece of work of this size is done."""
        self._done += amount
        self._show(self._done)

    def _show(self, done: float) -> None:
        at = min(1000, int(1000 * done / self._total))
        if at > self._at:
            self._bar.update(at - self._at)
            self._at = at
