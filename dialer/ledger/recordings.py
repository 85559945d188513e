"""Rows of recordings (the files are the room `recordings`'), and of supervisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dialer.core.model import AttemptId, CampaignName, InstanceName
from dialer.ledger import stored
from dialer.ledger.pool import Connection
from dialer.ledger.statements import statements
from dialer.ports import ListedRecording, RecordedFile, Recording, Supervised

SQL = statements("recordings")


def save(connection: Connection, one: Recording) -> None:
    connection.execute(
        SQL["save_recording"],
        {
            "attempt": one.attempt,
            "campaign": one.campaign,
            "contact": one.contact,
            "operator": one.operator,
            "instance": one.instance,
            "path": one.path,
            "state": "started" if one.failure is None else "not_recorded",
            "failure": stored.clean(one.failure, 300),
            "announced": one.announced,
            "at": one.at,
            "keep_until": one.keep_until,
        },
    )


def finish(
    connection: Connection, attempt: AttemptId, file: RecordedFile | str, now: datetime
) -> None:
    """`file`: what is there, or the sentence that says what is not."""
    found = file if isinstance(file, RecordedFile) else None
    connection.execute(
        SQL["finish_recording"],
        {
            "attempt": attempt,
            "state": "missing" if found is None else "kept",
            "failure": stored.clean(file, 300) if isinstance(file, str) else None,
            "at": now,
            "duration_ms": found.duration_ms if found else None,
            "bytes": found.size_bytes if found else None,
            "sha256": found.sha256 if found else None,
        },
    )


def mask(
    connection: Connection, attempt: AttemptId, *, masked: bool, by: str, now: datetime
) -> None:
    step = [{"at": now.isoformat(), "by": stored.clean(by, 100), "masked": masked}]
    connection.execute(
        SQL["mask_recording"], {"attempt": attempt, "mask": stored.to_json(step)}
    )


def unfinished(
    connection: Connection, instance: InstanceName
) -> Sequence[tuple[AttemptId, str]]:
    rows = connection.execute(SQL["open_recordings"], {"instance": instance})
    return [(AttemptId(attempt), path) for attempt, path in rows]


def due(
    connection: Connection, instance: InstanceName, now: datetime, most: int
) -> Sequence[ListedRecording]:
    rows = connection.execute(
        SQL["due_recordings"], {"instance": instance, "at": now, "most": most}
    )
    return [ListedRecording(*_ids(row)) for row in rows]


def deleted(
    connection: Connection, attempts: Sequence[AttemptId], *, by: str, now: datetime
) -> int:
    row = connection.execute(
        SQL["delete_recordings"],
        {"attempts": list(attempts), "by": stored.clean(by, 200), "at": now},
    ).fetchone()
    return int(row[0]) if row else 0


def listed(
    connection: Connection, campaign: CampaignName | None, since: datetime, most: int
) -> Sequence[ListedRecording]:
    rows = connection.execute(
        SQL["list_recordings"], {"campaign": campaign, "since": since, "most": most}
    )
    return [ListedRecording(*_ids(row)) for row in rows]


def _ids(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (AttemptId(row[0]), *row[1:])


def log_supervision(connection: Connection, one: Supervised) -> None:
    connection.execute(
        SQL["log_supervision"],
        {
            "at": one.at,
            "instance": one.instance,
            "leg": one.leg,
            "step": one.step,
            "supervisor": stored.clean(one.supervisor, 100),
            "operator": one.operator,
            "mode": one.mode,
            "attempt": one.attempt,
            "detail": stored.clean(one.detail, 300),
        },
    )
