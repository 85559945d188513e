"""What an engineer would lose: the demo's last word, counted from outside of the daemon."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
from rich.console import Console

from dialer.ports import ImportReport
from dialer.reports.rehearsed import rehearsal_summary, summary_table
from tests.contract.ledger.world import World, campaign
from tests.rooms.reports import paper
from tests.rooms.reports.test_twice import call

KEYS = {
    "contacts",
    "attempts",
    "dispositions",
    "abandoned_share",
    "occupancy",
    "calls_per_number",
    "held_back",
    "rejected_rows",
    "unresolved",
    "dialed_twice",
}


def summary(world: World, records: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "campaigns": [paper.SPRING],
        "numbers": paper.NUMBERS,
        "since": paper.BEGAN,
        "until": paper.ASKED_AT,
        "imported": ImportReport(rows=13, rejected=1),
        "records": records,
    }
    return rehearsal_summary(world.ledger, **{**asked, **changes})


def test_the_object_has_every_key_and_the_figures_of_the_paper(world: World) -> None:
    paper.fill(world)
    told = summary(world, [])
    assert told.keys() >= KEYS
    assert (told["contacts"], told["attempts"], told["unresolved"]) == (12, 9, 1)
    assert told["abandoned_share"] == 1 / 3
    assert told["dispositions"]["busy"] == 1
    assert told["calls_per_number"] == {paper.A: 6, paper.B: 2}
    assert told["held_back"]["consent_missing"] == 1
    assert told["rejected_rows"] == 1
    assert told["dialed_twice"] == 0
    # vera, too: the rehearsal's operators are all that there are.
    assert told["occupancy"] == (1 + 2 + 30) / (20 + 12 + 30)
    assert orjson.loads(orjson.dumps(told)) == told


def test_what_only_the_switch_saw_counts(world: World) -> None:
    """The daemon's books may be spotless: the second ring is in the switch's record."""
    paper.fill(world)
    phone = "+74952000001"
    records = [*call("a", phone, 0, 20), *call("b", phone, 10, 30)]
    assert summary(world, records)["dialed_twice"] == 1


def test_two_campaigns_of_one_list_count_its_contacts_once(world: World) -> None:
    paper.fill(world)
    other = campaign("autumn")
    world.save(other)
    told = summary(world, [], campaigns=[paper.SPRING, other])
    assert told["contacts"] == 12
    assert told["attempts"] == 9


def test_a_rehearsal_in_which_nothing_happened_has_its_summary(world: World) -> None:
    told = summary(world, [], since=paper.ASKED_AT + timedelta(days=2), until=paper.LATER)
    assert told["attempts"] == 0
    assert told["occupancy"] is None
    assert told["abandoned_share"] == 0.0
    console = Console(width=120)
    with console.capture() as capture:
        console.print(summary_table(told))
    assert "nobody worked" in capture.get()
