"""Repair after what was not seen: nobody forgotten on the line, no live call declared dead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.operators import OperatorState
from dialer.core.model import AttemptId, LegId, OperatorId
from dialer.core.permission.reasons import Reason
from dialer.errors import CommandRefused, LinkDown
from tests.engine.house import BUSY, SPRING, US, House, plan

A, S = AttemptState, OperatorState
ANNA = OperatorId("anna")


def sweep(home: House, times: int = 1) -> None:
    for _ in range(times):
        home.daemon.reaper.sweep()
        home.settle()


def cut(home: House) -> None:
    home.line.tell("link_lost", why="cut")
    home.settle()


def back(home: House, **data: Any) -> None:
    home.line.tell("link_up", **data)
    home.settle()


def earlier_life(home: House, n: int = 1) -> AttemptId:
    """An attempt that only the ledger knows: we were killed after its originate."""
    key = home.dial_one(n)
    home.calls.attempts.clear()
    home.calls.ended.clear()
    return key


# ------------------------------------------------------------------ attempts


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"answered": False}, A.RINGING),
        ({"in_script": True}, A.WAITING),
        ({"bridged_to": LegId("leg-anna")}, A.TALKING),
    ],
    ids=["ringing", "in his script", "talking"],
)
def test_what_was_open_at_the_start_is_taken_up_where_it_is(
    home: House, changes: dict[str, Any], state: AttemptState
):
    """The call goes on, with a result at its end, and its contact is not dialed meanwhile."""
    key = earlier_life(home)
    home.line.has_customer(key, **changes)
    assert home.daemon.reaper.adopt_open() == 1
    assert home.state(key) is A.ADRIFT
    sweep(home)
    assert home.state(key) is state
    home.hang_up(key)
    home.written()
    assert key in home.books.results


def test_a_talk_found_at_the_start_has_its_operator(home: House):
    """Adopted in the same look: whose talk it was stands in the books."""
    key = earlier_life(home)
    home.line.has_customer(key, bridged_to=LegId("leg-anna"))
    home.line.has_operator("anna", bridged_to=LegId(key))
    home.daemon.reaper.adopt_open()
    sweep(home)
    assert home.operator("anna").state is S.TALKING
    home.hang_up(key)
    anna = home.operator("anna")
    assert anna.state is S.WRAPUP
    assert anna.wrapup_until == home.clock.now().mono_s + 10.0  # her group's
    home.written()
    assert home.books.results[key].operator == "anna"


def test_only_the_second_look_calls_it_gone(home: House):
    """`show channels` lags: at the first look the call may live."""
    key = earlier_life(home)
    home.daemon.reaper.adopt_open()
    sweep(home)
    assert home.state(key) is A.ADRIFT
    assert home.meter.value("dialer_reconcile_missing_legs") == 1
    home.clock.move(2.0)
    sweep(home)
    assert home.disposition(key) == "lost"
    assert home.books.results[key].verdict.charged  # maybe dialed is dialed
    sweep(home)
    assert home.meter.value("dialer_reconcile_missing_legs") == 0


def test_what_uuid_exists_still_knows_is_not_gone(home: House, monkeypatch: pytest.MonkeyPatch):
    key = earlier_life(home)
    home.daemon.reaper.adopt_open()
    monkeypatch.setattr(home.line, "exists", lambda leg: True)
    sweep(home, 3)
    assert home.state(key) is A.ADRIFT


def test_an_open_attempt_whose_campaign_file_is_gone_is_resolved_too(
    build: Callable[..., House],
):
    """Otherwise its contact could never be called again, by no campaign."""
    home = build()
    key = earlier_life(home)
    home.calls.campaigns.pop(SPRING)
    home.line.has_customer(key, in_script=True)
    home.daemon.reaper.adopt_open()
    sweep(home)
    home.log_in("anna")
    assert (
        home.state(key) is A.WAITING
    )  # of no group: nobody is given to him, his message plays
    home.pass_time(2.0)
    home.hang_up(key)
    assert home.disposition(key) == "abandoned"


def test_a_call_that_went_out_while_we_looked_is_no_stranger(home: House):
    """It would be hung up as a leg of nobody, ringing, in the middle of a busy day."""
    home.log_in("anna")

    def meanwhile() -> None:
        key = home.dial_one()
        home.line.has_customer(key, answered=False)

    find_all = home.line.find_all

    def slow() -> Any:
        meanwhile()
        return find_all()

    home.line.find_all = slow  # type: ignore[method-assign]
    sweep(home)
    assert home.line.verbs("kill") == []


def test_a_leg_of_ours_that_nobody_knows_is_hung_up(home: House):
    home.line.has_customer("stray", answered=False)
    home.line.has_customer("theirs", answered=False, instance="d2")
    sweep(home)
    assert home.line.verbs("kill") == [("stray", "MANAGER_REQUEST")]


def test_a_talk_of_which_we_lost_sight_too_long_is_not_cut(home: House):
    """The link was away for more than a minute: our books gave it up, the two talk on."""
    home.log_in("anna")
    key = home.talking("anna")
    cut(home)
    home.pass_time(61.0)
    assert home.state(key) is A.ENDED
    assert home.operator("anna").state is S.OFFLINE
    back(home)
    sweep(home)
    assert home.line.verbs("kill") == []
    assert home.operator("anna").state is S.TALKING
    home.park("anna")
    assert home.operator("anna").state is S.WRAPUP


# ------------------------------------------------------------------ operators


def remember(home: House, reason: str) -> None:
    home.presence.publish_status(US, {})
    home.presence.publish_operators(US, {ANNA: {"state": "paused", "pause_reason": reason}})


@pytest.mark.parametrize(
    ("changes", "paused", "state"),
    [
        ({"parked": True}, "", S.READY),
        ({"parked": True}, "lunch", S.PAUSED),
        ({"bridged_to": LegId("somebody")}, "", S.TALKING),
        ({"answered": False}, "", S.ADRIFT),
    ],
    ids=["parked", "in a pause", "talking", "his phone rings"],
)
def test_an_operator_keeps_his_leg_over_our_restart(
    home: House, changes: dict[str, Any], paused: str, state: OperatorState
):
    """He notices nothing; who is at lunch is not put through to a customer."""
    remember(home, paused)
    home.line.has_operator("anna", **changes)
    sweep(home)
    assert home.operator("anna").state is state
    assert home.operator("anna").pause_reason == (paused or None)


def test_of_two_legs_of_one_operator_the_newest_wins(home: House):
    home.line.has_operator("anna", "old", parked=True, created_at=1.0)
    home.line.has_operator("anna", "new", parked=True, created_at=2.0)
    sweep(home)
    assert home.operator("anna").leg == "new"
    assert home.line.verbs("kill") == [("old", "NORMAL_CLEARING")]


def test_but_never_against_a_talk(home: House):
    home.line.has_operator("anna", "old", bridged_to=LegId("customer"), created_at=1.0)
    home.line.has_operator("anna", "new", answered=False, created_at=2.0)
    sweep(home)
    assert home.operator("anna").leg == "old"


def test_who_has_logged_out_is_not_logged_in_by_a_look(home: House):
    """His leg outlives his login by a moment; taken for new he would be rung again."""
    home.log_in("anna")
    home.daemon.control._logout({"operator": "anna"})
    home.settle()
    sweep(home)
    assert home.operator("anna").state is S.OFFLINE
    assert home.line.verbs("kill") == [("leg-anna", "NORMAL_CLEARING")] * 2


def test_who_logs_in_while_we_look_is_not_turned_back(home: House):
    home.line.has_operator("anna", answered=False)
    home.line.meanwhile = lambda: home.log_in("anna")
    sweep(home)
    assert home.operator("anna").state is S.READY
    assert home.line.verbs("kill") == []


def test_a_leg_in_limbo_is_parked(home: House):
    """Neither bridged nor parked: he would sit there for ever."""
    home.log_in("anna")
    home.line.has_operator("anna")
    home.clock.move(3.0)
    home.line.errors["park"] = CommandRefused("-ERR No such channel!")
    sweep(home)
    assert home.line.verbs("park") == [("leg-anna",)]
    assert home.gate.is_open  # a refusal does not end the look


def test_a_leg_that_vanished_unseen_is_called_again(home: House):
    home.log_in("anna")
    home.line.legs.clear()
    sweep(home, 2)
    assert home.operator("anna").state is S.REDIALED


def test_a_leg_that_was_replaced_while_we_looked_takes_nothing_down(home: House):
    home.log_in("anna")
    home.line.legs.clear()
    sweep(home)
    home.line.meanwhile = lambda: home.line.hang_up("leg-anna", BUSY)
    sweep(home)
    calls = [leg for _, leg in home.line.verbs("originate_operator")]
    assert calls == ["leg-anna", home.operator("anna").leg]


# ------------------------------------------------------------------ the link and the gate


def test_nothing_is_dialed_until_a_whole_look_was_taken(home: House):
    cut(home)
    assert Reason.SWITCH_BLIND in home.gate.reasons
    back(home)
    assert Reason.SWITCH_BLIND in home.gate.reasons
    sweep(home)
    assert home.gate.is_open


def test_a_look_does_not_open_the_gate_of_a_blind_switch(home: House):
    """Commands are answered, events do not flow: every call would be out of sight."""
    home.line.tell("blind", why="events do not flow")
    home.line.usable = lambda: False  # type: ignore[method-assign]
    sweep(home)
    assert Reason.SWITCH_BLIND in home.gate.reasons
    home.line.usable = lambda: True  # type: ignore[method-assign]
    home.line.tell("seeing")
    sweep(home)
    assert home.gate.is_open


def test_a_look_on_a_connection_that_was_lost_meanwhile_opens_nothing(home: House):
    home.line.meanwhile = lambda: home.line.tell("link_up")
    sweep(home)
    assert Reason.SWITCH_BLIND in home.gate.reasons


def test_a_switch_that_was_started_again_has_none_of_the_old_legs(home: House):
    """One look is enough; else ready operators would be given customers on dead phones."""
    home.log_in("anna", "boris")
    talk, ringing = home.talking("anna", 1), home.dial_one(2)
    home.line.legs.clear()
    cut(home)
    back(home, restarted=True)
    home.line.tell("seeing")
    sweep(home)
    assert home.state(talk) is A.ENDED
    assert home.state(ringing) is A.ENDED
    assert {home.operator(name).state for name in ("anna", "boris")} == {S.REDIALED}
    assert home.gate.is_open


@pytest.mark.parametrize("error", [LinkDown("no answer"), CommandRefused("-ERR no")])
def test_a_look_that_fails_is_taken_again(home: House, error: Exception):
    """One slow answer must not keep everybody from dialing until the next round."""
    home.line.errors["find_all"] = error
    cut(home)
    back(home)
    looks: list[int] = []

    class Signal:
        """Returns at once, as if the time were up; then the errors end."""

        def wait(self, timeout_s: float) -> bool:
            looks.append(1)
            if len(looks) == 3:
                home.line.errors.clear()
            if len(looks) == 4:
                raise SystemExit
            return False

        def clear(self) -> None: ...

        set = clear

    home.daemon.reaper._signal = Signal()  # type: ignore[assignment]
    with pytest.raises(SystemExit):
        home.daemon.reaper.run()
    assert home.gate.is_open
    assert home.daemon.reaper._patience_s() > 10.0


def test_gateways_are_asked_at_each_look(home: House):
    home.line.gateways_up = lambda: {name: False for name in home.plan.gateways}  # type: ignore[method-assign]
    sweep(home)
    assert home.daemon.lines.down == set(plan().gateways)


# ------------------------------------------------------------------ keys in the message


def test_a_key_pressed_while_nobody_listened_becomes_a_stop(home: House):
    """His "never again" must not be lost with a daemon that was dead at that moment."""
    key, ended = home.waiting(1), home.dial_one(2)
    home.hang_up(ended, BUSY)
    home.line.keys = [key, ended]
    home.daemon.reaper.sweep()
    home.written()
    assert sorted(home.books.stops) == [10_001, 10_002]
    assert home.attempt(key).opt_out
    home.settle()
    assert home.line.keys == []  # written, so the switch need not keep them
    home.hang_up(key)
    home.written()
    assert home.books.results[key].opt_out_key


def test_a_key_of_another_base_is_left_to_its_own_daemon(home: House):
    """Two houses on one switch: one must not throw away the other's opt-outs."""
    other = AttemptId("99999999-0000-4000-8000-000000000000")
    home.line.keys = [other]
    home.daemon.reaper.sweep()
    home.written()
    assert (home.books.stops, home.line.keys) == ([], [other])


def test_a_key_in_a_talk_is_thrown_away(home: House):
    home.log_in("anna")
    key = home.talking("anna")
    home.line.keys = [key]
    home.daemon.reaper.sweep()
    home.written()
    assert (home.books.stops, home.line.keys) == ([], [])


def test_dialing_does_not_wait_for_keys_that_may_not_be_read(home: House):
    """userauth without global_getvar: everything else works, and the log says it."""
    home.line.errors["opt_outs"] = CommandRefused("-ERR command not allowed")
    home.gate.shut(Reason.SWITCH_BLIND)
    home.daemon.reaper.sweep()
    assert home.gate.is_open
