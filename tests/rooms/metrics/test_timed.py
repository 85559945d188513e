"""Ports with a clock on them: the daemon must not notice, Prometheus must see the slow verb."""

from __future__ import annotations

import pytest

from dialer.errors import StoreError
from dialer.metrics.meter import MemoryMeter
from dialer.metrics.timed import timed


class Store:
    """A port with a verb that answers, one that fails and one that waits on purpose."""

    def answer(self, value: int, *, twice: bool = False) -> int:
        return value * (2 if twice else 1)

    def fail(self) -> None:
        raise StoreError("redis", "gone")

    def wait_for_work(self, timeout_s: float) -> float:
        return timeout_s


@pytest.fixture
def meter() -> MemoryMeter:
    return MemoryMeter()


@pytest.fixture
def store(meter: MemoryMeter) -> Store:
    return timed(Store(), meter.observe, "dialer_store_seconds", store="redis")


def test_a_verb_answers_as_before_and_is_timed_by_its_name(store: Store, meter: MemoryMeter):
    assert [store.answer(2), store.answer(2, twice=True)] == [2, 4]
    assert len(meter.observed("dialer_store_seconds", store="redis", verb="answer")) == 2


def test_a_verb_that_fails_is_timed_and_its_error_goes_on(store: Store, meter: MemoryMeter):
    """A store in trouble is slow before it fails: just these uses must be seen."""
    with pytest.raises(StoreError):
        store.fail()
    assert len(meter.observed("dialer_store_seconds", verb="fail")) == 1


def test_waiting_on_purpose_is_not_taken_for_slowness(store: Store, meter: MemoryMeter):
    assert store.wait_for_work(30.0) == 30.0
    assert meter.observed("dialer_store_seconds") == []


def test_a_verb_that_does_not_exist_is_said_at_once(store: Store):
    with pytest.raises(AttributeError):
        store.anwser(1)  # type: ignore[attr-defined]
