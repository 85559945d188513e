"""What a supervisor would lose: figures that are those of the calls (see paper.py)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import orjson
import pytest
from rich.console import Console

from dialer.core.model import OperatorId
from dialer.reports.as_json import report_json
from dialer.reports.asked import campaign_report
from dialer.reports.layout import report_tables
from dialer.reports.page import report_page
from dialer.reports.tables import rich_table
from dialer.reports.values import CampaignReport
from tests.contract.ledger.world import NOW, World, campaign
from tests.rooms.reports import paper


@pytest.fixture
def report(world: World) -> CampaignReport:
    paper.fill(world)
    return campaign_report(world.ledger, paper.SPRING, paper.QUESTION)


def test_every_figure_equals_the_one_worked_out_on_paper(report: CampaignReport) -> None:
    totals = report.totals
    assert (totals.attempts, totals.unresolved, totals.contacts) == (9, 1, 9)
    assert totals.tries == 7  # without the carrier's failure and the open one
    assert (totals.answered, totals.talked, totals.talk_ms) == (3, 2, 180_000)
    assert report.dispositions == {
        "no_answer": 2,
        "talked": 2,
        "abandoned": 1,
        "busy": 1,
        "carrier_failure": 1,
        "invalid_number": 1,
    }
    assert (report.reach.part, report.reach.whole) == (3, 7)
    assert (report.abandonment.part, report.abandonment.whole) == (1, 3)
    assert (report.short_answers.part, report.short_answers.whole) == (1, 3)
    assert totals.mean_wait_ms == 500  # of who was joined; the abandoned one waited for nobody


def test_everybody_is_accounted_for_once(report: CampaignReport) -> None:
    held = {one.reason: one.contacts for one in report.held}
    assert held == {
        "retry_later": 4,
        "done": 2,
        "archived": 1,
        "check_list": 1,
        "already_being_called": 1,
        "consent_missing": 1,
        "own_hours": 1,
    }
    assert report.dialable == 1
    assert sum(held.values()) + report.dialable == 12
    until = {one.reason: one.until for one in report.held}
    assert until["retry_later"] == NOW + timedelta(hours=2, minutes=30)  # the busy one
    assert until["own_hours"] == datetime.fromisoformat("2026-11-24T18:00+03:00")
    assert until["done"] is None


def test_occupancy_is_talk_over_talk_and_idle_of_the_groups_own_operators(
    report: CampaignReport,
) -> None:
    anna, boris = report.operators
    assert (anna.operator, anna.talks, anna.talk_s, anna.idle_s) == ("anna", 1, 60, 19 * 60)
    assert (anna.wrapup_s, boris.paused_s) == (600, 300)
    assert anna.occupancy == pytest.approx(1 / 20)
    assert boris.occupancy == pytest.approx(2 / 12)
    assert report.occupancy == pytest.approx(3 / 32)


def test_calls_per_number_stand_beside_their_limits(report: CampaignReport) -> None:
    a, b = report.numbers
    assert (a.number, a.attempts, a.today, a.most) == (paper.A, 7, 6, 6)  # one given back
    assert (a.answered.part, a.answered.whole) == (3, 6)
    assert (b.number, b.attempts, b.today, b.soft_limit, b.hard_limit) == (paper.B, 2, 2, 5, 8)
    assert b.region == "Saint Petersburg"
    assert not a.over_limit
    assert (report.pool.used, report.pool.hard_left, report.pool.soft_left) == (8, 8, 3)


def test_hours_causes_moves_rounds_and_imports(report: CampaignReport) -> None:
    assert [(h.hour.hour, h.attempts, h.answered, h.talked) for h in report.hours] == [
        (12, 8, 3, 2),
        (13, 1, 0, 0),
    ]
    busy = next(one for one in report.causes if one.disposition == "busy")
    assert (busy.gateway, busy.sip_status, busy.q850, busy.cause) == (
        "beta",
        486,
        17,
        "USER_BUSY",
    )
    assert sum(one.attempts for one in report.causes) == 8
    assert {(one.moved_to, one.moves) for one in report.moves} == {
        ("archive", 1),
        ("check_list", 1),
    }
    assert report.rounds == {0: 11, 3: 1}
    assert (report.imports.rows, report.imports.rejected) == (13, 1)


def test_since_cuts_off_what_was_before(world: World) -> None:
    paper.fill(world)
    asked = replace(paper.QUESTION, since=paper.at(60))
    report = campaign_report(world.ledger, paper.SPRING, asked)
    assert report.totals.attempts == 1
    assert report.dispositions == {"busy": 1}
    assert report.imports.imports == 0


def test_a_campaign_that_never_ran_has_an_empty_report(world: World) -> None:
    report = campaign_report(world.ledger, campaign("never"), paper.QUESTION)
    assert report.totals.attempts == 0
    assert "nobody has worked" in printed(report)
    assert "no cases" in printed(report)
    assert "no attempt has ended" in report_page(report)


def test_json_is_json_and_says_the_same(report: CampaignReport) -> None:
    told = orjson.loads(orjson.dumps(report_json(report)))
    assert told["unresolved"] == 1
    assert told["abandonment"]["part"] == 1
    assert told["abandonment"]["whole"] == 3
    assert told["held_back"]["consent_missing"]["contacts"] == 1
    assert told["calls_per_number"][paper.A]["today"] == 6
    assert told["imports"]["rejected_rows"] == 1
    assert told["operators"]["boris"]["occupancy"] == pytest.approx(1 / 6)
    assert told["causes"][0]["gateway"] == "alpha"


def printed(report: CampaignReport) -> str:
    console = Console(width=160, force_terminal=False)
    with console.capture() as capture:
        for table in report_tables(report):
            console.print(rich_table(table))
    return capture.get()


def test_the_terminal_shows_counts_instead_of_a_percentage_of_three(
    report: CampaignReport,
) -> None:
    text = printed(report)
    assert "1 of 3 (6%–79%)" in text
    assert "12.5" not in text  # one of eight endings
    assert "no consent for this phone and purpose" in text
    assert "on the stop list" not in text
    assert "18:00" in text


def test_the_page_is_whole_by_itself_and_escapes_the_wires_words(
    report: CampaignReport,
) -> None:
    """A cause comes from a carrier: as markup it would run in the supervisor's browser."""
    page = report_page(report)
    assert paper.HOSTILE not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    # Nothing is fetched from anywhere: no address, no source, no import.
    assert not re.search(r"https?://|src=|href=|url\(|@import", page)
    assert page.count("<rect") == 4  # two hours, attempts and talks
    assert "12:00: 8 attempts, 2 talks" in page


def test_markup_of_the_terminal_in_a_cause_is_text(world: World) -> None:
    paper.fill(world)
    world.ask("UPDATE attempts SET cause = '[bold]x[/]' || chr(27) || '[2J' WHERE q850 = 38")
    report = campaign_report(world.ledger, paper.SPRING, paper.QUESTION)
    text = printed(report)
    assert "[bold]x[/]" in text
    assert "\x1b" not in text


def test_operators_of_other_groups_are_not_mixed_in(world: World) -> None:
    paper.fill(world)
    asked = replace(paper.QUESTION, operators=[OperatorId("vera")])
    report = campaign_report(world.ledger, paper.SPRING, asked)
    assert [one.operator for one in report.operators] == ["vera"]
    assert report.occupancy == 1.0
