"""A configuration of one's own, on the tests' PostgreSQL and Redis; verbs run in-process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import structlog
from click.testing import CliRunner

from dialer.cli.main import cli
from tests.contract.ledger.conftest import dsn, ledger, migrated_dsn, world

__all__ = ["dsn", "ledger", "migrated_dsn", "world"]

CONFIG = """
name: first
gateways:
  alpha: {calls_per_s: 5, calls_at_once: 20}
pools:
  moscow:
    gateways: [alpha]
    numbers: ["+74951230001", "+74951230002"]
groups:
  sales:
operators:
  anna: {extension: 101, endpoint: user/101@pbx.example, groups: [sales]}
campaigns: campaigns
"""

SPRING = """
list: people
group: sales
pool: moscow
purpose: sales
consent: required
default_zone: Europe/Moscow
"""


class Ended(NamedTuple):
    """How a verb ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """dialer.yaml and campaigns/spring.yaml."""
    (tmp_path / "dialer.yaml").write_text(CONFIG)
    (tmp_path / "campaigns").mkdir()
    (tmp_path / "campaigns" / "spring.yaml").write_text(SPRING)
    return tmp_path


@pytest.fixture
def environ(
    folder: Path, dsn: str, fresh_redis: str, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """What the verbs see; the switch's password is not among it."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DIALER_SWITCH_PASSWORD", raising=False)
    return {
        "DIALER_CONFIG": "dialer.yaml",
        "DIALER_POSTGRESQL_DSN": dsn,
        "DIALER_REDIS_URL": fresh_redis,
    }


@pytest.fixture
def dialer(environ: dict[str, str]) -> Iterator[Callable[..., Ended]]:
    """`dialer("report", "spring", "--json")`; fails where a traceback would be shown."""

    def run(*words: str, **changes: str) -> Ended:
        result = CliRunner().invoke(cli, list(words), env={**environ, **changes})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise AssertionError("a traceback instead of a sentence") from result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    yield run
    structlog.reset_defaults()
