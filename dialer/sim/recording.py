"""Recordings: RECORD_START and RECORD_STOP, and a tiny file where the path can be written.

A `+OK` of uuid_record is not yet a file (proofs 11); what counts is RECORD_STOP.
"""

from __future__ import annotations

import wave
from pathlib import Path

import structlog

from dialer.sim.channel import Channel
from dialer.sim.exchange import Exchange

log = structlog.get_logger(__name__)


def start_recording(x: Exchange, channel: Channel, path: str) -> None:
    channel.recordings[path] = x.now()
    x.emit(channel, "RECORD_START", {"Record-File-Path": path})


def stop_recordings(x: Exchange, channel: Channel, path: str | None = None) -> bool:
    """Stop one recording, or all (None); False if there was none."""
    paths = list(channel.recordings) if path in (None, "all") else [path]
    stopped = False
    for one in paths:
        began_at = channel.recordings.pop(one or "", None)
        if began_at is None or one is None:
            continue
        stopped = True
        seconds = x.now() - began_at
        _write_file(one, channels=2 if channel.true("RECORD_STEREO") else 1)
        channel.variables["record_ms"] = str(int(seconds * 1000))
        channel.variables["record_seconds"] = str(int(seconds))
        x.emit(
            channel,
            "RECORD_STOP",
            {"Record-File-Path": one, "Record-Completion-Cause": "success-silence"},
        )
    return stopped


def _write_file(path: str, *, channels: int) -> None:
    """A tenth of a second of silence stands for the talk."""
    if not Path(path).is_absolute():
        return
    try:
        Path(path).parent.mkdir(exist_ok=True)  # the day's; a whole tree is not simulated
        with Path(path).open("wb") as target, wave.open(target, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(bytes(1600 * channels))
    except OSError as error:
        log.warning("recording not written", path=path, error=str(error))
