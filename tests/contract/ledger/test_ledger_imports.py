"""Imports: one card per person, nothing twice, nothing that must stay out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from dialer.core.model import ContactId
from dialer.ledger import importer
from dialer.ledger.importer import name_key
from dialer.ports import ImportReport, ImportRow, RejectedRow
from tests.contract.ledger.world import (
    CONSENT,
    NOW,
    World,
    campaign,
    phone,
    row,
)

BASE = ("phones", "contacts", "contact_identity", "contact_phones", "list_entries", "consents")


def base(world: World) -> list[Any]:
    """Every row with its version: an update that changes no value shows, too."""
    return [world.ask(f"SELECT xmin, t.* FROM {table} AS t ORDER BY 2, 3") for table in BASE]


def unchanged(report: ImportReport) -> bool:
    return report.unchanged == report.rows - report.rejected - sum(report.kept_out.values())


DIRTY: list[ImportRow | RejectedRow] = [
    row(1),
    row(2, name="Пётр  Иванов", phones=(phone(1),)),  # another person on the same phone
    row(3, name="ИВАНОВ, Петр", phones=(phone(1), phone(9)), email="p@example.org"),
    RejectedRow(4, "not a phone number"),
    row(5, name=None),
    row(6, name=None, phones=(phone(5),), fields={"last_order": 5}),
    row(7, phones=(phone(7), phone(7))),
    row(8, status="Refused", tags=("Дорого", 'a"b\\c,{}')),
    row(9, phones=()),
    row(10, status="unheard of"),
    row(11, phones=(phone(11, zones=("Mars/Olympus",)),)),
    row(12, consent=CONSENT._replace(expires_at=CONSENT.given_at)),
]


def test_the_same_file_twice_changes_nothing(world: World) -> None:
    """R4.2, to the row's version."""
    first = world.rows(DIRTY)
    before = base(world)
    again = world.rows(DIRTY)
    assert base(world) == before
    assert unchanged(again)
    assert again.rejected == first.rejected == 5
    assert (again.contacts_added, again.listed, again.consents_added) == (0, 0, 0)
    assert (again.phones_added, again.contacts_merged, again.contacts_updated) == (0, 0, 0)


def test_rows_are_accounted_for_one_by_one(world: World) -> None:
    """No row vanishes: added + merged + updated + unchanged + kept out + rejected = all."""
    told: list[RejectedRow] = []
    report = world.rows(DIRTY, rejected=told.append)
    assert report.rows == 12
    assert report.contacts_added == 5
    assert report.contacts_merged == 2  # 3 into 2, 6 into 5
    assert [r.line for r in told] == [4, 9, 10, 11, 12]
    assert report.first_rejected == tuple(told)
    assert report.listed == 5
    assert world.one("SELECT count(*) FROM contacts") == 5


def test_two_people_on_one_phone_stay_two_cards(world: World) -> None:
    """R4.2: the husband's card must not swallow the wife's."""
    world.rows(DIRTY[:3])
    people = world.ask(
        "SELECT i.name, array_agg(p.position ORDER BY p.position), i.email"
        " FROM contact_identity i JOIN contact_phones p USING (contact_id)"
        " GROUP BY 1, 3 ORDER BY 1"
    )
    assert people == [
        ("Person 1", [1], None),
        ("Пётр  Иванов", [1, 2], "p@example.org"),
    ]
    assert world.one("SELECT count(*) FROM phones") == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Иванов Пётр", "петр ИВАНОВ", True),
        ("O'Neil, Ann", "ann o neil", True),
        ("Ann", "Anna", False),
        ("", None, True),
        ("--", None, True),
        ("Ann Ann", "Ann", False),
    ],
)
def test_names_are_compared_as_people_would(one: str, other: str | None, same: bool) -> None:
    assert (name_key(one, None) == name_key(other, None)) is same


def test_a_key_of_ones_own_changes_every_lookup(world: World) -> None:
    """Without the secret the index tells nothing; with another secret nobody is found."""
    assert name_key("Ann", b"one") != name_key("Ann", b"two") != name_key("Ann", None)
    world.people(1)
    assert world.ledger.find_phone(phone(1).digits) == 1
    assert world.ledger.find_phone(phone(2).digits) is None
    assert world.ledger.digits_of([world.ledger.find_or_add_phone(phone(1).digits)]) == {
        1: phone(1).digits
    }


