"""`dialer doctor` and `dialer testcall` against a real switch with the files that we ship."""

from __future__ import annotations

import os
import wave
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import gevent
import orjson
import psycopg
import pytest
from click.testing import CliRunner, Result

from dialer.app import make_ledger
from dialer.cli.main import cli
from dialer.settings.loading import load
from tests.switch.callees import number
from tests.switch.instances import HOST, MESSAGE
from tests.switch.shipped import ODD, USER, Shipped
from tests.switch.wire import Wire

OURS = "+74950000103"
FOREIGN = "+74950000201"

pytestmark = pytest.mark.timeout(120)

CAMPAIGN = f"""\
list: base
group: sales
pool: cities
purpose: marketing
message: {MESSAGE}
"""


class Desk:
    """An engineer's command line beside the shipped switch."""

    def __init__(self, shipped: Shipped, folder: Path, redis_url: str, dsn: str) -> None:
        text = (shipped.folder / "dialer.yaml").read_text()
        ours = f"switch: {{user: '{USER}', sounds: {shipped.folder}, calls_per_s: 20, domain: "
        text = text.replace("switch: {domain: ", ours)
        numbers = '["+74950000101..+74950000110"]'
        assert numbers in text
        text = text.replace("    networks:", "    contract: contract.txt\n    networks:")
        (folder / "contract.txt").write_text("+74950000102..+74950000112\n")
        (folder / "campaigns").mkdir()
        (folder / "campaigns" / "spring.yaml").write_text(CAMPAIGN)
        self.config = folder / "dialer.yaml"
        self.config.write_text(text)
        self.environment = {
            "DIALER_SWITCH_PASSWORD": shipped.dialer_password,
            "DIALER_SWITCH_PORT": str(shipped.switch.port),
            "DIALER_REDIS_URL": redis_url,
            "DIALER_POSTGRESQL_DSN": dsn,
            "CARRIER_PASSWORD": ODD,
        }
        self.dsn = dsn
        settings = load(self.config, environ=os.environ | self.environment).settings
        self.ledger = make_ledger(settings, migrate=True)
        self.ledger.open()
        self.ledger.save_numbers(settings.numbers)

    def run(self, *words: str) -> Result:
        words = (*words, "--config", str(self.config))
        return CliRunner().invoke(cli, words, env=self.environment)

    def call(
        self, kind: str, *more: str, gateway: str = "carrier", shown: str = OURS
    ) -> Result:
        words = ("testcall", number(kind, 7), "--gateway", gateway, "--number", shown, *more)
        return self.run(*words)

    def charged(self) -> int:
        with psycopg.connect(self.dsn) as connection:
            row = connection.execute("SELECT sum(dialed) FROM number_days").fetchone()
        return int((row and row[0]) or 0)


@pytest.fixture
def desk(
    shipped: Shipped, tmp_path: Path, fresh_redis: str, new_database: Callable[..., str]
) -> Iterator[Desk]:
    one = Desk(shipped, tmp_path, fresh_redis, new_database())
    yield one
    one.ledger.close()


# ------------------------------------------------------------------ test call


def test_a_test_call_shows_every_step_and_counts(desk: Desk) -> None:
    """Whoever sets up a carrier sees where it stops, and the number's day stays true."""
    done = desk.call("longer_talk", "--talk", "10")
    for words in (
        "dial string: {origination_uuid=",
        "sofia/gateway/carrier/+7495",
        "the switch sends the call out",
        "the phone rings (180)",
        "answered with PCMA 8000 Hz, sound to 127.0.0.2:",
        "ended by them: NORMAL_CLEARING",
        "packets received",
        "counts against the number's day",
    ):
        assert words in done.output, done.output
    assert "one-way" not in done.output
    assert done.exit_code == 0, done.output
    assert desk.charged() == 1


def test_a_call_with_sound_in_one_direction_is_said_to_be_so(desk: Desk) -> None:
    """The customer would hear us and we not him: the classical trouble behind NAT."""
    done = desk.call("mute", "--talk", "4")
    assert "one-way sound: we heard" in done.output
    assert done.exit_code == 1


