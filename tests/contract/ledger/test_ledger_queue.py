"""Who is next: order, places kept, scores right at the moment they are asked."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import gevent
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.core.base import priority
from dialer.core.model import (
    CampaignName,
    ContactId,
    NumberId,
    Order,
    Rule,
    Source,
    Window,
)
from dialer.errors import StoreError
from dialer.ports import HotLead
from tests.contract.ledger.world import (
    NOW,
    TODAY,
    WIDE,
    World,
    campaign,
    phone,
    retry,
    row,
)

HOUR = timedelta(hours=1)
NEW = Rule(field="status", condition="equals", value="New", weight=100)
SITE = Rule(field="source", condition="equals", value="Сайт-визитка", weight=50)
RICH = Rule(field="fields.last_order", condition="above", value=10000, weight=80)
ENDS = Rule(field="fields.ends", condition="older_than_days", value=-7, weight=70)


def positions(world: World, of: object, now: datetime = NOW) -> list[int]:
    return [entry.position for entry in world.entries(of, now=now)]  # type: ignore[arg-type]


def test_sequential_order_is_the_lists_and_a_postponed_one_keeps_its_place(
    world: World,
) -> None:
    """R3.3: passed over with a reason, back in its place."""
    world.people(4)
    world.save(campaign())
    entries = world.entries(campaign())
    assert [e.position for e in entries] == [1, 2, 3, 4]
    world.ledger.postpone(
        CampaignName("spring"),
        [(entries[1].contact_id, "outside_hours", NOW + HOUR)],
    )
    assert positions(world, campaign()) == [1, 3, 4]
    held = world.ledger.reports.held_back(CampaignName("spring"), NOW)
    assert held == [("outside_hours", 1, NOW + HOUR)]
    assert positions(world, campaign(), NOW + HOUR) == [1, 2, 3, 4]


def test_priority_order_by_hand(world: World) -> None:
    """R3.4, worked out on paper: the sum of the weights, ties by the list."""
    world.rows(
        [
            row(1, status="In progress"),  # 0
            row(2),  # New: 100
            row(3, source="Сайт-визитка"),  # 150
            row(4, status="Refused", fields={"last_order": 20000}),  # 80
            row(5),  # 100
            row(6, source="Сайт-визитка", fields={"last_order": 10001}),  # 230
        ]
    )
    ranked = campaign(order=Order.PRIORITY, rules=(NEW, SITE, RICH))
    world.save(ranked)
    entries = world.entries(ranked)
    assert [e.position for e in entries] == [6, 3, 2, 5, 4, 1]
    assert [e.rank for e in entries] == sorted(e.rank for e in entries)
    assert [priority.place_of(e.rank).score for e in entries] == [230, 150, 100, 100, 80, 0]


def test_score_that_depends_on_time_is_right_when_it_is_due(world: World) -> None:
    """A subscription about to end comes first from a week before its end, not a day later."""
    ends = (NOW + timedelta(days=7) + HOUR).isoformat()
    world.rows([row(1), row(2, fields={"ends": ends})])
    ranked = campaign(order=Order.PRIORITY, rules=(ENDS,))
    world.save(ranked)
    assert positions(world, ranked) == [1, 2]
    assert positions(world, ranked, NOW + HOUR - timedelta(seconds=1)) == [1, 2]
    assert positions(world, ranked, NOW + HOUR) == [2, 1]


def test_changed_rules_and_order_apply_to_the_whole_queue(world: World) -> None:
    world.rows([row(1), row(2, source="Сайт-визитка")])
    world.save(campaign())
    assert positions(world, campaign()) == [1, 2]
    ranked = campaign(order=Order.PRIORITY, rules=(SITE,), revision="2")
    world.save(ranked)
    assert positions(world, ranked) == [2, 1]
    world.save(campaign(revision="3"))
    assert positions(world, campaign()) == [1, 2]


def test_saving_the_same_again_writes_nothing(world: World) -> None:
    """Reloads must not churn a million rows."""
    world.people(3)
    ranked = campaign(order=Order.PRIORITY, rules=(NEW,))
    world.save(ranked)
    before = world.ask("SELECT xmin, contact_id FROM queue_entries ORDER BY 2")
    saved = world.ask("SELECT saved_at FROM campaigns")
    world.save(ranked, now=NOW + HOUR)
    assert world.ask("SELECT xmin, contact_id FROM queue_entries ORDER BY 2") == before
    assert world.ask("SELECT saved_at FROM campaigns") == saved


def test_campaign_that_changes_its_list_leaves_the_old_people(world: World) -> None:
    world.people(2)
    world.rows([row(2), row(3)], "others")
    world.save(campaign())
    assert len(world.entries(campaign())) == 2
    moved = campaign(list_name="others", revision="2")
    world.save(moved)
    names = {e.contact_id for e in world.entries(moved)}
    assert names == {2, 3}
    world.save(campaign(revision="3"))
    assert {e.contact_id for e in world.entries(campaign())} == {1, 2}


def test_hot_lead_comes_first_and_wakes_a_sleeping_feeder(world: World) -> None:
    """R3.5: within 5 s, ahead of the queue."""
    world.people(3)
    world.save(campaign())
    world.ledger.wait_for_work(0)
    sleeping = gevent.spawn(world.ledger.wait_for_work, 30.0)
    gevent.sleep(0)
    third = world.entries(campaign())[2]
    world.ledger.postpone(campaign().name, [(third.contact_id, "own_hours", NOW + HOUR)])
    lead = HotLead(campaign=CampaignName("spring"), contact_id=third.contact_id)
    for _ in range(2):
        world.ledger.add_hot_lead(lead, NOW)
    assert sleeping.get(timeout=5) == {"spring"}
    entries = world.entries(campaign())
    assert [e.contact_id for e in entries] == [3, 1, 2]
    assert entries[0].source is Source.HOT


def test_hot_row_makes_a_card_and_a_known_person_no_second_one(world: World) -> None:
    world.people(1)
    world.save(campaign())
    known = world.ledger.add_hot_row(CampaignName("spring"), row(1)._replace(line=99), NOW)
    assert known.contact_id == 1
    fresh = world.ledger.add_hot_row(CampaignName("spring"), row(7), NOW)
    assert [e.contact_id for e in world.entries(campaign())] == [1, fresh.contact_id]
    assert world.ledger.add_hot_row(CampaignName("spring"), row(7), NOW) == fresh


def test_hot_lead_of_nobody_or_nowhere_is_said(world: World) -> None:
    world.people(1)
    world.save(campaign())
    for name, contact in (("spring", 99), ("winter", 1)):
        with pytest.raises(StoreError, match="no campaign"):
            world.ledger.add_hot_lead(
                HotLead(campaign=CampaignName(name), contact_id=ContactId(contact)), NOW
            )
    stopped = row(1, phones=(phone(50),), name="Z")
    phone_id = world.ledger.find_or_add_phone(phone(50).digits)
    world.ledger.add_stop(phone_id, origin="cli", now=NOW)
    with pytest.raises(StoreError, match="stop"):
        world.ledger.add_hot_row(CampaignName("spring"), stopped, NOW)


def test_import_into_a_running_campaign_is_enrolled_behind(world: World) -> None:
    world.save(campaign())
    world.people(2)
    assert positions(world, campaign()) == [1, 2]
    world.rows([row(3), row(1), row(4)])
    assert positions(world, campaign()) == [1, 2, 3, 4]


def test_sticky_number_is_the_one_last_shown_at_the_carrier(world: World) -> None:
    """R1.4: the contact always sees the same number."""
    world.people(1)
    wide = campaign(caps=WIDE, sticky=True)
    world.save(wide)
    (entry,) = world.entries(wide)
    assert entry.sticky_number is None
    shown = NumberId("+74951230009")
    (answer,) = world.commit(wide, [entry], number=shown, number_day=TODAY)
    world.end(answer, next=retry(NOW))
    (again,) = world.entries(wide)
    assert again.sticky_number == shown
    assert world.entries(campaign(caps=WIDE))[0].sticky_number is None


def test_due_tells_region_zones_and_own_windows(world: World) -> None:
    own = Window(frozenset({0, 4}), time(9), time(12, 30))
    world.rows(
        [
            row(1, windows=(own,), region="Tver"),
            row(2, phones=(phone(2, region=None, zones=()),), region="Tver"),
        ]
    )
    world.save(campaign())
    first, second = world.ledger.due(campaign(), NOW, 10)
    assert first.windows == (own,)
    assert (first.entry.region, first.entry.zones) == ("Moscow", ("Europe/Moscow",))
    assert (second.entry.region, second.entry.zones, second.windows) == ("Tver", (), ())


def test_due_never_gives_more_than_asked_and_held_ones_count(world: World) -> None:
    world.rows([row(n, consent=None if n < 3 else row(n).consent) for n in range(1, 6)])
    world.save(campaign())
    due = world.ledger.due(campaign(), NOW, 3)
    assert [d.held for d in due] == ["consent_missing", "consent_missing", None]
    assert all(d.held_until is not None and d.held_until > NOW for d in due if d.held)
    world.ledger.postpone(
        campaign().name,
        [(d.entry.contact_id, d.held, d.held_until) for d in due if d.held],  # type: ignore[misc]
    )
    assert positions(world, campaign()) == [3, 4, 5]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    waiting=st.lists(st.tuples(st.integers(0, 11), st.integers(1, 300)), max_size=12),
    weights=st.lists(st.integers(-600_000, 600_000), min_size=12, max_size=12),
)
def test_order_is_that_of_the_ranks_whatever_waits(
    world: World, waiting: list[tuple[int, int]], weights: list[int]
) -> None:
    """SQL's order and the hopper's are one, also beyond the score's bounds."""
    world.clear()
    rules = tuple(
        Rule(field="segment", condition="equals", value=str(n), weight=weight)
        for n, weight in enumerate(weights)
    )
    world.rows([row(n + 1, segment=str(n)) for n in range(12)])
    ranked = campaign(order=Order.PRIORITY, rules=rules)
    world.save(ranked)
    contacts = [e.contact_id for e in world.entries(ranked)]
    until = {contacts[n]: NOW + timedelta(minutes=minutes) for n, minutes in waiting}
    world.ledger.postpone(
        ranked.name, [(contact, "own_hours", at) for contact, at in until.items()]
    )
    at = NOW + timedelta(minutes=150)
    ranks = [e.rank for e in world.entries(ranked, now=at)]
    assert ranks == sorted(ranks)
    assert len(ranks) == 12 - sum(1 for one in until.values() if one > at)


