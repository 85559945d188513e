"""The recorded events of a real switch, read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dialer.esl.framing import decode_json
from tests.rooms.esl.scripted import SAMPLES


def headers_of(story: str) -> Iterator[dict[str, Any]]:
    for line in (SAMPLES / f"{story}.ndjson").read_bytes().splitlines():
        headers = decode_json(line)
        assert headers is not None
        yield headers


def recorded(story: str, name: str, index: int = 0) -> dict[str, Any]:
    wanted = [
        headers
        for headers in headers_of(story)
        if name in (headers["Event-Name"], headers.get("Event-Subclass"))
    ]
    return wanted[index]
