"""The books after a run: PostgreSQL against the switch's own record, never the daemon's memory.

The switch's record is the witness: one line for each channel that was accepted, one for its
end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import psycopg

from dialer.cli.rehearsal import Rehearsal


@dataclass
class Books:
    """What both sides say; `wrong` holds each sentence that must not be true."""

    attempts: int = 0
    channels: int = 0
    open_attempts: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def balance(rehearsal: Rehearsal, *, least_gap_s: float) -> Books:
    """Compare. `least_gap_s`: no two calls to one phone begin sooner after the first one's
    end.
    """
    books = Books()
    calls = _customer_calls(rehearsal, books)
    with psycopg.connect(rehearsal.loaded.settings.postgresql_dsn) as connection:
        _compare_attempts(connection, calls, books)
        _compare_numbers(connection, books)
        _compare_queue(connection, books)
        _compare_cap(connection, books)
    _dialed_twice(calls, least_gap_s, books)
    return books


def _customer_calls(rehearsal: Rehearsal, books: Books) -> dict[str, dict[str, Any]]:
    """Channels of customers by uuid, each with its end if it has one."""
    calls: dict[str, dict[str, Any]] = {}
    for line in rehearsal.records():
        if not line.get("attempt"):
            continue
        if line["event"] == "originated":
            if line["uuid"] in calls:
                books.wrong.append(f"channel {line['uuid']} was originated twice")
            calls[line["uuid"]] = dict(line)
        elif line["event"] == "ended":
            calls.setdefault(line["uuid"], {}).update(line)
    books.channels = len(calls)
    for uuid, call in calls.items():
        if call.get("ended_at") is None:
            books.wrong.append(f"channel {uuid} is left on the switch")
    return calls


def _compare_attempts(
    connection: psycopg.Connection[Any], calls: dict[str, dict[str, Any]], books: Books
) -> None:
    rows = connection.execute(
        "SELECT id::text, disposition, answered_at, bridged_at, ended_at, cause FROM attempts"
    ).fetchall()
    books.attempts = len(rows)
    known = set()
    for uuid, disposition, answered_at, bridged_at, ended_at, cause in rows:
        known.add(uuid)
        books.dispositions[str(disposition)] += 1
        if ended_at is None:
            books.open_attempts += 1
            books.wrong.append(f"attempt {uuid} is open")
            continue
        call = calls.get(uuid)
        if call is None:
            if disposition not in ("lost", "local_failure", "cancelled"):
                books.wrong.append(f"attempt {uuid} ended {disposition}, the switch knows none")
            continue
        if disposition == "lost":
            continue
        if answered_at is not None and not call.get("answered_at"):
            books.wrong.append(f"attempt {uuid} is answered in our books only")
        if (bridged_at is not None) != bool(call.get("bridges")):
            books.wrong.append(f"attempt {uuid}: bridged {bridged_at}, {call.get('bridges')}")
        if cause != call.get("cause"):
            books.wrong.append(f"attempt {uuid}: {cause}, the switch says {call.get('cause')}")
    for uuid in calls.keys() - known:
        books.wrong.append(f"channel {uuid} has no attempt: it was dialed without an intent")


def _compare_cap(connection: psycopg.Connection[Any], books: Books) -> None:
    """The abandonment cap's books against the attempts: no drop lost, none twice."""
    counted = connection.execute(
        "SELECT campaign, sum(answered), sum(connected), sum(abandoned), sum(early_hang_ups)"
        " FROM abandonment_counts GROUP BY 1 ORDER BY 1"
    ).fetchall()
    happened = connection.execute(
        "SELECT campaign, count(*), count(*) FILTER (WHERE disposition = 'talked'),"
        " count(*) FILTER (WHERE disposition = 'abandoned'"
        "     OR (disposition = 'lost' AND bridged_at IS NULL)),"
        " count(*) FILTER (WHERE disposition = 'short_hangup')"
        " FROM attempts WHERE answered_at IS NOT NULL AND ended_at IS NOT NULL"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall()
    if counted != happened:
        books.wrong.append(f"the cap's books say {counted}, the attempts {happened}")


def _compare_numbers(connection: psycopg.Connection[Any], books: Books) -> None:
    """The day's rows are what the attempts say, and under the hard limit."""
    rows = connection.execute(
        "SELECT d.number, d.dialed, d.hard_limit, (SELECT count(*) FROM attempts AS a"
        " WHERE a.number = d.number AND a.number_day = d.day AND (a.number_charged OR"
        " a.ended_at IS NULL)) FROM number_days AS d"
    ).fetchall()
    for number, dialed, hard_limit, counted in rows:
        if dialed != counted:
            books.wrong.append(f"{number}: {dialed} charged, {counted} attempts")
        if dialed > hard_limit:
            books.wrong.append(f"{number}: {dialed} calls, the hard limit is {hard_limit}")


def _compare_queue(connection: psycopg.Connection[Any], books: Books) -> None:
    """Nobody is lost: each contact of the list has one entry, at rest or due again."""
    (missing,) = connection.execute(
        "SELECT count(*) FROM list_entries AS e JOIN lists AS l ON l.id = e.list_id"
        " WHERE NOT EXISTS (SELECT 1 FROM queue_entries AS q WHERE q.contact_id = e.contact_id)"
    ).fetchone() or (0,)
    if missing:
        books.wrong.append(f"{missing} contacts have no place in any queue")
    (stuck,) = connection.execute(
        "SELECT count(*) FROM queue_entries WHERE state NOT IN"
        " ('due', 'waiting', 'done', 'check_list', 'review', 'archive')"
    ).fetchone() or (0,)
    if stuck:
        books.wrong.append(f"{stuck} queue entries are stuck in a call that is over")


def _dialed_twice(calls: dict[str, dict[str, Any]], least_gap_s: float, books: Books) -> None:
    """A call that its carrier failed, so that nothing rang, may be followed at once by a call
    over another one, or over itself where no other was free (R3.9); every other call may not.
    """
    by_phone: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for call in calls.values():
        if call.get("created_at"):
            by_phone[call["destination"][-10:]].append(call)
    for phone, theirs in by_phone.items():
        theirs.sort(key=lambda call: float(call["created_at"]))
        for before, after in pairwise(theirs):
            gap_s = after["created_at"] - (before.get("ended_at") or float("inf"))
            heard = before.get("progress_at") or before.get("answered_at")
            elsewhere = before["gateway"] != after["gateway"]
            failed = 500 <= (before.get("sip_status") or 0) < 600
            failed_over = not heard and (elsewhere or failed)
            if gap_s < (0.0 if failed_over else least_gap_s):
                books.wrong.append(
                    f"a phone ending {phone[-2:]} dialed again after {gap_s:.1f} s: by"
                    f" {before['gateway']} it ended {before.get('cause')}"
                    f" {before.get('sip_status')}, then by {after['gateway']}"
                )
