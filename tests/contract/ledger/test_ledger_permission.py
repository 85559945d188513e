"""Stops, consents and caps: what the feeder's query holds and the intent refuses alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dialer.core.model import CampaignName, Caps, Disposition, Rounds
from dialer.ports import HotLead, ImportedConsent, Wish
from tests.contract.ledger.world import (
    CONSENT,
    NOW,
    WIDE,
    World,
    campaign,
    phone,
    retry,
    row,
    verdict,
)

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("wish", "stopped"),
    [
        (Wish(scope="campaign", scope_value="spring"), True),
        (Wish(scope="campaign", scope_value="autumn"), False),
        (Wish(scope="purpose", scope_value="sales"), True),
        (Wish(scope="purpose", scope_value="surveys"), False),
        (Wish(category="messages_only"), True),
        (Wish(category="not_now", expires_at=NOW + DAY), True),
        (Wish(category="not_now", expires_at=NOW), False),
    ],
)
def test_stop_holds_in_its_scope_and_time(world: World, wish: Wish, stopped: bool) -> None:
    """R6.3: a narrower wish would stop everything, or nothing."""
    world.people(1)
    world.save(campaign())
    (entry,) = world.entries(campaign())
    world.ledger.add_stop(entry.phone_id, origin="api", now=NOW - DAY, wish=wish)
    (answer,) = world.commit(campaign(), [entry])
    assert answer.committed is not stopped
    if stopped:
        assert (answer.reason, answer.until) == ("stop", wish.expires_at)


def test_the_same_stop_twice_is_one_and_removing_it_brings_the_contact_back(
    world: World,
) -> None:
    world.people(1)
    world.save(campaign())
    (entry,) = world.entries(campaign())
    for _ in range(2):
        world.ledger.add_stop(entry.phone_id, origin="api", now=NOW)
    assert world.one("SELECT count(*) FROM stops") == 1
    (due,) = world.ledger.due(campaign(), NOW, 10)
    assert due.held == "stop"
    assert due.held_until is not None
    world.ledger.postpone(campaign().name, [(entry.contact_id, "stop", due.held_until)])
    assert world.ledger.remove_stops(entry.phone_id, by="supervisor", now=NOW) == 1
    assert [e.contact_id for e in world.entries(campaign())] == [entry.contact_id]
    assert world.ask("SELECT who, what FROM audit WHERE what <> 'import'") == [
        ("supervisor", "stops removed")
    ]


@pytest.mark.parametrize(
    ("consent", "reason"),
    [
        (None, "consent_missing"),
        (CONSENT._replace(purpose="surveys"), "consent_missing"),
        (CONSENT._replace(expires_at=NOW), "consent_expired"),
        (CONSENT._replace(given_at=NOW + DAY), "consent_missing"),
        (CONSENT._replace(expires_at=NOW + DAY), None),
    ],
)
def test_consent_is_required_for_this_purpose_and_now(
    world: World, consent: ImportedConsent | None, reason: str | None
) -> None:
    """R6.1: without it each call is a fine."""
    world.rows([row(1, consent=consent)])
    world.save(campaign())
    (due,) = world.ledger.due(campaign(), NOW, 10)
    assert due.held == reason
    (answer,) = world.commit(campaign(), [due.entry])
    assert answer.reason == reason


def test_without_consent_a_named_ground_dials_but_never_a_withdrawn_one(world: World) -> None:
    world.rows([row(1, consent=None), row(2)])
    grounded = campaign(consent_required=False, consent_ground="contract")
    world.save(grounded)
    one, two = world.entries(grounded)
    assert world.ledger.withdraw_consents(two.phone_id, purpose="sales", now=NOW) == 1
    first, second = world.commit(grounded, [one, two])
    assert first.committed
    assert (second.committed, second.reason) == (False, "consent_withdrawn")


def test_old_consent_brought_later_does_not_revive_a_withdrawn_one(world: World) -> None:
    """A supplier's file, imported again, would undo the person's word."""
    world.people(1)
    world.save(campaign())
    (entry,) = world.entries(campaign())
    world.ledger.withdraw_consents(entry.phone_id, purpose=None, now=NOW)
    older = CONSENT._replace(given_at=NOW - timedelta(days=3))
    world.rows([row(1), row(1, consent=older)])
    assert world.held(campaign()) == {1: "consent_withdrawn"}
    newer = CONSENT._replace(given_at=NOW + timedelta(seconds=1))
    world.rows([row(1, consent=newer)])
    assert world.held(campaign(), NOW + timedelta(minutes=1)) == {}


def test_consent_is_for_the_person_who_gave_it(world: World) -> None:
    """Two people on one phone: one's consent is not the other's."""
    world.rows([row(1, name="Ivan"), row(2, name="Maria", phones=(phone(1),), consent=None)])
    world.save(campaign())
    assert world.held(campaign()) == {2: "consent_missing"}


def tried(world: World, at: list[datetime], caps: Caps, **ending: Any) -> None:
    """One person with these tries behind him, of another campaign."""
    world.people(1)
    other = campaign("other", caps=WIDE, rounds=Rounds(uncharged_per_day=1000))
    world.save(other, campaign(caps=caps))
    for instant in at:
        (entry,) = world.entries(other, now=instant)
        (answer,) = world.commit(other, [entry], instant, number_day=instant.date())
        assert answer.committed, answer
        world.end(answer, instant, next=retry(instant), **ending)


@pytest.mark.parametrize(
    ("hours_ago", "reason", "until"),
    [
        ([1, 2], "tries_day", datetime(2026, 11, 24, 21, tzinfo=UTC)),
        ([1], None, None),
        # 13 hours ago is yesterday in Moscow (12:00 now)
        ([1, 13], None, None),
        ([30, 50, 70, 90], "tries_week", NOW + timedelta(hours=168 - 90)),
        ([30, 50, 70, 169], None, None),
        ([240 + 24 * n for n in range(8)], "tries_month", NOW + timedelta(hours=720 - 408)),
    ],
)
def test_tries_of_all_campaigns_count_by_day_week_and_month(
    world: World, hours_ago: list[int], reason: str | None, until: datetime | None
) -> None:
    """R6.5: 2 a calendar day where he lives, 4 in 7 days, 8 in 30."""
    at = sorted(NOW - timedelta(hours=hours) for hours in hours_ago)
    tried(world, at, Caps())
    (due,) = world.ledger.due(campaign(caps=Caps()), NOW, 10)
    assert (due.held, due.held_until) == (reason, until)
    (answer,) = world.commit(campaign(caps=Caps()), [due.entry])
    assert (answer.reason, answer.until) == (reason, until)


def test_failures_of_ours_are_no_tries_but_have_a_cap(world: World) -> None:
    """R3.9: a carrier's failure never counts against the person called."""
    failed = {"verdict": verdict(Disposition.CARRIER_FAILURE, charged=False)}
    at = [NOW - timedelta(minutes=9 - n) for n in range(3)]
    tried(world, at, Caps(), **failed)
    mine = campaign(caps=Caps(), rounds=Rounds(uncharged_per_day=3))
    assert world.held(mine) == {1: "failures_day"}
    patient = campaign(caps=Caps(), rounds=Rounds(uncharged_per_day=4))
    (entry,) = world.entries(patient)
    assert (entry.history.tries_today, entry.history.uncharged_today) == (0, 3)


