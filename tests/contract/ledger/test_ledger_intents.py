"""No commit, no call: what the intent statement must never let through."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import gevent
import psycopg
import pytest
from gevent.event import Event

from dialer.core.model import NumberId, Window
from dialer.ledger import intents, phones
from dialer.ledger.store import PostgresLedger
from tests.contract.ledger.world import (
    NOW,
    NUMBER,
    WIDE,
    World,
    campaign,
    intent,
    phone,
    retry,
    row,
)

DAY = timedelta(days=1)


def test_committed_intent_gives_the_number_and_takes_the_entry_off(world: World) -> None:
    """Else nobody is dialed at all, or somebody twice."""
    world.people(2)
    world.save(campaign())
    first, second = world.entries(campaign())
    (answer,) = world.commit(campaign(), [first])
    assert (answer.committed, answer.digits) == (True, phone(1).digits)
    assert world.dialed() == 1
    assert [e.contact_id for e in world.entries(campaign())] == [second.contact_id]
    (opened,) = world.ledger.open_attempts()
    assert opened.claimed.entry == first
    kept = world.one("SELECT grounds FROM attempts")
    assert kept["consent"] == "form 7"
    # R6.8: what was true under the locks, beside what the feeder had seen
    assert kept["at_commit"]["consent_given_at"] == "2026-01-01T00:00:00+00:00"
    assert kept["at_commit"]["today"] == 0


def test_repeated_commit_charges_once_and_says_committed_again(world: World) -> None:
    """A commit whose answer was lost would eat the limit, or be dialed under two ids."""
    world.people(3)
    world.save(campaign())
    asked = [intent(campaign(), entry) for entry in world.entries(campaign())]
    once = world.ledger.commit_intents(asked, NOW)
    again = world.ledger.commit_intents(asked, NOW)
    assert once == again
    assert all(answer.committed for answer in again)
    assert world.dialed() == 3


def test_hours_named_after_the_feeding_hold(world: World) -> None:
    """He said "not before noon" while he stood in the queue: he was called at once."""
    world.people(2)
    world.save(campaign())
    entries = world.entries(campaign())
    later = Window(frozenset(range(7)), time(15), time(18))
    world.rows([row(1, windows=(later,))])
    late, called = world.commit(campaign(), entries)
    assert (late.digits, late.reason) == (None, "own_hours")
    assert late.until == NOW.replace(hour=12)  # 15:00 in Moscow
    assert called.digits == phone(2).digits
    world.ledger.withdraw_intents([late.attempt_id], "own_hours")
    assert world.dialed() == 1


def test_a_clock_set_back_before_the_opening_is_seen_at_the_intent(world: World) -> None:
    """Fed at noon, committed when the clock says seven in the morning."""
    spring = campaign(windows=(Window(frozenset(range(7)), time(9), time(20)),))
    world.people(1)
    world.save(spring)
    early = NOW - timedelta(hours=5)
    (answer,) = world.commit(spring, world.entries(spring), early)
    assert (answer.digits, answer.reason) == (None, "outside_hours")
    assert answer.until == early.replace(hour=6)


def test_an_ended_attempt_is_not_committed_again_under_its_id(world: World) -> None:
    """A very late repetition would dial somebody whose call is over."""
    world.people(1)
    world.save(campaign(caps=WIDE))
    (entry,) = world.entries(campaign())
    asked = [intent(campaign(caps=WIDE), entry)]
    (answer,) = world.ledger.commit_intents(asked, NOW)
    world.end(answer, next=retry(NOW))
    (again,) = world.ledger.commit_intents(asked, NOW + timedelta(minutes=1))
    assert (again.committed, again.reason) == (False, "done")
    assert world.dialed() == 1


def test_stop_before_the_intent_is_obeyed(world: World) -> None:
    """A person on the stop list would be called because he stood in the queue already."""
    world.people(2)
    world.save(campaign())
    entries = world.entries(campaign())
    world.ledger.add_stop(entries[0].phone_id, origin="api", now=NOW)
    stopped, other = world.commit(campaign(), entries)
    assert (stopped.committed, stopped.reason) == (False, "stop")
    assert other.committed
    assert world.held(campaign()) == {1: "stop"}


def test_stop_committed_while_the_intent_waits_for_the_lock_is_obeyed(
    world: World, dsn: str
) -> None:
    """The race of R6.2: the stop's transaction is open when the intent begins, and is committed
    before the intent has the phone's lock. A snapshot taken at the start would not see it."""
    world.people(1)
    world.save(campaign())
    (entry,) = world.entries(campaign())
    with psycopg.connect(dsn) as stopping:
        stopping.execute("SELECT id FROM phones FOR NO KEY UPDATE")
        stopping.execute(
            "INSERT INTO stops (phone_id, category, scope, added_at, origin)"
            " VALUES (%s, 'never', 'global', %s, 'other process')",
            [entry.phone_id, NOW],
        )
        waiting = gevent.spawn(world.commit, campaign(), [entry])
        wait_until_blocked(dsn)
        assert not waiting.ready()
        stopping.commit()
        (answer,) = waiting.get(timeout=5)
    assert (answer.committed, answer.reason) == (False, "stop")
    assert world.dialed() == 0


