"""A wire that breaks on purpose: a TCP proxy that can lose the server's next reply."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from gevent import socket
from gevent.server import StreamServer


class LossyWire:
    """Passes everything on, until `lose_replies` is set: then a reply cuts the connection."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.lose_replies = False
        self.lost = 0
        self._target = target
        self._server = StreamServer(("127.0.0.1", 0), self._handle)

    @property
    def port(self) -> int:
        return int(self._server.address[1])

    def _handle(self, near: socket.socket, _address: object) -> None:
        far = socket.create_connection(self._target)
        there = gevent.spawn(self._pump, near, far, replies=False)
        try:
            self._pump(far, near, replies=True)
        finally:
            there.kill()
            far.close()
            near.close()

    def _pump(self, source: socket.socket, sink: socket.socket, *, replies: bool) -> None:
        try:
            while data := source.recv(65536):
                if replies and self.lose_replies:
                    self.lost += 1
                    return
                sink.sendall(data)
        except OSError:
            return

    @contextmanager
    def running(self) -> Iterator[LossyWire]:
        self._server.start()
        try:
            yield self
        finally:
            self._server.stop(timeout=1)
