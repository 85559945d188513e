"""Bad input at the real command line: one clear sentence or a visible held-back state.

What a user would lose: an evening with a traceback, or a dialer that stands still and does not
say why. Commands, servers, switch and daemon are real processes. tests/cli asks the same of
many more words, inside one process.
"""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from tests.contract.ledger.conftest import dsn, migrated_dsn
from tests.rooms.esl.scripted import Connection, ScriptedSwitch, reply
from tests.system.commands import (
    CAMPAIGN,
    CONFIG,
    Daemon,
    Dialer,
    daemon,
    dialer,
    environ,
    folder,
    free_port,
    originated,
    people,
    switch,
)

__all__ = ["daemon", "dialer", "dsn", "environ", "folder", "migrated_dsn", "switch"]

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

NOWHERE = {
    "redis": {"DIALER_REDIS_URL": "redis://127.0.0.1:1/0"},
    "postgresql": {"DIALER_POSTGRESQL_DSN": "postgresql://nobody@127.0.0.1:1/nothing"},
}


# ------------------------------------------------------------------ what is written wrong


@pytest.mark.parametrize("verb", ["check", "run"])
def test_a_wrong_yaml_is_told_whole_with_its_places(
    dialer: Dialer, folder: Path, verb: str
) -> None:
    """Every mistake of both files at once: who mends one must not find the next by running."""
    config = CONFIG.replace("groups: [sales]", "groups: [sales], extention: 5")
    (folder / "dialer.yaml").write_text(config, encoding="utf-8")
    campaign = CAMPAIGN.replace("ratio: 3", "ratio: many\nring_timeout: 25")
    (folder / "spring.yaml").write_text(campaign, encoding="utf-8")
    ended = dialer(verb)
    assert ended.code == 2
    told = "\n".join(ended.sentences)
    assert re.search(r"^dialer\.yaml:12:\d+: .*extention", told, re.MULTILINE)
    assert re.search(r"^spring\.yaml:7:\d+: ratio", told, re.MULTILINE)
    assert re.search(r"^spring\.yaml:8:\d+: ring_timeout.*25s", told, re.MULTILINE)
    assert len(ended.sentences) == 3


def test_what_is_no_yaml_at_all_is_one_sentence(dialer: Dialer, folder: Path) -> None:
    (folder / "spring.yaml").write_text("list: [people\ngroup: sales\n", encoding="utf-8")
    ended = dialer("check")
    assert ended.code == 2
    (line,) = ended.sentences
    assert re.match(r"spring\.yaml:\d+:\d+: ", line)


def test_an_unknown_gateway_is_told_at_its_place_with_the_nearest(
    dialer: Dialer, folder: Path
) -> None:
    campaign = CAMPAIGN + "gateways: [alhpa]\n"
    (folder / "spring.yaml").write_text(campaign, encoding="utf-8")
    ended = dialer("run")
    assert ended.code == 2
    (line,) = ended.sentences
    assert re.match(r"spring\.yaml:9:\d+: gateways.0: there is no gateway 'alhpa'", line)
    assert "did you mean 'alpha'" in line


def test_a_campaign_whose_group_has_no_operators_does_not_start(
    dialer: Dialer, folder: Path
) -> None:
    config = CONFIG.replace("groups:\n", "groups:\n  night:\n")
    (folder / "dialer.yaml").write_text(config, encoding="utf-8")
    campaign = CAMPAIGN.replace("group: sales", "group: night")
    (folder / "spring.yaml").write_text(campaign, encoding="utf-8")
    ended = dialer("run")
    assert ended.code == 2
    (line,) = ended.sentences
    assert re.match(r"spring\.yaml:2:\d+: group: the group 'night' has no operators", line)
    assert "groups: [night]" in line


# ------------------------------------------------------------------ what is not there


@pytest.mark.parametrize(
    ("store", "words"),
    [
        ("redis", ("run",)),
        ("postgresql", ("run",)),
        ("redis", ("operator", "ready", "op1")),
        ("postgresql", ("plan", "spring")),
    ],
)
def test_an_unreachable_store_is_one_sentence_with_a_remedy(
    dialer: Dialer, store: str, words: tuple[str, ...]
) -> None:
    """At the start nothing is half done: no daemon that runs and cannot dial."""
    ended = dialer(*words, **NOWHERE[store])
    assert ended.code == 1
    (line,) = ended.sentences
    assert line.startswith(f"dialer: {store}: ")
    assert "running?" in line or "check that PostgreSQL runs" in line


