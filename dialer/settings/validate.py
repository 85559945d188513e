"""A tree against its pydantic model: the model, and every problem in our own words.

pydantic's texts are never shown: they speak of Python, and may quote what belongs to a person.
A value's problem stands at the value, an unknown key's at the key, a missing key's at the
mapping that lacks it.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from dialer.errors import Problem
from dialer.settings.tree import Loc, Mark, Tree
from dialer.settings.wording import did_you_mean, dotted

M = TypeVar("M", bound="Model")


class Model(BaseModel):
    """The base of everything that YAML may say: no unknown keys, no silent conversions."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )


def validate(model: type[M], tree: Tree) -> tuple[M | None, list[Problem]]:
    """The file as a model (None where it has any problem of form) and its problems."""
    problems = list(tree.problems)
    if tree.value is None:
        return None, problems or [Problem(place=str(tree.value_mark(())), what="is empty")]
    if not isinstance(tree.value, dict):
        what = "must be keys with values"
        return None, [*problems, Problem(place=str(tree.value_mark(())), what=what)]
    try:
        return model.model_validate(tree.value), problems
    except ValidationError as error:
        found = (_problem(model, tree, details) for details in error.errors(include_url=False))
        return None, [*problems, *found]


def problem_at(tree: Tree, loc: Loc, what: str, remedy: str = "") -> Problem:
    """A problem with the value at `loc`."""
    return Problem(
        place=str(tree.value_mark(loc)), what=f"{dotted(loc)}: {what}", remedy=remedy
    )


def in_order(problems: list[Problem]) -> list[Problem]:
    """Each problem once, file by file in the order found, then by line and column."""
    files = {file: index for index, file in enumerate(dict.fromkeys(map(_file, problems)))}

    def key(problem: Problem) -> tuple[int, list[int], str]:
        numbers = [int(part) for part in problem.place.split(":")[1:] if part.isdigit()]
        return files[_file(problem)], numbers, problem.what

    return sorted(dict.fromkeys(problems), key=key)


def _file(problem: Problem) -> str:
    return problem.place.split(":", 1)[0]


SECRETS = ("password", "secret", "token", "key")
_KINDS = {
    "list_type": ("must be a list", "like [a, b], or one item a line after '- '"),
    "dict_type": ("must be keys with values", ""),
    "model_type": ("must be keys with values", ""),
    "too_short": ("must not be empty", ""),
}


def _problem(model: type[Model], tree: Tree, details: ErrorDetails) -> Problem:
    loc, kind = details["loc"], details["type"]
    if kind == "extra_forbidden" and loc[-1] in SECRETS:
        remedy = f"name where it is kept: {loc[-1]}_env or {loc[-1]}_file"
        return _told(tree.key_mark(loc), loc, "a secret must not stand in the file", remedy)
    if kind == "extra_forbidden":
        known = list(fields_at(model, loc[:-1]))
        mark = tree.key_mark(loc)
        return _told(mark, loc, "unknown key", did_you_mean(str(loc[-1]), known))
    if kind == "missing":
        told = fields_at(model, loc[:-1]).get(str(loc[-1]), "")
        return _told(tree.value_mark(loc[:-1]), loc, "is missing", told)
    if loc and loc[-1] == "[key]":
        loc = loc[:-1]
        mark = tree.key_mark(loc)
    else:
        mark = tree.value_mark(loc)
    what, remedy = _KINDS.get(kind, ("is not what may stand here", ""))
    if kind == "said":
        context = details.get("ctx", {})
        what, remedy = str(context["what"]), str(context["remedy"])
    if tree.at(*loc) is None and loc in tree.values_at:
        what, remedy = "has no value", "write one, or take the key out"
    return _told(mark, loc, what, remedy)


def _told(mark: Mark, loc: Loc, what: str, remedy: str) -> Problem:
    where = f"{dotted(loc)}: " if loc else ""
    return Problem(place=str(mark), what=where + what, remedy=remedy)


def fields_at(model: type[BaseModel], loc: Loc) -> dict[str, str]:
    """The keys that the model allows at `loc`, each with its description."""
    at: Any = model
    for part in loc:
        at = next(_below(at, part), None)
    at = next(_models(at), None)
    if at is None:
        return {}
    return {
        field.alias or name: field.description or "" for name, field in at.model_fields.items()
    }


def _below(annotation: Any, part: str | int) -> Iterator[Any]:
    """The annotations that the part of a loc may lead to."""
    for model in _models(annotation):
        for name, field in model.model_fields.items():
            if part == (field.alias or name):
                yield field.annotation
    for option in _options(annotation):
        if get_origin(option) in (list, dict):
            yield get_args(option)[-1]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    for option in _options(annotation):
        if isinstance(option, type) and issubclass(option, BaseModel):
            yield option


def _options(annotation: Any) -> Iterator[Any]:
    """An annotation without Annotated and unions."""
    if get_origin(annotation) is Annotated:
        yield from _options(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for option in get_args(annotation):
            yield from _options(option)
    else:
        yield annotation
