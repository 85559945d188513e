"""Endings: the one result of an attempt and all that follows from it, in one transaction.

The core has decided (verdict and next step); here it becomes rows: the attempt, its number's
charge, the queue entry, the phone's marks, the contact. Repeated with the same ids it changes
nothing, so the outbox may send a batch again whose answer was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from dialer.core.calls.results import is_machine
from dialer.core.model import AttemptId, Evidence, OperatorId, Outcome
from dialer.errors import StoreError
from dialer.ledger import stored
from dialer.ledger.locks import lock_campaign_days, lock_number_days, lock_people
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ledger.vault import Vault

SQL = statements("endings")

#: Results that are also a contact's status (R4.3), however they are spelled.
STATUSES = {
    status.casefold(): status
    for status in ("New", "In progress", "Call-back", "Decided", "Refused", "Inactive")
}


def end(pool: Pool, outcomes: Sequence[Outcome]) -> list[AttemptId]:
    """The attempts that were open and are ended now."""
    if not outcomes:
        return []
    # The same attempt twice in one batch: the first result stands.
    distinct = list({o.attempt_id: o for o in reversed(outcomes)}.values())
    with pool.pipelined() as connection:
        lock_people(
            connection, [o.phone_id for o in distinct], [o.contact_id for o in distinct]
        )
        lock_number_days(
            connection,
            [(o.number, o.number_day) for o in distinct if not o.verdict.number_charged],
        )
        lock_campaign_days(connection, [o.attempt_id for o in distinct])
        ended = connection.execute(SQL["end_attempts"], _columns(distinct), prepare=True)
    return [AttemptId(row[0]) for row in ended]


def _columns(outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    return {**_line(outcomes), **_evidence(outcomes), **_consequences(outcomes)}


def _line(outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    """What happened on the line and when."""
    return {
        "ids": [o.attempt_id for o in outcomes],
        "ended_at": [o.ended_at for o in outcomes],
        "dialed_at": [o.dialed_at for o in outcomes],
        "rang_at": [o.rang_at for o in outcomes],
        "answered_at": [o.answered_at for o in outcomes],
        "bridged_at": [o.bridged_at for o in outcomes],
        "ring_ms": [o.ring_ms for o in outcomes],
        "early_media_ms": [o.early_media_ms for o in outcomes],
        "wait_ms": [o.wait_ms for o in outcomes],
        "talk_ms": [o.talk_ms for o in outcomes],
        "short_answers": [o.short_answer for o in outcomes],
        "operators": [o.operator for o in outcomes],
        "stop_reasons": [stored.clean(o.stop_reason) for o in outcomes],
        "opt_outs": [o.opt_out_key for o in outcomes],
    }


def _evidence(outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    """What the switch and the carrier said, as text from outside."""
    told = [o.evidence for o in outcomes]
    return {
        "causes": [stored.clean(e.cause, 100) for e in told],
        "q850": [_small(e.q850) for e in told],
        "sip_status": [_small(e.sip_status) for e in told],
        "sip_phrases": [stored.clean(e.sip_phrase, 200) for e in told],
        "sip_reasons": [stored.clean(e.sip_reason, 500) for e in told],
        "sip_call_ids": [stored.clean(e.sip_call_id, 300) for e in told],
        "evidence": [stored.to_json(_present(e)) for e in told],
    }


def _consequences(outcomes: Sequence[Outcome]) -> dict[str, list[Any]]:
    """What the core has made of it."""
    verdicts = [o.verdict for o in outcomes]
    steps = [o.next for o in outcomes]
    return {
        "dispositions": [v.disposition.value for v in verdicts],
        "charged": [v.charged for v in verdicts],
        "number_charged": [v.number_charged for v in verdicts],
        "suspect": [v.number_suspect for v in verdicts],
        "hung_up_by": [v.hung_up_by.value for v in verdicts],
        "steps": [n.step for n in steps],
        "step_reasons": [stored.clean(n.reason) for n in steps],
        "due_at": [n.due_at for n in steps],
        "rounds": [n.rounds_failed for n in steps],
        "costs": [o.cost for o in outcomes],
    }


def _small(code: int | None) -> int | None:
    """A code that fits its column; nonsense from the wire stays in the raw evidence only."""
    return code if code is not None and 0 <= code < 32_768 else None


_FIELDS = tuple(field.name for field in fields(Evidence))


def _present(told: Evidence) -> dict[str, Any]:
    values = [(name, getattr(told, name)) for name in _FIELDS]
    return {
        name: stored.clean(value) if isinstance(value, str) else value
        for name, value in values
        if value is not None and value is not False
    }


#: What a summary is bound to beside its attempt's id.
SUMMARY = "attempt.summary"


def dispose(
    connection: Connection,
    attempt: AttemptId,
    *,
    operator: OperatorId,
    result: str,
    tags: Sequence[str],
    summary: str,
    vault: Vault,
    now: datetime,
) -> None:
    """Raises StoreError where there is no such attempt."""
    found = connection.execute(
        SQL["dispose"],
        {
            "id": attempt,
            "operator": operator,
            "result": stored.clean(result, 200),
            "status": STATUSES.get(result.casefold()),
            "tags": [stored.clean(tag, 200) for tag in tags],
            "summary": vault.seal(stored.clean(summary), SUMMARY, UUID(attempt).bytes),
            "machine": is_machine(result),
            "at": now,
        },
    ).fetchone()
    if found is None or found[0] == 0:
        raise StoreError("postgresql", f"no attempt {attempt}", "check the attempt's id")
