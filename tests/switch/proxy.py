"""A TCP way between the daemon and the switch that can be cut and mended."""

from __future__ import annotations

from contextlib import suppress

from gevent import socket, spawn
from gevent.server import StreamServer


class Proxy:
    """Listens on a free port of loopback and passes everything on to `target`."""

    def __init__(self, host: str, target: int) -> None:
        self._target = (host, target)
        self._open: set[socket.socket] = set()
        self._mended = True
        self._server = StreamServer((host, 0), self._serve)
        self._server.start()
        self.port = int(self._server.address[1])

    def cut(self) -> None:
        """Every connection breaks, and no new one lasts."""
        self._mended = False
        for one in list(self._open):
            self._close(one)

    def mend(self) -> None:
        self._mended = True

    def close(self) -> None:
        self.cut()
        self._server.stop()

    def _serve(self, near: socket.socket, _: object) -> None:
        if not self._mended:
            near.close()
            return
        far = socket.create_connection(self._target)
        self._open |= {near, far}
        back = spawn(self._pass_on, far, near)
        self._pass_on(near, far)
        back.join()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):  # cut, by us or by one of the two
            while data := source.recv(65_536):
                sink.sendall(data)
        self._close(source)
        self._close(sink)

    def _close(self, one: socket.socket) -> None:
        self._open.discard(one)
        with suppress(OSError):  # closed already by its peer
            one.shutdown(socket.SHUT_RDWR)
        one.close()
