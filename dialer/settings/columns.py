"""Which column of a file means what: a saved mapping (config/mappings/*.yaml), usual headers.

A column is looked up in the mapping first, then among the usual headers in Russian and English;
others are passed over and named to the person, because what nobody has placed may identify
people and must not land among the fields that rules filter by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from dialer.errors import ConfigError
from dialer.settings.places import shown
from dialer.settings.scalars import Text, Truth, Zone, choice, read_text, schema, written, wrong
from dialer.settings.tree import read_tree
from dialer.settings.validate import Model, in_order, problem_at, validate
from dialer.settings.wording import did_you_mean, quoted

IGNORE = "ignore"
_PHONE = re.compile(r"phone(?:[2-9]|1[0-9])?", re.ASCII)
_OWN_FIELD = re.compile(r"fields\.\w{1,60}")

TARGETS: dict[str, str] = {
    "phone": "the phone that is dialed first (phone2, phone3 … the others)",
    "name": "the contact's name",
    "email": "e-mail",
    "address": "address",
    "note": "a note for the operator",
    "region": "region or city; places mobiles in their time zone",
    "source": "where the contact comes from",
    "added": "when it was added: 2026-11-24, 24.11.2026, with or without 10:30",
    "status": "New, In progress, Call-back, Decided, Refused, Inactive",
    "segment": "segment",
    "tags": "tags, separated by commas",
    "hours": "the times that the contact named: mon-fri 10:00-12:00",
    "consent_at": "when the consent was given",
    "consent_purpose": "for what",
    "consent_evidence": "how it is proved: form, recording, paper",
    "consent_text": "the version of the text",
    "consent_expires": "until when it holds",
}

USUAL_HEADERS: dict[str, str] = {
    header: target
    for target, headers in {
        "phone": "телефон, телефон 1, тел, номер, номер телефона, мобильный, "
        "мобильный телефон, phone 1, phone number, mobile, mobile phone, tel, msisdn",
        "phone2": "телефон 2, доп телефон, дополнительный телефон, рабочий телефон, "
        "phone 2, second phone, work phone",
        "phone3": "телефон 3, phone 3",
        "name": "имя, фио, клиент, контакт, контактное лицо, full name, contact, customer",
        "email": "почта, эл почта, электронная почта, e mail, mail",
        "address": "адрес",
        "note": "комментарий, примечание, заметка, comment, notes",
        "region": "регион, область, город, city, state",
        "source": "источник, откуда",
        "added": "дата добавления, добавлен, дата создания, added at, date added, created, "
        "created at",
        "status": "статус",
        "segment": "сегмент",
        "tags": "теги, метки",
        "hours": "удобное время, время звонка, best time",
        "consent_at": "согласие, дата согласия, согласие дата, consent, consent date",
        "consent_purpose": "цель согласия, согласие цель",
        "consent_evidence": "подтверждение согласия, согласие подтверждение, consent proof",
        "consent_text": "текст согласия, версия согласия, consent version",
        "consent_expires": "согласие до, срок согласия, consent until",
    }.items()
    for header in headers.split(", ")
}


def header_key(header: str) -> str:
    """How headers are compared: no case, no punctuation, ё as е."""
    return " ".join(re.findall(r"\w+", header.lower().replace("ё", "е").replace("_", " ")))


def read_target(value: Any) -> str:
    """What a column may mean."""
    if isinstance(value, str) and (
        value in TARGETS
        or value == IGNORE
        or _PHONE.fullmatch(value)
        or _OWN_FIELD.fullmatch(value)
    ):
        return value
    word = value if isinstance(value, str) else ""
    raise wrong(
        "is no meaning of a column", did_you_mean(word, (*TARGETS, "fields.NAME", IGNORE))
    )


def read_constant(value: Any) -> str:
    """Text or a number, as it would stand in a cell."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if number else read_text(value)


