"""What an engineer loses if these fail: a simulated shift that stands for a real one."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from dialer.core.model import Campaign, Mode
from dialer.core.pacing.cap_ledger import Kind
from dialer.core.pacing.cap_rule import CapRule
from dialer.core.pacing.cap_rule import Spending as Spends
from dialer.core.pacing.decide import again
from dialer.core.pacing.observation import Decision
from dialer.forecast.course import course
from dialer.forecast.families import FAMILIES, made
from dialer.forecast.feed import Contact, ListFeed
from dialer.forecast.grid import FINE, Grid
from dialer.forecast.interval import interval
from dialer.forecast.pace import Pace, Seen
from dialer.forecast.scenario import Pause
from dialer.forecast.simulated import simulate
from dialer.forecast.tally import worst_stretch
from dialer.forecast.world import World
from tests.rooms.forecast.truth import BEGINS, CAMPAIGN, question_of

#: FORECAST_FULL=1: the grids compared on nine hours of each size of team.
FULL = bool(os.environ.get("FORECAST_FULL"))
SEEDS = 9 if FULL else 3


def test_the_same_seed_is_the_same_shift() -> None:
    """Two engineers who look at one seed must see the same day."""
    one, other = (simulate(made("field:5", 3, 300.0), Mode.PREDICTIVE) for _ in range(2))
    assert replace(one, decided_s=0.0) == replace(other, decided_s=0.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_books_of_each_family_balance(family: str) -> None:
    """Nobody is lost between the launch and the ending, and no second is counted twice."""
    scenario = made(f"{family}:8", 1, 600.0)
    shift = simulate(scenario, Mode.PREDICTIVE, grid=Grid(tick_s=2.0, gap_s=2.0))
    assert 0.0 < shift.occupancy < 1.0
    assert shift.answered + shift.machines >= shift.connects
    assert shift.abandoned <= shift.answered
    assert shift.talk_s + shift.idle_s + shift.wrapup_s <= 8 * 600.0 + 1.0
    assert sum(one.launched for one in shift.slices) == shift.launched


def test_every_decision_of_a_shift_is_made_again_from_its_why() -> None:
    """R3.2: a decision that cannot be made again cannot be explained to anybody. With
    FORECAST_FULL a day of eight hours.
    """

    class Asked(Pace):
        decisions = 0

        def decide(self, seen: Seen) -> Decision:
            decision = super().decide(seen)
            same = again(decision.why)
            assert (same.launch, same.cancel) == (decision.launch, decision.cancel)
            assert same.why.binding is decision.why.binding
            self.decisions += 1
            return decision

    scenario = made("drift:10", 1, 8 * 3600.0 if FULL else 240.0)
    pace = Asked(Mode.PREDICTIVE, CapRule(limit=0.03), ring_timeout_s=28.0)
    shift = World(scenario, pace).run()
    assert pace.decisions == shift.decisions > 2 * scenario.lasts_s


def test_progressive_abandons_nobody_and_predictive_talks_more() -> None:
    """The whole point of the forecast's table."""
    scenario = made("steady:10:0.3", 2, 900.0)
    plain = simulate(scenario, Mode.PROGRESSIVE)
    ahead = simulate(scenario, Mode.PREDICTIVE)
    assert plain.abandoned == 0
    assert ahead.occupancy > plain.occupancy + 0.05
    assert ahead.abandonment < 0.06


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("operators", [10, 20, 50, 100] if FULL else [6])
def test_the_coarse_grid_agrees_with_the_fine_one_within_the_interval(operators: int) -> None:
    """A fast forecast must not be another forecast."""
    asked = question_of(
        mode=Mode.PREDICTIVE,
        operators=operators,
        lasts_s=3600.0 if FULL else 400.0,
        assume=["answer_rate=30%", "talk_s=60", "break_share=0%", "login_s=0"],
        calls_per_s=0.08 * operators + 1.0,
    )
    sparse = [course(asked, seed) for seed in range(SEEDS)]
    dense = [course(replace(asked, fine=True), seed) for seed in range(SEEDS)]
    for name in ("occupancy", "answers_per_h", "attempts"):
        there = interval([getattr(one, name) for one in dense])
        middle = interval([getattr(one, name) for one in sparse]).middle
        assert there.holds(middle), (name, there, middle)


@pytest.mark.parametrize("operators", [40, 80])
def test_who_decides_seldom_launches_no_less(operators: int) -> None:
    """What calls per second let through between two decisions is not lost: a team of a hundred
    would be forecast to wait.
    """
    asked = question_of(
        mode=Mode.PREDICTIVE,
        operators=operators,
        lasts_s=120.0,
        calls_per_s=1.3,
        assume=["answer_rate=5%", "login_s=0", "break_share=0%"],
    )
    done = course(asked, 1)
    assert 0.95 * 1.3 * 120.0 <= done.attempts <= 1.3 * (120.0 + 4.0) + 1.0


def test_a_list_is_used_up_and_everybody_was_tried_once() -> None:
    """Finish time is what a supervisor plans the next list by."""
    asked = question_of(assume=["contacts=200", "answer_rate=40%", "talk_s=40", "login_s=0"])
    done = course(asked, 1)
    assert done.attempts == 200  # one try a day
    assert 0.1 < done.finished_h < 1.0
    assert done.left > 0  # those who did not answer are due in a week


