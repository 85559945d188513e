"""What a leg is doing: a wrong reading strands an operator or hangs up on a person."""

from __future__ import annotations

import pytest

from dialer.esl.translate import found_leg
from tests.rooms.esl.recordings import recorded


def test_a_ringing_leg():
    found = found_leg(recorded("06_no_answer_originate_timeout", "CHANNEL_PROGRESS"))
    assert found is not None
    assert (found.answered, found.parked, found.in_script) == (False, False, False)
    assert found.instance == "i1"
    assert found.attempt is not None
    assert found.operator is None
    assert found.created_at > 1795496500
    assert found.answered_at is None


def test_a_customer_in_his_script():
    found = found_leg(recorded("20_operator_first_bridge_customer_ends", "dialer::ready"))
    assert found is not None
    assert (found.answered, found.in_script, found.parked) == (True, True, False)
    assert found.bridged_to is None
    assert found.answered_at == pytest.approx(1795535600.429049)


@pytest.mark.parametrize("index", [0, 1])
def test_a_parked_operator_also_after_a_talk(index: int):
    """`bridge_uuid` is still there after the talk: believing it would lock the operator up."""
    found = found_leg(
        recorded("01_agent_login_then_call_bridged_customer_ends", "CHANNEL_PARK", index)
    )
    assert found is not None
    assert (found.answered, found.parked, found.bridged_to) == (True, True, None)
    assert found.operator == "7"


def test_a_talk():
    found = found_leg(recorded("20_operator_first_bridge_customer_ends", "CHANNEL_BRIDGE"))
    assert found is not None
    assert found.bridged_to == "add3498b-e5b5-4872-bd36-c2fad63fa663"
    assert (found.parked, found.in_script) == (False, False)


def test_limbo_is_no_talk():
    """Sample 21: uuid_bridge had set bridge_uuid, then the customer vanished."""
    rescued = recorded(
        "21_hand_over_customer_gone_customer_first_limbo_then_uuid_park", "CHANNEL_PARK"
    )
    limbo = {**rescued, "Channel-State": "CS_SOFT_EXECUTE"}
    found = found_leg(limbo)
    assert found is not None
    assert (found.answered, found.bridged_to, found.parked, found.in_script) == (
        True,
        None,
        False,
        False,
    )


def test_limbo_after_an_earlier_talk_is_no_talk():
    limbo = {
        **recorded("20_operator_first_bridge_customer_ends", "CHANNEL_BRIDGE"),
        "Caller-Profile-Created-Time": "1795535999000000",
    }
    found = found_leg(limbo)
    assert found is not None
    assert found.bridged_to is None


def test_a_leg_that_is_going_is_not_found():
    assert found_leg(recorded("05_busy_486", "CHANNEL_HANGUP_COMPLETE")) is None
    assert found_leg({"Channel-State": "CS_EXECUTE"}) is None
