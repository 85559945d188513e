"""Switches and clients that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dialer.sim.event_socket import SimulatedSwitch
from dialer.sim.record import Record
from dialer.sim.world import Gateway, Pattern, Phones, Ways, World
from tests.rooms.sim.client import EVERYTHING, Client
from tests.rooms.sim.virtual import Laboratory

# A world in which nothing is left to chance and nothing takes long.
CALM = World(
    time_scale=0.05,
    gateways={name: Gateway() for name in ("carrier", "odd")},
    phones=Phones(answer_s=(0.2, 0.2)),
    ways=Ways(
        create_s=(0.001, 0.001),
        notice_s=(0.3, 0.3),
        leave_s=(0.2, 0.2),
        hand_over_s=(0.6, 0.6),
        park_on_cancel_s=(0.3, 0.3),
        rescue_s=(0.1, 0.1),
        lost_share=0.0,
        races=False,
    ),
    sounds={"message.wav": 2.1},
)


def pattern(
    behaviour: str,
    digits: str = ".*",
    *,
    dial_s: float = 0.2,
    patience_s: float = 100_000.0,
) -> Pattern:
    """A callee who does as he is told and neither leaves nor stops talking by himself."""
    return Pattern(
        digits=digits,
        behaviour=behaviour,
        dial_s=dial_s,
        ring_s=1.0,
        talk_s=100_000.0,
        patience_s=patience_s,
    )


class Scene:
    """One switch with one client that hears everything."""

    def __init__(self, world: World, record: Path | None = None) -> None:
        self.switch = SimulatedSwitch(world, record=Record(record))
        self.switch.start()
        self.client = Client(self.switch.port)
        assert self.client.command(EVERYTHING) == "+OK event listener enabled json"
        self.others: list[Client] = []

    def another(self) -> Client:
        client = Client(self.switch.port)
        self.others.append(client)
        return client

    def login(self, uuid: str = "operator-1", variables: str = "") -> None:
        """An operator's persistent leg, parked."""
        self.client.send(
            f"bgapi originate {{origination_uuid={uuid},park_after_bridge=true,{variables}"
            "uuid_bridge_park_on_cancel=true,ignore_early_media=true,originate_timeout=30,"
            f"no_throttle_limits=true,dialer_instance=i1,dialer_agent=7}}user/1000@d &park()"
        )
        self.client.reply()
        self.client.event("CHANNEL_PARK", uuid)

    def call(
        self,
        uuid: str = "customer-1",
        number: str = "79160000001",
        *,
        gateway: str = "carrier",
        variables: str = "",
    ) -> None:
        """A customer by the proven template (proofs 1)."""
        self.client.send(
            f"bgapi originate {{origination_uuid={uuid},"
            "origination_caller_id_number=74951234567,origination_caller_id_name=74951234567,"
            "ignore_early_media=true,"
            f"originate_timeout=25,hangup_after_bridge=true,{variables}dialer_instance=i1,"
            f"dialer_attempt={uuid},execute_on_answer=sched_hangup\\s+7200}}"
            f"sofia/gateway/{gateway}/{number} 'm:^:event:Event-Name=CUSTOM,Event-Subclass="
            "dialer::ready^playback:silence_stream://1800^playback:/srv/message.wav"
            f"^hangup:NORMAL_CLEARING' inline\nJob-UUID: job-{uuid}"
        )
        self.client.reply()

    def job(self, uuid: str = "customer-1") -> str:
        """What the originate's job said."""
        return str(self.client.event("BACKGROUND_JOB", f"job-{uuid}")["_body"])

    def end(self) -> None:
        for client in (self.client, *self.others):
            client.close()
        self.switch.abort()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    """`scene(behaviour or patterns..., world fields...)` makes a running one."""
    made: list[Scene] = []

    def make(*patterns: Pattern | str, record: Path | None = None, **fields: Any) -> Scene:
        forced = tuple(pattern(one) if isinstance(one, str) else one for one in patterns)
        made.append(Scene(replace(CALM, patterns=forced, **fields), record))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def lab() -> Callable[..., Laboratory]:
    def make(behaviour: str = "answer", *, saved: bool = True, **fields: Any) -> Laboratory:
        values = {"time_scale": 1.0, "patterns": (pattern(behaviour),), **fields}
        one = Laboratory(replace(CALM, **values))
        one.login("operator", saved=saved)
        return one

    return make
