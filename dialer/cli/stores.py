"""What the verbs share that ask the stores and never the switch: import, lead, plan, report.

They work where the switch's password is not known: only the stores' addresses are needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from dialer.app import open_ledger
from dialer.cli.quiet import quiet
from dialer.core.model import Campaign
from dialer.errors import ConfigError, Problem
from dialer.ledger.store import PostgresLedger
from dialer.settings.daemon import Settings
from dialer.settings.loading import Loaded, load
from dialer.settings.wording import did_you_mean, quoted

#: Of a campaign that does not say in which zone its people are by default.
HOME_ZONE = "Europe/Moscow"


def load_for_stores(config: Path) -> Loaded:
    """Raises ConfigError; an address that is not given is never guessed at."""
    quiet()
    loaded = load(config, secrets_needed=False)
    settings = loaded.settings
    if settings.postgresql_dsn and settings.redis_url:
        return loaded
    return load(config)  # says which secret is missing, and where it was looked for


@contextmanager
def ledger_of(settings: Settings) -> Iterator[PostgresLedger]:
    """Opened, and closed at the end. Raises StoreError with what to do."""
    ledger = open_ledger(settings)
    try:
        yield ledger
    finally:
        ledger.close()


def campaign_named(loaded: Loaded, name: str) -> Campaign:
    """Raises ConfigError that names the nearest one."""
    for campaign in loaded.campaigns:
        if campaign.name == name:
            return campaign
    known = did_you_mean(name, (one.name for one in loaded.campaigns))
    raise ConfigError(
        [Problem(place="campaign", what=f"there is no campaign {quoted(name)}", remedy=known)]
    )


def keep_up(ledger: PostgresLedger, campaign: Campaign, now: datetime) -> None:
    """The ledger shall know the campaign as its file says, like at the daemon's start."""
    if ledger.reports.revision(campaign.name) != campaign.revision:
        ledger.save_campaigns((campaign,), now)


def zone_of(campaign: Campaign) -> str:
    """In which times are shown."""
    return campaign.default_zone or HOME_ZONE
