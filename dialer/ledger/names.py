"""One daemon per name: an advisory lock on a connection of its own (decisions/0012).

The server ends the lock with its connection: the name of a daemon that died is free at once,
that of one whose machine vanished when the server's keep-alives notice it, after 15 s.
"""

from __future__ import annotations

import os
import socket

import psycopg

from dialer.core.model import InstanceName
from dialer.ledger.pool import Connection, connect, translate
from dialer.ledger.statements import statements

SQL = statements("names")
_KEEPALIVES = " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3"


class NameLock:
    """Held from the first `hold` that returned None until `release`, or until it is lost."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: Connection | None = None
        self._held = False

    def hold(self, instance: InstanceName) -> str | None:
        """None: the name is ours. Else who has it, in words. Raises StoreError."""
        try:
            return self._hold(instance)
        except psycopg.Error as error:
            self.release()
            raise translate(error) from error

    def _hold(self, instance: InstanceName) -> str | None:
        connection = self._connected(instance)
        if self._held:
            connection.execute(SQL["still_there"])  # the lock lives as long as this works
            return None
        row = connection.execute(SQL["take_name"], {"name": instance}).fetchone()
        self._held = bool(row and row[0])
        if self._held:
            return None
        holder = connection.execute(SQL["who_has_name"], {"name": instance}).fetchone()
        return "somebody who has just left" if holder is None else f"{holder[0]}"

    def _connected(self, instance: InstanceName) -> Connection:
        if self._connection is None or self._connection.closed:
            self._held = False
            self._connection = connect(self._dsn, more=_KEEPALIVES)
            who = f"dialer {instance}, pid {os.getpid()} on {socket.gethostname()}"
            self._connection.execute(SQL["call_me"], {"who": who[:63]})
        return self._connection

    def release(self) -> None:
        connection, self._connection, self._held = self._connection, None, False
        if connection is not None:
            connection.close()
