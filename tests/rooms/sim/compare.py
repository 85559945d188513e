"""Recorded streams and heard ones side by side: masked, in order, header by header."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.rooms.sim.conftest import Scene

SAMPLES = Path(__file__).parents[2] / "samples" / "esl"

READ = (
    "Channel-State",
    "Channel-State-Number",
    "Channel-Call-State",
    "Answer-State",
    "Hangup-Cause",
    "Call-Direction",
    "Channel-HIT-Dialplan",
    "Caller-Destination-Number",
    "Caller-Orig-Caller-ID-Number",
    "Other-Type",
    "Playback-File-Path",
    "Playback-Status",
    "Job-Command",
    "Job-Command-Arg",
    "Event-Info",
    "variable_dialer_instance",
    "variable_dialer_attempt",
    "variable_dialer_agent",
    "variable_origination_caller_id_number",
    "variable_sip_gateway_name",
    "variable_execute_on_answer",
    "variable_endpoint_disposition",
    "variable_current_application",
    "variable_current_application_data",
    "variable_last_app",
    "variable_last_arg",
    "variable_hangup_cause",
    "variable_hangup_cause_q850",
    "variable_sip_invite_failure_status",
    "variable_sip_invite_failure_phrase",
    "variable_sip_term_status",
    "variable_sip_term_cause",
    "variable_proto_specific_hangup_cause",
    "variable_sip_hangup_disposition",
)
LEGS = (
    "Unique-ID",
    "Bridge-A-Unique-ID",
    "Bridge-B-Unique-ID",
    "Other-Leg-Unique-ID",
    "Channel-Call-UUID",
    "variable_uuid",
    "variable_origination_uuid",
    "variable_bridge_uuid",
    "variable_last_bridge_to",
)
INSTANTS = (
    "Event-Date-Timestamp",
    "Caller-Channel-Created-Time",
    "Caller-Channel-Answered-Time",
    "Caller-Channel-Progress-Time",
    "Caller-Channel-Progress-Media-Time",
    "Caller-Channel-Bridged-Time",
    "Caller-Channel-Hangup-Time",
    "variable_answer_uepoch",
    "variable_end_uepoch",
)
PRESENT = ("Core-UUID", "Event-Sequence", "Job-UUID", "variable_sip_call_id")


def load(name: str) -> list[dict[str, Any]]:
    path = next(SAMPLES.glob(f"{name}*.ndjson"))
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return [json.loads(line) for line in lines]


class Names:
    """Whose an id is, told by the order in which ids appear."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def of(self, uuid: str) -> str:
        return self._names.setdefault(uuid, f"leg {len(self._names)}")

    def of_body(self, body: str) -> str:
        status, _, rest = body.partition(" ")
        return f"{status} {self.of(rest.strip())}" if status == "+OK" else body


def masked(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events with ids replaced by whose they are and instants by whether they have come."""
    names = Names()
    shown = []
    for event in events:
        one: dict[str, Any] = {"name": event.get("Event-Subclass") or event["Event-Name"]}
        one.update({key: names.of(event[key]) for key in LEGS if key in event})
        one.update({key: event[key] for key in READ if key in event})
        one.update({key: int(event[key]) > 0 for key in INSTANTS if key in event})
        one.update({key: key in event for key in PRESENT})
        if "_body" in event:
            one["_body"] = names.of_body(event["_body"])
        shown.append(one)
    return shown


def originates(sample: list[dict[str, Any]]) -> list[str]:
    """The recorded commands, operators' first where the stream begins after their login."""
    return [one["Job-Command-Arg"] for one in sample if one["Event-Name"] == "BACKGROUND_JOB"]


def send(scene: Scene, argument: str) -> str:
    """bgapi with the leg's own uuid as the job's; the uuid."""
    found = re.search(r"origination_uuid=([0-9a-f-]+)", argument)
    uuid = found[1] if found else "none"
    scene.client.send(f"bgapi originate {argument}".rstrip() + f"\nJob-UUID: {uuid}")
    scene.client.reply()
    return uuid


def swap(scene: Scene, since: int, first: str, second: str) -> None:
    """Put one event behind another in what was heard, once both are there."""
    client = scene.client
    client.event(first, since=since)
    client.event(second, since=since)
    names = client.names(since)
    at, to = since + names.index(first), since + names.index(second)
    if at < to:
        client.events.insert(to, client.events.pop(at))


def assert_same(
    scene: Scene,
    sample: list[dict[str, Any]],
    since: int = 0,
    unlike: frozenset[str] | set[str] = frozenset(),
) -> None:
    """Only kinds of events that the recorder had subscribed to are compared.

    `unlike` are headers that differ because the operator's leg had a life before the sample.
    """
    kinds = {one.get("Event-Subclass") or one["Event-Name"] for one in sample}

    def heard() -> list[dict[str, Any]]:
        events = scene.client.events[since:]
        return [
            one for one in events if (one.get("Event-Subclass") or one["Event-Name"]) in kinds
        ]

    scene.client.until(lambda: len(heard()) >= len(sample))
    for mine, theirs in zip(masked(heard()), masked(sample), strict=True):
        for header in unlike:
            mine.pop(header, None)
            theirs.pop(header, None)
        assert mine == theirs
