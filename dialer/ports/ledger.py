"""The truth: contacts, attempts, limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    ContactId,
    Entry,
    InstanceName,
    Intent,
    IntentAnswer,
    LegId,
    Number,
    NumberId,
    OpenAttempt,
    OperatorId,
    Outcome,
    PhoneId,
    Window,
)
from dialer.core.permission.persistence import Figures
from dialer.core.permission.retention import DataKind
from dialer.ports.journal import Mark, Replayed, Word
from dialer.ports.recordings import ListedRecording, RecordedFile, Recording, StaleRecording
from dialer.ports.retention import RetentionState, RetentionStep
from dialer.ports.stops import OpenCall, OptOut, Stopped
from dialer.ports.switch import CallerStop


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One contact that is due by the ledger's set-wise rules, before the core's last look.

    `windows`: his own callable times, if he named any (R3.6). `held` is a reason for which he
    must not be dialed now (from the set-wise rules), with `held_until`; then `entry` is not
    offered.
    """

    entry: Entry
    held: str | None = None
    held_until: datetime | None = None
    windows: tuple[Window, ...] = ()
    segment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HotLead:
    """A lead from a form: dialed ahead of the queue (R3.5)."""

    campaign: CampaignName
    contact_id: ContactId


class WindowCounts(NamedTuple):
    """Answered calls of a campaign in its cap's window; all but `answered` are parts of it."""

    answered: int = 0  # whatever picked up
    connected: int = 0  # had an operator
    abandoned: int = 0
    early_hang_ups: int = 0  # left by themselves while they waited
    machines: int = 0  # of the connected, said by operators to be machines
    first_at: datetime | None = None  # about when the window's first answer was


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRequest:
    """A daemon asks for drops of the window [since, until). `budget` says how many the window
    bears as a whole, by its counts; `wants` False: it dials nothing now and leaves its part to
    the others.
    """

    campaign: CampaignName
    instance: InstanceName
    since: datetime
    until: datetime
    budget: Callable[[WindowCounts], float]
    wants: bool
    lease_s: float
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceAnswer:
    """`drops` are ours of the `whole` budget (below 0: overdrawn); `others`: daemons that dial
    beside us.
    """

    counts: WindowCounts
    drops: float
    whole: float
    others: int


class OperatorChange(NamedTuple):
    """One change of an operator's state, for the log that occupancy is reckoned from."""

    at: datetime
    instance: InstanceName
    operator: OperatorId
    state: str
    reason: str | None = None  # of a pause


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervised:
    """One step of a supervision, for its append-only log (R2.7)."""

    at: datetime
    instance: InstanceName
    leg: LegId
    step: str  # asked | begun | mode | failed | ended
    supervisor: str
    operator: OperatorId
    mode: str  # listen | whisper | barge
    attempt: AttemptId | None = None
    detail: str | None = None


