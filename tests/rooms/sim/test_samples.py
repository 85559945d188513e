"""The same scenario on the simulated switch and in a stream recorded from a real FreeSWITCH.

The originates are the recorded ones, word for word. Compared are the sequence of (event, whose
leg) and every header that the daemon reads: its value, or, where it is an id or an instant,
whose it is or whether it is there. If these fail, what is proved against the simulation says
nothing about the real switch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from dialer.sim import legs
from dialer.sim.world import Gateway, Phones
from tests.rooms.sim.compare import (
    assert_same,
    load,
    originates,
    send,
    swap,
)
from tests.rooms.sim.conftest import Scene, pattern


def hang_up_by_callee(scene: Scene, uuid: str, after_s: float = 0.0) -> None:
    """The person puts the phone down."""
    x = scene.switch.exchange

    def bye() -> None:
        legs.hang_up(x, x.channels[uuid], "NORMAL_CLEARING", by_us=False)

    x.after(after_s, bye)


SINGLE = {
    "03_abandoned": "answer_without_ringing",
    "05_busy": "busy",
    "05_carrier_503": "carrier_failure",
    "05_declined": "declined",
    "05_incomplete": "incomplete",
    "05_not_found": "invalid",
    "05_unavailable": "unavailable",
    "06_no_answer": "no_answer",
    "07_early_media": "early_media_busy",
    "09_invalid_gateway": "busy",
    "10_invalid_profile": "busy",
    "11_user_not_registered": "busy",
    "11b_user_not_in": "busy",
    "12_no_such_endpoint": "busy",
    "13_usage": "busy",
    "26_gateway_down": "busy",
    "27_progress_timeout": "silent",
    "29_answered_and_gone": "gone",
}


@pytest.mark.parametrize(("name", "behaviour"), SINGLE.items(), ids=SINGLE)
def test_one_call_alone_tells_the_recorded_story(
    scene: Callable[..., Scene], name: str, behaviour: str
) -> None:
    sample = load(name)
    gateways = {"carrier": Gateway(), "dead": Gateway(up=False)}
    one = scene(behaviour, gateways=gateways, phones=Phones(absent="1500", unregistered="9999"))
    send(one, originates(sample)[0])
    assert_same(one, sample)


def test_a_customer_who_waits_in_vain_hangs_up_as_recorded(scene: Callable[..., Scene]) -> None:
    sample = load("04_customer_hangs_up")
    one = scene(pattern("answer_without_ringing", patience_s=0.9))
    send(one, originates(sample)[0])
    assert_same(one, sample)


def test_an_answer_that_crosses_our_cancel_is_no_answer(scene: Callable[..., Scene]) -> None:
    sample = load("24_glare")
    one = scene(pattern("glare", dial_s=0.0))  # its timeout of 1 s may fire at once (proofs 6)
    uuid = send(one, originates(sample)[0])
    one.client.event("CHANNEL_DESTROY", uuid)
    swap(one, 0, "BACKGROUND_JOB", "CHANNEL_DESTROY")
    assert_same(one, sample)


def test_our_kill_while_ringing_is_told_as_ours(scene: Callable[..., Scene]) -> None:
    sample = load("08_cancelled")
    one = scene("no_answer")
    uuid = send(one, originates(sample)[0])
    one.client.event("CHANNEL_PROGRESS", uuid)
    assert one.client.api(f"uuid_kill {uuid} ORIGINATOR_CANCEL") == "+OK\n"
    assert_same(one, sample)


def test_a_kill_behind_the_originate_ends_a_call_that_never_showed_itself(
    scene: Callable[..., Scene],
) -> None:
    sample = load("23_killed_so_early")
    one = scene("no_answer")
    argument = originates(sample)[0]
    uuid = re.search(r"origination_uuid=([0-9a-f-]+)", argument)
    assert uuid is not None
    one.client.send(
        f"bgapi originate {argument}\nJob-UUID: j\n\napi uuid_kill {uuid[1]} ORIGINATOR_CANCEL"
    )
    one.client.reply()
    assert one.client.reply()[1] == "+OK\n"
    assert_same(one, sample)


def test_a_used_up_sps_refuses_without_an_event(scene: Callable[..., Scene]) -> None:
    sample = load("14_sps_limit")
    one = scene("busy", sps=1)
    for argument in originates(sample):
        send(one, argument)
    assert_same(one, sample)


def test_a_full_switch_refuses_without_an_event(scene: Callable[..., Scene]) -> None:
    sample = load("15_max_sessions")
    # 0.75 s of ours: the first is still there when the second asks, however busy the machine
    one = scene(pattern("busy", dial_s=15.0))
    assert one.client.api("fsctl max_sessions 1") == "+OK max sessions: 1\n"
    refused, first = originates(sample)
    one.client.event("CHANNEL_CREATE", send(one, first))
    send(one, refused)
    assert_same(one, sample)


def test_a_paused_switch_refuses_without_an_event(scene: Callable[..., Scene]) -> None:
    sample = load("16_paused")
    one = scene("busy")
    assert one.client.api("fsctl pause outbound") == "+OK\n"
    assert one.client.api("fsctl pause_check outbound") == "true"
    send(one, originates(sample)[0])
    assert_same(one, sample)
    assert one.client.api("fsctl resume outbound") == "+OK\n"
    send(one, originates(sample)[0])
    one.client.event("CHANNEL_CREATE")


def test_a_live_uuid_cannot_be_dialed_again(scene: Callable[..., Scene]) -> None:
    sample = load("17_duplicate")
    one = scene("no_answer")
    first = originates(sample)[1]
    uuid = send(one, first)
    one.client.event("CHANNEL_PROGRESS", uuid)
    second = originates(sample)[0]
    one.client.send(f"bgapi originate {second}\nJob-UUID: again")
    one.client.reply()
    one.client.event("BACKGROUND_JOB", "again")
    one.client.api(f"uuid_kill {uuid} MANAGER_REQUEST")
    assert_same(one, sample)


def test_customer_first_bridge_ends_with_the_customer(scene: Callable[..., Scene]) -> None:
    sample = load("01_agent_login")
    one = scene("answer")
    operator, customer = originates(sample)
    operator_uuid = send(one, operator)
    one.client.event("CHANNEL_PARK", operator_uuid)
    customer_uuid = send(one, customer)
    one.client.event("dialer::ready", customer_uuid)
    bridge(one, customer_uuid, operator_uuid)
    one.client.event("CHANNEL_BRIDGE")
    one.client.api(f"uuid_kill {customer_uuid} NORMAL_CLEARING")
    assert_same(one, sample)


def test_an_operator_lost_in_a_talk_ends_the_customers_call(
    scene: Callable[..., Scene],
) -> None:
    sample = load("02_call_bridged")
    commands = originates(load("01_agent_login"))
    one = scene("answer")
    operator_uuid, customer_uuid = send(one, commands[0]), ""
    one.client.event("CHANNEL_PARK", operator_uuid)
    customer_uuid = send(one, commands[1])
    one.client.event("dialer::ready", customer_uuid)
    bridge(one, customer_uuid, operator_uuid)
    one.client.event("CHANNEL_BRIDGE")
    one.client.api(f"uuid_kill {operator_uuid} NORMAL_CLEARING")
    assert_same(one, sample)


def bridge(scene: Scene, first: str, second: str) -> None:
    assert scene.client.api(f"uuid_bridge {first} {second}") == f"+OK {second}\n"


def with_operator(
    scene: Callable[..., Scene], sample: list[dict[str, Any]]
) -> tuple[Scene, str, str, int]:
    """A parked operator as in samples 20 to 28, then their customer's call; where it began."""
    one = scene("answer", phones=Phones(answer_s=(0.02, 0.02)))
    one.login("operator-1")
    one.switch.exchange.channels["operator-1"].variables["dialer_agent"] = "1000"
    since = len(one.client.events)
    customer = send(one, originates(sample)[0])
    return one, "operator-1", customer, since


