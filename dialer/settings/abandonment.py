"""What a campaign's YAML may say under `abandonment:`, and what cannot be held.

A cap of nothing, one that is no cap, a window that begins nowhere in particular and a
certificate that the campaign could never earn are refused here, before the first call.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PlainValidator

from dialer.core.model import (
    Abandonment,
    Campaign,
    Denominator,
    EarlyHangUps,
    Mode,
    Spending,
    Uncertified,
)
from dialer.core.pacing.certificate import least_answers
from dialer.errors import Problem
from dialer.settings.daemon import Settings
from dialer.settings.scalars import Zone, choice, read_percent, schema, written, wrong
from dialer.settings.tree import Tree
from dialer.settings.validate import Model, problem_at
from dialer.settings.wording import one_of

if TYPE_CHECKING:
    from dialer.settings.campaign_model import CampaignModel

DENOMINATORS = {word.value: word for word in Denominator}
SPENDINGS = {word.value: word for word in Spending}
EARLY = {word.value: word for word in EarlyHangUps}
UNCERTIFIED = {word.value: word for word in Uncertified}
NO_DETECTOR = "needs a machine detector with known errors, and there is none yet"
#: Blocks of so many hours fill a day.
HOURS = (1, 2, 3, 4, 6, 8, 12)
WINDOWS = ("day", "30d", *(f"{hours}h" for hours in HOURS))


def read_limit(value: Any) -> float:
    """A share above 0: `3 %`."""
    share = read_percent(value)
    if share <= 0.0:
        raise wrong("0 % can be promised by nobody who dials", "mode: progressive is nearest")
    return share


def read_confidence(value: Any) -> float:
    """`95 %`."""
    share = read_percent(value)
    if not 0.5 <= share <= 0.999:
        raise wrong("must be from 50 % to 99.9 %", "95 % is common")
    return share


def read_window(value: Any) -> str:
    """`day`, `30d` or blocks of hours."""
    if isinstance(value, str) and value in WINDOWS:
        return value
    word = value if isinstance(value, str) else str(value)
    if re.fullmatch(r"\d+ ?(d|w|h|days?|hours?|month)", word):
        raise wrong("is no window that laws know", one_of(WINDOWS))
    raise wrong("is not known here", one_of(WINDOWS))


class AbandonmentModel(Model):
    """The abandonment cap, and how it counts."""

    limit: Annotated[
        float, PlainValidator(read_limit), schema(type="string", title="percent, 3 %")
    ] = written("3 %", "most calls abandoned by us, of those that people answered")
    window: Annotated[str, PlainValidator(read_window), schema(enum=list(WINDOWS))] = written(
        "day", "over which time: day, 30d (USA), or blocks of hours"
    )
    zone: Zone | None = Field(
        default=None, description="where the window begins at midnight; default: default_zone"
    )
    denominator: Annotated[
        Denominator,
        PlainValidator(choice(DENOMINATORS, {"live_corrected": NO_DETECTOR})),
        schema(enum=list(DENOMINATORS)),
    ] = written("live", "of what: live (machines leave it when reported), or answered")
    spending: Annotated[
        Spending, PlainValidator(choice(SPENDINGS)), schema(enum=list(SPENDINGS))
    ] = written("ahead", "ahead: some drops before they are earned; strict: never")
    early_hang_ups: Annotated[
        EarlyHangUps, PlainValidator(choice(EARLY)), schema(enum=list(EARLY))
    ] = written("apart", "people who leave while they wait: apart, or abandoned (stricter)")
    certify: (
        Annotated[
            float, PlainValidator(read_confidence), schema(type="string", title="percent, 95 %")
        ]
        | None
    ) = Field(
        default=None,
        description="certify the limit with this confidence: the cap is then spent in part",
    )
    uncertified: Annotated[
        Uncertified, PlainValidator(choice(UNCERTIFIED)), schema(enum=list(UNCERTIFIED))
    ] = written("ledger", "while too few answers are in: go by the ledger, or progressive")


def abandonment_of(model: AbandonmentModel) -> Abandonment:
    """The core's value."""
    return Abandonment(
        limit=model.limit,
        window=model.window,
        zone=model.zone,
        denominator=model.denominator,
        spending=model.spending,
        early_hang_ups=model.early_hang_ups,
        certify=model.certify,
        uncertified=model.uncertified,
    )


def abandonment_problems(model: CampaignModel, tree: Tree) -> Iterator[Problem]:
    """Keys that do not go together."""
    given = model.abandonment.model_fields_set
    needed = "window" in given or model.mode is Mode.PREDICTIVE
    if needed and model.abandonment.zone is None and model.default_zone is None:
        loc = ("abandonment", "window") if "window" in given else ("mode",)
        what = "the cap's window begins at a midnight, but no zone says whose"
        yield problem_at(tree, loc, what, "abandonment: {zone: Europe/Moscow}, or default_zone")
    if "uncertified" in given and model.abandonment.certify is None:
        what = "says what is done without a certificate, but none is asked for"
        loc = ("abandonment", "uncertified")
        yield problem_at(tree, loc, what, "certify: 95 %")


def certify_out_of_reach(
    campaign: Campaign, tree: Tree, settings: Settings
) -> Iterator[Problem]:
    """A certificate that needs more answers than the pool may make calls in the window."""
    rules = campaign.abandonment
    if rules.certify is None:
        return
    numbers = [one for one in settings.pools.get(campaign.pool, ()) if one.state == "active"]
    days = 30 if rules.window == "30d" else 1
    most = sum(one.hard_limit for one in numbers) * days
    need = least_answers(rules.limit, rules.certify)
    if most >= need:
        return
    yield problem_at(
        tree,
        ("abandonment", "certify"),
        f"{100 * rules.limit:.3g} % at {100 * rules.certify:.4g} % confidence needs at least"
        f" {need} live answers in each"
        f" window ({rules.window}), even with no drop; the pool's limits allow {most} calls",
        "a longer window, more numbers, a higher limit, or no certify",
    )
