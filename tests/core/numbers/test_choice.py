"""Which number is shown: load, limits, local presence, stickiness."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.model import GatewayName, NumberId
from dialer.core.numbers.choice import Candidate, choose, held_back, route
from dialer.core.numbers.limits import Held, Usage, refusal
from dialer.core.permission.reasons import Reason
from dialer.ports import Shown

A = GatewayName("a")


@dataclass(frozen=True, kw_only=True)
class OneShown:
    """What `ports.Shown` offers to the choice."""

    number: NumberId
    region: str | None = None
    gateway: GatewayName = A
    others: tuple[GatewayName, ...] = ()
    soft_limit: int = 70
    hard_limit: int = 80
    calls_at_once: int | None = None
    min_gap_s: float = 0.0
    calls_per_hour: int | None = None


def pool(count: int, **limits) -> list[OneShown]:
    return [OneShown(number=NumberId(f"+7495123{i:04}"), **limits) for i in range(count)]


def fits(shown: Shown) -> Candidate:
    """The types agree: what the claim is given is what the choice takes (held by mypy)."""
    return shown


def pick(shown, usages, region=None, sticky=None, now_s=1_000.0):
    return choose(shown, usages, region=region, sticky=sticky, now_s=now_s)


def test_least_used_number_goes_first():
    """Load spreads over the pool (R1.2)."""
    usages = [Usage(used_today=5), Usage(used_today=3), Usage(used_today=4)]
    assert pick(pool(3), usages) == 1


def test_equal_numbers_go_in_the_pools_order():
    assert pick(pool(3), [Usage()] * 3) == 0


def test_local_number_goes_before_a_less_used_foreign_one():
    """The called person sees a number of his region (R1.4)."""
    shown = [OneShown(number=NumberId("+74951"), region="Москва")]
    shown.append(OneShown(number=NumberId("+78121"), region="Санкт-Петербург"))
    usages = [Usage(used_today=0), Usage(used_today=60)]
    assert pick(shown, usages, region="Санкт-Петербург") == 1


def test_a_local_number_past_its_soft_limit_is_spared():
    """Past the soft limit a number is used only when no other is left (R1.3)."""
    shown = [OneShown(number=NumberId("+74951"), region="Москва")]
    shown.append(OneShown(number=NumberId("+78121"), region="Санкт-Петербург"))
    usages = [Usage(used_today=0), Usage(used_today=70)]
    assert pick(shown, usages, region="Санкт-Петербург") == 0
    # ... and used where the other is at its hard limit.
    usages = [Usage(used_today=80), Usage(used_today=79)]
    assert pick(shown, usages, region="Москва") == 1


def test_unknown_region_prefers_no_number():
    """A number without a region is not "local" to a phone without one."""
    shown = [OneShown(number=NumberId("+74951"), region="Москва")]
    shown.append(OneShown(number=NumberId("+79001"), region=None))
    assert pick(shown, [Usage(used_today=1), Usage(used_today=2)], region=None) == 0


def test_the_contact_keeps_his_number_past_the_soft_limit():
    """Sticky: he always sees the same number, as long as it may be shown at all."""
    shown = pool(3)
    usages = [Usage(), Usage(used_today=79), Usage()]
    assert pick(shown, usages, sticky=shown[1].number) == 1


@pytest.mark.parametrize(
    ("limits", "usage"),
    [
        ({}, Usage(used_today=80)),
        ({"calls_at_once": 1}, Usage(at_once=1)),
        ({"calls_per_hour": 10}, Usage(used_hour=10)),
        ({"min_gap_s": 30.0}, Usage(last_at=970.5)),
    ],
)
def test_no_limit_is_passed_for_the_sake_of_stickiness(limits, usage):
    """The hard limit, the line's calls at once, the hour and the gap hold for everybody."""
    shown = pool(2, **limits)
    assert pick(shown, [usage, Usage()], sticky=shown[0].number) == 1
    assert pick(shown[:1], [usage], sticky=shown[0].number) is None


def test_the_gap_is_over_at_its_end():
    gap = pool(1, min_gap_s=30.0)[0]
    assert refusal(gap, Usage(last_at=970.0), 999.9) is Held.NUMBERS_BUSY
    assert refusal(gap, Usage(last_at=970.0), 1_000.0) is None


def test_the_days_limit_is_named_before_a_passing_one():
    """ "Used up" must not read as "busy": one waits for seconds, the other until midnight."""
    number = pool(1, calls_at_once=1)[0]
    assert refusal(number, Usage(used_today=80, at_once=1), 0.0) is Held.NUMBER_LIMIT


def test_a_pool_says_whether_it_is_used_up_or_busy():
    shown = pool(2, calls_at_once=1)
    spent, busy = Usage(used_today=80), Usage(at_once=1)
    assert held_back(shown, [spent, spent], 0.0) is Held.POOL_USED_UP
    assert held_back(shown, [spent, busy], 0.0) is Held.NUMBERS_BUSY
    assert held_back(shown, [spent, Usage()], 0.0) is None
    assert held_back([], [], 0.0) is Held.POOL_USED_UP


