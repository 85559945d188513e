"""The single writer: without it two greenlets would each give the same operator a customer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from dialer.core.calls import events as happened
from dialer.core.calls.attempts import AttemptState, CallRules, claim
from dialer.core.calls.operators import OperatorState
from dialer.core.model import (
    AttemptId,
    CampaignName,
    Claimed,
    Group,
    GroupName,
    LegId,
    Moment,
    OperatorId,
    Strategy,
)
from dialer.engine.dispatcher import BATCH, ToAttempt, ToOperator
from dialer.errors import Bug
from tests.engine.house import (
    CARRIER,
    SALES,
    SPRING,
    START,
    House,
    campaign,
    entry,
    number,
    plan,
    profile,
)


def begin(home: House, n: int) -> AttemptId:
    """A claimed attempt, put in by hand."""
    key = AttemptId(f"attempt-{n}")
    claimed = Claimed(
        attempt_id=key,
        entry=entry(n),
        number=number().id,
        number_day=START.date(),
        gateway=CARRIER,
    )
    rules = CallRules.of(campaign())
    dispatcher = home.daemon.dispatcher
    dispatcher.do(lambda now: dispatcher.begin(claim(claimed, rules, now)))
    return key


# ------------------------------------------------------------------ steps


def test_a_pair_that_the_table_forbids_is_a_bug_in_tests(build: Callable[..., House]):
    home = build(strict=True)
    key = begin(home, 1)
    with pytest.raises(Bug, match="claimed cannot take Answered"):
        home.daemon.dispatcher.do(
            lambda now: home.daemon.dispatcher.to_attempt(key, happened.Answered(), now)
        )


def test_in_service_it_is_counted_and_the_value_stays(build: Callable[..., House]):
    """One misunderstood event must not end the calls of everybody."""
    home = build(strict=False)
    key = begin(home, 1)
    before = home.attempt(key)
    home.put(key, happened.Answered())
    assert home.attempt(key) is before
    assert home.meter.value("dialer_table_violations_total", machine="attempt") == 1


def test_an_event_of_nobody_is_counted(home: House):
    home.put(AttemptId("unheard-of"), happened.Answered())
    home.daemon.dispatcher.put(ToOperator(OperatorId("nobody"), happened.Parked()))
    home.settle()
    assert home.meter.value("dialer_events_unknown_total") == 2


def test_who_asks_for_a_turn_gets_its_error_and_the_dispatcher_lives_on(home: House):
    def fail(now: Moment) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        home.daemon.dispatcher.do(fail)
    assert home.daemon.dispatcher.do(lambda now: "alive") == "alive"


# ------------------------------------------------------------------ deadlines


def test_a_deadline_fires_once(home: House):
    """A claim whose intent is never answered goes back, once, not each second."""
    key = begin(home, 1)
    home.pass_time(9.9)
    assert home.state(key) is AttemptState.CLAIMED
    home.pass_time(0.2)
    assert home.state(key) is AttemptState.ENDED
    home.pass_time(100.0)
    home.written()
    assert home.books.withdrawn == [key]


def test_the_deadline_of_a_state_that_was_left_is_ignored(home: House):
    """The ten seconds of the claim must not end the call that it became."""
    key = begin(home, 1)
    home.put(key, happened.Go("+74951234567"))
    home.pass_time(10.1)
    assert home.state(key) is AttemptState.DIALING


def test_a_burst_is_handled_in_batches(home: House):
    """Sockets get their turn between batches; nothing of the burst is left over."""
    key = begin(home, 1)
    dispatcher = home.daemon.dispatcher
    for _ in range(3 * BATCH):
        dispatcher.put(ToAttempt(key, happened.Gone()))
    dispatcher.turn(home.clock.now())
    assert dispatcher.backlog == 2 * BATCH
    home.settle()
    assert dispatcher.backlog == 0


def test_the_watchdog_is_fed_by_the_dispatcher_itself(home: House):
    """A stuck dispatcher must be restarted by systemd, whatever else still runs."""
    fed: list[int] = []
    home.daemon.dispatcher._alive = lambda: fed.append(1)
    home.pass_time(1.1)
    assert len(fed) == 1
    home.settle()
    assert len(fed) == 1  # once a second, not once a turn


# ------------------------------------------------------------------ pairing


def offered(home: House, key: AttemptId) -> str | None:
    return home.attempt(key).operator


def test_customer_and_operator_meet_in_the_turn_in_which_the_second_is_ready(home: House):
    """Each turn of delay is silence in the customer's ear."""
    key = home.waiting()
    assert home.state(key) is AttemptState.WAITING
    home.log_in("anna")
    assert home.line.verbs("bridge") == [("leg-anna", key)]
    other = home.dial_one(2)
    home.log_in("boris")
    home.line.tell("answered", other)
    home.daemon.dispatcher.put(ToAttempt(other, happened.Ready()))
    home.daemon.dispatcher.turn(home.clock.now())
    assert home.state(other) is AttemptState.OFFERED


