"""Estimates over a restart: a campaign goes on where it stood, not with a prior.

`to_json` and `from_json` carry answering, talk, wrap-up, price and stretch. A file of another
version, cut short or changed by hand is refused with a sentence, and the campaign starts slowly
from its prior: what is lost is speed, nothing of the cap, whose ledger is the store's.
"""

from __future__ import annotations

import json
from typing import Any

from dialer.core.pacing.tracker import Tracker
from dialer.errors import ConfigError, Problem

VERSION = 1
#: A state older than this is history: its shape is used, nothing of its moment.
_OLDEST_S = 14 * 86400.0


def to_json(tracker: Tracker, *, now_s: float, saved_at: float) -> str:
    """`now_s` monotonic, for what is kept relative; `saved_at` UTC seconds, to tell its age."""
    state = {"version": VERSION, "saved_at": saved_at, **tracker.state(now_s)}
    return json.dumps(state, allow_nan=False)


def from_json(tracker: Tracker, text: str, *, now_s: float, at: float, place: str) -> None:
    """Let a new tracker go on from saved estimates, or raise ConfigError and leave it as it is.

    `at`: UTC seconds now; `place`: the file or row, for the message.
    """
    before = tracker.state(now_s)
    try:
        state = _read(text)
    except ValueError as error:
        raise _refused(place, str(error)) from error
    idle_s = max(0.0, at - float(state["saved_at"]))
    if idle_s > _OLDEST_S:
        raise _refused(place, f"they are {idle_s / 86400:.0f} days old")
    try:
        tracker.take(state, now_s, idle_s)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        tracker.take(before, now_s, 0.0)
        raise _refused(place, f"{error} does not fit") from error


def _read(text: str) -> dict[str, Any]:
    state = json.loads(text)
    whole = isinstance(state, dict) and isinstance(state.get("saved_at"), int | float)
    if not whole:
        raise ValueError("this is no file of estimates")
    if state.get("version") != VERSION:
        raise ValueError(f"version {state.get('version')!r}, this program reads {VERSION}")
    return dict(state)


def _refused(place: str, why: str) -> ConfigError:
    return ConfigError(
        [
            Problem(
                place=place,
                what=f"saved estimates cannot be used: {why}",
                remedy="the campaign starts slowly from its prior; nothing of the cap is lost",
            )
        ]
    )
