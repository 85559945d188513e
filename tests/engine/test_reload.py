"""A reload as systemd and the metrics see it.

Losing these, `systemctl reload` waits for ever or says "done" of files that were refused, and a
daemon that drains is taken for one that dials.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dialer.core.permission.reasons import Reason
from dialer.engine.supervision import Notifier
from dialer.errors import ConfigError, Problem
from tests.engine.house import House


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(tmp_path / "notify"))
        wire.settimeout(5.0)
        yield wire


@pytest.fixture
def home(systemd: socket.socket, tmp_path: Path) -> Iterator[House]:
    house = House()
    house.daemon._notifier = Notifier(str(tmp_path / "notify"))
    house.begin()
    yield house
    house.end()


def wrong() -> Any:
    raise ConfigError([Problem(place="spring.yaml:3", what="is wrong")])


def test_a_reload_tells_its_beginning_and_its_end(home: House, systemd: socket.socket):
    assert home.daemon._reload()["ok"]
    began = systemd.recv(1000).decode()
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", began)
    assert systemd.recv(1000).decode().startswith("READY=1\nSTATUS=")
    assert home.meter.value("dialer_reloads_total", result="applied") == 1
    assert home.meter.value("dialer_reload_refused") == 0


def test_a_refused_reload_is_over_too_and_stays_to_be_seen(home: House, systemd: socket.socket):
    """Else systemd waits for ever, and nobody knows that old files are in use."""
    home.daemon._load = wrong
    assert not home.daemon._reload()["ok"]
    assert systemd.recv(1000).startswith(b"RELOADING=1")
    assert systemd.recv(1000).startswith(b"READY=1")
    assert home.meter.value("dialer_reload_refused") == 1
    home.daemon._load = lambda: home.plan
    assert home.daemon._reload()["ok"]
    assert home.meter.value("dialer_reload_refused") == 0


def test_no_reload_begins_in_a_drain(home: House, systemd: socket.socket):
    """Its READY would undo the STOPPING."""
    home.daemon.stop()
    assert home.daemon._reload() == {"ok": False, "why": "the daemon is stopping"}
    systemd.setblocking(False)
    with pytest.raises(BlockingIOError):
        systemd.recv(1000)


def test_systemctl_status_says_what_holds_everything_back(home: House):
    assert home.daemon.status.line() == "starting: 0 calls"
    home.gate.shut(Reason.STORE_FAILED, "postgresql: connection refused")
    assert "held back by store_failed: postgresql: connection refused" in (
        home.daemon.status.line()
    )
