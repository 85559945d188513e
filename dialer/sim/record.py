"""The switch's own record: the witness that knows nothing of the daemon.

One JSON line when an originate is accepted (`"event": "originated"`), one when its channel has
ended ("ended"), one for each originate that made no channel ("refused"), one for each start of
the switch ("started"). Each line is one write to a file opened for append, so a killed daemon
or switch loses none. Instants are epoch seconds, null = never.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson

from dialer.sim.channel import Channel


class Record:
    """Writes the lines; with no path it keeps nothing but the count."""

    def __init__(self, path: Path | None) -> None:
        self._file: int | None = None
        if path is not None:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def write(self, event: str, **values: Any) -> None:
        if self._file is not None:
            os.write(self._file, orjson.dumps({"event": event, **values}) + b"\n")

    def originated(self, channel: Channel) -> None:
        self.write(
            "originated",
            **_who(channel),
            created_at=channel.created_at,
            reached_carrier=False,
        )

    def ended(self, channel: Channel) -> None:
        status = channel.variable("sip_term_status") or channel.variable(
            "sip_invite_failure_status"
        )
        self.write(
            "ended",
            **_who(channel),
            created_at=channel.created_at,
            progress_at=channel.progress_at or channel.media_at or None,
            answered_at=channel.answered_at or None,
            bridged_at=channel.bridged_at or None,
            ended_at=channel.ended_at,
            bridges=[
                {"other": other, "from": began_at, "to": ended_at}
                for other, began_at, ended_at in channel.bridges
            ],
            cause=channel.hangup_cause,
            sip_status=int(status) if status else None,
            hangup_disposition=channel.variable("sip_hangup_disposition") or None,
            behaviour=channel.plan.behaviour,
            reached_carrier=channel.invited,
        )

    def refused(self, now: float, reply: str, number: str, variables: dict[str, Any]) -> None:
        """An originate that made no channel; `reply` is what the caller was told."""
        self.write(
            "refused",
            uuid=variables.get("origination_uuid"),
            attempt=variables.get("dialer_attempt"),
            agent=variables.get("dialer_agent"),
            instance=variables.get("dialer_instance"),
            destination=number,
            caller=variables.get("origination_caller_id_number"),
            ended_at=now,
            cause=reply.removeprefix("-ERR ").strip(),
            reached_carrier=False,
        )


def _who(channel: Channel) -> dict[str, Any]:
    return {
        "uuid": channel.uuid,
        "attempt": channel.attempt,
        "agent": channel.agent,
        "instance": channel.instance,
        "destination": channel.number,
        "caller": channel.caller_number,
        "gateway": channel.gateway,
    }
