"""What a called person would lose: nobody would notice that his phone rang twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from dialer.core.model import Disposition
from dialer.reports.twice import dialed_twice, phone_of, shortest_retry_s
from dialer.sim.record import Record
from tests.contract.ledger.world import campaign

PHONE, OTHER = "+79161234501", "+79161234502"
GAP_S = 60.0


def call(attempt: str, phone: str, began: float, ended: float | None) -> list[dict[str, Any]]:
    """The two lines of one call, or its first where it has not ended."""
    who = {"uuid": attempt, "attempt": attempt, "agent": None, "destination": phone}
    lines = [{"event": "originated", **who, "created_at": began}]
    if ended is not None:
        lines.append(
            {
                "event": "ended",
                **who,
                "created_at": began,
                "ended_at": ended,
                "reached_carrier": True,
            }
        )
    return lines


def count(*calls: list[dict[str, Any]]) -> int:
    return dialed_twice([line for one in calls for line in one], GAP_S)


def test_one_call_each_and_a_repeat_after_its_pause_are_fine() -> None:
    assert count(call("a", PHONE, 0, 20), call("b", OTHER, 1, 5)) == 0
    assert count(call("a", PHONE, 0, 20), call("b", PHONE, 80, 90)) == 0


def test_a_call_during_another_to_the_same_phone_is_seen() -> None:
    assert count(call("a", PHONE, 0, 20), call("b", PHONE, 10, 30)) == 1


def test_a_call_sooner_than_any_pause_is_seen() -> None:
    assert count(call("a", PHONE, 0, 20), call("b", PHONE, 79, 90)) == 1


def test_the_longest_earlier_call_counts_not_only_the_last_one() -> None:
    """A short call inside a long one must not hide that the long one still goes on."""
    calls = call("a", PHONE, 0, 1000), call("b", PHONE, 100, 110), call("c", PHONE, 500, 510)
    assert count(*calls) == 2


def test_a_call_that_never_ended_is_still_on_the_line() -> None:
    assert count(call("a", PHONE, 0, None), call("b", PHONE, 5_000, 5_010)) == 1


def test_a_switch_that_started_again_has_ended_what_was_open() -> None:
    started = [{"event": "started", "at": 100.0, "core_uuid": "x", "seed": 1}]
    open_call = call("a", PHONE, 0, None)
    assert count(open_call, started, call("b", PHONE, 200, 210)) == 0
    assert count(open_call, started, call("b", PHONE, 120, 130)) == 1


def test_gateways_may_want_the_phone_in_different_forms() -> None:
    """carrier_a is given +7…, carrier_b 8…: it is one phone all the same."""
    assert count(call("a", "+79161234501", 0, 20), call("b", "89161234501", 10, 30)) == 1
    forms = ("+79161234501", "79161234501", "89161234501", "9#89161234501")
    assert {phone_of(form) for form in forms} == {"9161234501"}


def test_an_attempt_originated_again_is_seen_even_where_no_channel_came_of_it() -> None:
    refused = {"event": "refused", "uuid": "a", "attempt": "a", "destination": PHONE}
    assert count(call("a", PHONE, 0, 20), [refused]) == 1


def test_what_rang_nobody_and_operators_legs_do_not_count() -> None:
    silent = call("a", PHONE, 0, 20)
    silent[1]["reached_carrier"] = False
    assert count(silent, call("b", PHONE, 10, 30)) == 0
    leg = {"uuid": "x", "attempt": None, "agent": "anna", "destination": "101"}
    legs = [{"event": "originated", **leg, "created_at": at} for at in (0.0, 1.0)]
    assert count(legs) == 0


def test_it_reads_what_the_switch_really_writes(tmp_path: Path) -> None:
    """The record's field names are the other room's: a renamed one must not pass as 0."""
    path = tmp_path / "record.ndjson"
    record = Record(path)
    record.write("started", core_uuid="x", at=0.0, seed=1)
    for line in [*call("a", PHONE, 1, 20), *call("b", PHONE, 5, 25)]:
        record.write(line.pop("event"), **line)
    variables = {"origination_uuid": "c", "dialer_attempt": "c"}
    record.refused(30.0, "-ERR USER_BUSY\n", PHONE, variables)
    record.refused(31.0, "-ERR USER_BUSY\n", PHONE, variables)
    record.close()
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert dialed_twice(lines, GAP_S) == 2


def test_the_shortest_pause_is_the_campaigns_or_the_default_of_what_it_leaves_open() -> None:
    quick = replace(campaign(), retry_s={Disposition.BUSY: 5.0})
    assert shortest_retry_s([campaign(), quick]) == 5.0
    assert shortest_retry_s([campaign()]) == 60.0  # cancelled by us
    slow = dict.fromkeys(Disposition, 7_200.0)
    assert shortest_retry_s([replace(campaign(), retry_s=slow)]) == pytest.approx(7_200.0)


def by_gateway(
    attempt: str, gateway: str, began: float, ended: float, *, rang: bool
) -> list[dict[str, Any]]:
    begun, over = call(attempt, PHONE, began, ended)
    heard = {"progress_at": began + 1 if rang else None, "answered_at": None}
    return [{**begun, "gateway": gateway}, {**over, **heard, "gateway": gateway}]


def test_another_gateway_at_once_after_one_that_failed_disturbs_nobody() -> None:
    """His phone did not ring; the same gateway again, or after a ring, is a second call."""
    failed = by_gateway("a", "first", 0, 2, rang=False)
    assert count(failed, by_gateway("b", "second", 3, 20, rang=True)) == 0
    assert count(failed, by_gateway("b", "first", 3, 20, rang=True)) == 1
    rang = by_gateway("a", "first", 0, 2, rang=True)
    assert count(rang, by_gateway("b", "second", 3, 20, rang=True)) == 1


def test_a_carriers_own_failure_may_be_followed_at_once_but_not_a_refusal() -> None:
    """Where no other carrier is free the next try may meet the same one; nobody was rung."""
    for status, wrong in ((503, 0), (603, 1), (486, 1)):
        begun, ended = by_gateway("a", "first", 0, 2, rang=False)
        again = by_gateway("b", "first", 3, 20, rang=True)
        assert count([begun, {**ended, "sip_status": status}], again) == wrong


def test_two_gateways_at_the_same_time_are_two_calls() -> None:
    first = by_gateway("a", "first", 0, 10, rang=False)
    assert count(first, by_gateway("b", "second", 5, 20, rang=True)) == 1
