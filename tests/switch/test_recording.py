"""Recording, announcement, masking and beep on a real FreeSWITCH, heard at the phones.

Losing these, talks are believed recorded and are not, card numbers stay in the files, or a
customer hears what is meant for the operator.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import psycopg
import pytest
from psycopg.rows import dict_row

from tests.switch.callees import number
from tests.switch.driven import Driven
from tests.switch.instances import FIRST_EXTENSION, MESSAGE, Instances
from tests.switch.sounds import LOUD, Ear, loudest
from tests.switch.witness import Witness

Drive = Callable[..., Driven]
#: The square wave of MESSAGE, the beep, what the customer says.
ANNOUNCED_HZ, BEEP_HZ, SAID_HZ = 400, 900, 1500  # no harmonics of one another

EMPTY = 44  # a header and no sound

pytestmark = pytest.mark.timeout(90)


def recorded(drive: Drive, folder: Path, numbers: list[str], **options: Any) -> Driven:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    extra = f"recordings: {{folder: {folder}, min_free: 1 MB}}\n"
    campaign = options.pop("extra_campaign", "")
    return drive(numbers, extra=extra, extra_campaign=f"record: true\n{campaign}", **options)


def rows(driven: Driven) -> list[dict[str, Any]]:
    with psycopg.connect(driven.settings.postgresql_dsn, row_factory=dict_row) as connection:
        return connection.execute(
            "SELECT *, attempt_id::text AS attempt FROM recordings"
        ).fetchall()


def finished(driven: Driven, count: int) -> bool:
    return len(rows(driven)) >= count and all(row["state"] != "started" for row in rows(driven))


def talk_ms(driven: Driven) -> float:
    """Of the only attempt, from its bridge to its end."""
    with psycopg.connect(driven.settings.postgresql_dsn) as connection:
        row = connection.execute(
            "SELECT extract(epoch FROM ended_at - bridged_at) * 1000 FROM attempts"
        ).fetchone()
    assert row is not None
    return float(row[0])


def beeping(driven: Driven) -> None:
    """The group of the driven configuration beeps."""
    config = driven.config.read_text(encoding="utf-8")
    config = config.replace("wrapup: 1s", f"wrapup: 1s, beep: {BEEP_HZ} Hz 300ms")
    driven.config.write_text(config, encoding="utf-8")


def test_a_talk_is_recorded_announced_masked_and_beeped(
    drive: Drive, witness: Witness, instances: Instances
) -> None:
    """One talk, listened to at both phones and in its file."""
    folder = instances.folder / "recordings"
    announced = f"announce: {MESSAGE}\n"
    to = number("long_talk", 3, tenths=9)
    driven = recorded(
        drive, folder, [to], operators=1, ratio=1.0, extra_campaign=announced, change=beeping
    )
    with instances.carrier.wire() as wire:
        driven.wait_for("the phone at work", lambda: driven.states()["ready"] == 1)
        operator = Ear(instances, wire, str(FIRST_EXTENSION))
        driven.wait_for("his ringing", lambda: bool(witness.customers()))
        customer = Ear(instances, wire, to[-7:])
        driven.wait_for("the talk", lambda: bool(witness.talking()))
        gevent.sleep(2.5)  # the announcement ends
        assert driven.tell("operator.mask", operator="op0")["ok"]
        customer.say(SAID_HZ, 600)
        gevent.sleep(1.0)
        assert driven.tell("operator.unmask", operator="op0")["ok"]
        customer.say(SAID_HZ + 200, 600)
        gevent.sleep(1.0)
        heard = {
            who: [ear.heard(hz) for hz in (ANNOUNCED_HZ, BEEP_HZ, SAID_HZ)]
            for who, ear in (("operator", operator), ("customer", customer))
        }
    driven.wait_for("its file", lambda: finished(driven, 1), 30.0)
    driven.wait_for("its end", lambda: driven.settled(1), 30.0)  # written by another box
    assert [level > LOUD for level in heard["operator"]] == [True, True, True], heard
    assert [level > LOUD for level in heard["customer"]] == [True, False, False], heard
    (row,) = rows(driven)
    file = folder / row["path"]
    assert (row["state"], row["operator"], len(row["masks"])) == ("kept", "op0", 2)
    assert row["attempt"] == witness.customers()[0].uuid
    assert row["sha256"] == hashlib.sha256(file.read_bytes()).digest()
    assert row["bytes"] == file.stat().st_size
    assert talk_ms(driven) - 1_500 < row["duration_ms"] <= talk_ms(driven) + 100
    left, right = 0, 1  # customer, operator
    assert loudest(file, right, ANNOUNCED_HZ) > LOUD  # that it was announced can be heard
    assert loudest(file, left, SAID_HZ) < LOUD / 50  # masked
    assert loudest(file, left, SAID_HZ + 200) > LOUD


def test_short_talks_leave_no_leg_behind(
    drive: Drive, witness: Witness, instances: Instances
) -> None:
    """uuid_record raced with hang-ups made legs that never end (freeswitch.md 3.5)."""
    kinds = ["gone_after_100", "gone_after_60", "gone_after_80", "talk"]
    numbers = [number(kinds[n % 4], n) for n in range(40)]
    folder = instances.folder / "short"
    driven = recorded(drive, folder, numbers, operators=10, ratio=2.0)
    driven.wait_for("all called", lambda: driven.settled(40), 60.0)
    driven.wait_for("all files", lambda: finished(driven, 10), 20.0)
    bridged = {one.uuid for one in witness.customers() if one.bridges}
    told = rows(driven)
    assert {row["attempt"] for row in told} <= bridged
    for row in told:
        file = folder / row["path"]
        size = file.stat().st_size if file.is_file() else 0
        assert (row["state"] == "kept") is (size > EMPTY), (row["failure"], size)
    long_enough = {one.uuid for one in witness.customers() if "495100" in one.number}
    assert {row["attempt"] for row in told if row["state"] == "kept"} >= long_enough
    driven.log_out()
    driven.stop()
    assert not witness.left_on_switch()


def test_a_talk_that_outlives_the_daemon_is_recorded_to_its_end(
    drive: Drive, witness: Witness, instances: Instances
) -> None:
    """kill -9 in the talk: the switch records on, the successor finds the file and its row."""
    folder = instances.folder / "outlived"
    driven = recorded(drive, folder, [number("long_talk", 5)], operators=1, ratio=1.0)
    driven.wait_for("the talk", lambda: bool(witness.talking()))
    driven.wait_for("its row", lambda: bool(rows(driven)))
    driven.kill()
    gevent.sleep(1.0)
    driven.start()
    driven.wait_for("its file", lambda: finished(driven, 1), 40.0)
    (row,) = rows(driven)
    assert row["state"] == "kept"
    assert row["duration_ms"] > 10_000


def test_a_folder_that_vanishes_stops_the_campaign_that_says_so(
    drive: Drive, witness: Witness, instances: Instances
) -> None:
    """The rule `stop_dialing`: nobody is called whose talk could not be recorded."""
    folder = instances.folder / "vanished"
    numbers = [number("talk", n) for n in range(2)]
    rule = "when_full: stop_dialing\n"
    driven = recorded(drive, folder, numbers, operators=2, extra_campaign=rule)
    driven.wait_for("all called", lambda: driven.settled(2), 30.0)
    driven.wait_for("files", lambda: finished(driven, 2), 20.0)
    folder.rename(instances.folder / "elsewhere")
    driven.wait_for("the trouble", lambda: "is not there" in str(driven.status()["recordings"]))
    driven.add([number("talk", 9)])
    driven.wait_for("held back", lambda: driven.binding() == "recording", 10.0)
    gevent.sleep(1.0)
    assert len(witness.customers()) == 2
    folder.mkdir()
    folder.chmod(0o777)
    driven.wait_for("called after all", lambda: driven.settled(3), 30.0)
