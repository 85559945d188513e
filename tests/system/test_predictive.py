"""Predictive in a whole daemon that is killed: all books balance, those of the cap, too, and
what was recorded is decided again, bit by bit.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from dialer.diary.files import days, lines
from dialer.diary.replay import replay
from tests.system.books import balance
from tests.system.conftest import Run

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]

#: What failed at one carrier goes over the other one a second later.
LEAST_GAP_S = 0.9


def test_killed_twice_its_books_balance_and_its_day_is_replayed(
    run: Callable[..., Run],
) -> None:
    """A drop that a crash forgets would be spent twice; a decision that cannot be made again
    cannot be explained to anybody.
    """
    begun = run(contacts=500, mode="predictive")
    for target in (60, 120):
        begun.wait_for_calls(target)
        daemon = begun.rehearsal.daemon
        assert daemon is not None
        os.kill(daemon.pid, signal.SIGKILL)
        daemon.wait()
        begun.wait_for_successor(daemon)
    begun.wait_for_calls(220)
    begun.wait_for("the daemon at work again", begun.daemon_runs)
    begun.rehearsal.drain()
    books = balance(begun.rehearsal, least_gap_s=LEAST_GAP_S)
    assert not books.wrong, "\n".join(books.wrong[:20])
    assert books.open_attempts == 0
    assert books.dispositions["talked"] > 20
    folder = Path(begun.rehearsal.environment["DIALER_STATE"]) / "pacing" / "crash"
    found = [replay(lines(folder, day)) for day in days(folder)]
    assert sum(one.decisions for one in found) > 20
    assert all(one.equal == one.decisions for one in found), found[0].first
    assert sum(one.launched[0] for one in found) > 150
