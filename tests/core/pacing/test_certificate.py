"""What may be said of the cap: a certificate that is wrong in 5 % of the days at most."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dialer.core.pacing.certificate import (
    NEVER,
    Certificate,
    least_answers,
    most_drops,
    said,
    target,
    tilts,
)

CAP = 0.03
DAYS, ANSWERS = 2_000, 3_000


def drops(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Simulated days, each at a mean rate of exactly the cap at every answer's end."""
    uniform = rng.random((DAYS, ANSWERS))
    if kind == "constant":
        return uniform < CAP
    if kind == "clustered":
        # Four at once, a quarter as often: whole clusters are drawn by their first answer.
        first = rng.random((DAYS, ANSWERS // 4)) < CAP
        return np.repeat(first, 4, axis=1)
    # Steered: whoever has lost little dares more, so that the mean of what was risked is the
    # cap over each pair of answers, and what was lost decides which of them is the dear one.
    found = np.zeros((DAYS, ANSWERS), dtype=bool)
    lost = np.zeros(DAYS)
    dear = np.zeros(DAYS)
    for at in range(ANSWERS):
        if at % 2 == 0:
            dear = np.where(lost > CAP * at, 0.2 * CAP, 1.8 * CAP)
        risk = dear if at % 2 == 0 else 2.0 * CAP - dear
        found[:, at] = uniform[:, at] < risk
        lost += found[:, at]
    return found


def ever_certified(found: np.ndarray) -> float:
    """Share of days in which the bound says "at most the cap" at some even answer: where no
    more are lost than `most_drops` allows (and the steered mean is the cap).
    """
    most = [most_drops(CAP, at) for at in range(2, ANSWERS + 1, 2)]
    allowed = np.array([-1 if one is None else one for one in most])
    return float((np.cumsum(found, axis=1)[:, 1::2] <= allowed).any(axis=1).mean())


def test_the_simulated_days_ask_the_same_question_as_the_certificate():
    """The vectorised statement above is the code's own."""
    for answers, abandoned in ((144, 0), (145, 0), (1_000, 15), (1_000, 16), (3_000, 63)):
        asked = Certificate(cap=CAP, answers=answers, abandoned=abandoned).is_certified
        logs = [-tilt * abandoned - answers * math.log1p(-u * CAP) for tilt, u in tilts(CAP)]
        mixed = math.log(sum(map(math.exp, logs)) / len(logs))
        assert asked == (mixed >= -math.log(0.05))


@pytest.mark.parametrize("kind", ["constant", "steered", "clustered"])
def test_at_a_true_rate_of_the_cap_a_certificate_is_seldom_given(kind: str):
    """Else a supervisor is told "95 % sure" of what is not so, on more than a day in twenty."""
    found = drops(kind, np.random.default_rng(20261124))
    assert found.mean() == pytest.approx(CAP, rel=0.03)
    if kind == "clustered":
        # Dependent drops: the bound holds for the mean of what was risked given the past, and
        # inside a cluster that is 0 or 1. What is claimed is checked: p_n, not the long mean.
        risked = np.where(np.arange(ANSWERS) % 4 == 0, CAP, found)
        mean = np.cumsum(risked, axis=1) / np.arange(1, ANSWERS + 1)
        assert wrong_at_some_moment(found, mean) <= 0.05
    else:
        assert ever_certified(found) <= 0.05


def wrong_at_some_moment(found: np.ndarray, mean: np.ndarray) -> float:
    """Share of days in which the bound was under the running mean of the true risks."""
    total = np.cumsum(found, axis=1)[:, 3::4]
    answers = np.arange(1, ANSWERS + 1)[3::4]
    mixture = np.zeros(total.shape)
    for tilt, u in tilts(CAP):
        mixture += np.exp(-tilt * total - answers * np.log1p(-u * mean[:, 3::4]))
    return float((mixture / len(tilts(CAP)) >= 20.0).any(axis=1).mean())


def test_a_bound_for_one_moment_peeked_at_certifies_falsely_in_many_days():
    """Clopper-Pearson, 95 %, one-sided, looked at after each answer: why it is not used, and
    that the test above can fail.
    """
    found = drops("constant", np.random.default_rng(20261124))
    total = np.cumsum(found, axis=1)
    # P(at most k drops in n at the cap) <= 5 % says "rate under the cap".
    most = np.full(ANSWERS, -1)
    for n in range(1, ANSWERS + 1):
        log_term, cumulative, k = n * math.log1p(-CAP), 0.0, 0
        while True:
            cumulative += math.exp(log_term)
            if cumulative > 0.05:
                break
            most[n - 1] = k
            log_term += math.log((n - k) / (k + 1) * CAP / (1.0 - CAP))
            k += 1
    assert (total <= most).any(axis=1).mean() > 0.15


def test_volumes_as_worked_out_by_hand():
    """The table of the hand-out: 0 drops from 145 on, 15 at 1,000, 1,377 at 50,000."""
    table = {100: None, 145: 0, 300: 2, 1_000: 15, 5_000: 114, 20_000: 525, 50_000: 1_377}
    assert {n: most_drops(CAP, n) for n in table} == table
    assert least_answers(CAP) == 145
    assert target(CAP, 1_000) == 0.015
    assert target(CAP, 100) == 0.0


def test_below_its_volume_nothing_is_claimed():
    """Never "0 %" where ten answers have been seen."""
    text = said(Certificate(cap=CAP, answers=10))
    assert text.startswith("uncertified (10 of at least 145 answers)")
    assert "%" not in text
    assert "at most 2.18%" in said(Certificate(cap=CAP, answers=1_000, abandoned=10))
    assert said(Certificate(cap=CAP, answers=1_000, abandoned=30)).startswith("not certified")


def test_the_bound_is_where_the_certificate_turns():
    certificate = Certificate(cap=CAP, answers=2_000, abandoned=30)
    assert certificate.abandoned / certificate.answers < certificate.bound < CAP
    assert Certificate(cap=CAP).bound == 1.0


def test_caps_that_limit_nothing_or_everything():
    assert least_answers(0.0) == NEVER
    assert not Certificate(cap=0.0, answers=10**6).is_certified
    assert Certificate(cap=1.0).is_certified
