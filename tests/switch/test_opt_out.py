"""The key in the recorded message, on a real FreeSWITCH: the script on the leg hears it.

Losing these, a person presses 9, believes that he is left in peace, and is called again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import psycopg
import pytest

from tests.switch.callees import number
from tests.switch.driven import Driven
from tests.switch.instances import Instances
from tests.switch.witness import Seen, Witness

Drive = Callable[..., Driven]
SILENCE_S, MESSAGE_S = 1.8, 2.0

pytestmark = pytest.mark.timeout(90)


def drive_without_operators(drive: Drive) -> Driven:
    """One operator who is in a talk: whoever answers next hears the message."""
    numbers = [number("long_talk", 1, tenths=2), number("opts_out", 1, tenths=12)]
    cap = "abandonment: {limit: 99 %}\n"
    return drive(numbers, operators=1, ratio=4.0, extra_campaign=cap)


def the_one(witness: Witness) -> Seen | None:
    found = [one for one in witness.customers() if one.number.endswith("4952712001")]
    return found[0] if found else None


def stops(driven: Driven) -> list[tuple[Any, ...]]:
    with psycopg.connect(driven.settings.postgresql_dsn) as connection:
        return connection.execute(
            "SELECT s.category, s.origin, a.id::text, a.opt_out_key, a.disposition"
            " FROM stops AS s JOIN attempts AS a USING (phone_id)"
        ).fetchall()


def remembered(instances: Instances) -> list[str]:
    with instances.switch.wire() as wire:
        lines = wire.api("global_getvar").splitlines()
    return [line for line in lines if line.startswith("dialer_opt_out_")]


def check_message_was_heard_to_its_end(seen: Seen) -> None:
    assert seen.answered_at is not None
    assert seen.ended_at is not None
    assert seen.ended_at - seen.answered_at > SILENCE_S + MESSAGE_S - 0.1
    assert seen.bridges == []


def test_the_key_stops_the_phone_before_the_message_has_ended(
    drive: Drive, witness: Witness, instances: Instances
) -> None:
    """Another key before it does nothing; the message goes on to its end after it."""
    driven = drive_without_operators(drive)
    driven.wait_for("a stop", lambda: bool(stops(driven)))
    seen = the_one(witness)
    assert seen is not None
    assert seen.ended_at is None  # he still listens
    driven.wait_for("all over", lambda: driven.settled(2), 30.0)
    check_message_was_heard_to_its_end(seen)
    stop = ("never", "key during the message", seen.uuid, True, "abandoned")
    assert stops(driven) == [stop]
    assert remembered(instances) == []  # it stands in the ledger: the switch may forget it


def test_a_key_pressed_while_the_daemon_is_dead_is_not_lost(
    drive: Drive, witness: Witness, instances: Instances
) -> None:
    """kill -9 in the silence, the call is over before the successor starts."""
    driven = drive_without_operators(drive)

    def answered() -> bool:
        seen = the_one(witness)
        return seen is not None and seen.answered_at is not None

    driven.wait_for("his answer", answered)
    driven.kill()
    seen = the_one(witness)
    assert seen is not None
    wait_for_end(seen)
    check_message_was_heard_to_its_end(seen)
    assert stops(driven) == []
    assert len(remembered(instances)) == 1
    driven.start()
    driven.wait_for("results", lambda: driven.settled(2), 40.0)
    driven.wait_for("a stop", lambda: bool(stops(driven)))
    category, _, attempt, opted_out, disposition = stops(driven)[0]
    assert (category, attempt, opted_out) == ("never", seen.uuid, True)
    assert disposition in ("lost", "abandoned")
    driven.wait_for("forgotten", lambda: remembered(instances) == [], 5.0)


def wait_for_end(seen: Seen) -> None:
    with gevent.Timeout(20.0):
        while seen.ended_at is None:
            gevent.sleep(0.05)
