"""Preview: what an operator and a called person lose if a card does not do as it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dialer.core.calls import events as happened
from dialer.core.calls.attempts import AttemptState
from dialer.core.calls.operators import OperatorState
from dialer.core.model import AttemptId, Mode, OperatorId, PhoneId
from dialer.core.permission.reasons import Reason
from dialer.engine.dispatcher import ToOperator
from dialer.engine.preview import NOT_STARTED, SKIPPED_S
from dialer.ports import Command
from tests.engine.house import BUSY, SPRING, House, campaign, entry, plan

A = AttemptState
PREVIEW = campaign(mode=Mode.PREVIEW, card_s=30.0)


@pytest.fixture
def desk(build: Callable[..., House]) -> House:
    """Anna and Boris at work, a hundred people, nobody dialed."""
    home = build(plan(campaigns={SPRING: PREVIEW}))
    home.queue(*(entry(n) for n in range(1, 101)))
    home.log_in("anna", "boris")
    return home


def look(home: House) -> None:
    home.daemon.pacer.look(home.clock.now())
    home.settle()


def ask(home: House, verb: str, name: str) -> dict[str, Any]:
    answer = home.daemon.control.obey(
        Command(id="1", verb=f"operator.{verb}", words={"operator": name})
    )
    home.settle()
    return answer


def card(home: House, name: str) -> AttemptId | None:
    return home.calls.kept.get(OperatorId(name))


def started(home: House, name: str) -> AttemptId:
    key = card(home, name)
    assert key is not None
    assert ask(home, "start", name)["ok"]
    return key


def answers(home: House, key: AttemptId) -> None:
    home.line.has_customer(key, in_script=True)
    for kind in ("created", "progressed", "answered", "ready"):
        home.line.tell(kind, key)
    home.settle()


# ------------------------------------------------------------------ the card


def test_nobody_is_dialed_before_his_operator_wants_it(desk: House) -> None:
    """That is all that preview promises."""
    for _ in range(3):
        look(desk)
        desk.pass_time(1.0)
    assert desk.line.dialed == []
    assert desk.books.open_rows == {}
    shown = {name: ask(desk, "card", name) for name in ("anna", "boris")}
    assert {one["contact"] for one in shown.values()} == {1, 2}
    assert shown["anna"]["left_s"] == pytest.approx(27.0)
    assert desk.calls.count(SPRING, A.SHOWN) == 2
    assert "2 cards shown" in desk.daemon.pacer.why(SPRING)
    assert desk.daemon.pacer.decisions[SPRING].why.binding.value == "not_started"


def test_a_started_call_is_his_who_started_it(desk: House) -> None:
    """Anna has read this contact's history; Boris is idle longer by now."""
    look(desk)
    key = started(desk, "anna")
    assert [one.attempt for one in desk.line.dialed] == [key]
    answers(desk, key)
    assert desk.attempt(key).operator == "anna"
    desk.bridge("anna", key)
    assert desk.state(key) is A.TALKING
    assert desk.calls.kept == {OperatorId("boris"): card(desk, "boris")}


def test_who_has_gone_meanwhile_leaves_his_call_to_another(desk: House) -> None:
    """An answered person is not abandoned for a card's sake."""
    look(desk)
    key = started(desk, "anna")
    ask(desk, "skip", "boris")
    desk.daemon.dispatcher.put(ToOperator(OperatorId("anna"), happened.PauseAsked("lunch")))
    desk.settle()
    answers(desk, key)
    assert desk.attempt(key).operator == "boris"


def test_a_skipped_contact_keeps_its_place_and_comes_later(desk: House) -> None:
    look(desk)
    key = card(desk, "anna")
    assert key is not None
    contact = desk.attempt(key).claimed.entry.contact_id
    assert ask(desk, "skip", "anna")["ok"]
    reason, until = desk.books.postponed[contact]
    assert reason == Reason.CARD_SKIPPED
    assert (until - desk.clock.now().wall).total_seconds() == SKIPPED_S
    look(desk)
    following = ask(desk, "card", "anna")
    assert following["ok"]
    assert following["contact"] != contact
    assert not desk.line.dialed


