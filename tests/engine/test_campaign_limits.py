"""A campaign's own limits in the running daemon: it slows, stops, and says so (R6.11)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dialer.core.model import DayBudget, Persistence, PhoneId, Price
from dialer.core.permission.persistence import CYCLE_S, Figures
from dialer.core.permission.reasons import Reason
from dialer.engine.status import health
from dialer.errors import StoreError
from tests.engine.house import CARRIER, SPRING, House, campaign, entry, gateway, plan

LIMITED = campaign(persistence=Persistence(opt_outs_share=0.02, from_tries=100))


def at_work(build: Callable[..., House], opt_outs: int) -> House:
    home = build(plan(campaigns={SPRING: LIMITED}))
    home.queue(*(entry(n) for n in range(1, 20)))
    home.log_in("anna")
    home.books.figures = Figures(tries=500, talks=100, answered=100, opt_outs=opt_outs)
    home.daemon.pacing.limits.look(home.clock.now())
    return home


def test_a_campaign_that_people_want_rings_on(build: Callable[..., House]):
    home = at_work(build, opt_outs=2)
    assert len(home.dial()) == 1
    assert home.daemon.surroundings.troubles(home.clock.now()) == []


def test_past_its_limit_it_stops_and_everybody_is_told(build: Callable[..., House]):
    home = at_work(build, opt_outs=3)
    assert home.dial() == []
    assert home.daemon.pacer.decisions[SPRING].why.binding.value == "persistence"
    told = home.daemon.status.value(home.clock.now())
    assert told["campaigns"]["spring"]["limits"]["pace"] == 0
    (why,) = health(told)[1]["troubles"]
    assert why.startswith(
        "campaign spring: in 30 days 3.0% want no more calls, of the answered, the limit is"
        " 2.0%: dials nothing"
    )
    assert home.meter.value("dialer_persistence_pace_ratio", campaign="spring") == 0


def test_a_little_past_it_dials_a_part_of_the_time(build: Callable[..., House]):
    """Half its pace is the first half of each quarter of an hour."""
    home = at_work(build, opt_outs=2)
    home.books.figures = Figures(tries=500, talks=100, answered=400, opt_outs=10)
    home.daemon.pacing.limits.look(home.clock.now())
    into_s = home.clock.now().wall.timestamp() % CYCLE_S
    home.clock.move(CYCLE_S - into_s + CYCLE_S / 2)
    assert home.dial() == []
    home.clock.move(CYCLE_S / 2 + 1)
    assert len(home.dial()) == 1


def test_while_the_books_are_away_the_last_answer_holds(build: Callable[..., House]):
    home = at_work(build, opt_outs=3)
    home.books.refuses.add("persistence")
    with pytest.raises(StoreError):
        home.daemon.pacing.limits.look(home.clock.now())
    assert home.dial() == []


def test_what_another_daemon_has_judged_holds_here_at_once(build: Callable[..., House]):
    """Its word is in the ledger; ours is a minute old."""
    home = at_work(build, opt_outs=0)
    for n in range(1, 20):
        home.books.denied[PhoneId(10_000 + n)] = (Reason.PERSISTENCE.value, None)
    assert home.dial() == []
    assert home.dial() == []
    assert home.daemon.pacer.decisions[SPRING].why.binding.value == "persistence"
    home.written()
    assert (home.hopper.size(SPRING), home.books.postponed) == (19, {})


def test_what_is_judged_binds_every_daemon(build: Callable[..., House]):
    home = at_work(build, opt_outs=3)
    assert home.books.paces == {SPRING: 0.0}


# ------------------------------------------------------------------ money


def paid(build: Callable[..., House], budget: DayBudget) -> House:
    price = Price(per_attempt=0.25, per_minute=1.75, step_s=60)
    home = build(
        plan(
            campaigns={SPRING: campaign(budget=budget)},
            gateways={CARRIER: gateway(price=price)},
        )
    )
    home.queue(*(entry(n) for n in range(1, 20)))
    home.log_in("anna", "boris", "vera")
    return home


def test_no_more_calls_are_wanted_than_the_day_bears(build: Callable[..., House]):
    home = paid(build, DayBudget(money=100.0))
    home.books.used = (40, 97_000_000)
    home.daemon.pacing.limits.look(home.clock.now())
    assert len(home.dial()) == 1, "three hold a call of two roubles each, one is left"
    assert home.daemon.pacer.decisions[SPRING].why.binding.value == "day_budget"
    assert home.meter.value("dialer_budget_used_ratio", campaign="spring", of="money") == 0.97


def test_what_the_ledger_refuses_is_not_asked_again_at_once(build: Callable[..., House]):
    """Another daemon has spent the last call: the contact goes back to his place."""
    home = paid(build, DayBudget(calls=50))
    home.daemon.pacing.limits.look(home.clock.now())
    for n in range(1, 20):
        home.books.denied[PhoneId(10_000 + n)] = (Reason.BUDGET_CALLS.value, None)
    assert home.dial() == []
    assert home.dial() == []
    assert home.daemon.pacer.decisions[SPRING].why.binding.value == "day_budget"
    home.written()
    assert home.hopper.size(SPRING) == 19
    assert home.books.postponed == {}
    (trouble,) = home.daemon.surroundings.troubles(home.clock.now())
    assert trouble.subject == "spring"


def test_a_call_is_written_with_what_it_cost(build: Callable[..., House]):
    home = paid(build, DayBudget())
    key = home.talking("anna")
    home.clock.move(61)
    home.hang_up(key)
    home.written()
    assert home.books.results[key].cost == 250_000 + 2 * 1_750_000
