"""Two FreeSWITCH processes on loopback, from the binary that FREESWITCH names.

`switch` is the one that a dialer drives; `carrier` plays the callees (`callees`) and the
operators' phones, with real RTP. Their configuration is generated into a folder of its own, on
a memory disk where there is one. Each is started and stopped by its own pid and dies with us.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import wave
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from gevent import sleep

from tests.switch import callees
from tests.switch.wire import Wire, WireError

FREESWITCH = "FREESWITCH"
DOMAIN = "desk.test"
GATEWAY = "carrier"
FIRST_EXTENSION = 1000
MESSAGE = "message.wav"

HOST = "127.0.0.1"  # of both event sockets, and of the switch's SIP and RTP
CARRIER = "127.0.0.2"  # of the carrier's SIP and RTP
MODULES = (
    "logfile",
    "commands",
    "dptools",
    "dialplan_xml",
    "event_socket",
    "sndfile",
    "tone_stream",
    "sofia",
)
START_S, STOP_S = 40.0, 15.0

Values = Mapping[str, object]


class Ports:
    """Free ones, below the ephemeral range, so that no client meets itself there."""

    def __init__(self) -> None:
        self.switch_sip = _free(HOST, socket.SOCK_DGRAM)
        self.carrier_sip = _free(CARRIER, socket.SOCK_DGRAM)
        self.switch_socket = _free(HOST, socket.SOCK_STREAM)
        self.carrier_socket = _free(HOST, socket.SOCK_STREAM)


def _free(host: str, kind: int) -> int:
    for _ in range(200):
        port = 15_000 + secrets.randbelow(17_000)
        with socket.socket(socket.AF_INET, kind) as trial:
            try:
                trial.bind((host, port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port on loopback")


# ------------------------------------------------------------------ configuration


def _params(parent: ET.Element, values: Values) -> None:
    for name, value in values.items():
        ET.SubElement(parent, "param", name=name, value=str(value))


def _file(parent: ET.Element, name: str, values: Values) -> ET.Element:
    configuration = ET.SubElement(parent, "configuration", name=name)
    _params(ET.SubElement(configuration, "settings"), values)
    return configuration


def _profile(sofia: ET.Element, name: str, host: str, port: int) -> ET.Element:
    profiles = ET.SubElement(sofia, "profiles")
    profile = ET.SubElement(profiles, "profile", name=name)
    values = {
        "sip-ip": host,
        "rtp-ip": host,
        "sip-port": port,
        "context": "called",
        "dialplan": "XML",
        "codec-prefs": "PCMA",
        "inbound-codec-prefs": "PCMA",
        "outbound-codec-prefs": "PCMA",
        "auth-calls": "false",
        "apply-inbound-acl": "loopback.auto",
        "manage-presence": "false",
        "enable-timer": "false",
        "rtp-timer-name": "soft",
        "suppress-cng": "true",
        "caller-id-type": "none",
        "user-agent-string": name,
    }
    _params(ET.SubElement(profile, "settings"), values)
    return profile


def _common(root: ET.Element, *, port: int, password: str, folder: Path) -> ET.Element:
    """What both instances share: modules, event socket, access list, log."""
    configuration = ET.SubElement(root, "section", name="configuration")
    modules = ET.SubElement(configuration, "configuration", name="modules.conf")
    listed = ET.SubElement(modules, "modules")
    for module in MODULES:
        ET.SubElement(listed, "load", module=f"mod_{module}")
    socket_values = {"listen-ip": HOST, "listen-port": port, "password": password}
    _file(configuration, "event_socket.conf", {"nat-map": "false", **socket_values})
    log = _file(configuration, "logfile.conf", {"rotate-on-hup": "false"})
    profile = ET.SubElement(ET.SubElement(log, "profiles"), "profile", name="default")
    _params(
        ET.SubElement(profile, "settings"),
        {"logfile": folder / "freeswitch.log", "rollover": 100_000_000},
    )
    mappings = ET.SubElement(profile, "mappings")
    ET.SubElement(mappings, "map", name="all", value="console,crit,err,warning")
    return configuration


def _core(configuration: ET.Element, name: str, folder: Path) -> None:
    values = {
        "switchname": name,
        "max-sessions": 2_000,
        "sessions-per-second": 1_000,
        "loglevel": "warning",
        "core-db-name": folder / "core.db",
        "rtp-start-port": 36_000,
        "rtp-end-port": 48_000,
        "dump-cores": "no",
    }
    _file(configuration, "switch.conf", values)


def switch_document(ports: Ports, password: str, folder: Path, operators: int) -> ET.Element:
    """The dialer's switch: one gateway to the carrier, the operators' directory."""
    root = ET.Element("document", type="freeswitch/xml")
    configuration = _common(root, port=ports.switch_socket, password=password, folder=folder)
    _core(configuration, "switch", folder)
    sofia = _file(configuration, "sofia.conf", {"log-level": 0})
    ET.SubElement(sofia, "global_settings")
    profile = _profile(sofia, "external", HOST, ports.switch_sip)
    gateway = ET.SubElement(ET.SubElement(profile, "gateways"), "gateway", name=GATEWAY)
    carrier = f"{CARRIER}:{ports.carrier_sip}"
    identity = {"username": "nobody", "password": "nobody", "caller-id-in-from": "true"}
    _params(gateway, {"proxy": carrier, "register": "false", **identity})
    directory = ET.SubElement(root, "section", name="directory")
    domain = ET.SubElement(directory, "domain", name=DOMAIN)
    reached_at = f"sofia/external/${{dialed_user}}@{carrier}"
    _params(ET.SubElement(domain, "params"), {"dial-string": reached_at})
    groups = ET.SubElement(domain, "groups")
    users = ET.SubElement(ET.SubElement(groups, "group", name="all"), "users")
    for extension in range(FIRST_EXTENSION, FIRST_EXTENSION + operators):
        ET.SubElement(users, "user", id=str(extension))
    return root


def carrier_document(ports: Ports, password: str, folder: Path) -> ET.Element:
    """The callees and the phones: a dialplan and nothing else."""
    root = ET.Element("document", type="freeswitch/xml")
    configuration = _common(root, port=ports.carrier_socket, password=password, folder=folder)
    _core(configuration, "carrier", folder)
    sofia = _file(configuration, "sofia.conf", {"log-level": 0})
    ET.SubElement(sofia, "global_settings")
    _profile(sofia, "callees", CARRIER, ports.carrier_sip)
    dialplan = ET.SubElement(root, "section", name="dialplan")
    ET.SubElement(dialplan, "context", name="called").extend(callees.dialplan())
    return root


def write_message(path: Path, seconds: float = 2.0) -> None:
    """What an abandoned person hears here: a square wave of 400 Hz."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        half = [6_000] * 10 + [-6_000] * 10
        period = b"".join(value.to_bytes(2, "little", signed=True) for value in half)
        sound.writeframes(period * int(seconds * 400))


