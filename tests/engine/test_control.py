"""What people ask of a running daemon: an order that is not obeyed, or ends the shift."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import gevent
import pytest

from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.operators import OperatorState
from dialer.core.model import Evidence, PhoneId
from dialer.core.permission.reasons import Reason
from dialer.engine import control
from dialer.engine.stopping import GRACE_S, stop_everywhere
from dialer.errors import ConfigError, Problem
from dialer.ports import Command, Ledger
from tests.engine.house import SPRING, START, US, House, entry, plan

CANCELLED = Evidence(channel=True, cause="ORIGINATOR_CANCEL", hangup_disposition="send_cancel")

S = OperatorState


def ask(home: House, verb: str, **words: Any) -> dict[str, Any]:
    answer = home.daemon.control.obey(Command(id="1", verb=verb, words=words))
    home.settle()
    return answer


# ------------------------------------------------------------------ operators


def test_a_shift(home: House):
    """Login, pause, back, wrap-up, logout: what the operator sees at each step."""
    assert ask(home, "operator.login", operator="anna")["state"] == "redialed"
    home.line.tell("parked", home.operator("anna").leg)
    home.settle()
    assert ask(home, "operator.login", operator="anna")["why"] == "is logged in already"
    paused = ask(home, "operator.pause", operator="anna", reason="lunch")
    assert paused["state"] == "paused"
    assert home.operator("anna").pause_reason == "lunch"
    assert ask(home, "operator.ready", operator="anna")["state"] == "ready"
    assert ask(home, "operator.logout", operator="anna")["state"] == "offline"
    assert len(home.line.verbs("kill")) == 1


def test_a_wish_in_a_talk_waits_for_its_end(home: House):
    home.log_in("anna")
    home.talking("anna")
    assert ask(home, "operator.logout", operator="anna") == {
        "ok": True,
        "state": "talking",
        "wish": "logout",
    }
    taken_back = ask(home, "operator.login", operator="anna")
    assert taken_back["wish"] == ""
    assert home.line.verbs("kill") == []


def test_a_disposition_is_in_the_ledger_before_he_is_free(home: House):
    home.log_in("anna")
    key = home.talking("anna")
    home.hang_up(key)
    home.park("anna")
    home.books.away = True
    refused = ask(home, "operator.dispose", operator="anna", result="sold")
    assert not refused["ok"]
    assert home.operator("anna").state is S.WRAPUP
    home.books.away = False
    answer = ask(home, "operator.dispose", operator="anna", result="sold", tags=["vip"])
    assert answer["state"] == "ready"
    assert home.books.disposed == [key]


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("operator.login", {"operator": "nobody"}),
        ("operator.dispose", {"operator": "anna", "result": "sold"}),
        ("operator.dispose", {"operator": "anna", "attempt": "x", "tags": 7}),
        ("stop_phone", {}),
        ("stop_phone", {"phone": "+7916,sofia/gateway/x/900"}),
        ("stop_phone", {"phone": None}),
        ("no such verb", {}),
    ],
)
def test_an_order_that_makes_no_sense_is_answered_and_harms_nobody(
    home: House, verb: str, words: Mapping[str, Any]
):
    """Any process may write to the meeting place; the daemon must outlive what it reads."""
    home.log_in("anna")
    answer = ask(home, verb, **words)
    assert answer["ok"] is False
    assert answer["why"]
    assert home.operator("anna").state is S.READY


# ------------------------------------------------------------------ stops


def test_a_halt_cancels_what_rings_within_the_turn_and_lets_talks_go_on(home: House):
    home.log_in("anna")
    talk = home.talking("anna", 1)
    ringing = [home.dial_one(n) for n in (2, 3)]
    answer = home.daemon.control.obey(Command(id="1", verb="halt", words={"by": "root"}))
    assert answer == {"ok": True, "cancelled": 2}
    assert all(home.attempt(key).killed for key in ringing)  # at once, not in the next turn
    assert home.state(talk) is AttemptState.TALKING
    home.queue(entry(9))
    assert home.dial() == []
    assert ask(home, "resume") == {"ok": True}
    assert home.gate.is_open


def test_a_stop_is_answered_when_what_rang_is_over(home: House):
    """R6.2: the answer comes when the call is over, not when its end was ordered."""
    key = home.dial_one(1)
    words = {"phones": [10_001, 10_777]}
    asked = gevent.spawn(
        home.daemon.control.obey, Command(id="1", verb="stop_phones", words=words)
    )
    home.settle()
    assert home.line.verbs("kill") == [(key, "MANAGER_REQUEST")]
    assert not asked.ready()
    home.hang_up(key, CANCELLED)
    assert asked.get(timeout=5) == {"ok": True, "cancelled": 1, "left": 0}


def test_a_call_that_does_not_end_is_not_said_to_be_over(
    home: House, monkeypatch: pytest.MonkeyPatch
):
    """The caller then says until when it may ring."""
    monkeypatch.setattr(control, "STOP_WAIT_S", 0.02)
    home.dial_one(1)
    assert ask(home, "stop_phone", phone=10_001) == {"ok": True, "cancelled": 0, "left": 1}


def test_a_stop_lets_a_talk_go_on(home: House):
    home.log_in("anna")
    talk = home.talking("anna", 1)
    assert ask(home, "stop_phone", phone=10_001) == {"ok": True, "cancelled": 0, "left": 0}
    assert home.state(talk) is AttemptState.TALKING


def test_a_stop_is_told_to_the_daemon_that_dials_and_its_answer_is_waited_for(home: House):
    """engine.stopping against a running control: what `dialer stoplist add` does."""
    running(home)
    key = home.dial_one(1)
    home.queue(entry(2), entry(3, phone_id=PhoneId(10_001)))
    done = gevent.spawn(
        stop_everywhere,
        cast("Ledger", home.books),
        home.hopper,
        home.presence,
        home.clock,
        [PhoneId(10_001)],
    )
    home.settle()
    home.hang_up(key, CANCELLED)
    enforced = done.get(timeout=5)
    assert (enforced.cancelled, enforced.not_confirmed) == (1, 0)
    assert enforced.sentence == "1 call cancelled"
    assert [one.position for one in home.hopper.head(SPRING, 5)] == [2]


def test_a_daemon_that_does_not_answer_leaves_one_call_that_may_ring(home: House):
    """In force all the same: nothing else is dialed; the sentence names the end of ringing."""
    home.dial_one(1)  # nobody receives commands here
    enforced = stop_everywhere(
        cast("Ledger", home.books),
        home.hopper,
        home.presence,
        home.clock,
        [PhoneId(10_001)],
        confirm_s=0.05,
    )
    assert enforced.not_confirmed == 1
    assert enforced.may_ring_until == START + timedelta(seconds=25 + GRACE_S)
    assert enforced.sentence.startswith("one call may ring until ")


def test_a_hot_lead_wakes_the_feeder(home: House):
    assert ask(home, "hot") == {"ok": True}
    assert home.daemon.feeder._urgent


# ------------------------------------------------------------------ the loop


def running(home: House) -> None:
    home.daemon.nursery.start("control", home.daemon.control.run)


def send(home: House, verb: str, **words: Any) -> str:
    home.presence.send(US, Command(id=f"{verb}-1", verb=verb, words=words))
    return f"{verb}-1"


def test_commands_come_by_the_meeting_place_and_are_answered_there(home: House):
    running(home)
    reply = home.presence.await_reply(send(home, "operator.login", operator="anna"), 5.0)
    assert reply is not None
    assert reply["state"] == "redialed"


def test_a_halt_does_not_stand_behind_a_slow_reload(home: House):
    """The emergency stop has one second; a reload of a large list takes minutes."""
    begun, go_on = gevent.event.Event(), gevent.event.Event()

    def slow() -> Any:
        begun.set()
        go_on.wait()
        raise ConfigError([Problem(place="spring.yaml:3", what="is wrong")])

    home.daemon._load = slow
    running(home)
    reload = send(home, "reload")
    assert begun.wait(5.0)
    halted = home.presence.await_reply(send(home, "halt"), 5.0)
    assert halted == {"ok": True, "cancelled": 0}
    assert Reason.HALTED in home.gate.reasons
    go_on.set()
    refused = home.presence.await_reply(reload, 5.0)
    assert refused == {"ok": False, "why": "spring.yaml:3: is wrong"}


def test_a_reload_that_is_wrong_changes_nothing(home: House):
    def wrong() -> Any:
        raise ConfigError([Problem(place="spring.yaml:3", what="is wrong")])

    home.daemon._load = wrong
    before = dict(home.calls.campaigns)
    assert ask(home, "reload")["ok"] is False
    assert home.calls.campaigns == before


def test_a_reload_brings_new_campaigns_groups_and_gateways(home: House):
    home.plan = plan(campaigns={})
    assert ask(home, "reload") == {"ok": True, "campaigns": []}
    assert not home.calls.campaigns[SPRING].active
    home.plan = plan()
    assert ask(home, "reload") == {"ok": True, "campaigns": ["spring"]}
    assert home.calls.campaigns[SPRING].active
    assert home.line.gateways == home.plan.gateways


def test_the_rows_of_an_import_are_counted_by_the_daemon(home: House):
    """An import is another process; without this its rows are in no metric."""
    assert ask(home, "imported", rows={"added": 40, "rejected": 2}) == {"ok": True}
    assert home.meter.value("dialer_import_rows_total", result="added") == 40
    assert ask(home, "imported", rows={"added": -1})["ok"] is False
    assert ask(home, "imported", rows="many")["ok"] is False
    assert home.meter.value("dialer_import_rows_total") == 42