def test_a_card_that_nobody_looks_at_goes_to_the_next_and_pauses_who_did_not(
    desk: House,
) -> None:
    """An empty chair must not walk through the whole list."""
    look(desk)
    first = ask(desk, "card", "anna")["contact"]
    started(desk, "boris")
    desk.pass_time(30.0)
    look(desk)
    assert desk.operator("anna").state is OperatorState.PAUSED
    assert desk.operator("anna").pause_reason == NOT_STARTED
    assert desk.daemon.outbox.wait_empty(5.0)
    desk.log_in("vera")
    look(desk)
    assert ask(desk, "card", "vera")["contact"] == first


def test_who_goes_away_takes_no_contact_with_him(desk: House) -> None:
    look(desk)
    desk.daemon.dispatcher.put(ToOperator(OperatorId("anna"), happened.LogoutAsked()))
    desk.settle()
    look(desk)
    look(desk)
    assert desk.calls.count(SPRING, A.SHOWN) == 1
    assert card(desk, "anna") is None


def test_a_stop_takes_the_card_off_the_desk(desk: House) -> None:
    """R6.2: whoever is stopped while his card is read is not called from it."""
    look(desk)
    key = card(desk, "anna")
    assert key is not None
    phone = desk.attempt(key).claimed.entry.phone_id
    desk.daemon.control.obey(
        Command(id="2", verb="stop_phones", words={"phones": [int(phone)]})
    )
    desk.settle()
    assert desk.state(key) is A.ENDED
    assert not ask(desk, "start", "anna")["ok"]
    assert not desk.line.dialed


def test_what_the_ledger_refuses_is_said_to_the_operator(desk: House) -> None:
    """He has pressed a key and hears nothing: he must be told why."""
    look(desk)
    key = card(desk, "anna")
    assert key is not None
    desk.books.denied[PhoneId(int(desk.attempt(key).claimed.entry.phone_id))] = (
        "consent_withdrawn",
        None,
    )
    answer = ask(desk, "start", "anna")
    assert not answer["ok"]
    assert "consent was withdrawn" in answer["why"]
    assert not desk.line.dialed
    assert desk.state(key) is A.ENDED


def test_a_shut_gate_keeps_the_card_and_says_why(desk: House) -> None:
    look(desk)
    desk.gate.shut(Reason.HALTED, "")
    answer = ask(desk, "start", "anna")
    assert "emergency stop" in answer["why"]
    assert card(desk, "anna") is not None


def test_what_must_be_recorded_is_not_called_without(desk: House) -> None:
    """The disk is full since the card came; the campaign's rule is to dial nobody then."""
    look(desk)
    desk.daemon.pacing.preview._unrecordable = lambda one: True
    answer = ask(desk, "start", "anna")
    assert "recorded" in answer["why"]
    assert card(desk, "anna") is not None
    assert not desk.line.dialed


def test_a_window_that_closed_while_the_card_was_read_is_closed(
    build: Callable[..., House],
) -> None:
    """Calling hours hold at the call, not at the reading."""
    home = build(plan(campaigns={SPRING: PREVIEW}))
    closes = home.clock.now().wall.timestamp() + 20.0
    home.queue(entry(1, callable_until=closes))
    home.log_in("anna")
    look(home)
    home.pass_time(21.0)
    answer = ask(home, "start", "anna")
    assert "window closed" in answer["why"]
    assert not home.line.dialed


def test_the_end_of_the_daemon_waits_for_no_card(desk: House) -> None:
    """And its contacts are nobody's loss: they stand in their place again."""
    look(desk)
    desk.daemon.pacing.preview.withdraw_all()
    desk.settle()
    assert not desk.calls.attempts
    assert not desk.calls.kept


def test_his_next_card_comes_after_his_call(desk: House) -> None:
    """One at a time: a second card would be read while a person waits."""
    look(desk)
    key = started(desk, "anna")
    for _ in range(3):
        look(desk)
    assert card(desk, "anna") == key
    desk.hang_up(key, BUSY)
    look(desk)
    following = card(desk, "anna")
    assert following is not None
    assert desk.state(following) is A.SHOWN


def test_other_campaigns_of_the_group_do_not_take_who_reads(
    build: Callable[..., House],
) -> None:
    """Progressive beside preview: an operator with a card is not free."""
    other = campaign("autumn", list_name="others")
    home = build(plan(campaigns={SPRING: PREVIEW, other.name: other}))
    home.queue(entry(1))
    home.log_in("anna")
    look(home)
    look(home)  # the other one's queue was found empty
    assert home.calls.count(SPRING, A.SHOWN) == 1
    home.queue(*(entry(n, "autumn") for n in range(50, 60)), name=other.name)
    look(home)
    assert home.line.dialed == []
