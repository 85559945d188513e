"""The event-socket protocol's text: commands cut out of a byte stream, replies made.

A command is lines up to a blank line, then a body if it has a Content-Length; blank lines
between commands are skipped and answered by nothing (proofs 0.2). So a line break inside a
value ends the command and what follows is a command of its own: the injection that a daemon
must prevent works here as it works there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

GOODBYE_BODY = b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
GOODBYE = (
    f"Content-Type: text/disconnect-notice\nContent-Length: {len(GOODBYE_BODY)}\n\n".encode()
    + GOODBYE_BODY
)
AUTH_REQUEST = b"Content-Type: auth/request\n\n"
_BLANK_LINE = re.compile(rb"\n\r?\n")
MOST_COMMAND_BYTES = 10 * 1024 * 1024


class TooLongError(ValueError):
    """A command of more than 10 MB, or a nonsensical Content-Length: the switch hangs up."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One command: its first line, its headers (names in lower case too) and its body."""

    command: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    def header(self, name: str) -> str:
        lower = name.lower()
        return next((text for key, text in self.headers.items() if key.lower() == lower), "")


class CommandReader:
    """Cuts packets out of what arrives, however it is fragmented."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Packet]:
        self._buffer += data
        packets = []
        while (packet := self._next()) is not None:
            packets.append(packet)
        if len(self._buffer) > MOST_COMMAND_BYTES:
            raise TooLongError
        return packets

    def _next(self) -> Packet | None:
        buffer = self._buffer
        start = len(buffer) - len(buffer.lstrip(b"\r\n"))
        if start:
            del buffer[:start]
        end = _BLANK_LINE.search(buffer)
        if end is None:
            return None
        command, headers = _lines(bytes(buffer[: end.start()]))
        whole = end.end() + _body_length(headers)
        if len(buffer) < whole:
            return None
        body = bytes(buffer[end.end() : whole])
        del buffer[:whole]
        return Packet(command, headers, body.decode("utf-8", "surrogateescape"))


def _lines(block: bytes) -> tuple[str, dict[str, str]]:
    lines = block.decode("utf-8", "surrogateescape").split("\n")
    lines = [line.removesuffix("\r") for line in lines]
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip()] = value.strip()
    return lines[0], headers


def _body_length(headers: dict[str, str]) -> int:
    text = next((v for k, v in headers.items() if k.lower() == "content-length"), "0")
    if not text.isdigit() or int(text) > MOST_COMMAND_BYTES:
        raise TooLongError
    return int(text)


def command_reply(text: str, extra: str = "") -> bytes:
    """`command/reply`; the switch cuts its text at 512 bytes."""
    head = f"Content-Type: command/reply\nReply-Text: {text}"[:540]
    return f"{head}\n{extra}\n".encode("utf-8", "surrogateescape")


def api_response(text: str) -> bytes:
    body = text.encode("utf-8", "surrogateescape")
    return f"Content-Type: api/response\nContent-Length: {len(body)}\n\n".encode() + body


@dataclass(slots=True)
class Subscription:
    """What one client has asked to hear: events, custom subclasses, filters."""

    enabled: bool = False
    everything: bool = False
    names: set[str] = field(default_factory=set)
    subclasses: set[str] = field(default_factory=set)
    nixed: set[str] = field(default_factory=set)
    filters: list[tuple[str, str]] = field(default_factory=list)

    def wants(self, name: str, subclass: str) -> bool:
        if not self.enabled:
            return False
        if name == "CUSTOM":
            return subclass in self.subclasses
        return (self.everything and name not in self.nixed) or name in self.names

    def passes(self, headers: dict[str, object]) -> bool:
        """Positive filters are OR, a negative match vetoes; alone they let nothing through."""
        if not self.filters:
            return True
        passed = False
        for name, value in self.filters:
            have = headers.get(name)
            negative = value.startswith("-")
            if isinstance(have, str) and _filter_matches(value.removeprefix("-"), have):
                if negative:
                    return False
                passed = True
        return passed

    def add(self, words: list[str], known: set[str]) -> str:
        """`event json NAMES... CUSTOM subclasses...`; the reply."""
        if words[:1] and words[0].lower() in ("json", "plain", "xml"):
            if words[0].lower() != "json":
                return f"-ERR only json is simulated, not {words[0]}"
            words = words[1:]
        names, subclasses = _split_custom(words)
        if not names:
            return "-ERR no keywords supplied"
        for name in names:
            if name == "ALL":
                self.everything = True
                self.nixed.clear()
                self.subclasses |= known
            self.names.add(name)
            self.nixed.discard(name)
        self.subclasses |= set(subclasses)
        self.enabled = True
        return "+OK event listener enabled json"

    def remove(self, words: list[str]) -> str:
        names, subclasses = _split_custom(words)
        if not names:
            return "-ERR no keywords supplied"
        for name in names:
            if name == "ALL":
                self.names.clear()
                self.everything = False
            elif name != "CUSTOM":
                self.names.discard(name)
                self.nixed.add(name)
        self.subclasses -= set(subclasses)
        return "+OK events nixed"

    def clear(self) -> str:
        if not self.enabled:
            return "-ERR not listening for events"
        self.enabled = self.everything = False
        self.names.clear()
        self.subclasses.clear()
        self.nixed.clear()
        return "+OK no longer listening for events"

    def filter(self, text: str) -> str:
        """`filter NAME VALUE`, `filter delete NAME|all [VALUE]`; the reply."""
        name, _, value = text.strip().partition(" ")
        if name.lower() == "delete" and value:
            name, _, value = value.partition(" ")
            if name.lower() == "all":
                self.filters.clear()
            else:
                self.filters = [
                    one
                    for one in self.filters
                    if one[0].lower() != name.lower() or (value and one[1] != value)
                ]
            return f"+OK filter deleted. [{name}][{value}]"
        if not value:
            return "-ERR invalid syntax"
        if name.lower() == "add":
            name, _, value = value.partition(" ")
        self.filters.append((name, value))
        return f"+OK filter added. [{name}]=[{value}]"


def _split_custom(words: list[str]) -> tuple[list[str], list[str]]:
    """Names that come before CUSTOM (it included), and subclasses after it."""
    names = [word.upper() for word in words]
    if "CUSTOM" not in names:
        return names, []
    at = names.index("CUSTOM")
    return names[: at + 1], words[at + 1 :]


def _filter_matches(value: str, have: str) -> bool:
    if len(value) > 1 and value.startswith("/") and value.endswith("/"):
        return re.search(value[1:-1], have) is not None
    return value.lower() == have.lower()
