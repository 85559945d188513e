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
    Disposition,
    Entry,
    GatewayName,
    GroupName,
    History,
    PhoneId,
    PoolName,
    Rolling,
    Rounds,
    Source,
    Window,
)
from dialer.core.permission.decide import (
    Allowed,
    Candidate,
    ConsentFact,
    Denied,
    StopFact,
    decide,
    within_hours,
)
from dialer.core.permission.grounds import grounds
from dialer.core.permission.hours import Open
from dialer.core.permission.limits import Past, refusal
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
    given_fields: dict[str, Any] = {"entry": entry(), "consents": (CONSENT,)}
    return Candidate(**given_fields | fields)


def past(*hours_ago: float, ending: str = "no_answer", **changes: Any) -> tuple[Past, ...]:
    """Attempts so many hours before NOW, of phone and contact, each ended at once."""
    charged = ending not in ("carrier_failure", "local_failure")
    plain = Past(
        at=NOW,
        charged=charged,
        disposition=Disposition(ending),
        ended_at=NOW,
        of_phone=True,
        of_contact=True,
    )._replace(**changes)
    at = [NOW - timedelta(hours=hours) for hours in hours_ago]
    return tuple(plain._replace(at=then, ended_at=then) for then in at)


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
        ({"stops": (StopFact(),)}, Reason.STOP, None),
        ({"consents": ()}, Reason.CONSENT_MISSING, None),
        ({"consents": (replace(CONSENT, purpose="debt"),)}, Reason.CONSENT_MISSING, None),
        (
            {"consents": (replace(CONSENT, given_at=NOW + timedelta(hours=1)),)},
            Reason.CONSENT_MISSING,
            NOW + timedelta(hours=1),
        ),
        ({"consents": (replace(CONSENT, withdrawn_at=NOW),)}, Reason.CONSENT_WITHDRAWN, None),
        ({"consents": (replace(CONSENT, expires_at=NOW),)}, Reason.CONSENT_EXPIRED, None),
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
        ({"past": past(1, ending="talked")}, Reason.TALKS_DAY, MIDNIGHT),
        ({"past": past(1, 2)}, Reason.TRIES_DAY, MIDNIGHT),
        ({"past": past(30, 50, 70, 90)}, Reason.TRIES_WEEK, NOW + timedelta(hours=168 - 90)),
        (
            {"past": past(*range(240, 430, 24))},
            Reason.TRIES_MONTH,
            NOW + timedelta(hours=720 - 408),
        ),
        (
            {"past": past(*range(1, 9), ending="carrier_failure") * 2},
            Reason.FAILURES_DAY,
            MIDNIGHT,
        ),
        (
            {"past": (past(0)[0]._replace(disposition=None, ended_at=None),)},
            Reason.ALREADY_BEING_CALLED,
            None,
        ),
        (
            {"withdrawals": (("", NOW - timedelta(days=1)),)},
            Reason.CONSENT_WITHDRAWN,
            None,
        ),
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
    withdrawn = candidate(consents=(replace(CONSENT, withdrawn_at=NOW - timedelta(days=1)),))
    assert decide(withdrawn, own_ground, NOW) == Denied(Reason.CONSENT_WITHDRAWN, None)
    assert isinstance(decide(candidate(consents=()), own_ground, NOW), Allowed)


def test_consent_off_without_a_legal_ground_is_no_licence():
    unfounded = campaign(consent_required=False)
    assert decide(candidate(consents=()), unfounded, NOW) == Denied(
        Reason.CONSENT_MISSING, None
    )
    # Who has consented may be called as in any campaign.
    assert isinstance(decide(candidate(), unfounded, NOW), Allowed)


