"""Ids and frozen values that all fields of the core share.

Words: a *contact* is a person or company on a *list*; it has *phones*. A *campaign* dials a
list. An *attempt* is one call to one phone; its id is the channel's uuid on the switch. A *leg*
is a channel. An *operator* talks; operators are in *groups*. A *number* is one of our own,
shown as caller ID and taken from a *pool*; it is told apart from a *phone*, which is somebody
else's.

Units are in names: `_s`, `_ms`, `_per_s`; `_at` is an instant. A `Moment` holds an instant on
both clocks: durations by `mono_s` (never steps), records by `wall` (has a zone).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, NamedTuple, NewType

ContactId = NewType("ContactId", int)
PhoneId = NewType("PhoneId", int)
AttemptId = NewType("AttemptId", str)  # canonical uuid text = the channel's uuid
LegId = NewType("LegId", str)  # uuid of any channel; a customer's leg has its attempt's id
CampaignName = NewType("CampaignName", str)
OperatorId = NewType("OperatorId", str)
GroupName = NewType("GroupName", str)
NumberId = NewType("NumberId", str)  # E.164 of one of our own numbers, "+74951230001"
PoolName = NewType("PoolName", str)
GatewayName = NewType("GatewayName", str)
InstanceName = NewType("InstanceName", str)  # one daemon


class Moment(NamedTuple):
    """One instant on both clocks: `mono_s` for durations, `wall` (aware) for records."""

    mono_s: float
    wall: datetime


class Window(NamedTuple):
    """A calling window in the called party's zone: `days` 0 = Monday; [open, close)."""

    days: frozenset[int]
    opens: time
    closes: time


class Order(StrEnum):
    """How a campaign goes through its list (R3.3, R3.4)."""

    SEQUENTIAL = "sequential"
    PRIORITY = "priority"


class Mode(StrEnum):
    """How a campaign is paced (R3.1)."""

    PREVIEW = "preview"
    PROGRESSIVE = "progressive"
    POWER = "power"
    PREDICTIVE = "predictive"


class Strategy(StrEnum):
    """Which ready operator of a group gets the next call (R2.1)."""

    ROUND_ROBIN = "round_robin"
    LONGEST_IDLE = "longest_idle"
    IN_ORDER = "in_order"


class Disposition(StrEnum):
    """What an attempt came to, derived from evidence by `core.calls.causes` (R5.1)."""

    TALKED = "talked"
    ABANDONED = "abandoned"
    SHORT_HANGUP = "short_hangup"  # the customer left while waiting, before we were too late
    MACHINE = "machine"
    INVALID_NUMBER = "invalid_number"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNAVAILABLE = "unavailable"  # switched off, out of coverage
    BLOCKED = "blocked"  # refused by analytics: the number shown is to blame
    REJECTED = "rejected"  # by the person
    CARRIER_REFUSED = "carrier_refused"
    CARRIER_FAILURE = "carrier_failure"
    CODEC_FAILURE = "codec_failure"
    ROUTING_FAILURE = "routing_failure"
    LOCAL_FAILURE = "local_failure"  # no channel ever existed
    CANCELLED = "cancelled"  # by us, before an answer
    LOST = "lost"  # nobody can tell what became of it: treated as dialed
    UNKNOWN = "unknown"


class HungUpBy(StrEnum):
    """Who ended the call."""

    US = "us"
    THEM = "them"
    CARRIER = "carrier"
    NOBODY = "nobody"


class Source(StrEnum):
    """Through which door an entry came; smaller tiers are dialed first."""

    HOT = "hot"  # a hot lead or a promised call: ahead of the queue
    FIRST = "first"  # a first try
    REPEAT = "repeat"  # a later try or round


