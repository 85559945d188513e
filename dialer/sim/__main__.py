"""`python -m dialer.sim`: the simulated switch as a process of its own.

gevent is patched before anything else is imported. Prints one JSON line `{"port": N}` on stdout
when it listens; ends orderly on SIGTERM and SIGINT.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import dataclasses  # noqa: E402
import os  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
import gevent.event  # noqa: E402
import structlog  # noqa: E402

from dialer.errors import ConfigError, Problem  # noqa: E402
from dialer.sim.event_socket import SimulatedSwitch  # noqa: E402
from dialer.sim.record import Record  # noqa: E402
from dialer.sim.world import Gateway, World, load_world  # noqa: E402

PASSWORD_VARIABLE = "DIALER_SIM_PASSWORD"


def main() -> int:
    """0 after an orderly end, 2 for a wrong option or world."""
    options = _options()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    try:
        world, password = _world(options), _password(options)
        record = Record(options.record)
        switch = SimulatedSwitch(world, port=options.port, password=password, record=record)
        switch.start()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"cannot start on port {options.port}: {error}\n")
        return 2
    stopping = gevent.event.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopping.set)
    sys.stdout.write(f'{{"port": {switch.port}}}\n')
    sys.stdout.flush()
    watch = gevent.spawn(switch.join)
    watch.link(lambda _watch: stopping.set())
    stopping.wait()
    if watch.dead:
        watch.get()  # raises what went wrong inside
    switch.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dialer.sim", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--password-file", type=Path, help=f"or {PASSWORD_VARIABLE}")
    parser.add_argument("--world", type=Path, help="YAML of dialer.sim.world.World")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--time-scale", type=float, help="0.1 = ten times faster")
    parser.add_argument("--gateway", action="append", default=[], help="name; repeatable")
    parser.add_argument("--sps", type=int)
    parser.add_argument("--max-sessions", type=int)
    parser.add_argument("--record", type=Path, help="NDJSON, appended to")
    return parser.parse_args()


def _world(options: argparse.Namespace) -> World:
    """The file's world with the command line's values over it."""
    world = load_world(options.world) if options.world else World()
    given = {
        name: getattr(options, name)
        for name in ("seed", "time_scale", "sps", "max_sessions")
        if getattr(options, name) is not None
    }
    if options.gateway:
        named = {name: Gateway() for name in options.gateway}
        given["gateways"] = {**named, **world.gateways} if options.world else named
    return dataclasses.replace(world, **given)


def _password(options: argparse.Namespace) -> str:
    if options.password_file:
        text: str = options.password_file.read_text(encoding="utf-8")
        return text.strip()
    password = os.environ.get(PASSWORD_VARIABLE, "")
    if not password:
        raise ConfigError(
            [
                Problem(
                    place="--password-file",
                    what="no password for the event socket",
                    remedy=f"give the option or set {PASSWORD_VARIABLE}",
                )
            ]
        )
    return password


if __name__ == "__main__":
    sys.exit(main())
