"""The abandonment cap's books in PostgreSQL: what a regulator would ask for, and what keeps two
daemons from spending the same drop twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from dialer.core.model import CampaignName, Disposition, InstanceName, OperatorId
from dialer.ledger.store import PostgresLedger
from dialer.ports import SliceAnswer, SliceRequest, WindowCounts
from tests.contract.ledger.world import NOW, World, campaign, verdict

SPRING = CampaignName("spring")
FIRST, SECOND = InstanceName("first"), InstanceName("second")
DAY = timedelta(days=1)


def ask(ledger: PostgresLedger, instance: InstanceName = FIRST, **changes: Any) -> SliceAnswer:
    words: dict[str, Any] = {
        "campaign": SPRING,
        "instance": instance,
        "since": NOW - DAY,
        "until": NOW + DAY,
        "budget": lambda counts: 10.0 - counts.abandoned,
        "wants": True,
        "lease_s": 30.0,
        "now": NOW,
    }
    return ledger.take_slice(SliceRequest(**{**words, **changes}))


def counts(ledger: PostgresLedger, since: datetime = NOW - DAY) -> WindowCounts:
    return ask(ledger, since=since, wants=False).counts


def dial(world: World, *endings: Disposition) -> list[Any]:
    world.people(len(endings))
    world.save(campaign())
    return [
        world.dial(campaign(), entry, verdict=verdict(ending), answered_at=NOW)
        for entry, ending in zip(world.entries(campaign()), endings, strict=True)
    ]


def test_each_answered_call_is_in_the_books_once(world: World) -> None:
    """R3.2: the cap's arithmetic; who left by himself stands apart, whatever the outbox
    repeats.
    """
    dial(
        world,
        Disposition.TALKED,
        Disposition.ABANDONED,
        Disposition.SHORT_HANGUP,
        Disposition.MACHINE,
        Disposition.LOST,
        Disposition.TALKED,
    )
    expected = WindowCounts(
        answered=6, connected=2, abandoned=2, early_hang_ups=1, first_at=NOW
    )
    assert counts(world.ledger) == expected
    assert counts(world.ledger, NOW + timedelta(minutes=15)) == WindowCounts()


def test_the_books_outlive_the_erasure_of_the_person(world: World) -> None:
    """A person's right to be erased must not make a drop undone."""
    dial(world, Disposition.ABANDONED)
    world.ask("DELETE FROM contacts")
    assert counts(world.ledger).abandoned == 1


@pytest.mark.parametrize("when", ["before the ending", "after it"])
def test_a_machine_reported_late_leaves_the_live_answers(world: World, when: str) -> None:
    """Else the share is of too many, and the cap is broken unseen."""
    world.people(1)
    world.save(campaign())
    (answer,) = world.commit(campaign(), world.entries(campaign()))

    def note(result: str) -> None:
        world.ledger.dispose(
            answer.attempt_id,
            operator=OperatorId("101"),
            result=result,
            tags=[],
            summary="",
            now=NOW,
        )

    if when == "before the ending":
        note("Machine")
    world.end(answer, verdict=verdict(Disposition.TALKED), answered_at=NOW)
    if when == "after it":
        note("Machine")
        note("Machine")
    assert counts(world.ledger)[:5] == (1, 1, 0, 0, 1)
    note("Decided")
    assert counts(world.ledger).machines == 0


def test_daemons_never_hold_more_than_the_whole_budget(
    world: World, another_ledger: Callable[..., PostgresLedger]
) -> None:
    """Two that looked at once would both spend the last drop."""
    ledgers = [another_ledger(connections=2) for _ in range(4)]
    world.people(1)
    world.save(campaign())
    for _ in range(3):
        answers = _all_at_once(ledgers)
        held = world.ask("SELECT sum(drops) FROM pacing_slices")[0][0]
        assert len(answers) == 4
        assert held <= 10.0 + 1e-9
    # After some turns each that dials has its part.
    assert held == pytest.approx(10.0)
    assert min(one.drops for one in answers) == pytest.approx(2.5)


def _all_at_once(ledgers: list[PostgresLedger]) -> list[SliceAnswer]:
    answers: list[SliceAnswer] = []

    def take(n: int) -> None:
        answers.append(ask(ledgers[n], InstanceName(f"d{n}")))

    threads = [threading.Thread(target=take, args=(n,)) for n in range(len(ledgers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_slice_is_the_others_again_when_its_daemon_is_gone(world: World) -> None:
    """By stopping, by idling, or by the end of its lease."""
    ledger = world.ledger
    assert ask(ledger, FIRST).drops == 10.0
    assert ask(ledger, SECOND).drops == 0.0
    assert ask(ledger, FIRST).drops == 5.0
    assert ask(ledger, SECOND).drops == 5.0
    ask(ledger, FIRST, wants=False)
    assert ask(ledger, SECOND).drops == 10.0
    ledger.return_slices(SECOND)
    assert ask(ledger, FIRST).drops == 10.0
    later = NOW + timedelta(seconds=31)
    assert ask(ledger, SECOND, now=later).drops == 10.0


def test_estimates_come_back_to_the_daemon_that_saved_them(world: World) -> None:
    """A restart in the morning must not dial as if nothing had ever been learned."""
    ledger = world.ledger
    assert ledger.load_estimates(SPRING, FIRST) is None
    ledger.save_estimates(FIRST, {SPRING: {"version": 1, "rate": 0.1 + 0.2}}, NOW)
    ledger.save_estimates(SECOND, {SPRING: {"version": 1}}, NOW + DAY)
    assert ledger.load_estimates(SPRING, FIRST) == (NOW, {"version": 1, "rate": 0.1 + 0.2})
    newcomer = ledger.load_estimates(SPRING, InstanceName("third"))
    assert newcomer == (NOW + DAY, {"version": 1})


def test_the_history_of_this_hour_is_what_a_start_believes(world: World) -> None:
    dial(world, Disposition.TALKED, Disposition.ABANDONED)
    world.ask("UPDATE attempts SET dialed_at = committed_at")
    hour = NOW.hour
    assert world.ledger.answers_at_hour(SPRING, NOW - DAY, hour, "UTC") == (2, 2)
    assert world.ledger.answers_at_hour(SPRING, NOW - DAY, (hour + 1) % 24, "UTC") == (2, 2)
    assert world.ledger.answers_at_hour(SPRING, NOW - DAY, (hour + 12) % 24, "UTC") == (0, 0)


def test_who_was_rung_and_given_up_is_known(world: World) -> None:
    """At most once a day: nobody is rung and dropped all day long."""
    world.people(2)
    world.save(campaign())
    gone, other = world.commit(campaign(), world.entries(campaign()))
    ended: dict[str, Any] = {"verdict": verdict(Disposition.CANCELLED), "rang_at": NOW}
    told = world.end(gone, stop_reason="overdial", **ended)
    left = world.end(other, stop_reason="halted", **ended)
    asked = [told.contact_id, left.contact_id]
    assert world.ledger.cancelled_since(asked, NOW) == {told.contact_id}
    assert world.ledger.cancelled_since(asked, NOW + DAY) == frozenset()
