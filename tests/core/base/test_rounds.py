"""What follows an ending: when a person is called again, and when never."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.base.rounds import DEFAULT_RETRY_S, next_step, retry_delay_s
from dialer.core.model import (
    Campaign,
    CampaignName,
    Disposition,
    GatewayName,
    GroupName,
    History,
    HungUpBy,
    Next,
    PoolName,
    Rounds,
    Verdict,
    Window,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # noon in Moscow
TODAY = date(2026, 11, 24)
YESTERDAY = date(2026, 11, 23)
MOSCOW = "Europe/Moscow"
ALPHA, BETA = GatewayName("alpha"), GatewayName("beta")

UNCHARGED = {
    Disposition.CARRIER_REFUSED,
    Disposition.CARRIER_FAILURE,
    Disposition.CODEC_FAILURE,
    Disposition.ROUTING_FAILURE,
    Disposition.LOCAL_FAILURE,
    Disposition.CANCELLED,
    Disposition.LOST,
}


def campaign(**fields: Any) -> Campaign:
    given_fields: dict[str, Any] = {
        "name": CampaignName("spring"),
        "list_name": "spring",
        "group": GroupName("sales"),
        "pool": PoolName("mobile"),
        "gateways": (ALPHA, BETA),
        "purpose": "marketing",
    }
    return Campaign(**given_fields | fields)


def verdict(disposition: Disposition, *, charged: bool | None = None, suspect=None) -> Verdict:
    return Verdict(
        disposition=disposition,
        charged=disposition not in UNCHARGED if charged is None else charged,
        number_charged=True,
        number_suspect=(
            disposition is Disposition.INVALID_NUMBER if suspect is None else suspect
        ),
        hung_up_by=HungUpBy.CARRIER,
    )


def after(disposition: Disposition, history: History | None = None, **fields: Any) -> Next:
    charged = fields.pop("charged", None)
    suspect = fields.pop("suspect", None)
    given_fields: dict[str, Any] = {"today": TODAY, "gateway": ALPHA, "zone": MOSCOW}
    of_campaign = fields.pop("campaign", campaign())
    return next_step(
        history or History(),
        verdict(disposition, charged=charged, suspect=suspect),
        of_campaign,
        fields.pop("now", NOW),
        **given_fields | fields,
    )


def minutes(step: Next) -> float:
    assert step.due_at is not None
    return (step.due_at - NOW).total_seconds() / 60


def test_who_talked_is_done():
    step = after(Disposition.TALKED, History(rounds_failed=2, tries_today=1))
    assert (step.step, step.due_at, step.rounds_failed) == ("done", None, 0)


@pytest.mark.parametrize(
    ("disposition", "after_min"),
    [
        (Disposition.BUSY, 10),
        (Disposition.NO_ANSWER, 120),
        (Disposition.UNAVAILABLE, 90),
        (Disposition.MACHINE, 240),
        (Disposition.BLOCKED, 60),
        (Disposition.UNKNOWN, 120),
        (Disposition.ABANDONED, 72 * 60),
        (Disposition.SHORT_HANGUP, 24 * 60),
        (Disposition.LOST, 120),
        (Disposition.CARRIER_FAILURE, 2),
        (Disposition.LOCAL_FAILURE, 2),
        (Disposition.CODEC_FAILURE, 15),
        (Disposition.ROUTING_FAILURE, 15),
        (Disposition.CANCELLED, 1),
    ],
)
def test_the_first_try_of_a_day_is_repeated_after_its_dispositions_delay(
    disposition, after_min
):
    step = after(disposition, campaign=campaign(gateways=(ALPHA,)))
    assert (step.step, minutes(step), step.rounds_failed) == ("retry", after_min, 0)


def test_a_campaign_sets_its_own_delays():
    own = campaign(retry_s={Disposition.BUSY: 300.0})
    assert minutes(after(Disposition.BUSY, campaign=own)) == 5


def test_a_cancelled_call_that_rang_is_a_try_that_nobody_answered():
    """Nobody is rung and dropped every minute because we over-dialed (pacing.md 4)."""
    step = after(Disposition.CANCELLED, charged=True)
    assert minutes(step) == 120
    ended = after(Disposition.CANCELLED, History(tries_today=1), charged=True)
    assert ended.rounds_failed == 1


def test_the_days_last_try_ends_the_round_and_the_campaigns_pause_begins():
    """Two tries a day, then a week's rest (R3.14, R5.3)."""
    step = after(Disposition.NO_ANSWER, History(tries_today=1))
    assert (step.step, step.rounds_failed) == ("retry", 1)
    assert step.due_at == NOW + timedelta(days=7)
    assert step.reason == "no answer, round 1 of 3 failed: again in 7 d"


