"""`dialer keys`: a base is sealed, gets its next key, loses one (R7.3)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson

from dialer.ledger.vault import MARK, new_entry
from tests.cli.conftest import Ended

Dialer = Callable[..., Ended]
CSV = "name,phone,email\nПётр Неповторимый,+74952000001,petr.n@example.com\n"


def test_keys_from_the_first_to_the_next(dialer: Dialer, folder: Path) -> None:
    """The whole way of an engineer, by the verbs alone."""
    ring, people = folder / "data-keys", folder / "people.csv"
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
