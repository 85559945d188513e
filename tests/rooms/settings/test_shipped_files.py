"""If these fail, a file that the repository ships does not load, or documents what is not."""

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from dialer.ports import ImportRow, RejectedRow
from dialer.settings.campaign_model import CampaignModel
from dialer.settings.columns import ColumnMapping, load_mapping
from dialer.settings.csv_rows import open_contacts
from dialer.settings.daemon_model import DaemonModel
from dialer.settings.description import SCHEMAS, describe, json_schema
from dialer.settings.examples import EXAMPLES, pieces
from dialer.settings.loading import load
from dialer.settings.phones import PhoneReader
from dialer.settings.tags import load_tags

ROOT = Path(__file__).parents[3]
# demo_world.yaml is the simulated switch's, not a daemon's.
DAEMONS = sorted(set((ROOT / "config").glob("d*.yaml")) - {ROOT / "config" / "demo_world.yaml"})
CAMPAIGNS = sorted((ROOT / "campaigns").glob("*.yaml"))


def loaded(path, **keywords):
    return load(path, environ={}, secrets_needed=False, **keywords)


@pytest.mark.parametrize("path", DAEMONS, ids=lambda path: path.name)
def test_every_configuration_loads(path):
    assert loaded(path).campaigns


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.name)
@pytest.mark.parametrize("daemon", DAEMONS, ids=lambda path: path.name)
def test_every_campaign_loads_with_every_configuration(daemon, path):
    assert len(loaded(daemon, campaign_files=[path]).campaigns) == 1


def test_the_daemon_does_not_carry_the_imports_data():
    """phonenumbers' tables and the holidays of all countries cost memory in every daemon."""
    code = (
        "import sys, pathlib; from dialer.settings.loading import load;"
        "load(pathlib.Path('config/demo.yaml'), environ={}, secrets_needed=False);"
        "print([m for m in ('phonenumbers', 'holidays') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True
    )
    assert ran.stdout == b"[]\n"


def test_the_least_configuration_is_short():
    lines = (ROOT / "config" / "dialer.minimal.yaml").read_text().splitlines()
    assert len(lines) <= 25


def test_the_full_configuration_shows_every_section():
    """A key that the example does not show is a key that nobody finds."""
    text = (ROOT / "config" / "dialer.yaml").read_text()
    missing = [
        name for name in DaemonModel.model_fields if f"\n{name}:" not in text.replace("# ", "")
    ]
    assert missing == []


def test_the_demo_may_dial_at_any_hour():
    """`make demo` at night must show a campaign being dialed."""
    demo = loaded(ROOT / "config" / "demo.yaml")
    (campaign,) = demo.campaigns
    assert campaign.windows == () and campaign.holidays is None
    assert campaign.consent_required and campaign.active
    assert campaign.default_zone is not None
    assert len(demo.settings.operators) == 10
    assert len(demo.settings.groups) == 2 and len(demo.settings.gateways) == 2
    assert all(len(o.groups) >= 1 for o in demo.settings.operators.values())
    assert len(demo.settings.pools["cities"]) == 10
    assert len({number.region for number in demo.settings.pools["cities"]}) == 10


def test_the_other_campaign_to_copy_is_not_active():
    """Nobody may be called because a file was there."""
    for path in CAMPAIGNS:
        (campaign,) = loaded(ROOT / "config" / "demo.yaml", campaign_files=[path]).campaigns
        assert campaign.active == (path.name == "demo.yaml")


def demo_rows():
    settings = loaded(ROOT / "config" / "demo.yaml").settings
    phones = PhoneReader(destinations=settings.destinations, own_numbers=settings.own_numbers)
    file = open_contacts(ROOT / "campaigns" / "demo.csv", ColumnMapping(), phones)
    return list(file.rows()), file


def test_the_demo_has_two_thousand_contacts_and_a_dirty_tail():
    rows, file = demo_rows()
    good = [row for row in rows if isinstance(row, ImportRow)]
    bad = [row for row in rows if isinstance(row, RejectedRow)]
    cards = {(row.phones[0].digits, row.name) for row in good}
    assert (len(good), len(cards), len(bad)) == (2015, 2000, 21)
    assert len({row.phones[0].digits for row in good}) == 2000
    assert len({row.reason for row in bad}) >= 13
    assert file.plan.ignored == () and file.position_bytes == file.size_bytes
    consented = sum(row.consent is not None for row in good) / len(good)
    assert 0.9 < consented < 0.98
    assert {row.consent.purpose for row in good if row.consent} == {"marketing"}


def test_the_demo_calls_nobody_real():
    """No subscriber's number begins with 000."""
    rows, _ = demo_rows()
    for row in rows:
        if isinstance(row, ImportRow):
            assert all(phone.digits[5:8] == "000" for phone in row.phones)
    for number in loaded(ROOT / "config" / "demo.yaml").settings.own_numbers:
        assert number[5:8] == "000"


