"""Who comes first (R3.3, R3.4, R3.5): the sum of the weights of the rules that match, then the
order of the list; and the place in the hopper as one number.

Two conditions, `older_than_days` and `newer_than_days`, change by themselves as time passes:
the score comes with the instant of its next change and is right until then. Negative days
look ahead: `older_than_days: -7` on the end of a subscription matches from a week before it.

Facts are a flat mapping by the rules' field names, or hold "fields" as a mapping of their own.
Text is compared without regard to case and outer blanks; a fact that is missing, empty or of
another kind than the condition needs matches nothing but `absent` and `not_equals`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from dialer.core.model import Rule, Source
from dialer.errors import Bug

# --------------------------------------------------------------- the score


class Score(NamedTuple):
    """The sum of the matching weights, right until `next_change_at` (None: for ever)."""

    value: int
    next_change_at: datetime | None


class _Judged(NamedTuple):
    matches: bool
    flips_at: datetime | None = None


def score(facts: Mapping[str, Any], rules: Iterable[Rule], now: datetime) -> Score:
    """Judge all rules at `now` (aware). Raises Bug on a condition that does not exist."""
    value = 0
    next_change_at: datetime | None = None
    for rule in rules:
        judged = _judge(rule, fact_of(facts, rule.field), now)
        if judged.matches:
            value += rule.weight
        if judged.flips_at is not None and (
            next_change_at is None or judged.flips_at < next_change_at
        ):
            next_change_at = judged.flips_at
    return Score(value, next_change_at)


def fact_of(facts: Mapping[str, Any], field: str) -> Any:
    """The value of a rule's field; None where there is none."""
    if field in facts:
        return facts[field]
    if field.startswith("fields."):
        nested = facts.get("fields")
        if isinstance(nested, Mapping):
            return nested.get(field.removeprefix("fields."))
    return None


def _judge(rule: Rule, fact: Any, now: datetime) -> _Judged:
    if rule.condition in _AGES:
        return _judge_age(rule, fact, now)
    test = _TESTS.get(rule.condition)
    if test is None:
        raise Bug(f"no such condition: {rule.condition!r}")
    return _Judged(test(fact, rule.value))


def _judge_age(rule: Rule, fact: Any, now: datetime) -> _Judged:
    """older: matches from `fact + days` on; newer: before it. The same instant flips both."""
    at, days = as_instant(fact), as_number(rule.value)
    if at is None or days is None:
        return _Judged(False)
    try:
        flips_at = at + timedelta(days=days)
        older = flips_at <= now
    except OverflowError:
        # Beyond the calendar: it flipped before all time, or never will.
        older, flips_at = days < 0, now
    matches = older if rule.condition == "older_than_days" else not older
    return _Judged(matches, flips_at if flips_at > now else None)


# --------------------------------------------------------------- the conditions


def as_number(value: Any) -> float | None:
    """12, "12.5", "10 000,50" -> float; None for anything else (a yes/no is no number)."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        value = "".join(value.split()).replace(",", ".")
    elif not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_instant(value: Any) -> datetime | None:
    """A datetime, a date, or either as ISO text; without a zone it is UTC, a date its
    midnight.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), tzinfo=UTC)
    return None


def _plain(value: Any) -> Any:
    """One form for comparing: text folded, numbers as float, others as they are."""
    if isinstance(value, str):
        return value.strip().casefold()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return float(value)
    return value


def _same(fact: Any, value: Any) -> bool:
    left, right = _plain(fact), _plain(value)
    if isinstance(left, float) != isinstance(right, float):
        # A number in the rule and its text in the CSV, or the other way round.
        left, right = as_number(fact), as_number(value)
        return left is not None and left == right
    return bool(left == right)


def _many(value: Any) -> Sequence[Any]:
    """A list as it is, anything else as a list of one, nothing as an empty one."""
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(value)
    return () if _absent(value, None) else (value,)


def _absent(fact: Any, _: Any) -> bool:
    if fact is None:
        return True
    if isinstance(fact, str):
        return not fact.strip()
    return isinstance(fact, list | tuple | set | frozenset | dict) and not fact


def _equals(fact: Any, value: Any) -> bool:
    if isinstance(fact, str) and isinstance(value, str):
        folded = fact.strip().casefold()
        return bool(folded) and folded == value.strip().casefold()
    return any(_same(one, value) for one in _many(fact))


