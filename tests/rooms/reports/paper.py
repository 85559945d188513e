"""A small base made by hand, with everything that came of it worked out on paper.

Twelve people on the list; calls from 12:00 to 13:05 in Moscow (09:00 to 10:05 UTC), the report
is asked for at 14:00. `A` and `B` are the numbers shown.

    row  call   through  what came of it                              next
     1   12:00  A        talked 60 s with anna                        done
     2   12:10  A        talked 120 s with boris                      done
     3   12:20  A        answered, abandoned by us                    retry 15:00
     4   12:30  A        no answer                                    retry 15:00
     5   13:05  B        busy (486, Q.850 17)                         retry 14:30
     6   12:40  A        number dead (404, Q.850 1)                   archive
     7   12:45  A        carrier failure: charged to nobody           retry 15:00
     8   12:50  B        no answer, its last round                    check list
     9   12:55  A        still on the line                            open
    10                   no consent                                   held back
    11                                                                may be dialed
    12                   names hours from 18:00 on                    held back until then
    13                   a row that the import rejects
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

from dialer.core.model import (
    Campaign,
    Disposition,
    Evidence,
    GatewayName,
    InstanceName,
    Next,
    Number,
    NumberId,
    OperatorId,
    Window,
)
from dialer.ports import OperatorChange, RejectedRow
from dialer.reports.asked import ReportQuestion
from tests.contract.ledger.world import NOW, World, campaign, number, retry, row, verdict

A, B = NumberId("+74951230001"), NumberId("+78120000101")
ASKED_AT = NOW + timedelta(hours=2)
LATER = NOW + timedelta(hours=3)
EVENING = Window(frozenset(range(7)), time(18), time(21))
ALL_DAY = Window(frozenset(range(7)), time(9), time(21))
SPRING: Campaign = campaign(windows=(ALL_DAY,), default_zone="Europe/Moscow")
NUMBERS: tuple[Number, ...] = (
    number(soft_limit=5, hard_limit=8),
    number(id=B, region="Saint Petersburg", soft_limit=5, hard_limit=8),
)
QUESTION = ReportQuestion(
    until=ASKED_AT, numbers=NUMBERS, operators=[OperatorId("anna"), OperatorId("boris")]
)
HOSTILE = "<script>alert('x')</script>"


def at(minutes: float) -> datetime:
    """So many minutes after 12:00 in Moscow."""
    return NOW + timedelta(minutes=minutes)


def fill(world: World) -> None:
    """The whole base, as of 14:00."""
    rows = [row(line) for line in range(1, 13)]
    rows[9] = row(10, consent=None)
    rows[11] = row(12, windows=(EVENING,))
    world.rows([*rows, RejectedRow(13, "is not a valid phone number")])
    world.ledger.save_numbers(NUMBERS)
    world.save(SPRING)
    talk(world, 1, 0, "anna", 60)
    talk(world, 2, 10, "boris", 120)
    call(
        world,
        3,
        20,
        verdict=verdict(Disposition.ABANDONED),
        answered_at=at(20),
        wait_ms=2_000,
        next=retry(LATER),
    )
    call(world, 4, 30, ring_ms=20_000, next=retry(LATER))
    call(
        world,
        6,
        40,
        verdict=verdict(Disposition.INVALID_NUMBER),
        evidence=Evidence(channel=True, cause="UNALLOCATED_NUMBER", q850=1, sip_status=404),
        next=Next(step="archive", due_at=None, reason="number dead: 3 times on 3 days"),
    )
    call(
        world,
        7,
        45,
        verdict=verdict(Disposition.CARRIER_FAILURE, charged=False, number_charged=False),
        evidence=Evidence(channel=True, cause=HOSTILE, q850=38, sip_status=503),
        ring_ms=None,
        next=retry(LATER),
    )
    call(
        world,
        8,
        50,
        shown=B,
        ring_ms=30_000,
        next=Next(step="check_list", due_at=None, reason="not reached", rounds_failed=3),
    )
    begin(world, 9, 55)
    call(
        world,
        5,
        65,
        shown=B,
        verdict=verdict(Disposition.BUSY),
        evidence=Evidence(channel=True, cause="USER_BUSY", q850=17, sip_status=486),
        ring_ms=None,
        next=retry(NOW + timedelta(hours=2, minutes=30)),
    )
    log_operators(world)


def begin(world: World, line: int, minute: float, shown: NumberId = A) -> Any:
    """Commit the intent for the contact in this row (positions count from 1)."""
    entry = next(e for e in world.entries(SPRING, now=at(minute)) if e.position == line)
    gateway = GatewayName("alpha" if shown == A else "beta")
    answers = world.commit(SPRING, [entry], at(minute), number=shown, gateway=gateway)
    assert answers[0].committed, answers
    return answers[0]


def call(world: World, line: int, minute: float, shown: NumberId = A, **changes: Any) -> None:
    """One whole call."""
    world.end(begin(world, line, minute, shown), at(minute + 1), **changes)


def talk(world: World, line: int, minute: float, operator: str, talk_s: int) -> None:
    call(
        world,
        line,
        minute,
        verdict=verdict(Disposition.TALKED),
        answered_at=at(minute),
        bridged_at=at(minute),
        ring_ms=10_000,
        wait_ms=500,
        talk_ms=1000 * talk_s,
        operator=OperatorId(operator),
        short_answer=talk_s == 60,
        next=Next(step="done", due_at=None, reason="talked"),
    )


def log_operators(world: World) -> None:
    """anna: 19 min ready, 1 talking, 10 wrap-up. boris: 10 ready, 2 talking, 5 paused."""
    moves = [
        ("anna", -10, "ready"),
        ("anna", 0, "talking"),
        ("anna", 1, "wrapup"),
        ("anna", 11, "ready"),
        ("anna", 20, "offline"),
        ("boris", 0, "ready"),
        ("boris", 10, "talking"),
        ("boris", 12, "paused"),
        ("boris", 17, "offline"),
        ("vera", 0, "talking"),
        ("vera", 30, "offline"),
    ]
    world.ledger.log_operators(
        [
            OperatorChange(at(minute), InstanceName("first"), OperatorId(name), state)
            for name, minute, state in moves
        ]
    )


BEGAN = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
