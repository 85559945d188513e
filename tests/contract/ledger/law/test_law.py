"""Nobody is called against the law, and every refusal says the right reason and end.

`DIALER_LAW_ATTEMPTS=100000` drives so many attempts (docs/law.md says what came of it);
`DIALER_LAW_SEED` begins at another world.
"""

from __future__ import annotations

import os
import sys
from collections import Counter

import pytest

from tests.contract.ledger.law.drive import run
from tests.contract.ledger.world import World

ATTEMPTS = int(os.environ.get("DIALER_LAW_ATTEMPTS", "150"))
SEED = int(os.environ.get("DIALER_LAW_SEED", "1"))

#: A hundred attempts take a second or two; a full run some hours on a busy machine.
pytestmark = pytest.mark.timeout(60 + ATTEMPTS // 5)


def test_no_call_and_no_refusal_but_by_the_law(world: World) -> None:
    """Random worlds through feeder, queue, intents and endings, against the slow checker."""
    judged: Counter[str] = Counter()
    committed, seed = 0, SEED
    while committed < ATTEMPTS:
        most = min(2_000, ATTEMPTS - committed)
        drive = run(world, seed, attempts=most, people=30 if ATTEMPTS < 500 else 200)
        committed += drive.committed
        judged += drive.judged
        seed += 1
    sys.stdout.write(f"{committed} attempts, worlds {SEED}..{seed - 1}: {dict(judged)}\n")
    assert judged["offered"] >= committed
