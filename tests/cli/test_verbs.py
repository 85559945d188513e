"""What an engineer would lose: verbs that do what they say, on real stores."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import psycopg
import pytest

from dialer.cli.main import VERBS
from tests.cli.conftest import SPRING, Ended
from tests.contract.ledger.world import World

Dialer = Callable[..., Ended]

HEADER = "Телефон;ФИО;Согласие;Согласие цель;Подтверждение согласия\n"
GOOD = "+7 495 200-00-01;Анна Ё;2026-01-01;sales;form 1\n"
OTHER = "8 (916) 200-00-02;Пётр;2026-01-01;sales;form 2\n"
DIRTY = '+7916,sofia/gateway/x/900;"Имя\r\nвторая строка";2026-01-01;sales;form 3\n'
SHORT = "112;Служба;2026-01-01;sales;form 4\n"


@pytest.fixture
def people(folder: Path) -> Path:
    """Two good rows, a dial string (it stands on two lines), an emergency number."""
    path = folder / "people.csv"
    path.write_text(HEADER + GOOD + DIRTY + SHORT + OTHER, encoding="utf-8")
    return path


# ------------------------------------------------------------------ the trunk


def test_help_loads_no_room() -> None:
    """`dialer --help` must answer at once, and before anything needs gevent's patch."""
    look = (
        "import sys; from click.testing import CliRunner; from dialer.cli.main import cli;"
        "r = CliRunner().invoke(cli, ['--help']); assert r.exit_code == 0, r.output;"
        "print(sorted({m.split('.')[1] for m in sys.modules if m.startswith('dialer.')}),"
        " 'psycopg' in sys.modules, 'gevent' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['cli', 'errors'] False False"


def test_every_verb_of_the_list_has_its_help(dialer: Dialer) -> None:
    for verb in VERBS:
        ended = dialer(verb, "--help")
        assert ended.code == 0
        assert ended.out.startswith("Usage: ")


# ------------------------------------------------------------------ migrate


def test_migrate_names_what_it_applied_and_then_has_nothing_to_do(
    dialer: Dialer, new_database: Callable[[], str]
) -> None:
    empty = new_database()
    first = dialer("migrate", DIALER_POSTGRESQL_DSN=empty)
    assert first.code == 0
    assert first.out.splitlines()[:2] == ["applied 0001_base", "applied 0002_dialing"]
    again = dialer("migrate", DIALER_POSTGRESQL_DSN=empty)
    assert (again.code, again.out) == (0, "nothing to do: the database is of this version\n")


def test_a_database_before_its_migrations_is_said_not_half_used(
    dialer: Dialer, new_database: Callable[[], str]
) -> None:
    ended = dialer("report", "spring", DIALER_POSTGRESQL_DSN=new_database())
    assert ended.code == 1
    assert "migrations are not applied" in ended.err


# ------------------------------------------------------------------ import


def test_import_loads_the_good_rows_and_names_the_bad_ones(
    dialer: Dialer, people: Path, world: World
) -> None:
    ended = dialer("import", "people.csv", "--list", "people")
    assert ended.code == 0
    assert "people.csv:3: phone holds characters that do not belong" in ended.err
    assert "people.csv:5:" in ended.err
    assert "sofia" not in ended.out + ended.err  # what was in the cell is nobody's business
    assert world.one("SELECT count(*) FROM contacts") == 2
    assert world.one("SELECT count(*) FROM consents") == 2
    assert world.ask("SELECT subject, details FROM audit WHERE what = 'import'") == [
        ("people", {"rows": 4, "rejected": 2, "kept_out": {}})
    ]


def test_the_same_file_again_changes_nothing(dialer: Dialer, people: Path) -> None:
    dialer("import", "people.csv", "--list", "people")
    ended = dialer("import", "people.csv", "--list", "people", "--json")
    told = orjson.loads(ended.out)
    assert (told["unchanged"], told["contacts_added"], told["listed"]) == (2, 0, 0)
    assert told["rejected_rows"] == 2
    assert [row["line"] for row in told["first_rejected"]] == [3, 5]
    assert ended.code == 0


def test_all_rejected_rows_go_to_a_file_where_asked(dialer: Dialer, folder: Path) -> None:
    rows = HEADER + GOOD + "123;Кто;;;\n" * 30
    (folder / "many.csv").write_text(rows, encoding="utf-8")
    ended = dialer("import", "many.csv", "--list", "people", "--rejected", "bad.csv")
    assert ended.code == 0
    assert ended.err.count("many.csv:") == 20
    assert "and 10 more rejected rows" in ended.err
    with (folder / "bad.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.reader(file))
    assert written[0] == ["line", "reason"]
    assert [row[0] for row in written[1:]] == [str(line) for line in range(3, 33)]


def test_a_file_in_cp1251_keeps_its_names(dialer: Dialer, folder: Path, world: World) -> None:
    (folder / "old.csv").write_bytes((HEADER + GOOD).encode("cp1251"))
    ended = dialer("import", "old.csv", "--list", "people")
    assert ended.code == 0
    assert "CP1251" in ended.out
    assert world.one("SELECT name FROM contact_identity") == "Анна Ё"


def test_a_saved_mapping_places_strange_columns(
    dialer: Dialer, folder: Path, world: World
) -> None:
    (folder / "odd.csv").write_text("a,b,c\n+74952000001,Анна,17\n", encoding="utf-8")
    mapping = "columns: {a: phone, b: name, c: fields.last_order}\n"
    (folder / "odd.yaml").write_text(mapping)
    ended = dialer("import", "odd.csv", "--list", "people", "--mapping", "odd.yaml")
    assert ended.code == 0
    assert world.ask("SELECT fields, source FROM contacts") == [({"last_order": 17}, "odd.csv")]


def test_columns_that_mean_nothing_to_us_are_named(dialer: Dialer, folder: Path) -> None:
    """What nobody has placed may identify people; it is passed over, and said."""
    (folder / "more.csv").write_text("phone,passport\n+74952000001,4510\n")
    ended = dialer("import", "more.csv", "--list", "other")
    assert "columns passed over: passport" in ended.out
    assert "no campaign dials the list 'other' yet" in ended.out


def test_a_file_of_which_nothing_can_be_loaded_ends_with_1(
    dialer: Dialer, folder: Path
) -> None:
    (folder / "bad.csv").write_text("phone\n112\nabc\n")
    ended = dialer("import", "bad.csv", "--list", "people")
    assert ended.code == 1
    assert "nothing could be loaded" in ended.err


# ------------------------------------------------------------------ lead


LEAD = ("--campaign", "spring", "--name", "Анна", "--source", "site")
CONSENT = ("--consent-at", "2026-01-01T10:00", "--evidence", "form 7")


def test_a_hot_lead_goes_ahead_of_the_queue_with_its_consent(
    dialer: Dialer, people: Path, world: World
) -> None:
    dialer("import", "people.csv", "--list", "people")
    ended = dialer("lead", "8 (495) 300-00-03", *LEAD, *CONSENT)
    assert ended == Ended(
        0, "dialed ahead of the queue as soon as a line and an operator are free\n", ""
    )
    assert world.ask("SELECT tier, state FROM queue_entries ORDER BY tier LIMIT 1") == [
        (0, "due")
    ]
    assert world.ask("SELECT purpose, evidence FROM consents WHERE evidence = 'form 7'") == [
        ("sales", "form 7")
    ]
    planned = orjson.loads(dialer("plan", "spring", "--json").out)
    assert [one["source"] for one in planned["calls"]] == ["hot", "first", "first"]


def test_a_lead_without_consent_is_told_why_it_is_not_dialed(dialer: Dialer) -> None:
    ended = dialer("lead", "+74953000003", *LEAD)
    assert ended.code == 1
    assert "not dialed now: no consent for this phone and purpose" in ended.err


def test_a_stopped_phone_is_refused_in_words(
    dialer: Dialer, people: Path, world: World
) -> None:
    dialer("import", "people.csv", "--list", "people")
    phone = world.ledger.find_phone("+74952000001")
    assert phone is not None
    world.ask(
        "INSERT INTO stops (phone_id, category, scope, added_at, origin)"
        " VALUES (%s, 'never', 'global', now(), 'test')",
        phone,
    )
    ended = dialer("lead", "+74952000001", *LEAD, *CONSENT)
    assert ended == Ended(1, "", "not dialed now: on the stop list\n")


def test_a_halted_dialer_is_said(dialer: Dialer) -> None:
    assert dialer("halt", DIALER_SWITCH_PASSWORD="x").code == 0
    ended = dialer("lead", "+74953000003", *LEAD, *CONSENT)
    assert ended == Ended(1, "", "not dialed now: the emergency stop is on\n")


# ------------------------------------------------------------------ plan, report, check


def test_plan_works_before_the_daemon_ever_ran(dialer: Dialer, people: Path) -> None:
    dialer("import", "people.csv", "--list", "people")
    ended = dialer("plan", "spring")
    assert ended.code == 0
    assert "+7495*****01" in ended.out
    assert "2000001" not in ended.out
    assert "consent for sales; open at any hour; tries 0 of 2 today, 0 of 4 in a week" in (
        ended.out
    )


def test_plan_follows_the_campaigns_file_when_it_has_changed(
    dialer: Dialer, people: Path, folder: Path
) -> None:
    dialer("import", "people.csv", "--list", "people")
    dialer("plan", "spring")
    rules = "order: priority\nrules: [{field: region, condition: present, weight: 10}]\n"
    (folder / "campaigns" / "spring.yaml").write_text(SPRING + rules)
    planned = orjson.loads(dialer("plan", "spring", "--json").out)
    assert [one["score"] for one in planned["calls"]] == [10, 0]  # the mobile has no region


def test_report_is_printed_written_and_json(dialer: Dialer, folder: Path) -> None:
    assert "no attempt has ended" in dialer("report", "spring").out
    told = orjson.loads(dialer("report", "spring", "--since", "7d", "--json").out)
    assert told["attempts"] == 0
    ended = dialer("report", "spring", "--html", "report.html")
    assert ended == Ended(0, "written: report.html\n", "")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "<h1>spring</h1>" in page


def test_check_says_what_it_has_seen(dialer: Dialer) -> None:
    ended = dialer("check")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "dialer.yaml: fine: 1 campaign, 2 numbers to show, 1 operator",
        "  spring: progressive, list people, group sales (1 operator),"
        " pool moscow (2 numbers, 140 calls a day, at most 160), sequential order",
        "the lists were looked at in the database",
    ]
    assert ended.err.splitlines() == [
        "warning: no data key is given (keys_file, or DIALER_DATA_KEYS_FILE): numbers,"
        " names, addresses and notes stand in the database in clear, and recordings in their"
        " folder (dialer keys new NAME)",
        "warning: spring: no calling windows: it dials at any hour of the day",
        "warning: spring: the list people is empty",
    ]


def test_check_holds_pools_and_rules_against_the_list(
    dialer: Dialer, people: Path, folder: Path
) -> None:
    dialer("import", "people.csv", "--list", "people")
    config = (folder / "dialer.yaml").read_text()
    small = '[{number: "+74951230001", soft_limit: 2, hard_limit: 2}]'
    config = config.replace('["+74951230001", "+74951230002"]', small)
    (folder / "dialer.yaml").write_text(config)
    rule = (
        "order: priority\nrules: [{field: fields.debt, condition: above, value: 1, weight: 5}]"
    )
    (folder / "campaigns" / "spring.yaml").write_text(SPRING + rule)
    warnings = dialer("check").err
    assert "a rule looks at fields.debt, but on its list no contact has it" in warnings
    assert (
        "pool moscow: 2 contacts are to be called once, with room for"
        " 2 calls a day on 1 number (100%)" in warnings
    )


@pytest.mark.parametrize(
    ("words", "changes", "said"),
    [
        (("--offline",), {}, "the database was not asked (--offline)"),
        ((), {"DIALER_POSTGRESQL_DSN": "postgresql://x@127.0.0.1:1/x"}, "was not asked: post"),
    ],
)
def test_check_is_fine_without_a_database_and_says_so(
    dialer: Dialer, words: tuple[str, ...], changes: dict[str, str], said: str
) -> None:
    ended = dialer("check", *words, **changes)
    assert ended.code == 0
    assert said in ended.out


def test_the_repositorys_own_examples_pass_the_check(
    dialer: Dialer, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(__file__).resolve().parents[2]
    monkeypatch.chdir(root)
    for name in ("dialer.yaml", "dialer.minimal.yaml", "demo.yaml"):
        ended = dialer("check", "--offline", "--config", f"config/{name}")
        assert ended.code == 0, ended.err


def test_verbs_of_the_stores_do_not_ask_for_the_switchs_password(
    dialer: Dialer, world: World
) -> None:
    """Who loads a list or reads a report need not know it."""
    assert dialer("report", "spring").code == 0
    assert dialer("plan", "spring").code == 0


def test_import_is_heard_by_whoever_waits_for_work(
    dialer: Dialer, people: Path, dsn: str
) -> None:
    """A daemon that sleeps on an empty queue is woken by the import itself."""
    dialer("plan", "spring")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("LISTEN dialer_work")
        dialer("import", "people.csv", "--list", "people")
        heard = [one.payload for one in connection.notifies(timeout=5, stop_after=1)]
    assert heard == ["spring"]
