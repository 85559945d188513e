"""What every hopper must do, held against the one in memory and the one on the real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, Protocol

import pytest

from dialer.core.model import (
    CampaignName,
    GatewayName,
    History,
    NumberId,
    OpenAttempt,
    PhoneId,
    Source,
)
from dialer.errors import Bug, StoreError
from dialer.hopper.client import connect
from dialer.hopper.memory import MemoryHopper, MemoryStore
from dialer.hopper.queue import RedisHopper
from dialer.ports import Hopper
from tests.contract.hopper_values import (
    ONE,
    SPRING,
    START,
    TODAY,
    TWO,
    entry,
    moment,
    pool,
    request,
    shown,
)


class World(Protocol):
    """One store; `hopper()` is a new daemon's hand on it; `lose()` empties it."""

    def hopper(self) -> Hopper: ...

    def lose(self) -> None: ...


class _Memory:
    def __init__(self) -> None:
        self.store = MemoryStore()

    def hopper(self) -> Hopper:
        return MemoryHopper(self.store)

    def lose(self) -> None:
        MemoryHopper(self.store).lose()


class _Redis:
    def __init__(self, url: str) -> None:
        self.client = connect(url)

    def hopper(self) -> Hopper:
        return RedisHopper(self.client)

    def lose(self) -> None:
        self.client.flushall()


