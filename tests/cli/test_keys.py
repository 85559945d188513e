"""`dialer keys`: a base is sealed, gets its next key, loses one (R7.3)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import psycopg
import pytest

from dialer.ledger.keyring import BATCH
from dialer.ledger.vault import MARK, new_entry
from tests.cli.conftest import Ended
from tests.contract.ledger.world import World

Dialer = Callable[..., Ended]
CSV = "name,phone,email\nПётр Неповторимый,+74952000001,petr.n@example.com\n"


def test_keys_from_the_first_to_the_next(dialer: Dialer, folder: Path) -> None:
    """The whole way of an engineer, by the verbs alone."""
    ring, people = folder / "data-keys", folder / "people.csv"
    ring.touch(0o640)
    people.write_text(CSV)
    variables = {"DIALER_LOOKUP_KEY": "a lookup secret", "DIALER_DATA_KEYS_FILE": str(ring)}
    made = [dialer("keys", "new", name).out for name in ("first", "second")]
    ring.write_text(made[0])
    ended = dialer("import", "people.csv", "--list", "people", **variables)
    assert ended.code == 0, ended.err
    assert dialer("keys", "show", **variables).out == "first: 3 texts (seals)\n"
    assert "no data key is given" not in dialer("check", **variables).err
    ring.write_text("".join(reversed(made)))
    ended = dialer("keys", "rotate", **variables)
    assert ended.code == 0, ended.err
    assert ended.out.splitlines() == [
        "2 rows sealed under the first key",
        "the key first seals nothing any more: it may be taken out of the ring",
    ]
    ring.write_text(made[1])
    exported = dialer("export", "+74952000001", **variables)
    found = orjson.loads(exported.out)
    assert found["phones"][0]["digits"] == "+74952000001"
    assert found["contacts"][0]["email"] == "petr.n@example.com"
    assert MARK not in exported.out
    assert "\\u000e" not in exported.out
    ring.write_text(made[0])
    shown = dialer("keys", "show", **variables)
    assert shown.code == 1
    assert "second: 3 texts: this key is missing" in shown.out
    lost = dialer("export", "+74952000001", **variables)
    assert lost.code == 1
    assert "the data key second is not among the keys" in lost.err


def test_a_verb_without_the_services_variables_writes_nobody_in_clear(
    dialer: Dialer, folder: Path
) -> None:
    (folder / "people.csv").write_text(CSV)
    keys = {"DIALER_LOOKUP_KEY": "a lookup secret", "DIALER_DATA_KEYS": new_entry("k1")}
    assert dialer("import", "people.csv", "--list", "people", **keys).code == 0
    ended = dialer("import", "people.csv", "--list", "people")
    assert ended.code == 1
    assert "no data key is given" in ended.err


def test_what_is_wrong_with_the_keys_is_a_sentence(dialer: Dialer, folder: Path) -> None:
    entry = new_entry("k1")
    ended = dialer("keys", "show", DIALER_DATA_KEYS=entry)
    assert ended.code == 2
    assert ended.err.startswith("DIALER_LOOKUP_KEY: is not set")
    both = dialer("keys", "show", DIALER_DATA_KEYS=entry, DIALER_DATA_KEYS_FILE="x")
    assert "keep one of them" in both.err
    gone = dialer("keys", "show", DIALER_DATA_KEYS_FILE=str(folder / "gone"))
    assert (gone.code, "cannot be read: No such file" in gone.err) == (2, True)
    broken = dialer("check", DIALER_DATA_KEYS="secretsecret")
    assert (broken.code, "secretsecret" in broken.err + broken.out) == (2, False)


# ------------------------------------------------------------------ the files of dialer.yaml


@pytest.fixture
def filed(folder: Path) -> Path:
    """dialer.yaml names both files; the ring."""
    ring, lookup = folder / "data-keys", folder / "lookup"
    for path, text in ((ring, new_entry("k1")), (lookup, "a lookup secret\n")):
        path.touch(0o640)
        path.write_text(text)
    config = folder / "dialer.yaml"
    config.write_text(config.read_text() + "keys_file: data-keys\nlookup_key_file: lookup\n")
    return ring


def test_the_keys_come_from_the_files_that_the_configuration_names(
    dialer: Dialer, folder: Path, filed: Path
) -> None:
    (folder / "people.csv").write_text(CSV)
    assert dialer("import", "people.csv", "--list", "people").code == 0
    assert dialer("keys", "show").out == "k1: 3 texts (seals)\n"
    env = {"DIALER_LOOKUP_KEY": "another secret"}
    assert dialer("export", "+74952000001", **env).code == 1, "the environment is first"


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_file_that_others_may_read_or_change_is_refused(
    dialer: Dialer, filed: Path, mode: int
) -> None:
    filed.chmod(mode)
    for verb in (("check", "--offline"), ("keys", "show")):
        ended = dialer(*verb)
        assert ended.code == 2
        assert f"data-keys: is open to others (mode {mode:04o}) (chmod 640: root" in ended.err
        assert filed.read_text()[3:20] not in ended.err


def test_a_file_of_somebody_else_is_refused(dialer: Dialer, filed: Path) -> None:
    try:
        os.chown(filed, 12_345, -1)
    except PermissionError:
        pytest.skip("only root can give a file away")
    ended = dialer("keys", "show")
    assert (ended.code, "belongs to user 12345" in ended.err) == (2, True)


def test_where_the_files_are_not_the_configuration_can_be_checked_all_the_same(
    dialer: Dialer, filed: Path
) -> None:
    filed.unlink()
    ended = dialer("check", "--offline")
    assert ended.code == 0
    assert "is not on this machine: the data keys were not looked at" in ended.err


def test_a_key_that_will_end_is_told_in_time_and_one_that_has_ended_destroys_nothing(
    dialer: Dialer, folder: Path, filed: Path
) -> None:
    (folder / "people.csv").write_text(CSV)
    assert dialer("import", "people.csv", "--list", "people").code == 0
    entry = filed.read_text().strip()
    today = datetime.now(UTC).date()
    filed.write_text(f"{entry}:{today + timedelta(days=20)}")
    warned = dialer("check", "--offline")
    assert f"the data key k1 ends on {today + timedelta(days=20)}" in warned.err
    filed.write_text(f"{entry}:{today}")
    ended = dialer("export", "+74952000001")
    assert (ended.code, "the data key k1 ended on" in ended.err) == (1, True)
    refused = dialer("import", "people.csv", "--list", "other")
    assert refused.code == 1
    filed.write_text(f"{new_entry('k2')}\n{entry}:{today}")
    assert "2 rows sealed under the first key" in dialer("keys", "rotate").out
    assert "petr.n@example.com" in dialer("export", "+74952000001").out


# ------------------------------------------------------------------ a rotation that is killed


def test_a_rotation_killed_half_way_goes_on_where_it_stood(
    dialer: Dialer, folder: Path, filed: Path, environ: dict[str, str], world: World
) -> None:
    """kill -9 between two of its transactions: each row is sealed by the one key or the other,
    none is lost, and the next run seals the rest.
    """
    count = BATCH + 200
    lines = "".join(f"P {n},+7495{2_000_000 + n},\n" for n in range(count))
    (folder / "people.csv").write_text(f"name,phone,email\n{lines}")
    assert dialer("import", "people.csv", "--list", "people").code == 0
    filed.write_text(f"{new_entry('k2')}\n{filed.read_text()}")
    sealed_by = "SELECT count(*) FROM phones WHERE split_part(digits, ':', 2) = %s"
    with psycopg.connect(world.dsn) as blocker:
        # It stands before the first row of its second transaction, and there it is killed.
        blocker.execute("SELECT FROM phones WHERE id = (SELECT max(id) FROM phones) FOR UPDATE")
        command = [sys.executable, "-m", "dialer", "keys", "rotate"]
        rotation = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environ},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: world.one(sealed_by, "k2") == BATCH)
        finally:
            rotation.kill()
            rotation.wait()
    wait_until(lambda: world.one(OTHERS) == 0)
    assert (world.one(sealed_by, "k1"), world.one(sealed_by, "k2")) == (200, BATCH)
    shown = dialer("keys", "show")
    assert shown.code == 0
    assert f"k1: {200 + count} texts" in shown.out
    for digits in ("+74952000000", f"+7495{2_000_000 + count - 1}"):
        assert digits in dialer("export", digits).out
    ended = dialer("keys", "rotate")
    assert ended.out.splitlines() == [
        f"{200 + count} rows sealed under the first key",
        "the key k1 seals nothing any more: it may be taken out of the ring",
    ]
    assert world.one(sealed_by, "k2") == count


#: Other programs that are inside a transaction in this base.
OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
)


def wait_until(done: Callable[[], bool]) -> None:
    """Looks again and again; 60 s is a machine on which nothing moves."""
    deadline = time.monotonic() + 60
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
