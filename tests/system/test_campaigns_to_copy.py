"""The campaigns that people copy, each with its own list, in one rehearsal.

Losing this, the first thing that a new user copies is a file that dials nobody.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from dialer.app import make_ledger
from dialer.cli.demo import HOME, Demo
from dialer.cli.rehearsal import Rehearsal, Rehearsed
from dialer.ports import ImportReport
from dialer.settings.columns import ColumnMapping
from dialer.settings.csv_rows import open_contacts
from dialer.settings.phones import PhoneReader

NAMES = ("bought_list", "site_leads", "reactivation", "missed_calls")
#: Talks of seconds instead of minutes.
TIME_SCALE = 0.1
LONGEST_S = 60.0


class Rehearsing(Demo):
    """Each list from its own file; over when every campaign has dialed somebody."""

    dialed: set[str]

    def _import(self, contacts: Path) -> ImportReport:
        settings = self._rehearsal.loaded.settings
        ledger = make_ledger(settings)
        ledger.open()
        report = ImportReport()
        for campaign in self._rehearsal.loaded.campaigns:
            phones = PhoneReader(
                destinations=settings.destinations, own_numbers=settings.own_numbers
            )
            name = f"{campaign.name}.csv"
            file = open_contacts(contacts / name, ColumnMapping(), phones)
            report = ledger.import_rows(
                campaign.list_name, file.rows(), source=name, now=datetime.now(UTC)
            )
            assert report.rejected == 0, name
            assert report.contacts_added + report.contacts_merged == report.rows, name
        ledger.close()
        self.dialed = set()
        return report

    def _over(self, ends_at: float | None) -> bool:
        for status in self._presence.statuses().values():
            for name, one in status["campaigns"].items():
                if any(one["calls"].values()):
                    self.dialed.add(name)
        asked = {one.name for one in self._rehearsal.loaded.campaigns}
        return self.dialed == asked or super()._over(ends_at)


@pytest.mark.timeout(150)
def test_every_campaign_to_copy_dials_its_list():
    """Inactive files are rehearsed as they are, at whatever hour this test runs."""
    folder = HOME / "campaigns"
    rehearsed = Rehearsed(
        config=HOME / "config" / "demo.yaml",
        campaign_files=tuple(folder / f"{name}.yaml" for name in NAMES),
        operators=None,
        seed=1,
        time_scale=TIME_SCALE,
        world=HOME / "config" / "demo_world.yaml",
        any_hour=True,
    )
    with Rehearsal(rehearsed) as rehearsal:
        demo = Rehearsing(rehearsal, Console(quiet=True), as_json=True)
        summary: dict[str, Any] = demo.run(folder, LONGEST_S)
    assert demo.dialed == set(NAMES)
    assert summary["dialed_twice"] == 0
    assert summary["unresolved"] == 0
    assert summary["held_back"].get("consent_missing"), "sellers deliver rows without a consent"


@pytest.mark.timeout(100)
def test_the_debt_reminder_dials_its_list_under_its_preset():
    """Its hours come from the preset: a rehearsal at night would dial nobody with them."""
    folder = HOME / "campaigns"
    rehearsed = Rehearsed(
        config=HOME / "config" / "demo.yaml",
        campaign_files=(folder / "debt_reminder.yaml",),
        operators=None,
        seed=1,
        time_scale=TIME_SCALE,
        world=HOME / "config" / "demo_world.yaml",
        any_hour=True,
    )
    with Rehearsal(rehearsed) as rehearsal:
        (campaign,) = rehearsal.loaded.campaigns
        assert campaign.caps.per_day == 1
        assert campaign.preset == "ru-debt"
        demo = Rehearsing(rehearsal, Console(quiet=True), as_json=True)
        summary: dict[str, Any] = demo.run(folder, LONGEST_S)
    assert demo.dialed == {"debt_reminder"}
    assert summary["unresolved"] == 0
