"""What the engine asks of the world, as protocols; each room implements its own.

    Switch    -> esl.switch        (simulated: the same room against sim.event_socket)
    Hopper    -> hopper.queue      Presence -> hopper.presence
    Ledger    -> ledger.store      Meter    -> metrics.meter      Clock -> app

Errors: Switch raises LinkDown and CommandRefused; Hopper, Presence and Ledger raise StoreError.
Every call has a deadline of its own; none may be wrapped in a gevent.Timeout from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    Claimed,
    ContactId,
    Entry,
    Gateway,
    GatewayName,
    GroupName,
    InstanceName,
    Intent,
    IntentAnswer,
    LegId,
    Moment,
    Number,
    NumberId,
    OpenAttempt,
    OperatorId,
    Outcome,
    PhoneId,
    RecordingPlace,
    Supervision,
    Tone,
    Window,
)
from dialer.core.pacing.law_source import LawSource
from dialer.core.pacing.observation import Decision, Team
from dialer.core.permission.persistence import Figures


class Clock(Protocol):
    """Both clocks; the only place where time comes from."""

    def now(self) -> Moment: ...


# --------------------------------------------------------------------------------- the switch


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCall:
    """Everything that the originate of a customer needs; typed, so that nothing is escaped."""

    attempt: AttemptId
    digits: str  # E.164 with +
    caller: NumberId
    gateway: GatewayName
    ring_timeout_s: int
    silence_ms: int
    message: str  # file name from the configuration
    max_talk_s: int
    opt_out_key: str = ""  # one digit, heard by the leg's own script; "" = none


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCall:
    """The originate of an operator's persistent leg."""

    operator: OperatorId
    leg: LegId
    endpoint: str
    timeout_s: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorCall:
    """The originate of a supervisor's leg, which hears the operator's."""

    leg: LegId
    supervisor: str
    endpoint: str
    operator: OperatorId
    operator_leg: LegId
    timeout_s: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchEvent:
    """One event of the switch, translated: names of `esl.translate.KINDS`.

    `leg` is the channel; `other` the second leg of a bridge; `at` when the switch made it
    (epoch seconds). `data` holds the kind's own values (Evidence of a hang-up, reply of a job,
    ...).
    """

    kind: str
    leg: LegId | None = None
    other: LegId | None = None
    at: float = 0.0
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLeg:
    """One channel of ours that exists now, from `show channels` and `uuid_dump`."""

    leg: LegId
    attempt: AttemptId | None  # variable dialer_attempt
    operator: OperatorId | None  # variable dialer_agent
    instance: str | None
    answered: bool
    parked: bool
    in_script: bool
    bridged_to: LegId | None
    created_at: float  # epoch seconds
    answered_at: float | None
    supervisor: str | None = None  # variable dialer_supervisor
    supervised: OperatorId | None = None  # variable dialer_supervised


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerStop:
    """Somebody called us back and pressed 9. `caller`: E.164, None = unknown."""

    call: LegId
    caller: str | None


