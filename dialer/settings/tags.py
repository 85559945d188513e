"""The dictionary of tags by category (R4.4), config/tags.yaml: operators cannot invent tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field, PlainValidator

from dialer.errors import Problem
from dialer.settings.places import shown
from dialer.settings.scalars import Text, read_text, schema, wrong
from dialer.settings.tree import read_tree
from dialer.settings.validate import Model, problem_at, validate


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """Category -> its tags, in the order in which a form shows them."""

    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __contains__(self, tag: object) -> bool:
        return any(tag in tags for tags in self.categories.values())


def read_tag(value: object) -> str:
    """A tag is one word, joined by underscores."""
    text = read_text(value)
    if any(char.isspace() or char in ",;" for char in text):
        raise wrong("a tag is one word", "join words with '_', like Тариф_Базовый")
    return text


class TagsModel(Model):
    """The whole file."""

    categories: dict[
        Text, list[Annotated[str, PlainValidator(read_tag), schema(type="string")]]
    ] = Field(description="tags by category")


def load_tags(path: Path) -> tuple[Tags, list[Problem]]:
    """The dictionary and all that is wrong with it."""
    tree = read_tree(path, shown(path))
    model, problems = validate(TagsModel, tree)
    if model is None:
        return Tags(), problems
    seen: dict[str, str] = {}
    for category, tags in model.categories.items():
        for index, tag in enumerate(tags):
            if seen.setdefault(tag, category) != category or tags.index(tag) != index:
                loc = ("categories", category, index)
                problems.append(problem_at(tree, loc, f"stands in {seen[tag]} already"))
    return Tags(categories={name: tuple(t) for name, t in model.categories.items()}), problems
