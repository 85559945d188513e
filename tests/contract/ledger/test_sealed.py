"""Personal data at rest (R7.3): whoever takes the disk or a dump has no number and no name.

Losing these, a stolen backup is a list of people, a rotation loses them, or a lost key costs a
call to a number that nobody can read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from itertools import count

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import sql

from dialer.core.model import ContactId, OperatorId
from dialer.core.permission.reasons import Reason
from dialer.errors import ConfigError, StoreError
from dialer.ledger import identity, keyring
from dialer.ledger.store import PostgresLedger
from dialer.ledger.vault import MARK, DataKey, Unreadable, Vault, new_entry, read_ring
from dialer.ports import RejectedRow, StopRow, Wish
from tests.contract.ledger.world import CONSENT, NOW, World, campaign, phone, row

OLD, NEW = (DataKey(id=name, secret=name.encode() * 16) for name in ("k1", "k2"))
LOOKUP = b"the lookup secret"
PERSON = {
    "name": "Пётр Неповторимый",
    "email": "petr.n@example.com",
    "address": "Тайная улица, 7",
    "note": "likes green tea",
}
Make = Callable[..., PostgresLedger]


def vault(*keys: DataKey, **more: object) -> Vault:
    return Vault(keys, lookup=LOOKUP, **more)  # type: ignore[arg-type]


@pytest.fixture
def sealed(another_ledger: Make, dsn: str) -> World:
    return World(another_ledger(vault=vault(OLD)), dsn)


def everywhere(dsn: str) -> str:
    """Every row of every table as text, as a dump would show it."""
    found = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        for (table,) in tables:
            query = sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(table))
            found += [line for (line,) in connection.execute(query)]
    return "\n".join(found)


def merged(world: World) -> ContactId:
    """Somebody whose card was changed by a second file: his texts stand in `merges`, too."""
    world.rows([row(1, **PERSON), row(2, name="Somebody")])
    changed = {**PERSON, "email": "second@example.com", "note": "prefers black tea"}
    world.rows([row(1, **changed)])
    return ContactId(world.one("SELECT min(id) FROM contacts"))


CLEAR = (
    *PERSON.values(),
    "Неповторимый",
    "second@example.com",
    "black tea",
    phone(1).digits[1:],
)


def everything_of(world: World, ledger: PostgresLedger | None = None) -> str:
    asked = ledger or world.ledger
    known = asked.find_phone(phone(1).digits)
    assert known is not None
    return str(asked.export_person(known, by="test", now=NOW))


# ------------------------------------------------------------------ what the disk holds


def test_an_operator_reads_his_card_in_clear(sealed: World) -> None:
    """R9.3: a card of sealed texts is no card."""
    fields = {"last_order": 900}
    sealed.rows([row(1, **PERSON, region="Moscow", tags=("vip",), fields=fields)])
    contact = ContactId(sealed.one("SELECT min(id) FROM contacts"))
    shown = sealed.ledger.shown(contact)
    assert shown is not None
    assert shown.person._asdict() == PERSON
    assert (shown.status, shown.region, shown.tags) == ("New", "Moscow", ("vip",))
    assert shown.fields == fields
    assert sealed.ledger.shown(ContactId(999)) is None


def test_nothing_of_a_person_stands_in_clear_in_any_table(sealed: World) -> None:
    """Cards, merges' copies, phones, stops by file, callers: the whole dump is searched."""
    merged(sealed)
    wish = Wish(channel="phone", category="never", scope="global")
    stop = StopRow(
        line=1,
        number=None,
        digits="+79165550001",
        change="added",
        wish=wish,
        added_at=None,
        origin="file",
    )
    rows: list[StopRow | RejectedRow] = [stop]
    sealed.ledger.import_stops(rows, source="list", by="test", now=NOW)
    sealed.ledger.find_or_add_phone("+79165550002")
    dump = everywhere(sealed.dsn)
    for text in (*CLEAR, "9165550001", "9165550002"):
        assert text not in dump
    told = everything_of(sealed)
    assert all(text in told for text in CLEAR)
    assert [one.digits for one in sealed.ledger.stop_list.in_force(NOW)] == ["+79165550001"]
    assert [one.digits for one in sealed.ledger.stop_list.changes(0)] == ["+79165550001"]


