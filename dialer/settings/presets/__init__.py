"""What a country's law asks of a campaign: dated figures with their sources (regulation.md).

`preset: ru-debt` lays the preset's figures under the campaign's own. A figure that is laxer
than the preset's needs a word: `laxer: {caps.per_day: "counsel's letter of 3 November"}`, which
is kept with the campaign and told by `dialer check`. What the law forbids altogether has no
such word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from dialer.errors import Problem
from dialer.settings.campaign_model import CampaignModel
from dialer.settings.limits_model import CapsModel, WindowModel
from dialer.settings.tree import Tree, read_tree
from dialer.settings.validate import problem_at
from dialer.settings.wording import did_you_mean

FOLDER = Path(__file__).parent
#: What the campaign's own model needs beside a preset's figures, to read them.
_LEAST = {"list": "x", "group": "x", "pool": "x", "purpose": "x"}
_MOST = ("per_day", "per_week", "per_month", "talks_per_day", "talks_per_week")


class Preset(NamedTuple):
    """One country's figures; `values` as YAML says them, `model` as they are read."""

    name: str
    as_of: str
    country: str
    kind: str
    values: Mapping[str, Any]
    model: CampaignModel
    sources: Mapping[str, str]
    must_state: Mapping[str, str]
    forbidden_modes: Mapping[str, str]


def names() -> list[str]:
    """Every preset that there is."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def preset(name: str) -> Preset:
    """A shipped preset; a test holds each of them readable."""
    value: dict[str, Any] = dict(read_tree(FOLDER / f"{name}.yaml").mapping())
    return Preset(
        name=name,
        as_of=str(value["as_of"]),
        country=value["country"],
        kind=value["kind"],
        values=value["campaign"],
        model=CampaignModel.model_validate({**_LEAST, **value["campaign"]}),
        sources=value["sources"],
        must_state=value["must_state"] or {},
        forbidden_modes=value["forbidden_modes"] or {},
    )


def laid_under(tree: Tree) -> tuple[Tree, list[Problem]]:
    """The campaign's tree with its preset's figures under its own, and what the law refuses
    before any figure is read.
    """
    if not isinstance(tree.value, dict) or "preset" not in tree.value:
        return tree, []
    name = tree.value["preset"]
    if name not in names():
        what, remedy = "is no preset", did_you_mean(str(name), names())
        return tree, [problem_at(tree, ("preset",), what, remedy)]
    law = preset(name)
    problems = [
        problem_at(tree, (key.split(".")[0],) if key in tree.value else ("preset",), why)
        for key, why in law.must_state.items()
        if key not in tree.value
    ]
    reference = law.forbidden_modes.get(str(tree.value.get("mode", "progressive")))
    if reference is not None:
        problems.append(problem_at(tree, ("mode",), f"is forbidden here: {reference}"))
    merged = {**law.values, **tree.value}
    for key in ("caps", "abandonment"):
        mine, theirs = tree.value.get(key), law.values.get(key)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            merged[key] = {**theirs, **mine}
    laid = Tree(
        file=tree.file,
        value=merged,
        values_at=tree.values_at,
        keys_at=tree.keys_at,
        problems=tree.problems,
        digest=f"{tree.digest}{law.values!r}",
    )
    return laid, problems


def laxer_than_the_law(model: CampaignModel, tree: Tree) -> Iterator[Problem]:
    """Figures that are laxer than the preset's and have no word, and words that stand for
    nothing.
    """
    if model.preset is None or model.preset not in names():
        return
    law = preset(model.preset)
    found = dict(_laxer(model, law.model, law.values))
    for key, what in found.items():
        if key not in model.laxer:
            loc = tuple(key.split("."))
            source = law.sources.get(loc[0], law.name)
            remedy = f'laxer: {{{key}: "on whose word"}}'
            at = loc if loc in tree.values_at else loc[:1]
            at = at if at in tree.values_at else ("preset",)
            yield problem_at(tree, at, f"{what}: {source}", remedy)
    for key in model.laxer:
        if key not in found:
            yield problem_at(tree, ("laxer",), f"{key} is not laxer than {law.name}")


def _laxer(
    mine: CampaignModel, law: CampaignModel, given: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """(key, what is laxer) for each figure that the preset gives."""
    if "consent" in given and law.consent.required and not mine.consent.required:
        yield "consent", "is off, where the preset requires it"
    if "windows" in given and not _inside(mine.windows, law.windows):
        yield "windows", "reach beyond the preset's hours"
    if "holidays" in given and mine.holidays != law.holidays:
        yield "holidays", f"are not those of {law.holidays}"
    if "abandonment" in given and mine.abandonment.limit > law.abandonment.limit:
        yield "abandonment", "limit is above the preset's"
    if "ring_timeout" in given and mine.ring_timeout < law.ring_timeout:
        yield "ring_timeout", "is below the preset's"
    if "silence" in given and mine.silence > law.silence:
        yield "silence", "is above the preset's"
    caps = given.get("caps")
    if isinstance(caps, dict):
        yield from _laxer_caps(mine.caps, law.caps, caps)


def _laxer_caps(
    mine: CapsModel, law: CapsModel, given: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for name in _MOST:
        most, own = getattr(law, name), getattr(mine, name)
        if name in given and (own is None or own > most):
            yield f"caps.{name}", f"is {own}, above the preset's {most}"
    for rule in law.rolling:
        kept = any(
            own.what == rule.what and own.most <= rule.most and own.within >= rule.within
            for own in mine.rolling
        )
        if not kept:
            hours = round(rule.within / 3600)
            yield "caps.rolling", f"lack at most {rule.most} {rule.what} in {hours} h"
    for ending, rest in law.rest_after.items():
        if mine.rest_after.get(ending, 0.0) < rest:
            yield "caps.rest_after", f"{ending.value} is below the preset's"


def _inside(mine: list[WindowModel], law: list[WindowModel]) -> bool:
    """Is every moment of the campaign's windows one of the preset's? No windows: all day."""
    if not mine:
        return False
    for own in mine:
        for day in own.days:
            spans = sorted((w.opens, w.closes) for w in law if day in w.days)
            reached = own.opens
            for opens, closes in spans:
                if opens <= reached < closes:
                    reached = closes
            if reached < own.closes:
                return False
    return True
