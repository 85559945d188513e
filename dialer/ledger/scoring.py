"""Scores of queue entries: core.base.priority applied to rows, in batches.

A score is stored with the instant of its next change; `refresh` scores anew what has passed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dialer.core.base.priority import SCORE_MAX, score
from dialer.core.model import Campaign, Order, Rule
from dialer.ledger.pool import Pool, Row
from dialer.ledger.statements import statements

SQL = statements("queue")

BATCH = 1_000

FACTS = (
    "status",
    "source",
    "region",
    "segment",
    "tags",
    "last_contact_at",
    "added_at",
    "fields",
)


def is_scored(campaign: Campaign) -> bool:
    return campaign.order is Order.PRIORITY and bool(campaign.rules)


def scores(
    facts: Sequence[Row], rules: Sequence[Rule], now: datetime
) -> tuple[list[int], list[datetime | None]]:
    """Of rows that hold FACTS in that order: the scores, and when each changes next.

    Clamped as `priority.rank` does, so that SQL's order is the hopper's.
    """
    values: list[int] = []
    changes: list[datetime | None] = []
    for row in facts:
        judged = score(dict(zip(FACTS, row, strict=True)), rules, now)
        values.append(max(-SCORE_MAX, min(SCORE_MAX, judged.value)))
        changes.append(judged.next_change_at)
    return values, changes


def refresh(
    pool: Pool, campaign: Campaign, now: datetime, *, batches: int, most: int = BATCH
) -> int:
    """Score anew what is past its instant, in at most so many batches of `most`; how many."""
    done = 0
    rules: Sequence[Rule] = campaign.rules if is_scored(campaign) else ()
    for _ in range(batches):
        with pool.transaction() as connection:
            rows = connection.execute(
                SQL["stale_scores"],
                {"campaign": campaign.name, "at": now, "most": most},
                prepare=True,
            ).fetchall()
            if not rows:
                break
            values, changes = scores([row[1:] for row in rows], rules, now)
            parameters: dict[str, Any] = {
                "campaign": campaign.name,
                "contacts": [row[0] for row in rows],
                "scores": values,
                "next_changes": changes,
            }
            connection.execute(SQL["set_scores"], parameters, prepare=True)
        done += len(rows)
        if len(rows) < most:
            break
    return done