def test_stop_waits_for_an_intent_that_was_first(
    world: World, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """add_stop must not answer while an intent that it does not know of is about to commit."""
    world.people(1)
    world.save(campaign())
    (entry,) = world.entries(campaign())
    with psycopg.connect(dsn) as committing:
        phones.lock(committing, [entry.phone_id]).fetchall()
        stop = gevent.spawn(world.ledger.add_stop, entry.phone_id, origin="api", now=NOW)
        wait_until_blocked(dsn)
        assert not stop.ready()
        committing.commit()
        stop.get(timeout=5)


def wait_until_blocked(dsn: str) -> None:
    """Until some backend waits for a row lock."""
    with psycopg.connect(dsn, autocommit=True) as looking:
        for _ in range(500):
            row = looking.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'"
            ).fetchone()
            if row and row[0]:
                return
            gevent.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


def test_daily_limit_is_exact_with_eight_daemons_in_batches(world: World, dsn: str) -> None:
    """R1.3: number 81 of the day would burn the number."""
    world.people(160)
    world.save(campaign())
    entries = world.entries(campaign(), 160)
    asked = [intent(campaign(), entry) for entry in entries]
    start = Event()

    def daemon(nth: int) -> int:
        start.wait()
        mine = asked[nth * 20 : nth * 20 + 20]
        committed = 0
        for at in range(0, 20, 5):
            answers = world.ledger.commit_intents(mine[at : at + 5], NOW)
            committed += sum(answer.committed for answer in answers)
            refused = {a.reason for a in answers if not a.committed}
            assert refused <= {"number_limit"}
        return committed

    daemons = [gevent.spawn(daemon, nth) for nth in range(8)]
    start.set()
    gevent.joinall(daemons, raise_error=True)
    assert sum(d.value or 0 for d in daemons) == 80
    assert world.dialed() == 80
    assert world.one("SELECT count(*) FROM attempts") == 80


def test_limit_within_one_batch_goes_to_the_first_and_says_until_when(world: World) -> None:
    world.people(5)
    world.save(campaign())
    answers = world.commit(campaign(), world.entries(campaign()), limit=3)
    assert [a.committed for a in answers] == [True, True, True, False, False]
    # midnight in the number's own zone
    assert answers[4].until == datetime(2026, 11, 24, 21, 0, tzinfo=UTC)


def test_refused_rows_do_not_use_up_the_number(world: World) -> None:
    """Two numbers left and four asked, the first two refused: the last two must go out."""
    world.people(4)
    world.save(campaign())
    entries = world.entries(campaign())
    for entry in entries[:2]:
        world.ledger.add_stop(entry.phone_id, origin="api", now=NOW)
    answers = world.commit(campaign(), entries, limit=2)
    assert [a.committed for a in answers] == [False, False, True, True]


def test_claim_from_before_the_numbers_midnight_is_refused(world: World) -> None:
    """Else yesterday's row is charged and today's limit is passed."""
    world.people(1)
    world.save(campaign())
    after = datetime(2026, 11, 24, 21, 0, 1, tzinfo=UTC)  # 00:00:01 in Moscow
    (answer,) = world.commit(campaign(), world.entries(campaign()), after)
    assert (answer.committed, answer.reason, answer.until) == (False, "numbers_busy", after)


def test_one_open_attempt_per_phone_and_person_over_campaigns(world: World) -> None:
    """R6.5: two campaigns would ring the same person at once."""
    two_phones = row(1, phones=(phone(1), phone(2)))
    shared = row(2, name="Maria", phones=(phone(1),))
    world.rows([two_phones, shared])
    spring, autumn = campaign(caps=WIDE), campaign("autumn", caps=WIDE)
    world.save(spring, autumn)
    person, neighbour = world.entries(spring)
    other = world.entries(autumn)[0]
    first, second = world.commit(spring, [person, neighbour])
    assert first.committed
    assert (second.committed, second.reason) == (False, "already_being_called")
    (third,) = world.commit(autumn, [other])
    assert (third.committed, third.reason) == (False, "already_being_called")
    assert world.held(autumn) == {1: "already_being_called", 2: "already_being_called"}


def test_the_constraint_itself_forbids_two_open_attempts(world: World) -> None:
    """Whatever a later statement forgets."""
    world.people(1)
    world.save(campaign())
    world.commit(campaign(), world.entries(campaign()))
    copy = (
        "INSERT INTO attempts (id, campaign, contact_id, phone_id, number, number_day, gateway,"
        " instance, tier, grounds, committed_at) SELECT gen_random_uuid(), campaign, {},"
        " number, number_day, gateway, instance, tier, grounds, committed_at FROM attempts"
    )
    world.people(2)
    with pytest.raises(psycopg.errors.UniqueViolation, match="one_open_phone"):
        world.ask(copy.format("(SELECT max(id) FROM contacts), phone_id"))
    with pytest.raises(psycopg.errors.UniqueViolation, match="one_open_contact"):
        world.ask(copy.format("contact_id, (SELECT max(id) FROM phones)"))


