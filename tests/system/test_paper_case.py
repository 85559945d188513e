"""A campaign with hours, rules, pools and a dirty CSV, held against paper/worked-out.md.

What a user would lose: the order, the numbers and the reasons that the rules promise him. Real
PostgreSQL and Redis, the daemon's own feeder, pacer and outbox; the clock is the test's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dialer.app import holidays_of
from dialer.reports.planned import CampaignPlan, PlanQuestion, plan
from tests.contract.ledger.conftest import dsn, migrated_dsn
from tests.system.paper.desk import Desk
from tests.system.paper.tables import HERE, Row, clock, paper

__all__ = ["dsn", "migrated_dsn"]

SALES = ("op1", "op2", "op3", "op4", "op5", "op6")
WAVES_OF_THE_FIRST_DAY = ("24.11 11:30", "24.11 11:35")


@pytest.fixture
def desk(dsn: str, fresh_redis: str) -> Iterator[Desk]:
    with Desk(dsn, fresh_redis) as opened:
        yield opened


@pytest.fixture
def ready(desk: Desk) -> Desk:
    """The file is imported, two people have spoken, six operators are at work."""
    desk.bring_in()
    desk.hear()
    desk.log_in(*SALES)
    return desk


def planned(desk: Desk, campaign: str = "spring") -> CampaignPlan:
    """`dialer plan` at the paper's instant."""
    chosen, settings = desk.campaign(campaign), desk.loaded.settings
    question = PlanQuestion(
        now=desk.clock.at,
        limit=100,
        numbers=settings.pools[chosen.pool],
        holidays=holidays_of(settings, desk.clock)(chosen),  # type: ignore[arg-type]
    )
    return plan(desk.ledger, chosen, question)


def only(rows: list[Row], *columns: str) -> list[Row]:
    return [{name: row[name] for name in columns} for row in rows]


def reasons(rows: list[Row]) -> dict[str, int]:
    return dict(Counter(row["reason"] for row in rows))


# ------------------------------------------------------------------ the import


