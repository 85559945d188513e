"""Hours and limits as a campaign's YAML (and a preset of a country) says them."""

from __future__ import annotations

from datetime import time
from typing import Annotated

from pydantic import Field, PlainValidator, ValidationInfo, field_validator

from dialer.core.model import Disposition
from dialer.settings.scalars import (
    Clock,
    Days,
    choice,
    duration_between,
    schema,
    whole_between,
    written,
    wrong,
)
from dialer.settings.validate import Model

ENDINGS = {disposition.value: disposition for disposition in Disposition}
RETRIED = {
    disposition.value: disposition
    for disposition in Disposition
    if disposition is not Disposition.TALKED
}

Ending = Annotated[Disposition, PlainValidator(choice(ENDINGS)), schema(enum=list(ENDINGS))]
COUNTED = {"tries": "tries", "talks": "talks"}


class WindowModel(Model):
    """One calling window, in the time of the called party."""

    days: Days = written("daily", "which days: mon-fri, [sat, sun], daily")
    opens: Clock = Field(alias="open", description="first moment, like 9:00")
    closes: Clock = Field(alias="close", description="from this moment no longer, like 21:00")

    @field_validator("closes")
    @classmethod
    def _closes_later(cls, closes: time, info: ValidationInfo) -> time:
        opens = info.data.get("opens")
        if opens is not None and closes <= opens:
            raise wrong(
                f"closes at {closes:%H:%M} but opens at {opens:%H:%M}",
                "a window lies within one day; write two windows for a night",
            )
        return closes


class RollingModel(Model):
    """One limit within any hours in a row."""

    what: Annotated[str, PlainValidator(choice(COUNTED)), schema(enum=list(COUNTED))] = Field(
        alias="count", description="what is counted"
    )
    most: Annotated[int, *whole_between(1, 200)] = Field(description="so many at most")
    within: Annotated[float, *duration_between(3600, 400 * 86400)] = Field(
        description="in any time of this length, in whole hours"
    )

    @field_validator("within")
    @classmethod
    def _whole_hours(cls, within: float) -> float:
        if within % 3600:
            raise wrong("must be whole hours", "like 24h or 7d")
        return within


class CapsModel(Model):
    """Most tries, over all campaigns."""

    per_day: Annotated[int, *whole_between(1, 50)] = Field(
        default=2, description="tries of a phone, and of a contact, a day"
    )
    per_week: Annotated[int, *whole_between(1, 200)] = Field(
        default=4, description="tries in seven days and in a calendar week"
    )
    per_month: Annotated[int, *whole_between(1, 500)] = Field(
        default=8, description="tries in thirty days and in a calendar month"
    )
    talks_per_day: Annotated[int, *whole_between(1, 50)] = Field(
        default=1, description="talks with a contact a day"
    )
    talks_per_week: Annotated[int, *whole_between(1, 100)] | None = Field(
        default=None, description="talks in seven days; default: no such limit"
    )
    talks_per_month: Annotated[int, *whole_between(1, 200)] | None = Field(
        default=None, description="talks in thirty days and in a calendar month"
    )
    min_gap: Annotated[float, *duration_between(0, 90 * 86400)] = written(
        "0s", "from the end of a try to the next one to this phone or contact"
    )
    rolling: list[RollingModel] = Field(
        default=[], description="further limits within any hours in a row"
    )
    rest_after: dict[Ending, Annotated[float, *duration_between(60, 400 * 86400)]] = Field(
        default={}, description="nobody of ours calls again so long: abandoned: 72h"
    )
