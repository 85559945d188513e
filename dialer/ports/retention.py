"""What retention did and what a law keeps."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple


class Held(NamedTuple):
    """Rows of an erased person that a law orders to keep. `campaign`: of a consent its purpose;
    they go one by one from `first_until` to `last_until`.
    """

    kind: str
    campaign: str
    ground: str
    rows: int
    first_until: datetime
    last_until: datetime

    def as_json(self) -> dict[str, Any]:
        ends = {"first_until": self.first_until, "last_until": self.last_until}
        return {**self._asdict(), **{key: at.isoformat() for key, at in ends.items()}}


class RetentionState(NamedTuple):
    """The latest day whose run is done, and when that was; before the first run `last_at` is
    since when one is missed.
    """

    last_day: date | None
    last_at: datetime | None


class RetentionStep(NamedTuple):
    """One committed transaction: how many rows of a kind went."""

    kind: str
    rows: int
