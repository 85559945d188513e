"""Intents: an attempt is committed here before its call goes out, and nowhere else.

`commit` is one transaction in one round trip: the halt switch (shared), phones, contacts and
number days are locked in the house's order, then one statement with a fresh snapshot asks again
what the feeder had asked (stops, consent, caps), charges the numbers and answers row by row. A
stop that was committed before we had the phone's lock is seen; one that comes later waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import structlog

from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    Claimed,
    DayBudget,
    GatewayName,
    InstanceName,
    Intent,
    IntentAnswer,
    NumberId,
    OpenAttempt,
    Window,
)
from dialer.core.permission.decide import Denied, within_hours
from dialer.core.permission.money import day_ends, day_of, micros
from dialer.core.permission.reasons import Reason
from dialer.ledger import phones, rules, stored
from dialer.ledger.locks import Locked, lock_campaign_days, lock_number_days, lock_people
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ledger.vault import Unreadable, Vault

log = structlog.get_logger(__name__)

SQL = statements("intents")


def commit(
    pool: Pool, intents: Sequence[Intent], now: datetime, vault: Vault
) -> list[IntentAnswer]:
    """One answer per intent, in their order.

    Outside the hours, or where the number cannot be opened, it is committed without digits, for
    the caller to withdraw.
    """
    if not intents:
        return []
    claims = [intent.claimed for intent in intents]
    with pool.pipelined() as connection:
        connection.execute(SQL["lock_halt"], prepare=True)
        locked = lock_people(
            connection,
            [claimed.entry.phone_id for claimed in claims],
            [claimed.entry.contact_id for claimed in claims],
        )
        connection.execute(SQL["add_number_days"], _number_days(intents), prepare=True)
        lock_number_days(connection, [(c.number, c.number_day) for c in claims])
        days = _campaign_days(intents, now)
        if any(i.campaign.budget != DayBudget() for i in intents):
            connection.execute(SQL["add_campaign_days"], days, prepare=True)
            connection.execute(SQL["lock_campaign_days"], days, prepare=True)
        answers = connection.execute(
            SQL["commit_intents"],
            {
                "at": now,
                **_rows(intents),
                **_money(intents, now),
                **_rules([i.campaign for i in intents]),
            },
            prepare=True,
        )
    facts = _facts(locked, vault)
    by_id = {str(attempt): (reason, until) for attempt, reason, until in answers}
    return [_answer(i, *by_id[i.claimed.attempt_id], facts, now) for i in intents]


class _Facts(NamedTuple):
    """Of the locked rows, by their ids."""

    digits: Mapping[int, str | Unreadable]
    zones: Mapping[int, tuple[str, ...]]
    cards: Mapping[int, tuple[tuple[Window, ...], str | None]]  # his own windows, segment


def _facts(locked: Locked, vault: Vault) -> _Facts:
    rows = locked.phones.fetchall()
    return _Facts(
        digits=phones.digits_by_id(rows, vault),
        zones={row[0]: tuple(row[3]) for row in rows},
        cards={
            contact: (stored.windows_from_json(windows), segment)
            for contact, windows, segment in locked.contacts
        },
    )


def _answer(
    intent: Intent, reason: str | None, until: datetime | None, facts: _Facts, now: datetime
) -> IntentAnswer:
    claimed, committed, number = intent.claimed, reason is None, None
    if committed:
        number, reason, until = _number_to_dial(intent, facts, now)
    elif reason in (Reason.BUDGET_CALLS, Reason.BUDGET_MONEY):
        until = day_ends(intent.campaign, now)
    return IntentAnswer(
        attempt_id=claimed.attempt_id,
        committed=committed,
        digits=number,
        reason=reason,
        until=until,
    )


def _number_to_dial(
    intent: Intent, facts: _Facts, now: datetime
) -> tuple[str | None, str | None, datetime | None]:
    """The clear number; or none, why, and until when.

    The hours are the core's to judge, so they are judged here, by what stands under the locks:
    since the contact was queued an import may have brought other windows, or another zone.
    """
    entry = intent.claimed.entry
    windows, segment = facts.cards.get(entry.contact_id, ((), None))
    here = replace(entry, zones=facts.zones.get(entry.phone_id, ()))
    hours = within_hours(here, intent.campaign, windows, now, intent.holidays, segment=segment)
    if isinstance(hours, Denied):
        return None, hours.why.value, hours.until
    number = facts.digits.get(entry.phone_id)
    if isinstance(number, Unreadable):
        log.error("a number cannot be decrypted", phone=entry.phone_id, error=str(number))
        return None, Reason.NUMBER_UNREADABLE.value, None
    return number, None, None


def _number_days(intents: Sequence[Intent]) -> dict[str, Any]:
    return {
        "numbers": [intent.claimed.number for intent in intents],
        "days": [intent.claimed.number_day for intent in intents],
        "limits": [intent.number_hard_limit for intent in intents],
    }


def _rows(intents: Sequence[Intent]) -> dict[str, Any]:
    claims = [intent.claimed for intent in intents]
    return {
        **_number_days(intents),
        "ids": [claimed.attempt_id for claimed in claims],
        "contacts": [claimed.entry.contact_id for claimed in claims],
        "phones": [claimed.entry.phone_id for claimed in claims],
        "of_campaigns": [intent.campaign.name for intent in intents],
        "gateways": [claimed.gateway for claimed in claims],
        "instances": [intent.instance for intent in intents],
        "grounds": [stored.to_json(intent.grounds) for intent in intents],
        "closes": [claimed.entry.callable_until for claimed in claims],
        "entries": [stored.entry_to_json(claimed.entry) for claimed in claims],
    }


def _campaign_days(intents: Sequence[Intent], now: datetime) -> dict[str, Any]:
    days = sorted({(i.campaign.name, day_of(i.campaign, now)) for i in intents})
    return {"names": [name for name, _ in days], "days": [day for _, day in days]}


def _money(intents: Sequence[Intent], now: datetime) -> dict[str, Any]:
    budgets = [intent.campaign.budget for intent in intents]
    return {
        "budget_days": [day_of(intent.campaign, now) for intent in intents],
        "reserved": [intent.reserved for intent in intents],
        "most_calls": [budget.calls for budget in budgets],
        "most_money": [None if b.money is None else micros(b.money) for b in budgets],
    }


def _rules(campaigns: Sequence[Campaign]) -> dict[str, Any]:
    """Each campaign's rules once."""
    distinct = {campaign.name: campaign for campaign in campaigns}.values()
    return {"rules": [rules.to_json(campaign) for campaign in distinct]}


