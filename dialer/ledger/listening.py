"""LISTEN on a connection of its own: the feeder sleeps here until somebody becomes due.

A notification that comes while nobody waits is kept by the connection; a lost connection loses
them, so the feeder looks by itself now and then, too.
"""

from __future__ import annotations

import psycopg

from dialer.core.model import CampaignName
from dialer.ledger.pool import Connection, connect, translate

CHANNEL = "dialer_work"


class Listener:
    """For one waiting greenlet at a time."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None
        self._closed = False

    def wait(self, timeout_s: float) -> frozenset[CampaignName]:
        """Names told since the last call, after `timeout_s` at most. Raises StoreError."""
        try:
            connection = self._listening()
            told = {
                CampaignName(notice.payload)
                for notice in connection.notifies(timeout=timeout_s, stop_after=1)
            }
            # A batch of notices is one piece of news.
            told |= {CampaignName(notice.payload) for notice in connection.notifies(timeout=0)}
        except psycopg.Error as error:
            self._drop()
            if self._closed:
                return frozenset()
            raise translate(error) from error
        return frozenset(told)

    def _listening(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._dsn)
            self._connection.execute(f"LISTEN {CHANNEL}".encode())
        return self._connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        self._closed = True
        self._drop()
