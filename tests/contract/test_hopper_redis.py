"""What only the real server can show: races, lost replies, restarts, Lua against the core."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import gevent
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.core.model import Claimed, History, InstanceName
from dialer.errors import Bug, ConfigError, StoreError
from dialer.hopper.client import connect
from dialer.hopper.keys import Keys
from dialer.hopper.memory import MemoryHopper
from dialer.hopper.queue import RedisHopper
from dialer.ports import ClaimAnswer, Shown
from dialer.sim.private_server import RunningServer
from tests.contract.hopper_values import (
    ONE,
    SPRING,
    TODAY,
    TWO,
    entry,
    moment,
    pool,
    request,
    shown,
)
from tests.contract.lossy_wire import LossyWire

KEYS = Keys()
REGIONS = [None, "Москва", "Казань"]


@pytest.fixture
def client(fresh_redis: str) -> Iterator[redis.Redis]:
    with connect(fresh_redis) as made:
        yield made


def rebuilt(client: redis.Redis) -> RedisHopper:
    hopper = RedisHopper(client)
    hopper.rebuild(epoch="e1", charges={}, open_attempts=[], lease_s=30.0, now=moment())
    return hopper


def assert_nothing_is_held(client: redis.Redis) -> None:
    for key in (KEYS.leases, KEYS.phones, KEYS.contacts):
        assert not client.exists(key), key
    assert set(client.hkeys(KEYS.at_once)) <= {b""}  # only what keeps the hash a table


# ------------------------------------------------------------------ Lua against the core

number_fields = st.fixed_dictionaries(
    {
        "region": st.sampled_from(REGIONS),
        "soft_limit": st.integers(0, 3),
        "hard_limit": st.sampled_from([0, 1, 2, 3, 5, 9]),
        "calls_at_once": st.sampled_from([None, None, 1, 2]),
        "min_gap_s": st.sampled_from([0.0, 0.0, 5.0]),
        "calls_per_hour": st.sampled_from([None, None, 1, 3]),
        "day": st.sampled_from([TODAY, TODAY, TODAY + timedelta(days=1)]),
        "hour": st.sampled_from(["2026-11-24T15", "2026-11-24T16"]),
        "gateway": st.sampled_from(["gw", "a"]),
        "others": st.sampled_from([(), (), ("b",), ("b", "gw-2")]),
    }
)
pools = st.lists(number_fields, min_size=1, max_size=5)
person = st.tuples(
    st.integers(1, 15),  # contact
    st.integers(1, 12),  # phone
    st.integers(0, 5),  # rank: equal ones, too
    st.sampled_from(REGIONS),
    st.sampled_from([None, None, 0, 1, 2, 3]),  # sticky number's tail
    st.sampled_from([None, None, None, -1.0, 0.0, 8.0]),  # callable until, from the start
    st.sampled_from([(), (), ("gw",), ("a", "b"), ("gw", "a", "b")]),  # gateways to avoid
)
people = st.lists(person, min_size=4, max_size=12)
claim = st.tuples(st.just("claim"), st.integers(1, 6), pools)
other = st.one_of(
    st.tuples(st.just("offer"), people),
    st.tuples(st.just("settle"), st.integers(0, 30), st.booleans()),
    st.tuples(st.just("give_back"), st.integers(0, 30), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.5, 5.0, 7.5])),
    st.tuples(st.just("void"), st.integers(1, 12)),
)
rounds = st.lists(st.tuples(claim, other, other), min_size=2, max_size=10)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=people, rounds=rounds)
def test_the_script_decides_as_the_core_does(
    client: redis.Redis, first: list[Any], rounds: list[Any]
):
    """Any history of offers, claims, endings: Redis and the reference never differ."""
    client.flushdb()
    both = (rebuilt(client), MemoryHopper())
    both[1].rebuild(epoch="e1", charges={}, open_attempts=[], lease_s=30.0, now=moment())
    after_s, claimed = 0.0, list[Claimed]()
    for verb, *words in [("offer", first), *(step for turn in rounds for step in turn)]:
        if verb == "wait":
            after_s += words[0]
            continue
        if verb == "claim":
            asked = request(
                words[0],
                [shown(tail, **fields) for tail, fields in enumerate(words[1])],
                now=moment(after_s),
            )
            answers = [hopper.claim(asked) for hopper in both]
            assert list(answers[0].claimed) == list(answers[1].claimed)
            assert answers[0].held_back == answers[1].held_back
            claimed += answers[0].claimed
        for hopper in both:
            apply(hopper, verb, words, claimed)
        assert list(both[0].head(SPRING, 99)) == list(both[1].head(SPRING, 99))
        charged = [(one.number, one.number_day) for one in claimed]
        assert list(both[0].used(charged)) == list(both[1].used(charged))
        for late_s in (0.0, 31.0):
            now = moment(after_s + late_s)
            assert by_id(both[0].expired(now, 99)) == by_id(both[1].expired(now, 99))
    both[0].settle(claimed, number_charged=[True] * len(claimed), owner=ONE)
    assert_nothing_is_held(client)


def apply(
    hopper: RedisHopper | MemoryHopper, verb: str, words: list[Any], claimed: list[Claimed]
) -> None:
    if verb == "offer":
        hopper.offer(
            SPRING,
            [
                entry(
                    contact,
                    phone_id=phone,
                    rank=float(rank),
                    region=region,
                    sticky_number=None if sticky is None else shown(sticky).number,
                    history=History(failed_gateways=frozenset(avoided)),
                    callable_until=None if late is None else moment(late).wall.timestamp(),
                )
                for contact, phone, rank, region, sticky, late, avoided in words[0]
            ],
        )
    elif verb == "settle" and claimed:
        one = claimed[words[0] % len(claimed)]
        hopper.settle([one], number_charged=[words[1]], owner=ONE)
    elif verb == "give_back" and claimed:
        one = claimed[words[0] % len(claimed)]
        hopper.give_back([one], requeue=words[1], owner=ONE)
    elif verb == "void":
        hopper.void([words[0]])


def by_id(claimed: object) -> dict[str, Claimed]:
    return {one.attempt_id: one for one in claimed}  # type: ignore[attr-defined]


def test_a_pool_of_thousands_is_chosen_from_evenly(client: redis.Redis):
    """Long lists break Lua's stack when they are unpacked at once (dramatiq 258)."""
    hopper = rebuilt(client)
    numbers: list[Shown] = pool(9_000, hard_limit=1, calls_at_once=1, calls_per_hour=3)
    hopper.offer(SPRING, [entry(i) for i in range(1_200)])
    answer = hopper.claim(request(1_200, numbers))
    assert [one.number for one in answer.claimed] == [one.number for one in numbers[:1_200]]
    hopper.give_back(answer.claimed, requeue=True, owner=ONE)
    assert hopper.size(SPRING) == 1_200
    assert_nothing_is_held(client)


