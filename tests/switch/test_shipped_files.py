"""The files of config/freeswitch on a real switch: what an engineer copies works as it says.

Losing these, somebody installs a switch that lets strangers in, forgets who said "never again",
or on which the daemon may not do what it must.
"""

from __future__ import annotations

import re
import ssl
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import cast

import gevent
import pytest
from gevent import socket

from dialer.esl import commands
from dialer.esl.facts import PROBES
from dialer.ledger.store import PostgresLedger
from tests.switch.callees import number
from tests.switch.driven import Driven
from tests.switch.instances import FIRST_EXTENSION, HOST, MESSAGE, Instances
from tests.switch.shipped import FILES, ODD, USER, Shipped
from tests.switch.wire import Wire, WireError

ROOT = FILES.parents[1]
CALLER = "+79161234567"

pytestmark = pytest.mark.timeout(180)


NOBODY = "00000000-0000-4000-8000-000000000000"


def until(what: str, true: Callable[[], object], timeout_s: float = 15.0) -> None:
    end_s = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end_s, f"never seen: {what}"
        gevent.sleep(0.1)


def as_daemon(shipped: Shipped) -> Wire:
    """A connection with the daemon's own rights."""
    return Wire(HOST, shipped.switch.port, shipped.dialer_password, user=USER)


# ------------------------------------------------------------------ rights


def sent_by_us() -> set[str]:
    """The api commands that the daemon's room writes."""
    found = set()
    for path in (ROOT / "dialer" / "esl").glob("*.py"):
        found |= set(re.findall(r'f?"(?:bg)?api (\w+)', path.read_text(encoding="utf-8")))
    return found


def param(name: str) -> set[str]:
    tree = ET.parse(FILES / "directory" / "dialer.xml")
    (found,) = (one for one in tree.iter("param") if one.get("name") == name)
    return set(str(found.get("value")).split())


def test_the_daemons_rights_are_all_that_it_needs() -> None:
    """One that is missing is a call that cannot be bridged, found out in service."""
    assert len(sent_by_us()) > 12
    assert sent_by_us() <= param("esl-allowed-api")
    assert sent_by_us() <= PROBES.keys()  # and the doctor tries them all
    wanted = set(commands.EVENTS.split()) - {"event", "json"}
    assert wanted <= param("esl-allowed-events")


def test_every_command_is_there_and_allowed_and_nothing_else_is(shipped: Shipped) -> None:
    with as_daemon(shipped) as wire:
        for command in sorted(sent_by_us()):
            answer = wire.api(command)
            assert "permission denied" not in answer, command
            assert "Command not found" not in answer, command
        # A leg is told to record itself by this one, which is no api command.
        assert wire.ask(f"sendmsg {NOBODY}").startswith("-ERR invalid session id")
        for command in ("reloadxml", "shutdown", "system id", "bg_system id", "eval x"):
            assert wire.api(command) == "-ERR permission denied", command
        assert wire.ask(commands.EVENTS).startswith("+OK")
        assert wire.ask("event json CHANNEL_DATA").startswith("-ERR")
        assert wire.ask("log 7").startswith("-ERR")
    with shipped.switch.wire() as wire:  # the password that may do everything
        for command in ("system id", "bg_system id", "spawn id", "lua x", "expand x"):
            assert "Command not found" in wire.api(command), command
        uuid = wire.api("create_uuid")
        made = wire.api(f"originate {{origination_uuid={uuid}}}loopback/1 &system(id)")
        assert made.startswith("-ERR")


def test_a_wrong_password_and_the_default_one_are_refused(shipped: Shipped) -> None:
    for password in ("ClueCon", "", shipped.dialer_password):
        with pytest.raises(WireError):
            Wire(HOST, shipped.switch.port, password)
    with pytest.raises(WireError):
        Wire(HOST, shipped.switch.port, "ClueCon", user=USER)


# ------------------------------------------------------------------ the daemon through it


def test_the_daemon_dials_with_these_rights_alone(
    shipped: Shipped, tmp_path: Path, fresh_redis: str, new_database: Callable[..., str]
) -> None:
    """Login of a registered phone, a call by the written gateway, bridge, wrap-up, logout."""
    driven = Driven(
        tmp_path,
        cast("Instances", shipped),
        (fresh_redis, new_database()),
        operators=shipped.phones,
        user=(USER, shipped.dialer_password),
    )
    shipped.wait_for_phones()
    driven.add([number("talk", 1), number("busy", 2), number("talk", 3)])
    driven.start()
    try:
        driven.wait_for("all called", lambda: driven.settled(3))
        ended = sorted(row["disposition"] for row in driven.attempts())
        assert ended == ["busy", "talked", "talked"]
        _who_calls_back_meanwhile_is_stopped_at_once(shipped, driven)
        driven.log_out()
    finally:
        driven.stop()
    assert not driven.logged("the switch does not let us look around")
    assert not driven.logged("command refused")


def _who_calls_back_meanwhile_is_stopped_at_once(shipped: Shipped, driven: Driven) -> None:
    ledger = PostgresLedger(driven.settings.postgresql_dsn)
    ledger.open()
    try:
        call_back(shipped, CALLER, "9")
        until("the stop", lambda: ledger.find_phone(CALLER) is not None, 5.0)
    finally:
        ledger.close()
    with shipped.switch.wire() as wire:
        until("forgotten", lambda: commands.CALLER_OUT not in wire.api("global_getvar"), 5.0)


# ------------------------------------------------------------------ people who call back


