"""`dialer gateways`: FreeSWITCH's files say what dialer.yaml says; nobody's file is lost."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dialer.cli.main import cli

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "freeswitch"
REST = """\
name: example
pools:
  cities:
    gateways: [carrier_a, carrier_b]
    numbers: ["+74950000101", "+74950000105..+74950000107"]
    callback_extension: 200
  world: {gateways: [carrier_a], numbers: ["+442079460101"]}
inbound_numbers: ["+78000000101"]
groups: {sales: }
operators: {anna: {extension: 101, endpoint: user/101@pbx.example, groups: [sales]}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "campaigns").mkdir()
    example = (SHIPPED / "gateways.yaml.example").read_text(encoding="utf-8")
    (tmp_path / "dialer.yaml").write_text(example + REST, encoding="utf-8")
    (tmp_path / "conf").mkdir()
    return tmp_path / "dialer.yaml"


def run(config: Path, *words: str) -> Result:
    environment = {"CARRIER_A_PASSWORD": "the carrier's password", "DIALER_NAME": ""}
    return CliRunner().invoke(
        cli, ["gateways", *words, "--config", str(config)], env=environment
    )


def write(config: Path) -> Path:
    folder = config.parent / "conf"
    done = run(config, "write", str(folder))
    assert done.exit_code == 0, done.output
    return folder


@pytest.mark.parametrize("name", ["carrier_a", "carrier_b"])
def test_the_shipped_examples_are_what_is_written(config: Path, name: str) -> None:
    """An engineer who copies them by hand gets what the command would write."""
    made = (write(config) / "sip_profiles" / "external" / f"{name}.xml").read_text()
    example = SHIPPED / "sip_profiles" / "external" / f"{name}.xml.example"
    assert made == example.read_text(encoding="utf-8")


def test_a_dead_gateway_would_be_noticed_and_the_number_is_in_from(config: Path) -> None:
    """ping-min 0 leaves it UP for ever (proofs 5)."""
    tree = ET.parse(write(config) / "sip_profiles" / "external" / "carrier_a.xml")
    told = {one.get("name"): one.get("value") for one in tree.iter("param")}
    assert told["ping-min"] == told["ping-max"] == "1"
    assert told["caller-id-in-from"] == "true"
    assert (told["register"], told["password"]) == ("true", "the carrier's password")


@pytest.mark.parametrize(
    ("called", "pool"),
    [
        ("+74950000101", "cities"),
        ("74950000106", "cities"),
        ("84950000107", "cities"),
        ("4950000105", "cities"),
        ("0074950000101", "cities"),
        ("+442079460101", "world"),
        ("442079460101", "world"),
        ("78000000101", "inbound_numbers"),
        ("84950000108", None),
        ("14950000101", None),
        ("+7495000010", None),
        ("84950000101;x", None),
    ],
)
def test_who_calls_back_is_understood_however_the_carrier_writes_us(
    config: Path, called: str, pool: str | None
) -> None:
    found = {}
    for path in (write(config) / "dialplan" / "public").glob("*.xml"):
        for condition in ET.parse(path).iter("condition"):
            if re.search(str(condition.get("expression")), called):
                found[path.stem.removeprefix("pool_")] = [
                    action.get("data") for action in condition.iter("action")
                ]
    assert list(found) == ([pool] if pool else [])
    if pool == "cities":
        assert "dialer_extension=200" in found[pool]


def test_what_is_no_more_goes_and_what_is_anothers_stays(config: Path) -> None:
    folder = write(config)
    own = folder / "sip_profiles" / "external" / "by_hand.xml"
    own.write_text("<include/>\n")
    text = config.read_text().replace("carrier_b", "carrier_c")
    config.write_text(text)
    done = run(config, "write", str(folder))
    assert "removed" in done.output
    names = sorted(path.name for path in own.parent.iterdir())
    assert names == ["by_hand.xml", "carrier_a.xml", "carrier_c.xml"]
    assert "written" not in run(config, "write", str(folder)).output  # nothing has changed
    config.write_text(text.replace("carrier_c", "by_hand"))
    refused = run(config, "write", str(folder))
    assert refused.exit_code == 2
    assert "was not written by" in refused.output
    assert own.read_text() == "<include/>\n"


def test_a_password_is_shown_to_nobody_who_did_not_ask(config: Path) -> None:
    assert "password" in run(config, "show").output
    assert "the carrier" not in run(config, "show", "carrier_a").output
    assert "the carrier&#39;s password" in run(config, "show", "--passwords").output


def test_written_files_are_not_for_everybody(config: Path) -> None:
    for path in write(config).rglob("*.xml"):
        assert path.stat().st_mode & 0o007 == 0


def test_the_switch_may_read_what_root_has_written(config: Path) -> None:
    """Else it starts without a single gateway, and says so in its log only."""
    folder = config.parent / "conf"
    others = {1} if os.geteuid() == 0 else set(os.getgroups()) - {folder.stat().st_gid}
    if not others:
        pytest.skip("this user is in one group only: no other can be given the folder")
    group = others.pop()
    os.chown(folder, -1, group)
    written = [path for path in write(config).rglob("*.xml") if path.is_file()]
    assert written
    for path in written:
        assert (path.stat().st_gid, path.stat().st_mode & 0o777) == (group, 0o640)
        assert path.parent.stat().st_gid == group
