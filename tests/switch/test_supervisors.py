"""Listen, whisper, barge on a real FreeSWITCH, heard at three phones over two talks.

Losing these, a customer hears what his operator is told, or a supervisor costs a talk.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import psycopg
import pytest

from tests.switch.callees import number
from tests.switch.driven import Driven
from tests.switch.instances import DOMAIN, FIRST_EXTENSION, Instances
from tests.switch.sounds import LOUD, Ear
from tests.switch.witness import Witness

Drive = Callable[..., Driven]
SUPERVISOR = FIRST_EXTENSION + 35
#: By mode; no harmonics of one another. The customer's own comes last.
SAYS_HZ = {"listen": 500, "whisper": 700, "barge": 1100}
CUSTOMER_HZ = 1700

pytestmark = pytest.mark.timeout(120)


def supervise(driven: Driven, mode: str) -> dict[str, Any]:
    endpoint = f"user/{SUPERVISOR}@{DOMAIN}"
    words = {"operator": "op0", "supervisor": "boss", "endpoint": endpoint, "mode": mode}
    return driven.tell("supervise", **words)


def log_of(driven: Driven) -> list[tuple[Any, ...]]:
    with psycopg.connect(driven.settings.postgresql_dsn) as connection:
        return connection.execute(
            "SELECT step, mode, operator, supervisor FROM supervisions ORDER BY id"
        ).fetchall()


def test_the_supervisor_is_heard_by_those_who_shall_and_follows_to_the_next_talk(
    drive: Drive, witness: Witness, instances: Instances
) -> None:
    first, second = number("long_talk", 1, tenths=20), number("long_talk", 2, tenths=20)
    driven = drive([first, second], operators=1, ratio=1.0)
    with instances.carrier.wire() as wire:
        driven.wait_for("the talk", lambda: bool(witness.talking()))
        assert supervise(driven, "listen") == {"ok": True}
        driven.wait_for("his ear", lambda: [one[0] for one in log_of(driven)][-1:] == ["begun"])
        boss = Ear(instances, wire, str(SUPERVISOR))
        operator = Ear(instances, wire, str(FIRST_EXTENSION))
        customer = Ear(instances, wire, first[-7:])
        for mode, says_hz in SAYS_HZ.items():
            assert supervise(driven, mode) == {"ok": True}
            gevent.sleep(0.3)
            boss.say(says_hz, 400)
            gevent.sleep(0.8)
        heard = {
            who: [ear.heard(hz) > LOUD for hz in SAYS_HZ.values()]
            for who, ear in (("operator", operator), ("customer", customer))
        }
        assert heard == {"operator": [False, True, True], "customer": [False, False, True]}
        driven.wait_for("the first is over", lambda: not witness.talking(), 30.0)
        driven.wait_for("the next talk", lambda: bool(witness.talking()), 30.0)
        Ear(instances, wire, second[-7:]).say(CUSTOMER_HZ, 400)
        gevent.sleep(0.8)
        assert boss.heard(CUSTOMER_HZ) > LOUD
        assert len(witness.operators()) == 1  # he is none of them
        wire.api(f"uuid_kill {boss.uuid}")
    driven.wait_for("his end", lambda: log_of(driven)[-1][0] == "ended")
    assert witness.talking()  # the talk goes on without him
    assert log_of(driven) == [
        (step, mode, "op0", "boss")
        for step, mode in (
            ("asked", "listen"),
            ("begun", "listen"),
            ("mode", "listen"),
            ("mode", "whisper"),
            ("mode", "barge"),
            ("ended", "barge"),
        )
    ]
    driven.wait_for("both", lambda: driven.settled(2), 30.0)
    assert {row["disposition"] for row in driven.attempts()} == {"talked"}
