"""The recorded bytes of a real switch, cut at every place: no event may be lost or forged."""

from __future__ import annotations

import json
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.errors import Bug, CommandRefused
from dialer.esl.framing import (
    BODY_LIMIT,
    HEADER_LIMIT,
    Frame,
    FrameReader,
    FramingError,
    command_bytes,
    decode_json,
    reply_text,
)
from tests.rooms.esl.scripted import SAMPLES, event, reply, response

RAW = (SAMPLES / "raw_session.server.bin").read_bytes()
TYPES = [
    "auth/request",
    *["command/reply"] * 2,
    *["api/response"] * 2,
    "command/reply",
    *["api/response"] * 2,
    *["command/reply"] * 3,
    *["text/event-json"] * 3,
    "api/response",
    "command/reply",
    "text/disconnect-notice",
]


def frames(*pieces: bytes) -> list[Frame]:
    reader = FrameReader()
    return [frame for piece in pieces for frame in reader.feed(piece)]


def decoded(body: bytes) -> dict[str, Any]:
    headers = decode_json(body)
    assert headers is not None
    return headers


WHOLE = frames(RAW)


def test_the_whole_session_is_understood():
    assert [frame.headers["Content-Type"] for frame in WHOLE] == TYPES
    names = [decoded(f.body)["Event-Name"] for f in WHOLE if b"Event-Name" in f.body]
    assert names == ["CHANNEL_CREATE", "CHANNEL_HANGUP_COMPLETE", "BACKGROUND_JOB"]
    assert WHOLE[3].body == b"false"
    assert WHOLE[14].body == b'{"row_count": 0}\n'


def test_a_tcp_segment_may_end_after_any_byte():
    for cut in range(len(RAW)):
        assert frames(RAW[:cut], RAW[cut:]) == WHOLE, cut


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 199, 1460])
def test_segments_of_any_size(size: int):
    assert frames(*(RAW[i : i + size] for i in range(0, len(RAW), size))) == WHOLE


@settings(deadline=None)
@given(st.lists(st.integers(0, len(RAW)), max_size=40))
def test_any_set_of_cuts(cuts: list[int]):
    edges = [0, *sorted(cuts), len(RAW)]
    assert frames(*(RAW[a:b] for a, b in pairwise(edges))) == WHOLE


def test_a_length_inside_a_value_moves_no_frame():
    """Somebody's caller name must not swallow the frames behind it."""
    hostile = b"Content-Type: command/reply\nReply-Text: +OK Content-Length: 9999\n\n"
    assert [f.body for f in frames(hostile + response("true"))] == [b"", b"true"]


def test_of_doubled_headers_the_first_counts():
    doubled = b"Content-Type: api/response\nContent-Length: 2\nContent-Length: 99\n\nok"
    assert frames(doubled)[0].body == b"ok"


def test_blank_lines_between_frames_mean_nothing():
    assert len(frames(b"\n\n\n" + reply("+OK") + b"\n" + reply("+OK"))) == 2


def test_lengths_are_bytes_not_letters():
    name = "Пётр 🙂"
    found = frames(event({"Event-Name": "X", "Caller": name}) + response("true"))
    assert decoded(found[0].body)["Caller"] == name
    assert found[1].body == b"true"


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "", "+5", "1_0", "٣", "99999999999"])
def test_a_senseless_length_ends_the_stream(length: str):
    with pytest.raises(FramingError):
        frames(f"Content-Type: api/response\nContent-Length: {length}\n\n".encode())


@pytest.mark.parametrize(
    "block",
    [
        b'{"a": "b"}Content-Length: 9\nContent-Type: text/event-json\n\n',
        b"Content-Type: api/response\n\n",
        b'{"Event-Name": "X"}\n\n',
    ],
)
def test_a_stream_that_lost_its_step_ends(block: bytes):
    """Read on, each length would hide behind the body before it: deaf for ever, and alive."""
    with pytest.raises(FramingError):
        frames(block)


def test_memory_is_bounded():
    """A broken or hostile peer must not fill the daemon's memory."""
    with pytest.raises(FramingError):
        frames(b"Content-Type: x\nContent-Length: %d\n\n" % (BODY_LIMIT + 1))
    with pytest.raises(FramingError):
        frames(b"x" * (HEADER_LIMIT + 1))


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_give_frames_or_a_framing_error(data: bytes):
    with suppress(FramingError):
        assert all(frame.headers for frame in frames(data))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"n": "a\nb\x01"}', "a\nb\x01"),  # raw control bytes
        (b'{"n": "\xff\xfe"}', "\ufffd\ufffd"),  # no UTF-8
        (b'{"n": "\\ud83d"}', "?"),  # half a surrogate pair
        ('{"n": "Иван 🙂"}'.encode(), "Иван 🙂"),
        (b'{"n": "%0AReply-Text: +OK"}', "%0AReply-Text: +OK"),  # stays text
    ],
)
def test_hostile_callers_names_are_read_and_harmless(body: bytes, name: str):
    decoded = decode_json(body)
    assert decoded == {"n": name}
    json.dumps(decoded).encode()


@pytest.mark.parametrize("body", [b"", b"[1]", b"null", b"{", b"[" * 100_000, b'{"a": 1e999x}'])
def test_what_is_no_object_is_dropped_not_raised(body: bytes):
    assert decode_json(body) is None


def test_the_command_and_its_headers_on_the_wire():
    assert (
        command_bytes("bgapi originate x", {"Job-UUID": "7"})
        == b"bgapi originate x\nJob-UUID: 7\n\n"
    )


@pytest.mark.parametrize("bad", ["\n", "\r", "\0", "\n\napi hupall"])
def test_no_value_can_start_a_second_command(bad: str):
    with pytest.raises(Bug):
        command_bytes(f"api uuid_kill x{bad}", {})
    with pytest.raises(Bug):
        command_bytes("bgapi originate x", {"Job-UUID": f"7{bad}"})
    with pytest.raises(Bug):
        command_bytes("bgapi originate x", {f"Job-UUID{bad}": "7"})


@pytest.mark.parametrize("bad", ["", "  ", "api \ud800", "api " + "x" * 70_000])
def test_commands_that_make_no_sense_are_refused(bad: str):
    with pytest.raises(Bug):
        command_bytes(bad, {})


@pytest.mark.parametrize("text", ["-ERR No such channel!\n", "-USAGE: <uuid>\n"])
def test_refusals_are_errors_with_the_switchs_own_words(text: str):
    (frame,) = frames(response(text))
    with pytest.raises(CommandRefused) as caught:
        reply_text(frame)
    assert caught.value.reply == text.strip()
    with pytest.raises(CommandRefused):
        reply_text(frames(reply(text.strip()))[0])
