"""Events per second through the link: socket -> frames -> JSON -> handler, beside bare
receiving.

Real events (tests/samples/esl) are sent by another process as fast as the socket takes them;
the floor is the same bytes read and thrown away by gevent. CPU seconds of this process count,
not those of the sender.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gevent import socket
from gevent.event import Event

from dialer.esl.link import Link

SAMPLES = Path(__file__).resolve().parents[1] / "tests" / "samples" / "esl"
REPEATS = 60
PASSWORD = "bench"

#: The sender: speaks just enough of the protocol, then writes everything, then closes.
SENDER = """
import socket, sys
body = sys.stdin.buffer.read()
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    wire, _ = server.accept()
    wire.sendall(b"Content-Type: auth/request\\n\\n")
    asked = b""
    while not asked.endswith(b"\\n\\n"):
        more = wire.recv(4096)
        if not more:
            break
        asked += more
    wire.sendall(b"Content-Type: command/reply\\nReply-Text: +OK accepted\\n\\n")
    for _ in range(%d):
        wire.sendall(body)
    wire.close()
"""


def run() -> dict[str, Any]:
    """events_per_s and events_per_cpu_s of the link, of bare receiving, and their ratio."""
    events = [
        line
        for file in sorted(SAMPLES.glob("*.ndjson"))
        for line in file.open("rb").readlines()
    ]
    events = [line.strip() for line in events if line.strip()]
    body = b"".join(
        b"Content-Length: %d\nContent-Type: text/event-json\n\n" % len(one) + one
        for one in events
    )
    sender = subprocess.Popen(
        [sys.executable, "-c", SENDER % REPEATS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert sender.stdin is not None and sender.stdout is not None
    try:
        sender.stdin.write(body)
        sender.stdin.close()
        port = int(sender.stdout.readline())
        sent = len(events) * REPEATS
        bare = _timed(lambda: _receive_bare(port), sent)
        link = _timed(lambda: _receive_by_link(port, sent), sent)
    finally:
        sender.kill()
        sender.wait()
    return {
        "events": sent,
        "bytes_per_event": len(body) // len(events),
        "link": link,
        "bare_receiving": bare,
        "link_of_bare": round(link["events_per_cpu_s"] / bare["events_per_cpu_s"], 4),
    }


def _timed(receive: Callable[[], None], sent: int) -> dict[str, float]:
    began, cpu = time.monotonic(), time.process_time()
    receive()
    elapsed_s, cpu_s = time.monotonic() - began, time.process_time() - cpu
    return {
        "events_per_s": round(sent / elapsed_s),
        "events_per_cpu_s": round(sent / max(cpu_s, 1e-9)),
    }


def _receive_bare(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as wire:
        wire.sendall(b"auth x\n\n")
        while wire.recv(65536):
            pass


def _receive_by_link(port: int, sent: int) -> None:
    ended = Event()
    seen = 0

    def count(headers: dict[str, Any]) -> None:
        nonlocal seen
        seen += 1

    link = Link("127.0.0.1", port, PASSWORD)
    link.register_handle("*", count)
    link.register_handle("DISCONNECT", lambda _: ended.set())
    link.connect()
    ended.wait()
    if seen != sent:
        raise AssertionError(f"{sent} events were sent, {seen} arrived")


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
