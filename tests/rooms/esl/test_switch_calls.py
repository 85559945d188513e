"""What is asked of the switch and what comes back, as the engine sees it.

What a user would lose: a contact charged for a call that never left, or dialed twice; operators
and customers forgotten after a reconnect.
"""

from __future__ import annotations

import json

import gevent
import pytest
from gevent.queue import Queue

from dialer.core.model import (
    LegId,
    OperatorId,
)
from dialer.errors import CommandRefused, LinkDown
from dialer.ports import OperatorCall, SwitchEvent
from tests.rooms.esl.recordings import recorded
from tests.rooms.esl.running import (
    CALL,
    SOON,
    Answer,
    U,
    V,
    job_done,
    make,
    of_leg,
    running,
)
from tests.rooms.esl.scripted import (
    NOTHING,
    Connection,
    ScriptedSwitch,
    reply,
    response,
)

# ------------------------------------------------------------------ originate


def test_a_customers_call_and_the_answer_of_its_job():
    with running() as (switch, scripted, inbox):
        switch.originate_customer(CALL)
        command = scripted.commands.get(timeout=SOON)
        assert command.startswith(f"bgapi originate {{origination_uuid={U},")
        assert "sofia/gateway/mts/+79161234567 'm:^:event" in command
        assert f"\nJob-UUID: {U}" not in command  # a job of its own, not the leg's id
        scripted.tell_all(job_done(command, f"+OK {U}\n"))
        event = inbox.wait("originate_ok")
        assert (event.leg, event.data["reply"]) == (U, f"+OK {U}")


@pytest.mark.parametrize("text", ["-ERR DESTINATION_OUT_OF_ORDER\n", "-USAGE: <call url>\n"])
def test_a_call_that_never_became_a_channel_is_told_with_its_leg(text: str):
    """There is no other event of it (proofs 5): the attempt would hang until its deadline."""
    with running() as (switch, scripted, inbox):
        switch.originate_customer(CALL)
        scripted.tell_all(job_done(scripted.commands.get(timeout=SOON), text))
        event = inbox.wait("originate_failed")
        assert (event.leg, event.data["reply"]) == (U, text.strip())
        assert switch.health()["customers_live"] == 0


def test_the_jobs_answer_may_overtake_the_commands_reply():
    """Two connections: nothing is ordered between them (freeswitch.md 1.5)."""
    hold: list[ScriptedSwitch] = []

    def answer(command: str, wire: Connection) -> bytes | None:
        if command.startswith("bgapi "):
            hold[0].tell_all(job_done(command, "-ERR GATEWAY_DOWN\n"))
            gevent.sleep(0.01)
        return None

    with running(answer) as (switch, scripted, inbox):
        hold.append(scripted)
        switch.originate_customer(CALL)
        assert inbox.wait("originate_failed").leg == U


def test_a_job_of_our_earlier_life_is_still_ours_and_another_daemons_is_not():
    """The dead daemon's call: its answer reaches the new connection (proofs 7)."""
    with running() as (_, scripted, inbox):
        for instance in ("d2", "d1"):
            argument = (
                f"{{origination_uuid={U},x=1,dialer_instance={instance},dialer_attempt={U}}}"
            )
            scripted.tell_all(
                {
                    "Event-Name": "BACKGROUND_JOB",
                    "Job-UUID": f"job of {instance}",
                    "Job-Command-Arg": argument,
                    "_body": f"-ERR {instance}\n",
                }
            )
        event = inbox.wait("originate_failed")
        assert (event.leg, event.data["reply"]) == (U, "-ERR d1")


def test_a_refused_command_is_not_carried_out():
    def answer(command: str, wire: Connection) -> bytes | None:
        return reply("-ERR permission denied") if command.startswith("bgapi") else None

    with running(answer) as (switch, _, _):
        with pytest.raises(CommandRefused):
            switch.originate_customer(CALL)
        assert switch.health()["customers_live"] == 0


def test_a_command_without_an_answer_is_maybe_carried_out():
    """Dialing again would be twice."""

    def answer(command: str, wire: Connection) -> bytes | None:
        return NOTHING if command.startswith("bgapi") else None

    with running(answer, command_timeout_s=0.05) as (switch, _, _):
        with pytest.raises(LinkDown):
            switch.originate_customer(CALL)
        assert switch.health()["customers_live"] == 1


def test_before_the_first_link_a_call_is_surely_not_made():
    with pytest.raises(CommandRefused):
        make(1).originate_customer(CALL)


def test_an_unknown_gateway_is_refused():
    with running() as (switch, scripted, _):
        switch.set_gateways({})
        with pytest.raises(CommandRefused, match="INVALID_GATEWAY"):
            switch.originate_customer(CALL)
        assert scripted.commands.empty()


