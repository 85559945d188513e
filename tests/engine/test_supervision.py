"""Watched greenlets, and what systemd is told: a half-dead daemon must not look well."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path

import gevent
import pytest
from gevent.event import Event

from dialer.engine.supervision import Notifier, Nursery


def fail() -> None:
    raise ZeroDivisionError


def test_a_greenlet_that_dies_of_an_error_ends_the_daemon():
    nursery, stopping = Nursery(), Event()
    nursery.start("sleeper", lambda: gevent.sleep(60.0))
    nursery.start("dies", fail)
    try:
        with pytest.raises(ZeroDivisionError):
            nursery.wait(stopping)
        assert stopping.is_set()
        assert nursery.failed
    finally:
        nursery.stop()


def test_an_errand_that_dies_ends_it_too():
    nursery, stopping = Nursery(), Event()
    nursery.errand(fail)
    with pytest.raises(ZeroDivisionError):
        nursery.wait(stopping)


def test_an_orderly_stop_is_no_failure_and_goes_backwards():
    nursery, stopping = Nursery(), Event()
    ended: list[str] = []

    def live(name: str) -> None:
        try:
            Event().wait()
        finally:
            ended.append(name)

    for name in ("first", "second", "third"):
        nursery.start(name, partial(live, name))
    gevent.sleep(0)
    stopping.set()
    nursery.wait(stopping)
    nursery.stop()
    assert ended == ["third", "second", "first"]
    assert not nursery.failed


@pytest.fixture
def systemd(tmp_path: Path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.bind(str(tmp_path / "notify"))
        wire.settimeout(5.0)
        yield wire


def test_what_systemd_is_told(
    systemd: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    notifier = Notifier(str(tmp_path / "notify"))
    assert notifier.watchdog_s == 10.0
    said = []
    for tell in (
        lambda: notifier.ready("dialing"),
        notifier.alive,
        notifier.reloading,
        lambda: notifier.status("held back"),
        lambda: notifier.stopping("draining"),
    ):
        tell()
        said.append(systemd.recv(1000).decode().split("\n"))
    assert said[0] == ["READY=1", "STATUS=dialing"]
    assert said[1] == ["WATCHDOG=1"]
    assert said[2][0] == "RELOADING=1"
    assert said[2][1].startswith("MONOTONIC_USEC=")
    assert said[3] == ["STATUS=held back"]
    assert said[4] == ["STOPPING=1", "STATUS=draining"]


def test_without_systemd_it_is_silent_and_a_dead_socket_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    Notifier().ready("dialing")
    Notifier().alive()
    Notifier(str(tmp_path / "nobody listens")).ready("dialing")


def test_the_line_of_systemctl_status_is_sent_when_it_changes(
    systemd: socket.socket, tmp_path: Path
):
    """Once a second the same datagram would fill nothing but systemd's queue."""
    notifier = Notifier(str(tmp_path / "notify"))
    for line in ("running: 2 calls", "running: 2 calls", "held back by\nhalted"):
        notifier.status(line)
    assert systemd.recv(1000) == b"STATUS=running: 2 calls"
    assert systemd.recv(1000) == b"STATUS=held back by halted"


def test_the_child_of_a_watched_service_feeds_nobodys_watchdog(
    monkeypatch: pytest.MonkeyPatch,
):
    """`dialer demo` under systemd starts a daemon that inherits the variables."""
    monkeypatch.setenv("WATCHDOG_USEC", "20000000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert Notifier("/nowhere").watchdog_s == 0.0