def test_archived_and_stopped_phones_are_kept_out(world: World) -> None:
    """R5.5: no import brings them back."""
    world.people(3)
    world.ledger.move_phone(
        world.ledger.find_or_add_phone(phone(1).digits),
        "archived",
        by="s",
        reason="dead",
        now=NOW,
    )
    stopped = world.ledger.find_or_add_phone(phone(7).digits)
    world.ledger.add_stop(stopped, origin="phone call", now=NOW)
    report = world.rows(
        [
            row(1, name="Somebody new"),
            row(2, name="Two", phones=(phone(1), phone(2))),
            row(3, name="Three", phones=(phone(7),)),
        ],
        "others",
    )
    assert report.kept_out == {"archived": 1, "stop": 1}
    assert (report.contacts_added, report.listed) == (1, 1)
    links = world.ask(
        "SELECT phone_id FROM contact_phones JOIN contact_identity USING (contact_id)"
        " WHERE name = 'Two'"
    )
    assert links == [(world.ledger.find_phone(phone(2).digits),)]


def test_newer_file_brings_a_card_up_to_date_but_not_the_operators_word(world: World) -> None:
    """New order sums must count; a status that an operator has set must stay."""
    world.rows([row(1, fields={"last_order": 1, "city": "Tver"}, tags=("a",))])
    world.ask("UPDATE contacts SET status = 'Refused'")
    newer = row(1, fields={"last_order": 2}, tags=("b",), email="x@y", status="New")
    report = world.rows([newer])
    assert (report.contacts_updated, report.unchanged) == (1, 0)
    (kept,) = world.ask("SELECT status, fields, tags FROM contacts")
    assert kept == ("Refused", {"last_order": 2, "city": "Tver"}, ["a", "b"])