def test_an_operators_call():
    with running() as (switch, scripted, _):
        switch.originate_operator(
            OperatorCall(operator=OperatorId("101"), leg=LegId(V), endpoint="user/101@pbx")
        )
        command = scripted.commands.get(timeout=SOON)
        assert "uuid_bridge_park_on_cancel=true" in command
        assert "dialer_agent=101}user/101@pbx &park()" in command
        assert switch.health()["customers_live"] == 0


# ------------------------------------------------------------------ legs


def test_what_is_done_with_legs_is_said_to_the_switch():
    with running() as (switch, scripted, _):
        u, v = LegId(U), LegId(V)
        switch.begin_bridge(v, u)()
        switch.park(v)
        switch.kill(u, "ORIGINATOR_CANCEL")
        switch.play_message(u, "abandoned.wav", "")
        switch.record(u, "/rec/u.wav")
        switch.clean(v)
        said = [scripted.commands.get(timeout=SOON) for _ in range(7)]
        assert said == [
            f"api uuid_bridge {V} {U}",
            f"api uuid_park {V}",
            f"api uuid_kill {U} ORIGINATOR_CANCEL",
            f"api uuid_transfer {U} 'm:^:playback:abandoned.wav^hangup:NORMAL_CLEARING' inline",
            f"api uuid_setvar {U} RECORD_STEREO true",
            f"sendmsg {U}\ncall-command: execute\nexecute-app-name: record_session\n"
            "execute-app-arg: /rec/u.wav",
            f"api uuid_setvar {V} transfer_history",
        ]


def test_a_refused_hand_over_is_an_error():
    with running(lambda c, w: response("-ERR Invalid uuid\n") if "bridge" in c else None) as (
        switch,
        _,
        _,
    ):
        answered = switch.begin_bridge(LegId(V), LegId(U))
        with pytest.raises(CommandRefused) as caught:
            answered()
        assert caught.value.reply == "-ERR Invalid uuid"


def channels(*rows: dict[str, object]) -> Answer:
    """`show channels`, `uuid_exists` and `uuid_dump` over these dumps."""
    dumps = {str(row["Unique-ID"]): row for row in rows}

    def answer(command: str, wire: Connection) -> bytes | None:
        word = command.split(" ")
        if command == "api show channels as json":
            if not dumps:
                return response('{"row_count": 0}\n')
            listed = [{"uuid": uuid, "state": "CS_X"} for uuid in dumps]
            return response(json.dumps({"row_count": len(listed), "rows": listed}))
        if word[1:2] == ["uuid_exists"] and word[2] in (U, V):
            return response("true" if word[2] in dumps else "false")
        if word[1:2] == ["uuid_dump"]:
            dump = dumps.get(word[2])
            return response(json.dumps(dump) if dump else "-ERR No such channel!\n")
        return None

    return answer


def dump(leg: str, **headers: object) -> dict[str, object]:
    return {
        "Unique-ID": leg,
        "Channel-State": "CS_CONSUME_MEDIA",
        "Answer-State": "ringing",
        "Caller-Channel-Created-Time": "1795535600129040",
        "variable_dialer_instance": "d1",
        "variable_dialer_attempt": leg,
        **headers,
    }


def test_what_exists_is_asked_of_the_switch():
    with running(channels(dump(U))) as (switch, _, _):
        assert switch.exists(LegId(U))
        assert not switch.exists(LegId(V))
        found = switch.find(LegId(U))
        assert found is not None
        assert (found.attempt, found.answered, found.instance) == (U, False, "d1")
        assert switch.find(LegId(V)) is None


def test_a_refused_look_is_no_proof_of_absence():
    """Else a missing permission would settle live calls, and their contacts be dialed again."""

    def answer(command: str, wire: Connection) -> bytes | None:
        return response("-ERR permission denied") if "uuid_dump" in command else None

    with running(answer) as (switch, _, _), pytest.raises(CommandRefused):
        switch.find(LegId(U))


@pytest.mark.parametrize("text", ["", "maybe", "{}"])
def test_an_odd_answer_is_no_proof_of_absence(text: str):
    odd = [False]

    def answer(command: str, wire: Connection) -> bytes | None:
        return response(text) if odd[0] and "uuid_exists" in command else None

    with running(answer) as (switch, _, _):
        odd[0] = True
        with pytest.raises(LinkDown):
            switch.exists(LegId(U))


def test_only_our_own_legs_are_found():
    """Two daemons on one switch (proofs 12)."""
    rows: list[dict[str, object]] = [
        dump(U),
        dump(V, variable_dialer_instance="d2"),
        {"Unique-ID": "not a uuid; hupall", "Channel-State": "CS_EXECUTE"},
    ]
    with running(channels(*rows)) as (switch, _, _):
        assert [leg.leg for leg in switch.find_all()] == [U]
        assert switch.health()["customers_live"] == 1


def test_an_empty_switch_has_no_rows():
    with running(channels()) as (switch, _, _):
        assert switch.find_all() == []


