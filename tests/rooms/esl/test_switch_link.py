"""Up, lost, up again, blind: what the engine may believe of the switch at each moment.

What a user would lose: calls placed by a blind dialer, a daemon that never comes back.
"""

from __future__ import annotations

import gevent
import pytest
from structlog.testing import capture_logs

from dialer.core.model import (
    LegId,
    OperatorId,
)
from dialer.errors import CommandRefused, LinkDown
from dialer.esl.link import WrongPassword
from dialer.esl.switch import REFUSED_BLIND
from dialer.ports import OperatorCall, Switch, SwitchEvent
from tests.rooms.esl.running import (
    CALL,
    SOON,
    Inbox,
    U,
    V,
    make,
    of_leg,
    running,
)
from tests.rooms.esl.scripted import (
    NOTHING,
    Connection,
    ScriptedSwitch,
    reply,
)

# ------------------------------------------------------------------ up, lost, up again


def test_it_is_the_engines_port():
    switch: Switch = make(1)
    assert not switch.usable()


def test_events_and_commands_have_a_connection_each():
    """An `api` must never hold up events."""
    with running() as (switch, scripted, inbox):
        events, commanding = scripted.connections
        assert (events.subscribed, commanding.subscribed) == (True, False)
        assert inbox.passed == ["link_up", "seeing"]
        assert switch.usable()
        assert switch.version is not None
        assert "1.11.2" in switch.version


@pytest.mark.parametrize("which", [0, 1], ids=["events", "commands"])
def test_a_lost_connection_is_told_and_comes_back(which: int):
    with running() as (switch, scripted, inbox):
        scripted.connections[which].cut()
        inbox.wait("link_lost")
        up = inbox.wait("link_up")
        assert up.data["restarted"] is False
        inbox.wait("seeing")
        assert switch.usable()
        assert len(scripted.connections) == 2


def test_a_restarted_switch_is_recognised():
    """All calls are gone then: waiting for their end would be for ever."""
    with running() as (_, scripted, inbox):
        scripted.core_uuid = "00000000-0000-4000-8000-00000000beef"
        scripted.connections[0].cut()
        up = inbox.wait("link_up")
        assert up.data["restarted"] is True
        assert up.data["core_uuid"] == scripted.core_uuid


def test_the_goodbye_of_a_switch_that_stops():
    with running() as (_, scripted, inbox):
        scripted.tell_all({"Event-Name": "SHUTDOWN", "Event-Info": "System Shutting Down"})
        inbox.wait("shutdown")
        scripted.connections[0].write(
            b"Content-Type: text/disconnect-notice\nContent-Length: 8\n\nGood-bye"
        )
        assert inbox.wait("link_lost").data["why"] == "the switch said good-bye"


def test_no_event_comes_after_the_loss_was_told():
    with running() as (_, scripted, inbox):
        scripted.tell_all(of_leg("CHANNEL_ANSWER", U))
        scripted.connections[1].cut()
        inbox.wait("link_lost")
        assert inbox.passed.index("answered") < inbox.passed.index("link_lost")


def test_a_switch_that_comes_later_is_found():
    with ScriptedSwitch() as scripted:
        port = scripted.port
    switch, inbox = make(port), Inbox()
    with capture_logs() as logs:
        switch.start(inbox.queue.put)
        while not logs:
            gevent.sleep(0.001)
    try:
        assert not switch.usable()
        assert "no connection to the switch" in switch.health()["why"]
        with pytest.raises(LinkDown):
            switch.exists(LegId(U))
        with ScriptedSwitch(port=port):
            inbox.wait("seeing")
            assert switch.usable()
    finally:
        switch.stop()


def test_one_trouble_is_one_line_in_the_log():
    with ScriptedSwitch() as scripted:
        tries: list[str] = []
        scripted.answer = lambda command, wire: tries.append(command)
        switch = make(scripted.port, "s3cret")
        with capture_logs() as logs:
            switch.start(lambda event: None)
            with gevent.Timeout(SOON):
                while len(tries) < 5:
                    gevent.sleep(0.001)
            switch.stop()
        complaints = [line for line in logs if line["event"] == "no link to the switch"]
        assert [line["log_level"] for line in complaints] == ["error"]
        assert "refused the password" in complaints[0]["why"]
        assert "s3cret" not in str(logs)


def test_probe_says_what_is_wrong_before_the_daemon_runs():
    with ScriptedSwitch() as scripted:
        assert "1.11.2" in make(scripted.port).probe()
        with pytest.raises(WrongPassword):
            make(scripted.port, "no").probe()
    with pytest.raises(LinkDown, match="no connection"):
        make(scripted.port).probe()


def test_stop_leaves_nothing_behind():
    with running() as (switch, scripted, inbox):
        switch.stop()
        with gevent.Timeout(SOON):
            while scripted.connections:
                gevent.sleep(0.001)
        assert not switch.usable()
        assert inbox.queue.empty()


