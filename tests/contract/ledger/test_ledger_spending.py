"""What the base says of a campaign's persistence and its money (R6.11, R3.13).

Losing this, a campaign rings on although nobody wants it, or spends what nobody has.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from dialer.core.model import (
    AttemptId,
    CampaignName,
    DayBudget,
    Disposition,
    IntentAnswer,
    OperatorId,
)
from dialer.core.permission.persistence import Figures, Judged, rests
from dialer.ledger.store import PostgresLedger
from tests.contract.ledger.world import NOW, TODAY, World, campaign, intent, verdict

SPRING = CampaignName("spring")
MONTH = timedelta(days=30)


def test_what_persistence_came_to_is_counted_by_people(world: World) -> None:
    """A machine and an answer of two seconds are nobody whom we have reached."""
    spring, talked = campaign(), verdict(Disposition.TALKED)
    world.people(6)
    world.save(spring)
    first, second, third, fourth, fifth, sixth = world.entries(spring)
    kept = world.dial(spring, first, verdict=talked, answered_at=NOW)
    said = world.dial(spring, second, verdict=talked, answered_at=NOW)
    world.dial(spring, third, verdict=talked, answered_at=NOW, short_answer=True)
    world.dial(spring, fourth, verdict=verdict(Disposition.MACHINE), answered_at=NOW)
    world.dial(spring, fifth, verdict=verdict(Disposition.BUSY, charged=False))
    world.dial(spring, sixth)
    world.ask(
        "UPDATE attempts SET committed_at = committed_at - interval '31 days'"
        " WHERE contact_id = %s",
        sixth.contact_id,
    )
    for attempt, result in ((kept, "Refused"), (said, "machine")):
        world.ledger.dispose(
            attempt.attempt_id,
            operator=OperatorId("anna"),
            result=result,
            tags=[],
            summary="",
            now=NOW,
        )
    world.ledger.add_stop(first.phone_id, origin="operator", now=NOW + timedelta(hours=1))
    world.ledger.add_stop(fifth.phone_id, origin="operator", now=NOW + timedelta(hours=1))
    found = world.ledger.persistence(SPRING, NOW - MONTH)
    assert found == Figures(
        tries=4,
        talks=1,
        answered=2,
        refusals=1,
        instant_hang_ups=1,
        opt_outs=1,
        persons=4,
        most_tries=1,
        most_refusals=1,
        most_instant_hang_ups=1,
    )
    assert world.ledger.persistence_of(first.phone_id, NOW - MONTH) == Figures(
        tries=1,
        talks=1,
        answered=1,
        refusals=1,
        opt_outs=1,
        persons=1,
        most_tries=1,
        most_refusals=1,
    )


def test_a_stopped_campaign_is_stopped_for_every_daemon_at_the_intent(world: World) -> None:
    """Also for one that has judged by the figures of a minute ago, or cannot judge at all."""
    spring, other = campaign(), campaign("other")
    world.people(3)
    world.save(spring, other)
    entries = world.entries(spring)
    world.ledger.save_pace(SPRING, 0.0)
    assert reasons(world.commit(spring, entries[:1])) == ["persistence"]
    assert world.held(spring) == {}, "nobody is put off by it"
    world.ledger.save_pace(SPRING, 0.5)
    begins = NOW.replace(minute=15)
    for at_s in (0, 449, 450, 899):
        at = begins + timedelta(seconds=at_s)
        (answer,) = world.commit(spring, entries[:1], at)
        assert answer.committed is not rests(Judged(pace=0.5), at)
        if answer.committed:
            world.ledger.withdraw_intents([answer.attempt_id], "test")
    world.ledger.save_pace(SPRING, 1.0)
    assert reasons(world.commit(spring, entries[:1])) == [None]


def test_a_complaint_counts_against_who_called_last(world: World) -> None:
    """R6.11: and against nobody where none of ours had called."""
    spring = campaign()
    world.people(2)
    world.save(spring)
    first, second = world.entries(spring)
    world.dial(spring, first)
    later = NOW + timedelta(days=1)
    complain = partial(world.ledger.add_complaint, campaign=None, by="anna", now=later)
    assert complain(first.phone_id, "at night!") == "spring"
    assert complain(second.phone_id, "who are you") is None
    assert world.ledger.persistence(SPRING, later - MONTH).complaints == 1
    assert world.ledger.persistence(SPRING, later + timedelta(seconds=1)).complaints == 0
    (one,) = world.ledger.complaints(later - MONTH, "spring")
    assert one.text == "at night!"


def test_an_unknown_campaign_has_done_nothing(world: World) -> None:
    assert world.ledger.persistence(CampaignName("none"), NOW - MONTH) == Figures()


# ------------------------------------------------------------------ money


def reasons(answers: list[IntentAnswer]) -> list[str | None]:
    return [one.reason for one in answers]


def test_the_intent_itself_holds_the_calls_of_a_day(world: World) -> None:
    spring = campaign(budget=DayBudget(calls=2))
    world.people(4)
    world.save(spring)
    entries = world.entries(spring)
    assert reasons(world.commit(spring, entries[:3])) == [None, None, "budget_calls"]
    (answer,) = world.commit(spring, entries[2:3])
    # Until the campaign's next day.
    assert (answer.reason, answer.until) == ("budget_calls", NOW.replace(hour=21))
    assert world.ledger.used_of_day(SPRING, TODAY) == (2, 0)
    # The other campaigns' days are their own, and tomorrow is another day.
    summer = campaign("summer")
    world.save(summer)
    assert reasons(world.commit(summer, entries[3:])) == [None]


def test_open_calls_hold_money_and_their_ends_replace_it(world: World) -> None:
    """Without this a hundred calls go out on the last rouble."""
    spring = campaign(budget=DayBudget(money=5.0))
    world.people(4)
    world.save(spring)
    entries = world.entries(spring)
    first, second, third = world.commit(spring, entries[:3], reserved=2_000_000)
    assert reasons([first, second, third]) == [None, None, "budget_money"]
    world.end(first, cost=250_000)
    assert world.ledger.used_of_day(SPRING, TODAY) == (2, 2_250_000)
    world.end(
        second, cost=0, verdict=verdict(Disposition.CARRIER_FAILURE, number_charged=False)
    )
    assert world.ledger.used_of_day(SPRING, TODAY) == (1, 250_000)
    (again,) = world.commit(spring, entries[2:3], reserved=2_000_000)
    assert again.committed
    world.ledger.withdraw_intents([AttemptId(again.attempt_id)], "a test")
    assert world.ledger.used_of_day(SPRING, TODAY) == (1, 250_000)


def test_a_budget_given_during_the_day_knows_what_was_used_before(world: World) -> None:
    world.people(3)
    world.save(campaign())
    entries = world.entries(campaign())
    world.dial(campaign(), entries[0], cost=700_000)
    (open_one,) = world.commit(campaign(), entries[1:2], reserved=400_000)
    spring = campaign(budget=DayBudget(calls=2))
    assert reasons(world.commit(spring, entries[2:])) == ["budget_calls"]
    assert world.ledger.used_of_day(SPRING, TODAY) == (2, 1_100_000)
    world.end(open_one, cost=100_000)
    assert world.ledger.used_of_day(SPRING, TODAY) == (2, 800_000)
    costs = world.ledger.costs(SPRING, NOW - MONTH, NOW + MONTH)
    assert costs.cost == 800_000


def test_two_daemons_never_spend_one_budget_twice(
    world: World, another_ledger: Callable[..., PostgresLedger]
) -> None:
    spring = campaign(budget=DayBudget(calls=7))
    world.people(24)
    world.save(spring)
    entries = world.entries(spring)
    ledgers = [world.ledger, another_ledger()]
    answers: list[IntentAnswer] = []

    def dial(ledger: PostgresLedger, mine: int) -> None:
        for entry in entries[mine::2]:
            answers.extend(ledger.commit_intents([intent(spring, entry)], NOW))

    threads = [
        threading.Thread(target=dial, args=(ledger, n)) for n, ledger in enumerate(ledgers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.committed for one in answers) == 7
    assert {one.reason for one in answers if not one.committed} == {"budget_calls"}
