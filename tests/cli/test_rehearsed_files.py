"""`dialer demo --operators N`, `--campaign FILE`: a person's files, changed in that alone.

Losing these, a rehearsal refuses the very files that the daemon runs by, or rehearses others.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dialer.cli.rehearsed_files import made_active, with_operators
from dialer.settings.loading import load

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {"DIALER_SWITCH_PASSWORD": "not the default", "DIALER_POSTGRESQL_DSN": "dbname=x"}


@pytest.mark.parametrize("name", ["demo.yaml", "dialer.yaml", "dialer.minimal.yaml"])
@pytest.mark.parametrize("wanted", [1, 3, 25])
def test_only_the_operators_are_others(name: str, wanted: int, tmp_path: Path) -> None:
    source = ROOT / "config" / name
    before = load(source, environ=SECRETS, secrets_needed=False).settings
    derived = tmp_path / name
    derived.write_text(with_operators(source, wanted), encoding="utf-8")
    after = load(derived, environ=SECRETS, secrets_needed=False).settings
    assert len(after.operators) == wanted
    kept = list(before.operators.items())[:wanted]
    assert list(after.operators.items())[: len(kept)] == kept
    assert len({one.endpoint for one in after.operators.values()}) == wanted
    first = next(iter(before.operators.values()))
    made_up = list(after.operators.values())[len(kept) :]
    assert all(one.groups == first.groups for one in made_up)
    assert replace(after, operators={}) == replace(before, operators={})


def test_a_configuration_without_operators_gets_some_of_its_first_group(tmp_path: Path) -> None:
    source = tmp_path / "dialer.yaml"
    source.write_text(
        "name: x\nswitch: {domain: pbx.example}\n"
        "pools: {p: {gateways: [g], numbers: ['+74950000101']}}\n"
        "gateways: {g: {calls_per_s: 1, calls_at_once: 1}}\ngroups: {sales: }\noperators:\n",
        encoding="utf-8",
    )
    (tmp_path / "campaigns").mkdir()
    source.write_text(with_operators(source, 2), encoding="utf-8")
    settings = load(source, environ=SECRETS, secrets_needed=False).settings
    assert len(settings.operators) == 2


def test_a_campaign_is_made_active_and_keeps_its_hours_unless_told(tmp_path: Path) -> None:
    source = ROOT / "campaigns" / "site_leads.yaml"
    assert "active: true" in made_active(source, any_hour=False)
    assert "9:00" in made_active(source, any_hour=False)
    assert "9:00" not in made_active(source, any_hour=True)