def test_the_demo_contacts_are_what_their_script_writes(tmp_path):
    """A changed file without its seed could not be made again."""
    code = (
        "import sys; sys.path.insert(0, 'tools'); import make_demo_contacts as m;"
        " sys.stdout.reconfigure(encoding='utf-8'); sys.stdout.write(m.demo_csv())"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True
    ).stdout
    assert made == (ROOT / "campaigns" / "demo.csv").read_bytes()


def test_the_rules_of_the_demo_meet_fields_that_its_contacts_have():
    rows, _ = demo_rows()
    assert any("last_order" in row.fields for row in rows if isinstance(row, ImportRow))
    assert any(row.source == "Сайт-визитка" for row in rows if isinstance(row, ImportRow))


@pytest.mark.parametrize("path", sorted((ROOT / "config" / "mappings").glob("*.yaml")))
def test_every_saved_mapping_loads(path):
    assert "phone" in load_mapping(path).columns.values()


def test_the_tags_hold_the_starter_set():
    tags, problems = load_tags(ROOT / "config" / "tags.yaml")
    assert problems == []
    for tag in (
        "Тариф_Базовый", "Услуга_доставки", "Дорого", "Нет_потребности", "Выбрал_конкурента",
        "Отправить_каталог", "Назначить_демо", "Клиент_с_сайта", "Участник_вебинара",
        "Холодный_контакт",
    ):  # fmt: skip
        assert tag in tags
    assert "Придумал_сам" not in tags
    assert set(tags.categories) == {
        "product", "topic", "refusal_reason", "action", "segment",
    }  # fmt: skip


def test_a_tag_given_twice_is_told(tmp_path):
    path = tmp_path / "tags.yaml"
    path.write_text("categories:\n  a: [x, y]\n  b: [y, 'two words']\n")
    assert [p.what for p in load_tags(path)[1]] == ["categories.b.1: a tag is one word"]
    path.write_text("categories:\n  a: [x, y]\n  b: [y]\n")
    assert [p.what for p in load_tags(path)[1]] == ["categories.b.0: stands in a already"]


def test_the_documentation_is_what_the_models_say():
    """Run: python -m dialer.settings.description docs/campaigns.md"""
    assert (ROOT / "docs" / "campaigns.md").read_text(encoding="utf-8") == describe()


def test_the_lists_beside_the_campaigns_are_made_as_said():
    """Run: tools/make_example_contacts.py"""
    made = runpy.run_path(str(ROOT / "tools" / "make_example_contacts.py"))["documents"]()
    for name, text in made.items():
        assert (ROOT / "campaigns" / name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("path", [*CAMPAIGNS, *DAEMONS], ids=lambda path: path.name)
def test_an_editor_finds_the_schema_that_a_shipped_file_names(path):
    first = path.read_text(encoding="utf-8").split("\n")[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("=")[2]).is_file()


def test_every_key_of_a_campaign_has_an_example():
    """A table says what may stand there; people copy what does."""
    keys = [field.alias or name for name, field in CampaignModel.model_fields.items()]
    assert [key for key in keys if not pieces(key)] == []
    assert set(EXAMPLES) <= set(keys)


@pytest.mark.parametrize(
    ("key", "piece"),
    [(key, piece) for key in EXAMPLES for piece in pieces(key)],
    ids=lambda text: text.split()[0] if ":" in text else text,
)
def test_every_example_may_be_copied_as_it_stands(key, piece, tmp_path):
    needed = {"list": "people", "group": "sales", "pool": "cities", "purpose": "marketing"}
    rest = "".join(f"{name}: {value}\n" for name, value in needed.items() if name != key)
    campaign = tmp_path / "copied.yaml"
    campaign.write_text(f"{rest}{piece}\n", encoding="utf-8")
    daemon = tmp_path / "dialer.yaml"
    shipped = (ROOT / "config" / "dialer.yaml").read_text(encoding="utf-8")
    folder = f"recordings: {{folder: {tmp_path}}}\n"
    daemon.write_text(f"{shipped}\n{folder}", encoding="utf-8")
    shutil.copy(ROOT / "config" / "tags.yaml", tmp_path)
    [found] = loaded(daemon, campaign_files=[campaign]).campaigns
    assert found


def test_the_documentation_names_every_key_of_a_campaign():
    text = describe()
    for name, field in CampaignModel.model_fields.items():
        assert f"| `{field.alias or name}` |" in text
        assert field.description


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_the_schema_for_editors_allows_the_shipped_files_keys(name):
    """An editor that marks a good key as wrong teaches people to ignore it."""
    schema = json_schema(name)
    json.dumps(schema)
    shipped = {
        "dialer": DAEMONS,
        "campaign": CAMPAIGNS,
        "mapping": sorted((ROOT / "config" / "mappings").glob("*.yaml")),
    }[name]
    assert schema["additionalProperties"] is False
    for path in shipped:
        assert set(yaml.safe_load(path.read_text(encoding="utf-8"))) <= set(
            schema["properties"]
        )