def test_entry_that_was_postponed_or_ended_meanwhile_is_refused(world: World) -> None:
    """The hopper may be older than the ledger."""
    world.people(3)
    world.save(campaign())
    one, two, three = world.entries(campaign())
    later = NOW + timedelta(hours=1)
    world.ledger.postpone(campaign().name, [(one.contact_id, "own_hours", later)])
    world.dial(campaign(), two, next=retry(later))
    answers = world.commit(campaign(), [one, two, three])
    told = [(a.reason, a.until) for a in answers]
    assert told == [("own_hours", later), ("retry_later", later), (None, None)]


def test_unknown_phone_contact_or_campaign_refuses_its_row_only(world: World) -> None:
    """One bad row must not sink the batch."""
    from dataclasses import replace

    world.people(2)
    world.save(campaign())
    good, other = world.entries(campaign())
    nobody = replace(other, contact_id=type(other.contact_id)(10**9))
    nowhere = replace(other, phone_id=type(other.phone_id)(10**9))
    answers = world.commit(campaign(), [nobody, nowhere, good])
    assert [a.reason for a in answers] == ["no_phone", "no_phone", None]
    (strange,) = world.commit(campaign("never saved"), [other])
    assert strange.reason == "no_phone"


def test_while_halted_nothing_is_committed(world: World) -> None:
    """R10.6."""
    world.people(1)
    world.save(campaign())
    world.ledger.set_halted(True, by="supervisor", now=NOW)
    assert world.ledger.halted()
    (answer,) = world.commit(campaign(), world.entries(campaign()))
    assert (answer.committed, answer.reason) == (False, "halted")
    world.ledger.set_halted(False, by="supervisor", now=NOW)
    (answer,) = world.commit(campaign(), world.entries(campaign()))
    assert answer.committed
    assert world.ask("SELECT what FROM audit WHERE what <> 'import' ORDER BY id") == [
        ("halt",),
        ("resume",),
    ]


def test_halt_that_is_being_set_is_waited_for(world: World, dsn: str) -> None:
    """After `dialer halt` has answered no intent may commit behind it."""
    world.people(1)
    world.save(campaign())
    entries = world.entries(campaign())
    with psycopg.connect(dsn) as halting:
        halting.execute("SELECT pg_advisory_xact_lock(1751215220)")
        halting.execute("INSERT INTO switches VALUES ('halt', true, now(), 'x')")
        waiting = gevent.spawn(world.commit, campaign(), entries)
        wait_until_blocked(dsn)
        halting.commit()
        (answer,) = waiting.get(timeout=5)
    assert answer.reason == "halted"


def test_withdrawn_intent_is_as_if_it_had_not_been(world: World) -> None:
    """A claim that never reached the switch would eat the number and lose the contact."""
    world.people(2)
    world.save(campaign())
    entries = world.entries(campaign())
    answers = world.commit(campaign(), entries)
    ids = [answers[0].attempt_id]
    for _ in range(2):
        world.ledger.withdraw_intents(ids, "link down")
    assert world.dialed() == 1
    assert world.entries(campaign()) == entries[:1]
    assert len(world.ledger.open_attempts()) == 1


def test_open_attempts_are_told_by_instance(world: World) -> None:
    world.people(1)
    world.save(campaign())
    world.commit(campaign(), world.entries(campaign()))
    assert world.ledger.open_attempts(type(intent(campaign(), None).instance)("other")) == []  # type: ignore[arg-type]
    assert len(world.ledger.open_attempts()) == 1


def test_two_batches_in_opposite_order_do_not_deadlock(
    world: World, ledger: PostgresLedger
) -> None:
    """Locks are taken in one order, whatever the order of the batch."""
    world.people(40)
    spring, autumn = campaign(caps=WIDE), campaign("autumn", caps=WIDE)
    world.save(spring, autumn)
    numbers = [NumberId(f"+7495123{n:04}") for n in range(40)]
    forth = [
        intent(spring, entry, number=shown)
        for entry, shown in zip(world.entries(spring), numbers, strict=True)
    ]
    back = [
        intent(autumn, entry, number=shown)
        for entry, shown in zip(world.entries(autumn), numbers, strict=True)
    ][::-1]
    both = [gevent.spawn(ledger.commit_intents, batch, NOW) for batch in (forth, back)]
    gevent.joinall(both, raise_error=True)
    committed = [sum(a.committed for a in greenlet.value or ()) for greenlet in both]
    assert sorted(committed) == [0, 40]


def test_number_day_row_exists_before_the_first_charge(world: World) -> None:
    assert intents.SQL["add_number_days"]
    world.people(1)
    world.save(campaign())
    world.commit(campaign(), world.entries(campaign()))
    assert world.ask("SELECT number, dialed, hard_limit FROM number_days") == [(NUMBER, 1, 80)]
