"""A recorded day: without it nobody can say afterwards why a call went out, or try another way
on the same moments.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from dialer.core.model import CampaignName, Mode
from dialer.diary import codec
from dialer.diary.files import DiaryFiles, days, lines
from dialer.diary.replay import replay
from dialer.errors import ConfigError, StoreError
from dialer.metrics.meter import MemoryMeter
from dialer.ports import Decided
from tests.rooms.diary.day import START, Day

TODAY = START.date()
SECONDS = 120.0


def written(
    folder: Path, moments: Iterator[Decided], meter: MemoryMeter | None = None, **limits: Any
) -> None:
    diary = DiaryFiles(folder, meter or MemoryMeter(), **limits)
    for one in moments:
        diary.note(one)
        diary.write(one.at)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Decided]]:
    folder = tmp_path_factory.mktemp("pacing")
    moments = list(Day(1).decisions(SECONDS))
    written(folder, iter(moments))
    return folder, moments


def test_every_decision_of_a_day_is_decided_again(recorded: tuple[Path, list[Decided]]):
    """To the last bit of every risk, with several campaigns, shares of operators and limits."""
    folder, moments = recorded
    found = replay(lines(folder, TODAY))
    assert found.decisions == 3 * len(moments) > 900
    assert found.equal == found.decisions
    assert found.first is None
    assert found.launched[0] == found.launched[1] > 20
    assert (found.begins, found.ends) == (moments[0].at, moments[-1].at)


def test_another_pacing_parts_and_says_why(recorded: tuple[Path, list[Decided]]):
    folder, _ = recorded
    found = replay(
        lines(folder, TODAY), pacing=Mode.PROGRESSIVE, campaign=CampaignName("spring")
    )
    assert found.equal < found.decisions
    assert found.first is not None
    assert found.first.campaign == "spring"
    assert found.first.then != found.first.now
    assert "then: " in found.first.why


def test_a_single_bit_is_seen(recorded: tuple[Path, list[Decided]]):
    """Else "equal" would mean "about equal", and a regression would hide in it."""
    folder, _ = recorded
    told = [line for line in lines(folder, TODAY) if line is not None]
    chosen = next(
        one for one in told if one.get("decisions", {}).get("spring", {}).get("risks")
    )
    chosen["decisions"]["spring"]["risks"][0] = math.nextafter(
        chosen["decisions"]["spring"]["risks"][0], 1.0
    )
    assert replay(told).decisions - replay(told).equal == 1


def test_a_law_is_told_once(recorded: tuple[Path, list[Decided]]):
    """A day must not fill the disk: the tables are twenty thousand numbers each."""
    folder, moments = recorded
    numbers = [one["law"] for one in lines(folder, TODAY) if one and "law" in one]
    assert len(numbers) == len(set(numbers)) < len(moments) / 3
    assert (folder / f"{TODAY}.ndjson.gz").stat().st_size < 1000 * len(moments)


def test_a_kill_costs_the_last_line_only(tmp_path: Path):
    """And the next life of the daemon goes on in the same file with laws of its own numbers."""
    written(tmp_path, Day(2).decisions(10.0))
    path = tmp_path / f"{TODAY}.ndjson.gz"
    path.write_bytes(path.read_bytes()[:-20])
    before = replay(lines(tmp_path, TODAY))
    assert before.damaged > 0
    written(tmp_path, Day(3).decisions(10.0))
    found = replay(lines(tmp_path, TODAY))
    assert found.decisions > before.decisions > 0
    assert found.equal == found.decisions


def test_hostile_bytes_are_damage_and_no_crash(tmp_path: Path):
    path = tmp_path / f"{TODAY}.ndjson.gz"
    path.write_bytes(
        b"\x00garbage" + gzip.compress(b'{"at": 1}\n[1]\nnot json\n{"law": "x"}\n')
    )
    found = replay(lines(tmp_path, TODAY))
    assert found.decisions == 0
    assert found.damaged >= 4


def test_a_diary_of_another_version_is_refused(tmp_path: Path):
    line = orjson.dumps({"version": codec.VERSION + 1})
    (tmp_path / f"{TODAY}.ndjson.gz").write_bytes(gzip.compress(line))
    with pytest.raises(ConfigError, match="version 2, ours is 1"):
        replay(lines(tmp_path, TODAY))


def test_a_day_that_was_not_recorded_names_those_that_were(tmp_path: Path):
    written(tmp_path, Day(2).decisions(3.0))
    with pytest.raises(StoreError, match="there are 2026-11-24 to 2026-11-24"):
        list(lines(tmp_path, date(2026, 1, 1)))


def test_old_days_go_and_a_day_is_bounded(tmp_path: Path):
    """A full disk would stop the database beside it."""
    for shift in (1, 2, 3):
        (tmp_path / f"{TODAY - timedelta(days=shift)}.ndjson.gz").write_bytes(b"")
    (tmp_path / "keep.txt").write_text("not ours")
    meter = MemoryMeter()
    limits = {"keep_days": 2, "most_bytes": 4000}
    written(tmp_path, Day(2).decisions(30.0), meter=meter, **limits)
    assert days(tmp_path) == [TODAY - timedelta(days=2), TODAY - timedelta(days=1), TODAY]
    assert (tmp_path / "keep.txt").exists()
    assert (tmp_path / f"{TODAY}.ndjson.gz").stat().st_size < 12_000
    assert meter.value("dialer_pacing_diary_dropped_total") > 0


def test_a_folder_that_cannot_be_written_is_said_and_dialing_goes_on(tmp_path: Path):
    (tmp_path / "file").write_text("")
    diary = DiaryFiles(tmp_path / "file" / "pacing", MemoryMeter())
    diary.note(next(Day(2).decisions(3.0)))
    with pytest.raises(StoreError, match="check the folder"):
        diary.write(START)
