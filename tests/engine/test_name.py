"""A second daemon of one name: it waits, says so where people look, and takes over."""

from __future__ import annotations

from collections.abc import Callable

import gevent
import pytest

from dialer.core.permission.reasons import Reason
from dialer.engine import name
from dialer.engine.status import health
from dialer.errors import NameTaken
from tests.engine.house import US, House

OTHER = "dialer d1, pid 7 on elsewhere"


def until(true: Callable[[], object]) -> None:
    with gevent.Timeout(10.0, AssertionError("never came")):
        while not true():
            gevent.sleep(0.002)


def test_the_second_of_a_name_does_nothing_but_say_so_until_it_is_free(
    monkeypatch: pytest.MonkeyPatch,
):
    """It would take the first one's calls for strays and hang them up."""
    monkeypatch.setattr(name, "EVERY_S", 0.005)
    home = House()
    home.books.name_held_by = OTHER
    greenlet = gevent.spawn(home.daemon.run)
    until(lambda: Reason.NAME_TAKEN in home.gate.reasons)
    until(home.presence.statuses)
    ((shown, status),) = home.presence.statuses().items()
    assert shown != US  # the first one's status is left alone
    told = status["held_back_by"]["name_taken"]
    assert OTHER in told
    assert "name:" in told
    assert not health(status)[0]
    assert home.meter.value("dialer_gate_shut", reason="name_taken") == 1
    assert not home.line.said
    assert home.books.journal == []
    home.books.name_held_by = None
    until(lambda: home.daemon._phase == "running")
    assert Reason.NAME_TAKEN not in home.gate.reasons
    home.daemon.stop()
    greenlet.get(timeout=10.0)


def test_one_that_waits_can_be_stopped_and_leaves_the_first_ones_traces_alone():
    home = House()
    home.books.name_held_by = OTHER
    home.presence.publish_status(US, {"pid": 7})
    greenlet = gevent.spawn(home.daemon.run)
    until(lambda: Reason.NAME_TAKEN in home.gate.reasons)
    home.daemon.stop()
    greenlet.get(timeout=10.0)
    assert home.presence.statuses()[US] == {"pid": 7}


def test_a_daemon_whose_name_was_taken_ends_and_its_successor_goes_on():
    """Cut off from PostgreSQL for longer than its lock lasts: another has adopted its calls."""
    home = House()
    assert home.daemon.name.wait(home.daemon._stopping, lambda: None)
    home.books.away = True
    home.daemon.name.check()
    home.books.away = False
    home.books.name_held_by = OTHER
    with pytest.raises(NameTaken, match="held by another daemon"):
        home.daemon.name.check()
    assert not home.daemon.name.ours
