"""What a person writes: assumptions and scenario files, refused in plain words."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.errors import ConfigError
from dialer.forecast.assumptions import KEYS, Source, defaults, said, stated, support
from dialer.forecast.families import family_of
from dialer.forecast.scenario_file import KEYS as SCENARIO_KEYS
from dialer.forecast.scenario_file import load_scenario

DOCS = Path(__file__).resolve().parents[3] / "docs" / "forecast.md"


def problems(*texts: str) -> str:
    with pytest.raises(ConfigError) as caught:
        stated(texts)
    return str(caught.value)


def test_assumptions_are_taken_at_their_word() -> None:
    found = stated(["answer_rate=30%", "talk_s=1m 30s", "contacts=20000"])
    assert found["answer_rate"].value == pytest.approx(0.3)
    assert found["talk_s"].value == 90.0
    assert said(found["contacts"]) == "20 000"
    assert support(found["talk_s"]) == "stated, taken at its word"


def test_every_wrong_assumption_is_said_at_once() -> None:
    """One run, all mistakes; 0.3 and 30 mean the same to two people."""
    text = problems("answer_rate=0.3", "tempo=3", "talk_s=soon", "contacts", "ring_s=500")
    assert "did you mean 30 %?" in text
    assert "'tempo' is no assumption" in text
    assert "is not a duration" in text
    assert "'contacts' names no value" in text
    assert "must be between 0.5 and 60 seconds" in text


def test_a_default_says_that_nothing_supports_it() -> None:
    assert all(one.source is Source.DEFAULT for one in defaults().values())
    assert support(defaults()["talk_s"]) == "a default, nothing supports it"


@pytest.mark.parametrize(
    "text", ["drift:0", "drift:many", "nothing:5", "drift:5:0.3", "steady:1:2"]
)
def test_what_is_no_family_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(ConfigError, match="regime"):
        family_of(text)


def test_a_scenario_file_says_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "evening.yaml"
    path.write_text(
        "operators: 6\nhours: 1\nanswer_rate: [[0h, 20 %], [30m, 50 %]]\n"
        "talk_s: {mean: 70, variation: 0.8}\nshocks: [[10m, 5m, operators, 50 %]]\n"
    )
    scenario = load_scenario(path, 1)
    assert scenario.staff.operators == 6
    assert scenario.people.chance(0.0, 0) == pytest.approx(0.2)
    assert scenario.people.chance(2000.0, 0) == pytest.approx(0.5)
    assert scenario.people.talk.mean == pytest.approx(70.0)
    assert [one.operator for one in scenario.staff.roster if one.what == "out"] == [3, 4, 5]


def test_every_problem_of_a_scenario_is_said_with_its_key(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("operaters: 5\nanswer_rate: 0.3\nbreaks: lunch\nring_timeout_s: 5\n")
    with pytest.raises(ConfigError) as caught:
        load_scenario(path, 1)
    text = str(caught.value)
    for key in ("operaters", "answer_rate", "breaks", "ring_timeout_s"):
        assert f"{path}: {key}" in text
    assert "did you mean 30 %?" in text


@pytest.mark.parametrize("text", ["", "- 1", "{", "just words"])
def test_what_is_no_scenario_at_all_is_one_clear_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        load_scenario(path, 1)


def test_the_document_knows_every_key() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for key in (*KEYS, *SCENARIO_KEYS):
        assert f"`{key}`" in text, key
