"""A campaign's own limits in the running daemon: it slows, stops, and says so (R6.11)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dialer.core.model import Persistence
from dialer.core.permission.persistence import CYCLE_S, Figures
from dialer.engine.status import health
from dialer.errors import StoreError
from tests.engine.house import SPRING, House, campaign, entry, plan

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