def test_three_failed_rounds_lead_to_the_check_list():
    step = after(Disposition.BUSY, History(tries_today=1, rounds_failed=2))
    assert (step.step, step.due_at, step.rounds_failed) == ("check_list", None, 3)
    assert "check list" in step.reason


def test_an_evening_try_without_time_for_another_ends_its_round():
    """Else a person tried once each evening would be tried for ever, without the pause."""
    evening = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)  # 20:30 in Moscow
    windows = (Window(frozenset(range(7)), time(9), time(21)),)
    hours = campaign(windows=windows)
    step = after(Disposition.NO_ANSWER, campaign=hours, now=evening)
    assert (step.rounds_failed, step.due_at) == (1, evening + timedelta(days=7))
    busy = after(Disposition.BUSY, campaign=hours, now=evening)  # 20:40: still in time
    assert (busy.rounds_failed, busy.due_at) == (0, evening + timedelta(minutes=10))
    # A window to midnight ends with the day, and 23:30 + 2 h is tomorrow.
    late = campaign(windows=(Window(frozenset(range(7)), time(9), time(0)),))
    assert after(Disposition.NO_ANSWER, campaign=late, now=evening).rounds_failed == 0
    midnight = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
    assert after(Disposition.NO_ANSWER, campaign=late, now=midnight).rounds_failed == 1


def test_a_rejected_call_is_left_in_peace_for_a_week():
    step = after(Disposition.REJECTED)
    assert (step.step, step.rounds_failed) == ("retry", 1)
    assert step.due_at == NOW + timedelta(days=7)


def test_whoever_answered_was_reached():
    """An abandoned person is our fault: no failed round, and 72 hours of rest at least."""
    step = after(Disposition.ABANDONED, History(tries_today=1, rounds_failed=2))
    assert (step.step, step.rounds_failed, minutes(step)) == ("retry", 0, 72 * 60)
    quick = campaign(retry_s={Disposition.SHORT_HANGUP: 60.0})
    assert minutes(after(Disposition.SHORT_HANGUP, campaign=quick)) == 1
    second = after(Disposition.SHORT_HANGUP, History(tries_today=1), campaign=quick)
    assert minutes(second) == 24 * 60


def test_a_carriers_failure_is_never_the_contacts_try():
    """R3.9: repeated soon, later each time, no round fails by it."""
    tried = frozenset({ALPHA, BETA})
    history = History(tries_today=1, rounds_failed=2, failed_gateways=tried)
    step = after(Disposition.CARRIER_FAILURE, history)
    assert (step.step, minutes(step), step.rounds_failed) == ("retry", 2, 2)
    for before, delay in ((3, 16), (900, 60)):
        history = History(uncharged_today=before, failed_gateways=tried)
        assert minutes(after(Disposition.CARRIER_FAILURE, history)) == delay
    assert "not counted" in step.reason


def test_a_call_that_one_carrier_failed_goes_out_by_the_next_at_once():
    """R3.9: a person who asked to be called must not wait for a carrier to be mended."""
    step = after(Disposition.CARRIER_FAILURE, History(rounds_failed=1), gateway=ALPHA)
    assert step.due_at == NOW + timedelta(seconds=1)
    assert (step.step, step.rounds_failed) == ("retry", 1)
    assert "another gateway" in step.reason


