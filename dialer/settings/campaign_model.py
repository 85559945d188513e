"""What a campaign's YAML may say, key by key: one file, one campaign (R10.3).

Defaults are those of core.model.Campaign (a test holds them together). The descriptions are the
text of docs/campaigns.md and of the editors' hints, and the remedy where a key is missing.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from pydantic import Field, PlainValidator, ValidationInfo, field_validator

from dialer.core.model import Disposition, Mode, Order, WhenFull
from dialer.settings.abandonment import AbandonmentModel
from dialer.settings.limits_model import RETRIED, CapsModel, WindowModel
from dialer.settings.persistence_model import BudgetModel, PersistenceModel
from dialer.settings.scalars import (
    Duration,
    Name,
    SoundFile,
    Text,
    Truth,
    Zone,
    choice,
    decimal_between,
    duration_between,
    schema,
    whole_between,
    written,
    wrong,
)
from dialer.settings.validate import Model
from dialer.settings.wording import did_you_mean

MODES = {mode.value: mode for mode in Mode}
ORDERS = {order.value: order for order in Order}
WHEN_FULL = {rule.value: rule for rule in WhenFull}

TEXT_CONDITIONS = ("equals", "not_equals", "in", "contains", "present", "absent")
DATE_CONDITIONS = ("older_than_days", "newer_than_days", "present", "absent")
TAG_CONDITIONS = ("contains", "present", "absent")
CONDITIONS = (*TEXT_CONDITIONS, "above", "below", "older_than_days", "newer_than_days")
RULE_FIELDS: dict[str, tuple[str, ...]] = {
    "status": TEXT_CONDITIONS,
    "source": TEXT_CONDITIONS,
    "region": TEXT_CONDITIONS,
    "segment": TEXT_CONDITIONS,
    "tags": TAG_CONDITIONS,
    "last_contact_at": DATE_CONDITIONS,
    "added_at": DATE_CONDITIONS,
}
_OWN_FIELD = re.compile(r"fields\.\w{1,60}")


class Consent(NamedTuple):
    """Whether a consent is asked for each call, and the legal ground where it is not."""

    required: bool
    ground: str | None


def read_consent(value: Any) -> Consent:
    """`required`, or `{off: true, ground: "why that is lawful"}` (R6.1)."""
    shape = 'consent: {off: true, ground: "why that is lawful"}'
    if value == "required" or value is True:
        return Consent(True, None)
    if value == "off" or value is False:
        raise wrong("without consent a campaign must name its legal ground", shape)
    if not isinstance(value, dict):
        raise wrong("must be 'required'", f"or {shape}")
    unknown = [key for key in value if key not in ("off", "ground")]
    if unknown:
        raise wrong("holds an unknown key", did_you_mean(unknown[0], ("off", "ground")))
    ground = value.get("ground")
    if value.get("off") is not True or not isinstance(ground, str) or not ground.strip():
        raise wrong("without consent a campaign must name its legal ground", shape)
    return Consent(False, " ".join(ground.split())[:500])


def read_rule_field(value: Any) -> str:
    """A contact's field, or `fields.NAME` for a column of the list's own."""
    if isinstance(value, str) and (value in RULE_FIELDS or _OWN_FIELD.fullmatch(value)):
        return value
    word = value if isinstance(value, str) else ""
    remedy = did_you_mean(word, (*RULE_FIELDS, "fields.NAME"))
    raise wrong("is no field of a contact", remedy)


def read_holidays(value: Any) -> str:
    """A country whose holidays are known."""
    from dialer.settings.calendars import countries

    if isinstance(value, str) and value in countries():
        return value
    raise wrong("is no country whose holidays are known", "two capital letters, like RU")


def read_opt_out_key(value: Any) -> str:
    """`9` -> "9"; `off` -> ""."""
    if value is False or value == "off":
        return ""
    key = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(key, str) and len(key) == 1 and key in "0123456789":
        return key
    raise wrong("is not a key", "one digit, like 9; or off")


class RuleModel(Model):
    """One priority rule."""

    field: Annotated[str, PlainValidator(read_rule_field), schema(type="string")] = Field(
        description=f"what is looked at: {', '.join(RULE_FIELDS)} or fields.NAME"
    )
    condition: Annotated[
        str,
        PlainValidator(choice({word: word for word in CONDITIONS})),
        schema(enum=list(CONDITIONS)),
    ] = Field(description="how it is compared")
    value: Any = Field(default=None, description="with what", validate_default=True)
    weight: Annotated[int, *whole_between(-500_000, 500_000)] = Field(
        description="what a match adds to the score"
    )

    @field_validator("condition")
    @classmethod
    def _condition_fits(cls, condition: str, info: ValidationInfo) -> str:
        field = info.data.get("field", "")
        allowed = RULE_FIELDS.get(field, CONDITIONS)
        if condition not in allowed:
            raise wrong(f"'{condition}' does not fit {field}", f"one of: {', '.join(allowed)}")
        return condition

    @field_validator("value")
    @classmethod
    def _value_fits(cls, value: Any, info: ValidationInfo) -> Any:
        condition = info.data.get("condition")
        return value if condition is None else _rule_value(condition, value)


def _rule_value(condition: str, value: Any) -> Any:
    """The value as the condition needs it; lists become tuples."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if condition in ("present", "absent"):
        if value is not None:
            raise wrong(f"'{condition}' takes no value", "take it out")
        return None
    if condition in ("above", "below"):
        if not number and not _is_date(value):
            raise wrong(f"'{condition}' needs a number or a date", "like 10000 or 2026-11-24")
        return value
    if condition in ("older_than_days", "newer_than_days"):
        if not number or not -36_500 <= value <= 36_500:
            raise wrong(f"'{condition}' needs a number of days", "like 30; -7 looks ahead")
        return value
    if condition == "in":
        if not isinstance(value, list) or not value or any(map(_compound, value)):
            raise wrong("'in' needs a list", "like [website, webinar]")
        return tuple(value)
    if value is None or _compound(value):
        raise wrong(f"'{condition}' needs one value")
    return value


