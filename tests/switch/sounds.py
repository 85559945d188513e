"""What is heard where: a leg is recorded at its far end, and looked at for tones."""

from __future__ import annotations

import json
import math
import struct
import wave
from pathlib import Path

import gevent

from tests.switch.instances import Instances
from tests.switch.wire import Wire

RATE = 8_000
LOUD = 1_000.0  # of 32,767; silence here is below 10


class Ear:
    """At the carrier's end of a leg: what arrives there, as the person would hear it."""

    def __init__(self, instances: Instances, wire: Wire, number: str) -> None:
        self._wire = wire
        self.uuid = leg_at_carrier(wire, number)
        self.file = instances.folder / f"heard_{self.uuid}.wav"
        wire.api(f"uuid_setvar {self.uuid} RECORD_STEREO true")
        assert wire.api(f"uuid_record {self.uuid} start {self.file}").startswith("+OK")

    def say(self, frequency_hz: int, length_ms: int) -> None:
        """The person there makes this tone."""
        tone = f"tone_stream://%({length_ms},0,{frequency_hz})"
        answer = self._wire.api(f"uuid_displace {self.uuid} start {tone} 0 mux")
        assert answer.startswith("+OK")

    def heard(self, frequency_hz: int) -> float:
        """The loudest tenth of a second of this tone among what has arrived."""
        self._wire.api(f"uuid_record {self.uuid} stop {self.file}")
        return loudest(self.file, 0, frequency_hz)


def leg_at_carrier(wire: Wire, number: str) -> str:
    """The carrier's channel that this number was dialed on; its list of channels lags."""
    found: list[str] = []
    for _ in range(50):
        rows = json.loads(wire.api("show channels as json")).get("rows", ())
        found = [str(row["uuid"]) for row in rows if row["dest"].endswith(number)]
        if len(found) == 1:
            break
        gevent.sleep(0.1)
    assert len(found) == 1, (number, found)
    return found[0]


def loudest(file: Path, channel: int, frequency_hz: int) -> float:
    """Of a tone in one channel of a recording: its greatest amplitude over 0.1 s."""
    with wave.open(str(file)) as sound:
        channels = sound.getnchannels()
        frames = sound.readframes(sound.getnframes())
    samples = struct.unpack(f"<{len(frames) // 2}h", frames)[channel::channels]
    step = RATE // 10
    parts = [samples[at : at + step] for at in range(0, len(samples) - step + 1, step)]
    return max((_amplitude(part, frequency_hz) for part in parts), default=0.0)


def _amplitude(samples: tuple[int, ...], frequency_hz: int) -> float:
    """Goertzel's algorithm."""
    turn = 2 * math.cos(2 * math.pi * frequency_hz / RATE)
    one = two = 0.0
    for sample in samples:
        one, two = sample + turn * one - two, one
    power = max(0.0, one * one + two * two - turn * one * two)
    return 2 * math.sqrt(power) / max(1, len(samples))
