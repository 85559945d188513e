"""The ledger as a script: keeps what it is told, answers intents as a test says, may be away.

Implements what the engine asks of `ports.Ledger`; what PostgreSQL really does is held by
tests/contract/ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import gevent
import orjson

from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    ContactId,
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
)
from dialer.core.permission.persistence import Figures
from dialer.core.permission.retention import DataKind
from dialer.errors import StoreError
from dialer.ports import (
    CallerStop,
    Decided,
    Due,
    ListedRecording,
    Mark,
    OpenCall,
    OperatorChange,
    OptOut,
    RecordedFile,
    Recording,
    RetentionState,
    RetentionStep,
    SliceAnswer,
    SliceRequest,
    StaleRecording,
    Stopped,
    Supervised,
    WindowCounts,
    Word,
)


class Books:
    """`journal` has each write in order; `denied` maps a phone to the reason of its refusal."""

    def __init__(self) -> None:
        self.journal: list[tuple[str, Any]] = []
        self.away = False
        self.refuses: set[str] = set()  # verbs that fail while the rest works
        self.open_rows: dict[AttemptId, OpenAttempt] = {}
        self.results: dict[AttemptId, Outcome] = {}
        self.withdrawn: list[AttemptId] = []
        self.denied: dict[PhoneId, tuple[str, datetime | None]] = {}
        self.people: list[Due] = []
        self.postponed: dict[ContactId, tuple[str, datetime]] = {}
        self.stops: list[PhoneId] = []
        self.callers: set[LegId] = set()
        self.phones: dict[str, PhoneId] = {}
        self.moves: list[OperatorChange] = []
        self.disposed: list[AttemptId] = []
        self.offset_s = 0.0
        self.name_held_by: str | None = None
        self.is_halted = False
        self.charged: Mapping[tuple[NumberId, date], int] = {}
        self.counts = WindowCounts()
        self.figures = Figures()
        self.used = (0, 0)
        self.learned: dict[CampaignName, tuple[datetime, Any]] = {}
        self.history = (0, 0)
        self.cancelled: set[ContactId] = set()
        self.work: list[frozenset[CampaignName]] = []
        self.recordings: dict[AttemptId, Recording] = {}
        self.files: dict[AttemptId, RecordedFile | str] = {}
        self.sealed: dict[AttemptId, tuple[str, bool]] = {}
        self.deleted: list[AttemptId] = []
        self.supervised: list[Supervised] = []
        self.paces: dict[CampaignName, float] = {}
        self.retained = RetentionState(None, None)
        self.retained_by: InstanceName | None = None
        self.to_retain: list[RetentionStep] = []
        self.on_commit: Any = None  # called with the intents, before they are judged

    def _at(self, verb: str) -> None:
        if self.away or verb in self.refuses:
            raise StoreError("postgresql", "is away")

    # ------------------------------------------------------------------ life

    def open(self) -> None:
        self._at("open")

    def close(self) -> None:
        self.journal.append(("close", None))

    def clock_offset_s(self) -> float:
        self._at("clock_offset_s")
        return self.offset_s

    def hold_name(self, instance: InstanceName) -> str | None:
        self._at("hold_name")
        return self.name_held_by

    def save_campaigns(self, campaigns: Sequence[Campaign], now: datetime) -> None:
        self._at("save_campaigns")
        self.journal.append(("campaigns", [one.name for one in campaigns]))

    def save_numbers(self, numbers: Sequence[Number]) -> None:
        self._at("save_numbers")

    # ------------------------------------------------------------------ the walk

    def due(self, campaign: Campaign, now: datetime, limit: int) -> Sequence[Due]:
        self._at("due")
        return [
            one
            for one in self.people
            if one.entry.campaign == campaign.name
            and one.entry.contact_id not in self.postponed
            and one.entry.contact_id not in self._called()
        ][:limit]

    def rescore(self, campaign: Campaign, now: datetime) -> int:
        return 0

    def _called(self) -> set[ContactId]:
        """Whoever is being called, or was: a second try is not these tests' matter."""
        open_now = {row.claimed.entry.contact_id for row in self.open_rows.values()}
        return open_now | {one.contact_id for one in self.results.values()}

    def postpone(
        self, campaign: CampaignName, until: Sequence[tuple[ContactId, str, datetime]]
    ) -> None:
        self._at("postpone")
        self.postponed.update({contact: (why, at) for contact, why, at in until})

    def commit_intents(self, intents: Sequence[Intent], now: datetime) -> list[IntentAnswer]:
        if self.on_commit is not None:
            self.on_commit(intents)
        self._at("commit_intents")
        self.journal.append(("intents", len(intents)))
        return [self._judge(intent, now) for intent in intents]

    def _judge(self, intent: Intent, now: datetime) -> IntentAnswer:
        claimed = intent.claimed
        why, until = self.denied.get(claimed.entry.phone_id, (None, None))
        if self.is_halted:
            why = "halted"
        if why is None:
            self.open_rows[claimed.attempt_id] = OpenAttempt(
                claimed=claimed, instance=intent.instance, committed_at=now
            )
        return IntentAnswer(
            attempt_id=claimed.attempt_id,
            committed=why is None,
            digits="+74951234567" if why is None else None,
            reason=why,
            until=until,
        )

    def end_attempts(self, outcomes: Sequence[Outcome]) -> None:
        self._at("end_attempts")
        for one in outcomes:
            self.open_rows.pop(one.attempt_id, None)
            self.results.setdefault(one.attempt_id, one)
            self.journal.append(("ended", one.attempt_id))

    def withdraw_intents(self, attempts: Sequence[AttemptId], reason: str) -> None:
        self._at("withdraw_intents")
        for one in attempts:
            self.open_rows.pop(one, None)
            self.withdrawn.append(one)
            self.journal.append(("withdrawn", one))

    def open_attempts(self, instance: InstanceName | None = None) -> list[OpenAttempt]:
        self._at("open_attempts")
        rows = self.open_rows.values()
        return [row for row in rows if instance is None or row.instance == instance]

    def charges(self, days: Sequence[date]) -> Mapping[tuple[NumberId, date], int]:
        self._at("charges")
        return self.charged

    # ------------------------------------------------------------------ people

    def add_stop(self, phone: PhoneId, *, origin: str, now: datetime) -> Stopped:
        self._at("add_stop")
        self.stops.append(phone)
        self.journal.append(("stop", phone))
        return Stopped(number=len(self.stops), is_new=True)

    def open_calls(self, phones: Sequence[PhoneId]) -> list[OpenCall]:
        self._at("open_calls")
        return [
            OpenCall(key, one.instance, one.committed_at, 25.0)
            for key, one in self.open_rows.items()
            if one.claimed.entry.phone_id in phones
        ]

    def take_caller_stops(self, stops: Sequence[CallerStop], now: datetime) -> list[PhoneId]:
        self._at("take_caller_stops")
        fresh = [one for one in stops if one.call not in self.callers and one.caller]
        self.callers.update(one.call for one in fresh)
        phones = [self.phones.get(str(one.caller), PhoneId(567)) for one in fresh]
        self.stops += phones
        return phones

    def opt_out(self, attempt: AttemptId, now: datetime) -> OptOut:
        self._at("opt_out")
        open_row, result = self.open_rows.get(attempt), self.results.get(attempt)
        if open_row is not None:
            phone = open_row.claimed.entry.phone_id
        elif result is not None:
            phone = result.phone_id
        else:
            return OptOut(known=False)
        self.stops.append(phone)
        self.journal.append(("stop", phone))
        return OptOut(known=True, phone=phone)

    # ------------------------------------------------------------------ people's words

    def base_id(self) -> str:
        self._at("base_id")
        return "base"

    def words_head(self) -> Mark:
        return Mark()

    def knows_mark(self, mark: Mark) -> bool:
        self._at("knows_mark")
        return True

    def words_after(self, mark: Mark, most: int) -> tuple[list[Word], Mark]:
        return [], mark

    # ------------------------------------------------------------------ retention

    def save_pace(self, campaign: CampaignName, pace: float) -> None:
        self._at("save_pace")
        self.paces[campaign] = pace

    def retention_state(self) -> RetentionState:
        self._at("retention_state")
        return self.retained

    def begin_retention(self, day: date, instance: InstanceName, now: datetime) -> bool:
        self._at("begin_retention")
        if self.retained_by not in (None, instance):
            return False
        self.retained_by = instance
        return True

    def retention_steps(
        self, before: Mapping[DataKind, datetime], now: datetime, most: int
    ) -> Iterator[RetentionStep]:
        while self.to_retain:
            self._at("retention_steps")
            yield self.to_retain.pop(0)

    def end_retention(
        self, day: date, instance: InstanceName, gone: Mapping[str, int], now: datetime
    ) -> None:
        self.retained = RetentionState(day, now)
        self.journal.append(("retention", dict(gone)))

    # ------------------------------------------------------------------ recordings

    def save_recording(self, one: Recording) -> None:
        self._at("save_recording")
        self.recordings.setdefault(one.attempt, one)

    def finish_recording(
        self, attempt: AttemptId, file: RecordedFile | str, now: datetime
    ) -> None:
        self._at("finish_recording")
        self.files.setdefault(attempt, file)
        if isinstance(file, RecordedFile) and file.sealed_under is not None:
            self.sealed[attempt] = (file.sealed_under, True)

    def mask_recording(
        self, attempt: AttemptId, *, masked: bool, by: str, now: datetime
    ) -> None:
        self._at("mask_recording")
        self.journal.append(("mask", (attempt, masked, by)))

    def note_sealing(self, attempts: Sequence[AttemptId], key: str) -> None:
        self._at("note_sealing")
        self.sealed.update({one: (key, False) for one in attempts})

    def note_sealed(self, attempts: Sequence[AttemptId], key: str, now: datetime) -> None:
        self._at("note_sealed")
        self.sealed.update({one: (key, True) for one in attempts})

    def stale_recordings(
        self, instance: InstanceName, key: str, after: str, most: int
    ) -> list[StaleRecording]:
        return [
            StaleRecording(one, self.recordings[one].path)
            for one in sorted(self.files)
            if one > after
            and isinstance(self.files[one], RecordedFile)
            and one not in self.deleted
            and self.sealed.get(one) != (key, True)
        ][:most]

    def open_recordings(self, instance: InstanceName) -> list[tuple[AttemptId, str]]:
        return [
            (key, one.path)
            for key, one in self.recordings.items()
            if key not in self.files and one.failure is None
        ]

    def due_recordings(
        self, instance: InstanceName, now: datetime, most: int
    ) -> list[ListedRecording]:
        return [
            ListedRecording(
                attempt=key,
                path=one.path,
                campaign=one.campaign,
                started_at=one.at,
                duration_ms=None,
                size_bytes=None,
                keep_until=one.keep_until,
            )
            for key, one in self.recordings.items()
            if one.keep_until <= now and key not in self.deleted
        ][:most]

    def recordings_deleted(
        self, attempts: Sequence[AttemptId], *, by: str, now: datetime
    ) -> int:
        self.deleted += attempts
        return len(attempts)

    def log_supervision(self, one: Supervised) -> None:
        self._at("log_supervision")
        self.supervised.append(one)

    def halted(self) -> bool:
        self._at("halted")
        return self.is_halted

    def dispose(self, attempt: AttemptId, *, operator: OperatorId, **words: Any) -> None:
        self._at("dispose")
        self.disposed.append(attempt)

    # ------------------------------------------------------------------ pacing

    def take_slice(self, asked: SliceRequest) -> SliceAnswer:
        self._at("take_slice")
        whole = asked.budget(self.counts)
        return SliceAnswer(counts=self.counts, drops=max(0.0, whole), whole=whole, others=0)

    def persistence(self, campaign: CampaignName, since: datetime) -> Figures:
        self._at("persistence")
        return self.figures

    def used_of_day(self, campaign: CampaignName, day: date) -> tuple[int, int]:
        self._at("used_of_day")
        return self.used

    def return_slices(self, instance: InstanceName) -> None:
        self._at("return_slices")
        self.journal.append(("slices returned", instance))

    def save_estimates(
        self, instance: InstanceName, learned: Mapping[CampaignName, Any], now: datetime
    ) -> None:
        self._at("save_estimates")
        self.learned.update(
            {name: (now, orjson.loads(orjson.dumps(one))) for name, one in learned.items()}
        )

    def load_estimates(
        self, campaign: CampaignName, instance: InstanceName
    ) -> tuple[datetime, Any] | None:
        self._at("load_estimates")
        return self.learned.get(campaign)

    def answers_at_hour(
        self, campaign: CampaignName, since: datetime, hour: int, zone: str
    ) -> tuple[int, int]:
        self._at("answers_at_hour")
        return self.history

    def cancelled_since(
        self, contacts: Sequence[ContactId], since: datetime
    ) -> frozenset[ContactId]:
        self._at("cancelled_since")
        return frozenset(self.cancelled & set(contacts))

    def wait_for_work(self, timeout_s: float) -> frozenset[CampaignName]:
        self._at("wait_for_work")
        if not self.work:
            gevent.sleep(timeout_s)
        return self.work.pop(0) if self.work else frozenset()

    def log_operators(self, changes: Sequence[OperatorChange]) -> None:
        self._at("log_operators")
        self.moves += changes


class MemoryDiary:
    """Keeps what was noted."""

    def __init__(self) -> None:
        self.noted: list[Decided] = []

    def note(self, decided: Decided) -> None:
        self.noted.append(decided)

    def write(self, now: datetime) -> None:
        """Nothing to write to."""


class MemoryJournal:
    """A journal that is new with each daemon."""

    def open(self, base: str) -> None:
        self._marks: list[Mark] = []

    def last(self) -> Mark | None:
        return self._marks[-1] if self._marks else None

    def marks(self) -> list[Mark]:
        return self._marks

    def words_after(self, nth: int) -> Iterator[Word]:
        return iter(())

    def append(self, words: Sequence[Word], mark: Mark, now: datetime) -> None:
        self._marks.append(mark)
