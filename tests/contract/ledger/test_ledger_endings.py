"""One result per attempt, and everything that follows from it, once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from dialer.core.model import (
    AttemptId,
    CampaignName,
    Disposition,
    Evidence,
    GatewayName,
    Next,
    OperatorId,
    Rule,
    Source,
)
from dialer.errors import StoreError
from dialer.ports import OptOut
from tests.contract.ledger.world import (
    NOW,
    WIDE,
    World,
    campaign,
    phone,
    retry,
    row,
    verdict,
)

LATER = NOW + timedelta(hours=2)
AFTER_RETRY = LATER + timedelta(seconds=1)


def test_ending_twice_changes_nothing(world: World) -> None:
    """The outbox repeats a batch whose answer was lost: marks and charges must not double."""
    world.people(1)
    world.save(campaign())
    (answer,) = world.commit(campaign(), world.entries(campaign()))
    failed = verdict(Disposition.INVALID_NUMBER, number_charged=False)
    told = world.end(answer, verdict=failed)
    before = books(world)
    world.ledger.end_attempts([told, told])
    assert books(world) == before
    assert world.dialed() == 0
    assert world.one("SELECT dead_attempts FROM phones") == 1


def books(world: World) -> list[Any]:
    tables = ("attempts", "number_days", "queue_entries", "phones", "contacts", "list_moves")
    return [world.ask(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]


def test_the_first_of_two_different_results_stands(world: World) -> None:
    """Two daemons may both settle an orphan."""
    world.people(1)
    world.save(campaign())
    (answer,) = world.commit(campaign(), world.entries(campaign()))
    told = world.end(answer, verdict=verdict(Disposition.BUSY))
    from dataclasses import replace

    world.ledger.end_attempts([replace(told, verdict=verdict(Disposition.LOST))])
    assert world.ask("SELECT disposition FROM attempts") == [("busy",)]


def test_retry_waits_and_comes_back_behind_first_tries(world: World) -> None:
    """R3.3: repeats come after first tries."""
    world.people(2)
    world.save(campaign(caps=WIDE))
    first, second = world.entries(campaign())
    world.dial(campaign(caps=WIDE), first, next=retry(LATER, rounds_failed=1))
    assert world.entries(campaign()) == [second]
    again = world.entries(campaign(), now=AFTER_RETRY)
    assert [e.position for e in again] == [2, 1]
    assert again[1].source is Source.REPEAT
    assert again[1].history.rounds_failed == 1
    assert again[1].history.tries_today == 1
    assert again[1].history.last_try_on == date(2026, 11, 24)


def test_two_people_on_one_phone_share_its_pause(world: World) -> None:
    """R4.2: two cards, one phone. Without this it rings again right after a busy tone, once for
    each card; and the second card may already be in the hopper when the first call ends.
    """
    world.rows([row(1), row(2, phones=(phone(1),)), row(3)])
    spring = campaign(caps=WIDE)
    world.save(spring)
    first, second, third = world.entries(spring)
    assert first.phone_id == second.phone_id
    world.dial(spring, first, next=retry(LATER))
    assert world.entries(spring) == [third]
    (refused,) = world.commit(spring, [second])
    assert (refused.committed, refused.reason) == (False, "retry_later")
    assert refused.until == LATER
    again = world.entries(spring, now=AFTER_RETRY)
    assert [entry.position for entry in again] == [2, 3, 1]


def test_a_rounds_long_pause_is_the_first_cards_own(world: World) -> None:
    """A week of silence after a failed round is no reason to keep the other person waiting."""
    world.rows([row(1), row(2, phones=(phone(1),))])
    spring = campaign(caps=WIDE)
    world.save(spring)
    first, second = world.entries(spring)
    world.dial(spring, first, next=retry(NOW + timedelta(days=7), rounds_failed=1))
    tomorrow = world.entries(spring, now=NOW + timedelta(days=1, seconds=1))
    assert [entry.contact_id for entry in tomorrow] == [second.contact_id]


def test_failure_that_is_no_try_comes_back_in_its_place(world: World) -> None:
    """R3.9: a carrier's failure must not cost the contact his turn."""
    world.people(2)
    world.save(campaign())
    first, second = world.entries(campaign())
    failed = verdict(Disposition.CARRIER_FAILURE, charged=False, number_charged=False)
    world.dial(campaign(), first, verdict=failed, next=retry(LATER))
    again = world.entries(campaign(), now=AFTER_RETRY)
    assert [e.position for e in again] == [1, 2]
    assert again[0].source is Source.FIRST
    assert world.dialed() == 0
    assert second in again


