"""Consents given and withdrawn (R6.1), under the phone's lock like every stop."""

from __future__ import annotations

from datetime import datetime

from dialer.core.model import ContactId, PhoneId
from dialer.core.permission.grounds import ConsentFact
from dialer.errors import StoreError
from dialer.ledger import service, stored
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ledger.stops import locked
from dialer.ports import ImportedConsent

SQL = statements("consents")
STOPS = statements("stops")


def add(
    pool: Pool,
    phone: PhoneId,
    contact: ContactId | None,
    consent: ImportedConsent,
    *,
    source: str | None,
    by: str,
    now: datetime,
) -> bool:
    """Contact None: whoever answers on that phone. False: it was known. Raises StoreError."""
    if consent.given_at > now:
        what = "a consent cannot be given in the future"
        raise StoreError("postgresql", what, "check its date and zone")
    with locked(pool, phone) as connection:
        added = connection.execute(
            SQL["add_consent"],
            {
                "phone": phone,
                "contact": contact,
                "purpose": consent.purpose,
                "given_at": consent.given_at,
                "expires_at": consent.expires_at,
                "text_version": stored.clean(consent.text_version),
                "evidence": stored.clean(consent.evidence),
                "source": stored.clean(source),
            },
        ).rowcount
        connection.execute(STOPS["look_again"], {"phone": phone, "at": now})
        details = {"purpose": consent.purpose, "given_at": consent.given_at}
        _note(connection, by, "consent added", phone, details, now)
    return bool(added)


def withdraw(
    pool: Pool, phone: PhoneId, *, purpose: str | None, now: datetime, by: str = "the person"
) -> int:
    """Purpose None: all of them. In force when this returns, also where there was none yet;
    how many were withdrawn.
    """
    with locked(pool, phone) as connection:
        known = {"phone": phone, "purpose": purpose, "at": now}
        withdrawn = connection.execute(SQL["withdraw_consents"], known).rowcount
        origin = {"origin": stored.clean(by, 200)}
        connection.execute(SQL["note_withdrawal"], {**known, **origin})
        _note(connection, by, "consent withdrawn", phone, {"purpose": purpose}, now)
        return withdrawn


def _note(
    connection: Connection,
    by: str,
    what: str,
    phone: PhoneId,
    details: dict[str, object],
    now: datetime,
) -> None:
    service.add_audit(
        connection, who=by, what=what, subject=f"phone {phone}", details=details, now=now
    )


def of_phone(connection: Connection, phone: PhoneId) -> list[tuple[int, ConsentFact]]:
    """(contact, or 0 = whoever answers there; his consent), withdrawn and expired ones too."""
    return [
        (
            contact,
            ConsentFact(
                purpose=purpose,
                given_at=given_at,
                expires_at=expires_at,
                withdrawn_at=withdrawn_at,
                text_version=text_version,
                evidence=evidence,
                source=source,
            ),
        )
        for (
            contact,
            purpose,
            given_at,
            expires_at,
            withdrawn_at,
            text_version,
            evidence,
            source,
        ) in connection.execute(SQL["of_phone"], {"phone": phone})
    ]


def withdrawals_of(connection: Connection, phone: PhoneId) -> list[tuple[str, datetime, str]]:
    """(purpose, or "" = every one; when; who said so)."""
    rows = connection.execute(SQL["withdrawals_of"], {"phone": phone})
    return [(purpose, at, origin) for purpose, at, origin in rows]
