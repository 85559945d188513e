"""Supervisors on operators' lines: heard as asked for, counted as nobody, each step logged.

Losing these, a supervisor's phone is hung up by the sweep as a stray leg or given customers, or
somebody listens and no log says so.
"""

from __future__ import annotations

from typing import Any

import gevent
import pytest

from dialer.core.model import Evidence, LegId, OperatorId, Supervision
from dialer.errors import CommandRefused, StoreError
from dialer.ports import Command
from tests.engine.house import House

ENDED = Evidence(channel=True, cause="NORMAL_CLEARING", hangup_disposition="recv_bye")


def ask(home: House, **words: Any) -> dict[str, Any]:
    given = {"operator": "anna", "supervisor": "boss", "endpoint": "user/199@test.invalid"}
    command = Command(id="1", verb="supervise", words={**given, "mode": "listen", **words})
    return home.daemon.control.obey(command)


def steps(home: House) -> list[tuple[str, str, str]]:
    home.daemon.supervisors.write()
    return [(one.step, one.supervisor, one.mode) for one in home.books.supervised]


def up(home: House) -> LegId:
    (leg,) = home.line.spies
    home.line.has(leg, supervisor="boss", supervised=OperatorId("anna"), answered=True)
    home.line.tell("answered", leg)
    home.settle()
    return leg


def test_a_supervisor_listens_until_he_hangs_up_and_each_step_is_logged(home: House) -> None:
    home.log_in("anna")
    assert ask(home) == {"ok": True}
    assert home.line.verbs("originate_supervisor") == [("user/199@test.invalid", "leg-anna")]
    leg = up(home)
    key = home.talking("anna")
    assert home.daemon.status.value(home.clock.now())["supervisions"] == [
        {"supervisor": "boss", "operator": "anna", "mode": "listen", "begun": True}
    ]
    home.hang_up(key)
    home.park("anna")
    home.line.hang_up(leg, ENDED)
    home.settle()
    told = [
        ("asked", "boss", "listen"),
        ("begun", "boss", "listen"),
        ("ended", "boss", "listen"),
    ]
    assert steps(home) == told
    assert home.books.supervised[-1].leg == leg
    assert home.line.verbs("kill") == []


def test_another_mode_is_a_key_on_his_own_leg(home: House) -> None:
    home.log_in("anna")
    ask(home)
    leg = up(home)
    assert ask(home, mode="whisper")["ok"]
    assert ask(home, mode="barge")["ok"]
    assert home.line.verbs("supervise") == [(leg, "whisper"), (leg, "barge")]
    assert len(home.line.spies) == 1  # his phone is not called again
    assert [step for step, _, _ in steps(home)] == ["asked", "begun", "mode", "mode"]


def test_who_wants_to_whisper_from_the_start_does_so_when_he_has_picked_up(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialer.engine.supervisors.SETTLE_S", 0.0)
    home.log_in("anna")
    ask(home, mode="whisper")
    leg = up(home)
    for _ in range(3):
        gevent.sleep(0)
    assert home.line.verbs("supervise") == [(leg, Supervision.WHISPER.value)]


def test_a_sweep_leaves_him_alone_and_he_is_no_operator(home: House) -> None:
    """The reaper hangs up legs of ours that belong to nobody; and he must get no customer."""
    home.log_in("anna")
    ask(home)
    leg = up(home)
    for _ in range(3):
        home.daemon.reaper.sweep()
        home.settle()
    assert home.line.verbs("kill") == []
    assert set(home.calls.operators) == {"anna"}
    assert home.calls.operator_of_leg(leg) is None


def test_after_a_restart_he_is_known_again_and_his_end_is_logged(home: House) -> None:
    """kill -9 of the daemon does not end his listening: its end must be in the log, too."""
    home.line.has("spy", supervisor="boss", supervised=OperatorId("anna"), answered=True)
    home.daemon.reaper.sweep()
    home.settle()
    assert home.line.verbs("kill") == []
    home.line.hang_up("spy", ENDED)
    home.settle()
    assert [step for step, _, _ in steps(home)] == ["ended"]


def test_a_leg_whose_end_was_not_told_does_not_stay_in_the_status(home: House) -> None:
    home.log_in("anna")
    ask(home)
    leg = up(home)
    home.line.legs.pop(leg)
    home.daemon.reaper.sweep()
    assert home.daemon.supervisors.status() != []
    home.clock.move(46.0)
    home.daemon.reaper.sweep()
    assert home.daemon.supervisors.status() == []
    assert home.books.supervised == [] and steps(home)[-1][0] == "ended"


def test_what_cannot_be_is_answered(home: House) -> None:
    home.log_in("boris")
    assert "not logged in" in ask(home)["why"]
    assert "no operator 'nobody'" in ask(home, operator="nobody")["why"]
    own = home.calls.profiles[OperatorId("boris")].endpoint
    assert "operator's own line" in ask(home, operator="boris", endpoint=own)["why"]
    assert not ask(home, operator="boris", mode="spy")["ok"]
    home.line.errors["originate_supervisor"] = CommandRefused("-ERR USER_NOT_REGISTERED")
    refused = ask(home, operator="boris")
    assert refused["why"] == "his phone cannot be called: -ERR USER_NOT_REGISTERED"
    assert [step for step, _, _ in steps(home)] == ["asked", "failed"]
    assert home.daemon.supervisors.status() == []


def test_the_log_waits_for_the_ledger(home: House) -> None:
    home.log_in("anna")
    ask(home)
    home.books.away = True
    with pytest.raises(StoreError):
        home.daemon.supervisors.write()
    home.books.away = False
    assert [step for step, _, _ in steps(home)] == ["asked"]
