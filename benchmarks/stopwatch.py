"""When ANSWER, ready, the order to bridge and CHANNEL_BRIDGE of each customer arrive at a
listener of its own.

A process of its own, woken each millisecond, so that nobody's work delays its clock. It says
"ready", listens until its standard input ends, then prints one JSON object:
`{instance: {leg: {"answered": s, "ready": s, "asked": s, "bridged": s}}}` (monotonic seconds).
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

from gevent.fileobject import FileObject  # noqa: E402

from benchmarks.bare import PASSWORD  # noqa: E402
from tests.switch.instances import HOST  # noqa: E402
from tests.switch.wire import Wire  # noqa: E402

NAMES = "CHANNEL_ANSWER CHANNEL_BRIDGE API CUSTOM dialer::ready"


class Stopwatch:
    """Keeps the first arrival of each."""

    def __init__(self) -> None:
        self._times: dict[str, dict[str, float]] = {}
        self._whose: dict[str, str] = {}

    def on_event(self, event: dict[str, Any], arrived_s: float) -> None:
        match event["Event-Name"]:
            case "CHANNEL_BRIDGE":
                self._note(event["Bridge-A-Unique-ID"], "bridged", arrived_s)
                self._note(event["Bridge-B-Unique-ID"], "bridged", arrived_s)
            case "API":
                if event.get("API-Command") == "uuid_bridge":
                    _, customer = event["API-Command-Argument"].split()
                    self._note(customer, "asked", arrived_s)
            case "CUSTOM":
                self._note(event["Unique-ID"], "ready", arrived_s)
            case _ if event.get("variable_dialer_attempt"):
                leg = event["Unique-ID"]
                self._whose[leg] = event.get("variable_dialer_instance", "")
                self._times[leg] = {"answered": arrived_s}

    def _note(self, leg: str, what: str, arrived_s: float) -> None:
        if leg in self._times:
            self._times[leg].setdefault(what, arrived_s)

    def result(self) -> dict[str, dict[str, dict[str, float]]]:
        found: dict[str, dict[str, dict[str, float]]] = {}
        for leg, times in self._times.items():
            found.setdefault(self._whose[leg], {})[leg] = times
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    watch = Stopwatch()
    wire = Wire(HOST, parser.parse_args().port, os.environ[PASSWORD], watch.on_event)
    wire.subscribe(NAMES, wake_every_s=0.001)
    print("ready", flush=True)
    FileObject(sys.stdin.fileno(), "r").read()
    print(json.dumps(watch.result()), flush=True)


if __name__ == "__main__":
    main()