def test_a_stop_goes_before_everything_that_passes_with_time():
    """Who said "never" must not read "outside the hours" and be called in the morning."""
    worst = candidate(
        stops=(StopFact(),),
        past=past(1, 2, 3),
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


def test_hours_alone_do_not_look_at_the_limits():
    """The feeder's last look: the ledger has just asked the rest."""
    assert within_hours(entry(), campaign(), (), NOW) == Open(CLOSES)
    evening = (Window(frozenset({1}), time(18), time(20)),)
    opens = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    assert within_hours(entry(), campaign(), evening, NOW) == Denied(Reason.OWN_HOURS, opens)


def test_a_segment_has_hours_of_its_own_within_the_campaigns():
    """R3.6: pensioners before noon, young professionals in the evening."""
    evening = (Window(frozenset(range(7)), time(18), time(23)),)
    late = campaign(segment_windows={"young": evening})
    opens = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    answer = decide(candidate(segment="young"), late, NOW)
    assert answer == Denied(Reason.SEGMENT_HOURS, opens)
    at_six = decide(candidate(segment="young"), late, opens)
    assert isinstance(at_six, Allowed)
    assert at_six.until == CLOSES, "the campaign closes before the segment does"
    assert at_six.grounds["hours"]["segment"] == "young"
    assert isinstance(decide(candidate(segment="old"), late, NOW), Allowed)


@pytest.mark.parametrize(
    ("caps", "before", "why", "until"),
    [
        # Florida: three calls in 24 hours
        (
            {"rolling": (Rolling("tries", 3, 24),), "per_day": 9},
            past(1, 2, 23),
            Reason.TRIES_ROLLING,
            NOW + timedelta(hours=1),
        ),
        ({"rolling": (Rolling("tries", 3, 24),), "per_day": 9}, past(1, 2, 24), None, None),
        (
            {"rolling": (Rolling("talks", 1, 168),), "talks_per_day": 9},
            past(100, ending="talked"),
            Reason.TALKS_ROLLING,
            NOW + timedelta(hours=68),
        ),
        ({"min_gap_s": 7200.0}, past(1.5), Reason.MIN_GAP, NOW + timedelta(minutes=30)),
        ({"min_gap_s": 7200.0}, past(2), None, None),
        # Ofcom: 72 hours after a dropped call
        (
            {"rest_s": {Disposition.ABANDONED: 72 * 3600.0}},
            past(71, ending="abandoned"),
            Reason.RESTING,
            NOW + timedelta(hours=1),
        ),
        (
            {"rest_s": {Disposition.ABANDONED: 72 * 3600.0}},
            past(72, ending="abandoned"),
            None,
            None,
        ),
        (
            {"talks_per_week": 1},
            past(100, ending="talked"),
            Reason.TALKS_WEEK,
            NOW + timedelta(hours=68),
        ),
        (
            {"talks_per_month": 2},
            past(200, 300, ending="talked"),
            Reason.TALKS_MONTH,
            NOW + timedelta(hours=420),
        ),
    ],
)
def test_limits_of_the_law_beside_tries_a_day_week_and_month(caps, before, why, until):
    """Each is a figure of regulation.md; one that is lost is a fine for each call."""
    answer = decide(candidate(past=before), campaign(caps=Caps(**caps)), NOW)
    assert answer == Denied(why, until) if why else isinstance(answer, Allowed)


def test_a_month_is_never_shorter_than_the_calendars():
    """Eight calls from the 1st on, and a ninth on the 31st: in 30 days there are eight."""
    now = datetime(2026, 12, 31, 9, 0, tzinfo=UTC)
    first = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    tries = [first + timedelta(days=n) for n in (0, 8, 9, 16, 17, 20, 21, 22)]
    before = tuple(past(0)[0]._replace(at=at, ended_at=at) for at in tries)
    consent = (replace(CONSENT, given_at=first),)
    answer = decide(
        candidate(past=before, consents=consent), campaign(caps=Caps(per_week=9)), now
    )
    # the first leaves the calendar's month at its end, in Moscow
    assert answer == Denied(Reason.TRIES_MONTH, datetime(2026, 12, 31, 21, 0, tzinfo=UTC))


def test_a_phone_that_may_lie_in_two_zones_has_its_day_by_both():
    """At 10:00 in Moscow it is 19:00 in Kamchatka of the same day; at 23:00 it is tomorrow."""
    both = entry(zones=(MOSCOW, "Asia/Kamchatka"))
    night = datetime(2026, 11, 24, 20, 0, tzinfo=UTC)  # 23:00 and 08:00 of the 25th
    once = Caps(per_day=1)
    before = (past(0)[0]._replace(at=night - timedelta(hours=2), ended_at=night),)
    next_day = night + timedelta(hours=6)
    answer = decide(
        candidate(entry=both, past=before), campaign(caps=once, windows=()), next_day
    )
    # Moscow's day of the try is over, Kamchatka's 25th began at 15:00 Moscow time before it
    assert answer == Denied(Reason.TRIES_DAY, datetime(2026, 11, 25, 12, 0, tzinfo=UTC))


def test_a_bad_zone_without_hours_does_not_hold_up_the_campaign():
    """One poisoned row: its day is counted in UTC, nobody else waits for it."""
    odd = candidate(entry=entry(zones=("../etc",)), past=past(1, 2))
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


@given(
    st.lists(
        st.tuples(
            st.integers(0, 45 * 24 * 60),
            st.sampled_from(["talked", "no_answer", "carrier_failure"]),
        ),
        max_size=12,
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
def test_a_limit_is_reached_until_the_instant_that_is_said(before, caps, zone):
    """Too early would be a call too many; too late a contact that nobody calls."""
    ago = [(minutes / 60, ending) for minutes, ending in before]
    all_past = tuple(one for hours, ending in ago for one in past(hours, ending=ending))
    refused = refusal(all_past, caps, Rounds(), [zone], NOW)
    if refused is None:
        return
    assert refused.until is not None
    moment = timedelta(microseconds=1)
    still = refusal(all_past, caps, Rounds(), [zone], refused.until - moment)
    after = refusal(all_past, caps, Rounds(), [zone], refused.until)
    assert still is not None
    assert after is None or after.why is not refused.why or after.until != refused.until
