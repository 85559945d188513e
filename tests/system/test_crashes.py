"""Killed, cut off, robbed of its stores: nobody is dialed twice, nobody is lost.

Each test ends with the books (`books.balance`): PostgreSQL against the switch's own record. A
step of the walk is held by stopping (SIGSTOP) the server that it waits for; the daemon is
killed there.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import gevent
import pytest

from tests.system.books import Books, balance
from tests.system.conftest import Run

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]

#: No disposition of this campaign lets a phone be dialed again sooner (a busy one: ten
#: minutes).
LEAST_GAP_S = 55.0


def finish(run: Run) -> Books:
    run.wait_for("the daemon at work again", run.daemon_runs)
    run.rehearsal.drain()
    books = balance(run.rehearsal, least_gap_s=LEAST_GAP_S)
    assert not books.wrong, "\n".join(books.wrong[:20])
    assert books.open_attempts == 0
    return books


def test_an_undisturbed_run_balances(run: Callable[..., Run]) -> None:
    """The measure itself: without a crash no attempt may be lost."""
    begun = run()
    begun.wait_for_calls(150)
    books = finish(begun)
    assert books.attempts == books.channels
    assert "lost" not in books.dispositions
    talked, abandoned = books.dispositions["talked"], books.dispositions["abandoned"]
    assert talked > 10 * abandoned, f"{abandoned} abandoned beside {talked} talks"


def test_killed_again_and_again_nobody_is_dialed_twice(run: Callable[..., Run]) -> None:
    """kill -9 at whatever moment: the successor resolves what was open, and goes on."""
    begun = run(contacts=600)
    for kills in range(1, 6):
        target = kills * 40
        begun.wait_for_calls(target)
        daemon = begun.rehearsal.daemon
        assert daemon is not None
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait()
        begun.wait_for_successor(daemon)
    books = finish(begun)
    assert begun.rehearsal.restarts == 5
    assert books.dispositions["talked"] > 0


@pytest.mark.parametrize("step", ["claim", "intent", "originate"])
def test_killed_at_a_step_nobody_is_dialed_twice(run: Callable[..., Run], step: str) -> None:
    """The daemon stands in this step, because its partner does not answer, and is killed
    there.
    """
    begun = run()
    rehearsal = begun.rehearsal
    begun.wait_for_calls(30)
    partner = {
        "claim": rehearsal.redis.pid,
        "intent": rehearsal.postgres.pid,
        "originate": rehearsal.switch.pid,
    }[step]
    daemon = rehearsal.daemon
    assert daemon is not None
    for pid in _family(partner):
        os.kill(pid, signal.SIGSTOP)
    try:
        gevent.sleep(0.5)  # long enough for each greenlet to come to wait for this partner
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait()
    finally:
        for pid in _family(partner):
            with suppress(ProcessLookupError):  # ended meanwhile; its parent, first, saw it
                os.kill(pid, signal.SIGCONT)
    begun.wait_for_successor(daemon)
    before = begun.dialed()
    begun.wait_for_calls(before + 40)
    finish(begun)


def test_redis_loses_everything_nobody_is_dialed_twice(run: Callable[..., Run]) -> None:
    """An empty Redis comes up in the middle of it: rebuilt from PostgreSQL before the next
    call.
    """
    begun = run()
    begun.wait_for_calls(50)
    begun.rehearsal.redis.kill()
    begun.rehearsal.redis.restart()
    before = begun.dialed()
    begun.wait_for_calls(before + 40)
    finish(begun)


def test_postgresql_dies_and_comes_back(run: Callable[..., Run]) -> None:
    """No commit, no call; results wait and are written when it is back."""
    begun = run()
    begun.wait_for_calls(50)
    begun.rehearsal.postgres.kill()
    gevent.sleep(1.0)
    begun.rehearsal.postgres.restart()
    before = begun.dialed()
    begun.wait_for_calls(before + 40)
    finish(begun)


def _family(pid: int) -> list[int]:
    """The process and its children (PostgreSQL answers from a process per connection)."""
    family = [pid]
    for entry in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        try:
            stat = (entry / "stat").read_text(encoding="ascii", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat.rpartition(")")[2].split()[1]) in family:
            family.append(int(entry.name))
    return family