class Switch(Protocol):
    """The telephone switch. Commands return when it has answered; events come by the inbox."""

    def start(self, inbox: Callable[[SwitchEvent], None]) -> None: ...

    def stop(self) -> None: ...

    def usable(self) -> bool:
        """Connected, and events really flow (own tick seen within 3 s): may we originate?"""
        ...

    def originate_customer(self, call: CustomerCall) -> None:
        """Accepted by the switch (its end comes as events). Raises LinkDown: maybe dialed."""
        ...

    def originate_operator(self, call: OperatorCall) -> None: ...

    def originate_supervisor(self, call: SupervisorCall) -> None: ...

    def supervise(self, leg: LegId, mode: Supervision) -> None:
        """Of a supervisor's leg that is up: who hears him."""
        ...

    def begin_bridge(self, operator_leg: LegId, customer_leg: LegId) -> Callable[[], object]:
        """Ordered before it returns and without a wait, so within the dispatcher's turn.

        Never raises; what is returned waits for the answer and raises as the others do.
        """
        ...

    def park(self, leg: LegId) -> None: ...

    def kill(self, leg: LegId, cause: str) -> None: ...

    def play_message(self, leg: LegId, message: str, opt_out_key: str) -> None: ...

    def opt_outs(self) -> Sequence[AttemptId]:
        """Whose key the switch remembers, from whichever daemon's life."""
        ...

    def forget_opt_out(self, attempt: AttemptId) -> None:
        """It stands in the ledger now."""
        ...

    def record(self, leg: LegId, path: str) -> None: ...

    def mask(self, leg: LegId, path: str, *, masked: bool) -> None:
        """Silence in the recording, or its end; the talk itself is not touched."""
        ...

    def announce(self, legs: Sequence[LegId], sound: str) -> None:
        """Mixed into what each of them hears; the bridge stays."""
        ...

    def beep(self, leg: LegId, tone: Tone) -> None:
        """Mixed into what this leg hears, and nobody else."""
        ...

    def clean(self, leg: LegId) -> None: ...

    def gateways_up(self) -> Mapping[GatewayName, bool]:
        """Each configured gateway as the switch sees it; an unknown one is down."""
        ...

    def caller_stops(self) -> Sequence[CallerStop]:
        """Kept by the switch until they are forgotten; some may be told more than once."""
        ...

    def forget_caller_stops(self, calls: Sequence[LegId]) -> None: ...

    def missing_sounds(self, names: Sequence[str]) -> Sequence[str]:
        """Those message files that the switch does not have."""
        ...

    def set_gateways(self, gateways: Mapping[GatewayName, Gateway]) -> None:
        """After a reload of the configuration."""
        ...

    def exists(self, leg: LegId) -> bool: ...

    def find(self, leg: LegId) -> FoundLeg | None: ...

    def find_all(self) -> Sequence[FoundLeg]:
        """Every channel that carries our instance's name."""
        ...

    def hang_up_all(self, cause: str, *, unanswered_only: bool) -> int: ...

    def health(self) -> dict[str, Any]:
        """Figures of the link for status and metrics, as JSON holds them."""
        ...


# ------------------------------------------------------------------------------ recordings


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


# --------------------------------------------------------------------------------- Redis


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One number that may be shown for this claim, with its limits at this moment.

    `gateway` shows it; `others` may do so too, in the campaign's order, for a contact whose
    calls through the first came to nothing.
    """

    number: NumberId
    region: str | None
    gateway: GatewayName
    day: date
    hour: str  # "2026-11-24T17" in the number's own zone
    soft_limit: int
    hard_limit: int
    calls_at_once: int | None
    min_gap_s: float
    calls_per_hour: int | None
    others: tuple[GatewayName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRequest:
    """Take up to `count` entries of a campaign off the queue, each with a number to show."""

    campaign: CampaignName
    count: int
    shown: Sequence[Shown]
    attempt_ids: Sequence[AttemptId]  # at least `count`, fresh
    owner: InstanceName
    lease_s: float
    now: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimAnswer:
    """`held_back` counts by reason what stopped the claim short: "hopper_empty",
    "pool_used_up", "numbers_busy" (calls at once, gap, hour), "window_closed" (void entries,
    taken off)."""

    claimed: Sequence[Claimed]
    held_back: Mapping[str, int]


class Hopper(Protocol):
    """The next contacts by rank, leases, the numbers' counts. May be empty after a loss."""

    def epoch(self) -> str:
        """Changes when the store came up empty: everything must be rebuilt before a claim."""
        ...

    def rebuild(
        self,
        *,
        epoch: str,
        charges: Mapping[tuple[NumberId, date], int],
        open_attempts: Sequence[OpenAttempt],
        lease_s: float,
        now: Moment,
    ) -> None: ...

    def offer(self, campaign: CampaignName, entries: Sequence[Entry]) -> int:
        """Queue these (a known one is updated in place, a leased one is passed over)."""
        ...

    def size(self, campaign: CampaignName) -> int: ...

    def head(self, campaign: CampaignName, count: int) -> Sequence[Entry]: ...

    def claim(self, request: ClaimRequest) -> ClaimAnswer: ...

    def give_back(
        self, claimed: Sequence[Claimed], *, requeue: bool, owner: InstanceName
    ) -> None: ...

    def settle(
        self, claimed: Sequence[Claimed], *, number_charged: Sequence[bool], owner: InstanceName
    ) -> None:
        """End the leases; give the number's count back where it was not charged. Idempotent."""
        ...

    def renew(self, owner: InstanceName, lease_s: float, now: Moment) -> None: ...

    def expired(self, now: Moment, limit: int) -> Sequence[Claimed]:
        """Leases past their deadline, whoever owned them; they stay until settled."""
        ...

    def void(self, phones: Sequence[PhoneId]) -> None:
        """Take these phones off every queue (a stop)."""
        ...

    def clear(self, campaign: CampaignName) -> None: ...

    def used(self, numbers: Sequence[tuple[NumberId, date]]) -> Sequence[int]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Somebody asks the daemon for something: `verb` and its words; answered by `id`."""

    id: str
    verb: str  # operator.login | operator.pause | ... | halt | resume | stop_phone
    words: Mapping[str, Any]


class Presence(Protocol):
    """The meeting place of processes: operators' and daemons' states, commands, replies."""

    def publish_operators(
        self, instance: InstanceName, states: Mapping[OperatorId, Mapping[str, Any]]
    ) -> None: ...

    def publish_status(self, instance: InstanceName, status: Mapping[str, Any]) -> None: ...

    def statuses(self) -> Mapping[InstanceName, Mapping[str, Any]]: ...

    def operators(self) -> Mapping[OperatorId, Mapping[str, Any]]: ...

    def send(self, instance: InstanceName, command: Command) -> None: ...

    def receive(self, instance: InstanceName, timeout_s: float) -> Command | None: ...

    def reply(self, command_id: str, answer: Mapping[str, Any]) -> None: ...

    def await_reply(self, command_id: str, timeout_s: float) -> Mapping[str, Any] | None: ...

    def forget(self, instance: InstanceName) -> None: ...


# --------------------------------------------------------------------------------- PostgreSQL


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


class ImportedPhone(NamedTuple):
    """One phone of an imported row; `digits` is E.164 with +, `zones` all it may lie in."""

    digits: str
    kind: str | None = None  # "mobile" | "landline" | ...
    region: str | None = None
    carrier: str | None = None
    zones: tuple[str, ...] = ()
    extension: str | None = None


class ImportedConsent(NamedTuple):
    """A consent for the row's phones and one purpose (R6.1); instants are aware."""

    purpose: str
    given_at: datetime
    expires_at: datetime | None = None
    text_version: str | None = None
    evidence: str | None = None


