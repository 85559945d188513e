"""Where personal data is kept, and where it was collected (R6.12).

Data of people collected in Russia may be kept in no store abroad: `dialer check` refuses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from dialer.errors import Problem
from dialer.settings.scalars import Name, schema, wrong
from dialer.settings.tree import Tree
from dialer.settings.validate import Model, problem_at

#: Countries whose people's data stays at home, with the rule.
AT_HOME = {"RU": "152-FZ art. 18(5): data of people collected in Russia stays in Russia"}
#: What must be named, as soon as anything is.
STORES = ("postgresql", "redis", "recordings", "backups")


def read_country(value: Any) -> str:
    """Two capital letters of ISO 3166."""
    if isinstance(value, str) and len(value) == 2 and value.isascii() and value.isupper():
        return value
    raise wrong("is no country", "two capital letters, like RU")


Country = Annotated[
    str, PlainValidator(read_country), schema(type="string", title="country, RU")
]


class PersonalDataModel(Model):
    """Countries of people and of stores."""

    collected_in: list[Country] = Field(min_length=1, description="where people gave it")
    kept_in: dict[Name, Country] = Field(
        min_length=1, description=f"country of {', '.join(STORES)} and each outside provider"
    )


PERSONAL_DATA = Field(default=None, description="countries of people and of stores")


def wrong_places(
    model: PersonalDataModel | None, answers: bool, tree: Tree
) -> Iterator[Problem]:
    """Stores abroad, stores not named, nobody responsible. `answers`: somebody is."""
    if model is None:
        return
    if not answers:
        what, remedy = "is missing, where personal data is kept", "responsible: {name, contact}"
        yield problem_at(tree, ("personal_data",), f"responsible {what}", remedy)
    for store in STORES:
        if store not in model.kept_in:
            yield problem_at(tree, ("personal_data", "kept_in"), f"{store} is not named")
    for country in model.collected_in:
        for store, place in model.kept_in.items():
            if country in AT_HOME and place != country:
                what = f"is in {place}: {AT_HOME[country]}"
                yield problem_at(tree, ("personal_data", "kept_in", store), what)