@pytest.mark.parametrize(
    ("kind", "words", "charged"),
    [
        ("busy", "ended by them: USER_BUSY (SIP 486, Q.850 17)", 1),
        ("overloaded", "carrier failure", 1),  # it has seen our number
    ],
)
def test_a_test_call_that_fails_says_why(
    desk: Desk, kind: str, words: str, charged: int
) -> None:
    done = desk.call(kind)
    assert words in done.output, done.output
    assert done.exit_code == 1
    assert desk.charged() == charged


def test_a_call_that_never_left_gives_its_charge_back(desk: Desk) -> None:
    text = (
        desk.config.read_text()
        .replace("  carrier:\n", "  ghost:\n")
        .replace("gateways: [carrier]", "gateways: [ghost]")
    )
    desk.config.write_text(text)
    done = desk.call("talk", gateway="ghost")
    assert "INVALID_GATEWAY" in done.output
    assert "never reached the carrier" in done.output
    assert desk.charged() == 0


def test_what_may_not_be_called_is_refused_with_its_reason(desk: Desk) -> None:
    """A test is a call: emergency numbers, stops and contracts hold for it, too."""
    phone = number("talk", 7)
    stopped = desk.ledger.find_or_add_phone(phone)
    desk.ledger.add_stop(stopped, origin="test", now=datetime.now(UTC))
    assert "on the stop list" in desk.call("talk").output
    desk.ledger.set_halted(True, by="test", now=datetime.now(UTC))
    assert "emergency stop" in desk.call("talk").output
    desk.ledger.set_halted(False, by="test", now=datetime.now(UTC))
    for phone, why in (("112", "not a valid phone number"), ("+78095551234", "paid")):
        refused = desk.run("testcall", phone, "--gateway", "carrier", "--number", OURS)
        assert (refused.exit_code, why in refused.output) == (2, True), refused.output
    refused = desk.call("talk", gateway="carier")
    assert "carrier" in refused.output
    assert desk.call("talk", shown="+74959999999").exit_code == 2
    refused = desk.call("talk", shown="+74950000101")
    assert "carrier may not show it" in refused.output  # its contract does not hold it
    assert desk.charged() == 0


def test_the_days_limit_holds_for_test_calls(desk: Desk) -> None:
    """R1.3: the hard limit is never passed, whoever calls."""
    text = desk.config.read_text()
    limits = "number_kinds: {landline: {soft_limit: 1, hard_limit: 1}}\n"
    desk.config.write_text(text + limits)
    assert "counts against" in desk.call("busy").output
    assert "has reached its 1 calls today" in desk.call("busy").output
    assert desk.charged() == 1


# ------------------------------------------------------------------ doctor


def findings(desk: Desk) -> list[dict[str, str]]:
    done = desk.run("doctor", "--json")
    found: list[dict[str, str]] = orjson.loads(done.output)["findings"]
    failed = any(one["level"] == "failure" for one in found)
    assert done.exit_code == int(failed)
    assert all(one["remedy"] for one in found if one["level"] != "fine")
    return found


def of(found: list[dict[str, str]], subject: str) -> dict[str, str]:
    return {one["what"]: one["level"] for one in found if one["subject"] == subject}


def test_a_switch_with_our_files_is_fine(desk: Desk, shipped: Shipped) -> None:
    """What we ship passes our own examination, but for what a test cannot have."""
    shipped.wait_for_phones()
    found = findings(desk)
    of_switch = of(found, "switch")
    assert set(of_switch.values()) == {"fine"}, of_switch
    assert f"{USER} may do what a dialer needs" in of_switch
    assert of(found, "gateway carrier") == {"is up (answers its ping)": "fine"}
    assert of(found, "sounds") == {f"{MESSAGE} is there, 8000 Hz, mono": "fine"}
    assert of(found, "phones") == {"all 1 operators' are registered": "fine"}
    assert of(found, "postgresql")["has this version's tables"] == "fine"
    contract = of(found, "contract carrier")
    assert contract["2 numbers of the pools are not in it: +74950000101, +74950000201"] == (
        "failure"
    )
    assert contract[
        "2 of its numbers are in no pool with this gateway: +74950000111, +74950000112"
    ] == ("warning")


