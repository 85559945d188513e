"""A gateway that goes up and down every few seconds is rested, for longer each time (R3.9).

Each time it comes up a few calls would go out and be lost when it goes down. `DOWNS` times down
within `WINDOW_S` begin a rest, whatever the switch says of it meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass

DOWNS = 3
WINDOW_S = 120.0
FIRST_REST_S = 60.0
LONGEST_REST_S = 900.0
#: Steady for so long after a rest, its next rest is a first one again.
CALM_S = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaps:
    """When it went down (monotonic seconds, oldest first), and its rest."""

    downs: tuple[float, ...] = ()
    rest_s: float = 0.0
    resting_until_s: float = 0.0


def went_down(flaps: Flaps, now_s: float) -> Flaps:
    """Once more. During a rest it changes nothing: the rest is not prolonged for ever."""
    if is_resting(flaps, now_s):
        return flaps
    downs = (*(at for at in flaps.downs if now_s - at < WINDOW_S), now_s)
    calm = now_s - flaps.resting_until_s > CALM_S
    rest_s = 0.0 if calm else flaps.rest_s
    if len(downs) < DOWNS:
        return Flaps(downs=downs, rest_s=rest_s, resting_until_s=flaps.resting_until_s)
    rest_s = min(LONGEST_REST_S, rest_s * 2 if rest_s else FIRST_REST_S)
    return Flaps(rest_s=rest_s, resting_until_s=now_s + rest_s)


def is_resting(flaps: Flaps, now_s: float) -> bool:
    return now_s < flaps.resting_until_s