def test_plan_inputs_name_the_head_and_count_the_rest(world: World) -> None:
    """`dialer plan`: who would be dialed, and why not the others."""
    world.people(3)
    world.save(campaign())
    entries = world.entries(campaign())
    world.ledger.add_stop(entries[0].phone_id, origin="x", now=NOW)
    world.ledger.postpone(campaign().name, [(entries[1].contact_id, "own_hours", NOW + HOUR)])
    plan = world.ledger.reports.plan(campaign(), NOW, 10)
    assert [(d.entry.contact_id, d.held) for d in plan.head] == [(1, "stop"), (3, None)]
    assert plan.names[entries[0].contact_id] == "Person 1"
    assert plan.rest == [("own_hours", 1, NOW + HOUR)]


def test_zone_of_the_day_is_the_campaigns_where_the_phone_has_none(world: World) -> None:
    """A day of tries in UTC would allow a third call on the person's own day."""
    far = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)  # 00:30 on the 25th in Vladivostok
    world.rows([row(1, phones=(phone(1, zones=()),))])
    east = campaign(default_zone="Asia/Vladivostok")
    world.save(east)
    for at in (far - HOUR, far - timedelta(minutes=45)):
        (entry,) = world.entries(east, now=at)
        world.dial(east, entry, at, next=retry(at))
    assert world.held(east, far - timedelta(minutes=40)) == {1: "tries_day"}
    assert world.held(east, far) == {}


def test_a_hot_lead_that_waited_wakes_before_a_crowd_that_did_longer(world: World) -> None:
    """At nine o'clock everybody's window opens; who was promised 9:05 is called at 9:05."""
    world.people(40)
    world.save(campaign())
    hot = world.entries(campaign())[30].contact_id
    world.ask("UPDATE queue_entries SET state = 'waiting', due_at = %s", NOW)
    world.ask(
        "UPDATE queue_entries SET tier = 0, due_at = %s WHERE contact_id = %s",
        NOW + timedelta(minutes=5),
        hot,
    )
    world.entries(campaign(), 2)
    assert hot not in {e.contact_id for e in world.entries(campaign(), 2)}
    later = world.entries(campaign(), 2, now=NOW + timedelta(minutes=5))
    assert later[0].contact_id == hot