def test_what_was_noted_of_a_person_is_sealed_too(sealed: World, another_ledger: Make) -> None:
    """Evidence of a consent, an operator's summary, a complaint: all of it follows the keys.
    Where a stop came from holds no number.
    """
    proof = CONSENT._replace(evidence="form 17, filled in by Pyotr N. from 10.20.30.40")
    sealed.rows([row(1, consent=proof)])
    sealed.save(campaign())
    (entry,) = sealed.entries(campaign())
    attempt = sealed.dial(campaign(), entry).attempt_id
    later = CONSENT._replace(given_at=NOW, purpose="news", evidence="said so to Anna")
    assert sealed.ledger.add_consent(entry.phone_id, later, source="desk", by="anna", now=NOW)
    sealed.ledger.dispose(
        attempt,
        operator=OperatorId("anna"),
        result="Call-back",
        tags=(),
        summary="her sister is ill",
        now=NOW,
    )
    complain = partial(sealed.ledger.add_complaint, campaign=None, by="anna", now=NOW)
    complain(entry.phone_id, "rung at my mother's")
    origin = "Anna, +7 916 555-00-01, a.n@example.com, letter of 2026-11-24"
    sealed.ledger.add_stop(entry.phone_id, origin=origin, now=NOW)
    noted = ("10.20.30.40", "said so to Anna", "sister is ill", "my mother")
    dump = everywhere(sealed.dsn)
    assert [one for one in (*noted, "555-00-01", "a.n@") if one in dump] == []
    assert "letter of 2026-11-24" in dump
    fresh = another_ledger(vault=vault(NEW, OLD))
    fresh.rotate_keys(by="test")
    alone = another_ledger(vault=vault(NEW), needs_keys=True)
    found = everything_of(sealed, alone)
    assert [one for one in noted if one not in found] == []
    assert {one.evidence for _, one in alone.consents_of(entry.phone_id)} == {
        proof.evidence,
        later.evidence,
    }
    assert f"{MARK}1:k1:" not in everywhere(sealed.dsn)


def test_without_keys_the_table_is_as_it_was(world: World) -> None:
    """Who has not configured keys must not find his base sealed under nothing."""
    merged(world)
    assert phone(1).digits in everywhere(world.dsn)
    assert MARK not in everywhere(world.dsn)


def test_the_number_that_is_dialed_is_the_clear_one(sealed: World) -> None:
    sealed.people(2)
    sealed.save(campaign())
    answers = sealed.commit(campaign(), sealed.entries(campaign()))
    assert [a.digits for a in answers] == [phone(1).digits, phone(2).digits]


def test_the_same_file_twice_changes_nothing_though_all_is_sealed(sealed: World) -> None:
    sealed.rows([row(1, **PERSON)])
    again = sealed.rows([row(1, **PERSON)])
    assert (again.unchanged, again.contacts_updated) == (1, 0)
    assert sealed.one("SELECT count(*) FROM merges") == 0


def test_the_same_file_under_a_new_key_changes_nothing_either(
    sealed: World, another_ledger: Make
) -> None:
    """Between the new key and the end of its rotation files are still loaded."""
    sealed.rows([row(1, **PERSON)])
    second = World(another_ledger(vault=vault(NEW, OLD)), sealed.dsn)
    assert second.rows([row(1, **PERSON)]).unchanged == 1
    assert second.one("SELECT count(*) FROM merges") == 0
    assert second.one("SELECT name FROM contact_identity").startswith(f"{MARK}1:k2:")


def test_a_card_that_is_split_off_can_be_read(sealed: World) -> None:
    """Its texts were sealed for the card from which it comes."""
    first = merged(sealed)
    second = sealed.ledger.split_last_merge(first, by="test", now=NOW)
    with psycopg.connect(sealed.dsn) as connection:
        found = identity.of_contacts(connection, [first, second], vault(OLD))
    assert found[first].email == PERSON["email"]
    assert (found[second].email, found[second].name) == ("second@example.com", PERSON["name"])


@pytest.mark.parametrize("keys", [(OLD,), ()])
def test_a_text_that_a_file_brings_cannot_pass_for_a_sealed_one(
    another_ledger: Make, dsn: str, keys: tuple[DataKey, ...]
) -> None:
    """Else a row of a list could make a card that nobody can read any more."""
    hostile = f"{MARK}1:k1:AAAA"
    one = World(another_ledger(vault=vault(*keys)), dsn)
    one.rows([row(5, note=hostile, name="Hostile")])
    known = one.ledger.find_phone(phone(5).digits)
    assert known is not None
    found = one.ledger.export_person(known, by="test", now=NOW)
    assert found["contacts"][0]["note"] == hostile[1:]


