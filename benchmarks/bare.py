"""The barest script that hands calls over: two sockets, a list of free operators, nothing else.

The measure of `benchmarks.handover`: it does what the proofs found best (operator first, bridge
at the script's ready event, the event socket woken every 2 ms while calls are open) and keeps
no books. One call in `--one-answers` is answered, the others are busy. Orders come by standard
input, a line each: `CALLS CALLS_PER_S`, answered when the calls have ended.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections import deque  # noqa: E402
from typing import Any  # noqa: E402
from uuid import uuid4  # noqa: E402

import gevent  # noqa: E402
from gevent.fileobject import FileObject  # noqa: E402

from tests.switch.callees import number  # noqa: E402
from tests.switch.instances import DOMAIN, GATEWAY, HOST  # noqa: E402
from tests.switch.wire import Wire  # noqa: E402

PASSWORD = "DIALER_SWITCH_PASSWORD"
INSTANCE = "bare"
WAKE_S = 0.002
EVENTS = (
    "CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_ANSWER CHANNEL_PARK CHANNEL_BRIDGE"
    " CHANNEL_HANGUP_COMPLETE BACKGROUND_JOB CUSTOM dialer::ready"
)
OPERATOR = (
    "bgapi originate {{origination_uuid={leg},park_after_bridge=true,"
    "uuid_bridge_park_on_cancel=true,ignore_early_media=true,originate_timeout=30,"
    "no_throttle_limits=true,send_silence_when_idle=-1,sip_auto_answer=true,"
    "media_timeout=30000,dialer_instance={instance},dialer_agent={extension}}}"
    "user/{extension}@{domain} &park()"
)
CUSTOMER = (
    "bgapi originate {{origination_uuid={leg},origination_caller_id_number=74950000100,"
    "ignore_early_media=true,originate_timeout=15,absolute_codec_string=PCMA,"
    "hangup_after_bridge=true,ignore_display_updates=true,dialer_instance={instance},"
    "dialer_attempt={leg},execute_on_answer=sched_hangup\\s+7200}}"
    "sofia/gateway/{gateway}/{number} 'm:^:event:Event-Name=CUSTOM,Event-Subclass=dialer::ready"
    "^playback:silence_stream://1800^hangup:NORMAL_CLEARING' inline"
)


def callee(place: int, one_answers: int) -> str:
    """Whom the call in this place of a turn reaches; both sides dial the same."""
    kind = "busy" if place % one_answers else "talk"
    return number(kind, place % 1000, tenths=5)


class Bare:
    """First come, first served."""

    def __init__(self, port: int, password: str, one_answers: int) -> None:
        self._one_answers = one_answers
        self._free: deque[str] = deque()
        self._operators: set[str] = set()
        self._open: set[str] = set()
        self._waiting: deque[str] = deque()
        self._commands = Wire(HOST, port, password)
        self._events = Wire(HOST, port, password, self._on_event)
        self._events.subscribe(EVENTS, wake_every_s=WAKE_S)
        self._events.awake.clear()
        self._dialed = 0

    def log_in(self, first: int, count: int) -> None:
        for extension in range(first, first + count):
            leg = str(uuid4())
            self._operators.add(leg)
            words = {"leg": leg, "instance": INSTANCE, "domain": DOMAIN}
            self._commands.begin(OPERATOR.format(extension=extension, **words))
            gevent.sleep(0.02)
        while len(self._free) < count:
            gevent.sleep(0.05)

    def dial(self, calls: int, calls_per_s: float) -> None:
        """Each somewhere in its interval, so that no phase of the switch's 20 ms is favoured.

        Returns when all have ended.
        """
        begun_s = time.monotonic()
        self._events.awake.set()
        for place in range(calls):
            due_s = begun_s + (place + random.random()) / calls_per_s
            gevent.sleep(max(0.0, due_s - time.monotonic()))
            leg = str(uuid4())
            self._open.add(leg)
            words = {"leg": leg, "instance": INSTANCE, "gateway": GATEWAY}
            called = callee(self._dialed, self._one_answers)
            self._commands.begin(CUSTOMER.format(number=called, **words))
            self._dialed += 1
        while self._open:
            gevent.sleep(0.05)
        self._events.awake.clear()

    def _on_event(self, event: dict[str, Any], arrived_s: float) -> None:
        name, leg = event["Event-Name"], event.get("Unique-ID", "")
        if leg in self._operators:
            if name == "CHANNEL_PARK":
                self._free.append(leg)
                self._pair()
        elif leg in self._open:
            if name == "CUSTOM":
                self._waiting.append(leg)
                self._pair()
            elif name == "CHANNEL_HANGUP_COMPLETE":
                self._open.discard(leg)

    def _pair(self) -> None:
        while self._free and self._waiting:
            operator, customer = self._free.popleft(), self._waiting.popleft()
            self._commands.begin(f"api uuid_bridge {operator} {customer}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--port", "--first", "--operators", "--one-answers"):
        parser.add_argument(name, type=int, required=True)
    asked = parser.parse_args()
    bare = Bare(asked.port, os.environ[PASSWORD], asked.one_answers)
    bare.log_in(asked.first, asked.operators)
    print("ready", flush=True)
    for line in FileObject(sys.stdin.fileno(), "r"):
        calls, calls_per_s = line.split()
        bare.dial(int(calls), float(calls_per_s))
        print("done", flush=True)


if __name__ == "__main__":
    main()
