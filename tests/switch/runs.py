"""How large the runs are, and how each of them ends.

DIALER_SWITCH_FULL=1 takes a quarter of an hour: 1,000 contacts of all kinds, 2,000 who hang up
at once, a socket cut for 30 s, a client that gets stuck. Without it the same in two minutes,
but for the stuck client (it takes 100,000 events to get stuck).
"""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.switch.driven import Driven
from tests.switch.witness import Witness

FULL = os.environ.get("DIALER_SWITCH_FULL") == "1"
CONTACTS = 1_000 if FULL else 200
VANISH = 2_000 if FULL else 105
CUT_S = 30.0 if FULL else 6.0
RATE = 10.0  # two cores carry both switches, the daemon and this

Drive = Callable[..., Driven]


def finish(driven: Driven, witness: Witness) -> None:
    """Everybody logs out, the daemon drains: nothing of it is left on the switch."""
    assert not driven.logged("event not in the state table")
    driven.log_out()
    driven.stop()
    assert driven.daemon is not None
    assert driven.daemon.returncode == 0
    assert not witness.left_on_switch()
