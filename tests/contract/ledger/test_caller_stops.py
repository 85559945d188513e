"""Whoever called back and pressed 9 is called by nobody any more, once and for all."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from dialer.core.model import LegId
from dialer.ports import CallerStop
from tests.contract.ledger.world import NOW, WIDE, World, campaign


def stop(caller: str | None, call: str | None = None) -> CallerStop:
    return CallerStop(call=LegId(call or str(uuid4())), caller=caller)


def test_a_caller_on_the_list_is_held_by_his_wish_at_once(world: World) -> None:
    world.people(1)
    wide = campaign(caps=WIDE)
    world.save(wide)
    (entry,) = world.entries(wide)
    digits = world.ledger.digits_of([entry.phone_id])[entry.phone_id]
    assert world.ledger.take_caller_stops([stop(digits)], NOW) == [entry.phone_id]
    (answer,) = world.commit(wide, [entry])
    assert (answer.committed, answer.reason) == (False, "stop")
    assert world.ask("SELECT origin, scope FROM stops") == [("called back, key 9", "global")]


def test_a_caller_on_no_list_is_known_when_a_list_brings_him(world: World) -> None:
    (phone,) = world.ledger.take_caller_stops([stop("+79031112233")], NOW)
    assert world.ledger.find_phone("+79031112233") == phone


def test_one_call_is_one_wish_however_often_it_is_told(world: World) -> None:
    """The switch's journal is read again after each start; a wish that was taken back by hand
    must not come back with it."""
    told = [stop("+79031112233"), stop(None), stop("+79031112234")]
    phones = world.ledger.take_caller_stops(told, NOW)
    assert len(phones) == 2
    assert world.ledger.remove_stops(phones[0], by="anna", now=NOW) == 1
    assert world.ledger.take_caller_stops(told, NOW + timedelta(days=1)) == []
    assert world.ask("SELECT count(*) FROM stops WHERE removed_at IS NULL") == [(1,)]
    again = world.ledger.take_caller_stops([stop("+79031112233")], NOW + timedelta(days=2))
    assert again == [phones[0]]  # he has called once more