def test_a_real_dump_with_everything_in_it():
    talking = recorded("20_operator_first_bridge_customer_ends", "CHANNEL_BRIDGE")
    leg = talking["Unique-ID"]
    with running(channels(talking)) as (switch, _, _):
        found = switch.find(leg)
        assert found is not None
        assert found.bridged_to == "add3498b-e5b5-4872-bd36-c2fad63fa663"


def test_the_emergency_stop_ends_ringing_calls_and_no_talk_and_no_operator():
    """R10.6: ringing ones end, talks go on."""
    ringing, talking, operator = U, V, "77777777-7777-4888-9999-aaaaaaaaaaaa"
    answer = channels(
        dump(ringing),
        dump(talking, **{"Answer-State": "answered", "Channel-State": "CS_EXECUTE"}),
        dump(operator, variable_dialer_attempt=None, variable_dialer_agent="101"),
    )
    with running(answer) as (switch, scripted, _):
        assert switch.hang_up_all("MANAGER_REQUEST", unanswered_only=True) == 1
        assert scripted.commands.get(timeout=SOON) == f"api uuid_kill {ringing} MANAGER_REQUEST"
        assert scripted.commands.empty()


def test_everything_of_ours_can_be_ended_at_once():
    with running(channels(dump(U), dump(V))) as (switch, scripted, _):
        assert switch.hang_up_all("MANAGER_REQUEST", unanswered_only=False) == 2
        assert scripted.commands.get(timeout=SOON) == (
            "api hupall MANAGER_REQUEST dialer_instance d1"
        )


# ------------------------------------------------------------------ events


def test_events_come_in_order_and_another_daemons_do_not():
    with running() as (switch, scripted, inbox):
        names = ("CHANNEL_CREATE", "CHANNEL_PROGRESS", "CHANNEL_ANSWER", "CHANNEL_PARK")
        for name in names:
            scripted.tell_all(of_leg(name, V, variable_dialer_instance="d2"))
            scripted.tell_all(of_leg(name, U))
        got = [inbox.queue.get(timeout=SOON) for _ in names]
        assert [event.kind for event in got] == ["created", "progressed", "answered", "parked"]
        assert {event.leg for event in got} == {U}
        assert switch.health()["foreign_events"] == 4


def test_a_hangup_without_our_variables_still_comes():
    """Killed so early that the channel carries none of them (sample 23)."""
    ended = recorded("23_killed_so_early_that_hangup_has_no_create", "CHANNEL_HANGUP_COMPLETE")
    with running() as (_, scripted, inbox):
        scripted.tell_all(ended)
        assert inbox.wait("hung_up").leg == "4420ac7f-712a-42b2-b247-973a54d5d80a"


def test_an_inbox_that_fails_does_not_deafen_the_switch():
    with ScriptedSwitch() as scripted:
        seen: Queue[str] = Queue()

        def inbox(event: SwitchEvent) -> None:
            seen.put(event.kind)
            if event.kind == "answered":
                raise KeyError("a mistake of the engine")

        switch = make(scripted.port)
        switch.start(inbox)
        try:
            with gevent.Timeout(SOON):
                while seen.get() != "seeing":
                    pass
            scripted.tell_all(of_leg("CHANNEL_ANSWER", U))
            scripted.tell_all(of_leg("CHANNEL_PARK", U))
            assert [seen.get(timeout=SOON), seen.get(timeout=SOON)] == ["answered", "parked"]
            assert switch.health()["handler_failures"] == 1
        finally:
            switch.stop()


def test_health_has_figures_after_the_first_tick():
    with running() as (switch, _, _):
        health = switch.health()
        assert health["usable"] is True
        assert health["why"] is None
        assert 0 <= health["event_lag_s"] < SOON
        assert 0 <= health["reply_p99_s"] < SOON
        assert health["clock_offset_s"] is not None


def test_a_call_of_which_no_byte_left_is_surely_not_made():
    """It may be made again, and is not charged to the contact."""
    with running(command_timeout_s=0.02) as (switch, scripted, _):
        writing = switch._keeper.link()._writing
        writing.acquire()  # as if an earlier command were stuck in the socket
        with pytest.raises(CommandRefused, match="SWITCH_NOT_CONNECTED"):
            switch.originate_customer(CALL)
        writing.release()
        assert scripted.commands.empty()
        assert switch.health()["customers_live"] == 0


def test_a_call_that_ended_by_itself_is_not_counted_as_stopped():
    shown = channels(dump(U))

    def answer(command: str, wire: Connection) -> bytes | None:
        gone = command.startswith("api uuid_kill")
        return response("-ERR No such channel!\n") if gone else shown(command, wire)

    with running(answer) as (switch, _, _):
        assert switch.hang_up_all("MANAGER_REQUEST", unanswered_only=True) == 0