def test_operator_first_bridge_frees_the_operator_by_park(scene: Callable[..., Scene]) -> None:
    sample = load("20_operator_first")
    one, operator, customer, since = with_operator(scene, sample)
    one.client.event("dialer::ready", customer)
    bridge(one, operator, customer)
    one.client.event("CHANNEL_BRIDGE")
    hang_up_by_callee(one, customer)
    # there the job's answer came after dialer::ready, a race of two threads
    swap(one, since, "BACKGROUND_JOB", "dialer::ready")
    assert_same(one, sample, since, {"variable_dialer_instance"})


def test_customer_first_and_gone_leaves_the_operator_in_limbo_until_parked(
    scene: Callable[..., Scene],
) -> None:
    sample = load("21_hand_over")
    one, operator, customer, since = with_operator(scene, sample)
    one.client.event("dialer::ready", customer)
    bridge(one, customer, operator)
    hang_up_by_callee(one, customer, 0.05)
    one.client.event("CHANNEL_DESTROY", customer)
    state = json.loads(one.client.api(f"uuid_dump {operator} json"))["Channel-State"]
    assert state in ("CS_RESET", "CS_SOFT_EXECUTE")
    assert one.client.api(f"uuid_park {operator}") == "+OK\n"
    assert_same(one, sample, since, {"variable_dialer_instance", "variable_last_bridge_to"})


def test_operator_first_and_customer_gone_parks_the_operator_again(
    scene: Callable[..., Scene],
) -> None:
    sample = load("22_hand_over")
    one, operator, customer, since = with_operator(scene, sample)
    one.client.event("dialer::ready", customer)
    bridge(one, operator, customer)
    hang_up_by_callee(one, customer, 0.05)
    swap(one, since, "BACKGROUND_JOB", "dialer::ready")
    assert_same(one, sample, since, {"variable_dialer_instance", "variable_last_bridge_to"})


def test_a_bridge_at_answer_makes_the_job_of_a_good_call_say_cancel(
    scene: Callable[..., Scene],
) -> None:
    sample = load("25_bridged_on_answer")
    one, operator, customer, since = with_operator(scene, sample)
    one.client.event("CHANNEL_ANSWER", customer)
    bridge(one, customer, operator)
    one.client.event("CHANNEL_BRIDGE")
    hang_up_by_callee(one, customer)
    assert_same(one, sample, since, {"variable_dialer_instance"})


def test_an_orderly_shutdown_ends_every_channel_and_says_goodbye(
    scene: Callable[..., Scene],
) -> None:
    sample = load("28_switch_shut_down")
    commands = originates(load("20_operator_first"))
    one = scene("answer")
    one.login("operator-1")
    customer = send(one, commands[0])
    one.client.event("dialer::ready", customer)
    since = len(one.client.events)
    stopper = gevent.spawn(one.switch.stop)
    one.client.until(lambda: one.client.closed)
    stopper.get()
    heard = one.client.names(since)
    assert heard[0] == "SHUTDOWN"
    ended = [
        e for e in one.client.events[since:] if e["Event-Name"] == "CHANNEL_HANGUP_COMPLETE"
    ]
    assert {e["Hangup-Cause"] for e in ended} == {"SYSTEM_SHUTDOWN"}
    assert len(ended) == 2
    assert one.client.frames[-1] == "text/disconnect-notice"
    assert sorted(heard) == sorted(e["Event-Name"] for e in sample)