@pytest.mark.parametrize("store", ["redis", "postgresql"])
def test_a_stores_wrong_password_is_named_and_not_shown(
    dialer: Dialer, environ: dict[str, str], store: str
) -> None:
    variable = {"redis": "DIALER_REDIS_URL", "postgresql": "DIALER_POSTGRESQL_DSN"}[store]
    wrong = re.sub(r":[^:@/]+@", ":not-the-password@", environ[variable])
    assert wrong != environ[variable]
    ended = dialer("run", **{variable: wrong})
    assert ended.code == 1
    (line,) = ended.sentences
    assert line.startswith(f"dialer: {store}: ")
    assert "password" in line
    assert "not-the-password" not in ended.out + ended.err


def test_the_switchs_wrong_password_ends_the_start(
    dialer: Dialer, switch: Callable[..., int]
) -> None:
    port = switch()
    ended = dialer("run", DIALER_SWITCH_PORT=str(port), DIALER_SWITCH_PASSWORD="wrong-one")
    assert ended.code == 1
    (line,) = ended.sentences
    assert f"the switch at 127.0.0.1:{port} refused the password" in line
    assert "event_socket.conf.xml" in line
    assert "wrong-one" not in ended.out + ended.err


def test_no_password_at_all_says_where_it_may_stand(dialer: Dialer) -> None:
    ended = dialer("run", DIALER_SWITCH_PASSWORD="")
    assert ended.code == 2
    (line,) = ended.sentences
    assert line.startswith("dialer.yaml:2:")
    assert "DIALER_SWITCH_PASSWORD" in line


def test_a_second_daemon_on_the_same_address_is_told(
    dialer: Dialer, environ: dict[str, str]
) -> None:
    """Two daemons from one file: the second one's /metrics would be the first one's."""
    host, _, port = environ["DIALER_HTTP_LISTEN"].partition(":")
    with socket.create_server((host, int(port))):
        ended = dialer("run")
    assert ended.code == 2
    (line,) = ended.sentences
    assert line.startswith(f"http: cannot listen on {host}:{port}")


def test_a_switch_that_is_not_there_yet_is_a_held_back_state(
    dialer: Dialer, daemon: Callable[[int], Daemon]
) -> None:
    """It may be started later: the daemon waits, and says for what."""
    daemon(1).wait_for("held back", lambda status: "switch_blind" in status["held_back_by"])
    ended = dialer("status")
    assert ended.code == 1
    assert "NOT USABLE" in ended.out
    assert "switch_blind" in ended.out


# ------------------------------------------------------------------ files of contacts


def test_a_dirty_file_in_cp1251_loses_its_bad_rows_only(dialer: Dialer, folder: Path) -> None:
    """Dial string, line break in a name, broken row, emergency number; and then the plan."""
    text = (
        "Телефон;ФИО\n"
        "+7 495 200-00-01;Анна\n"
        "+7916,sofia/gateway/x/900;Зоя\n"
        '+7 495 200-00-04;"Жанна\r\n\x1b[2Jвторая"\n'
        '+7 495 200-00-06;"Роман\n'
        "112;Иван\n"
        "+7 495 200-00-08;Пётр\n"
    )
    (folder / "people.csv").write_bytes(text.encode("cp1251"))
    ended = dialer("import", "people.csv", "--list", "people")
    assert ended.code == 0
    assert "CP1251" in ended.out
    assert ended.sentences == [
        "people.csv:3: phone holds characters that do not belong in a phone number",
        "people.csv:6: a quote is opened and not closed, or text follows a closed one",
        "people.csv:7: phone is not a valid phone number",
    ]
    planned = orjson.loads(dialer("plan", "spring", "--json").out)
    assert [call["phone"][-2:] for call in planned["calls"]] == ["01", "04", "08"]
    assert "\x1b" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("phone\n+74952000001\n".encode("utf-16"), "people.csv: is UTF-16"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "people.csv:1: no column is a phone"),
    ],
)
def test_a_file_that_holds_no_contacts_loads_nothing(
    dialer: Dialer, folder: Path, content: bytes, sentence: str
) -> None:
    (folder / "people.csv").write_bytes(content)
    ended = dialer("import", "people.csv", "--list", "people")
    assert ended.code == 2
    (line,) = ended.sentences
    assert line.startswith(sentence)


# ------------------------------------------------------------------ nothing can be dialed


def test_without_an_operator_at_work_the_campaign_says_so(
    dialer: Dialer, folder: Path, switch: Callable[..., int], daemon: Callable[[int], Daemon]
) -> None:
    people(folder, 5)
    assert dialer("import", "people.csv", "--list", "people").code == 0
    running = daemon(switch())
    running.wait_for(
        "no operators",
        lambda status: "no operator" in status["campaigns"].get("spring", {}).get("why", ""),
    )
    assert "no operator is logged in" in " ".join(dialer("status").out.split())
    assert not originated(folder)


