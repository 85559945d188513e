"""One server process of our own: started, watched until it answers, stopped, killed, restarted.

The server has a session of its own, so that Ctrl-C reaches the dialer first, and dies with its
owner by the kernel's parent-death signal, even when the owner is killed with SIGKILL.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dialer.errors import StoreError

START_TIMEOUT_S = 60.0  # a crash recovery may take long
STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlan:
    """How to run one server: all but the process itself. `ready` looks without waiting."""

    store: str  # as in StoreError: "redis" | "postgresql"
    url: str
    port: int
    command: Sequence[str]
    folder: Path  # its data; removed by `remove`
    log: Path
    ready: Callable[[int], bool]  # argument: the server's pid
    stop_signal: signal.Signals
    user: str | None = None


class RunningServer:
    """One server process of ours, which can be stopped, killed and started again in place."""

    def __init__(self, plan: ServerPlan) -> None:
        self.plan = plan
        self._process = _run(plan)

    @property
    def url(self) -> str:
        """Address with user and password; the same after a restart."""
        return self.plan.url

    dsn = url

    @property
    def pid(self) -> int:
        return self._process.pid

    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End it in order; by force if it does not go within its time. Safe to repeat."""
        if self.alive():
            self._process.send_signal(self.plan.stop_signal)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """SIGKILL: what a crash looks like."""
        if self.alive():
            self._process.kill()
        self._process.wait(STOP_TIMEOUT_S)

    def restart(self) -> None:
        """Start it again on the same folder and port; a living one is stopped before."""
        self.stop()
        self._process = _run(self.plan)

    def remove(self) -> None:
        """Stop it and delete all that it has stored."""
        self.stop()
        shutil.rmtree(self.plan.folder, ignore_errors=True)


def _run(plan: ServerPlan) -> subprocess.Popen[bytes]:
    """Start and wait until it answers.

    Tried again for a while when it ends at once: after a crash the old server's children may
    still hold its shared memory, or an old connection its port.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    for _ in range(20):
        process = _spawn(plan)
        try:
            while process.poll() is None and time.monotonic() < deadline:
                if plan.ready(process.pid):
                    return process
                time.sleep(0.02)
        except BaseException:  # Ctrl-C or a Timeout: leave no server behind
            process.kill()
            raise
        if process.poll() is None:
            process.kill()
            process.wait()
            break
        time.sleep(0.25)
    tail = plan.log.read_text(errors="replace").strip()[-500:]
    raise StoreError(plan.store, f"the private server does not start: {tail}")


def _spawn(plan: ServerPlan) -> subprocess.Popen[bytes]:
    """The process, bound to our life: the signal comes when the thread that starts it dies."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None
    owner, stop_signal = os.getpid(), int(plan.stop_signal)

    def bind_to_owner() -> None:
        # After the change of user, which would clear it. Had the owner died before this call,
        # the signal would never come: so look.
        if prctl is not None:
            prctl(1, stop_signal, 0, 0, 0)  # PR_SET_PDEATHSIG
            if os.getppid() != owner:
                os._exit(1)

    uid, gid, groups = account(plan.user)
    with plan.log.open("ab") as log:
        return subprocess.Popen(
            plan.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=environment(),
            start_new_session=True,
            preexec_fn=bind_to_owner,
            user=uid,
            group=gid,
            extra_groups=groups,
        )


def account(user: str | None) -> tuple[int | None, int | None, list[int] | None]:
    """user, group and extra groups for a subprocess; all None: stay who we are."""
    if user is None:
        return None, None, None
    found = user_id(user)
    return found, pwd.getpwuid(found).pw_gid, []


def user_id(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise StoreError(
            "postgresql",
            f"it cannot run as root and there is no user {user!r}",
            "run as a user",
        ) from error


def environment() -> dict[str, str]:
    """Nothing of ours: variables like PGPORT or LANG would change the servers."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