def test_talks_of_the_day_are_capped(world: World) -> None:
    tried(world, [NOW - timedelta(hours=1)], Caps(), verdict=verdict(Disposition.TALKED))
    assert world.held(campaign()) == {1: "talks_day"}


def test_hot_lead_is_refused_like_everybody(world: World) -> None:
    """R3.8: a promise passes pauses, never a stop."""
    world.people(2)
    world.save(campaign())
    _, second = world.entries(campaign())
    world.ledger.add_stop(second.phone_id, origin="api", now=NOW)
    world.ledger.add_hot_lead(
        HotLead(campaign=CampaignName("spring"), contact_id=second.contact_id), NOW
    )
    (answer,) = world.commit(campaign(), [second])
    assert answer.reason == "stop"


def test_phone_in_review_or_archive_is_refused(world: World) -> None:
    world.people(2)
    world.save(campaign())
    entries = world.entries(campaign())
    for entry, state in zip(entries, ("review", "archived"), strict=True):
        world.ledger.move_phone(entry.phone_id, state, by="s", reason="wrong", now=NOW)
    answers = world.commit(campaign(), entries)
    assert [a.reason for a in answers] == ["in_review", "archived"]


def test_a_day_that_begins_twice_is_one_day(world: World) -> None:
    """On the Azores 25 October 2026 had two midnights: the clock went from 1:00 back to 0:00.

    Whoever was called between them was called that day, and the day before ended at the first.
    """
    azores = phone(1, zones=("Atlantic/Azores",))
    spring = campaign(caps=Caps(per_day=1, per_week=9, per_month=9))
    world.rows([row(1, phones=(azores,))])
    world.save(spring)
    first, second = (datetime(2026, 10, 25, hour, tzinfo=UTC) for hour in (0, 1))
    (entry,) = world.entries(spring, now=first)
    for tried, again in (
        (first - timedelta(minutes=5), first),
        (first + timedelta(minutes=10), first + timedelta(hours=25)),
    ):
        (answer,) = world.commit(spring, [entry], tried, number_day=date(2026, 10, 25))
        world.end(answer, tried)
        world.ask("UPDATE queue_entries SET state = 'due'")
        now = min(second + timedelta(minutes=5), again - timedelta(seconds=1))
        assert world.held(spring, now=now) == {1: "tries_day"}
        (answer,) = world.commit(spring, [entry], now)
        assert (answer.reason, answer.until) == ("tries_day", again)
