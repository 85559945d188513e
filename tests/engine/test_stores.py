"""Watch on the stores: dialing stops when one is in doubt, and goes on by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from dialer.core.calls.attempts import AttemptState
from dialer.core.permission.reasons import Reason
from dialer.errors import StoreError
from dialer.ports import WindowCounts
from tests.engine.house import SPRING, House, number


def watch(home: House, seconds: float = 1.0) -> None:
    home.clock.move(seconds)
    home.daemon.store_watch.watch(home.clock.now())
    home.settle()


def test_a_redis_that_came_up_empty_is_rebuilt_before_the_next_claim(home: House):
    """Leases and counts from PostgreSQL: else a phone is dialed twice, a number too often."""
    key = home.dial_one()
    day = home.clock.now().wall.date()
    home.books.charged = {(number().id, day): 42}
    woken: list[int] = []
    home.daemon.store_watch._refill = lambda: woken.append(1)
    home.hopper.lose()
    watch(home)
    assert home.hopper.used([(number().id, day)]) == [42]
    assert key in home.hopper.store.leases
    assert woken == [1]
    assert home.gate.is_open
    assert home.meter.value("dialer_hopper_rebuilds_total") == 2  # the first one at the start


def test_leases_are_renewed_while_we_live(home: House):
    key = home.dial_one()
    for _ in range(12):
        watch(home, 10.0)
    assert [one.attempt_id for one in home.hopper.expired(home.clock.now(), 10)] == []
    assert key in home.hopper.store.leases


@pytest.mark.parametrize("offset_s", [2.0, -2.0, 30.0])
def test_clocks_that_differ_by_two_seconds_stop_the_dialing(home: House, offset_s: float):
    """Calling hours, caps and deadlines are reckoned with them (R10.7)."""
    home.books.offset_s = offset_s
    watch(home, 5.0)
    assert Reason.CLOCK_OFF in home.gate.reasons
    home.books.offset_s = 0.6
    watch(home, 5.0)
    assert home.gate.is_open
    assert home.meter.value("dialer_clock_offset_seconds", against="postgresql") == 0.6


def test_a_halt_in_the_ledger_ends_ringing_calls_within_a_second(home: House):
    """Its command may not come through (Redis away): the ledger's word is enough (R10.6)."""
    home.log_in("anna")
    talk = home.talking("anna", 1)
    ringing = home.dial_one(2)
    home.books.is_halted = True
    home.hopper.lose()
    home.hopper.epoch = _away  # type: ignore[method-assign]
    watch(home)
    assert Reason.HALTED in home.gate.reasons
    assert home.line.verbs("kill") == [(ringing, "MANAGER_REQUEST")]
    assert home.state(talk) is AttemptState.TALKING
    watch(home)
    assert len(home.line.verbs("kill")) == 1
    home.books.is_halted = False
    watch(home)
    assert Reason.HALTED not in home.gate.reasons


def _away() -> str:
    raise StoreError("redis", "is away")


def test_the_gate_stays_shut_until_both_stores_have_answered(home: House):
    """Redis alone is well: opening the gate would claim and give back, over and over."""
    home.books.away = True
    watch(home)
    for _ in range(10):
        watch(home)
        assert Reason.STORE_FAILED in home.gate.reasons
    home.books.away = False
    watch(home)
    assert home.gate.is_open


def test_the_cap_is_read_in_its_window(home: House):
    """Midnight is the zone's: a drop of yesterday must not weigh on today."""
    home.books.counts = WindowCounts(answered=100, connected=97, abandoned=3)
    watch(home, 5.0)
    caps = home.daemon.pacing.caps
    assert caps.abandonment(SPRING) == (3, 100)
    assert caps.windows[SPRING].since == datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


def test_before_the_first_call_a_store_that_is_away_is_an_error(build: Callable[..., House]):
    home = build()
    home.books.away = True
    with pytest.raises(StoreError):
        home.daemon.store_watch.look(home.clock.now())