def test_a_pool_used_up_is_seen_in_status_and_plan(
    dialer: Dialer, folder: Path, switch: Callable[..., int], daemon: Callable[[int], Daemon]
) -> None:
    """Three calls a day and twenty contacts: three are called, seventeen are told why not."""
    people(folder, 20)
    assert dialer("import", "people.csv", "--list", "people").code == 0
    running = daemon(switch())
    running.wait_for("at work", lambda status: status["phase"] == "running")
    assert dialer("operator", "login", "op1").code == 0
    status = running.wait_for(
        "used up",
        lambda status: (
            status["pools"]["cities"]["used_up"]
            and "used up" in status["campaigns"]["spring"]["why"]
            and not sum(status["campaigns"]["spring"]["calls"].values())
        ),
    )
    assert status["pools"]["cities"]["used"] == 3
    assert len(originated(folder)) == 3
    assert "pool cities 3 used, 0 left (100%)" in " ".join(dialer("status").out.split())
    planned = orjson.loads(dialer("plan", "spring", "--json").out)
    assert planned["calls"] == []
    assert planned["held_back"]["pool_used_up"]["contacts"] >= 17
    assert any("used up" in note for note in planned["notes"])


def test_a_gateway_that_the_switch_does_not_know_is_a_held_back_state(
    dialer: Dialer, folder: Path, switch: Callable[..., int], daemon: Callable[[int], Daemon]
) -> None:
    """A typing error between dialer.yaml and FreeSWITCH: nobody is charged a try for it."""
    people(folder, 20)
    assert dialer("import", "people.csv", "--list", "people").code == 0
    running = daemon(switch(gateway="beta"))
    running.wait_for("at work", lambda status: status["phase"] == "running")
    assert dialer("operator", "login", "op1").code == 0
    running.wait_for("the gateway down", lambda status: not status["gateways"]["alpha"]["up"])
    told = " ".join(dialer("status").out.split())
    assert "alpha DOWN" in told
    planned = orjson.loads(dialer("plan", "spring", "--json").out)
    assert planned["pool"]["used"] == 0


# ------------------------------------------------------------------ seen at once


def test_a_second_daemon_of_one_name_waits_and_says_who_has_it(
    switch: Callable[..., int],
    daemon: Callable[..., Daemon],
    dialer: Dialer,
    environ: dict[str, str],
) -> None:
    """Status, health and metric name the remedy; the first one's calls are left alone."""
    port = switch()
    first = daemon(port)
    first.wait_for("dialing", lambda status: status["phase"] == "running")
    listen = f"127.0.0.1:{free_port()}"
    second = daemon(port, DIALER_HTTP_LISTEN=listen)
    name = f"bad+{second.process.pid}"
    status = second.wait_for("that it waits", lambda status: bool(status), name)
    told = status["held_back_by"]["name_taken"]
    assert f"pid {first.process.pid}" in told
    assert "`name:`" in told
    code, health = http_get(listen, "/healthz")
    assert code == 503
    assert orjson.loads(health)["held_back_by"]["name_taken"] == told
    metrics = http_get(listen, "/metrics")[1].decode()
    assert 'dialer_gate_shut{reason="name_taken"} 1.0' in metrics
    shown = dialer("status")
    assert shown.code == 1
    assert "held by another daemon" in " ".join(shown.out.split())
    first.process.kill()
    first.process.wait()
    pid = second.process.pid
    second.wait_for(
        "it at work", lambda status: (status["phase"], status["pid"]) == ("running", pid)
    )


def test_a_switch_that_refuses_everything_is_seen_at_once(
    daemon: Callable[..., Daemon], environ: dict[str, str]
) -> None:
    """It lets us in and answers -ERR: nothing is dialed, and why stands where people look."""

    def refuses(command: str, wire: Connection) -> bytes | None:
        accepted = command.startswith("auth")
        return reply("+OK accepted" if accepted else "-ERR permission denied")

    with ScriptedSwitch(refuses) as scripted:
        one = daemon(scripted.port)
        status = one.wait_for(
            "why", lambda status: "refuses" in status["held_back_by"].get("switch_blind", "")
        )
        told = status["held_back_by"]["switch_blind"]
        assert "permission denied" in told
        assert "esl-allowed-api" in told
        code, health = http_get(environ["DIALER_HTTP_LISTEN"], "/healthz")
        assert code == 503
        assert orjson.loads(health)["held_back_by"]["switch_blind"] == told
        metrics = http_get(environ["DIALER_HTTP_LISTEN"], "/metrics")[1].decode()
        assert 'dialer_gate_shut{reason="switch_blind"} 1.0' in metrics
        assert "dialer_switch_usable 0.0" in metrics
        assert scripted.commands.empty()


def http_get(listen: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(listen, timeout=5.0)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
