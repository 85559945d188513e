"""What the daemon looks at around itself: callers' stops, message files, clocks, gateways.

One greenlet, every `EVERY_S` and at once when somebody who called back has pressed 9. Nothing
here launches or ends calls but those to a phone that has just been stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from gevent.event import Event as Signal

from dialer.core.model import Moment, PhoneId
from dialer.core.trouble import Kind, Trouble
from dialer.engine.calls import Calls
from dialer.engine.lines import Lines
from dialer.engine.stores import CLOCK_ALARM_S
from dialer.errors import CommandRefused, LinkDown, StoreError
from dialer.ports import CallerStop, Clock, Ledger, Meter, Switch

log = structlog.get_logger(__name__)

EVERY_S = 20.0
#: The first look after a start, and the next after one that failed.
SOON_S = 2.0


class Surroundings:
    """One greenlet; `troubles` may be asked by anybody."""

    def __init__(
        self,
        calls: Calls,
        lines: Lines,
        switch: Switch,
        ledger: Ledger,
        clock: Clock,
        meter: Meter,
        *,
        phone_stopped: Callable[[PhoneId], object],
        others: Sequence[Callable[[], Sequence[Trouble]]] = (),
    ) -> None:
        self._others = others
        self._calls = calls
        self._lines = lines
        self._switch = switch
        self._ledger = ledger
        self._clock = clock
        self._meter = meter
        self._phone_stopped = phone_stopped
        self._signal = Signal()
        self._missing: Sequence[str] = ()
        self._untaken: list[CallerStop] = []
        self._refused = ""

    def wake(self) -> None:
        """Somebody who called back pressed 9."""
        self._signal.set()

    def run(self) -> None:
        well = False
        while True:
            self._signal.wait(EVERY_S if well else SOON_S)
            self._signal.clear()
            well = self._switch.usable() and self._look()

    def _look(self) -> bool:
        try:
            self.take_caller_stops()
            self._missing = self._switch.missing_sounds(self._messages())
        except CommandRefused as error:
            # An own configuration without these commands: said once, nothing hangs on it.
            if error.reply != self._refused:
                self._refused = error.reply
                log.warning("the switch does not let us look around", reply=error.reply)
        except LinkDown as error:
            log.debug("not looked around", error=str(error))
            return False
        except StoreError as error:
            self._meter.count("dialer_store_errors_total", store=error.store)
            log.warning("callers' stops wait for the ledger", error=str(error))
            return False
        return True

    def _messages(self) -> list[str]:
        active = [one for one in self._calls.campaigns.values() if one.active]
        announced = {one.announce for one in active if one.record and one.announce is not None}
        return sorted({one.message for one in active} | announced)

    # ------------------------------------------------------------------ who pressed 9

    def take_caller_stops(self) -> None:
        """Into the ledger first; only then the switch forgets."""
        told = (*self._untaken, *self._switch.caller_stops())
        found = list({one.call: one for one in told}.values())
        if not found:
            return
        # A journal tells each line once: kept here while the ledger is away.
        self._untaken = found
        stopped = self._ledger.take_caller_stops(found, self._clock.now().wall)
        for phone in stopped:
            self._phone_stopped(phone)
        if stopped:
            log.info("people who called back are never called again", phones=len(stopped))
            self._meter.count("dialer_caller_stops_total", len(stopped))
        self._untaken = []
        self._switch.forget_caller_stops([one.call for one in found])

    # ------------------------------------------------------------------ troubles

    def troubles(self, now: Moment) -> list[Trouble]:
        """Everything that a person should mend while dialing goes on."""
        health = self._switch.health()
        found = [*self._of_gateways(now), *self._of_switch(health)]
        found += (
            Trouble(
                kind=Kind.SOUND_MISSING,
                subject=name,
                text=f"the switch has no message file {name}",
            )
            for name in self._missing
        )
        for troubles in self._others:
            found += troubles()
        counted = Counter(one.kind for one in found)
        for kind in Kind:
            self._meter.gauge("dialer_troubles", counted[kind], kind=kind.value)
        return found

    def _of_gateways(self, now: Moment) -> list[Trouble]:
        found = []
        for name in self._lines.gateways:
            kind, why = self._lines.trouble(name, now)
            if kind is not None:
                found.append(Trouble(kind=kind, subject=name, text=f"gateway {name} {why}"))
        return found

    def _of_switch(self, health: dict[str, Any]) -> list[Trouble]:
        found = []
        version, offset_s = health.get("version"), health.get("clock_offset_s")
        if health.get("too_old"):
            text = f"the switch is {str(version)[:60]}"
            found.append(Trouble(kind=Kind.SWITCH_TOO_OLD, subject="switch", text=text))
        if offset_s is not None:
            self._meter.gauge("dialer_clock_offset_seconds", offset_s, against="switch")
            if abs(offset_s) >= CLOCK_ALARM_S:
                text = f"the switch's clock is {offset_s:+.1f} s off"
                found.append(Trouble(kind=Kind.CLOCK_DIFFERS, subject="switch", text=text))
        return found
