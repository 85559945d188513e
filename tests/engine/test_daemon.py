"""The daemon's life on a scripted line: how it ends is what the people on the phone notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import gevent
import pytest

from dialer.core.calls.attempts import AttemptState
from dialer.core.model import AttemptId, OperatorId
from dialer.engine import feeder, outbox
from dialer.errors import StoreError
from dialer.ports import Command, Due
from tests.engine.house import BUSY, SPRING, House, entry


def until(true: Callable[[], object]) -> None:
    with gevent.Timeout(10.0, AssertionError("never came")):
        while not true():
            gevent.sleep(0.002)


class Life:
    """`Daemon.run` in a greenlet, its switch connected, Anna logged in, people on the list."""

    def __init__(self) -> None:
        self.home = House()
        self.home.books.people = [Due(entry=entry(n)) for n in range(1, 9)]
        self.greenlet = gevent.spawn(self.home.daemon.run)
        until(lambda: self.home.daemon._phase == "running")
        self.home.line.tell("link_up")
        until(lambda: self.home.gate.is_open)

    def log_in(self, name: str = "anna") -> None:
        command = Command(id="1", verb="operator.login", words={"operator": name})
        self.home.daemon.control.obey(command)
        leg = self.home.operator(name).leg
        assert leg is not None
        self.home.line.has_operator(name, leg, parked=True)
        self.home.line.tell("parked", leg)

    def ringing(self) -> AttemptId:
        until(lambda: self.home.line.dialed)
        key = self.home.line.dialed[0].attempt
        self.home.line.has_customer(key, answered=False)
        self.home.line.tell("created", key)
        return key

    def talking(self) -> AttemptId:
        key = self.ringing()
        self.home.line.tell("answered", key)
        self.home.line.tell("ready", key)
        until(lambda: self.home.line.verbs("bridge"))
        self.home.line.tell("bridged", self.home.operator("anna").leg, other=key)
        until(lambda: self.home.state(key) is AttemptState.TALKING)
        return key


@contextmanager
def life() -> Iterator[Life]:
    one = Life()
    try:
        yield one
    finally:
        one.home.daemon.stop()
        one.home.daemon.stop()
        one.greenlet.join(timeout=10.0)
        assert one.greenlet.dead


def test_a_contact_is_walked_from_the_list_to_the_books():
    """Every greenlet in its place: feeder, pacer, dispatcher, performer, outbox."""
    with life() as one:
        one.log_in()
        key = one.talking()
        one.home.line.hang_up(key, BUSY)
        until(lambda: key in one.home.books.results)
        assert one.home.books.results[key].operator == "anna"


def test_a_drain_sees_the_talk_to_its_end_and_leaves_the_operators_their_legs():
    """No talk is cut (R10.1); a successor adopts the legs and knows who is in a pause."""
    with life() as one:
        one.log_in()
        key = one.talking()
        one.log_in("boris")
        paused = Command(
            id="2", verb="operator.pause", words={"operator": "boris", "reason": "lunch"}
        )
        one.home.daemon.control.obey(paused)
        dialed = len(one.home.line.dialed)
        one.home.daemon.stop()
        until(lambda: one.home.daemon._phase == "draining")
        gevent.sleep(0.3)
        assert not one.greenlet.dead
        one.home.line.hang_up(key, BUSY)
        one.greenlet.get(timeout=10.0)
        assert key in one.home.books.results
        assert one.home.line.verbs("kill") == []
        assert len(one.home.line.dialed) == dialed
        assert one.home.presence.statuses() == {}
        remembered = one.home.presence.operators()[OperatorId("boris")]
        assert remembered["pause_reason"] == "lunch"


def test_a_second_stop_does_not_wait_for_the_talk():
    with life() as one:
        one.log_in()
        key = one.talking()
        one.home.daemon.stop()
        until(lambda: one.home.daemon._phase == "draining")
        one.home.daemon.stop()
        one.greenlet.get(timeout=10.0)
        assert one.home.line.verbs("kill") == []  # the two talk on; a successor adopts them
        assert key in one.home.books.open_rows


def test_a_greenlet_that_dies_ends_the_daemon_and_what_has_ended_is_written(
    monkeypatch: pytest.MonkeyPatch,
):
    """Half a daemon is worse than none: systemd starts a whole one, which adopts the rest."""
    monkeypatch.setattr(outbox, "LINGER_S", 0.3)
    with life() as one:
        one.log_in()
        key = one.talking()
        one.home.line.hang_up(key, BUSY)
        until(lambda: one.home.state(key) is AttemptState.ENDED)
        one.home.daemon.nursery.errand(_fail)
        with pytest.raises(ZeroDivisionError):
            one.greenlet.get(timeout=10.0)
        assert key in one.home.books.results


def test_a_greenlet_that_dies_during_the_drain_ends_the_drain():
    """Else the stop hangs until systemd kills it, minutes later."""
    with life() as one:
        one.log_in()
        one.talking()
        one.home.daemon.stop()
        until(lambda: one.home.daemon._phase == "draining")
        one.home.daemon.nursery.errand(_fail)
        with pytest.raises(ZeroDivisionError):
            one.greenlet.get(timeout=10.0)


def _fail() -> None:
    raise ZeroDivisionError


def test_a_ledger_that_is_away_at_the_start_is_said_and_nothing_is_left_running():
    home = House()
    home.books.refuses = {"save_campaigns"}
    with pytest.raises(StoreError, match="is away"):
        home.daemon.run()
    assert home.line.said == []
    assert ("close", None) in home.books.journal


def test_leads_told_while_the_ledger_was_not_heard_are_looked_for(
    monkeypatch: pytest.MonkeyPatch,
):
    """The listener's connection broke: whoever came in that gap has woken nobody."""
    monkeypatch.setattr(feeder, "DEAF_S", 0.0)
    home = House()
    woken: list[int] = []
    home.daemon.feeder.wake = lambda: woken.append(1)  # type: ignore[method-assign]
    answers: list[object] = [StoreError("postgresql", "cut"), frozenset(), frozenset()]
    asked: list[float] = []

    def wait(timeout_s: float) -> object:
        asked.append(timeout_s)
        if not answers:
            raise gevent.GreenletExit
        answer = answers.pop(0)
        if isinstance(answer, StoreError):
            raise answer
        return answer

    home.books.wait_for_work = wait  # type: ignore[assignment,method-assign]
    with pytest.raises(gevent.GreenletExit):
        home.daemon.feeder.listen()
    assert woken == [1]
    assert asked[0] == asked[2] == 30.0
    assert asked[1] < 1.0


def test_the_status_says_what_a_person_asks_first():
    with life() as one:
        one.log_in()
        one.talking()
        now = one.home.clock.now()
        status = one.home.daemon.status.value(now)
        assert status["phase"] == "running"
        assert status["campaigns"][SPRING]["calls"]["talking"] == 1
        assert status["operators"] == {"talking": 1}
        assert "+7495123" not in repr(status)  # nobody's phone