def read_delimiter(value: Any) -> str | None:
    """`auto`, `tab`, or the character itself."""
    words = {"auto": None, "tab": "\t", ";": ";", ",": ",", "|": "|"}
    if not isinstance(value, str) or value not in words:
        raise wrong("is not a delimiter", "auto, tab, ';', ',' or '|'")
    return words[value]


ENCODINGS = {"auto": None, "utf-8": "utf-8", "cp1251": "cp1251"}


class MappingModel(Model):
    """A saved mapping."""

    encoding: Annotated[
        str | None, PlainValidator(choice(ENCODINGS)), schema(enum=list(ENCODINGS))
    ] = written("auto", "auto finds UTF-8 and CP1251")
    delimiter: Annotated[
        str | None, PlainValidator(read_delimiter), schema(type="string", title="delimiter")
    ] = written("auto", "auto, tab, ';', ',' or '|'")
    header: Truth = Field(
        default=True, description="false: there is none, columns are named 1, 2, 3"
    )
    zone: Zone = written("Europe/Moscow", "of dates that are written without a zone")
    columns: dict[Text, Annotated[str, PlainValidator(read_target), schema(type="string")]] = (
        Field(default={}, description="the file's header -> what it means")
    )
    constants: dict[
        Annotated[str, PlainValidator(read_target), schema(type="string")],
        Annotated[str, PlainValidator(read_constant), schema(type=["string", "number"])],
    ] = Field(default={}, description="what every row has, where the file has no column for it")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """What a person has said of a file. The default knows the usual headers only."""

    encoding: str | None = None
    delimiter: str | None = None
    header: bool = True
    zone: str = "Europe/Moscow"
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A file's columns, placed: `indexes` by target; `ignored` headers mean nothing to us."""

    width: int
    indexes: Mapping[str, int]
    ignored: tuple[str, ...]
    absent: tuple[str, ...]  # headers that the mapping names and the file lacks


def load_mapping(path: Path) -> ColumnMapping:
    """A saved mapping. Raises ConfigError with all its problems."""
    tree = read_tree(path, shown(path))
    model, problems = validate(MappingModel, tree)
    if model is not None:
        taken: dict[str, str] = {}
        for header, target in model.columns.items():
            if target != IGNORE and taken.setdefault(target, header) != header:
                what = f"'{target}' is already the meaning of {quoted(taken[target])}"
                problems.append(problem_at(tree, ("columns", header), what))
    if model is None or problems:
        raise ConfigError(in_order(problems))
    return ColumnMapping(
        encoding=model.encoding,
        delimiter=model.delimiter,
        header=model.header,
        zone=model.zone,
        columns=dict(model.columns),
        constants=dict(model.constants),
    )


def place_columns(headers: Iterable[str], mapping: ColumnMapping) -> Plan:
    """Find each column's meaning; of two columns with one meaning the first counts."""
    named = {header_key(header): target for header, target in mapping.columns.items()}
    written_targets = set(mapping.columns.values())
    indexes: dict[str, int] = {}
    ignored: list[str] = []
    found: set[str] = set()
    width = 0
    for index, header in enumerate(headers):
        width = index + 1
        key = header_key(header)
        target = named.get(key)
        if target is not None:
            found.add(key)
        else:
            # A usual header steps back where the mapping gives its meaning to another column.
            target = _usual(header, key)
            target = None if target in written_targets else target
        if target is None or target in indexes:
            ignored.append(header.strip())
        elif target != IGNORE:
            indexes[target] = index
    absent = [header for header in mapping.columns if header_key(header) not in found]
    return Plan(width=width, indexes=indexes, ignored=tuple(ignored), absent=tuple(absent))


def _usual(header: str, key: str) -> str | None:
    stripped = header.strip()
    if _OWN_FIELD.fullmatch(stripped):
        return stripped
    target = key.replace(" ", "_")
    if target in TARGETS or _PHONE.fullmatch(target):
        return target
    return USUAL_HEADERS.get(key)
