"""What every meeting place must do: the one in memory and the one on the real server."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest

from dialer.core.model import InstanceName, OperatorId
from dialer.hopper.client import connect
from dialer.hopper.keys import Keys
from dialer.hopper.memory_presence import MemoryPresence
from dialer.hopper.presence import RedisPresence
from dialer.ports import Command, Presence

ONE, TWO = InstanceName("one"), InstanceName("two")
ANNA, BORIS = OperatorId("anna"), OperatorId("boris")


@pytest.fixture(params=["memory", "redis"])
def presence(request: pytest.FixtureRequest) -> Iterator[Presence]:
    if request.param == "memory":
        yield MemoryPresence()
        return
    client = connect(request.getfixturevalue("fresh_redis"))
    yield RedisPresence(client)
    client.close()


def command(key: str = "c1", verb: str = "operator.ready", **words: object) -> Command:
    return Command(id=key, verb=verb, words=words)


def test_the_console_sees_all_operators_of_all_daemons_as_they_are_now(presence: Presence):
    presence.publish_operators(ONE, {ANNA: {"state": "ready"}, BORIS: {"state": "paused"}})
    presence.publish_operators(TWO, {OperatorId("вера"): {"state": "talking", "since": 1.5}})
    presence.publish_operators(ONE, {ANNA: {"state": "talking"}})
    assert presence.operators() == {
        ANNA: {"state": "talking"},
        OperatorId("вера"): {"state": "talking", "since": 1.5},
    }
    presence.publish_operators(TWO, {})
    assert list(presence.operators()) == [ANNA]


def test_a_daemon_that_ended_is_out_of_sight_at_once(presence: Presence):
    presence.publish_status(ONE, {"calls": 3})
    presence.publish_status(TWO, {"calls": 4})
    presence.publish_operators(ONE, {ANNA: {}})
    presence.send(ONE, command())
    presence.forget(ONE)
    assert presence.statuses() == {TWO: {"calls": 4}}
    assert presence.operators() == {}
    assert presence.receive(ONE, 0.0) is None


def test_commands_arrive_in_order_each_once(presence: Presence):
    first, second = command("c1", phone=5, note="да"), command("c2", "halt")
    presence.send(ONE, first)
    presence.send(ONE, second)
    assert presence.receive(TWO, 0.0) is None
    assert [presence.receive(ONE, 0.05) for _ in range(3)] == [first, second, None]


def test_a_waiting_daemon_gets_a_command_at_once_and_the_asker_its_reply(presence: Presence):
    waiting = gevent.spawn(presence.receive, ONE, 5.0)
    asking = gevent.spawn(presence.await_reply, "c1", 5.0)
    gevent.sleep(0)
    presence.send(ONE, command("c1"))
    got = waiting.get(timeout=2.0)
    assert got == command("c1")
    presence.reply("c1", {"ok": True})
    assert asking.get(timeout=2.0) == {"ok": True}
    assert presence.await_reply("c1", 0.02) is None


def test_a_reply_may_come_before_it_is_awaited(presence: Presence):
    presence.reply("c9", {"ok": False, "why": "no such operator"})
    assert presence.await_reply("c9", 0.0) == {"ok": False, "why": "no such operator"}


def test_states_in_memory_expire_as_on_the_server():
    now_s = [0.0]
    presence = MemoryPresence(lambda: now_s[0])
    presence.publish_operators(ONE, {ANNA: {}})
    now_s[0] = 9.0
    presence.publish_status(ONE, {})
    now_s[0] = 18.0
    assert presence.statuses() and presence.operators()
    presence.send(ONE, command())
    now_s[0] = 19.5
    assert not presence.statuses() and not presence.operators()
    now_s[0] = 80.0
    assert presence.receive(ONE, 0.0) is None


def test_everything_on_the_server_expires(fresh_redis: str):
    """A daemon that was killed must not look alive, nor find old orders when it comes back."""
    with connect(fresh_redis) as client:
        presence, keys = RedisPresence(client), Keys()
        presence.publish_operators(ONE, {ANNA: {}})
        client.expire(keys.operators(ONE), 2)
        presence.publish_status(ONE, {})
        presence.send(ONE, command())
        presence.reply("c1", {})
        assert client.ttl(keys.operators(ONE)) > 5  # the status keeps it in sight
        assert 5 < client.ttl(keys.status(ONE)) <= 10
        assert 30 < client.ttl(keys.commands(ONE)) <= 60
        assert 30 < client.ttl(keys.reply("c1")) <= 60
        client.delete(keys.status(ONE), keys.operators(ONE))
        assert presence.statuses() == {}
        assert presence.operators() == {}


def test_an_unreadable_command_is_dropped_and_the_next_is_read(fresh_redis: str):
    with connect(fresh_redis) as client:
        presence = RedisPresence(client)
        for junk in (b"\xff", b"[1,2]", b"{}", b'["id","verb",7]'):
            client.lpush(Keys().commands(ONE), junk)
        presence.send(ONE, command())
        got = [presence.receive(ONE, 0.0) for _ in range(5)]
    assert got == [None, None, None, None, command()]
