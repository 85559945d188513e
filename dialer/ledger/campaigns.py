"""Campaigns in the base: their definitions, and their lists' contacts enrolled as entries.

Enrolling goes by the list's positions in bounded batches, each a transaction of its own that
also moves the campaign's mark `enrolled_to`: an interrupted one goes on where it stood, a
repeated one finds nothing to do. Saving the same revision again touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import orjson

from dialer.core.model import Campaign, CampaignName, ContactId, Rule, Window
from dialer.errors import StoreError
from dialer.ledger import scoring, stored
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements

SQL = statements("campaigns")

BATCH = 5_000
#: All of them: 2^31 positions.
ALL_BATCHES = 1 << 31


def save(pool: Pool, campaign: Campaign, now: datetime) -> None:
    """Upsert one definition and put its queue in order."""
    definition = definition_of(campaign)
    with pool.sweep() as connection:
        list_id = _list_id(connection, campaign.list_name)
        known = connection.execute(SQL["lock_campaign"], {"name": campaign.name}).fetchone()
        if known is None or not _same(known, list_id, definition, campaign):
            connection.execute(
                SQL["save_campaign"],
                {
                    "name": campaign.name,
                    "list_id": list_id,
                    "purpose": campaign.purpose,
                    "zone": campaign.default_zone,
                    "scored": scoring.is_scored(campaign),
                    "definition": definition,
                    "revision": campaign.revision,
                    "active": campaign.active,
                    "at": now,
                },
            )
        if known is not None:
            _reorder(connection, campaign, known[1] != list_id, known[4], now)
    enrol(pool, campaign, now)
    if scoring.is_scored(campaign):
        scoring.refresh(pool, campaign, now, batches=ALL_BATCHES)


def _same(known: Any, list_id: int, definition: str, campaign: Campaign) -> bool:
    return bool(
        known[1] == list_id
        and known[2] == campaign.revision
        and known[4] == orjson.loads(definition)
    )


def _reorder(
    connection: Connection, campaign: Campaign, moved: bool, before: Any, now: datetime
) -> None:
    """The entries follow a change of list, of order or of rules."""
    name = {"name": campaign.name}
    if moved:
        connection.execute(SQL["leave_list"], name)
        connection.execute(SQL["return_to_list"], name)
    after = orjson.loads(definition_of(campaign))
    if (before.get("order"), before.get("rules")) == (after["order"], after["rules"]):
        return
    if scoring.is_scored(campaign):
        connection.execute(SQL["rescore_all"], {**name, "at": now})
    else:
        connection.execute(SQL["drop_scores"], name)


def definition_of(campaign: Campaign) -> str:
    """The whole campaign as JSON: what an attempt's grounds refer to by revision."""
    values = {field.name: getattr(campaign, field.name) for field in fields(campaign)}
    values["windows"] = _windows(campaign.windows)
    values["segment_windows"] = {
        segment: _windows(windows) for segment, windows in campaign.segment_windows.items()
    }
    return stored.to_json(values)


def _windows(windows: Sequence[Window]) -> list[Any]:
    return [[sorted(w.days), w.opens.isoformat(), w.closes.isoformat()] for w in windows]


def rules_of(definition: dict[str, Any]) -> tuple[Rule, ...]:
    """The rules of a stored definition."""
    return tuple(Rule(**rule) for rule in definition["rules"])


def _list_id(connection: Connection, list_name: str) -> int:
    row = connection.execute(SQL["find_or_add_list"], {"list": list_name}).fetchone()
    if row is None:  # added by another between our two looks
        row = connection.execute(SQL["find_or_add_list"], {"list": list_name}).fetchone()
    if row is None:
        raise StoreError("postgresql", f"the list {list_name} cannot be made")
    return int(row[0])


# ------------------------------------------------------------------ enrolling


def enrol(pool: Pool, campaign: Campaign, now: datetime) -> int:
    """Every contact of the list that has no entry yet gets one, in the list's order."""
    return _enrol(pool, campaign.name, scoring.is_scored(campaign), campaign.rules, now)


def enrol_list(pool: Pool, list_name: str, now: datetime) -> int:
    """The same for all active campaigns of a list that has grown; wakes their feeders."""
    with pool.connection() as connection:
        found = connection.execute(SQL["of_list"], {"list": list_name}).fetchall()
    added = 0
    for name, definition in found:
        rules = rules_of(definition)
        scored = definition["order"] == "priority" and bool(rules)
        added += _enrol(pool, name, scored, rules, now)
        with pool.connection() as connection:
            connection.execute(SQL["notify_work"], {"campaign": name})
    return added


def _enrol(pool: Pool, name: str, scored: bool, rules: tuple[Rule, ...], now: datetime) -> int:
    added = 0
    while True:
        with pool.sweep() as connection:
            row = connection.execute(SQL["lock_campaign"], {"name": name}).fetchone()
            if row is None:
                return added
            part = {
                "campaign_id": row[0],
                "list_id": row[1],
                "after": row[5],
                "most": BATCH,
            }
            if scored:
                new, last = _enrol_scored(connection, part, rules, now)
            else:
                new, last = _enrol_in_order(connection, part)
        added += new
        if last is None:
            return added


def _enrol_in_order(connection: Connection, part: dict[str, Any]) -> tuple[int, int | None]:
    row = connection.execute(SQL["enrol_in_order"], part).fetchone()
    return (0, None) if row is None else (row[0], row[1])


def _enrol_scored(
    connection: Connection, part: dict[str, Any], rules: tuple[Rule, ...], now: datetime
) -> tuple[int, int | None]:
    rows = connection.execute(SQL["not_enrolled"], part).fetchall()
    if not rows:
        return 0, None
    values, changes = scoring.scores([row[3:] for row in rows], rules, now)
    added = connection.execute(
        SQL["enrol"],
        {
            "campaign_id": part["campaign_id"],
            "contacts": [row[1] for row in rows],
            "phones": [row[2] for row in rows],
            "positions": [row[0] for row in rows],
            "scores": values,
            "next_changes": changes,
            "to_position": rows[-1][0],
        },
    ).fetchone()
    return (added[0] if added else 0), rows[-1][0]


# ------------------------------------------------------------------ hot leads


def add_hot_lead(
    connection: Connection, campaign: CampaignName, contact: ContactId, now: datetime
) -> None:
    """Inside a transaction: the feeders wake when it commits. Raises StoreError."""
    cursor = connection.execute(
        SQL["add_hot_lead"], {"campaign": campaign, "contact": contact, "at": now}
    )
    if cursor.rowcount != 1:
        raise StoreError(
            "postgresql",
            f"no campaign {campaign}, or the contact {contact} has no phone",
            "check the campaign's name and the contact's id",
        )
    connection.execute(SQL["notify_work"], {"campaign": campaign})