@pytest.mark.parametrize(("version", "warned"), [("1.10.12", True), ("1.11.2", False)])
def test_an_unsafe_version_is_warned_of_once(version: str, warned: bool):
    with ScriptedSwitch() as scripted, capture_logs() as logs:
        scripted.version = f"FreeSWITCH Version {version}-release"
        switch, inbox = make(scripted.port), Inbox()
        switch.start(inbox.queue.put)
        inbox.wait("link_up")
        for _ in range(2):
            scripted.tell_all({"Event-Name": "HEARTBEAT", "FreeSWITCH-Version": version})
            inbox.wait("heartbeat")
        assert switch.health()["too_old"] is warned  # and so says `dialer status`
        switch.stop()
        warnings = [line for line in logs if "too old" in line["event"]]
        assert len(warnings) == int(warned)


def test_a_switch_that_refuses_everything_is_told_with_the_remedy():
    """It lets us in and obeys nothing: rights of the event-socket user, said at once."""

    def answer(command: str, wire: Connection) -> bytes | None:
        if command.startswith("auth"):
            return None
        return reply("-ERR permission denied")

    with ScriptedSwitch(answer) as scripted:
        switch, inbox = make(scripted.port), Inbox()
        switch.start(inbox.queue.put)
        try:
            why = inbox.wait("no_link").data["why"]
            assert "permission denied" in why
            assert "esl-allowed-api" in why
            assert switch.health()["why"] == why
            assert not switch.usable()
        finally:
            switch.stop()


def test_why_there_is_no_link_is_told_once_for_each_reason():
    with ScriptedSwitch() as scripted:
        switch, inbox = make(scripted.port, password="wrong"), Inbox()
        switch.start(inbox.queue.put)
        try:
            assert "refused the password" in inbox.wait("no_link").data["why"]
            for _ in range(4):  # tries
                scripted.connected.get(timeout=SOON)
            assert inbox.queue.empty()
        finally:
            switch.stop()


# ------------------------------------------------------------------ blind


def test_when_events_stop_nothing_is_originated_and_sight_comes_back():
    """Another client that got stuck freezes all events; `bgapi` would still be carried out."""
    with running(tick_every_s=0.02) as (switch, scripted, inbox):
        scripted.ticks_flow = False
        assert "events do not flow" in inbox.wait("blind").data["why"]
        assert not switch.usable()
        with pytest.raises(CommandRefused) as caught:
            switch.originate_customer(CALL)
        assert caught.value.reply == REFUSED_BLIND
        with pytest.raises(CommandRefused):
            switch.originate_operator(
                OperatorCall(operator=OperatorId("101"), leg=LegId(V), endpoint="user/101@pbx")
            )
        assert scripted.commands.empty()
        switch.kill(LegId(U), "MANAGER_REQUEST")  # what ends calls still works
        scripted.ticks_flow = True
        inbox.wait("seeing")


def test_another_daemons_tick_is_no_sight():
    with ScriptedSwitch() as scripted:
        scripted.ticks_flow = False
        switch, inbox = make(scripted.port), Inbox()
        switch.start(inbox.queue.put)
        try:
            inbox.wait("link_up")
            scripted.tell_all(
                {
                    "Event-Name": "CUSTOM",
                    "Event-Subclass": "dialer::tick",
                    "dialer-instance": "d2",
                    "dialer-tick": "1",
                }
            )
            scripted.tell_all({"Event-Name": "HEARTBEAT"})
            inbox.wait("heartbeat")
            assert not switch.usable()
        finally:
            switch.stop()


def test_a_switch_that_answers_no_api_is_blind():
    frozen = [False]

    def answer(command: str, wire: Connection) -> bytes | None:
        return NOTHING if frozen[0] and command.startswith("api ") else None

    with running(answer, slow_answer_s=0.2) as (switch, _, inbox):
        frozen[0] = True
        waiting = gevent.spawn(switch.exists, LegId(U))
        assert "does not answer" in inbox.wait("blind").data["why"]
        switch.stop()
        with pytest.raises(LinkDown):
            waiting.get(timeout=SOON)


def test_while_customers_are_on_the_line_the_socket_is_woken():
    with running() as (switch, scripted, inbox):
        events = scripted.connections[0]
        assert events.newlines == 0
        switch.originate_customer(CALL)
        with gevent.Timeout(SOON):
            while events.newlines < 3:
                gevent.sleep(0.001)
        scripted.tell_all(of_leg("CHANNEL_HANGUP_COMPLETE", U, **{"Hangup-Cause": "USER_BUSY"}))
        inbox.wait("hung_up")
        with gevent.Timeout(SOON):
            woken = -1
            while woken != events.newlines:
                woken = events.newlines
                gevent.sleep(0.02)


def test_a_bug_in_the_keeping_stops_the_dialing_and_says_so():
    """A greenlet that died unseen would leave a daemon that looks well and dials blindly."""

    def inbox(event: SwitchEvent) -> None:
        raise KeyError("a mistake of the engine")

    with ScriptedSwitch() as scripted, capture_logs() as logs:
        switch = make(scripted.port)
        switch.start(inbox)
        with gevent.Timeout(SOON):
            while not any(line["event"] == "greenlet died" for line in logs):
                gevent.sleep(0.001)
        assert not switch.usable()
        assert "switch keep died" in switch.health()["why"]
        switch.stop()