def test_a_text_moved_to_another_row_or_changed_does_not_open(sealed: World) -> None:
    """Who can write the table must not be able to have another number dialed."""
    sealed.people(2)
    sealed.save(campaign())
    entries = sealed.entries(campaign())
    sealed.ask(
        "UPDATE phones SET digits = (SELECT digits FROM phones WHERE id = 2) WHERE id = 1"
    )
    first, second = sealed.commit(campaign(), entries)
    assert (first.digits, first.reason) == (None, Reason.NUMBER_UNREADABLE)
    assert second.digits == phone(2).digits


# ------------------------------------------------------------------ keys that are not there


def test_a_lost_key_is_said_and_nothing_is_dialed_or_destroyed(
    sealed: World, another_ledger: Make
) -> None:
    sealed.people(2)
    sealed.save(campaign())
    before = everywhere(sealed.dsn)
    with pytest.raises(StoreError, match="the data key k1 is not among the keys"):
        another_ledger(vault=vault(NEW), needs_keys=True)  # a daemon
    with pytest.raises(StoreError, match="no data key is given"):
        another_ledger()
    verb = World(another_ledger(vault=vault(NEW)), sealed.dsn)
    answers = verb.commit(campaign(), verb.entries(campaign()))
    assert {(a.digits, a.reason) for a in answers} == {(None, Reason.NUMBER_UNREADABLE)}
    verb.ledger.withdraw_intents([a.attempt_id for a in answers], "number_unreadable")
    with pytest.raises(StoreError, match="k1"):
        everything_of(verb)
    with pytest.raises(StoreError, match="k1"):
        verb.rows([row(1, name="Person 1", email="new@example.com")])
    rotated = verb.ledger.rotate_keys(by="test")
    assert (rotated.unreadable, rotated.retired) == (6, ())
    assert [line for line in before.splitlines() if MARK in line] == [
        line for line in everywhere(sealed.dsn).splitlines() if MARK in line
    ]
    assert sealed.commit(campaign(), sealed.entries(campaign()))[0].digits == phone(1).digits


def test_a_stop_is_taken_though_the_key_of_the_number_is_lost(
    sealed: World, another_ledger: Make
) -> None:
    """The person's word needs no key but that of the look-up."""
    sealed.people(1)
    verb = another_ledger(vault=vault(NEW))
    known = verb.find_or_add_phone(phone(1).digits)
    verb.add_stop(known, origin="test", now=NOW)
    assert verb.is_stopped(phone(1).digits, NOW)


def test_another_key_under_a_known_name_is_refused_before_it_seals(
    sealed: World, another_ledger: Make
) -> None:
    sealed.people(1)
    wrong = DataKey(id="k1", secret=b"x" * 32)
    with pytest.raises(StoreError, match="not the one by which this base was sealed"):
        another_ledger(vault=vault(wrong))


def test_a_key_whose_time_is_over_neither_opens_nor_seals_but_is_rotated_away(
    sealed: World, another_ledger: Make
) -> None:
    sealed.people(1)
    over = DataKey(id=OLD.id, secret=OLD.secret, ends_on=date(2026, 11, 24))
    clock = {"wall": lambda: datetime(2026, 11, 24, tzinfo=UTC).timestamp()}
    with pytest.raises(StoreError, match="k1 ended on 2026-11-24"):
        another_ledger(vault=vault(over, **clock), needs_keys=True)
    verb = another_ledger(vault=vault(over, **clock))
    with pytest.raises(StoreError, match="ended on"):
        verb.find_or_add_phone("+79165550009")
    with pytest.raises(StoreError, match="put a new key before it"):
        verb.rotate_keys(by="test")
    assert another_ledger(vault=vault(NEW, over, **clock)).rotate_keys(by="test") == (
        3,
        0,
        ("k1",),
    )
    daemon = another_ledger(vault=vault(NEW, over, **clock), needs_keys=True)
    assert list(daemon.digits_of([daemon.find_phone(phone(1).digits) or 0]).values()) == [  # type: ignore[list-item]
        phone(1).digits
    ]


# ------------------------------------------------------------------ rotation


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(keyring, "BATCH", 3)
    yield


class Killed(BaseException):
    """Comes out of the progress, where a kill would strike."""


