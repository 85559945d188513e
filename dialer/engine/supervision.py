"""Watched greenlets and the truth for systemd.

Each greenlet has a name, a parent (the Nursery) and a reason to end. One that dies of an error
ends the daemon loudly: `Nursery.wait` raises what it died of. Greenlets are started forwards
and stopped backwards. `Notifier` speaks sd_notify: READY, RELOADING, STOPPING, WATCHDOG.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from typing import Any

import gevent
import structlog
from gevent.event import AsyncResult
from gevent.event import Event as Signal
from gevent.pool import Group

log = structlog.get_logger(__name__)


class Nursery:
    """Owns the daemon's greenlets."""

    def __init__(self) -> None:
        self._names: list[tuple[str, gevent.Greenlet[..., None]]] = []
        self._failed: AsyncResult[BaseException | None] = AsyncResult()
        self._errands = Group()

    @property
    def failed(self) -> bool:
        """Something has died of an error."""
        return self._failed.ready()

    def start(self, name: str, run: Callable[[], None]) -> None:
        """A greenlet for the daemon's whole life; its death by error is the daemon's."""
        greenlet = gevent.Greenlet(self._watched, name, run)
        self._names.append((name, greenlet))
        greenlet.start()

    def _watched(self, name: str, run: Callable[[], None]) -> None:
        try:
            run()
        except Exception as error:
            log.exception("greenlet died", greenlet=name)
            if not self._failed.ready():
                self._failed.set(error)

    def errand(self, run: Callable[..., None], *args: Any) -> None:
        """A short errand; never waits. An unexpected error in it ends the daemon too.

        Unbounded on purpose: a full pool would make the dispatcher wait. What runs here is
        bounded by the live calls, and each command has its own deadline.
        """
        self._errands.add(gevent.spawn(self._watched, run.__qualname__, lambda: run(*args)))

    def wait(self, stopping: Signal) -> None:
        """Until somebody asks to stop; raises what a greenlet died of, if one does."""
        self._failed.rawlink(lambda _: stopping.set())
        stopping.wait()
        self.check()

    def check(self) -> None:
        """Raises what a greenlet died of, if one has."""
        if self._failed.ready():
            error = self._failed.get()
            if error is not None:
                raise error

    def stop(self, timeout_s: float = 5.0) -> None:
        """Backwards: the last started is ended first; then the errands."""
        for name, greenlet in reversed(self._names):
            if not greenlet.dead:
                greenlet.kill(timeout=timeout_s)
            if not greenlet.dead:
                log.error("greenlet does not end", greenlet=name)
        self._names.clear()
        self._errands.join(timeout=timeout_s)
        self._errands.kill(timeout=timeout_s)


class Notifier:
    """systemd's notification socket (sd_notify(3)); silent where there is none."""

    def __init__(self, address: str | None = None) -> None:
        self._address = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        self._last_status = ""
        microseconds = os.environ.get("WATCHDOG_USEC", "0")
        # A process that systemd's own child has started inherits the variables, not the duty.
        meant = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        watched = meant and microseconds.isdigit()
        self.watchdog_s = int(microseconds) / 2e6 if watched else 0.0

    def _say(self, *lines: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
                wire.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            log.warning("systemd does not listen", error=str(error))

    def ready(self, status: str) -> None:
        self._say("READY=1", f"STATUS={status}")

    def status(self, status: str) -> None:
        """The line of `systemctl status`; told when it changes."""
        line = " ".join(status.split())
        if line != self._last_status:
            self._last_status = line
            self._say(f"STATUS={line}")

    def reloading(self) -> None:
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str) -> None:
        self._say("STOPPING=1", f"STATUS={status}")

    def alive(self) -> None:
        """Fed by the dispatcher itself: a stuck dispatcher is restarted."""
        if self.watchdog_s:
            self._say("WATCHDOG=1")