def _is_date(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _compound(value: Any) -> bool:
    return value is None or isinstance(value, list | dict)


class RoundsModel(Model):
    """Tries and rounds; a round is all tries of one phone on one day."""

    tries_per_day: Annotated[int, *whole_between(1, 50)] = Field(
        default=2, description="tries of one phone in a round, within caps.per_day"
    )
    failed_rounds: Annotated[int, *whole_between(1, 50)] = Field(
        default=3, description="failed rounds after which the phone goes to the check list"
    )
    pause: Duration = written("7d", "from the end of a failed round to the next")
    dead_attempts: Annotated[int, *whole_between(1, 50)] = Field(
        default=3,
        description="'number dead' endings, not all on one day, that archive it",
    )
    uncharged_per_day: Annotated[int, *whole_between(1, 100)] = Field(
        default=10, description="most calls a day that failed at the carrier or at us"
    )


class CampaignModel(Model):
    """One campaign."""

    name: Name | None = Field(default=None, description="its name; default: the file's name")
    active: Truth = Field(default=True, description="false: nothing of it is dialed")
    list_name: Text = Field(alias="list", description="the list that is dialed (dialer import)")
    group: Name = Field(description="the operators' group that talks")
    pool: Name = Field(description="the pool of numbers to show")
    gateways: list[Name] | None = Field(
        default=None,
        min_length=1,
        description="the ways out, first choice first; default: those of the pool",
    )
    purpose: Name = Field(description="what the call is for; consents are given for a purpose")
    preset: Name | None = Field(
        default=None, description="figures of a country's law: ru, ru-debt, us-tcpa, uk, ..."
    )
    laxer: dict[Text, Text] = Field(
        default={}, description="what is laxer than the preset, each with on whose word"
    )
    consent: Annotated[
        Consent,
        PlainValidator(read_consent),
        schema(type=["string", "object"], title="consent"),
    ] = written("required", 'required, or {off: true, ground: "the legal ground"}')
    mode: Annotated[
        Mode,
        PlainValidator(choice(MODES)),
        schema(enum=list(MODES)),
    ] = written(
        "progressive",
        "one call per free operator; predictive: as many as the abandonment cap bears; power:"
        " a fixed ratio; preview: the card first, the operator starts the call",
    )
    card: Annotated[float, *duration_between(5, 1800)] = written(
        "1m", "mode preview: a card that nobody starts or skips goes to the next operator"
    )
    ratio: Annotated[float, *decimal_between(1, 10)] = Field(
        default=1.0, description="mode power: calls in flight per free operator"
    )
    order: Annotated[Order, PlainValidator(choice(ORDERS)), schema(enum=list(ORDERS))] = (
        written("sequential", "top to bottom of the list, or by the rules' scores")
    )
    rules: list[RuleModel] = Field(
        [], description="order priority: weights of matching rules add"
    )
    windows: list[WindowModel] = Field(
        [], description="calling windows in the called party's time; none: at any time"
    )
    segment_windows: dict[Text, list[WindowModel]] = Field(
        default={}, description="hours of a segment, within the windows: pensioners: [...]"
    )
    holidays: (
        Annotated[
            str, PlainValidator(read_holidays), schema(type="string", title="country, RU")
        ]
        | None
    ) = Field(default=None, description="holidays of this country count as Sunday")
    default_zone: Zone | None = Field(
        default=None,
        description="for phones of unknown zone; without it they are held back",
    )
    caps: CapsModel = Field(
        default_factory=CapsModel, description="most tries, over all campaigns"
    )
    rounds: RoundsModel = Field(
        default_factory=RoundsModel, description="tries and rounds of this campaign"
    )
    retry: dict[
        Annotated[Disposition, PlainValidator(choice(RETRIED)), schema(enum=list(RETRIED))],
        Annotated[float, *duration_between(60, 90 * 86400)],
    ] = Field(default={}, description="pause after an ending before the next try, busy: 10m")
    ring_timeout: Annotated[float, *duration_between(15, 120)] = written(
        "25s", "how long it rings; regulators ask for 15 s at least"
    )
    silence: Annotated[float, *duration_between(0.2, 2)] = written(
        "1800ms", "an answered person waits at most so long before the message begins"
    )
    message: SoundFile = Field(
        default="abandoned.wav",
        description="what an abandoned person hears: who called, how to opt out",
    )
    opt_out_key: Annotated[
        str, PlainValidator(read_opt_out_key), schema(type="string", title="digit, or off")
    ] = written("9", "the key that a person presses in the message: never call again; or off")
    max_talk: Annotated[float, *duration_between(60, 86400)] = written(
        "2h", "a call that lasts longer is ended by the switch"
    )
    abandonment: AbandonmentModel = Field(
        default_factory=AbandonmentModel, description="the abandonment cap, and how it counts"
    )
    persistence: PersistenceModel = Field(
        default_factory=PersistenceModel,
        description="where persistence ends, over 30 days: above it slows, then stops",
    )
    budget: BudgetModel = Field(
        default_factory=BudgetModel, description="most calls and money of one day"
    )
    record: Truth = Field(
        default=False, description="record the talks; dialer.yaml says where: recordings"
    )
    when_full: Annotated[
        WhenFull, PlainValidator(choice(WHEN_FULL)), schema(enum=list(WHEN_FULL))
    ] = written("go_on", "while nothing can be recorded: go on without, or dial nobody")
    announce: SoundFile | None = Field(
        default=None, description="what both hear as the recorded talk begins; none: nothing"
    )
    keep_recordings: Annotated[float, *duration_between(86400, 3650 * 86400)] = written(
        "180d", "then they are deleted (dialer recordings prune --dry-run shows which)"
    )
    wrapup: Annotated[float, *duration_between(0, 3600)] | None = Field(
        default=None, description="time after a talk; default: the group's"
    )
    share: Annotated[float, *decimal_between(0.01, 1000)] = Field(
        1.0, description="its part of the operators, against other campaigns of the group"
    )
    priority: Annotated[int, *whole_between(-1000, 1000)] = Field(
        default=0, description="campaigns of higher priority go first"
    )
    sticky: Truth = Field(default=False, description="a contact always sees the same number")