def withdraw(pool: Pool, attempts: Sequence[AttemptId], reason: str) -> int:
    """Take back what was committed and never sent; how many were."""
    with pool.transaction() as connection:
        rows = connection.execute(SQL["open_rows"], {"ids": list(attempts)}).fetchall()
        if not rows:
            return 0
        lock_people(connection, [row[0] for row in rows], [row[1] for row in rows])
        lock_number_days(connection, [(row[2], row[3]) for row in rows])
        lock_campaign_days(connection, attempts)
        answer = connection.execute(SQL["withdraw_intents"], {"ids": list(attempts)}).fetchone()
    withdrawn = int(answer[0]) if answer else 0
    log.info("intents withdrawn", attempts=withdrawn, reason=reason)
    return withdrawn


def open_attempts(connection: Connection, instance: InstanceName | None) -> list[OpenAttempt]:
    rows = connection.execute(SQL["open_attempts"], {"instance": instance})
    return [
        OpenAttempt(
            claimed=Claimed(
                attempt_id=AttemptId(attempt),
                entry=stored.entry_from_json(entry, CampaignName(campaign), contact, phone),
                number=NumberId(number),
                number_day=number_day,
                gateway=GatewayName(gateway),
            ),
            instance=InstanceName(owner),
            committed_at=committed_at,
        )
        for (
            attempt,
            campaign,
            contact,
            phone,
            number,
            number_day,
            gateway,
            owner,
            entry,
            committed_at,
        ) in rows
    ]