# --------------------------------------------------------------------------- what is configured


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One of our own numbers as it may be shown (R1.1, R1.3, R1.9).

    `soft_limit` and `hard_limit` count calls a day in `zone` that reached the carrier with this
    number shown. `gateways`: those that may show it, best first. None = no such limit.
    """

    id: NumberId
    pool: PoolName
    kind: str  # "mobile" | "landline" | "toll_free" | "pbx"
    region: str | None
    gateways: tuple[GatewayName, ...]
    zone: str = "Europe/Moscow"
    soft_limit: int = 70
    hard_limit: int = 80
    calls_at_once: int | None = None
    min_gap_s: float = 0.0
    calls_per_hour: int | None = None
    state: str = "active"  # "active" | "resting" | "quarantined" | "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a carrier charges (R3.13): for each attempt that reached it, and of an answered call
    `per_call` and `per_minute`, rounded up to whole steps.
    """

    per_attempt: float = 0.0
    per_call: float = 0.0
    per_minute: float = 0.0
    step_s: float = 1.0
    currency: str = "RUB"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBudget:
    """Most calls at the carrier and most money of one campaign on one of its days."""

    calls: int | None = None
    money: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A way out of the switch with its limits (R3.9, R3.11).

    The forms are words of `numbers.forms.FORMS`. `sim_ports`: the prefix that takes a shown
    number's own SIM.
    """

    name: GatewayName
    calls_per_s: float
    calls_at_once: int
    called_form: str = "+e164"
    called_strip: int = 0
    called_prefix: str = ""
    sim_ports: Mapping[NumberId, str] = field(default_factory=dict)
    caller_form: str = "e164"
    caller_in: str = "from"  # "from" | "pai" | "rpid" | "from_and_pai" | "from_and_rpid"
    codecs: tuple[str, ...] = ("PCMA",)
    dtmf: str = "rfc2833"  # "rfc2833" | "info"
    media_encryption: str = "none"  # "none" | "optional" | "mandatory"
    price: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One priority rule (R3.4): the weights of all rules that match are summed.

    `field` is a contact's field: "status", "source", "region", "segment", "tags",
    "last_contact_at", "added_at" or "fields.NAME". `condition` is one of: equals, not_equals,
    in, contains, above, below, older_than_days, newer_than_days, present, absent. A date
    condition changes by itself as time passes.
    """

    field: str
    condition: str
    value: Any
    weight: int


class Rolling(NamedTuple):
    """At most `most` tries or talks ("tries", "talks") within any `hours` in a row."""

    what: str
    most: int
    hours: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Most tries and talks of one phone, and of one contact, over all campaigns (R6.5).

    None: no such limit. `min_gap_s` from the end of a try to the next; `rest_s`: how long after
    an ending nobody of ours calls again (regulation.md: 72 h after a dropped call).
    """

    per_day: int = 2
    per_week: int = 4
    per_month: int = 8
    talks_per_day: int = 1
    talks_per_week: int | None = None
    talks_per_month: int | None = None
    min_gap_s: float = 0.0
    rolling: tuple[Rolling, ...] = ()
    rest_s: Mapping[Disposition, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Tries and rounds (R3.14, R5.3). A round is all tries of one phone on one day."""

    tries_per_day: int = 2
    failed_rounds: int = 3
    pause_s: float = 7 * 86400.0  # from the end of a failed round to the next one
    dead_attempts: int = 3  # R5.2: so many "number dead" endings, not all on one day
    uncharged_per_day: int = 10  # most attempts a day that failed at the carrier or at us


class Denominator(StrEnum):
    """Of what the abandoned calls are a share."""

    LIVE = "live"  # answered by people: machines leave it when operators report them
    ANSWERED = "answered"  # whatever picked up


class Spending(StrEnum):
    """When the cap's drops may be had."""

    STRICT = "strict"  # only those that are earned already
    AHEAD = "ahead"  # some of those that the rest of the window will earn


class EarlyHangUps(StrEnum):
    """A person who hangs up while he waits, before we are too late."""

    APART = "apart"  # is shown apart
    ABANDONED = "abandoned"  # counts as abandoned


class Uncertified(StrEnum):
    """How is dialed while too few answers are in for a certificate."""

    LEDGER = "ledger"
    PROGRESSIVE = "progressive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandonment:
    """The abandonment cap and how it is counted (R3.2; pacing.md 2, 5).

    `window`: "day", "30d" (this day and the 29 before) or "4h" (each four hours from midnight),
    all in `zone` (None: the campaign's). `certify`: the confidence with which the cap is to be
    certified.
    """

    limit: float = 0.03
    window: str = "day"
    zone: str | None = None
    denominator: Denominator = Denominator.LIVE
    spending: Spending = Spending.AHEAD
    early_hang_ups: EarlyHangUps = EarlyHangUps.APART
    certify: float | None = None
    uncertified: Uncertified = Uncertified.LEDGER


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """Where persistence ends (R6.11), over 30 days: above a limit it slows, then stops.

    None: no such limit. Shares are of the answered calls; nothing is judged by fewer tries than
    `from_tries`.
    """

    tries_per_talk: float | None = None
    refusals_share: float | None = None
    instant_hang_ups_share: float | None = None
    opt_outs_share: float | None = None
    complaints_share: float | None = None
    from_tries: int = 500