class ImportRow(NamedTuple):
    """One good row of an import: who, where, on what ground (R4.1, R4.2).

    Tuples, not dataclasses: a file has a million of them. `phones`: at least one, the first is
    dialed first. `fields` are the rules' own columns ("fields.NAME"); numbers stand in them as
    numbers, dates as ISO text. `windows`: the times that the contact named himself (R3.6).
    """

    line: int
    phones: tuple[ImportedPhone, ...]
    name: str | None = None
    email: str | None = None
    address: str | None = None
    note: str | None = None
    region: str | None = None  # the card's; None: the first phone's
    source: str | None = None  # None: the import's
    added_at: datetime | None = None
    status: str | None = None
    segment: str | None = None
    tags: tuple[str, ...] = ()
    fields: Mapping[str, Any] = {}
    consent: ImportedConsent | None = None
    windows: tuple[Window, ...] = ()


class RejectedRow(NamedTuple):
    """One row that is not taken over: its line and why, in a sentence without personal data.

    `in_part`: the row itself is taken over and counted, only a phone of it is not.
    """

    line: int
    reason: str
    in_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is not wanted: category never | messages_only | not_now (then `expires_at`); on the
    channel phone | sms | email; scope global | campaign | purpose (`scope_value` names it).
    """

    category: str = "never"
    channel: str = "phone"
    scope: str = "global"
    scope_value: str | None = None
    expires_at: datetime | None = None


class Stopped(NamedTuple):
    """A stop in force: the number of its change, and whether it was not in force before."""

    number: int
    is_new: bool


class OpenCall(NamedTuple):
    """A committed call that nobody is known to have answered yet."""

    attempt: AttemptId
    instance: InstanceName
    committed_at: datetime
    ring_timeout_s: float


class StopRow(NamedTuple):
    """One row of a stop list's file. `number`: the other side's own, where it numbers them."""

    line: int
    digits: str  # E.164 with +
    wish: Wish
    change: str = "added"  # or "removed"
    added_at: datetime | None = None
    origin: str | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopImport:
    """What a stop list's file came to. `known`: in force before; `gaps`: numbers of the other
    side that are missing (first, last); `repeated`: rows whose number was taken over before.
    """

    rows: int = 0
    added: int = 0
    removed: int = 0
    known: int = 0
    repeated: int = 0
    gaps: tuple[tuple[int, int], ...] = ()
    rejected: int = 0
    first_rejected: tuple[RejectedRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import came to. `kept_out`: rows by reason ("archived", "stop"), no card made.

    `unchanged`: rows whose card, phones, consent and place on the list were there already.
    `rejected` counts all; their lines go to the callback, `first_rejected` holds the first 100.
    `in_part` counts what was left out of rows that are taken over; it is told in the same way.
    """

    rows: int = 0
    contacts_added: int = 0
    contacts_updated: int = 0
    contacts_merged: int = 0
    unchanged: int = 0
    phones_added: int = 0
    listed: int = 0  # rows newly on the list
    consents_added: int = 0
    kept_out: Mapping[str, int] = field(default_factory=dict)
    rejected: int = 0
    first_rejected: tuple[RejectedRow, ...] = ()
    in_part: int = 0