# ------------------------------------------------------------------ many at once


def test_sixteen_greenlets_never_lease_one_phone_twice_nor_pass_a_limit(client: redis.Redis):
    first = rebuilt(client)
    first.offer(SPRING, [entry(i, phone_id=i // 2) for i in range(1_000)])
    numbers = pool(8, soft_limit=20, hard_limit=40, calls_at_once=6)
    live: set[int] = set()
    shown_live: Counter[str] = Counter()
    charged: Counter[str] = Counter()

    def work(name: str) -> None:
        hopper = RedisHopper(client)
        owner = InstanceName(name)
        for turn in range(30):
            answer: ClaimAnswer = hopper.claim(request(4, numbers, owner=owner))
            for one in answer.claimed:
                assert one.entry.phone_id not in live
                live.add(one.entry.phone_id)
                shown_live[one.number] += 1
                charged[one.number] += 1
                assert shown_live[one.number] <= 6
                assert charged[one.number] <= 40
            gevent.sleep(0)
            for one in answer.claimed:  # before the server frees it, so that nobody is blamed
                live.remove(one.entry.phone_id)
                shown_live[one.number] -= 1
            if turn % 3 == 0:
                for one in answer.claimed:
                    charged[one.number] -= 1
                hopper.give_back(answer.claimed, requeue=True, owner=owner)
            else:
                flags = [True] * len(answer.claimed)
                hopper.settle(answer.claimed, number_charged=flags, owner=owner)

    workers = [gevent.spawn(work, f"d{i}") for i in range(16)]
    gevent.joinall(workers, raise_error=True)
    assert sum(charged.values()) == 8 * 40  # the limits did stop them
    assert list(first.used([(one.number, TODAY) for one in numbers])) == [40] * 8
    assert_nothing_is_held(client)


# ------------------------------------------------------------------ the wire breaks


def test_a_claim_whose_reply_was_lost_runs_once_and_is_undone(fresh_redis: str):
    """Else its contacts would be leased for as long as the daemon lives, and never dialed."""
    place = urlsplit(fresh_redis)
    wire = LossyWire((place.hostname or "", place.port or 0))
    with wire.running(), connect(fresh_redis) as straight:
        url = place._replace(netloc=f":{place.password}@127.0.0.1:{wire.port}").geturl()
        with connect(url, timeout_s=1.0) as lossy:
            hopper = rebuilt(lossy)
            hopper.claim(request(1))  # the server knows the script now
            hopper.offer(SPRING, [entry(i) for i in range(5)])
            wire.lose_replies = True
            with pytest.raises(StoreError):
                hopper.claim(request(2))
            wire.lose_replies = False
            assert wire.lost == 1
            assert straight.hlen(KEYS.leases) == 2  # it ran, once
            answer = hopper.claim(request(9))
    assert len(answer.claimed) == 5
    assert sorted(one.entry.contact_id for one in answer.claimed) == [0, 1, 2, 3, 4]


def test_a_claim_that_arrives_after_it_was_revoked_does_nothing(client: redis.Redis):
    hopper = rebuilt(client)
    hopper.offer(SPRING, [entry(1)])
    late = request(1)
    hopper._unsure.append(late)
    hopper.renew(ONE, 30.0, moment())
    with pytest.raises(Bug):
        hopper.claim(late)
    assert hopper.size(SPRING) == 1


def test_a_killed_claim_leaves_no_lease_behind(client: redis.Redis):
    hopper = rebuilt(client)
    hopper.offer(SPRING, [entry(i) for i in range(20)])
    for _ in range(5):
        hopper.size(SPRING)  # so that it is the claim that is cut, not the connecting
        cut = gevent.spawn(hopper.claim, request(3))
        gevent.sleep(0)
        cut.kill()
    assert len(hopper.claim(request(99)).claimed) == 20


def test_a_server_that_died_and_came_back_empty_is_noticed_before_any_claim(
    own_redis: RunningServer,
):
    with connect(own_redis.url) as client:
        hopper = rebuilt(client)
        hopper.offer(SPRING, [entry(1)])
        own_redis.kill()
        with pytest.raises(StoreError, match="is it running"):
            hopper.claim(request(1))
        with pytest.raises(StoreError):
            hopper.epoch()
        own_redis.restart()
        hopper.epoch()
        hopper.offer(SPRING, [entry(1)])
        with pytest.raises(StoreError, match="rebuild"):
            hopper.claim(request(1))
        assert hopper.epoch() == ""
        hopper.rebuild(epoch="e2", charges={}, open_attempts=[], lease_s=30.0, now=moment())
        assert len(hopper.claim(request(1)).claimed) == 1


def test_a_server_that_forgot_the_scripts_gets_them_again(client: redis.Redis):
    hopper = rebuilt(client)
    hopper.offer(SPRING, [entry(1)])
    client.script_flush()
    assert len(hopper.claim(request(1)).claimed) == 1


def test_a_burst_waits_for_a_connection_and_no_longer_than_told(fresh_redis: str):
    with connect(fresh_redis, connections=1, pool_wait_s=0.05, timeout_s=5.0) as client:
        holding = gevent.spawn(client.brpop, ["nothing"], 2)
        gevent.sleep(0.02)
        with pytest.raises(StoreError, match="no connection"):
            RedisHopper(client).size(SPRING)
        holding.kill()


def test_a_wrong_password_or_address_is_said_plainly(fresh_redis: str):
    port = urlsplit(fresh_redis).port
    url = f"redis://:wrong@127.0.0.1:{port}/0"
    with connect(url) as client, pytest.raises(StoreError, match="password"):
        RedisHopper(client).epoch()
    with pytest.raises(ConfigError):
        connect("localhost")


def test_every_key_lies_under_one_hash_tag(client: redis.Redis):
    """Redis Cluster runs no script over keys of two tags."""
    hopper = rebuilt(client)
    hopper.offer(SPRING, [entry(i) for i in range(4)])
    numbers = pool(2, calls_at_once=9, min_gap_s=0.5, calls_per_hour=9)
    claimed = hopper.claim(request(3, numbers, owner=TWO)).claimed
    hopper.give_back(claimed[:1], requeue=True, owner=TWO)
    names = [str(name, "utf-8") for name in client.scan_iter()]
    assert len(names) >= 12
    assert all(name.startswith("{dialer}:") for name in names)
    assert client.ttl(KEYS.day(TODAY)) > 2 * 86400