@pytest.mark.usefixtures("small_batches")
def test_a_rotation_killed_anywhere_goes_on_where_it_stood(
    sealed: World, another_ledger: Make
) -> None:
    """Killed after each of its batches: all stays readable, the end is as if never killed."""
    merged(sealed)
    sealed.rows([row(n) for n in range(3, 12)])
    before = everything_of(sealed)
    fresh = another_ledger(vault=vault(NEW, OLD))
    rows, kills = 0, 0
    for _ in count():
        steps: list[int] = []

        def strike(done: int, total: int, steps: list[int] = steps) -> None:
            assert done <= total
            steps.append(done)
            if done:
                raise Killed

        try:
            done = fresh.rotate_keys(by="test", progress=strike)
        except Killed:
            kills += 1
            assert everything_of(sealed, fresh) != ""
            assert {use.id for use in fresh.data_keys()} >= {"k2", "k1"}
            continue
        rows = done.rows
        break
    assert kills > 5
    assert rows == 0
    assert done.retired == ("k1",)
    alone = another_ledger(vault=vault(NEW), needs_keys=True)
    assert [(use.id, use.held) for use in alone.data_keys()] == [("k2", True)]
    after = everything_of(sealed, alone)
    assert all(text in after for text in CLEAR)
    assert after.count(phone(1).digits) == before.count(phone(1).digits)
    assert f"{MARK}1:k1:" not in everywhere(sealed.dsn)


def test_the_first_rotation_seals_what_stood_in_clear(another_ledger: Make, dsn: str) -> None:
    plain = World(another_ledger(vault=vault()), dsn)
    merged(plain)
    fresh = another_ledger(vault=vault(OLD))
    assert {use.id for use in fresh.data_keys()} == {"k1", ""}
    fresh.rotate_keys(by="test")
    dump = everywhere(dsn)
    assert not [text for text in CLEAR if text in dump]
    assert all(text in everything_of(plain, fresh) for text in CLEAR)


def test_a_daemon_that_dials_on_takes_the_next_key_at_its_reload(
    another_ledger: Make, dsn: str
) -> None:
    """The order of docs/personal-data.md; a ring with a gap is refused."""
    daemon = World(another_ledger(vault=vault(OLD), needs_keys=True), dsn)
    daemon.people(2)
    daemon.save(campaign())
    with pytest.raises(StoreError, match="k1"):
        daemon.ledger.take_keys(vault(NEW))
    daemon.ledger.take_keys(vault(OLD, NEW))
    another_ledger(vault=vault(NEW, OLD)).rotate_keys(by="test")
    answers = daemon.commit(campaign(), daemon.entries(campaign()))
    assert [a.digits for a in answers] == [phone(1).digits, phone(2).digits]
    daemon.ledger.take_keys(vault(NEW))
    known = daemon.ledger.find_or_add_phone("+79165550003")
    digits = daemon.one("SELECT digits FROM phones WHERE id = %s", known)
    assert digits.startswith(f"{MARK}1:k2:")


# ------------------------------------------------------------------ the ring as it is written


@given(
    text=st.text(st.characters(exclude_characters=MARK, exclude_categories=["Cs"])),
    key=st.binary(min_size=32, max_size=32),
    row=st.integers(1, 2**40),
)
@settings(max_examples=60)
def test_what_is_sealed_opens_in_its_cell_and_in_no_other(
    text: str, key: bytes, row: int
) -> None:
    one = Vault([DataKey(id="a", secret=key)])
    token = one.seal(text, "t.c", row)
    assert one.open(token, "t.c", row) == text
    assert one.seal(text, "t.c", row) == token
    if text:
        assert token is not None
        assert token.startswith(f"{MARK}1:a:")
        for column, other in (("t.d", row), ("t.c", row + 1)):
            with pytest.raises(Unreadable):
                one.open(token, column, other)
        with pytest.raises(Unreadable):
            one.open(token[:-4], "t.c", row)


def test_a_ring_is_read_with_comments_and_last_days() -> None:
    text = f"# the ring\n{new_entry('new')}\n{new_entry('old')}:2027-01-31  # until then\n"
    first, second = read_ring(text, "file")
    assert (first.id, first.ends_on, len(first.secret)) == ("new", None, 32)
    assert (second.id, second.ends_on) == ("old", date(2027, 1, 31))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("secretsecret", "file:1: is not a data key"),
        ("a:short=", "file:1: is not a data key"),
        (f"{new_entry('a')}\n{new_entry('a')}", "file:2: the key a is named twice"),
        (f"{new_entry('a')}:2026-02-31", "file:1: the key a: its text or its last day"),
    ],
)
def test_a_mistake_in_the_ring_is_named_by_its_line_and_never_quoted(
    text: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read_ring(text, "file")
    assert str(caught.value).startswith(said)
    for entry in text.split():
        assert entry not in str(caught.value)
