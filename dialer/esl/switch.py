"""ports.Switch on FreeSWITCH's event socket.

Commands go out on the commands connection and return with the switch's answer; what happens
comes by the inbox, from the reader's greenlet, so the inbox must be cheap. Success of a
hand-over is the "bridged" event, not a reply. A call is refused here (CommandRefused, "not
carried out") when the link is down before a byte was written, and when the switch is blind:
only what may really have reached the switch is a LinkDown, "maybe dialed".
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from uuid import uuid4

import structlog

from dialer.core.model import AttemptId, Gateway, GatewayName, LegId, Supervision, Tone
from dialer.errors import Bug, CommandRefused, LinkDown
from dialer.esl import commands
from dialer.esl.caller_stops import Journal, in_globals
from dialer.esl.framing import decode_json
from dialer.esl.keeper import Keeper, SocketSettings
from dialer.esl.link import NotSent
from dialer.esl.originates import Originates
from dialer.esl.translate import found_leg, translate
from dialer.ports import (
    CallerStop,
    Clock,
    CustomerCall,
    FoundLeg,
    OperatorCall,
    SupervisorCall,
    SwitchEvent,
)

log = structlog.get_logger(__name__)

REFUSED_BLIND = "-ERR SWITCH_BLIND"  # our own words, in the form of the switch's
NO_SUCH_CHANNEL = "No such channel"
_GATEWAY_STATUS = re.compile(r"^Status\s+(UP|DOWN)", re.MULTILINE)
REFUSED_DOWN = "-ERR SWITCH_NOT_CONNECTED"


class EventSocketSwitch:
    """One switch. `gateways` are all that calls may leave by; `house` says who we are."""

    def __init__(
        self,
        settings: SocketSettings,
        *,
        house: commands.House,
        gateways: Mapping[GatewayName, Gateway],
        clock: Clock,
        chance: random.Random | None = None,
        journal: Path | None = None,
    ) -> None:
        self._journal = Journal(journal) if journal is not None else None
        self._house = house
        self._gateways = gateways
        self._clock = clock
        self._timeout_s = settings.command_timeout_s
        self._originates = Originates()
        self._inbox: Callable[[SwitchEvent], None] | None = None
        self._foreign = 0
        self._keeper = Keeper(
            settings,
            house,
            originates=self._originates,
            clock=clock,
            chance=chance or random.Random(),
            receive=self._receive,
            tell=self._pass_on,
        )

    # ------------------------------------------------------------------ life

    def start(self, inbox: Callable[[SwitchEvent], None]) -> None:
        """Begin to connect; "link_up" comes by the inbox."""
        if self._inbox is not None:
            raise Bug("the switch was started twice")
        self._inbox = inbox
        self._keeper.start()

    def stop(self) -> None:
        """Close both connections; calls go on (their script or their talk ends them)."""
        self._inbox = None
        self._keeper.stop()

    def probe(self) -> str:
        """Connect once and leave; the switch's version. Raises LinkDown, WrongPassword."""
        pair = self._keeper.open_pair()
        pair.events.stop()
        pair.commands.stop()
        return pair.version

    def usable(self) -> bool:
        return self._keeper.why_unusable() is None

    def set_gateways(self, gateways: Mapping[GatewayName, Gateway]) -> None:
        """After a reload of the configuration."""
        self._gateways = gateways

    @property
    def version(self) -> str | None:
        return self._keeper.version

    def health(self) -> dict[str, Any]:
        return {**self._keeper.health(), "foreign_events": self._foreign}

    # ------------------------------------------------------------------ commands

    def originate_customer(self, call: CustomerCall) -> None:
        gateway = self._gateways.get(call.gateway)
        if gateway is None:
            raise CommandRefused("-ERR INVALID_GATEWAY")
        text = commands.originate_customer(call, gateway, self._house)
        self._originate(text, LegId(call.attempt), customer=True)

    def originate_operator(self, call: OperatorCall) -> None:
        self._originate(
            commands.originate_operator(call, self._house), call.leg, customer=False
        )

    def originate_supervisor(self, call: SupervisorCall) -> None:
        text = commands.originate_supervisor(call, self._house)
        self._originate(text, call.leg, customer=False)

    def supervise(self, leg: LegId, mode: Supervision) -> None:
        self._send(commands.supervise(leg, mode))

    def _originate(self, text: str, leg: LegId, *, customer: bool) -> None:
        if not self.usable():
            raise CommandRefused(REFUSED_BLIND)
        job = str(uuid4())
        self._originates.begin(job, leg, customer=customer, now_s=self._clock.now().mono_s)
        try:
            self._keeper.link().send(text, self._timeout_s, {"Job-UUID": job})
        except CommandRefused:
            self._originates.refused(job)
            raise
        except NotSent as error:
            self._originates.refused(job)
            raise CommandRefused(REFUSED_DOWN) from error

    def begin_bridge(self, operator_leg: LegId, customer_leg: LegId) -> Callable[[], object]:
        """In the dispatcher's turn: a greenlet's start is up to 3 ms of a person's wait."""
        try:
            link = self._keeper.link()
            return link.begin(commands.bridge(operator_leg, customer_leg), self._timeout_s)
        except (NotSent, Bug) as error:
            return partial(_fail, error)

    def park(self, leg: LegId) -> None:
        self._send(commands.park(leg))

    def kill(self, leg: LegId, cause: str) -> None:
        self._send(commands.kill(leg, cause))

    def play_message(self, leg: LegId, message: str, opt_out_key: str) -> None:
        self._send(commands.play_message(leg, message, opt_out_key, self._house))

    def opt_outs(self) -> Sequence[AttemptId]:
        """Among all global variables, the names alone."""
        names = (line.partition("=")[0] for line in self._send(commands.GLOBALS).splitlines())
        found = (name.removeprefix(commands.OPT_OUT) for name in names if _is_opt_out(name))
        return [AttemptId(uuid) for uuid in found if commands.is_uuid(uuid)]

    def forget_opt_out(self, attempt: AttemptId) -> None:
        self._send(commands.forget_opt_out(attempt))

    def record(self, leg: LegId, path: str) -> None:
        self._send(commands.stereo(leg))
        command, headers = commands.record(leg, path)
        self._keeper.link().send(command, self._timeout_s, headers)

    def mask(self, leg: LegId, path: str, *, masked: bool) -> None:
        self._send(commands.mask(leg, path, masked=masked))

    def announce(self, legs: Sequence[LegId], sound: str) -> None:
        for leg in legs:
            self._send(commands.announce(leg, sound, self._house))

    def beep(self, leg: LegId, tone: Tone) -> None:
        self._send(commands.beep(leg, tone))

    def clean(self, leg: LegId) -> None:
        self._send(commands.clean(leg))

    # ------------------------------------------------------------------ around it

    def caller_stops(self) -> Sequence[CallerStop]:
        kept = list(in_globals(self._send(commands.GLOBALS)))
        return [*kept, *(self._journal.read() if self._journal is not None else ())]

    def forget_caller_stops(self, calls: Sequence[LegId]) -> None:
        for call in calls:
            self._send(commands.forget_caller_stop(call))

    def missing_sounds(self, names: Sequence[str]) -> Sequence[str]:
        """Only where their folder is configured: the switch's own search is its own."""
        if self._house.sounds is None:
            return ()
        return [
            name
            for name in names
            if self._send(commands.has_sound(name, self._house)).strip() == "false"
        ]

    # ------------------------------------------------------------------ gateways

    def gateways_up(self) -> Mapping[GatewayName, bool]:
        """Each configured gateway as the switch sees it; one that it does not know is down.

        "Up" is necessary, not sufficient (freeswitch.md 2.5): the engine has a breaker besides.
        """
        return {name: self._is_up(name) for name in self._gateways}

    def _is_up(self, name: GatewayName) -> bool:
        try:
            answer = self._send(commands.gateway_status(name))
        except CommandRefused:
            return False
        status = _GATEWAY_STATUS.search(answer)
        return status is not None and status[1].startswith("UP")

    # ------------------------------------------------------------------ what exists

    def exists(self, leg: LegId) -> bool:
        """The switch's own session table: the authority. Raises LinkDown for an odd answer."""
        answer = self._send(commands.exists(leg)).strip()
        if answer not in ("true", "false"):
            raise LinkDown("uuid_exists answered neither true nor false")
        return answer == "true"

    def find(self, leg: LegId) -> FoundLeg | None:
        """None where the switch knows no such leg, or it is already going."""
        try:
            answer = self._send(commands.dump(leg))
        except CommandRefused as error:
            if NO_SUCH_CHANNEL not in error.reply:
                raise  # not allowed, say: that is no proof that the leg is gone
            return None
        dump = decode_json(answer.encode("utf-8", "replace"))
        if dump is None:
            raise LinkDown(f"uuid_dump answered {len(answer)} characters that are no JSON")
        return found_leg(dump)

    def find_all(self) -> Sequence[FoundLeg]:
        """Ours by our name in their variables; `show channels` itself knows none (proofs 7)."""
        found = [
            leg
            for uuid in self._channels()
            if (leg := self.find(uuid)) is not None and leg.instance == self._house.instance
        ]
        now_s = self._clock.now().mono_s
        for leg in found:
            if leg.attempt is not None:
                self._originates.add_customer(leg.leg, now_s)
        self._originates.keep_only({leg.leg for leg in found}, now_s)
        return found

    def _channels(self) -> list[LegId]:
        answer = decode_json(self._send(commands.SHOW_CHANNELS).encode("utf-8", "replace"))
        if answer is None:
            raise LinkDown("show channels answered what is no JSON")
        rows = answer.get("rows", [])
        uuids = [row.get("uuid") for row in rows if isinstance(row, dict)]
        return [
            LegId(uuid) for uuid in uuids if isinstance(uuid, str) and commands.is_uuid(uuid)
        ]

    def hang_up_all(self, cause: str, *, unanswered_only: bool) -> int:
        """How many. `unanswered_only`: ringing customers; talks and operators go on (R10.6)."""
        found = self.find_all()
        if not unanswered_only:
            self._send(commands.hang_up_all(cause, self._house))
            return len(found)
        killed = 0
        for leg in found:
            if leg.attempt is not None and not leg.answered:
                killed += self._killed(leg.leg, cause)
        return killed

    def _killed(self, leg: LegId, cause: str) -> bool:
        try:
            self.kill(leg, cause)
        except CommandRefused:
            return False  # it has ended by itself meanwhile
        return True

    def _send(self, command: str) -> str:
        return self._keeper.link().send(command, self._timeout_s)

    # ------------------------------------------------------------------ events

    def _receive(self, headers: dict[str, Any]) -> None:
        """By the reader's greenlet, for each event."""
        event = translate(headers)
        if event is None:
            return
        instance = event.data.get("instance")
        if instance is not None and instance != self._house.instance:
            self._foreign += 1  # another daemon's on the same switch
        elif event.kind == "tick":
            self._tick(event)
        elif event.kind == "job":
            self._job(event)
        else:
            self._note(event)
            self._pass_on(event)

    def _tick(self, event: SwitchEvent) -> None:
        number = event.data.get("number")
        if number is not None:
            self._keeper.tick_came(number, event.at)

    def _job(self, event: SwitchEvent) -> None:
        """The answer to an originate; also to one of an earlier life of this daemon."""
        leg = self._originates.answered(event.data["job"])
        if leg is None and event.data["instance"] is not None:
            leg = event.data["origination_uuid"]
        if leg is None:
            return
        reply = event.data["reply"]
        accepted = reply.startswith("+OK")
        if not accepted:
            self._originates.ended(leg)
        kind = "originate_ok" if accepted else "originate_failed"
        self._pass_on(SwitchEvent(kind=kind, leg=leg, at=event.at, data={"reply": reply}))

    def _note(self, event: SwitchEvent) -> None:
        if event.kind in ("hung_up", "destroyed") and event.leg is not None:
            self._originates.ended(event.leg)
        elif event.kind == "heartbeat" and event.data["version"] is not None:
            self._keeper.look_at_version(event.data["version"])

    def _pass_on(self, event: SwitchEvent) -> None:
        if self._inbox is not None:
            self._inbox(event)


def _fail(error: Exception) -> NoReturn:
    raise error


def _is_opt_out(name: str) -> bool:
    return name.startswith(commands.OPT_OUT)
