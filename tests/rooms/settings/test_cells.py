"""If these fail, a date, a sum or a named hour of a contact is taken for another one."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.model import Window
from dialer.settings.cells import clean, read_hours, read_instant, read_value

MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=MOSCOW)),
        ("24.11.2026", datetime(2026, 11, 24, tzinfo=MOSCOW)),
        ("1.2.2026 9:05", datetime(2026, 2, 1, 9, 5, tzinfo=MOSCOW)),
        ("2026-11-24T10:30:00Z", datetime(2026, 11, 24, 10, 30, tzinfo=UTC)),
        ("2026-11-24 10:30+05:00", datetime(2026, 11, 24, 5, 30, tzinfo=UTC)),
        ("03/04/2026", None),
        ("31.02.2026", None),
        ("20261124", None),
        ("0001-01-01", None),
        ("24.11.26", None),
        ("yes", None),
    ],
)
def test_dates_are_read_in_two_ways_only(text, instant):
    """03/04/2026 is two days: a consent or an age must not be guessed."""
    assert read_instant(text, "Europe/Moscow") == instant


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10000", 10000),
        ("-5", -5),
        ("10 000", 10000),
        ("10\u00a0000,50", 10000.5),
        ("1.5", 1.5),
        ("007", "007"),
        ("4509 123456", "4509 123456"),
        ("1,234,567", "1,234,567"),
        ("31.12.2026", "2026-12-31"),
        ("31.12.2026 10:00", "2026-12-31T10:00:00"),
        ("99.99.2026", "99.99.2026"),
        ("2026-12-31", "2026-12-31"),
        ("12 шт", "12 шт"),
        ("9" * 30, "9" * 30),
        (" ", ""),
    ],
)
def test_own_fields_are_numbers_where_they_are_numbers(text, value):
    """A rule "last order above 10000" compares numbers; a document's number stays text."""
    assert read_value(text) == value
    assert type(read_value(text)) is type(value)


def test_hours_that_a_contact_named_are_windows():
    weekdays = frozenset(range(5))
    assert read_hours("пн-пт 10:00-12:00; сб 11:00–13:30") == (
        Window(weekdays, time(10), time(12)),
        Window(frozenset({5}), time(11), time(13, 30)),
    )
    assert read_hours("9:00-10:00") == (Window(frozenset(range(7)), time(9), time(10)),)
    for unreadable in ("утром", "12:00-10:00", "xx 10:00-12:00", "25:00-26:00"):
        assert read_hours(unreadable) is None


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_cleaned_text_holds_no_control_character_but_line_breaks(text):
    cleaned = clean(text)
    assert all(char.isprintable() or char in "\n\t" or char.isspace() for char in cleaned)
    assert clean(cleaned) == cleaned
