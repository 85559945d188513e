"""A backup is restored and the daemon started: nobody is dialed who has stopped us since.

The judge is the switch's own record. The daemon before the restore was killed with -9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import gevent
import psycopg
import pytest
from psycopg import sql

from dialer.app import make_ledger, make_presence
from dialer.cli.rehearsal import Rehearsal, Rehearsed
from dialer.cli.robots import Robots
from dialer.settings.columns import ColumnMapping
from dialer.settings.csv_rows import open_contacts
from dialer.settings.phones import PhoneReader
from tests.conftest import create_database
from tests.system.conftest import CAMPAIGN, CONFIG, FAST

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

PEOPLE, STOPPED, ERASED = 40, range(5), range(5, 8)


def phone(n: int) -> str:
    return f"+7495{1_000_000 + n}"


@pytest.fixture
def rehearsal(tmp_path: Path) -> Iterator[Rehearsal]:
    people = "".join(f"  op{n}: {{extension: {100 + n}, groups: [sales]}}\n" for n in range(8))
    config = tmp_path / "dialer.yaml"
    (tmp_path / "crash.yaml").write_text(CAMPAIGN.replace("{mode}", "progressive"))
    config.write_text(CONFIG + people + "campaigns: crash.yaml\n", encoding="utf-8")
    rows = "".join(f"Contact {n},{phone(n)}\n" for n in range(PEOPLE))
    (tmp_path / "base.csv").write_text("name,phone\n" + rows, encoding="utf-8")
    wanted = Rehearsed(
        config=config, campaign_files=(), operators=None, seed=7, time_scale=FAST
    )
    with Rehearsal(wanted) as begun:
        ledger = make_ledger(begun.loaded.settings, migrate=True)
        ledger.open()
        contacts = open_contacts(tmp_path / "base.csv", ColumnMapping(), PhoneReader())
        ledger.import_rows("base", contacts.rows(), source="test", now=datetime.now(UTC))
        ledger.close()
        yield begun


def test_nobody_who_stopped_us_after_the_backup_is_dialed_from_it(
    rehearsal: Rehearsal,
) -> None:
    base = urlsplit(rehearsal.loaded.settings.postgresql_dsn).path.strip("/")
    copy_base(rehearsal, "backup", of=base)
    rehearsal.start_daemon()  # nobody is logged in: it dials nothing
    wait_for(lambda: bool(journal(rehearsal)), "a journal")
    say(rehearsal)
    wanted = len(STOPPED) + 2 * len(ERASED)
    wait_for(lambda: journal(rehearsal).count('"word"') == wanted, "every word")
    assert rehearsal.daemon is not None
    rehearsal.daemon.kill()
    rehearsal.daemon.wait()
    copy_base(rehearsal, base, of="backup")
    rehearsal.start_daemon()
    settings = rehearsal.loaded.settings
    robots = Robots(
        make_presence(settings),
        settings.instance,
        list(settings.operators),
        seed=7,
        time_scale=FAST,
    )
    at_work = gevent.spawn(robots.run)
    try:
        # The silenced stand first on the list: whoever comes behind them is called after them.
        wait_for(lambda: len(dialed(rehearsal) - silenced()) >= 10, "calls to the others")
    finally:
        gevent.kill(at_work)
    assert not dialed(rehearsal) & silenced()
    assert "the database is older than the journal" in rehearsal.log.read_text()
    with psycopg.connect(settings.postgresql_dsn) as connection:
        row = connection.execute(
            "SELECT count(*) FROM phones WHERE digits = '' AND state_reason = 'erased'"
        ).fetchone()
    assert row == (len(ERASED),)


def silenced() -> set[str]:
    return {phone(n)[-10:] for n in (*STOPPED, *ERASED)}


def say(rehearsal: Rehearsal) -> None:
    """By the ledger, as the verbs do."""
    ledger, now = make_ledger(rehearsal.loaded.settings), datetime.now(UTC)
    ledger.open()
    try:
        for n in (*STOPPED, *ERASED):
            known = ledger.find_or_add_phone(phone(n))
            ledger.add_stop(known, origin="a letter", now=now)
            if n in ERASED:
                ledger.erase_person(known, by="test", now=now)
    finally:
        ledger.close()


def journal(rehearsal: Rehearsal) -> str:
    folder = Path(rehearsal.environment["DIALER_STATE"]) / "words"
    return "".join(path.read_text() for path in folder.rglob("*.jsonl"))


def dialed(rehearsal: Rehearsal) -> set[str]:
    return {
        str(one["destination"])[-10:]
        for one in rehearsal.records()
        if one["event"] == "originated" and one.get("attempt")
    }


def copy_base(rehearsal: Rehearsal, name: str, *, of: str) -> None:
    """What a dump and its restore come to: the database `name` is `of` as it stands."""
    server = urlunsplit(urlsplit(rehearsal.postgres.dsn)._replace(path="/template1"))
    with psycopg.connect(server, autocommit=True) as connection:
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(drop.format(sql.Identifier(name)))
    create_database(server, name, of)


def wait_for(true: Callable[[], bool], what: str) -> None:
    with gevent.Timeout(60, AssertionError(f"never seen: {what}")):
        while not true():
            gevent.sleep(0.05)
