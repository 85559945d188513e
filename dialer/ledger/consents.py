"""Consents given and withdrawn (R6.1), under the phone's lock like every stop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dialer.core.model import ContactId, PhoneId
from dialer.core.permission.grounds import ConsentFact
from dialer.errors import StoreError
from dialer.ledger import service, stored
from dialer.ledger.pool import Connection, Pool
from dialer.ledger.statements import statements
from dialer.ledger.stops import locked
from dialer.ledger.vault import Vault
from dialer.ports import ImportedConsent

SQL = statements("consents")
STOPS = statements("stops")

#: What evidence is bound to beside its consent's purpose and instant.
COLUMN = "consent.evidence"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def bound(purpose: str, given_at: datetime) -> bytes:
    """One text for all phones of a row, and for its copy where a card is split off; rotation
    makes the same in SQL (keyring.sql).
    """
    micros = (given_at - _EPOCH) // timedelta(microseconds=1)
    return purpose.encode() + b"\x00" + b"%d" % micros


def sealed(consent: ImportedConsent, vault: Vault) -> str | None:
    """Its evidence as it is stored."""
    purpose = stored.clean(consent.purpose, 200) or ""
    where = bound(purpose, consent.given_at)
    return vault.seal(stored.clean(consent.evidence), COLUMN, where)


def add(
    pool: Pool,
    phone: PhoneId,
    contact: ContactId | None,
    consent: ImportedConsent,
    *,
    source: str | None,
    vault: Vault,
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
                "purpose": stored.clean(consent.purpose, 200),
                "given_at": consent.given_at,
                "expires_at": consent.expires_at,
                "text_version": stored.clean(consent.text_version),
                "evidence": sealed(consent, vault),
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
        origin = {"origin": stored.origin(by)}
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


def of_phone(
    connection: Connection, phone: PhoneId, vault: Vault
) -> list[tuple[int, ConsentFact]]:
    """(contact, or 0 = whoever answers there; his consent), withdrawn and expired ones too.

    Raises Unreadable.
    """
    return [
        (
            contact,
            ConsentFact(
                purpose=purpose,
                given_at=given_at,
                expires_at=expires_at,
                withdrawn_at=withdrawn_at,
                text_version=text_version,
                evidence=vault.open(evidence, COLUMN, bound(purpose, given_at)),
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
