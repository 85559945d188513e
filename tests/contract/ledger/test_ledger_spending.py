"""What the base says of a campaign's persistence and its money (R6.11, R3.13).

Losing this, a campaign rings on although nobody wants it, or spends what nobody has.
"""

from __future__ import annotations

from datetime import timedelta

from dialer.core.model import CampaignName, Disposition, OperatorId
from dialer.core.permission.persistence import Figures
from tests.contract.ledger.world import NOW, World, campaign, verdict

SPRING = CampaignName("spring")
MONTH = timedelta(days=30)


def test_what_persistence_came_to_is_counted_by_people(world: World) -> None:
    """A machine and an answer of two seconds are nobody whom we have reached."""
    spring, talked = campaign(), verdict(Disposition.TALKED)
    world.people(6)
    world.save(spring)
    first, second, third, fourth, fifth, sixth = world.entries(spring)
    kept = world.dial(spring, first, verdict=talked, answered_at=NOW)
    said = world.dial(spring, second, verdict=talked, answered_at=NOW)
    world.dial(spring, third, verdict=talked, answered_at=NOW, short_answer=True)
    world.dial(spring, fourth, verdict=verdict(Disposition.MACHINE), answered_at=NOW)
    world.dial(spring, fifth, verdict=verdict(Disposition.BUSY, charged=False))
    world.dial(spring, sixth)
    world.ask(
        "UPDATE attempts SET committed_at = committed_at - interval '31 days'"
        " WHERE contact_id = %s",
        sixth.contact_id,
    )
    for attempt, result in ((kept, "Refused"), (said, "machine")):
        world.ledger.dispose(
            attempt.attempt_id,
            operator=OperatorId("anna"),
            result=result,
            tags=[],
            summary="",
            now=NOW,
        )
    world.ledger.add_stop(first.phone_id, origin="operator", now=NOW + timedelta(hours=1))
    world.ledger.add_stop(fifth.phone_id, origin="operator", now=NOW + timedelta(hours=1))
    found = world.ledger.persistence(SPRING, NOW - MONTH)
    assert found == Figures(
        tries=4,
        talks=1,
        answered=2,
        refusals=1,
        instant_hang_ups=1,
        opt_outs=1,
        persons=4,
        most_tries=1,
    )


def test_an_unknown_campaign_has_done_nothing(world: World) -> None:
    assert world.ledger.persistence(CampaignName("none"), NOW - MONTH) == Figures()
