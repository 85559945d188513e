"""Was anybody dialed twice? Counted from the switch's own record, not from the daemon's books.

A call to a phone is wrong where it begins while another call to it is still on the line, or
sooner after the other's end than any delay of the campaign would let a try be repeated; and
where the switch was told to originate one attempt's id more than once. The lines are those of
`dialer.sim.record`: "originated", "ended", "refused", "started" (of the switch).

What the delays do not bound: a call that one gateway failed, so that nothing rang, goes out at
once by another one, or by itself where no other is free (but never while the first is still on
the line); and a hot lead may be dialed at once though he was called before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dialer.core.base.rounds import DEFAULT_RETRY_S
from dialer.core.model import Campaign, Disposition

#: Two programs have read the clock: so much sooner is not sooner.
TOLERANCE_S = 0.25

#: The national part, in which all forms of a gateway agree: +7916…, 7916…, 8916…, 9#8916….
NATIONAL_DIGITS = 10

_NOT_A_DIGIT = re.compile(r"\D")


@dataclass(slots=True, kw_only=True)
class _Call:
    """One channel towards a phone; `ended_at` infinite while nothing has ended it."""

    phone: str
    began_at: float
    ended_at: float = float("inf")
    gateway: str = ""
    heard: bool = True  # it rang or was answered, as far as we know
    failed: bool = False  # by the carrier itself, with a 5xx


def dialed_twice(records: Iterable[Mapping[str, Any]], retry_gap_s: float) -> int:
    """How many calls should not have been made: 0.

    `retry_gap_s`: the shortest pause that lies between two tries.
    """
    log = _Log()
    for line in records:
        log.read(line)
    again = sum(times - 1 for times in log.originates.values())
    by_phone: dict[str, list[_Call]] = {}
    for call in log.calls():
        by_phone.setdefault(call.phone, []).append(call)
    return again + sum(_too_soon(each, retry_gap_s) for each in by_phone.values())


def shortest_retry_s(campaigns: Iterable[Campaign]) -> float:
    """The shortest pause after which any of these campaigns would try a phone again."""
    return min(
        (
            campaign.retry_s.get(disposition, default_s)
            for campaign in campaigns
            for disposition, default_s in DEFAULT_RETRY_S.items()
            if disposition is not Disposition.TALKED
        ),
        default=0.0,
    )


def phone_of(destination: str) -> str:
    """The same text for all forms in which gateways want one phone."""
    return _NOT_A_DIGIT.sub("", destination)[-NATIONAL_DIGITS:]


def _too_soon(calls: list[_Call], retry_gap_s: float) -> int:
    """Calls to one phone that begin before every earlier one is over and its pause, too."""
    found = 0
    earlier: list[_Call] = []
    for call in sorted(calls, key=lambda one: one.began_at):
        free_at = max((_free_at(one, call, retry_gap_s) for one in earlier), default=0.0)
        found += call.began_at < free_at - TOLERANCE_S
        earlier.append(call)
    return found


def _free_at(before: _Call, call: _Call, retry_gap_s: float) -> float:
    """From when on `call` may follow `before`: no pause after a failure of its gateway."""
    failed_over = not before.heard and (before.failed or before.gateway != call.gateway)
    return before.ended_at + (0.0 if failed_over else retry_gap_s)


class _Log:
    """The calls to phones (not the operators' legs), and the originates of each attempt."""

    def __init__(self) -> None:
        self.originates: Counter[str] = Counter()
        self._open: dict[str, _Call] = {}
        self._over: list[_Call] = []

    def calls(self) -> list[_Call]:
        return [*self._over, *self._open.values()]

    def read(self, line: Mapping[str, Any]) -> None:
        event = line.get("event")
        if event == "started":
            self._restarted(float(line["at"]))
        elif line.get("attempt"):
            if event in ("originated", "refused"):
                self.originates[str(line["attempt"])] += 1
            if event == "originated":
                self._begun(line)
            elif event == "ended":
                self._ended(line)

    def _restarted(self, at: float) -> None:
        """A switch that starts has no channels: what was open ended with the old one."""
        for call in self._open.values():
            call.ended_at = at
        self._over += self._open.values()
        self._open.clear()

    def _begun(self, line: Mapping[str, Any]) -> None:
        self._open[str(line["uuid"])] = _Call(
            phone=phone_of(str(line["destination"])),
            began_at=float(line["created_at"]),
            gateway=str(line.get("gateway") or ""),
        )

    def _ended(self, line: Mapping[str, Any]) -> None:
        call = self._open.pop(str(line["uuid"]), None)
        # A channel that never reached the carrier has rung nobody.
        if call is not None and line.get("reached_carrier", True):
            call.ended_at = float(line["ended_at"])
            # A record that does not say whether it rang is taken for one that did.
            call.heard = any(
                line.get(key, True) is not None for key in ("progress_at", "answered_at")
            )
            call.failed = 500 <= int(line.get("sip_status") or 0) < 600
            self._over.append(call)
