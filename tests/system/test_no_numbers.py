"""R7.5: logs, metrics and status hold no full number and no name; the base holds them sealed.

Losing this, whoever reads the log of a night (support, a log server, a screenshot of a
dashboard) has the list of people.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest

from dialer.ledger.vault import MARK, new_entry
from tests.system.books import balance
from tests.system.conftest import Run

pytestmark = [pytest.mark.system, pytest.mark.timeout(150)]

#: The people of `Run`: +74951000000 and up, "Contact 7"; with or without the plus.
PEOPLE = re.compile(r"7495100\d{4}|Contact \d")


def test_logs_metrics_and_status_name_nobody(
    run: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole campaign, sealed at rest, is dialed as ever."""
    ring = tmp_path / "data-keys"
    ring.write_text(new_entry("k1"))
    ring.chmod(0o640)
    monkeypatch.setenv("DIALER_DATA_KEYS_FILE", str(ring))
    monkeypatch.setenv("DIALER_LOOKUP_KEY", "a lookup secret")
    begun = run(contacts=80)
    begun.wait_for_calls(40)
    settings = begun.rehearsal.loaded.settings
    listen = settings.http_listen
    told = [str(begun.presence.statuses())]
    for page in ("metrics", "healthz"):
        with urlopen(f"http://{listen.host}:{listen.port}/{page}") as answer:
            told.append(answer.read().decode())
    begun.rehearsal.drain()
    books = balance(begun.rehearsal, least_gap_s=0.0)
    assert not books.wrong, "\n".join(books.wrong[:20])
    told.append(begun.rehearsal.log.read_text(encoding="utf-8"))
    assert all(len(text) > 100 for text in told)
    assert not [found for text in told for found in PEOPLE.findall(text)]
    with psycopg.connect(settings.postgresql_dsn) as connection:
        rows = connection.execute("SELECT digits FROM phones").fetchall()
    assert len(rows) == 80
    assert all(text.startswith(f"{MARK}1:k1:") for (text,) in rows)
