"""What a supervisor sees: figures with intervals, a page that fetches nothing."""

from __future__ import annotations

import re

import orjson

from dialer.core.model import CampaignName
from dialer.forecast.course import course
from dialer.forecast.fitting import fit
from dialer.forecast.grid_table import Cell
from dialer.forecast.outcome import Outcome, outcome
from dialer.forecast.page import forecast_page
from dialer.forecast.question import Question
from dialer.forecast.runs import courses
from dialer.forecast.sheets import as_plain, forecast_sheets, headline
from tests.rooms.forecast.truth import BEGINS, CAMPAIGN, Past, Truth, question_of

CELLS = [
    Cell(operators=n, cap=cap, occupancy=0.5 + n / 100, abandonment=0.01, talks_per_h=9.0)
    for n in (5, 10)
    for cap in (None, 0.03)
]


def found(**changes: object) -> Outcome:
    asked = question_of(lasts_s=900.0, operators=4, **changes)
    return outcome(asked, [course(asked, seed) for seed in range(2)], CELLS)


def test_every_assumption_is_named_with_its_support() -> None:
    one = found(assume=["answer_rate=35%", "contacts=500"])
    sheet = forecast_sheets(one)[-1]
    rows = {row[0]: row for row in sheet.rows}
    assert rows["answer_rate"][1:3] == ("35.0 %", "stated, taken at its word")
    assert rows["talk_s"][2] == "a default, nothing supports it"
    names = [row[0] for row in sheet.rows]
    assert names.index("talk_s") < names.index("answer_rate")  # the least supported first


def test_two_seeds_do_not_pass_for_eighty_per_cent() -> None:
    assert any("not 80 %" in line for line in headline(found()))


def test_the_json_holds_numbers_only_where_there_are_some() -> None:
    """An unfinished list is null, not infinity."""
    plain = orjson.loads(orjson.dumps(as_plain(found(assume=["contacts=5000"]))))
    assert plain["figures"]["finished_h"]["median"] is None
    assert 0.0 < plain["figures"]["occupancy"]["median"] < 1.0
    assert len(plain["table"]) == len(CELLS)


def test_the_page_fetches_nothing_and_believes_no_name() -> None:
    """A campaign's name is text from people; the page is opened behind a company's wall."""
    from dataclasses import replace

    hostile = replace(CAMPAIGN, name=CampaignName("<script>alert(1)</script>"))
    page = forecast_page(found(campaign=hostile))
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<polyline" in page
    assert not re.findall(r"(?:https?:)?//[^\s\"'>]+", page)


def test_more_processes_give_the_same_courses() -> None:
    """The number of cores is no assumption."""
    from dataclasses import replace

    asked: Question = question_of(lasts_s=300.0, operators=3)
    told: list[int] = []
    alone = courses(asked, range(2), jobs=1)
    shared = courses(asked, range(2), jobs=2, progress=lambda seed, _: told.append(seed))
    assert [replace(one, decided_s=0.0) for one in alone] == [
        replace(one, decided_s=0.0) for one in shared
    ]
    assert set(told) == {0, 1}


def test_a_past_is_fitted_with_the_doubt_of_its_numbers() -> None:
    """Ten days must weigh more than one; a stated value overrides both."""
    from datetime import timedelta

    truth = Truth.of(7)
    span = (BEGINS - timedelta(days=28), BEGINS)
    long = fit(Past(truth, days=12), CAMPAIGN.name, span, "UTC", {})
    short = fit(Past(truth, days=2, calls=60), CAMPAIGN.name, span, "UTC", {})
    rate, little = long.values["answer_rate"], short.values["answer_rate"]
    assert abs(rate.value - truth.answer_rate) < 0.08
    assert rate.doubt < little.doubt
    assert abs(long.talk.mean - truth.talk_s) < 0.15 * truth.talk_s
    assert long.values["silent_share"].source == "default"  # history cannot tell
    empty = fit(Past(truth, days=0), CAMPAIGN.name, span, "UTC", {})
    assert empty.values["answer_rate"].source == "default"