def _in(fact: Any, value: Any) -> bool:
    return any(_same(one, other) for one in _many(fact) for other in _many(value))


def _contains(fact: Any, value: Any) -> bool:
    """A list holds this member; a text holds this piece. An empty piece is in nothing."""
    if isinstance(fact, str):
        piece = str(value).strip().casefold()
        return bool(piece) and piece in fact.casefold()
    return _equals(fact, value)


def _compare(fact: Any, value: Any) -> float | None:
    """Above 0: the fact is greater. Numbers, else instants; None = not to be compared."""
    number, bound = as_number(fact), as_number(value)
    if number is not None and bound is not None:
        return number - bound
    at, bound_at = as_instant(fact), as_instant(value)
    if at is not None and bound_at is not None:
        return (at - bound_at).total_seconds()
    return None


def _above(fact: Any, value: Any) -> bool:
    difference = _compare(fact, value)
    return difference is not None and difference > 0


def _below(fact: Any, value: Any) -> bool:
    difference = _compare(fact, value)
    return difference is not None and difference < 0


_AGES = frozenset({"older_than_days", "newer_than_days"})

_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": _equals,
    "not_equals": lambda fact, value: not _equals(fact, value),
    "in": _in,
    "contains": _contains,
    "above": _above,
    "below": _below,
    "present": lambda fact, value: not _absent(fact, value),
    "absent": _absent,
}

#: Every condition that a rule may name.
CONDITIONS = frozenset(_TESTS) | _AGES


# --------------------------------------------------------------- the place in the
# hopper

_TIERS = (Source.HOT, Source.FIRST, Source.REPEAT)
_TIER_OF = {source: tier for tier, source in enumerate(_TIERS)}
_POSITION_BITS = 31
_SCORE_BITS = 20

#: A score beyond these is ranked as if it were there.
SCORE_MAX = (1 << (_SCORE_BITS - 1)) - 1
POSITION_MAX = (1 << _POSITION_BITS) - 1


class Place(NamedTuple):
    """What a rank says: tier, score (clamped to ±SCORE_MAX), place on the list."""

    source: Source
    score: int
    position: int


def rank(source: Source, score_value: int, position: int) -> float:
    """The place in the hopper, smaller first: tier, then higher score, then the list's order.

    2 + 20 + 31 bits: every rank is a whole number that a double (a ZSET's score) holds exactly.
    A sequential campaign ranks with score 0. Raises Bug where the position does not fit.
    """
    if not 0 <= position <= POSITION_MAX:
        raise Bug(f"position {position} does not fit into a rank")
    descending = SCORE_MAX - max(-SCORE_MAX, min(SCORE_MAX, score_value))
    tier = _TIER_OF[source]
    return float((((tier << _SCORE_BITS) | descending) << _POSITION_BITS) | position)


def place_of(ranked: float) -> Place:
    """The inverse of `rank`, for display."""
    bits = int(ranked)
    descending = (bits >> _POSITION_BITS) & ((1 << _SCORE_BITS) - 1)
    source = _TIERS[bits >> (_POSITION_BITS + _SCORE_BITS)]
    return Place(source, SCORE_MAX - descending, bits & POSITION_MAX)


# --------------------------------------------------------------- said before the start

#: A field that fewer contacts have than this share is "mostly empty".
MOSTLY_EMPTY = 0.20


class WeakField(NamedTuple):
    """A rule's field that the list lacks (`filled` None) or leaves mostly empty."""

    field: str
    filled: float | None


def missing_fields(
    rules: Iterable[Rule], filled_share: Mapping[str, float]
) -> tuple[WeakField, ...]:
    """The rules' fields that cannot do their work on this list (R3.4), each once, in rule
    order.

    `filled_share`: field name as in the rules -> share of contacts that have it. A rule that
    looks for empty fields is at home on an empty one, but not on one that does not exist.
    """
    weak: dict[str, WeakField] = {}
    for rule in rules:
        share = filled_share.get(rule.field)
        if share is None or (share < MOSTLY_EMPTY and rule.condition != "absent"):
            weak.setdefault(rule.field, WeakField(rule.field, share))
    return tuple(weak.values())
