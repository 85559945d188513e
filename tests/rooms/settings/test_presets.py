"""A country's figures: lost or loosened without a word, each call may be a fine."""

from __future__ import annotations

from datetime import time

import pytest

from dialer.core.model import Caps, Window
from dialer.settings.presets import names, preset
from tests.rooms.settings.written import CAMPAIGN, DAEMON, read, told

DEBT = CAMPAIGN + "preset: ru-debt\n"


@pytest.mark.parametrize("name", names())
def test_each_preset_is_dated_and_names_the_source_of_each_figure(name: str) -> None:
    law = preset(name)
    assert law.as_of == "2026-11-24"
    assert set(law.values) <= set(law.sources)
    assert not set(law.must_state) & set(law.values), "stated and not known at once"


def test_the_presets_are_those_of_the_issue() -> None:
    assert names() == ["de", "fr", "ru", "ru-debt", "uk", "us-debt", "us-tcpa"]


def test_debt_in_russia_is_1_2_8_within_8_to_22_and_9_to_20(tmp_path) -> None:
    (campaign,) = read(tmp_path, spring=DEBT).campaigns
    assert campaign.caps == Caps(per_day=1, per_week=2, per_month=8)
    assert campaign.windows == (
        Window(frozenset(range(5)), time(8), time(22)),
        Window(frozenset({5, 6}), time(9), time(20)),
    )
    assert (campaign.preset, campaign.holidays) == ("ru-debt", "RU")


def test_stricter_is_always_allowed(tmp_path) -> None:
    text = DEBT + "caps: {per_month: 4}\nwindows: [{days: mon-fri, open: 9:00, close: 18:00}]\n"
    (campaign,) = read(tmp_path, spring=text).campaigns
    assert campaign.caps == Caps(per_day=1, per_week=2, per_month=4)


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("caps.per_day", "caps: {per_day: 2}"),
        ("windows", "windows: [{days: daily, open: 8:00, close: 21:00}]"),
        ("holidays", "holidays: DE"),
    ],
)
def test_laxer_needs_a_word_that_is_kept(tmp_path, key: str, line: str) -> None:
    (sentence,) = told(tmp_path, spring=f"{DEBT}{line}\n")
    assert key in sentence
    assert "230-FZ" in sentence
    word = f'laxer: {{{key}: "counsel, letter 7"}}\n'
    (campaign,) = read(tmp_path, spring=f"{DEBT}{line}\n{word}").campaigns
    assert campaign.laxer == {key: "counsel, letter 7"}


def test_a_word_for_what_is_not_laxer_is_a_mistake(tmp_path) -> None:
    (sentence,) = told(tmp_path, spring=f'{DEBT}laxer: {{windows: "old word"}}\n')
    assert "windows is not laxer than ru-debt" in sentence


def test_what_the_law_does_not_say_must_be_stated(tmp_path) -> None:
    """A figure that nobody knows is not invented."""
    sentences = told(tmp_path, spring=CAMPAIGN + "preset: ru\n")
    assert any("38-FZ names no hours" in one for one in sentences)
    hours = "windows: [{days: daily, open: 9:00, close: 21:00}]\n"
    assert told(tmp_path, spring=CAMPAIGN + "preset: ru\n" + hours) == []


def test_advertising_without_an_operator_is_refused_with_the_reference(tmp_path) -> None:
    hours = "windows: [{days: daily, open: 9:00, close: 21:00}]\n"
    sentences = told(tmp_path, spring=f"{CAMPAIGN}preset: ru\nmode: automatic\n{hours}")
    assert any("38-FZ art. 18(2)" in one for one in sentences)


def test_an_unknown_preset_has_the_nearest_name(tmp_path) -> None:
    sentences = told(tmp_path, spring=CAMPAIGN + "preset: ru-dept\n")
    assert any("ru-debt" in one for one in sentences)


HOME = """\
responsible: {name: Example Ltd, contact: privacy@example.com}
personal_data:
  collected_in: [RU]
  kept_in: {postgresql: RU, redis: RU, recordings: RU, backups: RU}
"""


def test_a_store_abroad_for_data_collected_in_russia_is_refused(tmp_path) -> None:
    """R6.12: the fine is for the store, whatever is dialed."""
    assert told(tmp_path, DAEMON + HOME, spring=CAMPAIGN) == []
    (sentence,) = told(tmp_path, DAEMON + HOME.replace("backups: RU", "backups: DE"))
    assert "backups: is in DE: 152-FZ" in sentence
    (sentence,) = told(tmp_path, DAEMON + HOME.replace(", backups: RU", ""))
    assert "backups is not named" in sentence
    nobody = HOME.split("\n", 1)[1]
    (sentence,) = told(tmp_path, DAEMON + nobody)
    assert "responsible is missing" in sentence
