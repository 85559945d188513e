"""A port with a clock on it: how long each of its verbs takes, by name.

A thin stand-in that the engine takes for the port itself. Verbs that wait on purpose (for a
command, for work) are not timed; a verb that raises is timed, too: a store in trouble is slow
before it fails.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from dialer.metrics.names import METRICS, Kind

P = TypeVar("P")

#: Verbs that wait for somebody, or only look into memory.
UNTIMED = frozenset(
    {"start", "stop", "open", "close", "usable", "health", "set_gateways"}
    | {"wait_for_work", "receive", "await_reply"}
)


class _Timed:
    """Looks like the port; each public verb is wrapped when it is first asked for."""

    def __init__(self, port: object, took: Callable[[str, float], None]) -> None:
        self._port = port
        self._took = took

    def __getattr__(self, name: str) -> Any:
        """Reached only until the verb is kept on the instance itself."""
        verb = getattr(self._port, name)
        if name.startswith("_") or name in UNTIMED or not callable(verb):
            return verb
        took = self._took

        @wraps(verb)
        def timed(*args: Any, **words: Any) -> Any:
            began_s = time.monotonic()
            try:
                return verb(*args, **words)
            finally:
                took(name, time.monotonic() - began_s)

        self.__dict__[name] = timed
        return timed


def timed(port: P, observe: Callable[..., None], metric: str, **labels: str) -> P:
    """The same port; its verbs are observed under `metric` with `labels` and their name."""
    assert METRICS[metric].kind is Kind.HISTOGRAM

    def took(verb: str, seconds: float) -> None:
        observe(metric, seconds, **labels, verb=verb)

    return cast("P", _Timed(port, took))
