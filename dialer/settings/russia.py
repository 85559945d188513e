"""The Russian numbering plan as a table: area code or region's name -> region and IANA zones.

phonenumbers' own data are not exact enough (dependencies.md 6): it swaps Moscow and its region,
puts Kaliningrad into Bucharest's time and Saratov into Moscow's. russia_codes.csv is ours; a
test lists each difference from phonenumbers. A region that spans several zones has them all: a
phone there is dialed only in hours that are lawful in each.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

_KIND_WORDS = re.compile(
    r"\b(?:г|гор|город|обл|область|край|респ|республика|ао|автономный|автономная|округ|аобл"
    r"|region|oblast|krai|republic|territory|of)\b\.?"
)
_NOT_LETTERS = re.compile(r"[^a-zа-я]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """One region: its name as we write it everywhere, and all zones it lies in."""

    name: str
    zones: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberingPlan:
    """`by_code`: three digits after +7 -> region. `by_name`: a name's key -> region."""

    by_code: Mapping[str, Region]
    by_name: Mapping[str, Region]

    def named(self, text: str) -> Region | None:
        """The region of that name, however its kind is abbreviated ("г. Москва", "обл.")."""
        return self.by_name.get(_exact_key(text)) or self.by_name.get(_loose_key(text))


@cache
def numbering_plan() -> NumberingPlan:
    """The table, read once."""
    by_code: dict[str, Region] = {}
    by_name: dict[str, Region] = {}
    loose: dict[str, Region | None] = {}
    file = resources.files("dialer.settings").joinpath("russia_codes.csv")
    with file.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            region = Region(name=row["region"], zones=tuple(row["zones"].split()))
            by_code.update(dict.fromkeys(row["codes"].split(), region))
            for name in (row["region"], *row["also"].split(";")):
                by_name[_exact_key(name)] = region
            key = _loose_key(row["region"])
            loose[key] = None if key in loose else region  # of two, neither
    for key, found in loose.items():
        if found is not None:
            by_name.setdefault(key, found)
    return NumberingPlan(by_code=by_code, by_name=by_name)


def _exact_key(text: str) -> str:
    return _NOT_LETTERS.sub(" ", text.lower().replace("ё", "е")).strip()


def _loose_key(text: str) -> str:
    lowered = text.lower().replace("ё", "е")
    return _NOT_LETTERS.sub(" ", _KIND_WORDS.sub(" ", lowered)).strip()