def test_what_is_wrong_is_found(desk: Desk, shipped: Shipped) -> None:
    """No sound file, an unknown gateway, a phone that is away, limits that are too small."""
    (desk.config.parent / "sounds").mkdir()
    with wave.open(str(desk.config.parent / "sounds" / MESSAGE), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
    campaign = desk.config.parent / "campaigns" / "spring.yaml"
    (desk.config.parent / "campaigns" / "autumn.yaml").write_text(
        CAMPAIGN.replace(MESSAGE, "none.wav")
    )
    assert campaign.exists()
    text = (
        desk.config.read_text()
        .replace(f"sounds: {shipped.folder}", f"sounds: {desk.config.parent}/sounds")
        .replace("calls_per_s: 20, domain", "calls_per_s: 200, domain")
        .replace("extension: 1000", "extension: 1999")
        .replace("  carrier:\n", "  ghost: {calls_per_s: 1, calls_at_once: 1}\n  carrier:\n", 1)
    )
    desk.config.write_text(text)
    found = findings(desk)
    assert of(found, "gateway ghost") == {"is not known to the switch": "failure"}
    sounds = of(found, "sounds")
    assert sounds[f"{MESSAGE} has 44100 Hz and 2 channels"] == "warning"
    missing = "none.wav of autumn is not on the switch: people would hear silence"
    assert sounds[missing] == "failure"
    assert "warning" in of(found, "phones").values()
    limit = "takes 100 new calls a second; dialer.yaml needs 400 of it"
    assert of(found, "switch")[limit] == "warning"


def test_a_wrong_password_is_one_plain_failure(desk: Desk) -> None:
    desk.environment["DIALER_SWITCH_PASSWORD"] = "p:w'd\"<&>$%"
    (told,) = [w for w, level in of(findings(desk), "switch").items() if level == "failure"]
    assert "refused the password" in told


# ------------------------------------------------------------------ what a carrier is sent


@pytest.mark.parametrize(
    ("place", "headers"),
    [
        ("from", {"from"}),
        ("pai", {"pai"}),
        ("rpid", {"rpid"}),
        ("from_and_pai", {"from", "pai"}),
    ],
)
def test_the_number_is_where_the_carrier_reads_it(
    desk: Desk, shipped: Shipped, place: str, headers: set[str]
) -> None:
    """R3.11: in another header it is no number shown, and the call is refused or nameless."""
    text = desk.config.read_text()
    desk.config.write_text(
        text.replace("    networks:", f"    caller_in: {place}\n    networks:")
    )
    folder = shipped.folder / "switch"
    try:
        assert desk.run("gateways", "write", str(folder)).exit_code == 0
        renew(shipped)
        seen: list[dict[str, str]] = []
        carrier = shipped.carrier
        with Wire(
            HOST, carrier.port, carrier.password, lambda one, at: seen.append(one)
        ) as wire:
            wire.subscribe("CHANNEL_HANGUP_COMPLETE")
            desk.call("busy")
            with gevent.Timeout(5.0):
                while not seen:
                    gevent.sleep(0.1)
    finally:
        shipped.gateways(folder)
        renew(shipped)
    told = seen[0]
    ours = OURS.removeprefix("+")
    found = {
        "from": told.get("variable_sip_from_user") == ours,
        "pai": ours in str(told.get("variable_sip_P-Asserted-Identity", "")),
        "rpid": ours in str(told.get("variable_sip_Remote-Party-ID", "")),
    }
    assert {name for name, there in found.items() if there} == headers, told


def renew(shipped: Shipped) -> None:
    """As `dialer gateways write` says it at its end."""
    with shipped.switch.wire() as wire:
        wire.api("reloadxml")
        wire.api("sofia profile external killgw carrier")
        gevent.sleep(1.0)  # the profile's own thread does it
        wire.api("sofia profile external rescan")
        with gevent.Timeout(15.0):
            while "UP" not in wire.api("sofia status gateway carrier"):
                gevent.sleep(0.2)
