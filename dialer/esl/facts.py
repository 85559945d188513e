"""What `dialer doctor` wants to know of the switch, asked over one connection of its own.

Only questions, and of commands that do something only harmless forms: nothing of a running
daemon is touched. Judging the answers is the doctor's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from gevent.event import AsyncResult

from dialer.errors import CommandRefused, LinkDown
from dialer.esl import commands
from dialer.esl.framing import decode_json
from dialer.esl.link import Link, WrongPassword

NOBODY = "00000000-0000-4000-8000-000000000000"
#: Every command of ours in a form that changes nothing.
PROBES: Mapping[str, str] = {
    "file_exists": "file_exists /",
    "global_getvar": "global_getvar core_uuid",
    "global_setvar": "global_setvar",
    "hupall": f"hupall NORMAL_CLEARING dialer_instance {NOBODY}",
    "originate": "originate",
    "show": "show channels count",
    "sofia": "sofia status",
    "status": "status",
    "uuid_bridge": f"uuid_bridge {NOBODY} {NOBODY}",
    "uuid_broadcast": f"uuid_broadcast {NOBODY} silence_stream://1",
    "uuid_displace": f"uuid_displace {NOBODY} stop none",
    "uuid_dump": f"uuid_dump {NOBODY} json",
    "uuid_exists": f"uuid_exists {NOBODY}",
    "uuid_kill": f"uuid_kill {NOBODY}",
    "uuid_park": f"uuid_park {NOBODY}",
    "uuid_record": f"uuid_record {NOBODY} stop none",
    "uuid_recv_dtmf": f"uuid_recv_dtmf {NOBODY} 0",
    "uuid_setvar": f"uuid_setvar {NOBODY} dialer_probe",
    "uuid_transfer": f"uuid_transfer {NOBODY} hangup: inline",
    "version": "version",
}
NEEDED_MODULES = ("mod_commands", "mod_dptools", "mod_sofia", "mod_sndfile", "mod_tone_stream")
#: Each runs programs of its own or opens the network: a dialer's switch needs none of them.
UNWANTED_MODULES = (
    "mod_lua",
    "mod_perl",
    "mod_python",
    "mod_python3",
    "mod_shell_stream",
    "mod_v8",
    "mod_xml_rpc",
)
#: The command that nobody should have.
SHELL = "system"
TICK_S = 3.0
_PER_S = re.compile(r"session\(s\) per Sec out of max (\d+)")
_MOST = re.compile(r"(\d+) session\(s\) max")
_FIELD = re.compile(r"^(\w+)\s*\t(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchFacts:
    """Answers; None where the switch would not say."""

    version: str
    forbidden: tuple[str, ...]
    missing: tuple[str, ...]
    shell: bool
    modules: Mapping[str, bool | None]
    calls_per_s: int | None
    calls_at_once: int | None
    clock_offset_s: float | None
    #: Gateway -> its fields as `sofia status gateway` shows them; {} = unknown to the switch.
    gateways: Mapping[str, Mapping[str, str]]
    #: Message file -> is it there; None = may not be asked.
    sounds: Mapping[str, bool | None]
    registered: frozenset[str] | None  # "101@domain"
    refused: Mapping[str, str] = field(default_factory=dict)


class Questions:
    """One connection; made when it is entered. Raises LinkDown, WrongPassword."""

    def __init__(self, link: Link, house: commands.House) -> None:
        self._link = link
        self._house = house

    def __enter__(self) -> Questions:
        self._link.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._link.stop()

    def facts(self, gateways: Sequence[str], sounds: Sequence[str]) -> SwitchFacts:
        """Everything; a refused question is a fact, a lost connection is LinkDown."""
        forbidden, missing = self._rights()
        status = self._ask("status") or ""
        return SwitchFacts(
            version=(self._ask("version") or "").strip(),
            forbidden=forbidden,
            missing=missing,
            shell=self._has_shell(),
            modules={name: self._loaded(name) for name in NEEDED_MODULES + UNWANTED_MODULES},
            calls_per_s=_number(_PER_S, status),
            calls_at_once=_number(_MOST, status),
            clock_offset_s=self._clock_offset_s(),
            gateways={name: self._gateway(name) for name in gateways},
            sounds={name: self._sound(name) for name in sounds},
            registered=self._registered(),
        )

    def _ask(self, command: str) -> str | None:
        """None: refused."""
        try:
            return self._link.send(f"api {command}")
        except CommandRefused:
            return None

    def _rights(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(not allowed to us, not there at all) among the commands that we need."""
        forbidden, missing = [], []
        for name, probe in PROBES.items():
            try:
                self._link.send(f"api {probe}")
            except CommandRefused as error:
                if "permission denied" in error.reply:
                    forbidden.append(name)
                elif "Command not found" in error.reply:
                    missing.append(name)
        return tuple(forbidden), tuple(missing)

    def _has_shell(self) -> bool:
        """Without an argument it only says how it is used."""
        try:
            self._link.send(f"api {SHELL}")
        except CommandRefused as error:
            return not any(
                word in error.reply for word in ("permission denied", "Command not found")
            )
        return True

    def _loaded(self, module: str) -> bool | None:
        answer = self._ask(f"module_exists {module}")
        return None if answer is None else answer.strip() == "true"

    def _gateway(self, name: str) -> Mapping[str, str]:
        try:
            text = self._link.send(commands.gateway_status(name))
        except CommandRefused:
            return {}
        return {key: value.strip() for key, value in _FIELD.findall(text)}

    def _sound(self, name: str) -> bool | None:
        try:
            answer = self._link.send(commands.has_sound(name, self._house)).strip()
        except CommandRefused:
            return None
        return answer == "true"

    def _registered(self) -> frozenset[str] | None:
        answer = self._ask("show registrations as json")
        table = decode_json((answer or "").encode("utf-8", "replace"))
        if table is None:
            return None
        rows = table.get("rows", [])
        return frozenset(
            f"{row.get('reg_user')}@{row.get('realm')}" for row in rows if isinstance(row, dict)
        )

    def _clock_offset_s(self) -> float | None:
        """The switch's clock minus ours, by an event of our own; None: it did not come."""
        came: AsyncResult[tuple[float, float]] = AsyncResult()

        def seen(headers: dict[str, Any]) -> None:
            made_us = str(headers.get("Event-Date-Timestamp", ""))
            if made_us.isascii() and made_us.isdigit():
                came.set((int(made_us) / 1e6, time.time()))

        self._link.register_handle(commands.TICK, seen)
        command, headers = commands.tick(0, self._house)
        try:
            self._link.send(f"event json CUSTOM {commands.TICK}")
            sent = time.time()
            self._link.send(command, headers=headers)
        except CommandRefused:
            return None
        if not came.wait(timeout=TICK_S):
            return None
        made, arrived = cast("tuple[float, float]", came.get())
        return made - (sent + arrived) / 2


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return None if found is None else int(found[1])


def lets_in(link: Link) -> bool | None:
    """Does it accept this password? None: nobody answers there, or our address is refused."""
    try:
        link.connect(2.0)
    except WrongPassword:
        return False
    except LinkDown:
        return None
    link.stop()
    return True
