"""YAML text -> plain values, with the place of every value and key.

Built from PyYAML's events rather than its nodes, because the rules here are ours:
- only null, true, false, whole and decimal numbers are not text: `9:00`, `no`, `010`, `+7916…`
  stay what was written (YAML 1.1 would make them 540, False, 8 and a number without its plus);
- a key given twice, a tag, a merge key or a second document is a problem, not a silent choice;
- an alias is expanded within the limits on size and depth; one inside itself is a problem.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from dialer.errors import Problem
from dialer.settings.wording import dotted, quoted

Loc = tuple[str | int, ...]

LARGEST_FILE_BYTES = 4 * 1024 * 1024
MOST_NODES = 200_000
DEEPEST = 20

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null"})
_TRUTH = {"true": True, "false": False}
# At most 18 digits: longer ones are no quantity, and Python refuses to read very long ones.
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")


class Mark(NamedTuple):
    """Where something stands; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What a file says. `value` is None where it could not be read: then it has problems."""

    file: str
    value: Any
    values_at: Mapping[Loc, Mark] = field(default_factory=dict)
    keys_at: Mapping[Loc, Mark] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    digest: str = ""  # of the file's bytes

    def value_mark(self, loc: Loc) -> Mark:
        """The mark of the value, or of its nearest ancestor."""
        for length in range(len(loc), -1, -1):
            if (mark := self.values_at.get(loc[:length])) is not None:
                return mark
        return Mark(self.file, 1, 1)

    def key_mark(self, loc: Loc) -> Mark:
        """The mark of the key, or of the nearest ancestor's value."""
        return self.keys_at.get(loc) or self.value_mark(loc)

    def mapping(self, *loc: str | int) -> Mapping[str, Any]:
        """The mapping at `loc`; empty where there is none."""
        found = self.at(*loc)
        return found if isinstance(found, dict) else {}

    def at(self, *loc: str | int) -> Any:
        """The plain value at `loc`; None where there is none."""
        found = self.value
        for part in loc:
            if isinstance(found, list) and isinstance(part, int):
                found = dict(enumerate(found))
            if not isinstance(found, dict):
                return None
            found = found.get(part)
        return found

    def with_defaults(self, other: Tree, *loc: str | int) -> Tree:
        """With the keys that only the mapping `other.at(*loc)` has; their marks come along."""
        defaults = other.mapping(*loc)
        if not isinstance(self.value, dict) or not defaults:
            return self
        added = {key for key in defaults if key not in self.value}
        return Tree(
            file=self.file,
            value={**self.value, **{key: defaults[key] for key in added}},
            values_at={**_moved(other.values_at, loc, added), **self.values_at},
            keys_at={**_moved(other.keys_at, loc, added), **self.keys_at},
            problems=self.problems,
            digest=self.digest,
        )


def _moved(marks: Mapping[Loc, Mark], loc: Loc, keys: set[str]) -> dict[Loc, Mark]:
    """The marks below `loc` of these keys, as if `loc` were the root."""
    depth = len(loc)
    return {
        at[depth:]: mark
        for at, mark in marks.items()
        if len(at) > depth and at[:depth] == loc and at[depth] in keys
    }