def test_held_words_are_reasons():
    """Log, metric and ledger know each word that this field says."""
    assert {held.value for held in Held} <= {reason.value for reason in Reason}


@given(st.integers(1, 12), st.integers(0, 400), st.booleans())
def test_load_is_even_at_the_end_of_the_day(count, calls, sticky_known):
    """Equally eligible numbers differ by at most 1, none passes its hard limit (R1.2)."""
    shown = pool(count, soft_limit=20, hard_limit=30)
    used = [0] * count
    for _ in range(calls):
        usages = [Usage(used_today=one) for one in used]
        sticky = NumberId("+70000000000") if sticky_known else None  # left the pool: no effect
        place = pick(shown, usages, sticky=sticky)
        if place is None:
            break
        used[place] += 1
    assert max(used) - min(used) <= 1
    assert sum(used) == min(calls, 30 * count)


USAGES = st.builds(
    Usage,
    used_today=st.integers(0, 6),
    used_hour=st.integers(0, 4),
    at_once=st.integers(0, 2),
    last_at=st.none() | st.floats(90.0, 101.0),
)
SHOWN = st.builds(
    OneShown,
    number=st.sampled_from("abcdef").map(NumberId),
    region=st.sampled_from(["x", "y", None]),
    soft_limit=st.integers(0, 6),
    hard_limit=st.integers(0, 6),
    calls_at_once=st.none() | st.integers(0, 2),
    min_gap_s=st.sampled_from([0.0, 5.0]),
    calls_per_hour=st.none() | st.integers(0, 4),
)


@given(
    st.lists(st.tuples(SHOWN, USAGES), max_size=6),
    st.sampled_from(["x", "y", None]),
    st.sampled_from(["a", "z", None]),
)
def test_the_choice_is_the_best_of_all_eligible(pairs, region, sticky):
    """The order of the brief, worked out a second way: by looking at every pair of numbers."""
    shown, usages = [one for one, _ in pairs], [usage for _, usage in pairs]
    chosen = pick(shown, usages, region=region, sticky=sticky, now_s=100.0)
    eligible = [i for i, (one, usage) in enumerate(pairs) if refusal(one, usage, 100.0) is None]
    assert (chosen is None) == (not eligible)
    assert (held_back(shown, usages, 100.0) is None) == bool(eligible)
    if chosen is None:
        return
    assert chosen in eligible
    own = [i for i in eligible if shown[i].number == sticky]
    if own:
        assert chosen == own[0]
        return

    def beats(a, b):
        soft = [usages[i].used_today < shown[i].soft_limit for i in (a, b)]
        if soft[0] != soft[1]:
            return soft[0]
        local = [region is not None and shown[i].region == region for i in (a, b)]
        if local[0] != local[1]:
            return local[0]
        if usages[a].used_today != usages[b].used_today:
            return usages[a].used_today < usages[b].used_today
        return a < b

    assert not any(beats(other, chosen) for other in eligible if other != chosen)


def test_every_limit_holds_a_number_back_by_itself():
    """No limit is forgotten where others are absent: each against each usage at its edge."""
    base = pool(1)[0]
    edges = {
        "hard_limit": (replace(base, hard_limit=3), "used_today", 3),
        "calls_per_hour": (replace(base, calls_per_hour=3), "used_hour", 3),
        "calls_at_once": (replace(base, calls_at_once=3), "at_once", 3),
    }
    for (number, field, limit), step in product(edges.values(), (-1, 0, 1)):
        refused = refusal(number, Usage(**{field: limit + step}), 0.0)
        assert (refused is None) == (step < 0)


WAYS = st.permutations(["a", "b", "c"]).flatmap(
    lambda names: st.integers(1, 3).map(lambda many: names[:many])
)


@given(
    st.lists(st.tuples(SHOWN, USAGES, WAYS), max_size=6),
    st.frozensets(st.sampled_from(["a", "b", "c", "gone"])),
    st.sampled_from(["x", None]),
)
def test_a_contact_goes_round_the_gateways_that_failed_him(found, avoided, region):
    """R3.9 and R5.2: the best that another gateway shows; else the best of all."""
    shown = [replace(one, gateway=ways[0], others=tuple(ways[1:])) for one, _, ways in found]
    usages = [usage for _, usage, _ in found]
    chosen = choose(shown, usages, region=region, sticky=None, now_s=100.0, avoided=avoided)
    free = [
        i
        for i, one in enumerate(shown)
        if refusal(one, usages[i], 100.0) is None and not {one.gateway, *one.others} <= avoided
    ]
    if not free:
        assert chosen == choose(shown, usages, region=region, sticky=None, now_s=100.0)
        assert chosen is None or route(shown[chosen], avoided) == shown[chosen].gateway
        return
    assert chosen in free
    assert route(shown[chosen], avoided) not in avoided
    only = choose(
        [shown[i] for i in free],
        [usages[i] for i in free],
        region=region,
        sticky=None,
        now_s=100.0,
    )
    assert only is not None
    assert free[only] == chosen
