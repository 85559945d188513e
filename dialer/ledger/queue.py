"""Who is due: the head of a campaign's queue in its order, with reasons and history.

Reads do not take anything off: an entry leaves the head when its intent is committed or when it
is postponed. Held entries are answered, too (never more than `limit` in all), so that the
feeder can postpone them and see what stands behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from dialer.core.base.priority import rank
from dialer.core.model import (
    Campaign,
    CampaignName,
    ContactId,
    Entry,
    History,
    NumberId,
    PhoneId,
)
from dialer.core.permission.reasons import Reason
from dialer.ledger import rules, scoring, stored
from dialer.ledger.pool import Pool, Row
from dialer.ledger.statements import statements
from dialer.ports import Due

SQL = statements("queue")

#: Scores counted anew by one `due`; where more have passed their instant, `rescore` follows.
RESCORED = 100
#: Batches of scores that one `rescore` does.
RESCORE_BATCHES = 3

#: When a reason without a known end is looked at again.
_AGAIN = {Reason.ALREADY_BEING_CALLED.value: timedelta(minutes=1)}
_AGAIN_LATER = timedelta(days=1)


def due(pool: Pool, campaign: Campaign, now: datetime, limit: int) -> list[Due]:
    """The head of the queue; `held_until` is given with every `held`.

    A million that wake at one instant, or whose scores change at one, take their turns: a call
    wakes no more than it may answer, in the queue's order.
    """
    scoring.refresh(pool, campaign, now, batches=1, most=RESCORED)
    with pool.connection() as connection:
        connection.execute(
            SQL["wake"], {"campaign": campaign.name, "at": now, "most": limit}, prepare=True
        )
        rows = connection.execute(
            SQL["due"],
            {
                "campaign": campaign.name,
                "rules": rules.to_json(campaign),
                "sticky": campaign.sticky,
                "at": now,
                "most": limit,
            },
            prepare=True,
        ).fetchall()
    return [_due(row, campaign.name, now) for row in rows]


def rescore(pool: Pool, campaign: Campaign, now: datetime) -> int:
    """A part of the scores that have passed their instant; how many."""
    return scoring.refresh(pool, campaign, now, batches=RESCORE_BATCHES)


def _due(row: Row, campaign: CampaignName, now: datetime) -> Due:
    contact, phone, tier, score, position, rounds_failed, windows, own_region = row[:8]
    zones, region, reason, until = row[8:12]
    source = stored.TIERS[tier]
    if reason is not None and until is None:
        until = now + _AGAIN.get(reason, _AGAIN_LATER)
    return Due(
        entry=Entry(
            campaign=campaign,
            contact_id=ContactId(contact),
            phone_id=PhoneId(phone),
            rank=rank(source, score, position),
            position=position,
            source=source,
            region=region or own_region,
            zones=tuple(zones),
            sticky_number=None if row[22] is None else NumberId(row[22]),
            history=_history(row, rounds_failed),
        ),
        held=reason,
        held_until=until,
        windows=stored.windows_from_json(windows),
        segment=row[24],
    )


_NOTHING_YET = History()


def _history(row: Row, rounds_failed: int) -> History:
    if not rounds_failed and not any(row[12:22]):
        return _NOTHING_YET
    today, week, month, talks, uncharged, last_on, dead, days, gateways, silent = row[12:22]
    return History(
        tries_today=today,
        tries_week=week,
        tries_month=month,
        talks_today=talks,
        uncharged_today=uncharged,
        rounds_failed=rounds_failed,
        last_try_on=last_on,
        dead_attempts=dead,
        dead_days=frozenset(days),
        dead_gateways=frozenset(gateways),
        unavailable_attempts=silent,
        failed_gateways=frozenset(row[23] or ()),
    )


def postpone(
    pool: Pool, campaign: CampaignName, until: Sequence[tuple[ContactId, str, datetime]]
) -> None:
    if not until:
        return
    ordered = sorted(until)
    with pool.connection() as connection:
        connection.execute(
            SQL["postpone"],
            {
                "campaign": campaign,
                "contacts": [contact for contact, _, _ in ordered],
                "reasons": [str(reason) for _, reason, _ in ordered],
                "until": [at for _, _, at in ordered],
            },
            prepare=True,
        )
