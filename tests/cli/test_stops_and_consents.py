"""`dialer stoplist`, `dialer consent`: a word of the person that does not hold, or is lost."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from tests.cli.conftest import Ended
from tests.contract.ledger.world import CONSENT, NOW, World, campaign, phone, row

Dialer = Callable[..., Ended]
PHONE = phone(1).digits
YEAR = timedelta(days=365)


@pytest.fixture
def one(world: World) -> World:
    world.people(1)
    world.save(campaign())
    return world


def held(world: World) -> str | None:
    (due,) = world.ledger.due(campaign(), datetime.now(UTC), 10)
    return due.held


def test_a_stop_is_in_force_when_it_has_answered(dialer: Dialer, one: World) -> None:
    ended = dialer("stoplist", "add", PHONE, "--origin", "letter of 3 November")
    assert ended.code == 0, ended.err
    assert ended.out == "in force (number 1); no call was being set up\n"
    assert held(one) == "stop"
    assert "in force already" in dialer("stoplist", "add", PHONE).out
    assert dialer("stoplist", "remove", PHONE).out == "1 wish ended\n"
    assert dialer("stoplist", "remove", PHONE).code == 1
    assert held(one) is None
    assert one.one("SELECT count(*) FROM audit WHERE what = 'stops removed'") == 2


def test_a_wish_about_messages_keeps_no_call_away(dialer: Dialer, one: World) -> None:
    """R6.3: who left the mailing may still be called; phone, SMS and e-mail are apart."""
    assert dialer("stoplist", "add", PHONE, "--channel", "sms").code == 0
    assert held(one) is None
    assert dialer("stoplist", "add", PHONE, "--category", "messages-only").code == 0
    assert held(one) == "stop"
    assert dialer("stoplist", "remove", PHONE, "--channel", "phone").code == 0
    assert one.ask("SELECT channel FROM stops WHERE removed_at IS NULL") == [("sms",)]


def test_not_now_means_half_a_year(dialer: Dialer, one: World) -> None:
    assert dialer("stoplist", "add", PHONE, "--category", "not-now").code == 0
    left = one.one("SELECT expires_at - added_at FROM stops")
    assert timedelta(days=180) <= left <= timedelta(days=185)
    past = dialer("stoplist", "add", PHONE, "--category", "not-now", "--until", "2020-01-01")
    assert (past.code, past.err) == (2, "--until: lies in the past\n")


@pytest.mark.parametrize("text", ["112", "+7916,sofia/gateway/x/900", ""])
def test_what_is_no_phone_is_refused_without_being_repeated(dialer: Dialer, text: str) -> None:
    ended = dialer("stoplist", "add", text)
    assert ended.code == 2
    assert ended.err.startswith("phone: ")
    assert not text or text not in ended.err


def test_a_dirty_list_is_taken_over_row_by_row(
    dialer: Dialer, one: World, folder: Path
) -> None:
    """One bad row must cost one row: the others asked not to be called, too."""
    path = folder / "stops.csv"
    path.write_bytes(
        b"\xef\xbb\xbfphone;category;scope;scope_value;expires_at\r\n"
        + f"{PHONE};never;;;\r\n{PHONE};never;;;\r\n".encode()
        + b"8 (916) 200-00-02;not now;;;01.06.2030\n"
        + b"+44 20 7946 0958;never;campaign;spring;\n"
        + b"112;never;;;\n+7495\xff2000003;never;;;\n"
        + b"+74952000004;sometimes;;;\n+74952000005;not now;;;\n+74952000006;;purpose;;\n"
        + b'"+7495200\n'
        + b"+74952000007\n"
    )
    ended = dialer("stoplist", "import", "stops.csv", "--json", "--rejected", "bad.csv")
    assert ended.code == 0, ended.err
    told = orjson.loads(ended.out)
    assert (told["rows"], told["added"], told["known"]) == (11, 4, 1)
    assert told["rejected"] == 6
    bad = list(csv.reader((folder / "bad.csv").read_text().splitlines()))
    assert [line for line, _ in bad] == ["line", "6", "7", "8", "9", "10", "11"]
    again = orjson.loads(dialer("stoplist", "import", "stops.csv", "--json").out)
    assert (again["added"], again["known"]) == (0, 5)
    assert held(one) == "stop"


def test_a_list_without_a_header_is_a_phone_a_line(dialer: Dialer, folder: Path) -> None:
    (folder / "plain.txt").write_text(f"{PHONE}\n8-916-200-00-02\nnonsense\n")
    told = orjson.loads(dialer("stoplist", "import", "plain.txt", "--json").out)
    assert (told["added"], told["rejected"]) == (2, 1)


def test_a_sync_sees_by_the_numbers_what_it_has_missed(
    dialer: Dialer, one: World, folder: Path
) -> None:
    """R6.4: our own changes without a gap; a gap or a repeat of the other side is told."""
    for n in (1, 2, 3):
        dialer("stoplist", "add", phone(n).digits)
    dialer("stoplist", "remove", phone(2).digits)
    changes = list(
        csv.DictReader(dialer("stoplist", "export", "--since", "1").out.splitlines())
    )
    assert [(c["number"], c["change"]) for c in changes] == [
        ("2", "added"),
        ("3", "added"),
        ("4", "removed"),
    ]
    standing = list(csv.DictReader(dialer("stoplist", "export").out.splitlines()))
    assert [c["phone"] for c in standing] == [phone(1).digits, phone(3).digits]
    for name, numbers in (("a.csv", (5, 6)), ("b.csv", (6, 7, 10))):
        rows = "".join(f"{n},{phone(20 + n).digits},added\n" for n in numbers)
        (folder / name).write_text("seq,phone,change\n" + rows)
    first = orjson.loads(dialer("stoplist", "import", "a.csv", "--source", "crm", "--json").out)
    assert (first["added"], first["repeated"], first["gaps"]) == (2, 0, [])
    second = orjson.loads(
        dialer("stoplist", "import", "b.csv", "--source", "crm", "--json").out
    )
    assert (second["added"], second["repeated"], second["gaps"]) == (2, 1, [[8, 9]])


def test_what_was_missing_is_taken_when_it_comes(
    dialer: Dialer, one: World, folder: Path
) -> None:
    """Whoever sends the rows that we asked for, or the whole file with its bad row mended."""

    def sent(*rows: str) -> tuple[int, int, list[list[int]]]:
        (folder / "a.csv").write_text("seq,phone,change\n" + "".join(f"{r}\n" for r in rows))
        ended = dialer("stoplist", "import", "a.csv", "--source", "crm", "--json")
        told = orjson.loads(ended.out)
        return told["added"], told["repeated"], told["gaps"]

    numbers = {n: f"{n},{phone(20 + n).digits},added" for n in range(1, 9)}
    assert sent(numbers[1], "2,12,added", numbers[3], numbers[7]) == (3, 0, [[2, 2], [4, 6]])
    assert sent(numbers[5]) == (1, 0, [[2, 2], [4, 4], [6, 6]])
    assert sent(*numbers.values()) == (4, 4, [])
    assert sent(*numbers.values()) == (0, 8, [])


def test_of_several_words_in_one_file_the_last_one_counts(
    dialer: Dialer, one: World, folder: Path
) -> None:
    """Removed and then stopped again: whoever takes only the first calls him."""
    dialer("stoplist", "add", phone(1).digits)
    (folder / "a.csv").write_text(
        "phone,change\n"
        + "".join(
            f"{phone(n).digits},{change}\n"
            for n, change in ((1, "removed"), (1, "added"), (2, "added"), (2, "removed"))
        )
    )
    assert dialer("stoplist", "import", "a.csv").code == 0
    standing = list(csv.DictReader(dialer("stoplist", "export").out.splitlines()))
    assert [c["phone"] for c in standing] == [phone(1).digits]


def test_the_quarterly_audit_shows_what_nobody_has_looked_at(
    dialer: Dialer, one: World
) -> None:
    dialer("stoplist", "add", PHONE)
    one.ask("UPDATE stops SET added_at = added_at - interval '100 days'")
    (entry,) = orjson.loads(dialer("stoplist", "audit", "--json").out)
    assert entry["phone"] == "+7495*****01"
    assert dialer("stoplist", "audit", "--keep", PHONE).code == 0
    assert orjson.loads(dialer("stoplist", "audit", "--json").out) == []


def test_a_consent_is_added_shown_and_withdrawn(dialer: Dialer, world: World) -> None:
    world.rows([row(1, consent=None)])
    world.save(campaign())
    assert held(world) == "consent_missing"
    words = ("--purpose", "sales", "--evidence", "form 9", "--text-version", "v3")
    ended = dialer("consent", "add", PHONE, *words, "--given-at", "2026-01-05T10:00")
    assert (ended.code, ended.out) == (0, "consent on record\n")
    assert held(world) is None
    (shown,) = orjson.loads(dialer("consent", "show", PHONE, "--json").out)["consents"]
    assert (shown["evidence"], shown["text_version"], shown["state"]) == ("form 9", "v3", "in")
    ended = dialer("consent", "withdraw", PHONE, "--purpose", "sales")
    assert ended.out.startswith("in force: 1 consent withdrawn")
    assert held(world) == "consent_withdrawn"


def test_a_consent_of_tomorrow_is_none(dialer: Dialer, one: World) -> None:
    tomorrow = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    words = ("--purpose", "sales", "--evidence", "form 9", "--given-at", tomorrow)
    ended = dialer("consent", "add", PHONE, *words)
    assert (ended.code, ended.err) == (2, "--given-at: lies in the future\n")


def test_a_withdrawal_for_an_unknown_phone_holds_when_it_arrives(
    dialer: Dialer, world: World
) -> None:
    """The letter comes before the supplier's list: an older consent must not count."""
    ended = dialer("consent", "withdraw", PHONE)
    assert ended.out.startswith("in force: 0 consents withdrawn")
    world.rows([row(1, consent=CONSENT)], "people")
    world.save(campaign())
    assert held(world) == "consent_withdrawn"
    later = CONSENT._replace(given_at=datetime.now(UTC))
    world.ledger.import_rows("people", [row(1, consent=later)], source="t", now=NOW)
    assert held(world) is None, "what he allows anew is a new consent"


