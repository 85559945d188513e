"""What a called number does is written in its digits, for the dialplan of the carrier.

    +7 495 KK RR NNN    KK = the kind below, RR = tenths of a second before it, NNN = any serial
    1NNN                an operator's phone: answers at once and stays

`KINDS` holds each kind with the steps that its callee takes and the disposition that our books
must show for it.
"""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Step = tuple[str, str]

ANSWER: Step = ("answer", "")
GOODBYE: Step = ("hangup", "NORMAL_CLEARING")
RINGING: Step = ("ring_ready", "")
WAIT: Step = ("sleep", "${tenths}00")
EARLY: Step = ("pre_answer", "")
TONE: Step = ("playback", "tone_stream://%(${tenths}00,0,425)")


def _silence(milliseconds: int) -> Step:
    """`sleep` would not send what a person's phone sends: sound."""
    return ("playback", f"silence_stream://{milliseconds}")


def _answers(milliseconds: int) -> Sequence[Step]:
    talk = [_silence(milliseconds)] if milliseconds else []
    return (RINGING, WAIT, ANSWER, *talk, GOODBYE)


def _vanishes(milliseconds: int) -> Sequence[Step]:
    wait: list[Step] = [("sleep", str(milliseconds))] if milliseconds else []
    return (RINGING, WAIT, ANSWER, *wait, GOODBYE)


def _refuses(status: str) -> Sequence[Step]:
    return (WAIT, ("respond", status))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of callee; `endings` are the dispositions that are true of it."""

    name: str
    code: str
    steps: Sequence[Step]
    endings: frozenset[str]


def _kind(name: str, code: str, steps: Sequence[Step], endings: str) -> Kind:
    return Kind(name=name, code=code, steps=steps, endings=frozenset(endings.split()))


#: Too short for a hand-over that is sure to succeed; abandoned where a busy machine is late.
SHORT = "talked short_hangup abandoned"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        _kind("talk", "10", _answers(1_500), "talked"),
        _kind("longer_talk", "11", _answers(4_000), "talked"),
        _kind("long_talk", "12", _answers(20_000), "talked"),
        _kind("mute", "14", (RINGING, WAIT, ANSWER, ("sleep", "12000"), GOODBYE), "talked"),
        _kind("longest_talk", "13", _answers(45_000), "talked"),
        _kind("gone_after_0", "20", _vanishes(0), SHORT),
        _kind("gone_after_10", "21", _vanishes(10), SHORT),
        _kind("gone_after_20", "22", _vanishes(20), SHORT),
        _kind("gone_after_40", "23", _vanishes(40), SHORT),
        _kind("gone_after_60", "24", _vanishes(60), SHORT),
        _kind("gone_after_80", "25", _vanishes(80), SHORT),
        _kind("gone_after_100", "26", _vanishes(100), SHORT),
        _kind("opts_out", "27", (RINGING, WAIT, ANSWER, _silence(2_300), ("send_dtmf", "59"),
              _silence(20_000)), "abandoned"),
        _kind("busy", "30", (RINGING, WAIT, ("respond", "486 Busy Here")), "busy"),
        _kind("rejects", "31", (RINGING, WAIT, ("respond", "603 Decline")), "rejected"),
        _kind("declined_at_once", "32", _refuses("603 Decline"), "blocked"),
        _kind("invalid", "33", _refuses("404 Not Found"), "invalid_number"),
        _kind("incomplete", "34", _refuses("484 Address Incomplete"), "invalid_number"),
        _kind("gone", "35", _refuses("410 Gone"), "invalid_number"),
        _kind("unavailable", "36", _refuses("480 Temporarily Unavailable"), "unavailable"),
        _kind("overloaded", "37", _refuses("503 Service Unavailable"), "carrier_failure"),
        _kind("congested", "38", (WAIT, ("hangup", "NORMAL_CIRCUIT_CONGESTION")),
              "carrier_failure"),
        _kind("forbidden", "39", _refuses("403 Forbidden"), "carrier_refused"),
        _kind("early_then_busy", "40", (EARLY, TONE, ("respond", "486 Busy Here")), "busy"),
        _kind("early_then_unavailable", "41",
              (EARLY, TONE, ("respond", "480 Temporarily Unavailable")), "unavailable"),
        _kind("early_then_invalid", "42", (EARLY, TONE, ("respond", "404 Not Found")),
              "invalid_number"),
        _kind("early_then_talk", "43", (EARLY, TONE, ANSWER, _silence(1_500), GOODBYE),
              "talked"),
        _kind("never_answers", "50", (RINGING, ("sleep", "600000")), "no_answer"),
        _kind("only_trying", "51", (("sleep", "600000"),), "carrier_failure"),
    )
}  # fmt: skip

VANISHING = tuple(name for name in KINDS if name.startswith("gone_after_"))
_BY_CODE = {kind.code: kind for kind in KINDS.values()}


def number(kind: str, serial: int, tenths: int = 3) -> str:
    """In E.164; serials of one kind and delay go round after a thousand."""
    return f"+7495{KINDS[kind].code}{tenths:02d}{serial:03d}"


def kind_of(digits: str) -> Kind:
    """Of a number as the switch shows it, with or without its +."""
    return _BY_CODE[digits.removeprefix("+")[4:6]]


def of_all_kinds(count: int) -> list[str]:
    """Every second answers, the rest is spread. Mixed, as a day is: five failures of a carrier
    in a row would rest it. Who never answers comes early, to be waited for meanwhile.
    """
    answering = ["talk", "early_then_talk", *VANISHING]
    waiting = "talk", "opts_out", "mute"  # those that need somebody, or nobody, in time
    refusing = [
        name
        for name in KINDS
        if name not in answering and not any(word in name for word in waiting)
    ]
    numbers = []
    for place in range(count):
        kinds = answering if place % 2 else refusing
        serial, kind = divmod(place // 2, len(kinds))
        numbers.append(number(kinds[kind], serial % 1000, tenths=2 + serial // 1000))
    random.Random(count).shuffle(numbers)
    half = count // 2
    slow = [one for one in numbers[half:] if kind_of(one).name in SLOW]
    return slow + [one for one in numbers if one not in slow]


SLOW = ("never_answers", "only_trying")


def dialplan() -> Iterator[ET.Element]:
    """The extensions of the carrier's one context."""
    yield _extension("operator", r"^1\d{3}$", [ANSWER, _silence(-1)])
    for kind in KINDS.values():
        steps = [("set", "tenths=$1"), *kind.steps]
        yield _extension(kind.name, rf"^\+?7495{kind.code}(\d\d)\d{{3}}$", steps)
    yield _extension("unknown", "^", [("respond", "404 Not Found")])


def _extension(name: str, digits: str, steps: Sequence[Step]) -> ET.Element:
    extension = ET.Element("extension", name=name)
    condition = ET.SubElement(
        extension, "condition", field="destination_number", expression=digits
    )
    for application, data in steps:
        ET.SubElement(condition, "action", application=application, data=data)
    return extension
