"""What a campaign's YAML may say under `persistence:` (R6.11) and `budget:` (R3.13)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainValidator

from dialer.settings.scalars import (
    decimal_between,
    read_percent,
    schema,
    whole_between,
    wrong,
)
from dialer.settings.validate import Model


def read_share(value: Any) -> float:
    """A share above 0: `3 %`."""
    share = read_percent(value)
    if share <= 0.0:
        raise wrong("0 % is passed by the first such call", "leave it out, or like 1 %")
    return share


Share = Annotated[float, PlainValidator(read_share), schema(type="string", title="percent")]


class BudgetModel(Model):
    """What a campaign may use on one of its days (in default_zone)."""

    calls: Annotated[int, *whole_between(1, 10_000_000)] | None = Field(
        default=None, description="most calls that reach a carrier"
    )
    money: Annotated[float, *decimal_between(0.01, 1_000_000_000)] | None = Field(
        default=None, description="most money, by the prices of its gateways"
    )


class PersistenceModel(Model):
    """Limits of persistence; without a key there is no such limit."""

    tries_per_talk: Annotated[float, *decimal_between(1, 1000)] | None = Field(
        default=None, description="most tries for one talk with a person, like 20"
    )
    refusals_share: Share | None = Field(
        default=None, description="most refusals, of the answered calls, like 40 %"
    )
    instant_hang_ups_share: Share | None = Field(
        default=None, description="most people who hang up within 3 s, of the answered calls"
    )
    opt_outs_share: Share | None = Field(
        default=None, description="most people who want no more calls, of the answered calls"
    )
    complaints_share: Share | None = Field(
        default=None, description="most complaints, of the answered calls, like 0.1 %"
    )
    from_tries: Annotated[int, *whole_between(1, 1_000_000)] = Field(
        default=500, description="nothing is judged by fewer tries in the 30 days"
    )
