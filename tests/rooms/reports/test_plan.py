"""What a supervisor would lose: a dry run that says what the daemon would really do (R10.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta

import orjson
import pytest

from dialer.core.model import Campaign, Order, Rule, Window
from dialer.reports.as_json import plan_json
from dialer.reports.planned import CampaignPlan, PlanQuestion, plan
from dialer.reports.queue_now import queue_now, refusal_of
from dialer.reports.wording import masked
from tests.contract.ledger.world import CONSENT, NOW, World, campaign, number, phone, row
from tests.rooms.reports import paper

QUESTION = PlanQuestion(now=NOW, limit=20, numbers=paper.NUMBERS)
ALL_DAY = (paper.ALL_DAY,)


def ask(world: World, of: Campaign, **changes: object) -> CampaignPlan:
    return plan(world.ledger, of, replace(QUESTION, **changes))  # type: ignore[arg-type]


def test_order_scores_and_reasons_are_those_worked_out_on_paper(world: World) -> None:
    """Weights 100 for New, 50 for the site; Vladivostok has closed at 12:00 in Moscow."""
    far = phone(4, zones=("Asia/Vladivostok",), region="Primorye")
    world.rows(
        [
            row(1, status="In progress"),  # score 0
            row(2, status="New", source="site"),  # score 150
            row(3, status="New"),  # score 100
            row(4, phones=(far,), status="New"),  # 19:00 there
            row(5, consent=None),
            row(6, status="New", source="site"),  # score 150, behind row 2
        ]
    )
    rules = (
        Rule(field="status", condition="equals", value="New", weight=100),
        Rule(field="source", condition="equals", value="site", weight=50),
    )
    to_six = (Window(frozenset(range(7)), time(9), time(18)),)
    of = campaign(order=Order.PRIORITY, rules=rules, windows=to_six)
    world.save(of)
    planned = ask(world, of)
    assert [(one.place, one.position, one.score) for one in planned.calls] == [
        (1, 2, 150),
        (2, 6, 150),
        (3, 3, 100),
        (4, 1, 0),
    ]
    assert {one.reason: one.contacts for one in planned.held} == {
        "outside_hours": 1,
        "consent_missing": 1,
    }
    hours = next(one for one in planned.held if one.reason == "outside_hours")
    assert hours.until == datetime.fromisoformat("2026-11-25T09:00+10:00")
    first = planned.calls[0]
    assert first.phone == "+7495*****02"
    assert first.why == (
        "consent for sales; open until 18:00; tries 0 of 2 today, 0 of 4 in a week"
    )


def test_the_whole_phone_stands_nowhere(world: World) -> None:
    world.people(3)
    world.save(campaign())
    text = orjson.dumps(plan_json(ask(world, campaign()))).decode()
    assert "+7495*****01" in text
    assert "2000001" not in text


def test_limit_shows_the_first_and_counts_the_rest(world: World) -> None:
    world.people(5)
    world.save(campaign())
    planned = ask(world, campaign(), limit=2)
    assert [one.position for one in planned.calls] == [1, 2]
    assert planned.dialable == 5


def test_a_used_up_pool_holds_everybody_back_until_the_numbers_next_day(
    world: World,
) -> None:
    world.people(3)
    world.save(campaign())
    (entry, *_) = world.entries(campaign())
    world.dial(campaign(), entry)
    planned = ask(world, campaign(), numbers=[number(soft_limit=1, hard_limit=1)])
    assert planned.calls == ()
    (used_up,) = [one for one in planned.held if one.reason == "pool_used_up"]
    assert used_up.contacts == 2
    assert used_up.until == datetime.fromisoformat("2026-11-25T00:00+03:00")
    assert planned.notes == ("the pool is used up: every number has reached its daily limit",)


def test_a_pool_that_is_too_small_is_said_before_its_end(world: World) -> None:
    world.people(12)
    world.save(campaign())
    planned = ask(world, campaign(), numbers=[number(soft_limit=5, hard_limit=10)])
    assert planned.notes == ("the pool carries 10 more calls today, 12 contacts may be dialed",)
    assert (planned.pool.soft_left, planned.pool.hard_left) == (5, 10)


def test_emergency_stop_and_a_campaign_switched_off_are_said(world: World) -> None:
    world.people(1)
    of = campaign(active=False)
    world.save(of)
    world.ledger.set_halted(True, by="supervisor", now=NOW)
    notes = ask(world, of).notes
    assert [note.split(":")[0] for note in notes] == [
        "the campaign is switched off (active",
        "the emergency stop is on",
    ]
    assert ask(world, of).dialable == 1  # what it would dial, were it on


def test_a_number_that_no_gateway_may_show_carries_nothing(world: World) -> None:
    world.people(1)
    world.save(campaign())
    planned = ask(world, campaign(), numbers=[number(gateways=())])
    assert planned.numbers == 0
    assert [one.reason for one in planned.held] == ["pool_used_up"]


def test_what_was_postponed_by_night_is_looked_at_again_in_the_morning(world: World) -> None:
    """More wait than one look at the ledger wakes: none of them may be missing in the plan."""
    world.people(40)
    of = campaign()
    world.save(of)
    later = NOW + timedelta(hours=1)
    due = world.ledger.due(of, NOW, 100)
    world.ledger.postpone(of.name, [(d.entry.contact_id, "outside_hours", later) for d in due])
    assert {h.reason: h.contacts for h in queue_now(world.ledger, of, NOW).held} == {
        "outside_hours": 40
    }
    assert len(queue_now(world.ledger, of, later).allowed) == 40


def test_a_long_queue_is_judged_from_its_head_and_the_rest_is_counted(world: World) -> None:
    world.people(30)
    world.save(campaign())
    queue = queue_now(world.ledger, campaign(), NOW, judged=10)
    assert (len(queue.allowed), queue.not_judged) == (10, 20)


@pytest.mark.parametrize(
    ("consent", "windows", "reason"),
    [
        (CONSENT, ALL_DAY, None),
        (None, ALL_DAY, "consent_missing"),
        (CONSENT, (paper.EVENING,), "outside_hours"),
    ],
)
def test_a_hot_lead_is_told_why_it_is_not_dialed(
    world: World, consent: object, windows: tuple[Window, ...], reason: str | None
) -> None:
    of = campaign(windows=windows)
    world.save(of)
    lead = world.ledger.add_hot_row(of.name, row(1, consent=consent), NOW)
    refused = refusal_of(world.ledger, of, lead.contact_id, NOW)
    assert (refused.reason if refused else None) == reason


def test_a_hot_lead_whose_call_is_going_on_is_being_called(world: World) -> None:
    world.people(1)
    world.save(campaign())
    (entry,) = world.entries(campaign())
    world.commit(campaign(), [entry])
    refused = refusal_of(world.ledger, campaign(), entry.contact_id, NOW)
    assert refused is not None
    assert refused.sentence == "the phone or contact is being called now"


@pytest.mark.parametrize(
    ("digits", "shown"),
    [("+79161234501", "+7916*****01"), ("+7916", "*****"), ("", ""), ("+791612", "*******")],
)
def test_mask_keeps_the_code_and_the_last_two(digits: str, shown: str) -> None:
    assert masked(digits) == shown
