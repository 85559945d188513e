"""How many go out, and that each is committed first: past this nobody can be called back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import gevent
import pytest

from dialer.core.calls.attempts import AttemptState
from dialer.core.model import (
    Abandonment,
    Gateway,
    GatewayName,
    Mode,
    Number,
    OperatorId,
    PhoneId,
)
from dialer.core.pacing.predictive import MOST_CANCELLED
from dialer.core.permission.reasons import Reason
from dialer.engine.launch import SPENT_S
from dialer.ports import WindowCounts
from tests.engine.house import (
    BUSY,
    CARRIER,
    SALES,
    SPRING,
    House,
    campaign,
    entry,
    gateway,
    number,
    plan,
    profile,
)

A = AttemptState
POWER = campaign(mode=Mode.POWER, ratio=20.0, abandonment=Abandonment(limit=1.0))


def many(home: House, people: int = 50) -> None:
    home.queue(*(entry(n) for n in range(1, people + 1)))
    home.books.counts = WindowCounts(answered=10_000, connected=10_000)  # the cap is far away
    home.daemon.pacing.caps.refresh(home.clock.now())


# ------------------------------------------------------------------ how many


def test_one_call_for_each_free_operator(home: House):
    many(home)
    home.log_in("anna", "boris")
    assert len(home.dial()) == 2
    assert home.dial() == []
    assert home.daemon.pacer.decisions[SPRING].why.binding.value == "operators_busy"


def test_the_order_of_the_queue_is_the_order_of_the_calls(home: House):
    many(home)
    home.log_in("anna", "boris", "vera")
    called = [home.attempt(key).claimed.entry.position for key in home.dial()]
    assert called == [1, 2, 3]


@pytest.mark.parametrize(
    ("gateways", "most"),
    [
        ((gateway(calls_at_once=3),), 3),
        ((gateway(calls_at_once=30), gateway("second", calls_at_once=2)), 32),
    ],
    ids=["calls at once", "two gateways"],
)
def test_no_gateway_gets_more_than_it_has_room_for(
    build: Callable[..., House], gateways: tuple[Gateway, ...], most: int
):
    """A carrier answers the call too many with an error, and the contact has paid for it."""
    names = tuple(one.name for one in gateways)
    home = build(
        plan(
            campaigns={SPRING: campaign(**{**POWER_WORDS, "gateways": names})},
            gateways={one.name: one for one in gateways},
            numbers=[shown_by(n, name) for n, name in enumerate(names, 1)],
        )
    )
    many(home, 100)
    home.log_in("anna", "boris", "vera")
    for _ in range(20):
        home.dial()
        for one in gateways:
            assert home.calls.on_gateway(one.name) <= one.calls_at_once
    assert len(home.line.dialed) == most


def test_calls_of_one_gateway_leave_one_after_the_other(build: Callable[..., House]):
    """One look decides eleven. A carrier that counts by the second refuses most of a heap."""
    quick = gateway(calls_per_s=40.0)
    home = build(
        plan(campaigns={SPRING: campaign(**POWER_WORDS)}, gateways={quick.name: quick})
    )
    many(home, 100)
    home.log_in("anna", "boris", "vera")
    begun_s = time.monotonic()
    home.dial()
    assert len(home.line.dialed) == 1
    with gevent.Timeout(5.0):
        while len(home.line.dialed) < 11:
            gevent.sleep(0.005)
    assert time.monotonic() - begun_s >= 10 / 40.0
    home.settle()
    assert len(home.line.dialed) == 11


def test_who_waits_for_his_turn_is_not_called_after_a_halt(build: Callable[..., House]):
    """At most a second later no call starts any more (R10.6)."""
    slow = gateway(calls_per_s=10.0)
    home = build(plan(campaigns={SPRING: campaign(**POWER_WORDS)}, gateways={slow.name: slow}))
    many(home, 100)
    home.log_in("anna", "boris", "vera")
    home.dial()
    home.gate.shut(Reason.HALTED, "a test")
    with gevent.Timeout(5.0):
        while home.calls.count(SPRING, A.CLAIMED):
            gevent.sleep(0.005)
    assert len(home.line.dialed) == 1


POWER_WORDS: dict[str, Any] = {
    "mode": Mode.POWER,
    "ratio": 20.0,
    "abandonment": Abandonment(limit=1.0),
}


def shown_by(n: int, name: GatewayName) -> Number:
    return number(n, gateways=(name,))


def test_the_switch_as_a_whole_has_a_limit(build: Callable[..., House]):
    home = build(plan(campaigns={SPRING: POWER}, switch_calls_at_once=4))
    many(home)
    home.log_in("anna", "boris")
    for _ in range(5):
        home.dial()
    assert len(home.line.dialed) == 4


def test_an_operator_of_two_campaigns_is_planned_with_once(build: Callable[..., House]):
    """Counted twice, every second customer would be answered by nobody."""
    autumn = campaign("autumn")
    home = build(
        plan(
            campaigns={SPRING: campaign(), autumn.name: autumn},
            operators={OperatorId("anna"): profile("anna")},
        )
    )
    many(home)
    home.queue(*(entry(n, "autumn") for n in range(100, 110)), name=autumn.name)
    home.log_in("anna")
    assert len(home.dial()) == 1


@pytest.mark.parametrize(
    ("reason", "binding"),
    [
        (Reason.HALTED, "halted"),
        (Reason.SWITCH_BLIND, "switch_blind"),
        (Reason.STORE_FAILED, "paused"),
        (Reason.CLOCK_OFF, "paused"),
        (Reason.PAUSED, "paused"),
    ],
)
def test_a_shut_gate_lets_nothing_out(home: House, reason: Reason, binding: str):
    many(home)
    home.log_in("anna")
    home.gate.shut(reason)
    assert home.dial() == []
    assert home.daemon.pacer.decisions[SPRING].why.binding.value == binding
    home.gate.open(reason)
    assert len(home.dial()) == 1


def test_a_gate_that_shuts_while_the_ledger_is_asked_stops_the_next_batch(
    build: Callable[..., House],
):
    home = build(plan(campaigns={SPRING: campaign(**{**POWER_WORDS, "ratio": 100.0})}))
    many(home, 150)
    home.log_in("anna")
    home.books.on_commit = lambda intents: home.gate.shut(Reason.PAUSED)
    assert len(home.dial()) == 50  # one batch: committed before it was shut
    assert home.hopper.size(SPRING) == 100


def test_nothing_goes_out_to_a_switch_that_went_blind_while_the_ledger_was_asked(home: House):
    """Committed, not sent: taken back, and the contact keeps its place."""
    many(home)
    home.log_in("anna")
    home.books.on_commit = lambda intents: home.gate.shut(Reason.SWITCH_BLIND)
    assert home.dial() == []
    home.written()
    assert len(home.books.withdrawn) == 1
    assert not home.books.open_rows
    assert home.hopper.head(SPRING, 1)[0].position == 1


def test_a_call_too_many_is_given_up_once_it_has_rung_long_enough(home: House):
    """The operator it was meant for is gone; whoever picks up would hear silence."""
    many(home)
    home.log_in("anna")
    (key,) = home.dial()
    home.line.tell("created", key)
    home.line.tell("progressed", key, early_media=False)
    home.settle()
    home.daemon.control._pause({"operator": "anna"})
    home.clock.move(14.0)
    home.dial()
    assert home.line.verbs("kill") == []
    home.clock.move(1.5)
    home.dial()
    home.dial()
    assert home.line.verbs("kill") == [(key, "ORIGINATOR_CANCEL")]


def test_no_more_calls_are_looked_through_than_one_decision_can_give_up(
    build: Callable[..., House],
):
    """With five thousand calls in flight the loop would stand still for tens of ms."""
    home = build(plan(campaigns={SPRING: campaign(mode=Mode.PREDICTIVE)}))
    for n in range(1, 13):
        key = home.dial_one(n)
        home.line.tell("created", key)
        home.line.tell("progressed", key, early_media=False)
        home.settle()
        home.clock.move(0.5)
    home.clock.move(15.0)
    _, ripe = home.daemon.pacer._lookout.team(
        SALES, [home.calls.campaigns[SPRING]], home.clock.now()
    )
    youngest = list(home.calls.in_flight(SPRING))[-MOST_CANCELLED:]
    assert ripe[SPRING] == youngest[::-1]


# ------------------------------------------------------------------ refused intents


def test_no_commit_no_call(home: House):
    many(home)
    home.log_in("anna")
    seen: list[int] = []
    home.books.on_commit = lambda intents: seen.append(len(home.line.dialed))
    home.dial()
    assert seen == [0]
    assert len(home.line.dialed) == 1


def test_a_contact_that_may_not_be_called_waits_until_it_may(home: House):
    until = home.clock.now().wall + timedelta(days=1)
    home.books.denied[PhoneId(10_001)] = (Reason.TRIES_DAY.value, until)
    many(home)
    home.log_in("anna")
    assert home.dial() == []
    home.written()
    assert home.books.postponed == {1: ("tries_day", until)}
    assert home.hopper.size(SPRING) == 49
    assert home.hopper.used([(number().id, home.clock.now().wall.date())]) == [0]
    assert [home.attempt(key).claimed.entry.position for key in home.dial()] == [2]


def test_a_number_at_its_limit_is_not_asked_for_again_at_once(home: House):
    """The contact goes back to its place and is called with the next number."""
    home.books.denied[PhoneId(10_001)] = (Reason.NUMBER_LIMIT.value, None)
    many(home)
    home.log_in("anna")
    assert home.dial() == []
    home.written()
    assert home.hopper.head(SPRING, 1)[0].position == 1
    assert home.books.postponed == {}
    home.books.denied.clear()
    (key,) = home.dial()
    first = home.attempt(key)
    assert first.claimed.entry.position == 1
    assert first.claimed.number == number(2).id
    home.hang_up(key, BUSY)
    home.written()
    home.clock.move(SPENT_S + 1.0)  # a charge may have been given back, or the limit raised
    (key,) = home.dial()
    assert home.attempt(key).claimed.number == number(1).id
    assert home.daemon.pacing.launcher._spent == {}


def test_the_halt_that_only_the_ledger_knows_of_shuts_the_gate(home: House):
    home.books.is_halted = True
    many(home)
    home.log_in("anna")
    assert home.dial() == []
    assert Reason.HALTED in home.gate.reasons
    home.written()
    assert home.hopper.head(SPRING, 1)[0].position == 1


def test_a_ledger_that_fails_withdraws_the_whole_batch(build: Callable[..., House]):
    """Committed or not, nobody knows: none has gone out, so all are taken back."""
    home = build(plan(campaigns={SPRING: POWER}))
    many(home)
    home.log_in("anna")
    home.books.refuses = {"commit_intents"}
    assert home.dial() == []
    assert Reason.STORE_FAILED in home.gate.reasons
    home.written()
    assert len(home.books.withdrawn) == 20
    assert home.hopper.size(SPRING) == 50
    home.books.refuses.clear()
    home.gate.open(Reason.STORE_FAILED)
    positions = [home.attempt(key).claimed.entry.position for key in home.dial()]
    assert positions == list(range(1, 21))  # nobody has lost his place


def test_a_stop_that_comes_while_the_intent_is_committed_cancels_it(home: House):
    many(home)
    home.log_in("anna")
    command = {"phone": 10_001}
    home.books.on_commit = lambda intents: home.daemon.control._stop_phone(command)
    assert home.dial() == []
    home.written()
    assert not home.books.open_rows
    assert home.hopper.size(SPRING) == 49


def test_a_redis_that_fails_shuts_the_gate(home: House):
    home.hopper.lose()
    many(home)
    home.log_in("anna")
    assert home.dial() == []
    assert Reason.STORE_FAILED in home.gate.reasons


# ------------------------------------------------------------------ what was found empty


def test_an_empty_hopper_wakes_the_feeder_and_is_asked_again_when_it_was_fed(home: House):
    hungry: list[int] = []
    home.daemon.pacing.launcher._hungry = lambda: hungry.append(1)
    home.log_in("anna")
    assert home.dial() == []
    assert home.dial() == []
    assert hungry == [1]
    many(home)
    home.daemon.pacer.fed(SPRING)
    assert len(home.dial()) == 1


def test_a_pool_that_is_used_up_holds_its_campaign_back(build: Callable[..., House]):
    home = build(plan(numbers=[number(hard_limit=1, soft_limit=1)]))
    many(home)
    home.log_in("anna", "boris")
    assert len(home.dial()) == 1
    home.dial()
    held = home.daemon.pacing.launcher.held_back[SPRING]
    assert held == {"pool_used_up": 1}
    assert home.daemon.pacer.decisions[SPRING].why.binding.value == "numbers_used_up"


def test_a_reload_in_the_middle_of_a_claim_ends_nothing(home: House):
    """The pool and the gateway that the claim was made for are gone from the files."""
    many(home)
    home.log_in("anna")
    claimed, shown, _ = home.daemon.pacing.launcher.claim(campaign(), 1, home.clock.now())
    home.plan = plan(campaigns={}, numbers=[], gateways={})
    home.daemon._reload()
    home.daemon.pacing.launcher.commit(campaign(), claimed, shown, home.clock.now())
    home.settle()
    assert home.state(claimed[0].attempt_id) is A.DIALING
    assert home.daemon.lines.room(campaign(), home.calls, home.clock.now()) == {}
    assert CARRIER not in home.daemon.lines.gateways