# ------------------------------------------------------------------ processes


class Instance:
    """One FreeSWITCH process."""

    def __init__(self, document: ET.Element, port: int, password: str, folder: Path) -> None:
        self.port, self.password, self.folder = port, password, folder
        self._process: subprocess.Popen[bytes] | None = None
        ET.ElementTree(document).write(folder / "freeswitch.xml", encoding="utf-8")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Returns when the event socket answers and the SIP profile runs."""
        places = ("conf", "log", "db", "run", "recordings", "storage", "temp")
        words = [os.environ[FREESWITCH], "-nonat", "-nf", "-nc", "-np"]
        for place in places:
            home = self.folder if place == "conf" else self.folder / place
            home.mkdir(exist_ok=True)
            words += [f"-{place}", str(home)]
        with (self.folder / "console").open("ab") as console:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        until = time.monotonic() + START_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                said = (self.folder / "console").read_text(errors="replace")[-1500:]
                raise RuntimeError(f"FreeSWITCH did not start: {said}")
            sleep(0.1)

    def _ready(self) -> bool:
        try:
            with self.wire() as wire:
                return wire.api("fsctl ready_check") == "true" and "RUNNING" in wire.api(
                    "sofia status"
                )
        except (OSError, WireError):
            return False

    def wire(self) -> Wire:
        return Wire(HOST, self.port, self.password)

    def stop(self) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG


class Instances:
    """Both, as a context: entered, they run; left, they are gone with their folder."""

    def __init__(self, operators: int) -> None:
        self._undo = ExitStack()
        memory = Path("/dev/shm")
        place = memory if os.access(memory, os.W_OK) else None
        self.folder = Path(tempfile.mkdtemp(prefix="dialer-switch-", dir=place))
        self._undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.operators = operators
        write_message(self.folder / MESSAGE)
        ports = Ports()
        secret = secrets.token_hex(24)
        homes = {name: self.folder / name for name in ("switch", "carrier")}
        for home in homes.values():
            home.mkdir()
        document = switch_document(ports, secret, homes["switch"], operators)
        self.switch = Instance(document, ports.switch_socket, secret, homes["switch"])
        document = carrier_document(ports, secret, homes["carrier"])
        self.carrier = Instance(document, ports.carrier_socket, secret, homes["carrier"])

    def __enter__(self) -> Instances:
        try:
            for instance in self._all():
                self._undo.callback(instance.stop)
                instance.start()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def _all(self) -> Iterable[Instance]:
        return (self.carrier, self.switch)