def told_of(report: Any) -> dict[str, int]:
    return {
        "rows": report.rows,
        "contacts_added": report.contacts_added,
        "contacts_merged": report.contacts_merged,
        "listed": report.listed,
        "consents_added": report.consents_added,
        "phones_added": report.phones_added,
        "rejected": report.rejected,
        "left out of a row": report.in_part,
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_the_dirty_file_is_read_as_on_paper(desk: Desk, tmp_path: Path, encoding: str) -> None:
    """Every bad row by its line and reason, every good one taken over, in any encoding."""
    text = (HERE / "contacts.csv").read_text(encoding="utf-8")
    twin = tmp_path / "contacts.csv"
    twin.write_bytes(text.encode(encoding))
    report, rejected = desk.bring_in(twin)
    told = [{"line": str(row.line), "reason": row.reason} for row in rejected]
    assert told == paper("rejected", "line", "reason")
    wanted = {row["what"]: int(row["how many"]) for row in paper("imported")}
    assert told_of(report) == wanted
    names = {name for (name,) in desk.ask("SELECT name FROM contact_identity")}
    assert "Жанна\nвторая строка" in names
    assert not names & {"Зоя", "Иван", "Клара", "Лев", "Сергей", "Хасан", "Шамиль", "Эдуард"}


# ------------------------------------------------------------------ the order


def test_order_scores_and_reasons_are_those_on_paper(ready: Desk) -> None:
    """Who is dialed first and why each other one is not: hopper, ledger and plan agree."""
    ready.feed()
    order, held = paper("order at 24.11 11:30"), paper("held at 24.11 11:30")
    assert ready.order() == only(order, "who", "score", "open until")
    assert ready.held() == held
    told = planned(ready)
    assert [(one.score, clock(one.until)) for one in told.calls] == [
        (int(row["score"]), row["open until"]) for row in order
    ]
    assert {one.reason: one.contacts for one in told.held} == reasons(held)
    assert told.not_judged == 0


def test_scores_are_the_sums_of_the_rules_on_paper() -> None:
    """The paper itself: a wrong sum in it would hide a wrong one in the program."""
    for row in paper("order at 24.11 11:30"):
        assert int(row["score"]) == sum(int(row[rule]) for rule in ("New", "debt", "added"))


def test_a_rule_that_depends_on_time_is_right_to_the_second(ready: Desk) -> None:
    """Егор's thirty days end at 11:45:00, while he stands in the queue."""
    ready.feed()
    before = ready.order()
    ready.feed(at="24.11 11:44")
    assert ready.order() == before
    ready.feed(at="24.11 11:45")
    assert only(ready.order(), "who", "score") == paper("order at 24.11 11:45")


# ------------------------------------------------------------------ the days


def first_day(desk: Desk) -> None:
    """Until the pool is used up."""
    for at in WAVES_OF_THE_FIRST_DAY:
        desk.wave(at)


def test_the_first_day_until_the_pool_is_used_up_and_renewed(ready: Desk) -> None:
    """Numbers by region, load, soft and hard limit; a pool used up is a visible state."""
    first_day(ready)
    assert ready.daemon.pacing.launcher.held_back["spring"] == {"pool_used_up": 1}  # type: ignore[index]
    ready.feed(at="24.11 12:00")
    assert ready.order() == paper("order at 24.11 12:00")
    assert ready.dial() == []
    assert ready.daemon.pacing.launcher.held_back["spring"] == {"pool_used_up": 6}  # type: ignore[index]
    told = planned(ready)
    assert told.calls == ()
    assert [(h.contacts, clock(h.until)) for h in told.held if h.reason == "pool_used_up"] == [
        (5, "24.11 17:00:00")
    ]
    assert any("used up" in note for note in told.notes)
    ready.feed(at="24.11 17:00")
    assert ready.order() == paper("order at 24.11 17:00")
    assert ready.held() == paper("held at 24.11 17:00")
    ready.wave("24.11 17:00")


def test_the_next_days_to_archive_check_list_and_holidays(ready: Desk, tmp_path: Path) -> None:
    """Sticky numbers, rounds and pauses, a dead phone, an evening, the New Year; the books."""
    first_day(ready)
    ready.wave("24.11 17:00")
    ready.wave("25.11 11:40")
    ready.gateway("alpha", up=False)
    ready.wave("26.11 12:10")
    assert ready.daemon.pacing.launcher.held_back["spring"] == {"hopper_empty": 2}  # type: ignore[index]
    ready.gateway("alpha", up=True)
    ready.wave("26.11 14:15")
    reimport(ready, tmp_path)
    ready.wave("01.12 11:40")
    ready.wave("08.12 11:45")
    ready.feed(at="31.12 11:30")
    (egor,) = [row for row in ready.held() if row["who"] == "Егор"]
    assert [egor] == paper("held at 31.12 11:30")
    assert ready.charges() == paper("charges")
    moved = ready.ask(
        "SELECT i.name, m.moved_to FROM list_moves AS m"
        " JOIN contact_identity AS i ON i.contact_id = m.contact_id ORDER BY m.at"
    )
    assert moved == [("Чулпан", "archive"), ("Ульяна", "check_list")]
    status = "SELECT c.status FROM contacts AS c JOIN contact_identity AS i"
    status += " ON i.contact_id = c.id WHERE i.name = 'Ульяна'"
    assert ready.ask(status) == [("Inactive",)]
    assert ready.meter.value("dialer_table_violations_total") == 0
    assert ready.ledger.open_attempts() == []
    assert ready.ledger.reports.dialed_twice(*whole_case(ready)) == 0


def whole_case(desk: Desk) -> tuple[Any, Any]:
    first, last = desk.ask("SELECT min(committed_at), max(ended_at) FROM attempts")[0]
    return first, last


def reimport(desk: Desk, tmp_path: Path) -> None:
    """The archive and the stop keep their phones out; all else is as it was."""
    again, _ = desk.bring_in()
    told = {
        "contacts_added": again.contacts_added,
        "contacts_updated": again.contacts_updated,
        "contacts_merged": again.contacts_merged,
        "unchanged": again.unchanged,
        "listed": again.listed,
        "consents_added": again.consents_added,
        "kept out: stop": again.kept_out.get("stop", 0),
    }
    wanted = {row["what"]: int(row["how many"]) for row in paper("imported again")}
    assert told == wanted
    other = tmp_path / "other.csv"
    other.write_text("phone,name\n+79162000026,Новичок\n", encoding="utf-8")
    newcomer, _ = desk.bring_in(other)
    assert dict(newcomer.kept_out) == {"archived": 1}
    assert newcomer.contacts_added == 0


# ------------------------------------------------------------------ the second campaign


def test_another_campaign_dials_the_list_from_top_to_bottom(ready: Desk) -> None:
    """Its own order, its own pool, its own ground; nobody is called by two at once."""
    ready.log_in("op7", "op8", "op9")
    ready.feed("survey")
    assert only(ready.order("survey"), "who", "open until") == paper("order of survey")
    assert ready.held("survey") == paper("held in survey")
    calls = ready.dial()
    columns = ("who", "phone", "number", "gateway")
    assert ready.shown(calls) == paper("calls of survey", *columns)
    assert ready.daemon.pacing.launcher.held_back["survey"] == {"pool_used_up": 1}  # type: ignore[index]
    ready.feed("spring")
    calling = [row for row in ready.held() if row["reason"] == "already_being_called"]
    assert calling == paper("held in spring meanwhile")
    ready.play(calls, {"Анна": "talked", "Вера": "busy"})