def test_days_go_on_where_the_first_one_stopped() -> None:
    days = tuple(BEGINS.replace(day=day) for day in (2, 3, 4))
    stated = ["contacts=500", "answer_rate=40%", "talk_s=40", "login_s=0"]
    done = course(question_of(shifts=days, lasts_s=600.0, assume=stated), 1)
    first = course(question_of(shifts=days[:1], lasts_s=600.0, assume=stated), 1)
    assert done.attempts > 2 * first.attempts
    assert done.left < first.left


def test_drops_are_spent_ahead_as_the_daemon_spends_them() -> None:
    """A forecast that spends on other terms than the daemon promises another occupancy."""
    from dialer.core.model import Abandonment, Spending
    from dialer.core.pacing.counted_on import TRUSTED_S

    def budget(campaign: Campaign | None, rule: CapRule, ends_s: float) -> float:
        pace = Pace(
            Mode.PREDICTIVE, rule, ring_timeout_s=30.0, begins=BEGINS, campaign=campaign
        )
        for call in range(200):
            pace.enter(call, 100.0 + call, Kind.PERSON)
        seen = Seen(
            now_s=600.0,
            ends_s=ends_s,
            idle=5,
            waiting=0,
            talking_s=(),
            wrapup_s=(),
            operators=5,
            in_flight=0,
            ripe_s=(),
            tokens=5,
            channels=5,
            ready=5,
            numbers=None,
        )
        left = pace.decide(seen).why.budget_left
        assert left is not None
        return left

    rule = CapRule(limit=0.03)
    without_hours = budget(CAMPAIGN, rule, 8 * 3600.0)
    assert without_hours == budget(None, rule, 600.0 + TRUSTED_S)
    strict = replace(CAMPAIGN, abandonment=Abandonment(spending=Spending.STRICT))
    earned = budget(strict, replace(rule, spending=Spends.STRICT), 8 * 3600.0)
    assert earned == budget(None, rule, 600.0)
    assert earned < without_hours < budget(None, rule, 8 * 3600.0)


def test_a_carrier_that_takes_no_calls_is_not_called() -> None:
    """What the bucket held when the pause began goes out, and nothing more."""
    scenario = made("steady:8:0.3", 1, 600.0)
    pause = Pause(from_s=0.0, until_s=600.0)
    still = replace(scenario, line=replace(scenario.line, pauses=(pause,)))
    shift = simulate(still, Mode.PROGRESSIVE)
    assert shift.launched <= scenario.line.calls_per_s + 1
    assert simulate(scenario, Mode.PROGRESSIVE).launched > 50


def test_a_stretch_needs_two_hundred_answers() -> None:
    """Below that a share is one bad cluster and says nothing."""
    assert worst_stretch([1] * 60, [0] * 60) is None
    assert worst_stretch([10] * 60, [0] * 30 + [1] * 30) == pytest.approx(0.1)


# ------------------------------------------------------------------ the list


def test_a_contact_is_not_tried_again_before_the_campaign_allows() -> None:
    """The forecast must not promise attempts that the law refuses."""
    from dialer.core.model import Disposition, Rounds

    campaign = replace(CAMPAIGN, rounds=Rounds(tries_per_day=2), retry_s={})
    feed = ListFeed([Contact(1, "UTC")], campaign, BEGINS)
    contact = feed.take(0.0)
    assert contact is not None
    feed.ended(contact, Disposition.NO_ANSWER, 10.0)
    assert feed.take(20.0) is None
    assert feed.next_s(20.0) == pytest.approx(7210.0)
    again = feed.take(7211.0)
    assert again is contact
    feed.ended(again, Disposition.NO_ANSWER, 7240.0)
    assert feed.next_s(7300.0) > 6 * 86400.0


def test_zones_open_one_after_another() -> None:
    """Calling hours are those of the called people."""
    from datetime import time

    from dialer.core.model import Window

    window = Window(days=frozenset(range(7)), opens=time(10), closes=time(21))
    campaign = replace(CAMPAIGN, windows=(window,))
    contacts = [Contact(1, "UTC"), Contact(2, "Asia/Tbilisi")]
    feed = ListFeed(contacts, campaign, BEGINS)  # 9:00 UTC, 13:00 in Tbilisi
    assert feed.ready(0.0) == 1
    first = feed.take(0.0)
    assert first is contacts[1]
    assert feed.next_s(1.0) == 3600.0
    assert feed.take(3600.0) is contacts[0]


def test_numbers_to_show_end_the_day_when_they_are_used_up() -> None:
    """R1.3: no number is shown more often than its hard limit, in a forecast either."""
    from dialer.core.model import GatewayName, Number, NumberId, PoolName

    numbers = [
        Number(
            id=NumberId(f"+7495123000{one}"),
            pool=PoolName("moscow"),
            kind="landline",
            region=None,
            gateways=(GatewayName("alpha"),),
            soft_limit=20,
            hard_limit=30,
        )
        for one in range(2)
    ]
    done = course(question_of(numbers=numbers, assume=["login_s=0"]), 1)
    assert done.attempts == 60
    assert done.numbers == 1.0
    assert done.used_up_shifts == 1.0


def test_money_is_calls_minutes_and_hours() -> None:
    priced = ["price_per_call=2", "login_s=0", "break_share=0%"]
    done = course(question_of(assume=priced), 1)
    assert done.cost == pytest.approx(2 * done.attempts)
    assert FINE.tick_s == 0.5