@pytest.mark.parametrize(
    ("disposition", "failed", "gateways"),
    [
        (Disposition.CARRIER_FAILURE, {ALPHA, BETA}, (ALPHA, BETA)),  # all were tried
        (Disposition.CARRIER_FAILURE, {ALPHA}, (ALPHA, BETA)),  # beta could show no number
        (Disposition.CARRIER_FAILURE, set(), (ALPHA,)),  # there is no other
        (Disposition.LOCAL_FAILURE, set(), (ALPHA, BETA)),  # ours: the same on any
    ],
)
def test_nobody_goes_round_the_carriers_in_a_circle(disposition, failed, gateways):
    history = History(uncharged_today=len(failed), failed_gateways=frozenset(failed))
    step = after(disposition, history, gateway=ALPHA, campaign=campaign(gateways=gateways))
    assert minutes(step) >= 2


# ------------------------------------------------------------------ dead numbers


def dead(times: int, *days: date, gateways=(ALPHA, BETA), **fields: Any) -> History:
    return History(
        dead_attempts=times,
        dead_days=frozenset(days),
        dead_gateways=frozenset(gateways),
        **fields,
    )


def test_a_dead_number_is_asked_again_on_the_next_day():
    step = after(Disposition.INVALID_NUMBER)
    assert (step.step, minutes(step), step.rounds_failed) == ("retry", 24 * 60, 1)
    late = after(Disposition.INVALID_NUMBER, History(tries_today=1))
    assert minutes(late) == 24 * 60


def test_three_dead_endings_on_two_days_over_two_gateways_archive_the_number():
    """R5.2."""
    step = after(Disposition.INVALID_NUMBER, dead(2, YESTERDAY, gateways=(BETA,)))
    assert (step.step, step.due_at) == ("archive", None)
    assert step.reason == "number dead: 3 times on 2 days"


@pytest.mark.parametrize(
    ("history", "fields"),
    [
        (dead(1, YESTERDAY), {}),  # only two
        (dead(2, TODAY), {}),  # all on one day
        (dead(2, YESTERDAY, gateways=(ALPHA,)), {}),  # one gateway says so, there are two
        (dead(2, YESTERDAY), {"suspect": False}),  # the gateway says so of everybody
    ],
)
def test_a_number_is_not_thrown_away_on_thin_evidence(history, fields):
    """One carrier's bad day must not empty the base."""
    assert after(Disposition.INVALID_NUMBER, history, **fields).step == "retry"


def test_with_one_gateway_its_word_is_enough():
    lonely = campaign(gateways=(ALPHA,))
    history = dead(2, YESTERDAY, gateways=(ALPHA,))
    assert after(Disposition.INVALID_NUMBER, history, campaign=lonely).step == "archive"


def test_unavailable_leads_to_a_persons_look_and_never_to_the_archive():
    """R5.2: switched off is not dead."""
    history = History(unavailable_attempts=2, last_try_on=YESTERDAY)
    assert after(Disposition.UNAVAILABLE, history).step == "review"
    same_day = History(unavailable_attempts=2, last_try_on=TODAY, tries_today=0)
    assert after(Disposition.UNAVAILABLE, same_day).step == "retry"
    # Nor does it archive a number of which others have said so before.
    said = dead(3, YESTERDAY)
    assert after(Disposition.UNAVAILABLE, said).step == "review"
    mixed = dead(1, YESTERDAY, gateways=(ALPHA,), unavailable_attempts=1)
    step = after(Disposition.INVALID_NUMBER, mixed)
    assert (step.step, step.reason) == (
        "review",
        "number dead 2 times, unavailable 1 times: to be looked at",
    )


