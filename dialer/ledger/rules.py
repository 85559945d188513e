"""A campaign's rules as the statements take them: one JSON object, type permission_rules."""

from __future__ import annotations

import math

from dialer.core.model import Campaign
from dialer.ledger import stored


def needs_consent(campaign: Campaign) -> bool:
    """Without a consent only a named legal ground dials (R6.1)."""
    return campaign.consent_required or not campaign.consent_ground


def to_json(campaign: Campaign) -> str:
    """The text for `jsonb_populate_record(NULL::permission_rules, ...)`."""
    caps = campaign.caps
    return stored.to_json(
        {
            "campaign": campaign.name,
            "purpose": campaign.purpose,
            "consent_required": needs_consent(campaign),
            "per_day": caps.per_day,
            "per_week": caps.per_week,
            "per_month": caps.per_month,
            "talks_per_day": caps.talks_per_day,
            "talks_per_week": caps.talks_per_week,
            "talks_per_month": caps.talks_per_month,
            "uncharged_per_day": campaign.rounds.uncharged_per_day,
            "default_zone": campaign.default_zone,
            "lookback_h": lookback_h(campaign),
            "min_gap_s": caps.min_gap_s,
            "rolling": [[one.what, one.most, one.hours] for one in caps.rolling] or None,
            "rests": {ending.value: rest for ending, rest in caps.rest_s.items()} or None,
        }
    )


def lookback_h(campaign: Campaign) -> int:
    """Hours of earlier attempts that some limit looks at; a call lasts some hours itself."""
    caps = campaign.caps
    pauses_s = max((caps.min_gap_s, *caps.rest_s.values()))
    return max(720, *(one.hours for one in caps.rolling), math.ceil(pauses_s / 3600) + 25)