def call_back(
    shipped: Shipped, caller: str, key: str = "", called: str = "84950000101"
) -> float:
    """Seconds from the answer to the end of somebody's call to one of our numbers."""
    target = f"sofia/callees/{called}@{HOST}:{shipped.ports.switch_sip}"
    with shipped.carrier.wire() as wire:
        variables = f"origination_caller_id_number={caller}"
        answer = wire.api(f"originate {{{variables}}}{target} &park()")
        assert answer.startswith("+OK"), answer
        begun_s, uuid = time.monotonic(), answer.split()[1]
        if key:
            gevent.sleep(0.8)  # a person hears who we are
            wire.api(f"uuid_send_dtmf {uuid} {key}")
        until("its end", lambda: wire.api(f"uuid_exists {uuid}") == "false", 30.0)
    return time.monotonic() - begun_s


def kept(shipped: Shipped) -> dict[str, str]:
    """Call -> caller, as the switch keeps it."""
    with shipped.switch.wire() as wire:
        lines = wire.api("global_getvar").splitlines()
    named = (line.partition("=") for line in lines if line.startswith(commands.CALLER_OUT))
    return {name.removeprefix(commands.CALLER_OUT): value for name, _, value in named}


def test_key_9_is_kept_while_no_daemon_lives(shipped: Shipped) -> None:
    """In memory for the next daemon, in a file for the next start of the switch."""
    before = kept(shipped)
    call_back(shipped, "89031112233", "9")
    (call,) = kept(shipped).keys() - before.keys()
    assert kept(shipped)[call] == "89031112233"
    until("the journal", lambda: call in shipped.journal.read_text())
    (line,) = [one for one in shipped.journal.read_text().splitlines() if call in one]
    assert line.split(";")[1:] == [call, "89031112233", "84950000101"]
    assert not (shipped.journal.parent / "Master.csv").read_text().strip()


def test_who_hides_his_number_is_told_so_and_stops_nobody(shipped: Shipped) -> None:
    before = kept(shipped)
    call_back(shipped, "anonymous", "9", called="74950000201")
    assert kept(shipped) == before


def test_whoever_presses_nothing_talks_with_the_extension_of_the_pool(
    shipped: Shipped,
) -> None:
    shipped.wait_for_phones()
    talks: list[str] = []

    def look() -> None:
        with shipped.switch.wire() as wire:
            while True:
                talks.append(wire.api("show channels"))
                gevent.sleep(0.1)

    looking = gevent.spawn(look)
    with shipped.carrier.wire() as wire:
        target = f"sofia/callees/84950000101@{HOST}:{shipped.ports.switch_sip}"
        answer = wire.api(
            f"originate {{origination_caller_id_number={CALLER}}}{target} &park()"
        )
        uuid = answer.split()[1]
        until(
            "the phone", lambda: any(f"user/{FIRST_EXTENSION}@" in one for one in talks), 15.0
        )
        wire.api(f"uuid_kill {uuid}")
    looking.kill()


def test_a_pool_without_an_extension_ends_the_call_politely(shipped: Shipped) -> None:
    assert call_back(shipped, CALLER, called="+74950000201") > 4.0


@pytest.mark.parametrize("called", ["74951234567", "1000", "9", "key_9", "callback"])
def test_nobody_reaches_anything_but_our_numbers(shipped: Shipped, called: str) -> None:
    """Else a stranger calls the world, or an operator, at our cost."""
    with shipped.carrier.wire() as wire:
        target = f"sofia/callees/{called}@{HOST}:{shipped.ports.switch_sip}"
        assert wire.api(f"originate {target} &park()") == "-ERR UNALLOCATED_NUMBER"


def test_phones_dial_nobody_and_strangers_are_no_phones(shipped: Shipped) -> None:
    with shipped.carrier.wire() as wire:
        target = f"sofia/callees/1001@{HOST}:{shipped.internal}"
        refused = wire.api(f"originate {target} &park()")
        assert refused.startswith("-ERR")
        phone = f"sofia/gateway/phone{FIRST_EXTENSION}/84950000101"
        assert wire.api(f"originate {phone} &park()") == "-ERR CALL_REJECTED"


# ------------------------------------------------------------------ what is written


def test_a_password_with_odd_characters_reaches_the_carrier_unharmed(shipped: Shipped) -> None:
    with shipped.switch.wire() as wire:
        text = wire.api("sofia xmlstatus gateway carrier")
        assert ET.fromstring(text).findtext("username") == "u100"
    written = shipped.folder / "switch" / "sip_profiles" / "external" / "carrier.xml"
    tree = ET.fromstring(written.read_text(encoding="utf-8"))
    (password,) = (one for one in tree.iter("param") if one.get("name") == "password")
    assert password.get("value") == ODD
    assert written.stat().st_mode & 0o007 == 0


def test_browsers_find_a_secured_socket(shipped: Shipped) -> None:
    """Operators in a browser register by WSS; without it they have no phone."""
    text = (shipped.folder / "switch" / "local.xml").read_text()
    port = int(str(re.search(r"internal_wss_port=(\d+)", text)[1]))  # type: ignore[index]
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((HOST, port), timeout=5.0) as plain,
        trusting.wrap_socket(plain) as secured,
    ):
        assert secured.version() in ("TLSv1.2", "TLSv1.3")


def test_the_message_is_found_where_the_daemon_looks(shipped: Shipped) -> None:
    with as_daemon(shipped) as wire:
        assert wire.api(f"file_exists {shipped.folder}/{MESSAGE}") == "true"
        assert wire.api(f"file_exists {shipped.folder}/none.wav") == "false"
