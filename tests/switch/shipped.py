"""A FreeSWITCH that runs exactly the files of config/freeswitch, beside a carrier with phones.

Only local.xml and secrets.xml are this test's own (addresses, ports, passwords, as an engineer
writes them), and what `dialer gateways write` makes of a dialer.yaml. The carrier registers as
the operators' phones, so the directory and its passwords are used, too.
"""

from __future__ import annotations

import re
import secrets
import shutil
import socket
import tempfile
import xml.etree.ElementTree as ET
from contextlib import ExitStack
from pathlib import Path

import gevent
from click.testing import CliRunner

from dialer.cli.main import cli
from tests.switch.instances import (
    CARRIER,
    DOMAIN,
    FIRST_EXTENSION,
    HOST,
    MESSAGE,
    Instance,
    Ports,
    _free,
    carrier_document,
    write_message,
)

FILES = Path(__file__).resolve().parents[2] / "config" / "freeswitch"
USER = "dialer@dialer.local"
#: A password that breaks whatever is not written with care.
ODD = "a'b\"c<d>&e$${f}g%h+i,j;k"

DIALER = """\
name: shipped
switch: {{domain: {domain}}}
gateways:
  carrier:
    calls_per_s: 20
    calls_at_once: 50
    proxy: {host}:{port}
    username: "u100"
    password_env: CARRIER_PASSWORD
    networks: ["127.0.0.0/8"]
pools:
  cities:
    gateways: [carrier]
    numbers: ["+74950000101..+74950000110"]
    callback_extension: {extension}
  closed:
    gateways: [carrier]
    numbers: ["+74950000201"]
groups: {{sales: }}
operators:
  anna: {{extension: {extension}, groups: [sales]}}
"""


class ShippedInstance(Instance):
    """As `Instance`, with a folder of files in the place of one document."""

    def __init__(self, port: int, password: str, folder: Path) -> None:
        empty = ET.Element("document", type="freeswitch/xml")
        super().__init__(empty, port, password, folder)
        shutil.copytree(FILES, folder, dirs_exist_ok=True)


class Shipped:
    """Both processes; `switch.password` is fs_cli's, `dialer_password` the daemon's."""

    def __init__(self, phones: int = 2) -> None:
        self._undo = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="dialer-shipped-"))
        self._undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.phones = phones
        self.ports = Ports()
        self.internal = _free(HOST, socket.SOCK_DGRAM)
        self.dialer_password = secrets.token_hex(24)
        self.phone_password = secrets.token_hex(8)
        write_message(self.folder / MESSAGE)
        switch, carrier = self.folder / "switch", self.folder / "carrier"
        for home in (switch, carrier):
            home.mkdir()
        password = secrets.token_hex(24)
        self.switch = ShippedInstance(self.ports.switch_socket, password, switch)
        self._write_local(switch)
        self._write_phones(switch)
        self.gateways(switch)
        document = carrier_document(self.ports, password, carrier)
        self._register(document)
        self.carrier = Instance(document, self.ports.carrier_socket, password, carrier)

    def __enter__(self) -> Shipped:
        try:
            # The carrier first: a gateway whose first ping fails is down until the next one.
            for instance in (self.carrier, self.switch):
                self._undo.callback(instance.stop)
                instance.start()
            self.wait_for_phones()
        except BaseException:
            self._undo.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._undo.close()

    def wait_for_phones(self) -> None:
        """All are registered. Tries that began before the switch was up take half a minute to
        give up, so they are begun anew.
        """
        with self.switch.wire() as wire, self.carrier.wire() as phones, gevent.Timeout(20.0):
            while wire.api("show registrations").count("sofia/internal/") < self.phones:
                phones.api("sofia profile callees register all")
                gevent.sleep(0.5)

    @property
    def journal(self) -> Path:
        return self.folder / "switch" / "log" / "cdr-csv" / "dialer_opt_out.csv"

    def _write_local(self, folder: Path) -> None:
        values = {
            "event_socket_port": self.ports.switch_socket,
            "sip_ip": HOST,
            "external_sip_port": self.ports.switch_sip,
            "internal_sip_port": self.internal,
            "internal_tls_port": _free(HOST, socket.SOCK_STREAM),
            "internal_wss_port": _free(HOST, socket.SOCK_STREAM),
            "operators_domain": DOMAIN,
            "core_database": folder / "core.db",
            "rtp_first_port": 36_000,
            "rtp_last_port": 42_000,
        }
        own = {
            "event_socket_password": self.switch.password,
            "dialer_password": self.dialer_password,
            **{
                f"operator_{FIRST_EXTENSION + place}_password": self.phone_password
                for place in range(self.phones)
            },
        }
        for name, pairs in (("local.xml", values), ("secrets.xml", own)):
            lines = (
                f'  <X-PRE-PROCESS cmd="set" data="{key}={value}"/>\n'
                for key, value in pairs.items()
            )
            (folder / name).write_text(f"<include>\n{''.join(lines)}</include>\n")

    def _write_phones(self, folder: Path) -> None:
        """As an engineer does: the example, copied for each operator."""
        example = (folder / "directory" / "operators" / "101.xml.example").read_text()
        for place in range(self.phones):
            extension = str(FIRST_EXTENSION + place)
            text = re.sub(r"\b101\b|(?<=operator_)101(?=_)", extension, example)
            (folder / "directory" / "operators" / f"{extension}.xml").write_text(text)

    def gateways(self, folder: Path) -> None:
        (self.folder / "campaigns").mkdir(exist_ok=True)
        config = self.folder / "dialer.yaml"
        config.write_text(
            DIALER.format(
                domain=DOMAIN,
                host=CARRIER,
                port=self.ports.carrier_sip,
                extension=FIRST_EXTENSION,
            )
        )
        words = ["gateways", "write", str(folder), "--config", str(config)]
        done = CliRunner().invoke(cli, words, env={"CARRIER_PASSWORD": ODD})
        assert done.exit_code == 0, done.output

    def _register(self, carrier: ET.Element) -> None:
        """The carrier's process is the operators' phones, too."""
        profile = carrier.find(".//profile[@name='callees']")
        assert profile is not None
        gateways = ET.SubElement(profile, "gateways")
        for place in range(self.phones):
            extension = str(FIRST_EXTENSION + place)
            gateway = ET.SubElement(gateways, "gateway", name=f"phone{extension}")
            values = {
                "username": extension,
                "password": self.phone_password,
                "realm": DOMAIN,
                "proxy": f"{HOST}:{self.internal}",
                "register": "true",
                "extension": extension,
                "retry-seconds": "2",
            }
            for key, value in values.items():
                ET.SubElement(gateway, "param", name=key, value=value)