class WhenFull(StrEnum):
    """What a campaign that records does while nothing can be recorded (R3.10)."""

    GO_ON = "go_on"
    STOP_DIALING = "stop_dialing"


class Supervision(StrEnum):
    """What a supervisor does on an operator's line (R2.7)."""

    LISTEN = "listen"  # nobody hears him
    WHISPER = "whisper"  # the operator alone hears him
    BARGE = "barge"  # both hear him


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingPlace:
    """Where recordings lie, the same path on the switch and here; and how full it may get."""

    folder: str
    min_free_bytes: int = 1_000_000_000
    quota_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """A beep."""

    frequency_hz: int = 800
    length_ms: int = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """Everything that a campaign's YAML says (R10.3). `retry_s`: disposition -> delay."""

    name: CampaignName
    list_name: str
    group: GroupName
    pool: PoolName
    gateways: tuple[GatewayName, ...]
    purpose: str
    mode: Mode = Mode.PROGRESSIVE
    ratio: float = 1.0  # power: calls in flight per ready operator
    order: Order = Order.SEQUENTIAL
    rules: tuple[Rule, ...] = ()
    windows: tuple[Window, ...] = ()
    segment_windows: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    holidays: str | None = None  # ISO country whose holidays count as Sunday
    default_zone: str | None = None  # for a phone of which no zone is known
    consent_required: bool = True
    preset: str | None = None  # the country's figures that were laid under it
    laxer: Mapping[str, str] = field(default_factory=dict)  # key -> on whose word
    consent_ground: str | None = None  # the legal ground where consent is not required
    sticky: bool = False
    card_s: float = 60.0  # preview: a card that nobody starts goes to the next operator
    ring_timeout_s: int = 25
    max_talk_s: int = 7200
    message: str = "abandoned.wav"
    silence_ms: int = 1800  # the dead man's script plays so much silence before the message
    opt_out_key: str = "9"  # during the message: never call again; "" = no such key
    abandonment: Abandonment = field(default_factory=Abandonment)
    record: bool = False
    when_full: WhenFull = WhenFull.GO_ON
    announce: str | None = None  # the sound that tells both that the talk is recorded
    keep_recordings_s: float = 180 * 86400.0
    wrapup_s: float | None = None  # None: the group's
    share: float = 1.0
    priority: int = 0
    caps: Caps = field(default_factory=Caps)
    rounds: Rounds = field(default_factory=Rounds)
    retry_s: Mapping[Disposition, float] = field(default_factory=dict)
    persistence: Persistence = field(default_factory=Persistence)
    budget: DayBudget = field(default_factory=DayBudget)
    active: bool = True
    revision: str = ""  # digest of the file it came from

    @property
    def abandonment_cap(self) -> float:
        return self.abandonment.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Operators who share calls."""

    name: GroupName
    strategy: Strategy = Strategy.LONGEST_IDLE
    wrapup_s: float = 30.0
    beep: Tone | None = None  # the operator alone hears it when a customer is joined to him


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorProfile:
    """An operator as configured. `endpoint` is the dial string's tail, "user/101@domain".

    `groups` maps the group to the operator's place in it (its order; 1 = first).
    """

    id: OperatorId
    endpoint: str
    groups: Mapping[GroupName, int]
    extension: str


# --------------------------------------------------------------------------- what is dialed


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the ledger knows of a phone's and a contact's earlier attempts when it was fed.

    Counts are over all campaigns and already in the day, week and month of the called zone.
    `round_failed`: failed rounds in a row in this campaign (not the present day's).
    `dead_days`, `dead_gateways`: where "number dead" endings were seen. `failed_gateways`:
    where a call of the last hour failed before it reached anybody.
    """

    tries_today: int = 0
    tries_week: int = 0
    tries_month: int = 0
    talks_today: int = 0
    uncharged_today: int = 0
    rounds_failed: int = 0
    last_try_on: date | None = None
    dead_attempts: int = 0
    dead_days: frozenset[date] = frozenset()
    dead_gateways: frozenset[str] = frozenset()
    failed_gateways: frozenset[str] = frozenset()
    unavailable_attempts: int = 0

    @property
    def avoided_gateways(self) -> frozenset[str]:
        """Another gateway is preferred to these: its word is wanted, or it may do better."""
        return self.dead_gateways | self.failed_gateways


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One contact of one campaign, with the phone that is to be dialed: the hopper's item.

    `zones` are all IANA zones that the phone may lie in (empty = unknown). `rank` is the place
    in the hopper, smaller first (`core.base.priority.rank`). `callable_until` is when the
    present calling window closes: past it the entry is void and goes back. Digits never stand
    here.
    """

    campaign: CampaignName
    contact_id: ContactId
    phone_id: PhoneId
    rank: float
    position: int
    source: Source
    region: str | None = None
    zones: tuple[str, ...] = ()
    sticky_number: NumberId | None = None
    callable_until: float | None = None  # epoch seconds
    history: History = field(default_factory=History)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An entry under lease, with the number that will be shown, counted in the hopper."""

    attempt_id: AttemptId
    entry: Entry
    number: NumberId
    number_day: date  # the day in the number's own zone that was charged
    gateway: GatewayName


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is committed before a call goes out; `grounds` says why it was allowed (R6.8).

    `holidays`: local dates that count as Sundays for the campaign's hours.
    """

    claimed: Claimed
    campaign: Campaign
    number_hard_limit: int
    instance: InstanceName
    grounds: Mapping[str, Any]
    reserved: int = 0  # of the day's money, in millionths
    holidays: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentAnswer:
    """What the ledger said: committed (then `digits` is the phone in E.164), or the reason.

    Committed without digits, and with a reason: it must be withdrawn, and nobody was called.
    `reason` is a `core.permission.reasons.Reason` value; `until` when it may be asked again.
    """

    attempt_id: AttemptId
    committed: bool
    digits: str | None = None
    reason: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the line told of an attempt's ending (freeswitch.md 5; proofs 6). Absent = None.

    `channel` False: the switch never made a channel, `reply` then is the job's answer.
    `hangup_disposition`: send_cancel, recv_cancel, send_refuse, recv_refuse, send_bye or
    recv_bye.
    """

    channel: bool
    cause: str
    q850: int | None = None
    sip_status: int | None = None  # sip_invite_failure_status
    sip_phrase: str | None = None
    sip_term_status: int | None = None
    sip_reason: str | None = None
    sip_603plus_reason: str | None = None
    hangup_disposition: str | None = None
    sip_call_id: str | None = None
    early_media: bool = False  # a 183 with media was seen
    reply: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What `core.calls.causes` makes of evidence.

    `charged`: a try in the sense of R3.14 (counts against the contact). `number_charged`: the
    call reached the carrier with our number shown (counts against the number's day).
    """

    disposition: Disposition
    charged: bool
    number_charged: bool
    number_suspect: bool  # the called number may be dead
    hung_up_by: HungUpBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What becomes of the entry after an ending, decided by `core.base.rounds` (R3.14, R5.2).

    `step`: "retry" (due at `due_at`), "done" (talked), "check_list" (no reach), "review" or
    "archive" (number dead). `reason` is a short sentence for a person.
    """

    step: str
    due_at: datetime | None
    reason: str
    rounds_failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The one result of an attempt, as it goes to the ledger. Instants are wall time."""

    attempt_id: AttemptId
    campaign: CampaignName
    contact_id: ContactId
    phone_id: PhoneId
    number: NumberId
    number_day: date
    gateway: GatewayName
    verdict: Verdict
    evidence: Evidence
    next: Next
    dialed_at: datetime | None
    rang_at: datetime | None
    answered_at: datetime | None
    bridged_at: datetime | None
    ended_at: datetime
    ring_ms: int | None
    early_media_ms: int | None
    wait_ms: int | None  # answer to bridge, or to the end
    talk_ms: int | None
    operator: OperatorId | None
    short_answer: bool  # answered for less than 3 s and not ended by us (R5.4)
    stop_reason: str | None = None  # why we cancelled, if we did
    opt_out_key: bool = False
    cost: int = 0  # millionths of the currency, by the gateway's price


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAttempt:
    """An attempt that the ledger holds open: enough to adopt or settle it after a restart."""

    claimed: Claimed
    instance: InstanceName
    committed_at: datetime
