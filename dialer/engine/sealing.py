"""Recordings that are not sealed under the first key come under it: on line, file by file.

Each hour, after a reload, and a minute after something failed: those from before there were
keys, those that a killed daemon left half-way, those of the key before (rotation). The books
name a key before a file needs it and until none does, so that no key is retired too early.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import structlog

from dialer.core.model import AttemptId, InstanceName, RecordingPlace
from dialer.ports import Clock, Ledger, Meter, Recordings, StaleRecording

log = structlog.get_logger(__name__)

AT_ONCE = 20
EVERY_S, RETRY_S = 3_600.0, 60.0
NO_ATTEMPT = "00000000-0000-0000-0000-000000000000"


class Batch(NamedTuple):
    """`after` None: that was the last. `failed`: attempt -> why."""

    after: str | None
    sealed: int
    failed: Mapping[AttemptId, str]


def key_of(
    ledger: Ledger,
    files: Recordings,
    place: RecordingPlace,
    attempt: AttemptId,
    path: str,
) -> str | None:
    """The key of a file that is being finished, noted; None: none is needed."""
    names = files.sealed_under(place, path)
    if isinstance(names, list) and names:
        return names[0]  # a life before ours has sealed it
    key = files.seals_under()
    if key is not None:
        ledger.note_sealing([attempt], key)
    return key


def seal_some(
    ledger: Ledger,
    files: Recordings,
    place: RecordingPlace,
    clock: Clock,
    *,
    instance: InstanceName,
    after: str = NO_ATTEMPT,
) -> Batch:
    """The next files of this folder. Raises StoreError; may die anywhere and begin again."""
    key = files.seals_under()
    if key is None:
        return Batch(None, 0, {})
    stale = ledger.stale_recordings(instance, key, after, AT_ONCE)
    failed: dict[AttemptId, str] = {}
    clear, wrapped = _prepared(files, place, stale, key, failed)
    ledger.note_sealing([one.attempt for one in (*clear, *wrapped)], key)
    done = []
    for turn, some in ((files.seal, clear), (files.forget_other_keys, wrapped)):
        for one in some:
            why = turn(place, one.path, key)
            if why is None:
                done.append(one.attempt)
            else:
                failed[one.attempt] = why
    ledger.note_sealed(done, key, clock.now().wall)
    last = stale[-1].attempt if len(stale) == AT_ONCE else None
    return Batch(last, len(done), failed)


def _prepared(
    files: Recordings,
    place: RecordingPlace,
    stale: Sequence[StaleRecording],
    key: str,
    failed: dict[AttemptId, str],
) -> tuple[list[StaleRecording], list[StaleRecording]]:
    """(in clear, under `key` and still under the key before); what is wrong into `failed`."""
    clear, wrapped = [], []
    for one in stale:
        names = files.sealed_under(place, one.path)
        if isinstance(names, str):
            failed[one.attempt] = names
        elif not names:
            clear.append(one)
        else:
            why = files.wrap_anew(place, one.path, key)
            if why is None:
                wrapped.append(one)
            else:
                failed[one.attempt] = why
    return clear, wrapped


class Sealing:
    """The daemon's going through its folder, a batch a turn."""

    def __init__(
        self,
        ledger: Ledger,
        files: Recordings | None,
        clock: Clock,
        meter: Meter,
        *,
        instance: InstanceName,
    ) -> None:
        self._ledger = ledger
        self._files = files
        self._clock = clock
        self._meter = meter
        self._instance = instance
        self._after: str | None = NO_ATTEMPT
        self._due_at_s = 0.0
        self._failed: dict[AttemptId, str] = {}

    @property
    def trouble(self) -> str | None:
        """Why recordings lie in clear, or under a key that is to go."""
        if not self._failed:
            return None
        return f"{len(self._failed)} recordings: {next(iter(self._failed.values()))}"

    def begin(self) -> None:
        """At the next turn, from the beginning."""
        self._after, self._due_at_s = NO_ATTEMPT, 0.0

    def note_failure(self, attempt: AttemptId, why: str) -> None:
        """It lies in clear; tried again in a minute."""
        self._failed[attempt] = why
        log.warning("recording cannot be sealed", attempt=attempt, why=why)
        if self._after is None or self._after == NO_ATTEMPT:
            self._after = NO_ATTEMPT
            self._due_at_s = min(self._due_at_s, self._clock.now().mono_s + RETRY_S)
        self._measure()

    def turn(self, place: RecordingPlace | None) -> bool:
        """Is there more to do at once? Raises StoreError."""
        now_s = self._clock.now().mono_s
        if place is None or self._files is None or now_s < self._due_at_s:
            return False
        if self._after in (None, NO_ATTEMPT):
            self._after, self._failed = NO_ATTEMPT, {}
        batch = seal_some(
            self._ledger,
            self._files,
            place,
            self._clock,
            instance=self._instance,
            after=self._after or NO_ATTEMPT,
        )
        self._told(batch)
        # A disk that is full refuses them all: no use in going through the whole folder.
        hopeless = bool(batch.failed) and not batch.sealed
        self._after = None if hopeless else batch.after
        if self._after is None:
            self._due_at_s = now_s + (RETRY_S if self._failed else EVERY_S)
        self._measure()
        return self._after is not None

    def _told(self, batch: Batch) -> None:
        self._failed |= batch.failed
        for attempt, why in batch.failed.items():
            log.warning("recording cannot be sealed", attempt=attempt, why=why)
        if batch.sealed:
            log.info("recordings sealed", recordings=batch.sealed)

    def _measure(self) -> None:
        self._meter.gauge("dialer_recordings_unsealed", len(self._failed))
