"""One look of the daemon at a group: what it reads of operators and calls, and the decision.

The loop stands still for so long, and bridges wait. `python -m benchmarks pacing` times the
decision alone, from the events' bins; here everything is read anew from a thousand operators
and five thousand live calls. Nothing is launched: the picture stays as it is.
"""

from __future__ import annotations

import random
from datetime import date
from typing import Any

from benchmarks.pacing import Clocks, clocks, figures
from dialer.core.calls.attempt_value import Attempt, AttemptState, CallRules
from dialer.core.calls.operators import Operator, OperatorState
from dialer.core.model import (
    AttemptId,
    CampaignName,
    Claimed,
    Mode,
    Moment,
    NumberId,
    OperatorId,
)
from dialer.core.pacing import tracker
from dialer.core.pacing.decide import decide_group
from dialer.ports import WindowCounts
from tests.engine.house import CARRIER, SALES, House, campaign, entry, gateway, plan, profile

ROUNDS = 1_000
STEP_S = 0.005


def run() -> dict[str, Any]:
    """Milliseconds: median and p99 of the whole look."""
    return {
        "1,000 operators, 5,000 calls": _looks(1_000, 5_000, 1),
        "the same, of ten campaigns": _looks(1_000, 5_000, 10),
        "10 operators, 25 calls": _looks(10, 25, 1),
    }


def _looks(operators: int, calls: int, campaigns: int) -> dict[str, float]:
    home = _house(operators, calls, campaigns)
    lookout = home.daemon.pacer._lookout
    took: list[Clocks] = []
    active = list(home.calls.campaigns.values())
    # Time goes a hundred times slower than in service, or the calls would grow old; level and
    # law are made anew after as many looks as there.
    tracker.LAW_S, tracker.LEVEL_S = 10 * STEP_S, 4 * STEP_S
    for _ in range(ROUNDS):
        now = home.clock.move(STEP_S)
        began = clocks()
        team, _ = lookout.team(SALES, active, now)
        decide_group(team)
        took.append(clocks() - began)
    return figures(took)


def _house(operators: int, calls: int, campaigns: int) -> House:
    """One of twenty is ready, one of five in wrap-up, the others talk; all calls ring."""
    profiles = {OperatorId(f"o{n}"): profile(f"o{n}") for n in range(operators)}
    names = [CampaignName(f"c{n}") for n in range(campaigns)]
    home = House(
        plan(
            campaigns={name: campaign(name, mode=Mode.PREDICTIVE) for name in names},
            operators=profiles,
            gateways={CARRIER: gateway(calls_at_once=100_000)},
            switch_calls_at_once=100_000,
        )
    )
    home.books.counts = WindowCounts(answered=10_000, connected=10_000)
    now, chance = home.clock.now(), random.Random(1)
    home.daemon.pacing.caps.refresh(now)

    def ago(seconds: float) -> Moment:
        return Moment(now.mono_s - seconds, now.wall)

    for number, name in enumerate(profiles):
        state = OperatorState.TALKING
        if number % 20 == 0:
            state = OperatorState.READY
        elif number % 5 == 0:
            state = OperatorState.WRAPUP
        since = ago(chance.expovariate(1 / 90))
        home.calls.put_operator(Operator(id=name, state=state, since=since, idle_since=now))
    for number, age_s in enumerate(sorted(chance.uniform(0, 20) for _ in range(calls))[::-1]):
        _ring(home, names[number % campaigns], number, ago(age_s))
    return home


def _ring(home: House, name: CampaignName, number: int, at: Moment) -> None:
    key = AttemptId(f"a{number}")
    claimed = Claimed(
        attempt_id=key,
        entry=entry(number, name),
        number=NumberId("+74950000101"),
        number_day=date(2026, 11, 24),
        gateway=CARRIER,
    )
    home.calls.put_attempt(
        Attempt(
            claimed=claimed,
            rules=CallRules(),
            state=AttemptState.RINGING,
            deadline_at=None,
            claimed_at=at,
            dialed_at=at,
            rang_at=at,
        )
    )
    home.daemon.books.launched(home.calls.campaigns[name], [claimed], [0.02], at)
