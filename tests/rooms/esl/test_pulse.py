"""A blind dialer goes on calling people (proofs 8): the rule that stops it."""

from __future__ import annotations

import pytest

from dialer.core.model import LegId
from dialer.esl.originates import GRACE_S, JOBS, Originates
from dialer.esl.pulse import Pulse, percentile


def test_nothing_is_believed_before_the_first_tick():
    pulse = Pulse(1.0, 2.0)
    pulse.begin()
    assert pulse.why_blind(0.0, 0.0) is not None
    assert pulse.seen(pulse.sending(0.0, 1000.0), 0.01, 1000.0)
    assert pulse.why_blind(0.02, 0.0) is None


def test_three_missing_ticks_blind_us():
    pulse = Pulse(1.0, 2.0)
    pulse.begin()
    pulse.seen(pulse.sending(0.0, 1000.0), 0.01, 1000.0)
    assert pulse.why_blind(3.0, 0.0) is None
    assert "do not flow" in (pulse.why_blind(3.02, 0.0) or "")


def test_a_command_without_an_answer_blinds_us_though_events_flow():
    pulse = Pulse(1.0, 2.0)
    pulse.begin()
    pulse.seen(pulse.sending(0.0, 1000.0), 0.01, 1000.0)
    assert pulse.why_blind(0.5, 2.0) is None
    assert "does not answer" in (pulse.why_blind(0.5, 2.1) or "")


def test_delayed_events_are_not_yet_sight():
    """After a freeze, events up to minutes old come first."""
    pulse = Pulse(1.0, 2.0)
    pulse.begin()
    old, new = pulse.sending(0.0, 1000.0), pulse.sending(59.99, 1059.99)
    pulse.seen(old, 60.0, 1000.0)
    assert "late" in (pulse.why_blind(60.0, 0.0) or "")
    pulse.seen(new, 60.0, 1060.0)
    assert pulse.why_blind(60.0, 0.0) is None


def test_a_tick_of_an_earlier_connection_is_no_sight():
    pulse = Pulse(1.0, 2.0)
    pulse.begin()
    old = pulse.sending(0.0, 1000.0)
    pulse.begin()
    assert not pulse.seen(old, 0.5, 1000.0)
    assert pulse.why_blind(0.5, 0.0) is not None


def test_the_switchs_clock_is_compared_with_ours():
    """Hours, limits and days hang on it (R10.7)."""
    pulse = Pulse(1.0, 2.0)
    pulse.begin()
    pulse.seen(pulse.sending(0.0, 1000.0), 0.2, 1003.1)
    assert pulse.clock_offset_s == pytest.approx(3.0)
    assert pulse.lag_s == pytest.approx(0.2)


def test_ticks_that_never_come_back_do_not_pile_up():
    pulse = Pulse(1.0, 2.0)
    first = pulse.sending(0.0, 0.0)
    for n in range(1000):
        pulse.sending(float(n), float(n))
    assert not pulse.seen(first, 1.0, 1.0)


@pytest.mark.parametrize(
    ("values", "share", "result"),
    [((), 0.99, None), ((5.0,), 0.99, 5.0), (tuple(map(float, range(100))), 0.99, 99.0)],
)
def test_percentile(values: tuple[float, ...], share: float, result: float | None):
    assert percentile(values, share) == result


# ------------------------------------------------------------------ what we have asked for


def test_a_job_is_answered_once():
    book = Originates()
    book.begin("j", LegId("a"), customer=True, now_s=0.0)
    assert book.answered("j") == "a"
    assert book.answered("j") is None


def test_the_socket_is_woken_while_a_customer_is_on_the_line_and_only_then():
    book = Originates()
    assert not book.customers_live.is_set()
    book.begin("j", LegId("operator"), customer=False, now_s=0.0)
    assert not book.customers_live.is_set()
    book.begin("k", LegId("a"), customer=True, now_s=0.0)
    book.begin("l", LegId("b"), customer=True, now_s=0.0)
    assert book.customers_live.is_set()
    book.ended(LegId("a"))
    assert book.customers_live.is_set()
    book.refused("l")
    assert not book.customers_live.is_set()
    assert book.live() == 0


def test_a_lost_hangup_does_not_wake_for_ever():
    book = Originates()
    book.begin("j", LegId("lost"), customer=True, now_s=0.0)
    book.begin("k", LegId("young"), customer=True, now_s=GRACE_S)
    book.keep_only(set(), GRACE_S + 1)
    assert book.live() == 1
    book.keep_only({LegId("young")}, 3 * GRACE_S)
    assert book.live() == 1
    book.keep_only(set(), 3 * GRACE_S)
    assert not book.customers_live.is_set()


def test_jobs_without_an_answer_do_not_pile_up():
    book = Originates()
    for n in range(JOBS + 1):
        book.begin(str(n), LegId(str(n)), customer=False, now_s=0.0)
    assert book.answered("0") is None
    assert book.answered("1") == "1"
