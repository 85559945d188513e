"""A daemon's name in PostgreSQL: one holder, freed by his death, known to who comes second."""

from __future__ import annotations

import os

import psycopg
import pytest

from dialer.core.model import InstanceName
from dialer.errors import StoreError
from dialer.ledger.names import NameLock

OURS = InstanceName("d1")


def test_who_comes_second_is_told_who_has_the_name(dsn: str):
    """Two daemons of one name hang up each other's calls."""
    first, second = NameLock(dsn), NameLock(dsn)
    try:
        assert first.hold(OURS) is None
        other = second.hold(OURS)
        assert other is not None
        assert f"pid {os.getpid()}" in other
        assert first.hold(OURS) is None  # asked again and again: it stays his
        assert second.hold(InstanceName("d2")) is None
    finally:
        first.release()
        second.release()


def test_a_name_is_free_as_soon_as_its_holder_is_gone(dsn: str):
    """A restart after a crash must not wait."""
    first, second = NameLock(dsn), NameLock(dsn)
    try:
        for _ in range(3):  # held many times, freed at once all the same
            assert first.hold(OURS) is None
        assert second.hold(OURS)
        first.release()
        with psycopg.connect(dsn, autocommit=True) as watching:
            until_gone(watching)
        assert second.hold(OURS) is None
    finally:
        second.release()


def until_gone(watching: psycopg.Connection[tuple[int]]) -> None:
    """The server ends a session a moment after its client has left."""
    asked = (
        "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
        " WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND d.datname = current_database()"
    )
    for _ in range(10_000):
        row = watching.execute(asked).fetchone()
        if row == (0,):
            return
    raise AssertionError("the lock outlives its session")


def test_a_lost_connection_is_said_and_the_name_is_asked_for_anew(dsn: str):
    """After PostgreSQL was away the name may be another's: nobody may go on believing."""
    first, second = NameLock(dsn), NameLock(dsn)
    try:
        assert first.hold(OURS) is None
        with psycopg.connect(dsn, autocommit=True) as killer:
            killer.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name LIKE 'dialer d1,%'"
            )
        assert second.hold(OURS) is None
        with pytest.raises(StoreError):
            first.hold(OURS)
        assert first.hold(OURS)
    finally:
        first.release()
        second.release()
