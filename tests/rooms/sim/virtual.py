"""The switch without sockets, in virtual time: every instant is exact and nothing waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from dialer.sim import api
from dialer.sim.channel import Channel
from dialer.sim.clock import VirtualScheduler
from dialer.sim.exchange import Exchange
from dialer.sim.headers import Event
from dialer.sim.record import Record
from dialer.sim.world import World

CUSTOMER = (
    "{{origination_uuid={uuid},origination_caller_id_number=74951234567,"
    "ignore_early_media=true,originate_timeout={timeout},hangup_after_bridge=true,{variables}dialer_instance=i1,"
    "dialer_attempt={uuid},execute_on_answer=sched_hangup\\s+7200}}"
    "sofia/gateway/{gateway}/{number} "
    "'m:^:event:Event-Name=CUSTOM,Event-Subclass=dialer::ready^playback:silence_stream://1800"
    "^playback:/srv/message.wav^hangup:NORMAL_CLEARING' inline"
)


class Laboratory:
    """One exchange, everything that it says, and the hands to work it."""

    def __init__(self, world: World, record: Path | None = None) -> None:
        self.clock = VirtualScheduler()
        self.record = Record(record)
        self.x = Exchange(world, self.clock, self.record)
        self.x.listeners.append(self)
        self.events: list[dict[str, Any]] = []
        self.replies: dict[str, str] = {}

    def wants(self, _name: str, _subclass: str) -> bool:
        return True

    def offer(self, event: Event) -> None:
        self.events.append(orjson.loads(event.json()))

    def api(self, text: str) -> str:
        """An api command; "" while it has not answered."""
        answer: list[str] = []
        name, _, argument = text.partition(" ")
        api.run(self.x, name, argument, answer.append)
        return answer[0] if answer else ""

    def kill(self, uuid: str) -> None:
        self.api(f"uuid_kill {uuid} MANAGER_REQUEST")

    def originate(self, key: str, text: str) -> None:
        api.run(self.x, "originate", text, lambda reply: self.replies.update({key: reply}))

    def call(
        self,
        uuid: str,
        number: str = "79160000001",
        *,
        gateway: str = "carrier",
        variables: str = "",
        timeout: int = 25,
    ) -> None:
        text = CUSTOMER.format(
            uuid=uuid, number=number, gateway=gateway, variables=variables, timeout=timeout
        )
        self.originate(uuid, text)

    def login(self, uuid: str, *, saved: bool = True) -> None:
        """An operator's parked leg; `saved`: with uuid_bridge_park_on_cancel."""
        extra = "uuid_bridge_park_on_cancel=true," if saved else ""
        self.originate(
            uuid,
            f"{{origination_uuid={uuid},park_after_bridge=true,{extra}ignore_early_media=true,"
            f"no_throttle_limits=true,dialer_agent={uuid}}}user/1000@d &park()",
        )
        self.clock.advance(2.0)
        assert self.channel(uuid).parked

    def ready(self, uuid: str) -> None:
        """Call and let time pass until the leg is in its script."""
        self.call(uuid)
        for _ in range(1000):
            if self.names(uuid)[-1:] == ["PLAYBACK_START"]:
                return
            self.clock.advance(0.01)
        raise AssertionError(self.names(uuid))

    def channel(self, uuid: str) -> Channel:
        return self.x.channels[uuid]

    def names(self, uuid: str) -> list[str]:
        """What this leg has told, without CHANNEL_EXECUTE and the like."""
        noise = ("CHANNEL_EXECUTE", "CHANNEL_ORIGINATE", "CHANNEL_HANGUP")
        return [
            one.get("Event-Subclass") or one["Event-Name"]
            for one in self.events
            if one.get("Unique-ID") == uuid and one["Event-Name"] not in noise
        ]

    def last(self, name: str, uuid: str | None = None) -> dict[str, Any]:
        found = [
            one
            for one in self.events
            if name in (one["Event-Name"], one.get("Event-Subclass"))
            and uuid in (None, one.get("Unique-ID"))
        ]
        assert found, (name, [one["Event-Name"] for one in self.events])
        return found[-1]
