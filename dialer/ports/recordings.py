"""Talks on disk, and their rows in the books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from dialer.core.model import (
    AttemptId,
    CampaignName,
    ContactId,
    InstanceName,
    OperatorId,
    RecordingPlace,
)


class FolderState(NamedTuple):
    """`trouble`: a sentence with its remedy. `used_bytes` None: not measured this time."""

    free_bytes: int
    used_bytes: int | None
    trouble: str | None


class RecordedFile(NamedTuple):
    """What a file says after its end; `duration_ms` None: its header is not whole."""

    size_bytes: int
    sha256: bytes
    duration_ms: int | None


class Recordings(Protocol):
    """The files of talks. Nothing raises: what is wrong comes back as a sentence."""

    def check(self, place: RecordingPlace, *, measure: bool) -> FolderState: ...

    def finish(self, place: RecordingPlace, path: str) -> RecordedFile | str: ...

    def delete(self, place: RecordingPlace, path: str) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A talk that is recorded from `at` on; `failure`: that should have been, and is not."""

    attempt: AttemptId
    campaign: CampaignName
    contact: ContactId
    operator: OperatorId | None
    instance: InstanceName
    path: str
    at: datetime
    keep_until: datetime
    announced: str | None = None
    failure: str | None = None


class ListedRecording(NamedTuple):
    """A row for a person, or for the deletion (which needs only the first of them)."""

    attempt: AttemptId
    path: str
    campaign: str
    started_at: datetime
    duration_ms: int | None
    size_bytes: int | None
    keep_until: datetime
    state: str = ""
    failure: str | None = None
    operator: str | None = None
    contact_id: int | None = None
    instance: str = ""
    sha256: str | None = None
    masks: int = 0
