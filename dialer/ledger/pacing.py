"""What pacing keeps in the base: the cap's counts by window, slices of its budget, estimates.

The counts are written where results are (endings.sql), in the same transaction; here they are
read. A slice is taken under a lock of the campaign: what all daemons hold together is never
more than the window's budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from dialer.core.model import CampaignName, ContactId, InstanceName
from dialer.ledger import stored
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ports import SliceAnswer, SliceRequest, WindowCounts

SQL = statements("pacing")


def counts(
    connection: Connection, campaign: CampaignName, since: datetime, until: datetime
) -> WindowCounts:
    row = connection.execute(
        SQL["window_counts"], {"campaign": campaign, "since": since, "until": until}
    ).fetchone()
    if row is None:
        return WindowCounts()
    answered, connected, abandoned, early, machines = (int(value) for value in row[:5])
    return WindowCounts(answered, connected, abandoned, early, machines, row[5])


def take_slice(pool: Pool, asked: SliceRequest) -> SliceAnswer:
    """Count, reckon and take in one transaction, one daemon after the other."""
    with pool.transaction() as connection:
        connection.execute(SQL["lock_budget"], {"campaign": asked.campaign})
        found = counts(connection, asked.campaign, asked.since, asked.until)
        row = connection.execute(
            SQL["others_slices"],
            {"campaign": asked.campaign, "instance": asked.instance, "at": asked.now},
        ).fetchone()
        held, others = (float(row[0]), int(row[1])) if row else (0.0, 0)
        whole = asked.budget(found)
        # Alone: all of it; beside others that dial: an even part of what they have left over.
        part = min(whole - held, whole / (others + 1)) if asked.wants else 0.0
        drops = max(0.0, part)
        connection.execute(
            SQL["take_slice"],
            {
                "campaign": asked.campaign,
                "instance": asked.instance,
                "drops": drops,
                "wants": asked.wants,
                "until": asked.now + timedelta(seconds=asked.lease_s),
            },
        )
    return SliceAnswer(counts=found, drops=drops, whole=whole, others=others)


def return_slices(pool: Pool, instance: InstanceName) -> None:
    with pool.transaction() as connection:
        connection.execute(SQL["return_slices"], {"instance": instance})


def save_estimates(
    pool: Pool, instance: InstanceName, learned: Mapping[CampaignName, Any], now: datetime
) -> None:
    with pool.transaction() as connection:
        for campaign in sorted(learned):
            connection.execute(
                SQL["save_estimates"],
                {
                    "campaign": campaign,
                    "instance": instance,
                    "at": now,
                    "estimates": stored.to_json(learned[campaign]),
                },
            )


def load_estimates(
    connection: Connection, campaign: CampaignName, instance: InstanceName
) -> tuple[datetime, Any] | None:
    row = connection.execute(
        SQL["load_estimates"], {"campaign": campaign, "instance": instance}
    ).fetchone()
    return (row[0], row[1]) if row else None


def answers_at_hour(
    connection: Connection, campaign: CampaignName, since: datetime, hour: int, zone: str
) -> tuple[int, int]:
    row = connection.execute(
        SQL["answers_at_hour"],
        {"campaign": campaign, "since": since, "hour": hour, "zone": zone},
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def cancelled_since(
    connection: Connection, contacts: Sequence[ContactId], since: datetime
) -> frozenset[ContactId]:
    rows = connection.execute(
        SQL["cancelled_since"], {"contacts": list(contacts), "since": since}
    ).fetchall()
    return frozenset(ContactId(row[0]) for row in rows)