class Ledger(Protocol):
    """The truth. Every write is one transaction; a repeated write changes nothing."""

    def open(self) -> None: ...

    def close(self) -> None: ...

    def clock_offset_s(self) -> float:
        """PostgreSQL's clock minus ours (R10.7)."""
        ...

    def hold_name(self, instance: InstanceName) -> str | None:
        """Be the only daemon of this name until we end: None. Else who is, in words."""
        ...

    def save_campaigns(self, campaigns: Sequence[Campaign], now: datetime) -> None:
        """Upsert definitions; enrol contacts of their lists that are not yet enrolled."""
        ...

    def save_numbers(self, numbers: Sequence[Number]) -> None: ...

    def due(self, campaign: Campaign, now: datetime, limit: int) -> Sequence[Due]:
        """The next due contacts in the campaign's order, never more than `limit`."""
        ...

    def rescore(self, campaign: Campaign, now: datetime) -> int:
        """Count anew a part of the scores that time has changed; how many."""
        ...

    def postpone(
        self, campaign: CampaignName, until: Sequence[tuple[ContactId, str, datetime]]
    ) -> None:
        """The core held these back: reason, and when to look again. Their place is kept."""
        ...

    def commit_intents(
        self, intents: Sequence[Intent], now: datetime
    ) -> Sequence[IntentAnswer]: ...

    def end_attempts(self, outcomes: Sequence[Outcome]) -> None:
        """Results, the entry's next step, the phone's marks, the charge: one transaction."""
        ...

    def withdraw_intents(self, attempts: Sequence[AttemptId], reason: str) -> None:
        """Committed, but never sent to the switch: as if it had not been."""
        ...

    def open_attempts(self, instance: InstanceName | None = None) -> Sequence[OpenAttempt]: ...

    def charges(self, days: Sequence[date]) -> Mapping[tuple[NumberId, date], int]: ...

    def add_stop(self, phone: PhoneId, *, origin: str, now: datetime) -> Stopped:
        """In force when it returns: no intent for this phone is committed any more."""
        ...

    def open_calls(self, phones: Sequence[PhoneId]) -> Sequence[OpenCall]: ...

    def opt_out(self, attempt: AttemptId, now: datetime) -> OptOut:
        """The key was pressed in this attempt's message: a stop, and the attempt says so."""
        ...

    def take_caller_stops(
        self, stops: Sequence[CallerStop], now: datetime
    ) -> Sequence[PhoneId]:
        """In force when it returns; the phones of those that were not known before."""
        ...

    def set_halted(self, halted: bool, *, by: str, now: datetime) -> None:
        """While halted no intent is committed, by any daemon (R10.6)."""
        ...

    def halted(self) -> bool: ...

    def dispose(
        self,
        attempt: AttemptId,
        *,
        operator: OperatorId,
        result: str,
        tags: Sequence[str],
        summary: str,
        now: datetime,
    ) -> None: ...

    def take_slice(self, asked: SliceRequest) -> SliceAnswer:
        """The cap's window as it is now, and what of its budget is ours until the lease ends.

        What all daemons hold together is never more than the window's budget.
        """
        ...

    def persistence(self, campaign: CampaignName, since: datetime) -> Figures:
        """Of its attempts since then (R6.11)."""
        ...

    def save_pace(self, campaign: CampaignName, pace: float) -> None:
        """The share of its pace at which the intents of every daemon pass from now on."""
        ...

    def used_of_day(self, campaign: CampaignName, day: date) -> tuple[int, int]:
        """(calls, millionths of money) of its day, open calls with what they reserve."""
        ...

    def return_slices(self, instance: InstanceName) -> None:
        """We stop: the others may have them."""
        ...

    def save_estimates(
        self, instance: InstanceName, learned: Mapping[CampaignName, Any], now: datetime
    ) -> None:
        """What pacing has learned, as JSON holds it."""
        ...

    def load_estimates(
        self, campaign: CampaignName, instance: InstanceName
    ) -> tuple[datetime, Any] | None:
        """When saved, and what: this daemon's, else the latest of another one."""
        ...

    def answers_at_hour(
        self, campaign: CampaignName, since: datetime, hour: int, zone: str
    ) -> tuple[int, int]:
        """(dialed, answered) since then, about this hour of the zone's day."""
        ...

    def cancelled_since(
        self, contacts: Sequence[ContactId], since: datetime
    ) -> frozenset[ContactId]:
        """Who of these has been rung and given up by pacing since then."""
        ...

    def add_hot_lead(self, lead: HotLead, now: datetime) -> None:
        """Ahead of the queue and due at once; wakes every daemon's `wait_for_work`."""
        ...

    def wait_for_work(self, timeout_s: float) -> frozenset[CampaignName]:
        """Campaigns in which somebody became due (a lead, an import); empty = time is up."""
        ...

    def log_operators(self, changes: Sequence[OperatorChange]) -> None: ...

    def save_recording(self, one: Recording) -> None: ...

    def finish_recording(
        self, attempt: AttemptId, file: RecordedFile | str, now: datetime
    ) -> None: ...

    def mask_recording(
        self, attempt: AttemptId, *, masked: bool, by: str, now: datetime
    ) -> None: ...

    def note_sealing(self, attempts: Sequence[AttemptId], key: str) -> None:
        """Before: their files may need this data key from now on."""
        ...

    def note_sealed(self, attempts: Sequence[AttemptId], key: str, now: datetime) -> None:
        """After: their files open under this key and no other."""
        ...

    def stale_recordings(
        self, instance: InstanceName, key: str, after: str, most: int
    ) -> Sequence[StaleRecording]:
        """Kept, and not sealed under `key`, in the order of their attempts, past `after`."""
        ...

    def open_recordings(self, instance: InstanceName) -> Sequence[tuple[AttemptId, str]]:
        """(attempt, path) of those that were begun and not finished."""
        ...

    def due_recordings(
        self, instance: InstanceName, now: datetime, most: int
    ) -> Sequence[ListedRecording]:
        """Whose time is over, or whose person was erased."""
        ...

    def recordings_deleted(
        self, attempts: Sequence[AttemptId], *, by: str, now: datetime
    ) -> int: ...

    def log_supervision(self, one: Supervised) -> None: ...

    def base_id(self) -> str:
        """Which base this is; the same after a restore."""
        ...

    def words_head(self) -> Mark: ...

    def knows_mark(self, mark: Mark) -> bool:
        """Was this base once in this state?"""
        ...

    def newest_known_mark(self, marks: Sequence[Mark]) -> int:
        """The place of the last one that it knows; -1: none."""
        ...

    def words_after(self, mark: Mark, most: int) -> tuple[Sequence[Word], Mark]:
        """What was said after it, at most so many changes of each kind, and the mark there."""
        ...

    def replay_words(self, words: Iterable[Word], now: datetime) -> Replayed:
        """Stops, withdrawals and erasures hold again when it returns."""
        ...

    def retention_state(self) -> RetentionState: ...

    def begin_retention(self, day: date, instance: InstanceName, now: datetime) -> bool:
        """Is this day's run ours? Asked again now and then it stays so; of one that has died
        another goes on.
        """
        ...

    def retention_steps(
        self, before: Mapping[DataKind, datetime], now: datetime, most: int
    ) -> Iterator[RetentionStep]:
        """Each item is a committed transaction of at most `most` rows. Raises StoreError."""
        ...

    def end_retention(
        self, day: date, instance: InstanceName, gone: Mapping[str, int], now: datetime
    ) -> None: ...
