"""What a campaign loses if these fail: drops spent on answers that never come."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from dialer.core.model import Abandonment, Spending, Window
from dialer.core.pacing.counted_on import TRUSTED_S, more_s
from tests.engine.house import campaign

#: A Tuesday, noon in Moscow.
NOON = datetime(2026, 11, 24, 9, tzinfo=UTC)
MIDNIGHT = NOON + timedelta(hours=12)
DAILY = frozenset(range(7))
HOURS = (
    Window(days=DAILY, opens=time(9), closes=time(13)),
    Window(days=DAILY, opens=time(14), closes=time(20)),
)


def test_answers_are_counted_on_until_the_days_last_closing() -> None:
    assert more_s(campaign(windows=HOURS), MIDNIGHT, NOON) == 8 * 3600.0


@pytest.mark.parametrize("hours", [9, 10])
def test_after_the_last_closing_nothing_comes_any_more(hours: int) -> None:
    assert more_s(campaign(windows=HOURS), MIDNIGHT, NOON + timedelta(hours=hours)) == 0.0


def test_a_day_without_hours_earns_nothing_back() -> None:
    closed = tuple(one._replace(days=DAILY - {NOON.weekday()}) for one in HOURS)
    assert more_s(campaign(windows=closed), MIDNIGHT, NOON) == 0.0


def test_without_hours_half_an_hour_is_believed() -> None:
    """Nobody knows when its operators go home."""
    assert more_s(campaign(), MIDNIGHT, NOON) == TRUSTED_S
    assert more_s(campaign(), NOON + timedelta(minutes=5), NOON) == 300.0


def test_who_spends_strictly_counts_on_nobody() -> None:
    strict = Abandonment(spending=Spending.STRICT)
    assert more_s(campaign(windows=HOURS, abandonment=strict), MIDNIGHT, NOON) == 0.0
