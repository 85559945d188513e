"""The private servers of demo and tests: without them no fresh machine can run anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from dialer.sim.private_server import RunningServer
from dialer.sim.servers import HOST, start_postgres, start_redis

OWNER = """
import sys, time, pathlib
from dialer.sim.servers import start_postgres, start_redis
folder = pathlib.Path(sys.argv[1])
servers = [start_redis(folder), start_postgres(folder)]
print(*(server.pid for server in servers), servers[1].plan.folder, flush=True)
time.sleep(60)
"""


def gone(pid: int, within_s: float = 10.0) -> bool:
    """Has the process ended (nobody may reap it here: a zombie has ended too)?"""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_killed_postgres_comes_back_with_every_committed_row(own_postgres: RunningServer):
    with psycopg.connect(own_postgres.dsn) as connection:
        connection.execute("CREATE TABLE attempts (id int)")
        connection.execute("INSERT INTO attempts VALUES (1)")
    before = own_postgres.pid
    own_postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(own_postgres.dsn)
    own_postgres.restart()
    assert own_postgres.pid != before
    with psycopg.connect(own_postgres.dsn) as connection:
        assert connection.execute("SELECT id FROM attempts").fetchall() == [(1,)]
        assert connection.execute("SHOW fsync").fetchone() == ("on",)


def test_postgres_knows_russian_case(new_database: Callable[..., str]):
    with psycopg.connect(new_database()) as connection:
        row = connection.execute("SELECT lower('ПЁТР'), 'ПЁТР' ILIKE 'пё%'").fetchone()
    assert row == ("пётр", True)


def test_killed_redis_comes_back_empty_unless_durable(tmp_path: Path):
    for durable, expected in ((False, None), (True, b"kept")):
        server = start_redis(tmp_path / str(durable), durable=durable)
        try:
            with redis.Redis.from_url(server.url) as client:
                client.set("key", "kept")
            server.kill()
            server.restart()
            with redis.Redis.from_url(server.url) as client:
                assert client.get("key") == expected
        finally:
            server.remove()
        assert not server.alive()
        assert not server.plan.folder.exists()


def test_nobody_enters_without_the_password(own_redis: RunningServer):
    no_retry = Retry(NoBackoff(), 0)
    stranger = redis.Redis(host=HOST, port=own_redis.plan.port, retry=no_retry)
    with pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_a_second_start_keeps_data_and_password(tmp_path: Path):
    first = start_redis(tmp_path, durable=True)
    with redis.Redis.from_url(first.url) as client:
        client.set("key", "kept")
    first.stop()
    second = start_redis(tmp_path, durable=True)
    try:
        with redis.Redis.from_url(second.url) as client:
            assert client.get("key") == b"kept"
    finally:
        second.remove()


def test_servers_die_with_an_owner_that_was_killed(tmp_path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        redis_pid, postgres_pid, folder = owner.stdout.readline().split()
        try:
            assert os.getsid(int(redis_pid)) == int(redis_pid)  # Ctrl-C does not reach them
            assert os.getsid(int(postgres_pid)) == int(postgres_pid)
        finally:
            owner.send_signal(signal.SIGKILL)
    assert gone(int(redis_pid))
    assert gone(int(postgres_pid))
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's data lie under /var/tmp")
def test_data_of_a_killed_run_do_not_fill_the_disk(tmp_path: Path):
    for name in ("killed", "next"):
        (tmp_path / name).mkdir()
    killed = start_postgres(tmp_path / "killed")
    killed.kill()
    (tmp_path / "killed" / "postgresql.where").unlink(missing_ok=True)
    (tmp_path / "killed").rmdir()
    server = start_postgres(tmp_path / "next")
    try:
        assert killed.plan.folder.parent != Path("/var/tmp") or not killed.plan.folder.exists()
        assert server.plan.folder.exists()
    finally:
        server.remove()
