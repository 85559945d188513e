"""Random campaigns, written as YAML says them and read as the daemon reads them."""

from __future__ import annotations

import random
from typing import Any

import yaml

from dialer.core.model import Campaign
from dialer.settings.campaign_model import CampaignModel
from dialer.settings.campaigns import campaign_of
from dialer.settings.presets import laid_under
from dialer.settings.tree import parse
from dialer.settings.validate import validate
from tests.contract.ledger.law.rules import DAYS

PRESETS = ("ru", "ru-debt", "us-tcpa", "us-debt", "uk", "fr", "de")
PURPOSES = ("sales", "sales", "sales", "surveys")


def random_windows(rng: random.Random) -> list[dict[str, Any]]:
    """One or two windows on quarters."""
    found = []
    for _ in range(rng.choice((1, 1, 2))):
        opens = rng.randrange(0, 60)
        closes = rng.randrange(opens + 24, 96)
        first = rng.randrange(7)
        found.append(
            {
                "days": rng.choice(("daily", "daily", "mon-fri", [DAYS[first], "sat", "sun"])),
                "open": f"{opens // 4}:{opens % 4 * 15:02}",
                "close": f"{closes // 4}:{closes % 4 * 15:02}",
            }
        )
    return found


def random_caps(rng: random.Random) -> dict[str, Any]:
    caps: dict[str, Any] = {
        "per_day": rng.choice((1, 2, 3, 4)),
        "per_week": rng.choice((2, 4, 7, 12)),
        "per_month": rng.choice((3, 8, 20, 60)),
        "talks_per_day": rng.choice((1, 1, 2, 5)),
    }
    if rng.random() < 0.3:
        caps["talks_per_week"] = rng.choice((1, 2, 4))
    if rng.random() < 0.3:
        caps["talks_per_month"] = rng.choice((2, 5))
    if rng.random() < 0.3:
        caps["min_gap"] = rng.choice(("15m", "3h", "2d"))
    if rng.random() < 0.4:
        caps["rolling"] = [
            {
                "count": rng.choice(("tries", "talks")),
                "most": rng.choice((1, 2, 3)),
                "within": rng.choice(("4h", "24h", "7d", "40d")),
            }
            for _ in range(rng.choice((1, 2)))
        ]
    if rng.random() < 0.4:
        caps["rest_after"] = {"abandoned": "72h", "rejected": rng.choice(("5d", "60d"))}
    return caps


def random_file(rng: random.Random, nth: int) -> dict[str, Any]:
    """A campaign as its YAML says it; a third of them by a country's preset."""
    file: dict[str, Any] = {
        "list": "people",
        "group": "sales",
        "pool": "moscow",
        "gateways": ["alpha"],
        "purpose": rng.choice(PURPOSES),
        "rounds": {"uncharged_per_day": rng.choice((1, 2, 10))},
    }
    file |= _of_a_country(rng) if rng.random() < 0.4 else _of_its_own(rng)
    if rng.random() < 0.4:
        file["segment_windows"] = {"old": random_windows(rng)}
    if rng.random() < 0.7:
        file["default_zone"] = rng.choice(("Europe/Moscow", "Asia/Tokyo", "Atlantic/Azores"))
    if rng.random() < 0.25:
        file["budget"] = {"calls": rng.choice((5, 20, 60))}
    elif rng.random() < 0.2:
        file["budget"] = {"money": rng.choice((1.0, 9.25))}
    return file


def _of_a_country(rng: random.Random) -> dict[str, Any]:
    """A preset, with what it does not know."""
    said: dict[str, Any] = {"preset": rng.choice(PRESETS)}
    if said["preset"] in ("ru", "uk", "de"):
        said["windows"] = random_windows(rng)
    if said["preset"] in ("de", "us-tcpa"):
        said["caps"] = random_caps(rng)
    return said


def _of_its_own(rng: random.Random) -> dict[str, Any]:
    said: dict[str, Any] = {"caps": random_caps(rng)}
    if rng.random() < 0.8:
        said["windows"] = random_windows(rng)
    if rng.random() < 0.3:
        said["holidays"] = "RU"
    if rng.random() < 0.3:
        said["consent"] = {"off": True, "ground": "a running contract"}
    return said


def campaign_from(name: str, file: dict[str, Any]) -> Campaign:
    """As the daemon reads it."""
    tree, _ = laid_under(parse(yaml.safe_dump(file), f"{name}.yaml"))
    model, problems = validate(CampaignModel, tree)
    assert model is not None, problems
    return campaign_of(model, name=name, gateways=[], revision=name)