@pytest.mark.parametrize(
    ("step", "state", "status", "phone_state", "reason"),
    [
        ("done", "done", "In progress", "active", "done"),
        ("check_list", "check_list", "Inactive", "active", "check_list"),
        ("review", "review", "In progress", "review", "in_review"),
        ("archive", "archive", "In progress", "archived", "archived"),
    ],
)
def test_final_steps_take_the_contact_off_the_list(
    world: World, step: str, state: str, status: str, phone_state: str, reason: str
) -> None:
    """R5.2, R5.3: else dead numbers are dialed for ever."""
    world.people(1)
    world.save(campaign(caps=WIDE))
    (entry,) = world.entries(campaign())
    world.dial(campaign(), entry, next=Next(step=step, due_at=None, reason="because"))
    assert world.ask("SELECT state FROM queue_entries") == [(state,)]
    assert world.ask("SELECT status FROM contacts") == [(status,)]
    assert world.ask("SELECT state FROM phones") == [(phone_state,)]
    assert world.ledger.due(campaign(), NOW + timedelta(days=900), 10) == []
    (answer,) = world.commit(campaign(caps=WIDE), [entry], LATER)
    assert answer.reason == reason
    moves = world.ledger.reports.list_moves(CampaignName("spring"), NOW, LATER)
    expected = [] if step == "done" else [(step, "because", 1)]
    assert moves == expected


def test_dead_phone_makes_way_for_the_contacts_next_one(world: World) -> None:
    """A contact with two phones would be lost with the first."""
    world.rows([row(1, phones=(phone(1), phone(2)))])
    wide = campaign(caps=WIDE)
    world.save(wide)
    (entry,) = world.entries(wide)
    dead = Next(step="archive", due_at=None, reason="dead three times")
    world.dial(wide, entry, next=dead, verdict=verdict(Disposition.INVALID_NUMBER))
    (again,) = world.entries(wide, now=NOW + timedelta(seconds=1))
    assert again.phone_id != entry.phone_id
    (answer,) = world.commit(wide, [again], LATER)
    assert answer.digits == phone(2).digits
    world.end(answer, LATER, next=dead)
    assert world.ask("SELECT state FROM queue_entries") == [("archive",)]


def test_a_carriers_failure_names_the_gateway_for_an_hour(world: World) -> None:
    """R3.9: the next call goes out by another one; the contact is charged nothing."""
    world.people(1)
    wide = campaign(caps=WIDE)
    world.save(wide)
    (entry,) = world.entries(wide)
    (answer,) = world.commit(wide, [entry], gateway=GatewayName("alpha"))
    failed = verdict(Disposition.CARRIER_FAILURE, charged=False, number_charged=False)
    world.end(answer, NOW, verdict=failed, next=retry(NOW))
    soon, later = NOW + timedelta(minutes=1), NOW + timedelta(minutes=61)
    (entry,) = world.entries(wide, now=soon)
    assert entry.history.failed_gateways == {"alpha"}
    assert (entry.history.tries_today, world.dialed()) == (0, 0)
    (entry,) = world.entries(wide, now=later)
    assert entry.history.failed_gateways == frozenset()


