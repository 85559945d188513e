"""The engine on the simulated switch through the real event-socket room, by the wall's clock.

What the scripted line cannot show: real orders of events, a switch that is started again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import gevent
import pytest
from gevent import socket

from dialer.core.calls.operators import OperatorState
from dialer.core.model import AttemptId, Group, LegId, Moment, OperatorId
from dialer.core.permission.reasons import Reason
from dialer.errors import CommandRefused
from dialer.esl.commands import House as EslHouse
from dialer.esl.keeper import SocketSettings
from dialer.esl.switch import EventSocketSwitch
from dialer.ports import Command, Due, OperatorCall
from dialer.sim import connection
from dialer.sim.event_socket import SimulatedSwitch
from dialer.sim.world import Gateway, Pattern, Phones, Ways, World
from tests.engine.house import SALES, US, House, entry, plan

CALM = World(
    time_scale=0.05,
    gateways={"carrier": Gateway()},
    phones=Phones(answer_s=(0.2, 0.2)),
    ways=Ways(races=False, lost_share=0.0),
    patterns=(
        Pattern(
            digits=".*", behaviour="answer", dial_s=0.2, ring_s=1.0, talk_s=4.0, patience_s=60.0
        ),
    ),
)


class WallClock:
    def now(self) -> Moment:
        return Moment(time.monotonic(), datetime.now(UTC))


def until(true: Callable[[], object], what: str) -> None:
    with gevent.Timeout(15.0, AssertionError(f"never seen: {what}")):
        while not true():
            gevent.sleep(0.005)


class OnASwitch:
    """A switch, and a daemon that runs on it."""

    def __init__(self, people: int) -> None:
        self.switch = SimulatedSwitch(CALM)
        self.switch.start()
        configured = plan(groups={SALES: Group(name=SALES, wrapup_s=0.1)})
        clock = WallClock()
        line = EventSocketSwitch(
            SocketSettings(
                host="127.0.0.1",
                port=self.switch.port,
                password=self.switch.password,
                reconnect_least_s=0.01,
                reconnect_most_s=0.05,
                tick_every_s=0.1,
            ),
            house=EslHouse(instance=US),
            gateways=configured.gateways,
            clock=clock,
            chance=random.Random(7),
        )
        self.home = House(configured, switch=line, clock=clock)
        self.home.books.people = [Due(entry=entry(n)) for n in range(1, people + 1)]
        self.daemon = self.home.daemon
        self.greenlet = gevent.spawn(self.daemon.run)
        until(lambda: self.daemon.gate.is_open, "an open gate")

    def obey(self, verb: str, **words: str) -> None:
        answer = self.daemon.control.obey(Command(id="1", verb=verb, words=words))
        assert answer["ok"], answer

    def start_again(self) -> None:
        """The switch dies with all its channels; another one comes up in its place."""
        port = self.switch.port
        self.switch.abort()
        self.switch = SimulatedSwitch(CALM, port=port)
        self.switch.start()

    def talked(self) -> list[AttemptId]:
        return [
            key
            for key, one in self.home.books.results.items()
            if one.verdict.disposition == "talked"
        ]

    def end(self) -> None:
        self.daemon.stop()
        self.daemon.stop()
        self.greenlet.join(timeout=10.0)
        self.switch.abort()


@contextmanager
def world(people: int = 6) -> Iterator[OnASwitch]:
    one = OnASwitch(people)
    try:
        yield one
    finally:
        one.end()
    assert one.greenlet.successful(), one.greenlet.exception


def test_a_list_is_called_through_and_every_talk_is_in_the_books():
    """One operator, six people: each is called once, talks, and is done."""
    with world(6) as one:
        one.obey("operator.login", operator="anna")
        until(lambda: len(one.home.books.results) == 6, "six results")
        assert len(one.talked()) == 6
        assert one.home.meter.value("dialer_originates_total") == 6
        assert {result.operator for result in one.home.books.results.values()} == {"anna"}
        assert one.home.meter.value("dialer_table_violations_total") == 0
        until(lambda: not one.home.hopper.store.leases, "the last lease ended")


def test_a_switch_that_is_started_again_costs_its_calls_and_nothing_else():
    """Operators are called again by themselves, lost calls are settled, dialing goes on."""
    with world(3) as one:
        one.obey("operator.login", operator="anna")
        until(
            lambda: one.home.operator("anna").state is OperatorState.TALKING, "the first talk"
        )
        first = one.home.operator("anna").attempt
        leg = one.home.operator("anna").leg
        assert first is not None
        one.start_again()
        until(lambda: first in one.home.books.results, "the lost call's result")
        assert one.home.books.results[first].verdict.disposition == "talked"
        until(lambda: one.home.operator("anna").leg not in (None, leg), "a new leg")
        until(
            lambda: (
                one.home.operator("anna").state is OperatorState.TALKING
                and one.home.operator("anna").attempt != first
            ),
            "the next talk",
        )


def test_a_link_that_is_cut_costs_nothing():
    """The calls go on; what was not seen is found again."""
    with world(2) as one:
        one.obey("operator.login", operator="anna")
        until(
            lambda: one.home.operator("anna").state is OperatorState.TALKING, "the first talk"
        )
        first = one.home.operator("anna").attempt
        assert first is not None
        one.switch.drop_clients()
        until(lambda: not one.daemon.gate.is_open, "a shut gate")
        until(lambda: first in one.home.books.results, "the talk's result")
        assert one.home.books.results[first].verdict.disposition == "talked"
        assert one.home.books.results[first].operator == "anna"


def test_a_switch_blinded_by_a_stuck_client_is_noticed_and_not_dialed(
    monkeypatch: pytest.MonkeyPatch,
):
    """Its `bgapi` works all the while: who does not look goes on calling people."""
    monkeypatch.setattr(connection, "MOST_QUEUED", 50)
    monkeypatch.setattr(connection, "MOST_MISSED", 5)
    with world(6) as one:
        stuck = socket.create_connection(("127.0.0.1", one.switch.port))
        stuck.sendall(b"auth simulated-switch\n\nevent json CUSTOM dialer::ready flood\n\n")
        x = one.switch.exchange
        until(lambda: any(it.wants("CUSTOM", "flood") for it in x.listeners), "a deaf client")
        while one.switch.sight.is_set():
            x.fire("CUSTOM", {"Bulk": "x" * 65536}, "flood")
            gevent.sleep(0)
        blind_s = time.monotonic()
        until(lambda: Reason.SWITCH_BLIND in one.daemon.gate.reasons, "a shut gate")
        assert time.monotonic() - blind_s < 1.0  # three ticks of 0.1 s and a busy machine
        with pytest.raises(CommandRefused):
            one.home.daemon.performer._switch.originate_operator(
                OperatorCall(
                    operator=OperatorId("anna"),
                    leg=LegId("11111111-2222-4333-8444-555555555555"),
                    endpoint="user/anna@test.invalid",
                )
            )
        stuck.close()
        until(lambda: one.daemon.gate.is_open, "an open gate")
        one.obey("operator.login", operator="anna")
        until(lambda: len(one.home.books.results) == 6, "six results")
        assert len(one.talked()) == 6
