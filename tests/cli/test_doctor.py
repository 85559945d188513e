"""`dialer doctor` judges: what it calls fine must be fine, what is wrong has its remedy.

The facts are values here; on a real switch: tests/switch/test_doctor_and_testcall.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from dialer.cli import doctor_numbers, doctor_stores, doctor_switch
from dialer.cli.findings import Finding, Level
from dialer.cli.main import cli
from dialer.core.model import GatewayName
from dialer.esl.facts import NEEDED_MODULES, UNWANTED_MODULES, SwitchFacts
from dialer.hopper import facts as redis_facts
from dialer.hopper.client import connect
from dialer.hopper.facts import RedisFacts
from dialer.ledger import facts as postgres_facts
from dialer.ledger.facts import PostgresFacts
from dialer.ledger.keyring import KeyUse
from dialer.ledger.migrate import migrate
from dialer.ledger.vault import DataKey
from dialer.settings.daemon import Settings
from dialer.settings.loading import load

DAEMON = """\
name: dialer1
switch: {user: dialer@dialer.local, domain: pbx.example, sounds: /nowhere}
gateways:
  a: {calls_per_s: 5, calls_at_once: 20, proxy: sip.a.example, register: true, username: u1}
pools:
  cities: {gateways: [a], numbers: ["+74950000101"], callback_extension: 101}
