"""A campaign's validated model -> core.model.Campaign, and what is wrong across its keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise

from dialer.core.model import (
    Campaign,
    CampaignName,
    Caps,
    DayBudget,
    GatewayName,
    GroupName,
    Mode,
    Order,
    Persistence,
    PoolName,
    Rolling,
    Rounds,
    Rule,
    Window,
)
from dialer.errors import Problem
from dialer.settings.abandonment import abandonment_of, abandonment_problems
from dialer.settings.campaign_model import CampaignModel
from dialer.settings.limits_model import WindowModel
from dialer.settings.tree import Tree
from dialer.settings.validate import problem_at


def campaign_of(
    model: CampaignModel, *, name: str, gateways: Sequence[str], revision: str
) -> Campaign:
    """The frozen value; `gateways` are the pool's, for a campaign that names none."""
    return Campaign(
        name=CampaignName(name),
        list_name=model.list_name,
        group=GroupName(model.group),
        pool=PoolName(model.pool),
        gateways=tuple(GatewayName(gateway) for gateway in model.gateways or gateways),
        purpose=model.purpose,
        preset=model.preset,
        laxer=dict(model.laxer),
        mode=model.mode,
        ratio=model.ratio,
        card_s=model.card,
        order=model.order,
        rules=tuple(
            Rule(field=r.field, condition=r.condition, value=r.value, weight=r.weight)
            for r in model.rules
        ),
        windows=_windows(model.windows),
        segment_windows={
            segment: _windows(given) for segment, given in model.segment_windows.items()
        },
        holidays=model.holidays,
        default_zone=model.default_zone,
        consent_required=model.consent.required,
        consent_ground=model.consent.ground,
        sticky=model.sticky,
        ring_timeout_s=round(model.ring_timeout),
        max_talk_s=round(model.max_talk),
        message=model.message,
        silence_ms=round(model.silence * 1000),
        opt_out_key=model.opt_out_key,
        abandonment=abandonment_of(model.abandonment),
        record=model.record,
        when_full=model.when_full,
        announce=model.announce,
        keep_recordings_s=model.keep_recordings,
        wrapup_s=model.wrapup,
        share=model.share,
        priority=model.priority,
        caps=_caps(model),
        rounds=_rounds(model),
        retry_s=dict(model.retry),
        persistence=Persistence(**model.persistence.model_dump()),
        budget=DayBudget(**model.budget.model_dump()),
        active=model.active,
        revision=revision,
    )


def revision_of(tree: Tree, defaults: object) -> str:
    """A short digest: it changes when the file or the defaults laid under it change."""
    return hashlib.sha256(f"{tree.digest}{defaults!r}".encode()).hexdigest()[:16]


def _windows(given: Sequence[WindowModel]) -> tuple[Window, ...]:
    return tuple(Window(w.days, w.opens, w.closes) for w in given)


def _caps(model: CampaignModel) -> Caps:
    caps = model.caps
    return Caps(
        per_day=caps.per_day,
        per_week=caps.per_week,
        per_month=caps.per_month,
        talks_per_day=caps.talks_per_day,
        talks_per_week=caps.talks_per_week,
        talks_per_month=caps.talks_per_month,
        min_gap_s=caps.min_gap,
        rolling=tuple(Rolling(r.what, r.most, round(r.within / 3600)) for r in caps.rolling),
        rest_s=dict(caps.rest_after),
    )


def _rounds(model: CampaignModel) -> Rounds:
    rounds = model.rounds
    tries = rounds.tries_per_day
    if "tries_per_day" not in rounds.model_fields_set:
        tries = min(tries, model.caps.per_day)
    return Rounds(
        tries_per_day=tries,
        failed_rounds=rounds.failed_rounds,
        pause_s=rounds.pause,
        dead_attempts=rounds.dead_attempts,
        uncharged_per_day=rounds.uncharged_per_day,
    )


def contradictions(model: CampaignModel, tree: Tree) -> Iterator[Problem]:
    """Keys of one campaign that do not go together."""
    if model.mode is not Mode.POWER and "ratio" in model.model_fields_set:
        yield problem_at(tree, ("ratio",), "is used by mode: power only", "take it out")
    if model.mode is not Mode.PREVIEW and "card" in model.model_fields_set:
        yield problem_at(tree, ("card",), "is used by mode: preview only", "take it out")
    if model.mode is Mode.POWER and "ratio" not in model.model_fields_set:
        what = "mode power needs a ratio"
        yield problem_at(tree, ("mode",), what, "ratio: 1.5 is 1.5 calls per free operator")
    if model.order is Order.PRIORITY and not model.rules:
        yield problem_at(tree, ("order",), "order priority needs rules", "or order: sequential")
    if model.order is not Order.PRIORITY and model.rules:
        yield problem_at(tree, ("rules",), "are used by order: priority only", "set the order")
    if model.holidays is not None and not model.windows:
        what = "holidays count as Sunday, but there are no windows"
        yield problem_at(tree, ("holidays",), what, "write windows, or take it out")
    for key in ("when_full", "announce", "keep_recordings"):
        if key in model.model_fields_set and not model.record:
            yield problem_at(tree, (key,), "is for talks that are recorded", "record: true")
    yield from _limit_contradictions(model, tree)
    yield from abandonment_problems(model, tree)


def _limit_contradictions(model: CampaignModel, tree: Tree) -> Iterator[Problem]:
    caps, given = model.caps, model.caps.model_fields_set
    names = ("per_day", "per_week", "per_month")
    for shorter, longer in pairwise(names):
        below, above = getattr(caps, shorter), getattr(caps, longer)
        if below > above:
            key = shorter if shorter in given else longer
            what = f"{shorter} is {below}, more than {longer} with {above}"
            yield problem_at(tree, ("caps", key), what)
    tries = model.rounds.tries_per_day
    if "tries_per_day" in model.rounds.model_fields_set and tries > caps.per_day:
        yield problem_at(
            tree,
            ("rounds", "tries_per_day"),
            f"is {tries}, but caps.per_day allows {caps.per_day}",
            "the caps count over all campaigns",
        )
    if "gateways" in model.model_fields_set and model.gateways:
        for index, gateway in enumerate(model.gateways):
            if gateway in model.gateways[:index]:
                yield problem_at(tree, ("gateways", index), f"{gateway} is named twice")
