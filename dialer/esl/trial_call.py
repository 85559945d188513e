"""One call to one's own phone, seen from end to end over a connection of its own (R10.6).

The called person hears two tones and then himself (echo): both directions are judged by ear and
by counted packets. The leg carries no daemon's name, so no daemon adopts or ends it; its own
timer ends it whoever is alive here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gevent.queue import Empty, Queue

from dialer.core.calls.sound import Sound
from dialer.core.model import Evidence, Gateway
from dialer.errors import CommandRefused, LinkDown
from dialer.esl import commands
from dialer.esl.commands import House
from dialer.esl.link import Link
from dialer.esl.translate import evidence, sound
from dialer.ports import CustomerCall

#: How long after its own timers the end of the call is waited for.
GRACE_S = 10.0
SHOWN = "event json CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER"
EVENTS = f"{SHOWN} CHANNEL_HANGUP_COMPLETE BACKGROUND_JOB"
STEPS = {
    "CHANNEL_CREATE": "the switch sends the call out",
    "CHANNEL_PROGRESS": "the phone rings (180)",
    "CHANNEL_PROGRESS_MEDIA": "early media: the network plays something (183)",
    "CHANNEL_ANSWER": "answered",
}

Headers = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How it ended; instants in seconds from the start, None = never."""

    evidence: Evidence
    sound: Sound | None
    rang_s: float | None
    answered_s: float | None
    ended_s: float


class TrialCall:
    """Made with a link that is connected; `tell(seconds, words)` is called for each step."""

    def __init__(self, link: Link, house: House, tell: Callable[[float, str], None]) -> None:
        self._link = link
        self._house = house
        self._tell = tell
        self._events: Queue[Headers] = Queue()
        self._began_s = 0.0
        self._at: dict[str, float] = {}

    def run(self, call: CustomerCall, gateway: Gateway) -> Ending:
        """Dial and wait for the end. Raises LinkDown; whatever is raised, the leg is ended."""
        text = commands.originate_test(call, gateway, self._house)
        self._link.register_handle("*", self._events.put)
        self._link.send(EVENTS)
        self._began_s = time.monotonic()
        self._say(f"dial string: {text.removeprefix('bgapi originate ')}")
        ended = False
        try:
            self._link.send(text, headers={"Job-UUID": call.attempt})
            ending = self._watch(call)
            ended = True
        finally:
            if not ended:
                self._end(call)
        return ending

    def _watch(self, call: CustomerCall) -> Ending:
        until_s = self._began_s + call.ring_timeout_s + call.max_talk_s + GRACE_S
        while (left_s := until_s - time.monotonic()) > 0:
            try:
                headers = self._events.get(timeout=min(left_s, 1.0))
            except Empty:
                if self._link.ended.is_set():
                    raise LinkDown("the connection to the switch was lost") from None
                continue
            if ending := self._take(headers, call):
                return ending
        raise LinkDown("the end of the call was never told; it has been hung up")

    def _take(self, headers: Headers, call: CustomerCall) -> Ending | None:
        name = headers.get("Event-Name")
        if name == "BACKGROUND_JOB":
            reply = str(headers.get("_body", "")).strip()
            refused = headers.get("Job-UUID") == call.attempt and reply.startswith("-")
            # With a channel its own hang-up tells more.
            return self._refused(reply) if refused and not self._at else None
        if headers.get("Unique-ID") != call.attempt:
            return None
        now_s = self._since()
        if name == "CHANNEL_HANGUP_COMPLETE":
            return Ending(
                evidence=evidence(headers),
                sound=sound(headers) if "CHANNEL_ANSWER" in self._at else None,
                rang_s=self._at.get("CHANNEL_PROGRESS", self._at.get("CHANNEL_PROGRESS_MEDIA")),
                answered_s=self._at.get("CHANNEL_ANSWER"),
                ended_s=now_s,
            )
        if isinstance(name, str) and name in STEPS:
            self._at.setdefault(name, now_s)
            more = f" with {codec(headers)}" if name == "CHANNEL_ANSWER" else ""
            self._say(STEPS[name] + more)
        return None

    def _refused(self, reply: str) -> Ending:
        lone = Evidence(channel=False, cause=reply.removeprefix("-ERR").strip(), reply=reply)
        return Ending(
            evidence=lone, sound=None, rang_s=None, answered_s=None, ended_s=self._since()
        )

    def _end(self, call: CustomerCall) -> None:
        """Whoever gives up must not leave his phone ringing."""
        try:
            self._link.send(f"api uuid_kill {commands.uuid(call.attempt)} ORIGINATOR_CANCEL")
        except (CommandRefused, LinkDown) as error:
            self._say(f"not hung up: {error}")

    def _since(self) -> float:
        return time.monotonic() - self._began_s

    def _say(self, words: str) -> None:
        self._tell(self._since(), words)


def codec(headers: Headers) -> str:
    """The codec and where the sound goes."""
    name = headers.get("Channel-Read-Codec-Name") or headers.get("variable_read_codec")
    rate = headers.get("Channel-Read-Codec-Rate") or headers.get("variable_read_rate")
    where = headers.get("variable_remote_media_ip")
    port = headers.get("variable_remote_media_port")
    to = f", sound to {where}:{port}" if where else ""
    return f"{name or 'no codec yet'} {rate or ''} Hz{to}"