def test_nobody_is_bridged_before_his_script_says_ready(home: House):
    """Before it the originate has not noticed the answer, and the bridge kills the call."""
    home.log_in("anna")
    key = home.dial_one()
    home.line.tell("created", key)
    home.line.tell("answered", key)
    home.settle()
    assert home.state(key) is AttemptState.WAITING
    assert home.line.verbs("bridge") == []


def test_the_oldest_customer_is_first(home: House):
    keys = []
    for n in (1, 2, 3):
        keys.append(home.waiting(n))
        home.clock.move(0.1)
    home.log_in("anna")
    assert [offered(home, key) for key in keys] == ["anna", None, None]


def test_one_operator_is_never_in_two_pairs(home: House):
    """Not even where he serves two groups and both have customers in the same turn."""
    gold = GroupName("gold")
    home.plan = plan(
        campaigns={
            SPRING: campaign(),
            CampaignName("vip"): campaign("vip", group=gold, priority=5),
        },
        groups={SALES: Group(name=SALES), gold: Group(name=gold)},
        operators={OperatorId("anna"): profile("anna", sales=1, gold=1)},
    )
    home.daemon._reload()
    ordinary = home.waiting(1)
    vip = claim_for(home, "vip", 2)
    home.log_in("anna")
    assert offered(home, vip) == "anna"  # the campaign that matters more chooses first
    assert offered(home, ordinary) is None
    assert len(home.line.verbs("bridge")) == 1


def claim_for(home: House, name: str, n: int) -> AttemptId:
    """A waiting customer of another campaign."""
    one = home.calls.campaigns[CampaignName(name)]
    home.hopper.offer(one.name, [entry(n, name)])
    claimed, shown, _ = home.daemon.pacing.launcher.claim(one, 1, home.clock.now())
    home.daemon.pacing.launcher.commit(one, claimed, shown, home.clock.now())
    home.settle()
    key = claimed[0].attempt_id
    home.line.tell("answered", key)
    home.line.tell("ready", key)
    home.settle()
    return key


def test_round_robin_goes_round(build: Callable[..., House]):
    """Else the first operator of the list takes every call."""
    groups = {SALES: Group(name=SALES, strategy=Strategy.ROUND_ROBIN, wrapup_s=0.0)}
    home = build(plan(groups=groups))
    home.log_in("anna", "boris", "vera")
    order = []
    for n in range(1, 5):
        key = home.waiting(n)
        order.append(home.attempt(key).operator)
        name = str(order[-1])
        home.bridge(name, key)
        home.hang_up(key)
        home.park(name)
    assert order == ["anna", "boris", "vera", "anna"]


def test_a_campaign_that_moves_to_another_group_takes_its_waiting_customers_along(home: House):
    """After a reload the customer must reach the new group, and the old one not stumble."""
    key = home.waiting()
    gold = GroupName("gold")
    home.plan = plan(
        campaigns={SPRING: campaign(group=gold)},
        groups={SALES: Group(name=SALES), gold: Group(name=gold)},
        operators={
            OperatorId("anna"): profile("anna", sales=1),
            OperatorId("boris"): profile("boris", gold=1),
        },
    )
    assert home.daemon._reload()["ok"]
    home.log_in("anna")
    assert offered(home, key) is None
    home.log_in("boris")
    assert offered(home, key) == "boris"


def test_a_group_that_left_the_files_still_has_its_customers(home: House):
    """The reload must not end the daemon in the middle of their calls."""
    key = home.waiting()
    home.plan = plan(campaigns={}, groups={}, operators={})
    assert home.daemon._reload()["ok"]
    home.log_in("anna")
    assert offered(home, key) == "anna"


# ------------------------------------------------------------------ answers that come late


def test_what_is_meant_for_an_offer_of_before_is_dropped(home: House):
    """A slow answer about the first operator must not take the customer from the second."""
    key = home.waiting()
    home.log_in("anna", "boris")
    assert offered(home, key) == "anna"
    late = ToAttempt(key, happened.OfferFailed(), offered_to=LegId("leg-boris"))
    home.daemon.dispatcher.put(late)
    home.settle()
    assert home.state(key) is AttemptState.OFFERED
    home.daemon.dispatcher.put(ToAttempt(key, happened.OfferFailed(), LegId("leg-anna")))
    home.settle()
    assert offered(home, key) == "boris"


@pytest.mark.parametrize(
    "meant",
    [{"leg": LegId("an older leg")}, {"attempt": AttemptId("another call")}],
    ids=["another leg", "another call"],
)
def test_what_is_meant_for_another_leg_or_call_leaves_the_operator_alone(
    home: House, meant: dict[str, Any]
):
    home.log_in("anna")
    lost = happened.LegLost("gone", LegId("next"))
    home.daemon.dispatcher.put(ToOperator(OperatorId("anna"), lost, **meant))
    home.settle()
    assert home.operator("anna").state is OperatorState.READY


def test_each_move_of_an_operator_is_logged_in_order(home: House):
    """Occupancy is reckoned from this log."""
    home.log_in("anna")
    home.talking("anna")
    home.written()
    moves = [(one.operator, one.state) for one in home.books.moves]
    assert moves == [
        ("anna", state) for state in ("offline", "redialed", "ready", "offered", "talking")
    ]
    assert all(isinstance(one.at, datetime) for one in home.books.moves)
