"""Values as people write them for a scenario or an assumption: `30 %`, `90s`, `1h 30m`, `90`.

A share needs its per cent sign: 0.3 and 30 mean the same to two people. A bare number as a
duration is seconds: the keys that hold one end in `_s`. Errors are ValueError with a sentence;
the caller adds the place.
"""

from __future__ import annotations

import math
import re
from typing import Any

_SHARE = re.compile(r"([0-9]{1,3}(?:[.,][0-9]{1,4})?) ?%", re.ASCII)
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d) ?", re.ASCII)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def share(value: Any, *, least: float = 0.0, most: float = 1.0) -> float:
    """`30 %` -> 0.3."""
    bare = _number(value)
    if bare is not None:
        guess = bare * 100 if 0 < bare < 1 else bare
        raise ValueError(f"has no percent sign; did you mean {guess:g} %?")
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("is not a share, like 30 %")
    found = float(match[1].replace(",", ".")) / 100.0
    if not least <= found <= most:
        raise ValueError(f"must be between {100 * least:g} % and {100 * most:g} %")
    return found


def seconds(value: Any, *, least: float = 0.0, most: float = 86400.0) -> float:
    """`90`, `90s`, `1h 30m` -> seconds."""
    found = _number(value)
    if found is None and isinstance(value, str):
        parts = _PART.findall(value.strip())
        if parts and "".join(a + b for a, b in parts) == value.replace(" ", ""):
            found = sum(float(amount) * _UNIT_S[unit] for amount, unit in parts)
    if found is None:
        raise ValueError("is not a duration, like 90, 90s or 1h 30m")
    if not least <= found <= most:
        raise ValueError(f"must be between {least:g} and {most:g} seconds")
    return found


def number(value: Any, *, least: float = 0.0, most: float = 1e9) -> float:
    """A plain number."""
    found = _number(value)
    if found is None:
        raise ValueError("is not a number")
    if not least <= found <= most:
        raise ValueError(f"must be between {least:g} and {most:g}")
    return found


def whole(value: Any, *, least: int = 0, most: int = 10_000_000) -> int:
    """A whole number."""
    found = number(value, least=least, most=most)
    if found != int(found):
        raise ValueError("is not a whole number")
    return int(found)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