def test_first_row_of_a_file_wins_over_its_own_duplicates(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two contradicting rows would flip the card at each repetition; also over batches."""
    file = [row(n, phones=(phone(1),), name="Ann", fields={"x": n}) for n in range(1, 6)]
    for size in (2, 100):
        monkeypatch.setattr(importer, "BATCH", size)
        world.rows(file)
        assert world.one("SELECT fields FROM contacts") == {"x": 1}
    assert unchanged(world.rows(file))


def test_a_merge_can_be_undone(world: World) -> None:
    """R4.2: reversibly."""
    ann = row(1, name="Ann", fields={"x": 1})
    other = row(2, name="ann", phones=(phone(1), phone(2)), email="a@b", fields={"y": 2})
    world.rows([ann])
    world.save(campaign())
    before = world.ask("SELECT fields, tags, region FROM contacts")
    world.rows([other])
    assert world.one("SELECT fields FROM contacts") == {"x": 1, "y": 2}
    split = world.ledger.split_last_merge(ContactId(1), by="supervisor", now=NOW)
    assert world.ask("SELECT fields, tags, region FROM contacts WHERE id = 1") == before
    assert world.ask(
        "SELECT i.name, i.email, c.fields FROM contacts c JOIN contact_identity i"
        " ON i.contact_id = c.id WHERE c.id = %s",
        split,
    ) == [("ann", "a@b", {"y": 2})]
    phones = world.ask("SELECT contact_id, phone_id FROM contact_phones ORDER BY 1, 2")
    assert phones == [(1, 1), (split, 1), (split, 2)]
    assert world.one("SELECT email FROM contact_identity WHERE contact_id = 1") is None
    assert [e.contact_id for e in world.entries(campaign())] == [1, split]


def test_hostile_text_is_data(world: World) -> None:
    nasty = 'x\x00\udcff\t\n\\N\r"; DROP TABLE contacts; --'
    report = world.rows(
        [row(1, name=nasty, tags=(nasty,), fields={nasty: nasty, "n": 1}, source=nasty)]
    )
    assert report.contacts_added == 1
    clean = nasty.replace("\x00", "\ufffd").replace("\udcff", "?")
    assert world.one("SELECT name FROM contact_identity") == clean
    assert world.ask("SELECT source, tags FROM contacts") == [(clean, [clean])]
    assert unchanged(world.rows([row(1, name=nasty, tags=(nasty,), fields={nasty: nasty})]))


def test_memory_is_one_batch_and_progress_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of any length; an interrupted one keeps its whole batches and is repeated."""
    monkeypatch.setattr(importer, "BATCH", 10)
    ahead = {"most": 0, "read": 0, "done": 0}

    def file(rows: int) -> Iterator[ImportRow]:
        for n in range(1, rows + 1):
            ahead["read"] = n
            ahead["most"] = max(ahead["most"], n - ahead["done"])
            yield row(n)
            if n == 35 and rows == 35:
                raise RuntimeError("the file ends in a bad sector")

    def progress(done: int) -> None:
        ahead["done"] = done

    with pytest.raises(RuntimeError):
        world.rows(file(35), progress=progress)
    assert world.one("SELECT count(*) FROM contacts") == 30
    report = world.rows(file(55), progress=progress)
    assert ahead["done"] == 55
    assert ahead["most"] <= 30 + 35
    assert (report.contacts_added, report.unchanged) == (25, 30)
    assert world.one("SELECT max(position) FROM list_entries") == 55


def test_known_phones_learn_region_and_zone_and_keep_what_they_had(world: World) -> None:
    bare = phone(1, region=None, zones=(), kind=None)
    world.rows([row(1, phones=(bare,))])
    world.rows([row(1, phones=(phone(1),))])
    world.rows([row(1, phones=(phone(1, region="Tula", zones=("Asia/Omsk",)),))])
    assert world.ask("SELECT region, zones, kind FROM phones") == [
        ("Moscow", ["Europe/Moscow"], "landline")
    ]


def test_new_consent_is_added_to_the_old(world: World) -> None:
    world.people(1)
    later = CONSENT._replace(given_at=NOW - timedelta(days=1), text_version="2")
    report = world.rows([row(1, consent=later)])
    assert (report.consents_added, report.contacts_updated) == (1, 1)
    assert world.one("SELECT count(*) FROM consents") == 2


def test_filled_shares_tell_which_rules_have_no_field(world: World) -> None:
    """R3.4: said before the start."""
    world.rows([row(1, fields={"last_order": 5, "note": ""}), row(2), row(3), row(4)])
    shares = world.ledger.reports.filled_shares("people")
    assert shares["fields.last_order"] == 0.25
    assert shares["fields.note"] == 0
    assert shares["status"] == 1
    assert shares["segment"] == 0


def test_deleted_person_takes_everything_along_and_phones_stay(world: World) -> None:
    """The references without a foreign key are held from the other end."""
    world.people(2)
    world.ask("DELETE FROM contacts WHERE id = 1")
    assert world.ledger.reports.orphans() == 0
    for table in BASE[1:]:
        assert world.one(f"SELECT count(*) FROM {table}") == 1
    with pytest.raises(psycopg.errors.RaiseException, match="never deleted"):
        world.ask("DELETE FROM phones WHERE id = 1")
    with pytest.raises(psycopg.errors.RaiseException, match="never deleted"):
        world.ask("UPDATE phones SET id = 77 WHERE id = 2")


people = st.builds(
    lambda line, name, numbers, x: row(
        line,
        name=name,
        phones=tuple(phone(n) for n in numbers),
        fields={} if x is None else {"x": x},
    ),
    line=st.just(0),
    name=st.sampled_from(["Ann", "ann", "Bob", None]),
    numbers=st.lists(st.integers(1, 4), min_size=1, max_size=2),
    x=st.sampled_from([None, 1, 2]),
)


def told(*people: tuple[str | None, tuple[int, ...], int | None]) -> list[ImportRow]:
    """Rows by name, phones and a field."""
    return [
        row(
            0,
            name=name,
            phones=tuple(phone(n) for n in numbers),
            fields={} if x is None else {"x": x},
        )
        for name, numbers, x in people
    ]


#: Two cards of one name want the same new phone in one batch.
ONE_PHONE_TWO_CARDS = told(
    ("Ann", (4,), None),
    (None, (2, 4), None),
    ("ann", (4,), None),
    ("ann", (1,), None),
    ("ann", (3, 1), None),
    ("Ann", (3, 4), 1),
    ("Ann", (4,), None),
    ("Bob", (3,), None),
)
#: The first to want it is not its card's first row of the batch.
SECOND_ROW_FIRST = told(
    ("Ann", (1,), None),
    ("Ann", (2,), None),
    ("Ann", (1,), None),
    ("Ann", (3, 1), None),
    ("Ann", (3, 2), 1),
    ("Ann", (3, 2), 2),
)


@settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(rows=ONE_PHONE_TWO_CARDS, size=2)
@example(rows=SECOND_ROW_FIRST, size=2)
@example(rows=SECOND_ROW_FIRST[:2] + SECOND_ROW_FIRST[4:], size=2)
@given(rows=st.lists(people, max_size=8), size=st.sampled_from([2, 100]))
def test_any_file_twice_is_the_file_once(
    world: World, monkeypatch: pytest.MonkeyPatch, rows: list[ImportRow], size: int
) -> None:
    """Whatever stands in it and wherever its batches end."""
    monkeypatch.setattr(importer, "BATCH", size)
    world.clear()
    file = [one._replace(line=n) for n, one in enumerate(rows, 1)]
    first = world.rows(file)
    before = base(world)
    again = world.rows(file)
    assert base(world) == before
    assert unchanged(again)
    assert world.ledger.reports.orphans() == 0
    parts = (first.contacts_added, first.contacts_merged, first.contacts_updated)
    assert first.rows == sum(parts) + first.unchanged == len(rows)
    assert (
        world.ask(
            "SELECT h.phone_id, i.name_key FROM contact_phones h JOIN contact_identity i"
            " USING (contact_id) GROUP BY 1, 2 HAVING count(*) > 1"
        )
        == []
    )  # one card per phone and name