@pytest.fixture(params=["memory", "redis"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield _Memory()
        return
    made = _Redis(request.getfixturevalue("fresh_redis"))
    yield made
    made.client.close()


@pytest.fixture
def hopper(world: World) -> Hopper:
    return ready(world)


def ready(world: World) -> Hopper:
    """A daemon whose store has been rebuilt (nothing was open)."""
    made = world.hopper()
    if not made.epoch():
        made.rebuild(epoch="e1", charges={}, open_attempts=[], lease_s=30.0, now=moment())
    return made


def number(tail: int) -> NumberId:
    return shown(tail).number


def contacts(answer: Any) -> list[int]:
    return [one.entry.contact_id for one in answer.claimed]


# ------------------------------------------------------------------ the queue


def test_an_entry_comes_back_exactly_as_it_was_offered(hopper: Hopper):
    full = entry(
        7,
        rank=-1.25e15,
        source=Source.HOT,
        region="Ленинградская обл.",
        zones=("Europe/Moscow", "Asia/Yekaterinburg"),
        sticky_number=number(1),
        callable_until=START.timestamp() + 0.125,
        history=History(
            tries_today=1,
            tries_week=2,
            tries_month=3,
            talks_today=4,
            uncharged_today=5,
            rounds_failed=6,
            last_try_on=TODAY,
            dead_attempts=7,
            dead_days=frozenset({TODAY, TODAY - timedelta(days=1)}),
            dead_gateways=frozenset({"b", "a"}),
            unavailable_attempts=8,
            failed_gateways=frozenset({"c"}),
        ),
    )
    plain = entry(8)
    assert hopper.offer(SPRING, [plain, full]) == 2
    assert list(hopper.head(SPRING, 9)) == [full, plain]
    assert [one.entry for one in hopper.claim(request(2)).claimed] == [full, plain]


def test_the_smallest_rank_is_dialed_first_and_a_known_contact_is_updated(hopper: Hopper):
    hopper.offer(SPRING, [entry(1), entry(2), entry(3)])
    hopper.offer(SPRING, [entry(3, rank=0.5, region="Москва")])
    assert hopper.size(SPRING) == 3
    answer = hopper.claim(request(2))
    assert contacts(answer) == [3, 1]
    assert answer.claimed[0].entry.region == "Москва"
    assert hopper.size(SPRING) == 1


def test_an_empty_queue_says_so(hopper: Hopper):
    hopper.offer(SPRING, [entry(1)])
    answer = hopper.claim(request(3))
    assert contacts(answer) == [1]
    assert answer.held_back == {"hopper_empty": 2}
    assert hopper.head(SPRING, 5) == [] or hopper.head(SPRING, 5) == ()


def test_a_claim_of_nothing_takes_nothing(hopper: Hopper):
    hopper.offer(SPRING, [entry(1)])
    assert not hopper.claim(request(0)).claimed
    assert hopper.size(SPRING) == 1


def test_too_few_attempt_ids_are_a_bug_not_a_call_without_a_name(hopper: Hopper):
    with pytest.raises(Bug):
        hopper.claim(request(3, attempt_ids=request(2).attempt_ids))


def test_campaigns_have_queues_of_their_own(hopper: Hopper):
    autumn = CampaignName("autumn")
    hopper.offer(SPRING, [entry(1)])
    hopper.offer(autumn, [entry(2, campaign=autumn)])
    assert contacts(hopper.claim(request(5, campaign=autumn))) == [2]
    hopper.clear(SPRING)
    assert hopper.size(SPRING) == 0
    assert not hopper.claim(request(1)).claimed


def test_an_entry_whose_calling_window_has_closed_is_never_claimed(hopper: Hopper):
    late = START.timestamp()
    hopper.offer(
        SPRING, [entry(1, callable_until=late), entry(2, callable_until=late + 1), entry(3)]
    )
    answer = hopper.claim(request(2))
    assert contacts(answer) == [2, 3]
    assert answer.held_back == {"window_closed": 1}
    assert hopper.size(SPRING) == 0


def test_a_stopped_phone_leaves_every_queue(hopper: Hopper):
    autumn = CampaignName("autumn")
    shared = PhoneId(5)
    hopper.offer(SPRING, [entry(i) for i in range(10, 700)])
    hopper.offer(SPRING, [entry(1, phone_id=shared), entry(2, phone_id=shared), entry(3)])
    hopper.offer(autumn, [entry(1, campaign=autumn, phone_id=shared)])
    hopper.void([shared, PhoneId(99)])
    assert contacts(hopper.claim(request(1))) == [3]
    assert hopper.size(autumn) == 0
    assert hopper.size(SPRING) == 690


# ------------------------------------------------------------------ never two calls at once


def test_a_phone_or_contact_being_called_is_passed_over_and_keeps_its_place(hopper: Hopper):
    autumn = CampaignName("autumn")
    shared = PhoneId(5)
    hopper.offer(autumn, [entry(1, campaign=autumn, phone_id=shared)])
    hopper.offer(
        SPRING,
        [
            entry(1),  # the same contact, another phone
            entry(2, phone_id=shared),  # another contact, the same phone
            entry(3, phone_id=PhoneId(6)),
            entry(4, phone_id=PhoneId(6)),  # twice in one claim
            entry(5),
        ],
    )
    first = hopper.claim(request(1, campaign=autumn))
    answer = hopper.claim(request(5))
    assert contacts(answer) == [3, 5]
    assert answer.held_back["already_being_called"] == 3
    assert [one.contact_id for one in hopper.head(SPRING, 9)] == [1, 2, 4]
    hopper.settle(first.claimed, number_charged=[True], owner=ONE)
    assert contacts(hopper.claim(request(5))) == [1, 2]


def test_what_is_being_called_is_not_queued_again(hopper: Hopper):
    hopper.offer(SPRING, [entry(1)])
    first = hopper.claim(request(1))
    assert hopper.offer(SPRING, [entry(1), entry(2, phone_id=entry(1).phone_id), entry(3)]) == 1
    assert contacts(hopper.claim(request(9))) == [3]
    hopper.settle(first.claimed, number_charged=[True], owner=ONE)
    assert hopper.offer(SPRING, [entry(1)]) == 1


# ------------------------------------------------------------------ the number shown


def test_load_is_even_and_the_first_of_equals_comes_first(hopper: Hopper):
    hopper.offer(SPRING, [entry(i) for i in range(7)])
    answer = hopper.claim(request(7))
    assert [one.number for one in answer.claimed] == [number(i) for i in (0, 1, 2, 0, 1, 2, 0)]
    assert list(hopper.used([(number(i), TODAY) for i in range(4)])) == [3, 2, 2, 0]


def test_the_hard_limit_is_never_passed_and_the_pool_says_when_it_is_used_up(hopper: Hopper):
    hopper.offer(SPRING, [entry(i) for i in range(30)])
    numbers = pool(2, soft_limit=3, hard_limit=5)
    answer = hopper.claim(request(20, numbers))
    assert len(answer.claimed) == 10
    assert answer.held_back == {"pool_used_up": 10}
    assert hopper.claim(request(1, numbers)).held_back == {"pool_used_up": 1}
    assert hopper.size(SPRING) == 20
    assert [one.contact_id for one in hopper.head(SPRING, 2)] == [10, 11]
    tomorrow = pool(2, soft_limit=3, hard_limit=5, day=TODAY + timedelta(days=1))
    assert len(hopper.claim(request(1, tomorrow)).claimed) == 1


def test_numbers_in_several_zones_are_charged_on_their_own_day(hopper: Hopper):
    hopper.offer(SPRING, [entry(i) for i in range(4)])
    tomorrow = TODAY + timedelta(days=1)
    numbers = [shown(0), shown(1, day=tomorrow)]
    answer = hopper.claim(request(4, numbers))
    assert sorted((one.number, one.number_day) for one in answer.claimed) == [
        *([(number(0), TODAY)] * 2),
        *([(number(1), tomorrow)] * 2),
    ]
    asked = [(number(0), TODAY), (number(1), TODAY), (number(1), tomorrow)]
    assert list(hopper.used(asked)) == [2, 0, 2]


def test_local_presence_first_the_sticky_number_before_it(hopper: Hopper):
    numbers = [shown(0), shown(1, region="Казань"), shown(2, region="Москва")]
    hopper.offer(
        SPRING,
        [
            entry(1, region="Москва"),
            entry(2, region="Москва", sticky_number=number(1)),
            entry(3, region="Тверь"),
            entry(4),
            entry(5, sticky_number=NumberId("+70000000000")),
        ],
    )
    answer = hopper.claim(request(5, numbers))
    assert [one.number for one in answer.claimed] == [number(i) for i in (2, 1, 0, 0, 1)]


def test_who_was_failed_by_a_gateway_is_shown_by_another(hopper: Hopper):
    """R3.9, R5.2: the same number over the next gateway, else another number; else as ever."""
    a, b = GatewayName("a"), GatewayName("b")
    numbers = [
        shown(0, gateway=a, others=(b,)),
        shown(1, gateway=a, region="Казань"),
        shown(2, gateway=b, region="Казань"),
    ]
    avoiding = [
        History(failed_gateways=frozenset({"a"})),
        History(dead_gateways=frozenset({"b"})),
        History(failed_gateways=frozenset({"a"}), dead_gateways=frozenset({"b"})),
        History(dead_gateways=frozenset({"elsewhere"})),
    ]
    for contact, history in enumerate(avoiding):
        hopper.offer(SPRING, [entry(contact, history=history, region="Казань")])
    taken = hopper.claim(request(4, numbers)).claimed
    assert [(one.number, one.gateway) for one in taken] == [
        (number(2), b),
        (number(1), a),
        (number(1), a),
        (number(2), b),
    ]
    hopper.give_back(taken, requeue=False, owner=ONE)
    hopper.offer(SPRING, [entry(9, history=avoiding[0])])
    (one,) = hopper.claim(request(1, numbers[:2])).claimed
    assert (one.number, one.gateway) == (number(0), b)
    (lease,) = hopper.expired(moment(1e6), 9)
    assert (lease.number, lease.gateway) == (number(0), b)


def test_a_call_at_once_more_than_a_line_takes_is_held_back(hopper: Hopper):
    hopper.offer(SPRING, [entry(i) for i in range(5)])
    numbers = pool(2, calls_at_once=1)
    first = hopper.claim(request(3, numbers))
    assert len(first.claimed) == 2
    assert first.held_back == {"numbers_busy": 1}
    assert hopper.claim(request(1, numbers)).held_back == {"numbers_busy": 1}
    hopper.settle(first.claimed[:1], number_charged=[True], owner=ONE)
    assert [one.number for one in hopper.claim(request(2, numbers)).claimed] == [number(0)]


def test_the_gap_between_two_calls_of_a_number_is_kept(hopper: Hopper):
    hopper.offer(SPRING, [entry(i) for i in range(5)])
    numbers = pool(1, min_gap_s=10.0)
    assert len(hopper.claim(request(2, numbers)).claimed) == 1
    assert not hopper.claim(request(1, numbers, now=moment(9.5))).claimed
    assert len(hopper.claim(request(1, numbers, now=moment(10.0))).claimed) == 1


def test_the_calls_of_an_hour_are_limited_and_the_next_hour_is_free(hopper: Hopper):
    hopper.offer(SPRING, [entry(i) for i in range(9)])
    numbers = pool(1, calls_per_hour=2)
    first = hopper.claim(request(3, numbers))
    assert len(first.claimed) == 2
    assert first.held_back == {"numbers_busy": 1}
    hopper.give_back(first.claimed[:1], requeue=False, owner=ONE)
    assert len(hopper.claim(request(3, numbers)).claimed) == 1
    later = pool(1, calls_per_hour=2, hour="2026-11-24T16")
    assert len(hopper.claim(request(3, later)).claimed) == 2


def test_a_call_given_back_after_its_hour_does_not_free_one_in_the_next(hopper: Hopper):
    hopper.offer(SPRING, [entry(i) for i in range(9)])
    early = hopper.claim(request(1, pool(1, calls_per_hour=2))).claimed
    later = pool(1, calls_per_hour=2, hour="2026-11-24T16")
    assert len(hopper.claim(request(3, later)).claimed) == 2
    hopper.give_back(early, requeue=False, owner=ONE)
    assert not hopper.claim(request(1, later)).claimed


def test_without_any_number_nobody_is_taken(hopper: Hopper):
    hopper.offer(SPRING, [entry(1)])
    answer = hopper.claim(request(1, []))
    assert not answer.claimed
    assert answer.held_back == {"pool_used_up": 1}
    assert hopper.size(SPRING) == 1


# ------------------------------------------------------------------ leases


def test_settling_twice_counts_once(hopper: Hopper):
    hopper.offer(SPRING, [entry(i) for i in range(4)])
    numbers = pool(1, calls_at_once=4)
    claimed = hopper.claim(request(4, numbers)).claimed
    for _ in range(2):
        hopper.settle(claimed[:2], number_charged=[True, False], owner=ONE)
    hopper.settle([claimed[2], claimed[2]], number_charged=[False, False], owner=ONE)
    assert list(hopper.used([(number(0), TODAY)])) == [2]
    hopper.offer(SPRING, [entry(i) for i in range(9)])
    assert len(hopper.claim(request(9, numbers)).claimed) == 3


def test_giving_back_restores_place_count_and_freedom(hopper: Hopper):
    hopper.offer(SPRING, [entry(i, region="Москва") for i in range(4)])
    before = list(hopper.head(SPRING, 9))
    claimed = hopper.claim(request(3)).claimed
    hopper.give_back(claimed[:2], requeue=True, owner=ONE)
    hopper.give_back(claimed[2:], requeue=False, owner=ONE)
    hopper.give_back(claimed, requeue=True, owner=ONE)  # too late: no lease is left
    assert list(hopper.head(SPRING, 9)) == [before[0], before[1], before[3]]
    assert list(hopper.used([(number(i), TODAY) for i in range(3)])) == [0, 0, 0]
    assert len(hopper.claim(request(9)).claimed) == 3


def test_a_dead_daemons_leases_come_out_after_their_deadline_and_stay_until_settled(
    world: World,
):
    dead, alive = ready(world), ready(world)
    dead.offer(SPRING, [entry(i) for i in range(4)])
    lost = dead.claim(request(3, owner=ONE)).claimed
    alive.claim(request(1, owner=TWO))
    alive.renew(TWO, 300.0, moment(20))
    assert list(alive.expired(moment(29), 10)) == []
    found = alive.expired(moment(31), 10)
    assert sorted(found, key=lambda one: one.entry.contact_id) == list(lost)
    assert len(alive.expired(moment(31), 2)) == 2
    assert not alive.claim(request(5, owner=TWO)).claimed  # still leased
    alive.settle(found, number_charged=[True] * 3, owner=TWO)
    assert list(alive.expired(moment(32), 10)) == []
    assert alive.offer(SPRING, [entry(0)]) == 1


def test_a_living_daemon_keeps_all_its_leases_by_one_renewal(hopper: Hopper):
    hopper.offer(SPRING, [entry(i) for i in range(4)])
    claimed = [*hopper.claim(request(2)).claimed, *hopper.claim(request(2)).claimed]
    hopper.renew(ONE, 30.0, moment(25))
    assert list(hopper.expired(moment(54), 10)) == []
    assert len(hopper.expired(moment(56), 10)) == len(claimed) == 4


def test_a_restarted_daemon_does_not_prolong_what_its_former_life_held(world: World):
    former = ready(world)
    former.offer(SPRING, [entry(1)])
    held = former.claim(request(1)).claimed
    restarted = ready(world)
    restarted.renew(ONE, 300.0, moment(20))
    assert list(restarted.expired(moment(31), 10)) == list(held)


# ------------------------------------------------------------------ loss of the store


def test_nothing_is_claimed_before_the_store_was_rebuilt(world: World):
    hopper = world.hopper()
    assert hopper.epoch() == ""
    hopper.offer(SPRING, [entry(1)])
    with pytest.raises(StoreError):
        hopper.claim(request(1))
    assert hopper.size(SPRING) == 1


def test_after_a_loss_counts_and_open_calls_are_as_they_were(world: World):
    hopper, other = ready(world), ready(world)
    hopper.offer(SPRING, [entry(i) for i in range(3)])
    numbers = pool(1, hard_limit=5, calls_at_once=2)
    claimed = hopper.claim(request(1, numbers)).claimed
    world.lose()
    hopper.offer(SPRING, [entry(0), entry(1), entry(2), entry(3)])
    with pytest.raises(StoreError):
        hopper.claim(request(1, numbers))
    assert hopper.epoch() == ""
    hopper.rebuild(
        epoch="e2",
        charges={(number(0), TODAY): 4, (number(9), date(2026, 11, 23)): 1},
        open_attempts=[OpenAttempt(claimed=claimed[0], instance=ONE, committed_at=START)],
        lease_s=30.0,
        now=moment(),
    )
    with pytest.raises(StoreError):  # the other daemon must notice, too
        other.claim(request(1, numbers, owner=TWO))
    assert other.epoch() == hopper.epoch() == "e2"
    answer = other.claim(request(3, numbers, owner=TWO))
    assert contacts(answer) == [1]  # 0 is being called; the fifth call of the day was the last
    assert answer.held_back == {"already_being_called": 1, "pool_used_up": 2}
    hopper.renew(ONE, 30.0, moment(20))
    assert list(hopper.expired(moment(45), 9)) == list(answer.claimed)
    assert sorted(hopper.expired(moment(51), 9), key=lambda one: one.entry.contact_id) == [
        claimed[0],
        answer.claimed[0],
    ]
    hopper.settle(claimed, number_charged=[False], owner=ONE)
    assert list(hopper.used([(number(0), TODAY), (number(9), date(2026, 11, 23))])) == [4, 1]


def test_what_was_queued_between_loss_and_rebuild_outlives_the_lease_of_before(world: World):
    hopper = ready(world)
    hopper.offer(SPRING, [entry(1)])
    claimed = hopper.claim(request(1)).claimed
    world.lose()
    hopper.offer(SPRING, [entry(1)])
    hopper.rebuild(
        epoch="e2",
        charges={(number(0), TODAY): 1},
        open_attempts=[OpenAttempt(claimed=claimed[0], instance=ONE, committed_at=START)],
        lease_s=30.0,
        now=moment(),
    )
    assert not hopper.claim(request(1)).claimed
    hopper.settle(claimed, number_charged=[True], owner=ONE)
    assert contacts(hopper.claim(request(1))) == [1]


def test_who_rebuilds_second_changes_nothing(world: World):
    hopper, other = ready(world), world.hopper()
    hopper.offer(SPRING, [entry(1), entry(2)])
    hopper.claim(request(1))
    other.rebuild(epoch="late", charges={}, open_attempts=[], lease_s=30.0, now=moment())
    assert hopper.epoch() == other.epoch() == "e1"
    assert contacts(other.claim(request(5, owner=TWO))) == [2]
    assert list(other.used([(number(0), TODAY)])) == [1]


def test_the_two_hoppers_have_the_same_verbs():
    verbs: list[Callable[..., Any]] = [
        value for name, value in vars(Hopper).items() if not name.startswith("_")
    ]
    for verb in verbs:
        assert hasattr(RedisHopper, verb.__name__)
        assert hasattr(MemoryHopper, verb.__name__)
