"""Bytes of the event socket <-> frames and commands; bodies -> mappings. Pure.

A frame is a block of `Name: value` lines, a blank line, and `Content-Length` BYTES of body.
The length counts only at the start of a line, so that text inside a value can't move a
frame's end. Lines are cut first and decoded after: a line break that hides in UTF-8 or in %0A
makes no header. What breaks the rules raises FramingError: such a stream can't be trusted any
more. On the way out no value may start a line of its own (a blank line would start a second
command).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from dialer.errors import Bug, CommandRefused

BODY_LIMIT = 8 * 1024 * 1024  # the switch's own is 16 MiB; the largest event seen is 40 kB
HEADER_LIMIT = 64 * 1024
COMMAND_LIMIT = 64 * 1024
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_REPLY_SHOWN = 500
_FORBIDDEN = re.compile(r"[\r\n\0]")
_HEADER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WITH_BODY = frozenset({"text/event-json", "text/event-plain", "api/response", "log/data"})
_LENGTH = re.compile(rb"[0-9]{1,10}")


class FramingError(Exception):
    """The bytes are no event-socket stream, or a frame is larger than we take."""


class Frame(NamedTuple):
    """One frame: its outer headers, and the body as it came."""

    headers: Mapping[str, str]
    body: bytes


class FrameReader:
    """Collects bytes and gives out whole frames. Work is linear in the bytes, however cut."""

    __slots__ = ("_buffer", "_headers", "_length", "_searched")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0  # no blank line begins before this place
        self._headers: dict[str, str] | None = None  # of the frame whose body is awaited
        self._length = 0

    def feed(self, data: bytes) -> list[Frame]:
        """All frames that `data` completes, in order. Raises FramingError."""
        self._buffer += data
        frames: list[Frame] = []
        position = 0
        while True:
            if self._headers is None:
                after = self._read_headers(position)
                if after is None:
                    break
                position = after
            else:
                end = position + self._length
                if len(self._buffer) < end:
                    break
                with memoryview(self._buffer) as view:
                    frames.append(Frame(self._headers, bytes(view[position:end])))
                self._headers = None
                position = end
                self._searched = end
        del self._buffer[:position]
        self._searched = max(0, self._searched - position)
        return frames

    def _read_headers(self, position: int) -> int | None:
        """Where the body begins; None while the blank line has not come."""
        buffer = self._buffer
        end = buffer.find(b"\n\n", max(position, self._searched))
        if (end if end >= 0 else len(buffer)) - position > HEADER_LIMIT:
            raise FramingError(f"a header block of more than {HEADER_LIMIT} bytes")
        if end < 0:
            self._searched = max(position, len(buffer) - 1)
            return None
        block = bytes(buffer[position:end]).strip(b"\n")
        self._searched = end + 2
        if block:  # else: blank lines between frames, which mean nothing
            self._headers = _headers(block)
            self._length = _body_length(self._headers)
        return end + 2


def _headers(block: bytes) -> dict[str, str]:
    """The first of a doubled name counts: what is appended later can't replace it."""
    headers: dict[str, str] = {}
    for line in block.split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon:
            headers.setdefault(_text(name), _text(value.strip()))
    return headers


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _body_length(headers: Mapping[str, str]) -> int:
    """A stream that lost its step shows here first; read on, it would be deaf for ever."""
    kind = headers.get("Content-Type")
    if kind is None or (kind in _WITH_BODY and "Content-Length" not in headers):
        raise FramingError("a header block without its type or its body's length")
    return _length(headers.get("Content-Length", "0"))


def _length(value: str) -> int:
    if not _LENGTH.fullmatch(value.encode()):
        raise FramingError("a Content-Length that is no number")
    length = int(value)
    if length > BODY_LIMIT:
        raise FramingError(f"a body of {length} bytes, more than {BODY_LIMIT}")
    return length


def decode_json(body: bytes) -> dict[str, Any] | None:
    """The JSON object in `body`; None where there is none.

    Callers' names put raw control bytes, bad UTF-8 and half surrogate pairs into events. orjson
    refuses all three; then the slow way takes them, and no half pair is handed on (it could not
    be written to a log or a store).
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _decode_leniently(body)
    return value if isinstance(value, dict) else None


def _decode_leniently(body: bytes) -> Any:
    try:
        return _without_half_pairs(json.loads(body.decode("utf-8", "replace"), strict=False))
    except (ValueError, RecursionError):
        return None


def _without_half_pairs(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_without_half_pairs(item) for item in value]
    if isinstance(value, dict):
        return {_without_half_pairs(k): _without_half_pairs(v) for k, v in value.items()}
    return value


# ------------------------------------------------------------------ the other way


def command_bytes(data: str, headers: Mapping[str, str]) -> bytes:
    """The one place that makes bytes for the switch: no value may start a line of its own."""
    lines = [data]
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise Bug("a header's name with characters that may not stand there")
        lines.append(f"{name}: {value}")
    if any(_FORBIDDEN.search(line) for line in lines) or not data.strip():
        raise Bug("a command with a line break or NUL in it, or an empty one")
    try:
        payload = ("\n".join(lines) + "\n\n").encode()
    except UnicodeEncodeError as error:
        raise Bug("a command with half a surrogate pair in it") from error
    if len(payload) > COMMAND_LIMIT:
        raise Bug(f"a command of {len(payload)} bytes")
    return payload


def verb_of(data: str) -> str:
    """What may be logged of a command: never its values (numbers, the password)."""
    words = data.split(" ", 2)
    return " ".join(words[:2]) if words[0] in ("api", "bgapi") else words[0]


def reply_text(frame: Frame) -> str:
    """The reply's text without the last newline; -ERR and -USAGE become CommandRefused."""
    if frame.headers.get("Content-Type") == "api/response":
        text = frame.body.decode("utf-8", "replace").rstrip("\n")
    else:
        text = frame.headers.get("Reply-Text", "")
    if text.startswith(("-ERR", "-USAGE")):
        raise CommandRefused(text[:_REPLY_SHOWN].strip())
    return text