def read_tree(path: Path, file: str | None = None) -> Tree:
    """The file's tree; messages call it `file`. Never raises for what it holds."""
    name = file or str(path)
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_FILE_BYTES else b""
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        return Tree(file=name, value=None, problems=(Problem(place=name, what=what),))
    if size > LARGEST_FILE_BYTES:
        return _unreadable(name, Mark(name, 1, 1), "is larger than 4 MiB", "split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        mark = Mark(name, data.count(b"\n", 0, error.start) + 1, 1)
        return _unreadable(name, mark, "is not UTF-8 text", "save the file as UTF-8")
    return replace(parse(text, name), digest=hashlib.sha256(data).hexdigest())


def parse(text: str, file: str) -> Tree:
    """The tree of a YAML text; its syntax errors are among its problems."""
    builder = _Builder(file)
    try:
        value = builder.document(text)
    except _Unreadable as error:
        return _unreadable(file, error.mark, error.what, error.remedy, before=builder.problems)
    except yaml.MarkedYAMLError as error:
        return _syntax_error(file, error, builder.problems)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        what = "holds a control character that YAML does not allow"
        return _unreadable(file, Mark(file, line, 1), what, "take it out")
    return Tree(
        file=file,
        value=value,
        values_at=builder.values_at,
        keys_at=builder.keys_at,
        problems=tuple(builder.problems),
    )


class _Unreadable(Exception):
    """The file cannot be taken further; `mark`, `what`, `remedy` say why."""

    def __init__(self, mark: Mark, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.mark = mark
        self.what = what
        self.remedy = remedy


def _unreadable(
    file: str, mark: Mark, what: str, remedy: str = "", before: list[Problem] | None = None
) -> Tree:
    problem = Problem(place=str(mark), what=what, remedy=remedy)
    return Tree(file=file, value=None, problems=(*(before or ()), problem))


# What the parser says -> what a person needs; the first that is contained counts.
_COLUMNS = "keys of one mapping, and dashes of one list, begin in one column"
_SYNTAX: tuple[tuple[str, str, str], ...] = (
    (
        "cannot start any token",
        "a character that cannot begin a value",
        "indent with spaces, not tabs; text that begins with @, ` or % needs quotes",
    ),
    (
        "mapping values are not allowed",
        "a second colon on the line, or a wrong indentation",
        f"text that holds ': ' needs quotes; {_COLUMNS}",
    ),
    ("could not find expected ':'", "a key without its colon", "write 'key: value'"),
    (
        "expected ',' or ']'",
        "a list in [ ] is not closed",
        "separate with commas, close with ]",
    ),
    ("expected ',' or '}'", "a mapping in { } is not closed", "separate with commas, close it"),
    ("unexpected end of stream", "the file ends inside a quoted text", "close the quotes"),
    ("expected key", "the indentation does not fit the lines above", _COLUMNS),
    ("expected <block end>", "the indentation does not fit the lines above", _COLUMNS),
    (
        "expected '-' indicator",
        "a list item without its dash, or a wrong indentation",
        _COLUMNS,
    ),
    ("document start", "something stands after the end of the value", "take it out"),
    ("anchor", "an anchor that is not complete", "write &name and *name"),
    ("alias", "a star that names no anchor", "text that begins with * needs quotes"),
    ("escape", "an unknown escape in double quotes", "double the backslash, or use '…'"),
)


def _syntax_error(file: str, error: yaml.MarkedYAMLError, before: list[Problem]) -> Tree:
    at = error.problem_mark or error.context_mark
    mark = Mark(file, at.line + 1, at.column + 1) if at is not None else Mark(file, 1, 1)
    said = f"{error.problem or ''} {error.context or ''}"
    for words, what, remedy in _SYNTAX:
        if words in said:
            return _unreadable(file, mark, what, remedy, before=before)
    return _unreadable(file, mark, f"is not YAML: {said.strip()}", before=before)


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A finished value with the marks below it, to be laid again under an alias."""

    value: Any
    values_at: tuple[tuple[Loc, Mark], ...]
    keys_at: tuple[tuple[Loc, Mark], ...]


class _Builder:
    """One document's events -> values and marks."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.values_at: dict[Loc, Mark] = {}
        self.keys_at: dict[Loc, Mark] = {}
        self.problems: list[Problem] = []
        self._values: list[tuple[Loc, Mark]] = []  # the same marks in their order
        self._keys: list[tuple[Loc, Mark]] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None: still being built
        self._nodes = 0
        self._events: Iterator[yaml.Event] = iter(())

    def document(self, text: str) -> Any:
        """The value of the only document."""
        self._events = yaml.parse(text, _LOADER)
        next(self._events)  # the stream's start
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise _Unreadable(Mark(self.file, 1, 1), "is empty")
        value = self._node(next(self._events), ())
        next(self._events)  # the document's end
        if not isinstance(second := next(self._events), yaml.StreamEndEvent):
            raise _Unreadable(
                self._mark(second), "a second document begins here", "one file, one document"
            )
        return value

    def _mark(self, event: yaml.Event) -> Mark:
        at = event.start_mark
        return Mark(self.file, at.line + 1, at.column + 1) if at else Mark(self.file, 1, 1)

    def _count(self, mark: Mark, nodes: int = 1) -> None:
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            raise _Unreadable(mark, f"holds more than {MOST_NODES} values", "split it")

    def _node(self, event: yaml.Event, loc: Loc) -> Any:
        mark = self._mark(event)
        self._count(mark)
        if len(loc) > DEEPEST:
            raise _Unreadable(mark, f"is nested more than {DEEPEST} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, loc, mark)
        first_value, first_key = len(self._values), len(self._keys)
        self._set_marks([(loc, mark)], [])
        self._refuse_tag(event, loc, mark)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = None
        value = self._content(event, loc)
        if anchor is not None:
            values, keys = self._values[first_value:], self._keys[first_key:]
            self._anchors[anchor] = _Anchored(value, _below(values, loc), _below(keys, loc))
        return value

    def _set_marks(self, values: list[tuple[Loc, Mark]], keys: list[tuple[Loc, Mark]]) -> None:
        self._values.extend(values)
        self._keys.extend(keys)
        self.values_at.update(values)
        self.keys_at.update(keys)

    def _content(self, event: yaml.Event, loc: Loc) -> Any:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(loc)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(loc)
        assert isinstance(event, yaml.ScalarEvent)
        return event.value if event.style else _plain(event.value)

    def _refuse_tag(self, event: yaml.Event, loc: Loc, mark: Mark) -> None:
        tag = getattr(event, "tag", None)
        if tag is not None and tag != "!":
            what = f"the tag {quoted(str(tag))} is not allowed"
            self._problem(mark, loc, what, "write the plain value")

    def _sequence(self, loc: Loc) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*loc, len(items))))
        return items

    def _mapping(self, loc: Loc) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            mark = self._mark(event)
            self._count(mark)
            if not isinstance(event, yaml.ScalarEvent):
                raise _Unreadable(mark, "a key must be a word")
            key = str(event.value)
            if key == "<<":
                self._problem(
                    mark, (*loc, key), "merge keys are not used", "write the keys out"
                )
            if key in items:
                self._problem(mark, (*loc, key), "given twice", "keep one of them")
                # Its own problems count too, but the first value and its marks stay.
                self._node(next(self._events), (*loc, f"{key} (again)"))
                continue
            self._set_marks([], [((*loc, key), mark)])
            items[key] = self._node(next(self._events), (*loc, key))
        return items

    def _problem(self, mark: Mark, loc: Loc, what: str, remedy: str) -> None:
        where = f"{dotted(loc)}: " if loc else ""
        self.problems.append(Problem(place=str(mark), what=where + what, remedy=remedy))

    def _alias(self, event: yaml.AliasEvent, loc: Loc, mark: Mark) -> Any:
        name = str(event.anchor)
        if name not in self._anchors:
            raise _Unreadable(mark, f"{dotted(loc)}: nothing is anchored as {quoted(name)}")
        anchored = self._anchors[name]
        if anchored is None:
            raise _Unreadable(mark, f"{dotted(loc)}: {quoted(name)} contains itself")
        self._count(mark, len(anchored.values_at) + len(anchored.keys_at))
        self._set_marks(
            [(loc + below, at) for below, at in anchored.values_at],
            [(loc + below, at) for below, at in anchored.keys_at],
        )
        return anchored.value


def _below(marks: list[tuple[Loc, Mark]], loc: Loc) -> tuple[tuple[Loc, Mark], ...]:
    return tuple((at[len(loc) :], mark) for at, mark in marks)


def _plain(text: str) -> Any:
    """An unquoted scalar by our four rules."""
    if text in _NULL:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