class OptOut(NamedTuple):
    """What the ledger makes of an opt-out key: `known` False = no such attempt in this base.

    `phone` None: he had been bridged when he pressed it, so that it means nothing.
    """

    known: bool
    phone: PhoneId | None = None


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


# --------------------------------------------------------------------------------- the diary


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision of a group, with all that it was made from. `laws`: of each predictive
    campaign the number of its law and what that was made of.
    """

    at: datetime
    group: GroupName
    team: Team
    laws: Mapping[str, tuple[int, LawSource]]
    decisions: Mapping[CampaignName, Decision]


class Diary(Protocol):
    """Decisions of pacing, day by day, to be decided again (`dialer replay`)."""

    def note(self, decided: Decided) -> None:
        """Cheap: never blocks, never raises; what is too much is dropped and counted."""
        ...

    def write(self, now: datetime) -> None:
        """What was noted goes to the day's file. Raises StoreError."""
        ...


# --------------------------------------------------------------------------------- the past


class PastHour(NamedTuple):
    """Calls that reached a line in one hour of one day, in the asked zone."""

    day: date
    hour: int
    calls: int
    answered: int  # by machines too
    machines: int


class PastEnding(NamedTuple):
    """How many calls came to the same; `silent`: of the unanswered, those that never rang."""

    disposition: str
    later: bool  # not the contact's first try
    calls: int
    answered: int
    silent: int


class PastAnswer(NamedTuple):
    """One answered call. Seconds; None where it did not come so far."""

    day: date
    post_dial_s: float | None
    ring_s: float
    wait_s: float | None
    talk_s: float | None
    operator: str | None
    disposition: str


class PastPresence(NamedTuple):
    """How long the campaign's operators were in a state, and how often."""

    state: str
    seconds: float
    times: int


class QueuePart(NamedTuple):
    """Contacts of one zone that the campaign may still dial; -1 hours: held back for good."""

    zone: str
    later: bool
    rounds_failed: int
    due_in_h: int
    contacts: int


class PastCalls(Protocol):
    """What a forecast asks of a campaign's past."""

    def hours(
        self, campaign: CampaignName, since: datetime, until: datetime, zone: str
    ) -> Sequence[PastHour]: ...

    def endings(
        self, campaign: CampaignName, since: datetime, until: datetime
    ) -> Sequence[PastEnding]: ...

    def answers(
        self, campaign: CampaignName, since: datetime, until: datetime, most: int
    ) -> Sequence[PastAnswer]: ...

    def wrapups_s(
        self, campaign: CampaignName, since: datetime, until: datetime, most: int
    ) -> Sequence[float]: ...

    def presence(
        self, campaign: CampaignName, since: datetime, until: datetime
    ) -> Sequence[PastPresence]: ...

    def queue(self, campaign: CampaignName, zone: str, at: datetime) -> Sequence[QueuePart]: ...


# --------------------------------------------------------------------------------- metrics


class Meter(Protocol):
    """Counts and measures by the names of `metrics.names`; an unknown name is a Bug."""

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None: ...

    def observe(self, name: str, value: float, **labels: str) -> None: ...

    def gauge(self, name: str, value: float, **labels: str) -> None: ...