def test_a_number_that_one_gateway_alone_calls_dead_ends_on_the_check_list():
    """It is not tried for ever either."""
    history = dead(5, YESTERDAY, gateways=(ALPHA,), rounds_failed=2)
    assert after(Disposition.INVALID_NUMBER, history).step == "check_list"


def test_who_heard_it_ring_is_not_rung_again_a_second_later():
    """A carrier may fail after his phone rang: for him a second call is a second call."""
    silent = next_step(
        History(),
        verdict(Disposition.CARRIER_FAILURE),
        campaign(),
        NOW,
        today=TODAY,
        gateway=ALPHA,
    )
    rang = next_step(
        History(),
        verdict(Disposition.CARRIER_FAILURE),
        campaign(),
        NOW,
        today=TODAY,
        gateway=ALPHA,
        rang=True,
    )
    assert silent.due_at == NOW + timedelta(seconds=1)
    assert rang.due_at is not None
    assert rang.due_at >= NOW + timedelta(seconds=60)


# ------------------------------------------------------------------ invariants

HISTORIES = st.builds(
    History,
    tries_today=st.integers(0, 4),
    uncharged_today=st.integers(0, 30),
    rounds_failed=st.integers(0, 4),
    last_try_on=st.sampled_from([None, YESTERDAY, TODAY]),
    dead_attempts=st.integers(0, 4),
    dead_days=st.frozensets(st.sampled_from([YESTERDAY, TODAY])),
    dead_gateways=st.frozensets(st.sampled_from([ALPHA, BETA])),
    failed_gateways=st.frozensets(st.sampled_from([ALPHA, BETA])),
    unavailable_attempts=st.integers(0, 4),
)


@given(
    HISTORIES,
    st.sampled_from(list(Disposition)),
    st.booleans(),
    st.sampled_from([MOSCOW, None]),
)
def test_every_ending_has_one_next_step(history, disposition, charged, zone):
    """Nobody is lost and nobody is called in a circle without a delay."""
    step = after(disposition, history, charged=charged, zone=zone)
    assert step.step in {"retry", "done", "check_list", "review", "archive"}
    assert (step.due_at is None) == (step.step != "retry")
    assert step.reason
    assert (step.step == "done") == (disposition is Disposition.TALKED)
    if step.due_at is not None:
        over = step.reason.endswith("now over another gateway")
        assert not over or not history.failed_gateways
        assert step.due_at >= NOW + timedelta(seconds=1 if over else 60)
    if step.step == "archive":
        assert disposition is Disposition.INVALID_NUMBER


@given(st.lists(st.sampled_from([Disposition.BUSY, Disposition.NO_ANSWER]), min_size=6))
def test_an_unreachable_person_gets_two_tries_on_three_days_a_week_apart(endings):
    """The whole life of a phone that nobody answers: six tries in all, then the list."""
    now, history = NOW, History()
    days: list[date] = []
    for ending in endings:
        day = now.astimezone(UTC).date()
        if days and days[-1] != day:
            history = History(rounds_failed=history.rounds_failed)
        days.append(day)
        step = next_step(
            history, verdict(ending), campaign(), now, today=day, gateway=ALPHA, zone="UTC"
        )
        if step.due_at is None:
            break
        now = step.due_at
        history = History(tries_today=history.tries_today + 1, rounds_failed=step.rounds_failed)
    assert step.step == "check_list"
    assert len(days) == 6
    assert sorted(set(days)) == [TODAY, TODAY + timedelta(7), TODAY + timedelta(14)]


def test_every_disposition_has_a_delay():
    assert set(DEFAULT_RETRY_S) == set(Disposition)
    assert retry_delay_s(verdict(Disposition.BUSY), campaign()) == 600.0


@pytest.mark.parametrize("tries", [1, 2, 5])
def test_a_campaign_sets_its_tries_a_day(tries):
    own = campaign(rounds=Rounds(tries_per_day=tries))
    for before in range(tries):
        step = after(Disposition.BUSY, History(tries_today=before), campaign=own)
        assert (step.rounds_failed == 1) == (before == tries - 1)