# ------------------------------------------------------------------ complaints


def test_who_complains_is_called_no_more_and_counted_and_his_words_are_kept(
    dialer: Dialer, world: World
) -> None:
    world.people(1)
    world.save(campaign())
    (entry,) = world.entries(campaign())
    world.dial(campaign(), entry)
    world.ask("UPDATE attempts SET committed_at = now() - interval '1 day'")
    said = dialer("complaint", "add", phone(1).digits, "--text", "you rang my mother at night")
    assert said.code == 0, said.err
    assert "noted; it counts against spring" in said.out
    assert [one.origin for one in world.ledger.stops_of(entry.phone_id)] == ["complaint"]
    (found,) = orjson.loads(dialer("complaint", "list", "--json").out)
    assert found["text"] == "you rang my mother at night"
    assert phone(1).digits not in str(found)
    unknown = dialer("complaint", "add", phone(9).digits, "--text", "x", "--campaign", "sprign")
    assert (unknown.code, "there is no campaign" in unknown.err) == (2, True)


def test_who_takes_the_list_out_stands_in_the_audit_and_an_erased_number_is_not_in_it(
    dialer: Dialer, one: World
) -> None:
    dialer("stoplist", "add", PHONE)
    dialer("stoplist", "add", phone(2).digits)
    assert dialer("erase", PHONE, "--yes").code == 0
    standing = list(csv.DictReader(dialer("stoplist", "export").out.splitlines()))
    assert [line["phone"] for line in standing] == [phone(2).digits]
    assert one.one("SELECT count(*) FROM audit WHERE what = 'stop list exported'") == 1
