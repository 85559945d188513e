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
    """What a file says after its end; `duration_ms` None: its header is not whole.

    Size and checksum are those of the sound in clear. `sealed_under`: the data key that its
    file needs. `unsealed`: why it lies in clear though there are keys.
    """

    size_bytes: int
    sha256: bytes
    duration_ms: int | None
    sealed_under: str | None = None
    unsealed: str | None = None


class Sealer(Protocol):
    """The ring of data keys, as the recordings see it: it wraps the key of one file.

    Raises StoreError where the ring's key is missing or its time is over.
    """

    @property
    def token_bytes(self) -> int:
        """Length of a wrapped key."""
        ...

    @property
    def first_id(self) -> str | None:
        """The key that seals; None: there are no keys."""
        ...

    def holds(self, key_id: str) -> bool: ...

    def wrap(self, file_key: bytes, key_id: str, bound: bytes) -> bytes: ...

    def unwrap(
        self, token: bytes, key_id: str, bound: bytes, *, even_over: bool = False
    ) -> bytes | None:
        """None: it does not open."""
        ...


class Recordings(Protocol):
    """The files of talks. Nothing raises: what is wrong comes back as a sentence.

    A path is the one that the switch was told; sealed, its file's name ends `.sealed`.
    """

    def check(self, place: RecordingPlace, *, measure: bool) -> FolderState: ...

    def finish(self, place: RecordingPlace, path: str, key: str | None) -> RecordedFile | str:
        """After its end; sealed under `key` (None: left in clear)."""
        ...

    def delete(self, place: RecordingPlace, path: str) -> str | None: ...

    def seals_under(self) -> str | None:
        """The key by which a file is sealed now; None: there are no keys."""
        ...

    def sealed_under(self, place: RecordingPlace, path: str) -> list[str] | str:
        """The keys that its header names (two: a rotation is half done); none: in clear.

        A sentence where there is a sealed file and its header cannot be read.
        """
        ...

    def seal(self, place: RecordingPlace, path: str, key: str) -> str | None:
        """One that lies in clear. None: sealed, and its clear file is gone."""
        ...

    def wrap_anew(self, place: RecordingPlace, path: str, key: str) -> str | None:
        """It opens under `key` from now on, and still under the key before."""
        ...

    def forget_other_keys(self, place: RecordingPlace, path: str, key: str) -> str | None:
        """It opens under `key` only; a clear file beside it goes when both are alike."""
        ...


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


class StaleRecording(NamedTuple):
    """Kept and in clear, or not under the first key, or half-way between two keys."""

    attempt: AttemptId
    path: str


class FoundRecording(NamedTuple):
    """A row for whoever reads its file; `phone_id` None: its attempt is gone."""

    attempt: AttemptId
    path: str
    instance: str
    state: str
    campaign: str
    sha256: bytes | None
    phone_id: int | None = None


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
    sealed_under: str | None = None
