"""May this phone be called now: each refusal, their order, and the grounds kept for later."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.model import (
    Campaign,
    CampaignName,
    Caps,
    ContactId,
    Entry,
    GatewayName,
    GroupName,
    History,
    PhoneId,
    PoolName,
    Rounds,
    Source,
    Window,
)
from dialer.core.permission import tries
from dialer.core.permission.decide import (
    Allowed,
    Candidate,
    ConsentFact,
    Denied,
    decide,
    decide_by_time,
    within_hours,
)
from dialer.core.permission.grounds import grounds
from dialer.core.permission.hours import Open
from dialer.core.permission.reasons import SENTENCES, Reason

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # Tuesday, noon in Moscow
MOSCOW = "Europe/Moscow"
MIDNIGHT = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)
DAY = Window(frozenset(range(7)), time(9), time(21))
CLOSES = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)


def campaign(**fields: Any) -> Campaign:
    given_fields: dict[str, Any] = {
        "name": CampaignName("spring"),
        "list_name": "spring",
        "group": GroupName("sales"),
        "pool": PoolName("mobile"),
        "gateways": (GatewayName("alpha"),),
        "purpose": "marketing",
        "windows": (DAY,),
        "revision": "abc",
    } | fields
    return Campaign(**given_fields)


def entry(**fields: Any) -> Entry:
    given_fields: dict[str, Any] = {
        "campaign": CampaignName("spring"),
        "contact_id": ContactId(1),
        "phone_id": PhoneId(2),
        "rank": 0.0,
        "position": 0,
        "source": Source.FIRST,
        "zones": (MOSCOW,),
    } | fields
    return Entry(**given_fields)


CONSENT = ConsentFact(
    purpose="marketing",
    given_at=NOW - timedelta(days=30),
    source="site form",
    evidence="form 17",
    id=5,
)


def candidate(**fields: Any) -> Candidate:
    given_fields: dict[str, Any] = {"entry": entry(), "consent": CONSENT}
    return Candidate(**given_fields | fields)


def test_a_contact_with_consent_in_hours_and_under_its_caps_is_called():
    answer = decide(candidate(), campaign(), NOW)
    assert isinstance(answer, Allowed)
    assert answer.until == CLOSES


@pytest.mark.parametrize(
    ("fields", "why", "until"),
    [
        ({"destination_allowed": False}, Reason.DESTINATION, None),
        ({"phone_state": "archived"}, Reason.ARCHIVED, None),
        ({"phone_state": "review"}, Reason.IN_REVIEW, None),
        ({"stopped": True}, Reason.STOP, None),
        ({"consent": None}, Reason.CONSENT_MISSING, None),
        ({"consent": replace(CONSENT, purpose="debt")}, Reason.CONSENT_MISSING, None),
        (
            {"consent": replace(CONSENT, given_at=NOW + timedelta(hours=1))},
            Reason.CONSENT_MISSING,
            NOW + timedelta(hours=1),
        ),
        ({"consent": replace(CONSENT, withdrawn_at=NOW)}, Reason.CONSENT_WITHDRAWN, None),
        ({"consent": replace(CONSENT, expires_at=NOW)}, Reason.CONSENT_EXPIRED, None),
        ({"entry": entry(zones=())}, Reason.ZONE_UNKNOWN, None),
        ({"entry": entry(zones=("Europe/Atlantis",))}, Reason.ZONE_UNKNOWN, None),
        (
            {"entry": entry(zones=(MOSCOW, "Asia/Kamchatka"))},  # 21:00 there
            Reason.OUTSIDE_HOURS,
            datetime(2026, 11, 25, 6, 0, tzinfo=UTC),  # 09:00 and 18:00
        ),
        (
            {"own_windows": (Window(frozenset({1}), time(18), time(20)),)},
            Reason.OWN_HOURS,
            datetime(2026, 11, 24, 15, 0, tzinfo=UTC),
        ),
        ({"entry": entry(history=History(talks_today=1))}, Reason.TALKS_DAY, MIDNIGHT),
        ({"entry": entry(history=History(tries_today=2))}, Reason.TRIES_DAY, MIDNIGHT),
        ({"entry": entry(history=History(tries_week=4))}, Reason.TRIES_WEEK, MIDNIGHT),
        ({"entry": entry(history=History(tries_month=8))}, Reason.TRIES_MONTH, MIDNIGHT),
        ({"entry": entry(history=History(uncharged_today=10))}, Reason.FAILURES_DAY, MIDNIGHT),
        (
            {"due_at": NOW + timedelta(minutes=7)},
            Reason.RETRY_LATER,
            NOW + timedelta(minutes=7),
        ),
    ],
)
def test_each_rule_refuses_with_its_reason_and_the_time_to_ask_again(fields, why, until):
    """A supervisor reads why each contact is held back (R10.3), and until when."""
    assert decide(candidate(**fields), campaign(), NOW) == Denied(why, until)


def test_nothing_is_dialed_at_night():
    night = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
    opens = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)
    assert decide(candidate(), campaign(), night) == Denied(Reason.OUTSIDE_HOURS, opens)


def test_a_withdrawn_consent_is_obeyed_even_where_none_is_required():
    """R6.1: no campaign dials a withdrawn one."""
    own_ground = campaign(consent_required=False, consent_ground="contract")
    withdrawn = candidate(consent=replace(CONSENT, withdrawn_at=NOW - timedelta(days=1)))
    assert decide(withdrawn, own_ground, NOW) == Denied(Reason.CONSENT_WITHDRAWN, None)
    assert isinstance(decide(candidate(consent=None), own_ground, NOW), Allowed)


def test_consent_off_without_a_legal_ground_is_no_licence():
    assert decide(candidate(), campaign(consent_required=False), NOW) == Denied(
        Reason.CONSENT_MISSING, None
    )


def test_a_stop_goes_before_everything_that_passes_with_time():
    """Who said "never" must not read "outside the hours" and be called in the morning."""
    worst = candidate(
        stopped=True,
        entry=entry(history=History(tries_today=9)),
        due_at=NOW + timedelta(days=1),
    )
    assert decide(worst, campaign(), NOW) == Denied(Reason.STOP, None)


def test_an_unknown_zone_takes_the_campaigns_default():
    unknown = candidate(entry=entry(zones=()))
    assert isinstance(decide(unknown, campaign(default_zone=MOSCOW), NOW), Allowed)
    # Without any hours there is nothing that a zone could decide.
    assert isinstance(decide(unknown, campaign(windows=()), NOW), Allowed)


def test_own_hours_alone_need_a_zone_too():
    own = (Window(frozenset(range(7)), time(9), time(21)),)
    unknown = candidate(entry=entry(zones=()), own_windows=own)
    assert decide(unknown, campaign(windows=()), NOW) == Denied(Reason.ZONE_UNKNOWN, None)


def test_the_feeders_look_is_the_same_rules_in_part():
    """What enters the queue is what `decide` would allow by the clock."""
    assert decide_by_time(entry(), campaign(), NOW) == Open(CLOSES)
    evening = (Window(frozenset({1}), time(18), time(20)),)
    opens = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    looked_at = decide_by_time(entry(), campaign(), NOW, own_windows=evening)
    assert looked_at == Denied(Reason.OWN_HOURS, opens)
    tired = entry(history=History(tries_today=2))
    assert decide_by_time(tired, campaign(), NOW) == Denied(Reason.TRIES_DAY, MIDNIGHT)
    # Hours alone do not look at the caps.
    assert within_hours(tired, campaign(), (), NOW) == Open(CLOSES)
    nowhere = entry(zones=())
    assert decide_by_time(nowhere, campaign(), NOW) == Denied(Reason.ZONE_UNKNOWN, None)


def test_a_bad_zone_without_hours_does_not_hold_up_the_campaign():
    """One poisoned row: its day is counted in UTC, nobody else waits for it."""
    odd = candidate(entry=entry(zones=("../etc",), history=History(tries_today=2)))
    answer = decide(odd, campaign(windows=()), NOW)
    assert answer == Denied(Reason.TRIES_DAY, datetime(2026, 11, 25, tzinfo=UTC))


def test_the_grounds_tell_who_called_and_why_it_was_allowed():
    """R6.8: consent, window, zone and tries as decided then; JSON without a phone number."""
    called = candidate(entry=entry(history=History(tries_today=1, tries_week=2)))
    answer = decide(called, campaign(), NOW)
    assert isinstance(answer, Allowed)
    kept = json.loads(json.dumps(answer.grounds))
    assert kept == {
        "decided_at": "2026-11-24T09:00:00+00:00",
        "campaign": "spring",
        "revision": "abc",
        "purpose": "marketing",
        "consent": {
            "required": True,
            "purpose": "marketing",
            "id": 5,
            "given_at": "2026-10-25T09:00:00+00:00",
            "expires_at": None,
            "source": "site form",
            "evidence": "form 17",
            "text_version": None,
        },
        "hours": {
            "windows": ["mon tue wed thu fri sat sun 09:00-21:00"],
            "own_windows": [],
            "zones": [MOSCOW],
            "zone_known": True,
            "holidays": None,
            "open_until": "2026-11-24T18:00:00+00:00",
        },
        "tries": {
            "today": [1, 2],
            "week": [2, 4],
            "month": [0, 8],
            "talks_today": [0, 1],
        },
    }


def test_grounds_name_the_legal_ground_and_the_assumed_zone():
    own_ground = campaign(
        consent_required=False, consent_ground="contract 230-FZ", default_zone=MOSCOW
    )
    kept = grounds(entry(zones=(), callable_until=CLOSES.timestamp()), own_ground, NOW)
    assert kept["consent"] == {"required": False, "ground": "contract 230-FZ"}
    assert kept["hours"]["zones"] == [MOSCOW]
    assert kept["hours"]["zone_known"] is False
    assert kept["hours"]["open_until"] == "2026-11-24T18:00:00+00:00"
    # Where the intent statement reads the consent, the purpose is what it was asked for.
    assert grounds(entry(), campaign(), NOW)["consent"] == {
        "required": True,
        "purpose": "marketing",
    }


def test_every_reason_has_its_sentence():
    assert set(SENTENCES) == set(Reason)


COUNTS = st.integers(0, 10)


@given(
    st.builds(
        History,
        tries_today=COUNTS,
        tries_week=COUNTS,
        tries_month=COUNTS,
        talks_today=st.integers(0, 2),
        uncharged_today=st.integers(0, 12),
    ),
    st.builds(
        Caps,
        per_day=st.integers(1, 3),
        per_week=st.integers(1, 5),
        per_month=st.integers(1, 9),
        talks_per_day=st.integers(1, 2),
    ),
    st.sampled_from([MOSCOW, "Asia/Kamchatka", "America/New_York"]),
)
def test_one_more_try_is_allowed_only_below_every_cap(history, caps, zone):
    """R6.5: each cap holds by itself, and the wait ends at a midnight where the phone is."""
    rounds = Rounds()
    refused = tries.refusal(history, caps, rounds, zone, NOW)
    below = (
        history.tries_today < caps.per_day
        and history.tries_week < caps.per_week
        and history.tries_month < caps.per_month
        and history.talks_today < caps.talks_per_day
        and history.uncharged_today < rounds.uncharged_per_day
    )
    assert (refused is None) == below
    if refused is not None:
        assert NOW < refused.until <= NOW + timedelta(hours=25)
