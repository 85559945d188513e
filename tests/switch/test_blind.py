"""A switch that carries out what it is told and tells nothing: noticed within 3 s, not dialed.

A blind dialer goes on calling people whom nobody hears answer (proofs 8).
"""

from __future__ import annotations

import os
import signal
import time
from datetime import datetime

import gevent
import pytest
import structlog

from tests.switch.books import compare, dispositions
from tests.switch.callees import number
from tests.switch.driven import Driven
from tests.switch.instances import Instances
from tests.switch.runs import FULL, Drive, finish
from tests.switch.stuck import SILENCE_S, Pulse, StuckClient, flood
from tests.switch.witness import Witness

log = structlog.get_logger(__name__)

NOTICED_S = 3.0
PER_S = 3.0

pytestmark = pytest.mark.timeout(900)


def blind_at(driven: Driven) -> float | None:
    """When the daemon said so (epoch seconds)."""
    told = driven.logged("switch is blind: nothing is originated")
    return datetime.fromisoformat(told[-1]["timestamp"]).timestamp() if told else None


def numbers(first: int, count: int) -> list[str]:
    return [number("talk", (first + n) % 1000) for n in range(count)]


def goes_on(driven: Driven, witness: Witness, since: float, until: float) -> None:
    """Nobody was dialed in between; afterwards dialing goes on, and the books are right.

    Instants of what was told late are the daemon's own, and late; who hung up unheard before a
    hand-over talked with nobody.
    """
    driven.wait_for("an open gate", lambda: not held_back(driven), 20.0)
    rows = driven.attempts()
    committed = [row["committed_at"].timestamp() for row in rows]
    assert not [at for at in committed if since + 0.2 < at < until]
    before = len(rows)
    driven.add([number("longer_talk", n) for n in range(6)])
    driven.wait_for("dialing goes on", lambda: driven.settled(before + 6), 90.0)
    late = ("_at ", " is none of ")
    wrong = [one for one in compare(driven, witness) if not any(word in one for word in late)]
    assert not wrong, "\n".join(wrong[:20])
    log.info("blind", **dispositions(driven))
    finish(driven, witness)


def held_back(driven: Driven) -> bool:
    return any(one["held_back_by"] for one in driven.presence.statuses().values())


def test_a_frozen_switch_is_noticed_and_nothing_is_originated(
    drive: Drive, witness: Witness, instances: Instances
) -> None:
    driven = drive(numbers(0, 12), operators=8, calls_per_s=PER_S, ratio=1.0)
    driven.wait_for("a talk", lambda: bool(witness.talking()))
    os.kill(instances.switch.pid, signal.SIGSTOP)
    frozen_at = time.time()
    try:
        driven.wait_for("the daemon's word", lambda: blind_at(driven) is not None, 10.0)
        noticed_at = blind_at(driven) or 0.0
        driven.wait_for("it shown", lambda: held_back(driven), 5.0)
        gevent.sleep(1.0)
    finally:
        os.kill(instances.switch.pid, signal.SIGCONT)
    assert noticed_at - frozen_at <= NOTICED_S
    log.info("frozen", noticed_s=round(noticed_at - frozen_at, 2))
    goes_on(driven, witness, noticed_at, time.time())


@pytest.mark.skipif(not FULL, reason="a client is stuck after 100,000 events: a minute's work")
def test_somebody_elses_stuck_client_blinds_the_switch_and_is_noticed(
    drive: Drive, witness: Witness, instances: Instances
) -> None:
    """`bgapi` would still be carried out; the calls that were up are settled afterwards."""
    driven = drive(numbers(0, 4), operators=8, calls_per_s=PER_S, ratio=1.0)
    pulse = Pulse(instances.switch)
    busy = gevent.spawn(keep_busy, driven)
    try:
        with StuckClient(instances.switch):
            sent = flood(instances.switch, pulse)
            assert pulse.silent_s() > SILENCE_S, f"not blind after {sent} events"
            lost_sight_at = pulse.last_at
            driven.wait_for("the daemon's word", lambda: blind_at(driven) is not None, 10.0)
            noticed_at = blind_at(driven) or 0.0
            busy.kill()
            driven.wait_for("it shown", lambda: held_back(driven), 5.0)
            gevent.sleep(3.0)
            assert pulse.silent_s() > 3.0  # the switch is still blind
            until = time.time()
        log.info("stuck", events=sent, noticed_s=round(noticed_at - lost_sight_at, 2))
        assert noticed_at - lost_sight_at <= NOTICED_S
        goes_on(driven, witness, noticed_at, until)
        # What was ordered a moment before, a switch in trouble may carry out a second later.
        ordered = {
            row["id"]
            for row in driven.attempts()
            if row["committed_at"].timestamp() < noticed_at + 0.2
        }
        meanwhile = [one for one in witness.customers() if noticed_at < one.created_at < until]
        assert {one.uuid for one in meanwhile} <= ordered
    finally:
        busy.kill()
        pulse.close()


def keep_busy(driven: Driven) -> None:
    """People to call for as long as it takes until the switch is blind."""
    for first in range(4, 1_000, 4):
        gevent.sleep(3.0)
        driven.add(numbers(first, 4))