groups: {sales: }
operators: {anna: {extension: 101, groups: [sales]}}
"""

SWITCH = SwitchFacts(
    version="FreeSWITCH Version 1.11.2-release+git~2026 (git 3f13ad1 64bit)",
    forbidden=(),
    missing=(),
    shell=False,
    modules={
        **dict.fromkeys(NEEDED_MODULES, True),
        **dict.fromkeys(UNWANTED_MODULES, False),
    },
    calls_per_s=100,
    calls_at_once=2000,
    clock_offset_s=0.01,
    gateways={"a": {"State": "REGED", "Status": "UP", "Proxy": "sip:sip.a.example"}},
    sounds={},
    registered=frozenset({"101@pbx.example"}),
)
REDIS = RedisFacts(
    name="Valkey 9.1.0",
    version=(9, 1, 0),
    role="master",
    keeps_all=True,
    keeps_some=True,
    evicts="noeviction",
    latency_s=0.0002,
    clock_offset_s=-0.1,
)
POSTGRESQL = PostgresFacts(
    version=(18, 1),
    settings={
        "server_version": "18.1",
        "synchronous_commit": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "max_connections": "100",
    },
    replica=False,
    pending=(),
    clock_offset_s=0.0,
    latency_s=0.001,
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return made(tmp_path, DAEMON)


def made(folder: Path, text: str) -> Settings:
    (folder / "campaigns").mkdir(exist_ok=True)
    (folder / "dialer.yaml").write_text(text, encoding="utf-8")
    return load(
        folder / "dialer.yaml", environ={"DIALER_SWITCH_PASSWORD": "a'b\"c<d>&:$%"}
    ).settings


def told(found: Iterable[Finding]) -> list[tuple[Level, str]]:
    """What is not fine; each has a remedy."""
    wrong = [one for one in found if one.level is not Level.FINE]
    assert all(one.remedy for one in wrong)
    return [(one.level, one.what) for one in wrong]


def of_switch(facts: SwitchFacts, settings: Settings) -> list[tuple[Level, str]]:
    return told(
        [
            *doctor_switch.of_switch(facts, settings),
            *doctor_switch.of_gateways(facts, settings),
            *doctor_switch.of_phones(facts, settings),
        ]
    )


def test_all_is_fine(settings: Settings) -> None:
    assert of_switch(SWITCH, settings) == []
    assert told(doctor_stores.of_redis(REDIS)) == []
    assert told(doctor_stores.of_postgresql(POSTGRESQL)) == []


@pytest.mark.parametrize(
    ("changed", "level", "words"),
    [
        ({"version": "FreeSWITCH Version 1.10.12"}, Level.WARNING, "is FreeSWITCH 1.10.12"),
        ({"version": "?"}, Level.WARNING, "is FreeSWITCH ?"),
        ({"forbidden": ("uuid_bridge",)}, Level.FAILURE, "does not allow us uuid_bridge"),
        ({"missing": ("originate",)}, Level.FAILURE, "has no command originate"),
        ({"shell": True}, Level.WARNING, "runs programs for whoever"),
        ({"calls_per_s": 30}, Level.WARNING, "takes 30 new calls a second"),
        ({"calls_at_once": 500}, Level.WARNING, "takes 500 calls at once"),
        ({"clock_offset_s": 0.7}, Level.WARNING, "+0.70 s from ours"),
        ({"clock_offset_s": -3.0}, Level.FAILURE, "-3.00 s from ours"),
        ({"clock_offset_s": None}, Level.FAILURE, "sends us no event"),
        ({"registered": frozenset()}, Level.WARNING, "1 of 1 are not registered: anna"),
        ({"gateways": {"a": {}}}, Level.FAILURE, "is not known to the switch"),
        (
            {"gateways": {"a": {"State": "FAIL_WAIT", "Status": "DOWN"}}},
            Level.FAILURE,
            "is not registered (FAIL_WAIT)",
        ),
        (
            {"gateways": {"a": {"State": "REGED", "Status": "UP", "Proxy": "sip:1.2.3.4"}}},
            Level.WARNING,
            "leads to 1.2.3.4 on the switch",
        ),
        (
            {"modules": {**SWITCH.modules, "mod_sofia": False}},
            Level.FAILURE,
            "has not loaded mod_sofia",
        ),
        ({"modules": {**SWITCH.modules, "mod_lua": True}}, Level.WARNING, "has loaded mod_lua"),
    ],
)
def test_what_is_wrong_with_the_switch_is_one_finding(
    settings: Settings, changed: dict[str, Any], level: Level, words: str
) -> None:
    (found,) = of_switch(replace(SWITCH, **changed), settings)
    assert found[0] is level
    assert words in found[1]


@pytest.mark.parametrize(
    ("changed", "level", "words"),
    [
        ({"evicts": "allkeys-lru"}, Level.FAILURE, "forgets keys when memory is short"),
        ({"keeps_all": False}, Level.WARNING, "loses its data at a restart"),
        ({"role": "slave"}, Level.FAILURE, "is a slave"),
        ({"version": (5, 0, 7)}, Level.FAILURE, "is Valkey"),
        ({"latency_s": 0.03}, Level.WARNING, "answers in 30.0 ms"),
        ({"clock_offset_s": 3.0}, Level.FAILURE, "+3.00 s from ours"),
    ],
)
def test_what_is_wrong_with_redis(changed: dict[str, Any], level: Level, words: str) -> None:
    (found,) = told(doctor_stores.of_redis(replace(REDIS, **changed)))
    assert found[0] is level
    assert words in found[1]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"replica": True}, "is a replica"),
        ({"pending": ("0005_caller_stops",)}, "1 migrations are not applied"),
        ({"settings": {**POSTGRESQL.settings, "fsync": "off"}}, "fsync is off"),
        (
            {"settings": {**POSTGRESQL.settings, "synchronous_commit": "off"}},
            "synchronous_commit is off",
        ),
        ({"version": (12, 4)}, "is version 12.4"),
    ],
)
def test_what_is_wrong_with_postgresql(changed: dict[str, Any], words: str) -> None:
    (found,) = told(doctor_stores.of_postgresql(replace(POSTGRESQL, **changed)))
    assert found[0] is Level.FAILURE
    assert words in found[1]


@pytest.mark.parametrize(
    ("uses", "level", "words"),
    [
        (
            [("k2", 5, True, False), ("k1", 3, False, False)],
            Level.FAILURE,
            "3 texts are sealed",
        ),
        ([("k2", 5, True, False), ("k1", 3, True, True)], Level.FAILURE, "its time is over"),
        ([("k2", 5, True, False), ("k1", 3, True, False)], Level.WARNING, "by the data key k1"),
        ([("k2", 5, True, False), ("", 3, True, False)], Level.WARNING, "3 texts are in clear"),
    ],
)
def test_what_is_wrong_with_the_data_keys(
    uses: list[tuple[str, int, bool, bool]], level: Level, words: str
) -> None:
    """Told before the night in which nothing is dialed."""
    key = DataKey(id="k2", secret=b"k" * 32)
    found = told(doctor_stores.of_keys([KeyUse(*one) for one in uses], [key], date(2026, 1, 1)))
    assert found[0][0] is level
    assert words in found[0][1]


def test_data_keys_that_are_missing_or_end_soon_are_warnings() -> None:
    assert told(doctor_stores.of_keys([], [], date(2026, 1, 1)))[0][0] is Level.WARNING
    key = DataKey(id="k2", secret=b"k" * 32, ends_on=date(2026, 1, 20))
    uses = [KeyUse("k2", 5, True, False)]
    assert (
        "ends on 2026-01-20" in told(doctor_stores.of_keys(uses, [key], date(2026, 1, 1)))[0][1]
    )
    assert told(doctor_stores.of_keys(uses, [key], date(2025, 11, 1))) == []


def test_the_default_password_is_a_failure_wherever_it_stands(settings: Settings) -> None:
    """The whole world knows it: with it the switch is anybody's."""
    assert told(doctor_switch.of_password(settings, False)) == []
    assert told(doctor_switch.of_password(settings, True))[0][0] is Level.FAILURE
    ours = replace(settings, switch=replace(settings.switch, password="ClueCon"))
    assert told(doctor_switch.of_password(ours, None))[0][0] is Level.FAILURE


