"""What config/dialer.yaml may say, key by key.

Secrets never stand here: `password_env` names an environment variable, `password_file` a file.
"""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, field_validator

from dialer.core.model import Strategy, Tone
from dialer.core.permission.retention import DataKind
from dialer.settings.gateway_model import GatewayModel
from dialer.settings.personal_data import PERSONAL_DATA, PersonalDataModel
from dialer.settings.scalars import (
    Duration,
    Extension,
    Name,
    OwnNumber,
    Text,
    Zone,
    choice,
    decimal_between,
    duration_between,
    read_clock,
    read_folder,
    read_size,
    read_tone,
    schema,
    whole_between,
    written,
    wrong,
)
from dialer.settings.validate import Model

STRATEGIES = {strategy.value: strategy for strategy in Strategy}
KINDS = ("mobile", "landline", "toll_free", "pbx")
STATES = ("active", "resting", "quarantined", "retired")
LEVELS = ("debug", "info", "warning", "error")
LARGEST_RANGE = 10_000
_RANGE = re.compile(r"(\+[1-9][0-9]{9,14})\.\.(\+[1-9][0-9]{9,14})", re.ASCII)
_LISTEN = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):([0-9]{1,5})", re.ASCII)
_ENDPOINT = re.compile(r"user/[A-Za-z0-9_.-]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)
_ESL_USER = re.compile(r"[A-Za-z0-9_.-]{1,64}@[A-Za-z0-9.-]{1,253}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}", re.ASCII)
_PREFIX = re.compile(r"\+[1-9][0-9]{0,13}", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)

Port = Annotated[int, *whole_between(1, 65535)]
Rate = Annotated[float, *decimal_between(0.01, 10_000)]
Calls = Annotated[int, *whole_between(1, 100_000)]


class Listen(NamedTuple):
    """An address to listen on."""

    host: str
    port: int


def _matches(pattern: re.Pattern[str], what: str, remedy: str) -> PlainValidator:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise wrong(what, remedy)
        return value

    return PlainValidator(read)


def _word(words: tuple[str, ...]) -> PlainValidator:
    return PlainValidator(choice({word: word for word in words}))


def read_listen(value: Any) -> Listen:
    """`127.0.0.1:9464`."""
    match = _LISTEN.fullmatch(value) if isinstance(value, str) else None
    if match is None or not 0 < int(match[2]) <= 65535:
        raise wrong("is not an address to listen on", "like 127.0.0.1:9464")
    return Listen(match[1].strip("[]"), int(match[2]))


def read_day(value: Any) -> date:
    """`2027-01-04`."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise wrong("is not a date", "like 2027-01-04") from None


def _nothing_is_empty(value: Any) -> Any:
    """`sales:` with nothing behind it is a group with all defaults."""
    return {} if value is None else value


Variable = Annotated[
    str,
    _matches(_VARIABLE, "is not an environment variable's name", "like DIALER_SWITCH_PASSWORD"),
    schema(type="string", title="environment variable"),
]
Host = Annotated[
    str, _matches(_HOST, "is not a host", "like 127.0.0.1"), schema(type="string", title="host")
]


class SwitchModel(Model):
    """The telephone switch (FreeSWITCH's event socket)."""

    host: Host = Field(default="127.0.0.1", description="where its event socket listens")
    port: Port = Field(default=8021, description="its port")
    password_env: Variable | None = Field(
        default=None, description="the environment variable that holds the password"
    )
    password_file: Text | None = Field(
        default=None, description="the file that holds the password and nothing else"
    )
    user: (
        Annotated[
            str,
            _matches(_ESL_USER, "is not a user", "like dialer@dialer.local"),
            schema(type="string", title="user@domain"),
        ]
        | None
    ) = Field(
        default=None,
        description="who logs in with only the rights a dialer needs; default: the"
        " password of event_socket.conf.xml, which may do everything",
    )
    domain: Host | None = Field(
        default=None, description="the operators' SIP domain, for endpoints not written out"
    )
    wake: Annotated[float, *duration_between(0.001, 0.02)] = written(
        "2ms", "a bare newline so often makes its events come at once"
    )
    calls_per_s: Rate = Field(default=20.0, description="most new calls a second")
    calls_at_once: Calls = Field(default=500, description="most calls at once")
    opt_out_journal: Text | None = Field(
        default=None,
        description="the file of callers who pressed 9, where it lies on this machine",
    )
    sounds: Text | None = Field(
        default=None, description="the folder of the messages, on the switch's machine"
    )


class RedisModel(Model):
    """Redis or Valkey."""

    url: Text | None = Field(default=None, description="redis://HOST:PORT/DB, no password")
    url_env: Variable | None = Field(default=None, description="the variable with the url")
    url_file: Text | None = Field(default=None, description="the file that holds the url")


class PostgresqlModel(Model):
    """PostgreSQL."""

    dsn: Text | None = Field(
        default=None, description="host=… dbname=… user=… (or a postgresql:// url), no password"
    )
    dsn_env: Variable | None = Field(default=None, description="the variable with the dsn")
    dsn_file: Text | None = Field(default=None, description="the file that holds the dsn")


class HttpModel(Model):
    """/metrics and /healthz."""

    listen: Annotated[
        Listen, PlainValidator(read_listen), schema(type="string", title="host:port")
    ] = written("127.0.0.1:9464", "where /metrics and /healthz are served")


class LogModel(Model):
    """The log."""

    level: Annotated[str, _word(LEVELS), schema(enum=list(LEVELS))] = Field(
        default="info", description="what is logged"
    )


class ResponsibleModel(Model):
    """Who answers for personal data (R6.12)."""

    name: Text = Field(description="the person or company")
    contact: Text = Field(description="how to reach them")


Size = Annotated[int, PlainValidator(read_size), schema(type="string", title="size, 20 GB")]


class RecordingsModel(Model):
    """Where talks are recorded, and how much of the disk they may take."""

    folder: Annotated[
        str, PlainValidator(read_folder), schema(type="string", title="folder, /var/lib/…")
    ] = Field(description="the folder, the same path on the switch's machine and on ours")
    min_free: Size = written("1 GB", "with less free space nothing is recorded")
    quota: Size | None = Field(default=None, description="most that recordings may take")


def read_beep(value: Any) -> Tone | None:
    """`on` is the usual tone, `off` none, else the tone itself."""
    if value in (True, "on"):
        return Tone()
    if value in (False, "off", None):
        return None
    tone: Tone = read_tone(value)
    return tone


class LimitsModel(Model):
    """What a number may bear; the number's own word counts before its pool's and its kind's."""

    soft_limit: Calls | None = Field(
        default=None, description="calls a day after which others are preferred (70)"
    )
    hard_limit: Calls | None = Field(default=None, description="calls a day, never more (80)")
    calls_at_once: Calls | None = Field(default=None, description="a SIM: 1")
    min_gap: Duration | None = Field(default=None, description="pause between two of its calls")
    calls_per_hour: Calls | None = Field(default=None, description="most calls an hour")

    @field_validator("hard_limit")
    @classmethod
    def _hard_above_soft(cls, hard: int | None, info: ValidationInfo) -> int | None:
        soft = info.data.get("soft_limit")
        if hard is not None and soft is not None and soft > hard:
            raise wrong(f"is {hard}, below the soft limit of {soft}", "soft ≤ hard")
        return hard


class NumberModel(LimitsModel):
    """One number, or a range of them."""

    number: OwnNumber | None = None
    last: OwnNumber | None = None
    kind: Annotated[str, _word(KINDS), schema(enum=list(KINDS))] | None = None
    region: Text | None = None
    zone: Zone | None = None
    gateways: list[Name] | None = Field(default=None, min_length=1)
    state: Annotated[str, _word(STATES), schema(enum=list(STATES))] | None = None


def read_number_item(value: Any) -> Any:
    """`"+7…"`, `"+7…..+7…"` (a range) or a mapping with `number:` -> the mapping."""
    if not isinstance(value, dict):
        return _range(value)
    if "number" not in value:
        raise wrong("has no number", 'number: "+74951230001"')
    if "last" in value:
        raise wrong("holds an unknown key", 'write a range as number: "+7…1..+7…9"')
    return {**value, **_range(value["number"])}


def _range(value: Any) -> dict[str, Any]:
    match = _RANGE.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if match is None:
        if not isinstance(value, str) or ".." in value:
            raise wrong("is not a number of ours", 'like "+74951230001", in quotes')
        return {"number": value}
    first, last = match[1], match[2]
    if len(first) != len(last) or not 0 < int(last) - int(first) < LARGEST_RANGE:
        raise wrong("is not a range of numbers", f"first..last, at most {LARGEST_RANGE}")
    return {"number": first, "last": last}


class PoolModel(LimitsModel):
    """Numbers that a campaign shows."""

    gateways: list[Name] = Field(
        min_length=1, description="those that may show its numbers, best first"
    )
    numbers: list[Annotated[NumberModel, BeforeValidator(read_number_item)]] = Field(
        min_length=1, description="in the order in which equal ones are taken"
    )
    region: Text | None = Field(default=None, description="default: from the number's code")
    zone: Zone | None = Field(default=None, description="where its day begins and ends")
    callback_extension: Extension | None = Field(
        default=None, description="who takes the calls of people who call a number back"
    )


class GroupModel(Model):
    """Operators who share calls."""

    strategy: Annotated[
        Strategy, PlainValidator(choice(STRATEGIES)), schema(enum=list(STRATEGIES))
    ] = written("longest_idle", "which ready operator gets the next call")
    wrapup: Annotated[float, *duration_between(0, 3600)] = written("30s", "time after a talk")
    beep: Annotated[
        Tone | None,
        PlainValidator(read_beep),
        schema(type=["boolean", "string"], title="on, off or a tone, 800 Hz 150ms"),
    ] = written("off", "what the operator alone hears when a customer is joined to him")


def read_groups(value: Any) -> dict[str, int]:
    """`[sales, service]`, or `{sales: 1, service: 2}`: the operator's place in each."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        value = dict.fromkeys(value, 1)
    good = isinstance(value, dict) and all(
        isinstance(place, int) and not isinstance(place, bool) and 1 <= place <= 1000
        for place in value.values()
    )
    if not good:
        raise wrong("is not a list of groups", "like [sales], or {sales: 1, service: 2}")
    return dict(value)


class OperatorModel(Model):
    """A person who talks."""

    extension: Extension = Field(description="101")
    endpoint: (
        Annotated[
            str,
            _matches(_ENDPOINT, "is not an endpoint", "like user/101@pbx.example"),
            schema(type="string", title="user/101@domain"),
        ]
        | None
    ) = Field(default=None, description="default: user/EXTENSION@ the switch's domain")
    groups: Annotated[
        dict[str, int],
        PlainValidator(read_groups),
        schema(anyOf=[{"type": "array"}, {"type": "object"}], title="groups"),
    ] = Field(description="[sales], or {sales: 1, service: 2} with the place in the order")


Day = Annotated[date, PlainValidator(read_day), schema(type="string", format="date")]


class CalendarModel(Model):
    """Changes to a country's holidays."""

    add: list[Day] = Field(default=[], description="days off that the library does not know")
    remove: list[Day] = Field(default=[], description="working days that it takes for holidays")


def read_campaign_files(value: Any) -> list[str]:
    """A folder, a file, or a list of them."""
    files = [value] if isinstance(value, str) else value
    if not isinstance(files, list) or not files or not all(isinstance(f, str) for f in files):
        raise wrong("is neither a folder nor a list of files", "like ../campaigns")
    return files


class QuietHourModel(Model):
    """When retention runs, once a day."""

    at: Annotated[
        time, PlainValidator(read_clock), schema(type="string", title="time, 3:00")
    ] = written("3:00", "when it begins")
    zone: Zone = Field(default="Europe/Moscow", description="by whose clock")


DATA_KINDS = {kind.value: kind for kind in DataKind}


class DaemonModel(Model):
    """The whole file."""

    name: Name = Field(description="this daemon's name, its own among those of a base")
    switch: SwitchModel = Field(default_factory=SwitchModel, description="the telephone switch")
    redis: RedisModel = Field(default_factory=RedisModel, description="queue and meeting place")
    postgresql: PostgresqlModel = Field(
        default_factory=PostgresqlModel, description="the truth"
    )
    http: HttpModel = Field(default_factory=HttpModel, description="metrics and health")
    log: LogModel = Field(default_factory=LogModel, description="the log")
    recordings: RecordingsModel | None = Field(
        default=None, description="where talks are recorded (campaigns say which: record)"
    )
    responsible: ResponsibleModel | None = Field(
        default=None, description="who answers for personal data"
    )
    retention: dict[
        Annotated[DataKind, PlainValidator(choice(DATA_KINDS)), schema(enum=list(DATA_KINDS))],
        Annotated[float, *duration_between(86_400, 36_500 * 86_400)],
    ] = Field(
        default={}, description="how long each kind of data is kept (dialer retention preview)"
    )
    quiet_hour: QuietHourModel = Field(
        default_factory=QuietHourModel, description="when the day's retention runs"
    )
    keys_file: Text | None = Field(
        default=None, description="the file with the keys that seal personal data, 0640"
    )
    lookup_key_file: Text | None = Field(
        default=None, description="the file with the secret of the numbers' digests, 0640"
    )
    personal_data: PersonalDataModel | None = PERSONAL_DATA
    gateways: dict[Name, GatewayModel] = Field(min_length=1, description="ways out, by name")
    number_kinds: dict[Annotated[str, _word(KINDS), schema(enum=list(KINDS))], LimitsModel] = (
        Field(default={}, description="limits by kind of number")
    )
    pools: dict[Name, PoolModel] = Field(min_length=1, description="numbers to show, by pool")
    inbound_numbers: list[OwnNumber] = Field(
        default=[], description="numbers of ours that only take calls: never dialed"
    )
    groups: dict[Name, Annotated[GroupModel, BeforeValidator(_nothing_is_empty)]] = Field(
        min_length=1, description="operators' groups, by name"
    )
    operators: dict[Name, OperatorModel] = Field(default={}, description="operators, by name")
    pause_reasons: list[Name] = Field(
        default=["break", "lunch", "training", "technical"],
        description="what an operator may name for a pause",
    )
    destinations: (
        list[
            Annotated[
                str,
                _matches(_PREFIX, "is not a prefix", 'like "+74"'),
                schema(type="string", title="prefix"),
            ]
        ]
        | None
    ) = Field(default=None, description="only these may be called; default: Russia")
    calendar: dict[Name, CalendarModel] = Field(
        default={}, description="changes to holidays, by country"
    )
    tags: Text | None = Field(default=None, description="the dictionary of tags")
    campaigns: Annotated[
        list[str],
        PlainValidator(read_campaign_files),
        schema(anyOf=[{"type": "string"}, {"type": "array"}], title="folder or files"),
    ] = written("campaigns", "the folder of campaigns, seen from this file")
    campaign_defaults: dict[str, Any] = Field(
        default={}, description="keys for all campaigns that do not say otherwise"
    )
