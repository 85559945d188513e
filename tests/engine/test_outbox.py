"""Results on their way into the books: lost here, a contact is called again or never."""

from __future__ import annotations

from collections.abc import Callable

import gevent
import pytest

from dialer.core.calls import events as happened
from dialer.core.model import AttemptId
from dialer.core.permission.reasons import Reason
from dialer.engine import outbox
from dialer.engine.dispatcher import ToAttempt
from dialer.engine.outbox import OptedOut
from dialer.engine.stores import UNWRITTEN_S
from dialer.errors import StoreError
from tests.engine.house import BUSY, SPRING, House, entry, number


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for time to pass."""
    monkeypatch.setattr(outbox, "LINGER_S", 0.0)
    monkeypatch.setattr(outbox, "RETRY_S", (0.0,))


def used(home: House) -> int:
    return home.hopper.used([(number().id, home.clock.now().wall.date())])[0]


def test_the_ledger_first_then_the_lease(home: House):
    """Between the two the phone stays leased: nobody dials it on the strength of an old row."""
    key = home.dial_one()
    home.books.away = True
    home.hang_up(key, BUSY)
    for _ in range(20):
        gevent.sleep(0)
    assert key in home.hopper.store.leases
    home.books.away = False
    home.written()
    assert home.books.results[key].verdict.disposition == "busy"
    assert not home.hopper.store.leases
    assert used(home) == 1  # it has reached the carrier with this number shown


def test_a_call_that_never_reached_the_carrier_gives_its_number_back(home: House):
    key = home.dial_one()
    home.line.tell("originate_failed", key, reply="-ERR INVALID_GATEWAY")
    home.written()
    assert used(home) == 0


def test_a_redis_that_is_away_does_not_hold_results_back(
    home: House, monkeypatch: pytest.MonkeyPatch
):
    key = home.dial_one()
    settle = home.hopper.settle

    def redis_away(*args: object, **words: object) -> None:
        raise StoreError("redis", "is away")

    monkeypatch.setattr(home.hopper, "settle", redis_away)
    home.daemon.outbox.to_hopper._probe = redis_away
    home.hang_up(key, BUSY)
    home.settle()
    assert home.daemon.outbox.to_ledger.wait_empty(5.0)
    assert key in home.books.results
    assert home.daemon.outbox.to_hopper.size == 1
    monkeypatch.setattr(home.hopper, "settle", settle)
    home.written()
    assert not home.hopper.store.leases


def test_a_claim_that_came_to_nothing_is_withdrawn_from_the_ledger_before_its_lease_ends(
    home: House,
):
    """The other way round another daemon would find the phone free and the row still open."""
    key = home.dial_one()
    seen: list[bool] = []
    withdraw = home.books.withdraw_intents

    def look(attempts, reason):
        seen.append(key in home.hopper.store.leases)
        withdraw(attempts, reason)

    home.books.withdraw_intents = look  # type: ignore[method-assign]
    home.daemon.outbox.withdraw(home.attempt(key).claimed, Reason.STORE_FAILED)
    home.written()
    assert seen == [True]
    assert not home.hopper.store.leases


@pytest.mark.parametrize(
    ("reason", "queued"),
    [(Reason.HALTED, 1), (Reason.STORE_FAILED, 1), (Reason.STOP, 0), (Reason.TRIES_DAY, 0)],
)
def test_only_who_may_still_be_called_keeps_his_place(home: House, reason: Reason, queued: int):
    home.queue(entry(7))
    claimed, _, _ = home.daemon.pacing.launcher.claim(
        home.calls.campaigns[SPRING], 1, home.clock.now()
    )
    home.daemon.outbox.withdraw(claimed[0], reason)
    home.written()
    assert home.hopper.size(SPRING) == queued
    assert used(home) == 0


def test_a_stop_is_written_before_the_results_of_its_batch(home: House):
    """A person who has pressed the key must not be due again even for a moment."""
    key = home.waiting()
    home.pass_time(1.9)
    home.daemon.dispatcher.put(ToAttempt(key, happened.KeyPressed("9")))
    home.hang_up(key)
    home.written()
    kinds = [kind for kind, _ in home.books.journal if kind in ("stop", "ended")]
    assert kinds == ["stop", "ended"]
    assert home.hopper.size(SPRING) == 0


def test_results_keep_their_order_and_none_is_lost_over_failures(home: House):
    keys = [home.dial_one(n) for n in range(1, 30)]
    home.books.away = True
    for key in keys:
        home.hang_up(key, BUSY)
    for _ in range(10):
        gevent.sleep(0)
    assert home.books.results == {}
    home.books.away = False
    home.written()
    ended = [key for kind, key in home.books.journal if kind == "ended"]
    assert ended == keys


def test_one_item_that_the_ledger_never_takes_does_not_hold_up_the_rest(home: House):
    """A person was deleted meanwhile: without this no result is ever written again."""
    stop = home.books.opt_out

    def refuse(attempt, now):
        if attempt == "666":
            raise StoreError("postgresql", "no phone 666")
        return stop(attempt, now)

    home.books.opt_out = refuse  # type: ignore[method-assign]
    key, other = home.dial_one(1), home.dial_one(2)
    home.hang_up(key, BUSY)
    home.daemon.outbox.to_ledger.put(OptedOut(AttemptId("666"), home.clock.now().wall))
    home.hang_up(other, BUSY)
    home.written()
    assert set(home.books.results) == {key, other}


def test_while_results_cannot_be_written_nothing_is_dialed(home: House):
    """Only this one write fails: a look at the store does not see it, the box would grow."""
    key = home.dial_one()
    home.books.refuses = {"end_attempts"}
    home.daemon.outbox.to_ledger._probe = away
    home.hang_up(key, BUSY)
    watch = home.daemon.store_watch
    watch.watch(home.clock.now())
    assert home.gate.is_open
    home.clock.move(UNWRITTEN_S + 1.0)
    watch.watch(home.clock.now())
    assert Reason.STORE_FAILED in home.gate.reasons
    home.books.refuses.clear()
    home.written()
    watch.watch(home.clock.now())
    assert home.gate.is_open


def away() -> None:
    raise StoreError("postgresql", "is away")


def test_a_zone_that_the_machine_does_not_know_ends_nothing(build: Callable[..., House]):
    """It comes from a file that somebody imported; the result is reckoned in UTC then."""
    home = build()
    home.queue(entry(1, zones=("Mars/Olympus",)))
    one = home.calls.campaigns[SPRING]
    claimed, shown, _ = home.daemon.pacing.launcher.claim(one, 1, home.clock.now())
    home.daemon.pacing.launcher.commit(one, claimed, shown, home.clock.now())
    home.settle()
    key = claimed[0].attempt_id
    home.hang_up(key, BUSY)
    assert home.disposition(key) == "busy"
