"""The simulated switch: an event-socket server on loopback with a whole world behind it.

Usable in a process of its own (`python -m dialer.sim`) and inside a test:
`switch = SimulatedSwitch(world); switch.start(); ...; switch.stop()`. `stop` is an orderly
shutdown (SHUTDOWN, SYSTEM_SHUTDOWN on every channel, a notice to every client); `abort` is the
power cut. `exchange` gives a test the inside: channels, gateways, `hold_events`.
"""

from __future__ import annotations

import gevent
import structlog
from gevent import socket
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer

from dialer.sim import legs
from dialer.sim.clock import WallScheduler
from dialer.sim.connection import Connection
from dialer.sim.exchange import Exchange
from dialer.sim.record import Record
from dialer.sim.world import World

log = structlog.get_logger(__name__)

DEFAULT_PASSWORD = "simulated-switch"
_GOODBYE_S = 2.0


class SimulatedSwitch:
    """A server on 127.0.0.1; port 0 takes a free one, which `port` then says."""

    def __init__(
        self,
        world: World | None = None,
        *,
        port: int = 0,
        password: str = DEFAULT_PASSWORD,
        record: Record | None = None,
    ) -> None:
        self.password = password
        self.known_subclasses: set[str] = {"sofia::gateway_state", "dialer::ready"}
        self._clock = WallScheduler()
        self._record = record or Record(None)
        self.exchange = Exchange(world or World(), self._clock, self._record)
        self._clients = Pool()
        self._server = StreamServer(("127.0.0.1", port), self._serve, spawn=self._clients)
        self._connections: list[Connection] = []
        self.sight = Event()
        self.sight.set()
        self._stuck: Connection | None = None

    @property
    def port(self) -> int:
        return int(self._server.server_port or 0)

    def start(self) -> None:
        self._server.start()
        self._clock.start()
        self.exchange.start()
        log.info("simulated switch up", port=self.port, core_uuid=self.exchange.core_uuid)

    def join(self) -> None:
        """Wait until it ends; raises what went wrong inside."""
        self._clock.join()

    def stop(self) -> None:
        """Orderly shutdown (proofs 7, sample 28)."""
        x = self.exchange
        self._server.close()
        x.limits.stopping = True
        x.fire("SHUTDOWN", {"Event-Info": "System Shutting Down"})
        for channel in list(x.channels.values()):
            legs.hang_up(x, channel, "SYSTEM_SHUTDOWN", by_us=True)
        x.end()
        for connection in list(self._connections):
            connection.say_goodbye()
        gevent.joinall(
            [gevent.spawn(one.join, _GOODBYE_S) for one in list(self._connections)],
            timeout=_GOODBYE_S,
        )
        self._finish()

    def abort(self) -> None:
        """As SIGKILL: sockets just close, channels leave no trace but in the record."""
        self._server.close()
        self.exchange.end()
        self._finish()

    def drop_clients(self) -> None:
        """Cut every connection; calls go on."""
        for connection in list(self._connections):
            connection.abort()

    def _finish(self) -> None:
        self.drop_clients()
        self._clients.kill(timeout=_GOODBYE_S)
        self._server.stop()
        self._record.close()
        self._clock.stop()

    def stuck(self, connection: Connection) -> None:
        """This client reads nothing: from now on nobody hears anything, until it is gone."""
        if self._stuck is None:
            log.error("client reads no events and blinds all", clients=len(self._connections))
            self._stuck = connection
            self.sight.clear()
            self.exchange.hold_events(True)

    def left(self, connection: Connection) -> None:
        if connection is self._stuck:
            self._stuck = None
            self.sight.set()
            self.exchange.hold_events(False)
        if connection in self._connections:
            self._connections.remove(connection)
            x = (
                self.exchange
            )  # a new list: this may happen while an event goes round the old one
            x.listeners = [one for one in x.listeners if one is not connection]
            x.subscriptions_changed()

    def _serve(self, client: socket.socket, address: tuple[str, int]) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(self, client, f"{address[0]}:{address[1]}")
        self._connections.append(connection)
        self.exchange.listeners.append(connection)
        connection.run()
