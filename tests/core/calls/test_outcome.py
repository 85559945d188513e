"""The one result: durations by our own clock, abandonment by the law's two seconds."""

from __future__ import annotations

import pytest

from dialer.core.calls import events as e
from dialer.core.calls.outcome import judge, outcome
from dialer.core.model import Disposition as D
from dialer.core.model import Evidence, HungUpBy, Next, Outcome
from tests.core.calls.build import (
    ANNA,
    BUSY,
    CALL,
    CLEARED,
    Call,
    at,
    dialed,
    offered,
    paired,
    ringing,
    talking,
    waiting,
)

RETRY = Next(step="retry", due_at=None, reason="busy, again in ten minutes")
BY_US = Evidence(channel=True, cause="NORMAL_CLEARING", q850=16, hangup_disposition="send_bye")


def result(call: Call) -> Outcome:
    value = call.value
    assert value.evidence is not None
    verdict = judge(value, value.evidence, at(999.0))
    return outcome(value, value.evidence, verdict, RETRY, at(999.0))


def ended(call: Call, seconds: float, evidence: Evidence = CLEARED) -> Outcome:
    call.take(seconds, e.HungUp(evidence))
    return result(call)


def test_a_talk_with_all_its_durations() -> None:
    done = ended(talking(), 70.2)
    assert done.verdict.disposition is D.TALKED
    assert (done.ring_ms, done.early_media_ms, done.wait_ms, done.talk_ms) == (
        8_000,
        None,
        200,
        60_000,
    )
    assert (done.operator, done.short_answer, done.next) == (ANNA, False, RETRY)
    assert (done.dialed_at, done.ended_at) == (at(1.0).wall, at(70.2).wall)
    assert (done.attempt_id, done.number, done.number_day) == (
        CALL,
        "+74951230001",
        at(0).wall.date(),
    )


def test_a_busy_phone_has_no_answer_and_no_wait() -> None:
    done = ended(ringing(), 5.0, BUSY)
    assert (done.ring_ms, done.wait_ms, done.talk_ms, done.operator) == (
        3_000,
        None,
        None,
        None,
    )
    assert done.answered_at is None


def test_early_media_is_measured_beside_the_ringing() -> None:
    """Its length is a carrier's fingerprint (freeswitch.md 5.4)."""
    call = dialed()
    call.take(2.0, e.Progressed(early_media=True))
    call.take(4.5, e.Progressed(early_media=False))
    done = ended(call, 10.0, BUSY)
    assert (done.early_media_ms, done.ring_ms) == (8_000, 5_500)


@pytest.mark.parametrize(
    ("left_s", "disposition"),
    [(10.5, D.SHORT_HANGUP), (11.99, D.SHORT_HANGUP), (12.0, D.ABANDONED)],
)
def test_two_seconds_part_a_short_hang_up_from_an_abandoned_call(left_s, disposition) -> None:
    """R2.2: abandonment is a legal figure; who leaves earlier is shown apart."""
    for call in (waiting(), offered()):
        done = ended(call, left_s)
        assert done.verdict.disposition is disposition
        assert done.wait_ms == round((left_s - 10.0) * 1000)
        assert done.operator is None


def test_the_message_means_abandoned_even_before_the_two_seconds() -> None:
    """It begins 1.8 s after the answer: he heard a machine, whenever he left."""
    call = waiting()
    call.take(11.82, e.TimedOut())
    assert ended(call, 11.9).verdict.disposition is D.ABANDONED
    to_the_end = waiting()
    to_the_end.take(11.82, e.TimedOut())
    done = ended(to_the_end, 16.0, BY_US)
    assert (done.verdict.disposition, done.verdict.hung_up_by) == (D.ABANDONED, HungUpBy.US)


def test_an_answer_that_we_cut_off_is_abandoned_by_us() -> None:
    """A stop crossed the answer: a person said hello to nobody (pacing.md 2)."""
    call = ringing()
    call.take(9.99, e.Stop("halted"))
    call.take(10.0, e.Answered())
    done = ended(call, 10.1, BY_US)
    assert (done.verdict.disposition, done.stop_reason) == (D.ABANDONED, "halted")


def test_a_machine_that_was_heard_in_time_is_not_abandoned() -> None:
    call = waiting()
    call.take(11.0, e.MachineHeard())
    assert ended(call, 11.1, BY_US).verdict.disposition is D.MACHINE


def test_he_who_talks_after_a_failed_offer_is_not_abandoned() -> None:
    call = offered()
    call.take(10.6, e.TimedOut(), e.OfferFailed())
    call.take(10.8, paired())
    call.take(10.9, e.Bridged(ANNA, CALL))
    done = ended(call, 30.9)
    assert (done.verdict.disposition, done.wait_ms, done.talk_ms) == (D.TALKED, 900, 20_000)


@pytest.mark.parametrize(
    ("left_s", "evidence", "short"),
    [(12.9, CLEARED, True), (13.1, CLEARED, False), (12.9, BY_US, False)],
)
def test_a_short_answer_is_theirs_and_under_three_seconds(left_s, evidence, short) -> None:
    """R5.4: suspected machine or instant hang-up, counted per number."""
    assert ended(talking(), left_s, evidence).short_answer is short


def test_who_hangs_up_in_the_moment_of_his_answer_was_not_lost() -> None:
    """No ANSWER is told of him (sample 29). As "lost" he would be nobody's refusal, and a
    number that people hang up on would look healthy."""
    done = ended(ringing(), 5.0)
    assert done.verdict.disposition is D.SHORT_HANGUP
    assert (done.verdict.hung_up_by, done.verdict.charged) == (HungUpBy.THEM, True)
    assert (done.answered_at, done.wait_ms, done.short_answer) == (None, None, True)
    ours = ended(ringing(), 5.0, BY_US)
    assert ours.verdict.disposition is D.LOST  # our BYE, and no answer that we know of


def test_a_cancelled_call_says_why() -> None:
    call = ringing()
    call.take(5.0, e.Stop("stop"))
    done = ended(
        call,
        5.1,
        Evidence(channel=True, cause="MANAGER_REQUEST", hangup_disposition="send_cancel"),
    )
    assert (done.verdict.disposition, done.stop_reason) == (D.CANCELLED, "stop")
    assert done.verdict.charged  # it rang


def test_the_key_is_in_the_result() -> None:
    call = waiting()
    call.take(11.82, e.TimedOut())
    call.take(13.0, e.KeyPressed("9"))
    assert ended(call, 13.5).opt_out_key


def test_what_happened_out_of_sight_counts_against_us() -> None:
    """The link was down while it may have rung: a try, and not a carrier's failure."""
    call = dialed()
    call.take(2.0, e.LinkLost())
    timed_out = Evidence(
        channel=True, cause="NO_ANSWER", sip_status=487, hangup_disposition="send_cancel"
    )
    assert ended(call, 26.0, timed_out).verdict.disposition is D.NO_ANSWER
    unseen = dialed()
    unseen.take(2.0, e.LinkLost())
    done = ended(unseen, 26.0)  # a BYE: it had been answered
    assert (done.verdict.disposition, done.verdict.charged) == (D.LOST, True)


def test_a_call_that_nobody_can_tell_of_counts_as_dialed() -> None:
    """At most once: LOST is charged to the contact and to the number shown."""
    call = ringing()
    call.take(31.0, e.TimedOut())
    call.take(36.0, e.TimedOut())
    done = result(call)
    assert done.verdict.disposition is D.LOST
    assert (done.verdict.charged, done.verdict.number_charged) == (True, True)
    assert done.verdict.hung_up_by is HungUpBy.NOBODY
