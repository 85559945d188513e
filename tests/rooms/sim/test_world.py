"""The world is a function of its seed, and a wrong file is refused with its place. Without it a
failed run could not be repeated, and a misspelt share would silently change what is rehearsed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.errors import ConfigError
from dialer.sim.behaviour import SHAPES, check_patterns, plan_call, plan_phone
from dialer.sim.world import Callees, Pattern, Phones, World, load_world, world_of
from tests.rooms.sim.conftest import CALM
from tests.rooms.sim.virtual import Laboratory

NUMBERS = st.from_regex(r"7[0-9]{10}", fullmatch=True)


@given(st.integers(0, 2**32), NUMBERS, st.integers(1, 50))
def test_the_nth_call_to_a_number_is_always_the_same(seed: int, number: str, nth: int) -> None:
    world = World(seed=seed)
    assert plan_call(world, number, nth) == plan_call(replace(world, sps=7), number, nth)


@given(st.integers(0, 2**32), NUMBERS)
def test_a_dead_number_stays_dead_and_a_living_one_alive(seed: int, number: str) -> None:
    """The base's cleaning (R5.2) relies on a number being dead, not on one unlucky call."""
    world = World(seed=seed, callees=Callees(invalid=0.5))
    dead = {plan_call(world, number, nth).behaviour == "invalid" for nth in range(1, 8)}
    assert len(dead) == 1


@given(st.integers(0, 2**32), NUMBERS, st.integers(1, 9))
def test_a_person_is_the_same_however_the_gateway_writes_the_number(
    seed: int, number: str, nth: int
) -> None:
    world = World(seed=seed)
    written = (number, f"+{number}", f"8{number[1:]}", f"77#{number}")
    assert len({plan_call(world, one, nth) for one in written}) == 1


@given(NUMBERS, st.sampled_from(sorted(SHAPES)))
def test_a_pattern_forces_the_behaviour_and_its_times(number: str, behaviour: str) -> None:
    forced = Pattern(digits="7.*", behaviour=behaviour, dial_s=0.5, ring_s=2.0, talk_s=9.0)
    plan = plan_call(World(patterns=(forced,)), number, 1)
    shape = SHAPES[behaviour]
    assert plan.behaviour == behaviour
    assert plan.status == shape.status
    assert plan.final_s >= (0.0 if shape.instant else 0.5)
    assert (plan.talk_s == 9.0) == (shape.status == 200)


def test_shares_come_out_as_given() -> None:
    callees = Callees()
    world = World()
    seen = Counter(plan_call(world, f"7916{n:07d}", 1).behaviour for n in range(20_000))
    assert abs(seen["answer"] / 20_000 - callees.answered) < 0.02
    assert abs(seen["machine"] / 20_000 - callees.machine) < 0.01
    assert abs(seen["invalid"] / 20_000 - callees.invalid) < 0.01
    assert abs((seen["no_answer"] + seen["silent"]) / 20_000 - callees.no_answer) < 0.02
    assert 0 < seen["silent"] < seen["no_answer"]


def test_some_who_answer_leave_within_three_seconds() -> None:
    answers = Pattern(digits=".*", behaviour="answer")
    world = World(patterns=(answers,), callees=Callees(impatient_share=0.3))
    patience = [plan_call(world, f"7916{n:07d}", 1).patience_s or 0.0 for n in range(3000)]
    assert abs(sum(one < 3.0 for one in patience) / 3000 - 0.3) < 0.03


@given(st.integers(0, 10_000))
@settings(max_examples=20)
def test_a_phones_loss_is_drawn_by_its_rate(nth: int) -> None:
    _, lost_s = plan_phone(World(phones=Phones(losses_per_hour=1.0)), "1000", nth)
    assert lost_s is not None
    assert lost_s > 0
    assert plan_phone(World(), "1000", nth)[1] is None


def run(seed: int) -> list[tuple[str, str]]:
    world = replace(CALM, seed=seed, patterns=(), time_scale=1.0)
    one = Laboratory(world)
    for number in range(60):
        one.call(f"c{number}", f"7916000{number:04d}")
        one.clock.advance(0.5)
    one.clock.advance(600.0)
    return [(e["Unique-ID"], e["Event-Name"]) for e in one.events if "Unique-ID" in e]


def test_a_whole_run_repeats_by_its_seed() -> None:
    assert run(11) == run(11)
    assert run(11) != run(12)


def test_a_world_is_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(
        "seed: 5\ntime_scale: 0.5\ngateways:\n  a: {up: false}\n  b: {calls_per_s: 3}\n"
        "callees: {answered: 0.5, post_dial_delay_s: [0.1, 0.2]}\nsounds: {m.wav: 6}\n"
        "patterns:\n  - {digits: '7916.*', behaviour: busy, dial_s: 1}\n"
    )
    world = load_world(path)
    assert world.gateways["a"].up is False
    assert world.gateways["b"].calls_per_s == 3.0
    assert world.callees.post_dial_delay_s == (0.1, 0.2)
    assert world.patterns == (Pattern(digits="7916.*", behaviour="busy", dial_s=1.0),)
    assert world.sound_length_s("/srv/m.wav") == 6.0
    assert world.sound_length_s("silence_stream://1800,1400") == 1.8


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("seeed: 5", "seeed", "unknown key"),
        ("callees: {answered: much}", "callees: answered", "must be float"),
        ("callees: {post_dial_delay_s: [2, 1]}", "post_dial_delay_s", "pair"),
        ("gateways: {a: {up: 1}}", "gateways.a: up", "must be bool"),
        ("patterns: [{digits: x}]", "patterns", "lacks behaviour"),
        ("- 1", "world.yaml", "mapping"),
        ("a: [", "world.yaml:1", "is not YAML"),
    ],
)
def test_a_wrong_world_is_refused_with_its_place(
    tmp_path: Path, text: str, place: str, what: str
) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_world(path)
    assert place in str(caught.value)
    assert what in str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_world(tmp_path / "nosuch.yaml")


def test_all_problems_come_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        world_of({"seed": "x", "sps": 1.5, "nonsense": 1})
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(("digits", "behaviour"), [("(", "busy"), (".*", "nosuch")])
def test_a_pattern_that_means_nothing_is_refused(digits: str, behaviour: str) -> None:
    with pytest.raises(ConfigError):
        check_patterns(World(patterns=(Pattern(digits=digits, behaviour=behaviour),)))
