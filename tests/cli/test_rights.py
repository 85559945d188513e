"""`dialer export`, `dialer erase`, `dialer audit verify`: what a person may ask for (R6.6)."""

from __future__ import annotations

from collections.abc import Callable

import orjson
import psycopg
import pytest
from psycopg import sql

from tests.cli.conftest import Ended
from tests.contract.ledger.world import NOW, World, campaign, phone, row

Dialer = Callable[..., Ended]
PHONE, SECOND = phone(1), phone(2)
NAME, EMAIL = "Пётр Неповторимый", "petr.n@example.com"


@pytest.fixture
def person(world: World) -> World:
    """One person with two phones and a talk behind him, and somebody else."""
    world.rows(
        [
            row(1, name=NAME, email=EMAIL, phones=(PHONE, SECOND), note="likes tea"),
            row(2, name="Somebody Else", phones=(phone(3),)),
        ]
    )
    world.save(campaign())
    first, _ = world.entries(campaign())
    world.dial(campaign(), first)
    return world


def everywhere(world: World) -> str:
    """Every row of every table as text."""
    found = []
    with psycopg.connect(world.dsn, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            query = sql.SQL("SELECT to_jsonb(t)::text FROM {} AS t").format(
                sql.Identifier(table)
            )
            found += [line for (line,) in connection.execute(query)]
    return "\n".join(found)


def test_an_export_holds_everything_of_the_person_and_of_nobody_else(
    dialer: Dialer, person: World
) -> None:
    ended = dialer("export", PHONE.digits)
    assert ended.code == 0, ended.err
    found = orjson.loads(ended.out)
    assert {one["digits"] for one in found["phones"]} == {PHONE.digits, SECOND.digits}
    assert [(one["name"], one["email"]) for one in found["contacts"]] == [(NAME, EMAIL)]
    assert len(found["attempts"]) == 1
    assert found["consents"]
    assert "Somebody Else" not in ended.out
    assert "lookup_key" not in ended.out
    assert person.one("SELECT count(*) FROM audit WHERE what = 'exported'") == 1


def test_what_is_erased_is_nowhere_and_does_not_come_back(
    dialer: Dialer, person: World
) -> None:
    """Number, name and address are gone from every table; the stop outlives a new import."""
    before = everywhere(person)
    assert all(text in before for text in (PHONE.digits, SECOND.digits, NAME, EMAIL))
    ended = dialer("erase", PHONE.digits, "--yes", DIALER_LOOKUP_KEY="")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("erased: 1 contacts, 2 phones, 1 attempts")
    assert "DIALER_LOOKUP_KEY is not set" in ended.err
    after = everywhere(person)
    for text in (PHONE.digits, PHONE.digits[1:], SECOND.digits, NAME, EMAIL, "likes tea"):
        assert text not in after
    assert "Somebody Else" in after
    assert person.one("SELECT sum(attempts) FROM erased_attempts") == 1
    report = person.ledger.import_rows(
        "people", [row(1, name=NAME, phones=(PHONE,))], source="again", now=NOW
    )
    assert sum(report.kept_out.values()) == 1
    assert PHONE.digits not in everywhere(person)


def test_nobody_is_erased_in_the_midst_of_his_call(dialer: Dialer, person: World) -> None:
    (entry,) = [e for e in person.entries(campaign()) if e.position == 2]
    (answer,) = person.commit(campaign(), [entry])
    assert answer.committed
    ended = dialer("erase", phone(3).digits, "--yes")
    assert ended.code == 1
    assert "a call with this person is going on" in ended.err
    assert "Somebody Else" in everywhere(person)


def test_an_audit_row_that_is_changed_or_taken_out_is_found(
    dialer: Dialer, person: World
) -> None:
    """R7.4: whoever has the database can write it; not without being seen."""
    for n in (1, 2, 3):
        dialer("consent", "withdraw", phone(n).digits)
    assert dialer("audit", "verify").code == 0
    with psycopg.connect(person.dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # triggers off
        connection.execute("UPDATE audit SET who = 'somebody else' WHERE link = 2")
    changed = dialer("audit", "verify")
    assert (changed.code, changed.err.splitlines()[0][-6:]) == (1, "link 2")
    with psycopg.connect(person.dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM audit WHERE link = (SELECT max(link) FROM audit)")
    assert "1 rows at the end are gone" in dialer("audit", "verify").err