def test_dead_number_marks_by_day_and_gateway_and_an_answer_clears_them(world: World) -> None:
    """R5.2: marks of one day or one gateway archive nobody; a phone that answers lives."""
    world.people(1)
    wide = campaign(caps=WIDE)
    world.save(wide)
    dead = {"verdict": verdict(Disposition.INVALID_NUMBER)}
    late = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)  # 23:30 in Moscow
    past = datetime(2026, 11, 24, 21, 30, tzinfo=UTC)  # the 25th there
    for at, gateway in ((NOW, "alpha"), (late, "beta"), (past, "alpha")):
        (entry,) = world.entries(wide, now=at)
        day = date(2026, 11, 25 if at is past else 24)
        (answer,) = world.commit(
            wide, [entry], at, gateway=GatewayName(gateway), number_day=day
        )
        world.end(answer, at, next=retry(at), **dead)
    (entry,) = world.entries(wide, now=past)
    history = entry.history
    assert history.dead_attempts == 3
    assert history.dead_days == {date(2026, 11, 24), date(2026, 11, 25)}
    assert history.dead_gateways == {"alpha", "beta"}
    day_after = {"number_day": date(2026, 11, 25)}
    (answer,) = world.commit(wide, [entry], past, **day_after)
    world.end(answer, past, answered_at=past, next=retry(past))
    (entry,) = world.entries(wide, now=past)
    assert (entry.history.dead_attempts, entry.history.dead_days) == (0, frozenset())


def test_unavailable_is_marked_apart(world: World) -> None:
    world.people(1)
    wide = campaign(caps=WIDE)
    world.save(wide)
    (entry,) = world.entries(wide)
    world.dial(wide, entry, verdict=verdict(Disposition.UNAVAILABLE), next=retry(NOW))
    (again,) = world.entries(wide)
    assert (again.history.unavailable_attempts, again.history.dead_attempts) == (1, 0)


def test_evidence_is_kept_and_hostile_text_cannot_lose_the_result(world: World) -> None:
    """R5.1; a NUL or half a surrogate in a SIP phrase would make the batch fail for ever."""
    world.people(1)
    world.save(campaign())
    hostile = "Busy\x00'; DROP TABLE attempts; --\udcff\r\nX: y"
    (answer,) = world.commit(campaign(), world.entries(campaign()))
    world.end(
        answer,
        verdict=verdict(Disposition.BUSY),
        evidence=Evidence(
            channel=True,
            cause="USER_BUSY",
            q850=70_000,
            sip_status=486,
            sip_phrase=hostile,
            sip_reason="Q.850;cause=17",
            sip_call_id="call-1",
            early_media=True,
            reply=hostile,
        ),
        early_media_ms=1200,
        stop_reason=hostile,
    )
    (kept,) = world.ask(
        "SELECT cause, q850, sip_status, sip_call_id, ring_ms, early_media_ms, hung_up_by,"
        " evidence ->> 'q850', sip_phrase FROM attempts"
    )
    assert kept[:8] == ("USER_BUSY", None, 486, "call-1", 25_000, 1200, "them", "70000")
    assert kept[8].startswith("Busy\ufffd'; DROP TABLE")


def test_talk_sets_last_contact_and_rescoring_in_every_campaign(world: World) -> None:
    """R3.4: "last contact more than 30 days ago" must fall at once, wherever he is queued."""
    world.people(2)
    rule = Rule(field="last_contact_at", condition="absent", value=None, weight=70)
    from dialer.core.model import Order

    spring = campaign(caps=WIDE)
    autumn = campaign("autumn", order=Order.PRIORITY, rules=(rule,), caps=WIDE)
    world.save(spring, autumn)
    assert [e.position for e in world.entries(autumn)] == [1, 2]
    first = world.entries(spring)[0]
    world.dial(
        spring,
        first,
        verdict=verdict(Disposition.TALKED),
        answered_at=NOW,
        bridged_at=NOW,
        next=Next(step="done", due_at=None, reason="talked"),
    )
    assert world.ask("SELECT last_contact_at FROM contacts ORDER BY id")[0] == (NOW,)
    assert [e.position for e in world.entries(autumn, now=LATER)] == [2, 1]


