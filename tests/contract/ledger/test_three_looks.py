"""One rule in three places: the feeder's statement, the intent's, and the core's `decide`.

If these part, a contact is queued that is then refused for ever, or dialed though the rules
that people read in `dialer plan` forbid it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.core.model import Campaign, Caps, Disposition, Entry, Rolling, Rounds
from dialer.core.permission.decide import Candidate, ConsentFact, Denied, StopFact, decide
from dialer.core.permission.limits import Past
from tests.contract.ledger.world import NOW, World, campaign, intent, phone, row

PAST = (
    "INSERT INTO attempts (id, campaign, contact_id, phone_id, number, number_day, gateway,"
    " instance, tier, grounds, committed_at, ended_at, disposition, charged)"
    " SELECT gen_random_uuid(), 'other', contact_id, phone_id, '+7', '2026-01-01', 'g', 'i', 1,"
    " '{}', %s, %s, %s, %s FROM contact_phones WHERE contact_id = %s AND phone_id = %s"
)


@dataclass(frozen=True)
class Case:
    """One person with two phones, a second person on the first of them, and their past."""

    past: list[tuple[int, str, int]]  # minutes ago, disposition or "open", whose
    consents: list[tuple[int, int | None, int | None]]  # minutes ago: given, expires, withdrawn
    withdrawals: list[tuple[str, int]]
    stops: list[tuple[str, str, str | None, int | None]]  # channel, scope, its value, expires
    state: str
    zones: tuple[str, ...]


MONTHS = st.integers(-3 * 1440, 75 * 1440)
CASES = st.builds(
    Case,
    past=st.lists(
        st.tuples(
            st.integers(0, 75 * 1440),
            st.sampled_from(
                ["talked", "no_answer", "abandoned", "carrier_failure", "rejected"]
            ),
            st.sampled_from([0, 0, 0, 1, 2]),
        ),
        max_size=10,
    ),
    consents=st.lists(
        st.tuples(
            MONTHS,
            st.none() | st.integers(-1440, 40 * 1440),
            st.none() | st.integers(0, 40 * 1440),
        ),
        max_size=3,
        unique_by=lambda one: one[0],
    ),
    withdrawals=st.lists(
        st.tuples(st.sampled_from(["", "sales", "surveys"]), st.integers(0, 60 * 1440)),
        max_size=2,
        unique=True,
    ),
    stops=st.lists(
        st.sampled_from(
            [
                ("phone", "global", None, -30),
                ("phone", "campaign", "spring", None),
                ("phone", "campaign", "autumn", None),
                ("phone", "purpose", "sales", -90),
                ("phone", "global", None, 5),
                ("sms", "global", None, None),
                ("email", "purpose", "sales", None),
            ]
        ),
        max_size=2,
    )
    | st.just([]),
    state=st.sampled_from(["active"] * 8 + ["review", "archived"]),
    zones=st.sampled_from(
        [
            ("Europe/Moscow",),
            ("Asia/Kamchatka",),
            ("America/New_York",),
            ("Europe/Kaliningrad", "Asia/Kamchatka"),
            (),
        ]
    ),
)
RESTS = {Disposition.ABANDONED: 72 * 3600.0, Disposition.REJECTED: 60 * 86400.0}
CAMPAIGNS = st.builds(
    lambda caps, required, ground, zone: campaign(
        caps=caps,
        consent_required=required,
        consent_ground=ground,
        default_zone=zone,
        rounds=Rounds(uncharged_per_day=2),
    ),
    st.builds(
        Caps,
        per_day=st.integers(1, 3),
        per_week=st.integers(1, 5),
        per_month=st.integers(1, 9),
        talks_per_day=st.integers(1, 2),
        talks_per_week=st.none() | st.integers(1, 2),
        talks_per_month=st.none() | st.integers(1, 3),
        min_gap_s=st.sampled_from([0.0, 3600.0, 86400.0]),
        rolling=st.sampled_from(
            [
                (),
                (Rolling("tries", 3, 24),),
                (Rolling("talks", 1, 900), Rolling("tries", 2, 30)),
            ]
        ),
        rest_s=st.sampled_from([{}, RESTS]),
    ),
    st.booleans(),
    st.sampled_from([None, "contract", "contract"]),
    st.sampled_from([None, "Asia/Tokyo"]),
)


def ago(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(case=CASES, mine=CAMPAIGNS)
def test_feeder_intent_and_core_give_one_answer(
    world: World, case: Case, mine: Campaign
) -> None:
    entry = build(world, case, mine)
    by_core = decide(candidate(case, entry), mine, NOW)
    why, until = (by_core.why, by_core.until) if isinstance(by_core, Denied) else (None, None)
    (due,) = [one for one in world.ledger.due(mine, NOW, 10) if one.entry.position == 1]
    assert due.held == why
    if until is not None:
        assert due.held_until == until
    (answer,) = world.ledger.commit_intents([intent(mine, entry)], NOW)
    assert (answer.reason, answer.until) == (why, until)
    assert answer.committed is (why is None)


def build(world: World, case: Case, mine: Campaign) -> Entry:
    """The case in the base; the entry of its first person."""
    world.clear()
    zones = {"zones": case.zones}
    world.rows(
        [
            row(1, name="Ivan", phones=(phone(1, **zones), phone(2, **zones)), consent=None),
            row(2, name="Maria", phones=(phone(1, **zones),), consent=None),
        ]
    )
    world.save(mine)
    entry = next(d.entry for d in world.ledger.due(mine, NOW, 10) if d.entry.position == 1)
    with psycopg.connect(world.dsn, autocommit=True) as connection:
        write(connection, case, entry)
    return entry


def write(connection: psycopg.Connection[Any], case: Case, entry: Entry) -> None:
    """What the person did and what was done to him."""

    def ask(query: str, *values: Any) -> Any:
        cursor = connection.execute(query.encode(), values)
        return cursor.fetchone() if cursor.description else None

    other = ask("SELECT max(id) FROM phones")[0]
    whose = [
        (entry.contact_id, entry.phone_id),
        (entry.contact_id, other),
        (ask("SELECT max(id) FROM contacts")[0], entry.phone_id),
    ]
    for minutes, ending, side in case.past:
        at = ago(minutes)
        ask(PAST, at, at, ending, ending != "carrier_failure", *whose[side])
    for given_ago, expires, withdrawn in case.consents:
        good = expires is None or expires < given_ago
        ask(
            "INSERT INTO consents (phone_id, contact_id, purpose, given_at, expires_at,"
            " withdrawn_at) VALUES (%s, %s, 'sales', %s, %s, %s)",
            entry.phone_id,
            entry.contact_id,
            ago(given_ago),
            ago(expires) if good and expires is not None else None,
            None if withdrawn is None else ago(withdrawn),
        )
    for purpose, minutes in case.withdrawals:
        ask(
            "INSERT INTO withdrawals (phone_id, purpose, withdrawn_at, origin)"
            " VALUES (%s, %s, %s, 'test')",
            entry.phone_id,
            purpose,
            ago(minutes),
        )
    for channel, scope, value, expires in case.stops:
        ask(
            "INSERT INTO stops (phone_id, channel, category, scope, scope_value, added_at,"
            " expires_at, origin) VALUES (%s, %s, 'never', %s, %s, %s, %s, 'test')",
            entry.phone_id,
            channel,
            scope,
            value,
            ago(100),
            None if expires is None else ago(expires),
        )
    ask("UPDATE phones SET state = %s WHERE id = %s", case.state, entry.phone_id)


def candidate(case: Case, entry: Entry) -> Candidate:
    """The same as values, for the core."""
    consents = [
        ConsentFact(
            purpose="sales",
            given_at=ago(given_ago),
            expires_at=ago(expires) if expires is not None and expires < given_ago else None,
            withdrawn_at=None if withdrawn is None else ago(withdrawn),
        )
        for given_ago, expires, withdrawn in case.consents
    ]
    return Candidate(
        entry=entry,
        phone_state=case.state,
        stops=tuple(
            StopFact(
                channel=channel,
                scope=scope,
                scope_value=value,
                expires_at=None if expires is None else ago(expires),
            )
            for channel, scope, value, expires in case.stops
        ),
        consents=tuple(consents),
        withdrawals=tuple((purpose, ago(minutes)) for purpose, minutes in case.withdrawals),
        past=tuple(past_of(*one) for one in case.past),
    )


def past_of(minutes: int, ending: str, side: int) -> Past:
    values: dict[str, Any] = {"at": ago(minutes), "ended_at": ago(minutes)}
    return Past(
        **values,
        charged=ending != "carrier_failure",
        disposition=Disposition(ending),
        of_phone=side != 1,
        of_contact=side != 2,
    )
