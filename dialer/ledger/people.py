"""One phone and the people on it, with all that permission looks at: for `dialer why-not`; one
contact as an operator is shown him: for `dialer operator card`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dialer.core.model import (
    AttemptId,
    CampaignName,
    ContactId,
    Disposition,
    Entry,
    PhoneId,
    Source,
    Window,
)
from dialer.core.permission.decide import Candidate
from dialer.core.permission.grounds import ConsentFact
from dialer.core.permission.limits import Past
from dialer.ledger import consents, identity, stops, stored
from dialer.ledger.identity import Person
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ledger.vault import Vault

SQL = statements("people")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A candidate, and where he stands in the campaign's queue (None: he is not in it)."""

    contact: ContactId
    candidate: Candidate
    queue_state: str | None
    held_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an operator is shown of a contact before he calls (R9.3)."""

    person: Person
    status: str
    source: str | None
    segment: str | None
    region: str | None
    tags: tuple[str, ...]
    last_contact_at: datetime | None
    fields: Mapping[str, Any]


def shown(pool: Pool, contact: ContactId, vault: Vault) -> Shown | None:
    """In clear. Raises Unreadable."""
    with pool.connection() as connection:
        row = connection.execute(SQL["shown_of"], {"contact": contact}).fetchone()
        if row is None:
            return None
        person = identity.of_contacts(connection, [contact], vault).get(contact)
    status, source, segment, region, tags, last_contact_at, own = row
    return Shown(
        person=person or Person(None, None, None, None),
        status=status,
        source=source,
        segment=segment,
        region=region,
        tags=tuple(tags),
        last_contact_at=last_contact_at,
        fields=own,
    )


def contacts_of(pool: Pool, phone: PhoneId) -> list[tuple[ContactId, str | None]]:
    """(contact, segment) of each card on which the phone stands."""
    with pool.connection() as connection:
        rows = connection.execute(SQL["contacts_of"], {"phone": phone})
        return [(ContactId(contact), segment) for contact, segment, _ in rows]


def attempts_of(pool: Pool, phone: PhoneId) -> list[AttemptId]:
    """The oldest first."""
    with pool.connection() as connection:
        rows = connection.execute(SQL["attempts_of"], {"phone": phone})
        return [AttemptId(attempt) for (attempt,) in rows]


def standings(
    pool: Pool, vault: Vault, phone: PhoneId, campaign: CampaignName, since: datetime
) -> list[Standing]:
    """One for each card of the phone; for a phone on no card one of nobody (contact 0).

    `since`: how far back attempts are read.
    """
    with pool.sweep() as connection:
        facts = connection.execute(SQL["phone_facts"], {"phone": phone}).fetchone()
        known = consents.of_phone(connection, phone, vault)
        if facts is None:
            return []
        cards = connection.execute(SQL["contacts_of"], {"phone": phone}).fetchall()
        found = []
        for contact, segment, windows in cards or [(0, None, [])]:
            own = stored.windows_from_json(windows)
            card = (ContactId(contact), segment, own)
            found.append(
                _standing(connection, phone, facts, card, campaign, known, since=since)
            )
    return found


def _standing(
    connection: Connection,
    phone: PhoneId,
    facts: tuple[object, ...],
    card: tuple[ContactId, str | None, tuple[Window, ...]],
    campaign: CampaignName,
    known: Sequence[tuple[int, ConsentFact]],
    *,
    since: datetime,
) -> Standing:
    contact, segment, own = card
    state, zones, region = str(facts[0]), facts[6], facts[4]
    row = connection.execute(
        SQL["entry_of"], {"contact": contact, "campaign": campaign}
    ).fetchone()
    past = connection.execute(
        SQL["past_of"], {"phone": phone, "contact": contact, "since": since}
    )
    queue_state, due_at, held_reason = row[:3] if row else (None, None, None)
    candidate = Candidate(
        entry=Entry(
            campaign=campaign,
            contact_id=contact,
            phone_id=phone,
            rank=0.0,
            position=row[4] if row else 0,
            source=stored.TIERS[row[5]] if row else Source.FIRST,
            region=None if region is None else str(region),
            zones=tuple(zones) if isinstance(zones, list) else (),
        ),
        phone_state=state,
        stops=tuple(stops.of_phone(connection, phone)),
        consents=tuple(one for of, one in known if of in (0, contact)),
        withdrawals=tuple(
            (purpose, at) for purpose, at, _ in consents.withdrawals_of(connection, phone)
        ),
        past=tuple(_past(one) for one in past),
        segment=segment,
        own_windows=own,
        due_at=due_at if queue_state == "waiting" else None,
    )
    return Standing(
        contact=contact,
        candidate=candidate,
        queue_state=queue_state,
        held_reason=held_reason,
    )


def _past(row: tuple[object, ...]) -> Past:
    at, charged, disposition, ended_at, of_phone, of_contact = row
    assert isinstance(at, datetime)
    return Past(
        at=at,
        charged=bool(charged),
        disposition=None if disposition is None else Disposition(str(disposition)),
        ended_at=ended_at if isinstance(ended_at, datetime) else None,
        of_phone=bool(of_phone),
        of_contact=bool(of_contact),
    )
