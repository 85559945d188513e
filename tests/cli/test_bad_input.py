"""What a person would lose: one clear sentence and the right exit code for each mistake."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ended

Dialer = Callable[..., Ended]

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
LEAD = ("--campaign", "spring")
ROW = "+74952000001\n"


@pytest.mark.parametrize(
    "words",
    [
        ("migrate",),
        ("report", "spring"),
        ("plan", "spring"),
        ("import", "people.csv", "--list", "people"),
        ("lead", "+74953000003", *LEAD),
    ],
)
def test_an_unreachable_database_is_one_sentence_with_a_remedy(
    dialer: Dialer, folder: Path, words: tuple[str, ...]
) -> None:
    (folder / "people.csv").write_text("phone\n" + ROW)
    ended = dialer(*words, DIALER_POSTGRESQL_DSN=NOWHERE)
    assert ended.code == 1
    (line,) = ended.err.splitlines()
    assert line.startswith("dialer: postgresql: ")
    assert "check that PostgreSQL runs" in line


def test_an_unreachable_redis_does_not_lose_the_lead(dialer: Dialer) -> None:
    """The lead is in the ledger: a daemon finds it by itself."""
    words = ("lead", "+74953000003", *LEAD, "--consent-at", "2026-01-01", "--evidence", "f")
    ended = dialer(*words, DIALER_REDIS_URL="redis://127.0.0.1:1/0")
    assert ended.code == 0
    assert "the daemons could not be told" in ended.err
    assert "dialed ahead of the queue" in ended.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("report", "sprng"), "there is no campaign 'sprng' (did you mean 'spring'?)"),
        (("plan", "x\x1b[2J"), "there is no campaign 'x?[2J'"),
        (("report", "spring", "--since", "soon"), "--since: is no time"),
        (("report", "spring", "--since", "2100-01-01"), "--since: lies in the future"),
        (("report", "spring", "--html", "no/such/folder/r.html"), "cannot be written"),
        (("import", "none.csv", "--list", "people"), "none.csv: cannot be read"),
        (("import", "people.csv", "--list", " "), "--list: is empty"),
        (("import", "people.csv", "--list", "p", "--mapping", "none.yaml"), "none.yaml"),
        (("import", "names.csv", "--list", "people"), "names.csv:1: no column is a phone"),
        (("import", "empty.csv", "--list", "people"), "empty.csv: holds no rows"),
        (
            ("import", "people.csv", "--list", "p", "--rejected", "no/r.csv"),
            "cannot be written",
        ),
        (("lead", "+7916,sofia/gateway/x/900", *LEAD), "phone: holds characters that do not"),
        (("lead", "112", *LEAD), "phone: "),
        (("lead", "+74951230001", *LEAD), "phone: is "),
        (("lead", "+74953000003", "--campaign", "autumn"), "there is no campaign 'autumn'"),
        (("lead", "+74953000003", *LEAD, "--consent-at", "soon"), "--consent-at: is no date"),
        (
            ("lead", "+74953000003", *LEAD, "--consent-at", "2026-01-01"),
            "--evidence: is missing",
        ),
        (("lead", "+74953000003", *LEAD, "--evidence", "form"), "--consent-at: is missing"),
        (("check", "--config", "none.yaml"), "none.yaml"),
    ],
)
def test_what_is_written_wrong_ends_with_2_and_says_where(
    dialer: Dialer, folder: Path, words: tuple[str, ...], sentence: str
) -> None:
    (folder / "people.csv").write_text("phone\n" + ROW)
    (folder / "names.csv").write_text("who,where\nАнна,Москва\n", encoding="utf-8")
    (folder / "empty.csv").write_text("")
    ended = dialer(*words)
    assert ended.code == 2
    assert sentence in ended.err
    assert "Traceback" not in ended.out + ended.err
    assert "\x1b" not in ended.out + ended.err
    assert "3000003" not in ended.err


def test_a_wrong_yaml_names_file_line_and_column(dialer: Dialer, folder: Path) -> None:
    (folder / "campaigns" / "spring.yaml").write_text("list: people\ngruop: sales\npool: x\n")
    ended = dialer("check", "--offline")
    assert ended.code == 2
    assert "campaigns/spring.yaml:2:1: " in ended.err
    assert "there is no pool 'x'" in ended.err  # all problems at once


def test_an_address_that_is_a_secret_elsewhere_is_never_guessed(
    dialer: Dialer, folder: Path
) -> None:
    """libpq would take an empty address for the login's own database: a wrong one."""
    config = (folder / "dialer.yaml").read_text()
    (folder / "dialer.yaml").write_text(config + "postgresql: {dsn_env: NOT_SET_HERE}\n")
    ended = dialer("migrate", DIALER_POSTGRESQL_DSN="")
    assert ended.code == 2
    assert "the environment variable NOT_SET_HERE is not set" in ended.err
    checked = dialer("check", DIALER_POSTGRESQL_DSN="")
    assert checked.code == 0
    assert "its address is a secret that is not here" in checked.out


def test_a_broken_row_costs_one_row(dialer: Dialer, folder: Path) -> None:
    rows = 'phone;name\n+74952000001;Анна\n+74952000002;"не закрыта\n+74952000003;Пётр\n'
    (folder / "broken.csv").write_text(rows, encoding="utf-8")
    ended = dialer("import", "broken.csv", "--list", "people", "--json")
    assert ended.code == 0
    assert '"contacts_added":2' in ended.out
    assert '"line":3' in ended.out


def test_an_options_mistake_is_clicks_own_sentence(dialer: Dialer) -> None:
    ended = dialer("import", "people.csv")
    assert ended.code == 2
    assert "Missing option '--list'" in ended.err