def test_an_event_socket_that_others_reach_is_told(settings: Settings) -> None:
    assert told(doctor_switch.of_reach(True, None)) == []
    assert told(doctor_switch.of_reach(True, True))[0][0] is Level.FAILURE
    assert told(doctor_switch.of_reach(False, None))[0][0] is Level.WARNING


def test_contracts_are_compared_both_ways(tmp_path: Path) -> None:
    """R1.10: not ours is never shown; paid for and not used is told."""
    (tmp_path / "a.txt").write_text("+74950000102\n+78000000101\n")
    text = DAEMON.replace("username: u1}", "username: u1, contract: a.txt}")
    settings = made(tmp_path, text + 'inbound_numbers: ["+78000000101"]\n')
    found = told(doctor_numbers.of_contracts(settings))
    assert found == [
        (Level.FAILURE, "1 numbers of the pools are not in it: +74950000101"),
        (Level.WARNING, "1 of its numbers are in no pool with this gateway: +74950000102"),
        (Level.FAILURE, "+74950000101 may be shown by no gateway"),
    ]
    assert GatewayName("a") in settings.trunks


def test_the_stores_of_the_tests_are_asked(
    fresh_redis: str, new_database: Callable[..., str]
) -> None:
    """The questions themselves, on real servers."""
    with connect(fresh_redis) as client:
        facts = redis_facts.ask(client)
    assert facts.version >= (6, 2)
    assert abs(facts.clock_offset_s) < 1.0
    dsn = new_database()
    assert postgres_facts.ask(dsn).pending
    migrate(dsn)
    asked = postgres_facts.ask(dsn)
    assert asked.pending == ()
    assert asked.settings["synchronous_commit"]


def test_what_cannot_be_reached_is_a_failure_and_the_rest_is_still_told(
    tmp_path: Path, settings: Settings
) -> None:
    words = ["doctor", "--json", "--config", str(tmp_path / "dialer.yaml")]
    nowhere = {
        "DIALER_SWITCH_PASSWORD": "x",
        "DIALER_SWITCH_PORT": "1",
        "DIALER_REDIS_URL": "redis://127.0.0.1:1/0",
        "DIALER_POSTGRESQL_DSN": "host=127.0.0.1 port=1 dbname=x connect_timeout=1",
    }
    done = CliRunner().invoke(cli, words, env=nowhere)
    assert done.exit_code == 1
    answer = orjson.loads(done.output)
    failed = {one["subject"] for one in answer["findings"] if one["level"] == "failure"}
    assert failed == {"switch", "redis", "postgresql"}
    assert answer["counts"]["failure"] == 3
