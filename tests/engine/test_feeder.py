"""The hopper's filling: what is not fed is not called, what is fed wrongly is so called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta

import gevent
import pytest

from dialer.core.model import CampaignName, Entry, Source, Window
from dialer.core.permission.reasons import Reason
from dialer.engine.feeder import FULL, REFRESH_S
from dialer.ports import Due
from tests.engine.house import SPRING, House, campaign, entry, plan

NIGHT = Window(frozenset(range(7)), time(0), time(1))
DAY = Window(frozenset(range(7)), time(9), time(20))


def due(home: House, *entries: Entry, **changes: object) -> None:
    home.books.people += [Due(entry=one, **changes) for one in entries]  # type: ignore[arg-type]


def people(first: int, last: int) -> list[Entry]:
    return [entry(n) for n in range(first, last + 1)]


def feed(home: House, **how: bool) -> int:
    return home.daemon.feeder.feed(home.calls.campaigns[SPRING], **how)


def test_the_head_of_the_list_is_queued_and_no_more(home: House):
    due(home, *people(1, FULL + 300))
    assert feed(home) == FULL
    assert home.hopper.size(SPRING) == FULL
    assert [one.position for one in home.hopper.head(SPRING, 3)] == [1, 2, 3]


def test_a_filled_hopper_is_left_alone_until_half_of_it_is_gone(home: House):
    due(home, *people(1, FULL + 300))
    feed(home)
    home.clock.move(1.0)
    assert feed(home) == 0
    gone = home.hopper.head(SPRING, FULL // 2)
    home.hopper.void([one.phone_id for one in gone])
    home.books.people = home.books.people[FULL // 2 :]
    home.clock.move(1.0)
    assert feed(home) == FULL - 200
    assert home.hopper.size(SPRING) == FULL - 200


def test_a_filled_hopper_is_brought_up_to_date_all_the_same(home: House):
    """With few operators it lasts for hours: a rule that depends on time, or a promised call
    that became due, must not wait for that long.
    """
    due(home, *people(1, 700))
    feed(home)
    home.books.people[600] = Due(entry=replace(entry(601), rank=-1.0))
    home.clock.move(REFRESH_S + 0.1)
    feed(home)
    assert home.hopper.head(SPRING, 1)[0].position == 601
    assert home.hopper.size(SPRING) == 700


def hot(n: int) -> Entry:
    return replace(entry(n), rank=-1_000_000.0 + n, source=Source.HOT)


def test_a_hot_lead_goes_to_the_front_of_a_full_hopper_and_never_over_it(home: House):
    """Within five seconds, ahead of the queue; and a day of hot leads must not fill Redis."""
    due(home, *people(1, 2 * FULL))
    feed(home)
    for n in range(1, 6):
        home.books.people.insert(0, Due(entry=hot(10_000 + n)))
        home.daemon.feeder.wake()
        assert home.daemon.feeder.feed_all()
        assert home.hopper.head(SPRING, 1)[0].source is Source.HOT
        assert home.hopper.size(SPRING) == FULL
    assert [one.position for one in home.hopper.head(SPRING, 6)][5] == 1


def test_a_wake_is_not_lost_on_a_store_that_fails(home: House):
    """It came while PostgreSQL was away: it must not wait until the hopper is half empty."""
    due(home, *people(1, FULL))
    feed(home)
    home.books.people.insert(0, Due(entry=hot(10_000)))
    home.books.away = True
    home.daemon.feeder.wake()
    assert not home.daemon.feeder.feed_all()
    home.books.away = False
    assert home.daemon.feeder.feed_all()
    assert home.hopper.head(SPRING, 1)[0].source is Source.HOT


def test_one_campaign_that_fails_does_not_starve_the_others(build: Callable[..., House]):
    autumn = campaign("autumn")
    home = build(plan(campaigns={SPRING: campaign(), autumn.name: autumn}))
    due(home, entry(1, "autumn"))
    ask = home.books.due

    def only_autumn(one, now, limit):
        if one.name == SPRING:
            home.books.away = True
        try:
            return ask(one, now, limit)
        finally:
            home.books.away = False

    home.books.due = only_autumn  # type: ignore[method-assign]
    assert not home.daemon.feeder.feed_all()
    assert home.hopper.size(autumn.name) == 1


def test_who_may_not_be_called_now_is_postponed_and_makes_room(home: House):
    """A thousand people in another zone must not hold up those behind them for the night."""
    due(home, *people(1, FULL), windows=(NIGHT,))
    due(home, *people(FULL + 1, FULL + 5))
    assert feed(home) == 0
    assert len(home.books.postponed) == FULL
    why, until = home.books.postponed[entry(1).contact_id]
    assert why == Reason.OWN_HOURS
    assert until > home.clock.now().wall
    assert feed(home) == 5  # at once: there is no pause between the two looks
    assert home.hopper.size(SPRING) == 5


def test_what_the_ledger_holds_back_is_not_offered(home: House):
    until = home.clock.now().wall + timedelta(hours=3)
    due(home, entry(1), held=Reason.TRIES_DAY.value, held_until=until)
    due(home, entry(2))
    assert feed(home) == 1
    assert home.books.postponed == {1: ("tries_day", until)}


def test_an_entry_carries_the_end_of_its_window(build: Callable[..., House]):
    """Claimed after eight in the evening it would be a call that the law forbids."""
    home = build(plan(campaigns={SPRING: campaign(windows=(DAY,))}))
    due(home, entry(1))
    feed(home)
    closes = home.hopper.head(SPRING, 1)[0].callable_until
    assert closes is not None
    assert closes - home.clock.now().wall.timestamp() == 8 * 3600.0


def test_after_a_reload_nothing_is_called_by_the_old_hours(home: House):
    due(home, *people(1, 5))
    feed(home)
    assert home.hopper.head(SPRING, 1)[0].callable_until is None
    home.plan = plan(campaigns={SPRING: campaign(windows=(NIGHT,))})
    assert home.daemon._reload()["ok"]
    home.daemon.feeder.feed_all()
    assert home.hopper.size(SPRING) == 0
    assert len(home.books.postponed) == 5


def test_what_an_earlier_life_queued_is_looked_at_again(home: House):
    """The files may have changed while the daemon was down."""
    home.queue(entry(99))
    due(home, entry(1))
    feed(home)
    assert [one.position for one in home.hopper.head(SPRING, 9)] == [1]


def test_a_campaign_whose_file_is_gone_is_emptied(home: House):
    due(home, *people(1, 5))
    feed(home)
    home.plan = plan(campaigns={})
    home.daemon._reload()
    home.daemon.feeder.feed_all()
    assert home.hopper.size(SPRING) == 0


@pytest.mark.parametrize("reason", [Reason.STORE_FAILED, Reason.HALTED])
def test_the_feeder_rests_only_while_a_store_is_away(home: House, reason: Reason):
    """During a halt the queue is kept filled: calls go out at once when it is over."""
    due(home, entry(1))
    home.gate.shut(reason)
    home.daemon.nursery.start("feeder", home.daemon.feeder.run)
    home.settle()
    assert home.hopper.size(SPRING) == (0 if reason is Reason.STORE_FAILED else 1)


def test_the_running_feeder_is_woken_at_once(home: House):
    """R3.5: five seconds from the form to the call; a tick each second is not the way."""
    home.daemon.nursery.start("feeder", home.daemon.feeder.run)
    home.settle()
    due(home, hot(1))
    home.daemon.feeder.wake()
    gevent.sleep(0)
    home.settle()
    assert home.hopper.size(SPRING) == 1


def test_new_work_told_by_the_ledger_wakes_it(home: House):
    fed: list[CampaignName] = []
    home.daemon.feeder.wake = lambda: fed.append(SPRING)  # type: ignore[method-assign]
    home.books.work = [frozenset({SPRING})]

    def then_stop(timeout_s: float) -> frozenset[CampaignName]:
        if not home.books.work:
            raise gevent.GreenletExit
        return home.books.work.pop(0)

    home.books.wait_for_work = then_stop  # type: ignore[method-assign]
    with pytest.raises(gevent.GreenletExit):
        home.daemon.feeder.listen()
    assert fed == [SPRING]