def test_operators_word_is_kept_and_changes_status_and_tags(world: World) -> None:
    """R4.8; given while the talk goes on, it survives the ending."""
    world.people(1)
    world.save(campaign())
    (answer,) = world.commit(campaign(), world.entries(campaign()))
    for _ in range(2):
        world.ledger.dispose(
            answer.attempt_id,
            operator=OperatorId("101"),
            result="refused",
            tags=["Дорого"],
            summary="wants\x00 nothing",
            now=NOW,
        )
    world.end(answer, verdict=verdict(Disposition.TALKED))
    kept = world.ask("SELECT operator, result, tags, disposed_at FROM attempts")
    assert kept == [("101", "refused", ["Дорого"], NOW)]
    assert world.ask("SELECT status, tags FROM contacts") == [("Refused", ["Дорого"])]
    with pytest.raises(StoreError, match="no attempt"):
        world.ledger.dispose(
            answer.attempt_id.__class__("00000000-0000-0000-0000-000000000000"),
            operator=OperatorId("101"),
            result="x",
            tags=[],
            summary="",
            now=NOW,
        )


def test_archived_phone_returned_by_hand_is_dialed_again(world: World) -> None:
    """R5.5: manual return is possible and logged."""
    world.people(1)
    world.save(campaign())
    (entry,) = world.entries(campaign())
    world.dial(
        campaign(), entry, next=Next(step="archive", due_at=None, reason="dead three times")
    )
    returned: dict[str, Any] = {"by": "supervisor", "reason": "works again", "now": LATER}
    assert world.ledger.move_phone(entry.phone_id, "active", **returned)
    assert not world.ledger.move_phone(entry.phone_id, "active", **returned)
    tomorrow = NOW + timedelta(days=1)
    assert [e.phone_id for e in world.entries(campaign(), now=tomorrow)] == [entry.phone_id]
    assert world.ask("SELECT who, what FROM audit WHERE what <> 'import'") == [
        ("supervisor", "phone active")
    ]


def test_audit_cannot_be_changed(world: World) -> None:
    """R7.4: append-only, by the database itself."""
    import psycopg

    world.ledger.set_halted(True, by="s", now=NOW)
    with pytest.raises(psycopg.errors.RaiseException):
        world.ask("DELETE FROM audit")


# ------------------------------------------------------------------ the key in the message


def test_the_key_is_a_stop_and_stands_with_its_attempt(world: World) -> None:
    """R6.4. Pressed again, or told again by the switch: one stop. The result keeps it."""
    world.people(1)
    world.save(campaign())
    (answer,) = world.commit(campaign(), world.entries(campaign()))
    told = [world.ledger.opt_out(answer.attempt_id, NOW) for _ in range(2)]
    assert told[0] == told[1] == OptOut(known=True, phone=world.one("SELECT id FROM phones"))
    world.end(answer, verdict=verdict(Disposition.ABANDONED))
    assert world.ask("SELECT opt_out_key, disposition FROM attempts") == [(True, "abandoned")]
    assert world.ask("SELECT category, scope, origin FROM stops") == [
        ("never", "global", "key during the message")
    ]


def test_a_key_found_after_the_result_is_noted_all_the_same(world: World) -> None:
    """The daemon was dead: the switch tells of it when the attempt is long in the books."""
    world.people(1)
    world.save(campaign())
    (answer,) = world.commit(campaign(), world.entries(campaign()))
    world.end(answer, verdict=verdict(Disposition.LOST))
    assert world.ledger.opt_out(answer.attempt_id, LATER).phone is not None
    assert world.one("SELECT opt_out_key FROM attempts")
    assert world.one("SELECT count(*) FROM stops") == 1


def test_a_key_in_a_talk_or_of_another_base_stops_nobody(world: World) -> None:
    world.people(1)
    world.save(campaign())
    (answer,) = world.commit(campaign(), world.entries(campaign()))
    world.end(answer, verdict=verdict(Disposition.TALKED), bridged_at=NOW)
    assert world.ledger.opt_out(answer.attempt_id, NOW) == OptOut(known=True)
    assert world.ledger.opt_out(AttemptId(str(uuid4())), NOW) == OptOut(known=False)
    assert world.one("SELECT count(*) FROM stops") == 0
