"""R6.2: fifty people add stops while four daemons dial one base.

The judge is the switch's own record, which knows nothing of stops: each line is one write at
the moment of the originate, so a line behind the record's length at the answer is a call too
many.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import gevent
import orjson
import pytest

from dialer.app import SystemClock, make_hopper, make_ledger, make_presence
from dialer.cli.rehearsal import Rehearsal, Rehearsed, end
from dialer.cli.robots import Robots
from dialer.core.model import InstanceName
from dialer.engine.stopping import Enforced, stop_everywhere
from dialer.ledger.store import PostgresLedger
from dialer.settings.columns import ColumnMapping
from dialer.settings.csv_rows import open_contacts
from dialer.settings.phones import PhoneReader
from tests.system.commands import free_port
from tests.system.conftest import CAMPAIGN, CONFIG

pytestmark = [pytest.mark.system, pytest.mark.timeout(280)]

#: A second of the world lasts 100 ms: it rings for some seconds of ours.
SCALE = 0.1
PEOPLE, WRITERS, DAEMONS, STOPS = 1_200, 50, 4, 100


class Answered(NamedTuple):
    """One stop: the phone, how long the record was when its answer came, the answer."""

    digits: str
    record_bytes: int
    enforced: Enforced


def phone(n: int) -> str:
    return f"+7495{1_000_000 + n}"


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    people = "".join(
        f"  op{n}: {{extension: {100 + n}, groups: [sales]}}\n" for n in range(DAEMONS * 6)
    )
    config = tmp_path / "dialer.yaml"
    (tmp_path / "crash.yaml").write_text(
        CAMPAIGN.replace("{mode}", "progressive").replace("20s", "2m"), encoding="utf-8"
    )
    config.write_text(CONFIG + people + "campaigns: crash.yaml\n", encoding="utf-8")
    rows = "".join(f"Contact {n},{phone(n)}\n" for n in range(PEOPLE))
    (tmp_path / "base.csv").write_text("name,phone\n" + rows, encoding="utf-8")
    world = tmp_path / "world.yaml"
    # They let it ring long: a stop shall meet calls that are being set up.
    world.write_text("callees: {ring_median_s: 100, talk_median_s: 6}\n", encoding="utf-8")
    with Rehearsal(
        Rehearsed(
            config=config,
            campaign_files=(),
            operators=None,
            seed=7,
            time_scale=SCALE,
            world=world,
        )
    ) as begun:
        ledger = make_ledger(begun.loaded.settings, migrate=True)
        ledger.open()
        contacts = open_contacts(tmp_path / "base.csv", ColumnMapping(), PhoneReader())
        ledger.import_rows("base", contacts.rows(), source="test", now=datetime.now(UTC))
        ledger.close()
        yield begun


@pytest.fixture
def daemons(rehearsal: Rehearsal) -> Iterator[None]:
    """Four of them on one base and one switch, each with six operators."""
    settings = rehearsal.loaded.settings
    operators = sorted(settings.operators)
    processes, greenlets = [], []
    with rehearsal.log.open("wb") as errors:
        for n in range(DAEMONS):
            name = f"d{n}"
            own = {"DIALER_NAME": name, "DIALER_HTTP_LISTEN": f"127.0.0.1:{free_port()}"}
            words = [sys.executable, "-m", "dialer", "run", "--config", str(rehearsal.config)]
            environ = rehearsal.environment | own
            processes.append(subprocess.Popen(words, stderr=errors, env=environ))
            robots = Robots(
                make_presence(settings),
                InstanceName(name),
                operators[n::DAEMONS],
                seed=n,
                time_scale=SCALE,
            )
            greenlets.append(gevent.spawn(robots.run))
    try:
        yield
    finally:
        gevent.killall(greenlets)
        for process in processes:
            process.terminate()
        for process in processes:
            end(process, patience_s=0.5)  # their talks are not what is looked at


def test_no_originate_for_a_phone_whose_stop_was_answered_before(
    rehearsal: Rehearsal, daemons: None
) -> None:
    wait_for_calls(rehearsal, 20)
    wait_for_all_daemons(rehearsal)
    settings = rehearsal.loaded.settings
    ledger = make_ledger(settings)
    ledger.open()
    try:
        answers = stop_many(rehearsal, ledger)
    finally:
        ledger.close()
    wait_for_calls(rehearsal, len(originated(rehearsal)) + 5)
    assert len(answers) == STOPS
    dialed = {one["destination"][-10:] for one in originated(rehearsal)}
    spared = [one for one in answers if one.digits[-10:] not in dialed]
    assert spared, "every stop came after its call: nothing was put to the test"
    wrong = [*called_after(rehearsal, answers), *rang_on(rehearsal, answers)]
    assert not wrong, "\n".join(wrong)
    assert any(one.enforced.cancelled for one in answers), "no stop met a call being set up"


def stop_many(rehearsal: Rehearsal, ledger: PostgresLedger) -> list[Answered]:
    """The writers at once, each with stops of its own, on phones near the head of the list."""
    settings = rehearsal.loaded.settings
    clock, chance = SystemClock(), random.Random(11)
    waiting = chance.sample(range(PEOPLE), PEOPLE)
    answers: list[Answered] = []

    def write(stops: int) -> None:
        presence, hopper = make_presence(settings), make_hopper(settings)
        for turn in range(stops):
            # Half of them somebody who is being called at this moment.
            digits = ringing_now(rehearsal, chance) if turn % 2 else None
            known = ledger.find_or_add_phone(digits := digits or phone(waiting.pop()))
            ledger.add_stop(known, origin="race", now=datetime.now(UTC))
            enforced = stop_everywhere(ledger, hopper, presence, clock, [known])
            answers.append(Answered(digits, rehearsal.record.stat().st_size, enforced))

    writers = [gevent.spawn(write, STOPS // WRITERS) for _ in range(WRITERS)]
    gevent.joinall(writers, timeout=60, raise_error=True)
    return answers


def ringing_now(rehearsal: Rehearsal, chance: random.Random) -> str | None:
    """Somebody whose call was begun and has not ended, by the record."""
    open_calls: dict[str, str] = {}
    for line in rehearsal.records():
        if line.get("attempt") and line["event"] == "originated":
            open_calls[line["uuid"]] = f"+7{line['destination'][-10:]}"
        open_calls.pop(line["uuid"] if line["event"] == "ended" else "", None)
    return chance.choice(list(open_calls.values())[-8:]) if open_calls else None


def originated(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    return [
        one
        for one in rehearsal.records()
        if one["event"] == "originated" and one.get("attempt")
    ]


def wait_for_all_daemons(rehearsal: Rehearsal) -> None:
    """Each of them dials: on a quick machine three have called twenty before the last is up."""

    def dialing() -> set[str]:
        return {one["instance"] for one in originated(rehearsal)}

    with gevent.Timeout(60.0, RuntimeError(f"only some of the {DAEMONS} daemons dial")):
        while len(dialing()) < DAEMONS:
            gevent.sleep(0.1)


def wait_for_calls(rehearsal: Rehearsal, calls: int) -> None:
    with gevent.Timeout(90, AssertionError(f"never {calls} calls")):
        while len(originated(rehearsal)) < calls:
            gevent.sleep(0.1)


def lines_with_places(rehearsal: Rehearsal) -> Iterator[tuple[int, dict[str, Any]]]:
    """(where the line begins in the record, the line)."""
    place = 0
    for line in rehearsal.record.read_bytes().splitlines(keepends=True):
        yield place, orjson.loads(line)
        place += len(line)


def called_after(rehearsal: Rehearsal, answers: list[Answered]) -> Iterator[str]:
    """Originates that the switch noted behind an answer; of the intents' promise."""
    by_number = {one.digits[-10:]: one for one in answers}
    for place, line in lines_with_places(rehearsal):
        answer = by_number.get(str(line.get("destination", ""))[-10:])
        late = answer is not None and place >= answer.record_bytes
        # A call that was committed before the stop, by a daemon that did not confirm in time,
        # was told of.
        told = answer is not None and answer.enforced.may_ring_until is not None
        if line["event"] == "originated" and late and not told:
            yield f"originated behind the answer: {line['attempt']}"


def rang_on(rehearsal: Rehearsal, answers: list[Answered]) -> Iterator[str]:
    """Calls still being set up when the answer came: they end unanswered behind it."""
    by_number = {one.digits[-10:]: one for one in answers}
    for place, line in lines_with_places(rehearsal):
        answer = by_number.get(str(line.get("destination", ""))[-10:])
        if answer is None or line["event"] != "ended" or place < answer.record_bytes:
            continue
        if line["answered_at"] is None and answer.enforced.may_ring_until is None:
            yield f"rang behind the answer: {line['attempt']}"
