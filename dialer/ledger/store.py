"""PostgresLedger: the port `Ledger` on PostgreSQL. Thin: each verb is a noun's file.

Beside the port it has what the command line and the reports need: imports, people found and
stopped by their numbers, phones moved by hand, `reports`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import structlog

from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    ContactId,
    InstanceName,
    Intent,
    IntentAnswer,
    Number,
    NumberId,
    OpenAttempt,
    OperatorId,
    Outcome,
    PhoneId,
)
from dialer.core.permission.grounds import ConsentFact, StopFact
from dialer.core.permission.persistence import Figures
from dialer.core.permission.retention import DataKind
from dialer.errors import StoreError
from dialer.ledger import (
    campaigns,
    complaints,
    consents,
    endings,
    importer,
    intents,
    keyring,
    merges,
    numbers,
    pacing,
    people,
    phones,
    queue,
    recordings,
    retention,
    rights,
    service,
    spending,
    stoplist,
    stops,
    words,
)
from dialer.ledger.history import PastQueries
from dialer.ledger.listening import Listener
from dialer.ledger.migrate import migrate, pending
from dialer.ledger.names import NameLock
from dialer.ledger.pool import Pool
from dialer.ledger.reports import ReportQueries
from dialer.ledger.vault import Vault
from dialer.ports import (
    CallerStop,
    Due,
    FoundRecording,
    Held,
    HotLead,
    ImportedConsent,
    ImportReport,
    ImportRow,
    ListedRecording,
    Mark,
    OpenCall,
    OperatorChange,
    OptOut,
    RecordedFile,
    Recording,
    RejectedRow,
    Replayed,
    RetentionState,
    RetentionStep,
    SliceAnswer,
    SliceRequest,
    StaleRecording,
    StopImport,
    Stopped,
    StopRow,
    Supervised,
    Wish,
    Word,
)

log = structlog.get_logger(__name__)


class PostgresLedger:
    """The truth. `vault`: the keys of personal data; without one it stands in clear.

    `needs_keys`: does not open while a key is missing under which something is sealed.
    """

    def __init__(
        self,
        dsn: str,
        *,
        vault: Vault | None = None,
        needs_keys: bool = False,
        connections: int = 8,
        wait_s: float = 5.0,
        migrate_at_open: bool = False,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._dsn = dsn
        self._vault = vault or Vault()
        self._needs_keys = needs_keys
        self._migrate = migrate_at_open
        self._wall = wall
        self._pool = Pool(dsn, max_size=connections, wait_s=wait_s)
        self._listener = Listener(dsn)
        self._name = NameLock(dsn)
        self.reports = ReportQueries(self._pool, self._vault)
        self.stop_list = stoplist.StopList(self._pool, self._vault)
        self.past = PastQueries(self._pool)

    # ------------------------------------------------------------------ life

    def open(self) -> None:
        """Raises StoreError where the server or its schema is not as it should be."""
        if self._migrate:
            migrate(self._dsn)
        self._pool.open()
        with self._pool.connection() as connection:
            missing = pending(connection)
        if missing:
            self._pool.close()
            raise StoreError(
                "postgresql",
                f"{len(missing)} migrations are not applied, the first is {missing[0].name}",
                "run the migrations: dialer migrate",
            )
        self._check_keys()

    def _check_keys(self) -> None:
        try:
            keyring.check(self._pool, self._vault, strict=self._needs_keys, now=self._now())
        except StoreError:
            self._pool.close()
            raise

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)

    def close(self) -> None:
        self._listener.close()
        self._name.release()
        self._pool.close()

    def clock_offset_s(self) -> float:
        with self._pool.connection() as connection:
            return service.clock_offset_s(connection, self._wall)

    def hold_name(self, instance: InstanceName) -> str | None:
        return self._name.hold(instance)

    # ------------------------------------------------------------------ what is configured

    def save_campaigns(self, saved: Sequence[Campaign], now: datetime) -> None:
        for campaign in saved:
            campaigns.save(self._pool, campaign, now)

    def save_numbers(self, saved: Sequence[Number]) -> None:
        with self._pool.transaction() as connection:
            numbers.save(connection, saved, self._now())

    # ------------------------------------------------------------------ the walk of a contact

    def due(self, campaign: Campaign, now: datetime, limit: int) -> Sequence[Due]:
        return queue.due(self._pool, campaign, now, limit)

    def rescore(self, campaign: Campaign, now: datetime) -> int:
        return queue.rescore(self._pool, campaign, now)

    def postpone(
        self, campaign: CampaignName, until: Sequence[tuple[ContactId, str, datetime]]
    ) -> None:
        queue.postpone(self._pool, campaign, until)

    def commit_intents(self, asked: Sequence[Intent], now: datetime) -> Sequence[IntentAnswer]:
        return intents.commit(self._pool, asked, now, self._vault)

    def end_attempts(self, outcomes: Sequence[Outcome]) -> None:
        endings.end(self._pool, outcomes)

    def withdraw_intents(self, attempts: Sequence[AttemptId], reason: str) -> None:
        intents.withdraw(self._pool, attempts, reason)

    def open_attempts(self, instance: InstanceName | None = None) -> Sequence[OpenAttempt]:
        with self._pool.connection() as connection:
            return intents.open_attempts(connection, instance)

    def charges(self, days: Sequence[date]) -> Mapping[tuple[NumberId, date], int]:
        with self._pool.connection() as connection:
            return numbers.charges(connection, days)

    def dispose(
        self,
        attempt: AttemptId,
        *,
        operator: OperatorId,
        result: str,
        tags: Sequence[str],
        summary: str,
        now: datetime,
    ) -> None:
        with self._pool.transaction() as connection:
            endings.dispose(
                connection,
                attempt,
                operator=operator,
                result=result,
                tags=tags,
                summary=summary,
                vault=self._vault,
                now=now,
            )

    # ------------------------------------------------------------------ pacing

    def take_slice(self, asked: SliceRequest) -> SliceAnswer:
        return pacing.take_slice(self._pool, asked)

    def persistence(self, campaign: CampaignName, since: datetime) -> Figures:
        return spending.persistence(self._pool, campaign, since)

    def persistence_of(self, phone: PhoneId, since: datetime) -> Figures:
        """Of one person, over all campaigns."""
        return spending.persistence_of(self._pool, phone, since)

    def save_pace(self, campaign: CampaignName, pace: float) -> None:
        spending.save_pace(self._pool, campaign, pace)

    def pace_of(self, campaign: CampaignName) -> float:
        return spending.pace_of(self._pool, campaign)

    def costs(self, campaign: CampaignName, since: datetime, until: datetime) -> spending.Costs:
        return spending.costs(self._pool, campaign, since, until)

    def used_of_day(self, campaign: CampaignName, day: date) -> tuple[int, int]:
        return spending.used_of_day(self._pool, campaign, day)

    def return_slices(self, instance: InstanceName) -> None:
        pacing.return_slices(self._pool, instance)

    def save_estimates(
        self, instance: InstanceName, learned: Mapping[CampaignName, Any], now: datetime
    ) -> None:
        pacing.save_estimates(self._pool, instance, learned, now)

    def load_estimates(
        self, campaign: CampaignName, instance: InstanceName
    ) -> tuple[datetime, Any] | None:
        with self._pool.connection() as connection:
            return pacing.load_estimates(connection, campaign, instance)

    def answers_at_hour(
        self, campaign: CampaignName, since: datetime, hour: int, zone: str
    ) -> tuple[int, int]:
        with self._pool.connection() as connection:
            return pacing.answers_at_hour(connection, campaign, since, hour, zone)

    def cancelled_since(
        self, contacts: Sequence[ContactId], since: datetime
    ) -> frozenset[ContactId]:
        with self._pool.connection() as connection:
            return pacing.cancelled_since(connection, contacts, since)

    # ------------------------------------------------------------------ test calls

    def charge_number(self, number: Number, day: date) -> bool:
        """A call that no intent makes counts too; False: its day is full."""
        with self._pool.connection() as connection:
            return numbers.charge(connection, number, day)

    def credit_number(self, number: NumberId, day: date) -> None:
        with self._pool.connection() as connection:
            numbers.credit(connection, number, day)

    def note_test_call(
        self, *, who: str, number: NumberId, details: Mapping[str, object], now: datetime
    ) -> None:
        with self._pool.connection() as connection:
            service.add_audit(
                connection, who=who, what="test call", subject=number, details=details, now=now
            )

    # ------------------------------------------------------------------ stops

    def add_stop(
        self, phone: PhoneId, *, origin: str, now: datetime, wish: Wish | None = None
    ) -> Stopped:
        return stops.add(self._pool, phone, origin=origin, now=now, wish=wish)

    def remove_stops(
        self, phone: PhoneId, *, by: str, now: datetime, channel: str | None = None
    ) -> int:
        return stops.remove(self._pool, phone, by=by, now=now, channel=channel)

    def stops_of(self, phone: PhoneId) -> Sequence[StopFact]:
        with self._pool.connection() as connection:
            return stops.of_phone(connection, phone)

    def open_calls(self, phones: Sequence[PhoneId]) -> Sequence[OpenCall]:
        with self._pool.connection() as connection:
            return stops.open_calls(connection, phones)

    def import_stops(
        self,
        rows: Iterable[StopRow | RejectedRow],
        *,
        source: str,
        by: str,
        now: datetime,
        rejected: importer.Rejected | None = None,
        ringing: stoplist.Ringing = lambda phones: None,
    ) -> StopImport:
        return stoplist.import_stops(
            self._dsn,
            rows,
            source=source,
            vault=self._vault,
            now=now,
            by=by,
            rejected=rejected,
            ringing=ringing,
        )

    def add_consent(
        self,
        phone: PhoneId,
        consent: ImportedConsent,
        *,
        contact: ContactId | None = None,
        source: str | None,
        by: str,
        now: datetime,
    ) -> bool:
        """False: it was known."""
        return consents.add(
            self._pool,
            phone,
            contact,
            consent,
            source=source,
            vault=self._vault,
            by=by,
            now=now,
        )

    def withdraw_consents(
        self, phone: PhoneId, *, purpose: str | None, now: datetime, by: str = "the person"
    ) -> int:
        return consents.withdraw(self._pool, phone, purpose=purpose, now=now, by=by)

    def opt_out(self, attempt: AttemptId, now: datetime) -> OptOut:
        return stops.opt_out(self._pool, attempt, now=now)

    def is_stopped(self, digits: str, now: datetime) -> bool:
        """Has the owner of this phone (E.164) said that he is not to be called?"""
        with self._pool.connection() as connection:
            phone = phones.find(connection, digits, self._vault)
            return phone is not None and stops.is_stopped(connection, phone, now)

    def take_caller_stops(
        self, callers: Sequence[CallerStop], now: datetime
    ) -> Sequence[PhoneId]:
        return stops.take_callers(self._pool, callers, self._vault, now)

    def consents_of(self, phone: PhoneId) -> Sequence[tuple[int, ConsentFact]]:
        with self._pool.connection() as connection:
            return consents.of_phone(connection, phone, self._vault)

    def withdrawals_of(self, phone: PhoneId) -> Sequence[tuple[str, datetime, str]]:
        with self._pool.connection() as connection:
            return consents.withdrawals_of(connection, phone)

    def add_complaint(
        self, phone: PhoneId, text: str, *, campaign: str | None, by: str, now: datetime
    ) -> str | None:
        """The campaign that it counts against."""
        return complaints.add(
            self._pool, self._vault, phone, text, campaign=campaign, by=by, now=now
        )

    def complaints(
        self, since: datetime, campaign: str | None = None
    ) -> Sequence[complaints.Complaint]:
        return complaints.since(self._pool, self._vault, since, campaign)

    def set_halted(self, halted: bool, *, by: str, now: datetime) -> None:
        service.set_halted(self._pool, halted, by=by, now=now)

    def halted(self) -> bool:
        with self._pool.connection() as connection:
            return service.halted(connection)

    # ------------------------------------------------------------------ hot leads

    def add_hot_lead(self, lead: HotLead, now: datetime) -> None:
        with self._pool.transaction() as connection:
            campaigns.add_hot_lead(connection, lead.campaign, lead.contact_id, now)

    def add_hot_row(self, campaign: CampaignName, row: ImportRow, now: datetime) -> HotLead:
        """A lead with its data: the card is found or made, then it is dialed first.

        Raises StoreError where the row may make no card (its phone is archived or stopped).
        """
        contact = importer.add_row(
            self._dsn, row, source="hot lead", vault=self._vault, now=now
        )
        lead = HotLead(campaign=campaign, contact_id=contact)
        self.add_hot_lead(lead, now)
        return lead

    def wait_for_work(self, timeout_s: float) -> frozenset[CampaignName]:
        return self._listener.wait(timeout_s)

    # ------------------------------------------------------------------ the base

    def import_rows(
        self,
        list_name: str,
        rows: Iterable[ImportRow | RejectedRow],
        *,
        source: str,
        now: datetime,
        progress: importer.Progress | None = None,
        rejected: importer.Rejected | None = None,
    ) -> ImportReport:
        """Onto the list, then into the queues of the campaigns that dial it."""
        report = importer.import_rows(
            self._dsn,
            list_name,
            rows,
            source=source,
            vault=self._vault,
            now=now,
            progress=progress,
            rejected=rejected,
        )
        with self._pool.connection() as connection:
            service.add_audit(
                connection,
                who=source,
                what="import",
                subject=list_name,
                details={
                    "rows": report.rows,
                    "rejected": report.rejected,
                    "kept_out": report.kept_out,
                },
                now=now,
            )
        enrolled = campaigns.enrol_list(self._pool, list_name, now)
        log.info("import done", list=list_name, rows=report.rows, enrolled=enrolled)
        return report

    def split_last_merge(self, contact: ContactId, *, by: str, now: datetime) -> ContactId:
        """Undo the last merge into this card: two cards again; logged."""
        card, lists = merges.split_last(self._pool, contact, self._vault, by=by, now=now)
        for name in lists:
            campaigns.enrol_list(self._pool, name, now)
        return card

    def note_export(self, what: str, *, by: str, now: datetime) -> None:
        """Clear numbers leave the base by the thousand: the audit says who took them."""
        with self._pool.connection() as connection:
            service.add_audit(connection, who=by, what=what, subject=None, details={}, now=now)

    def export_person(self, phone: PhoneId, *, by: str, now: datetime) -> dict[str, Any]:
        """Everything on a phone and its people, with clear numbers; logged."""
        return rights.export(self._pool, phone, self._vault, by=by, now=now)

    def phones_of_person(self, phone: PhoneId) -> Sequence[PhoneId]:
        """Every phone that an erasure of this one takes along, itself included."""
        return rights.others_of(self._pool, phone)

    def erase_person(self, phone: PhoneId, *, by: str, now: datetime) -> rights.Erased:
        """The stop must be in force before; raises StoreError while a call is going on."""
        return rights.erase(self._pool, phone, by=by, now=now)

    def take_keys(self, fresh: Vault) -> None:
        """Another ring from now on, if it holds all that is needed. Raises StoreError."""
        keyring.check(self._pool, fresh, strict=self._needs_keys, now=self._now())
        self._vault.take(fresh.keys)

    def data_keys(self) -> Sequence[keyring.KeyUse]:
        """Every key of the ring or of the base, and how many texts it has sealed."""
        return keyring.uses(self._pool, self._vault)

    def rotate_keys(
        self, *, by: str, progress: Callable[[int, int], None] | None = None
    ) -> keyring.Rotated:
        """Everything under the first key; may be stopped and begun again at any time."""
        return keyring.rotate(
            self._pool, self._vault, by=by, now=self._now(), progress=progress
        )

    def preview_retention(
        self, before: Mapping[DataKind, datetime], now: datetime
    ) -> retention.Old:
        return retention.preview(self._pool, before, now)

    def apply_retention(
        self, before: Mapping[DataKind, datetime], *, by: str, now: datetime
    ) -> Mapping[str, int]:
        """By hand: all of it, without a pause."""
        return retention.apply(self._pool, before, by=by, now=now)

    # ------------------------------------------------------------------ people's words

    def base_id(self) -> str:
        return words.base_id(self._pool)

    def words_head(self) -> Mark:
        return words.head(self._pool)

    def knows_mark(self, mark: Mark) -> bool:
        return words.knows(self._pool, mark)

    def newest_known_mark(self, marks: Sequence[Mark]) -> int:
        return words.newest_known(self._pool, marks)

    def words_after(self, mark: Mark, most: int) -> tuple[Sequence[Word], Mark]:
        return words.after(self._pool, mark, most)

    def replay_words(self, said: Iterable[Word], now: datetime) -> Replayed:
        return words.replay(self._pool, said, now)

    # ------------------------------------------------------------------ retention

    def retention_state(self) -> RetentionState:
        return retention.state(self._pool)

    def begin_retention(self, day: date, instance: InstanceName, now: datetime) -> bool:
        return retention.begin(self._pool, day, instance, now)

    def retention_steps(
        self, before: Mapping[DataKind, datetime], now: datetime, most: int
    ) -> Iterator[RetentionStep]:
        return retention.steps(self._pool, before, now, most)

    def end_retention(
        self, day: date, instance: InstanceName, gone: Mapping[str, int], now: datetime
    ) -> None:
        retention.end(self._pool, day, instance, gone, now)

    def held_by_law(self) -> Sequence[Held]:
        """What is kept of people who are erased."""
        return retention.held(self._pool)

    def verify_audit(self) -> rights.Chain:
        return rights.verify(self._pool)

    def attempts_of(self, phone: PhoneId) -> Sequence[AttemptId]:
        """Every attempt on this phone, the oldest first."""
        return people.attempts_of(self._pool, phone)

    def standings(
        self, phone: PhoneId, campaign: CampaignName, since: datetime
    ) -> Sequence[people.Standing]:
        """One for each card of the phone, with all that permission looks at."""
        return people.standings(self._pool, self._vault, phone, campaign, since)

    def shown(self, contact: ContactId) -> people.Shown | None:
        """A contact as an operator reads him before he calls, in clear. Raises Unreadable."""
        return people.shown(self._pool, contact, self._vault)

    def find_phone(self, digits: str) -> PhoneId | None:
        with self._pool.connection() as connection:
            return phones.find(connection, digits, self._vault)

    def find_or_add_phone(self, digits: str) -> PhoneId:
        """For a stop on a number that stands on no list."""
        with self._pool.transaction() as connection:
            return phones.find_or_add(connection, digits, self._vault)

    def digits_of(self, asked: Sequence[PhoneId]) -> Mapping[PhoneId, str]:
        """Clear numbers, for whoever may see them."""
        with self._pool.connection() as connection:
            return phones.digits_of(connection, asked, self._vault)

    def move_phone(
        self, phone: PhoneId, state: str, *, by: str, reason: str, now: datetime
    ) -> bool:
        """To "archived", "review" or back to "active" by hand (R5.5); logged."""
        return service.move_phone(self._pool, phone, state, by=by, reason=reason, now=now)

    # ------------------------------------------------------------------ recordings, supervision

    def save_recording(self, one: Recording) -> None:
        with self._pool.connection() as connection:
            recordings.save(connection, one)

    def finish_recording(
        self, attempt: AttemptId, file: RecordedFile | str, now: datetime
    ) -> None:
        with self._pool.connection() as connection:
            recordings.finish(connection, attempt, file, now)

    def mask_recording(
        self, attempt: AttemptId, *, masked: bool, by: str, now: datetime
    ) -> None:
        with self._pool.connection() as connection:
            recordings.mask(connection, attempt, masked=masked, by=by, now=now)

    def note_sealing(self, attempts: Sequence[AttemptId], key: str) -> None:
        with self._pool.connection() as connection:
            recordings.note_sealing(connection, attempts, key)

    def note_sealed(self, attempts: Sequence[AttemptId], key: str, now: datetime) -> None:
        with self._pool.connection() as connection:
            recordings.note_sealed(connection, attempts, key, now)

    def stale_recordings(
        self, instance: InstanceName, key: str, after: str, most: int
    ) -> Sequence[StaleRecording]:
        with self._pool.connection() as connection:
            return recordings.stale(connection, instance, key, after, most)

    def stale_by_folder(self) -> Mapping[str, int]:
        """Recordings not under the first key, by the daemon in whose folder they lie."""
        key = self._vault.first_id
        if key is None:
            return {}
        with self._pool.sweep() as connection:
            return recordings.count_stale(connection, key)

    def find_recording(self, attempt: str) -> FoundRecording | None:
        with self._pool.connection() as connection:
            return recordings.find(connection, attempt)

    def kept_recordings(
        self, instance: InstanceName, since: datetime
    ) -> Sequence[FoundRecording]:
        with self._pool.sweep() as connection:
            return recordings.kept(connection, instance, since)

    def note_recording_export(self, one: FoundRecording, *, by: str, now: datetime) -> None:
        recordings.note_export(self._pool, one, by=by, now=now)

    def open_recordings(self, instance: InstanceName) -> Sequence[tuple[AttemptId, str]]:
        with self._pool.connection() as connection:
            return recordings.unfinished(connection, instance)

    def due_recordings(
        self, instance: InstanceName, now: datetime, most: int
    ) -> Sequence[ListedRecording]:
        with self._pool.connection() as connection:
            return recordings.due(connection, instance, now, most)

    def recordings_deleted(
        self, attempts: Sequence[AttemptId], *, by: str, now: datetime
    ) -> int:
        with self._pool.connection() as connection:
            return recordings.deleted(connection, attempts, by=by, now=now)

    def list_recordings(
        self, campaign: CampaignName | None, since: datetime, most: int
    ) -> Sequence[ListedRecording]:
        """For the command line: the newest first."""
        with self._pool.connection() as connection:
            return recordings.listed(connection, campaign, since, most)

    def log_supervision(self, one: Supervised) -> None:
        with self._pool.connection() as connection:
            recordings.log_supervision(connection, one)

    def log_operators(self, changes: Sequence[OperatorChange]) -> None:
        if changes:
            with self._pool.connection() as connection:
                service.log_operators(connection, changes)
