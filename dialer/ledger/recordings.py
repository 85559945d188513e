"""Rows of recordings (the files are the room `recordings`'), and of supervisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dialer.core.model import AttemptId, CampaignName, InstanceName
from dialer.ledger import service, stored
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ports import (
    FoundRecording,
    ListedRecording,
    RecordedFile,
    Recording,
    StaleRecording,
    Supervised,
)

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
            "sealed_under": found.sealed_under if found else None,
        },
    )


def mask(
    connection: Connection, attempt: AttemptId, *, masked: bool, by: str, now: datetime
) -> None:
    step = [{"at": now.isoformat(), "by": stored.clean(by, 100), "masked": masked}]
    connection.execute(
        SQL["mask_recording"], {"attempt": attempt, "mask": stored.to_json(step)}
    )


def note_sealing(connection: Connection, attempts: Sequence[AttemptId], key: str) -> None:
    connection.execute(SQL["note_sealing"], {"attempts": list(attempts), "key": key})


def note_sealed(
    connection: Connection, attempts: Sequence[AttemptId], key: str, now: datetime
) -> None:
    words = {"attempts": list(attempts), "key": key, "at": now}
    connection.execute(SQL["note_sealed"], words)


def stale(
    connection: Connection, instance: InstanceName, key: str, after: str, most: int
) -> Sequence[StaleRecording]:
    words = {"instance": instance, "key": key, "after": after, "most": most}
    rows = connection.execute(SQL["stale_recordings"], words)
    return [StaleRecording(AttemptId(attempt), path) for attempt, path in rows]


def count_stale(connection: Connection, key: str) -> dict[str, int]:
    """Folder (a daemon's name) -> how many of its recordings are not under this key."""
    rows = connection.execute(SQL["count_stale_recordings"], {"key": key})
    return {instance: int(count) for instance, count in rows}


def find(connection: Connection, attempt: str) -> FoundRecording | None:
    row = connection.execute(SQL["find_recording"], {"attempt": attempt}).fetchone()
    return None if row is None else _found(row)


def kept(
    connection: Connection, instance: InstanceName, since: datetime
) -> Sequence[FoundRecording]:
    words = {"instance": instance, "since": since}
    return [_found(row) for row in connection.execute(SQL["kept_recordings"], words)]


def _found(row: tuple[Any, ...]) -> FoundRecording:
    attempt, path, instance, state, campaign, sha256, *phone = row
    digest = None if sha256 is None else bytes(sha256)
    return FoundRecording(AttemptId(attempt), path, instance, state, campaign, digest, *phone)


def note_export(pool: Pool, one: FoundRecording, *, by: str, now: datetime) -> None:
    """Before the sound is given out: who took it (R7.4). Named by the phone, so that it stands
    in what that person is told.
    """
    subject = f"attempt {one.attempt}" if one.phone_id is None else f"phone {one.phone_id}"
    with pool.transaction() as connection:
        service.add_audit(
            connection,
            who=by,
            what="recording exported",
            subject=subject,
            details={"attempt": one.attempt, "campaign": one.campaign},
            now=now,
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
