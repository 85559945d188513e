"""What is seen around the daemon: who pressed 9 is never called again, and what a person should
mend is told in status, health and metrics while dialing goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dialer.core.model import LegId, PhoneId
from dialer.core.permission.reasons import Reason
from dialer.core.trouble import Kind
from dialer.engine.status import health
from dialer.errors import CommandRefused, StoreError
from dialer.ports import CallerStop
from tests.engine.house import CARRIER, SPRING, House, campaign, plan

CALL = LegId("11111111-2222-4333-8444-555555555555")


def look(home: House) -> None:
    home.daemon.surroundings.take_caller_stops()
    home.settle()


def troubles(home: House) -> dict[str, str]:
    """Kind -> sentence, the same wherever it is shown."""
    status = home.daemon.status.value(home.clock.now())
    told = {one["kind"]: one["text"] for one in status["troubles"]}
    assert list(told.values()) == health(status)[1]["troubles"]
    for kind in Kind:
        assert home.meter.value("dialer_troubles", kind=kind) == float(kind in told)
    return told


# ------------------------------------------------------------------ who called back


def test_who_called_back_and_pressed_9_is_stopped_before_the_switch_forgets(
    home: House,
) -> None:
    home.line.callers[CALL] = CallerStop(call=CALL, caller="+79161234567")
    look(home)
    assert home.books.stops == [PhoneId(567)]
    assert home.line.callers == {}
    home.line.callers[CALL] = CallerStop(call=CALL, caller="+79161234567")
    look(home)  # the switch told it once more: it is one wish
    assert home.books.stops == [PhoneId(567)]


def test_the_switch_keeps_it_until_the_ledger_has_it(home: House) -> None:
    """PostgreSQL is away in that very moment: the wish must not be lost."""
    home.line.callers[CALL] = CallerStop(call=CALL, caller="+79161234567")
    home.books.away = True
    with pytest.raises(StoreError):
        look(home)
    assert home.line.callers
    home.line.callers.clear()  # as a journal that tells each line once
    home.books.away = False
    look(home)
    assert home.books.stops == [PhoneId(567)]
    assert not home.line.callers


def test_a_call_that_rings_him_is_ended_at_once(home: House) -> None:
    key = home.dial_one(1)
    phone = home.attempt(key).claimed.entry.phone_id
    caller = f"+79161234{str(phone)[-3:]}"
    home.books.phones = {caller: phone}
    home.line.callers[CALL] = CallerStop(call=CALL, caller=caller)
    look(home)
    assert [words[0] for words in home.line.verbs("kill")] == [key]


# ------------------------------------------------------------------ troubles


def test_all_is_well(home: House) -> None:
    assert troubles(home) == {}


def test_a_flapping_gateway_rests_and_is_seen(home: House) -> None:
    """Up and down each few seconds: each time it is up some people's calls would be lost."""
    lines = home.daemon.lines
    for _ in range(3):
        lines.gateway_state(CARRIER, False, home.clock.move(2.0))
        lines.gateway_state(CARRIER, True, home.clock.move(2.0))
    assert not lines.is_up(CARRIER, home.clock.now())
    assert "goes up and down and rests for 5" in troubles(home)["gateway_flaps"]
    home.clock.move(60.0)
    assert lines.is_up(CARRIER, home.clock.now())
    assert troubles(home) == {}


def test_a_gateway_that_is_down_or_fails_is_seen(home: House) -> None:
    lines = home.daemon.lines
    lines.gateway_state(CARRIER, False, home.clock.now())
    assert "gateway carrier is down" in troubles(home)["gateway_down"]
    lines.gateway_state(CARRIER, True, home.clock.now())
    for _ in range(5):
        lines.ended(CARRIER, failed=True, now=home.clock.now())
    assert "failed 5 calls in a row" in troubles(home)["gateway_fails"]


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        (
            {"version": "Version 1.10.12", "too_old": True},
            "switch_too_old",
            "1.10.12",
        ),
        ({"clock_offset_s": -0.6}, "clock_differs", "-0.6 s off"),
    ],
)
def test_an_old_switch_and_a_wrong_clock_are_seen(
    home: House, told: dict[str, Any], kind: str, words: str
) -> None:
    home.line.told = told
    assert words in troubles(home)[kind]


def test_a_switchs_clock_3_s_off_stops_dialing_and_says_so(home: House) -> None:
    """R10.7: hours, days and limits hang on one time."""
    home.line.told = {"clock_offset_s": 3.0}
    home.daemon.store_watch.watch(home.clock.move(6.0))
    assert home.daemon.gate.reasons[Reason.CLOCK_OFF] == (
        "the switch's clock is +3.0 s off: mend NTP"
    )
    home.line.told = {"clock_offset_s": 0.1}
    home.daemon.store_watch.watch(home.clock.move(6.0))
    assert Reason.CLOCK_OFF not in home.daemon.gate.reasons


def test_a_message_without_a_file_is_seen(home: House) -> None:
    """Else an abandoned person hears nothing, for weeks."""
    home.line.without_sounds = {"abandoned.wav"}
    assert home.daemon.surroundings._look()
    assert "no message file abandoned.wav" in troubles(home)["sound_missing"]


def test_a_switch_that_lets_us_look_at_nothing_is_no_reason_to_stop(home: House) -> None:
    home.line.errors["caller_stops"] = CommandRefused("-ERR permission denied")
    assert home.daemon.surroundings._look()


def test_holidays_of_the_coming_year_that_nobody_has_entered_are_told_in_time(
    build: Callable[..., House],
):
    """Else people are called on a day off that was moved."""
    moved = {"moved_days_missing": lambda country, today: today.year + 1}
    off = build(plan(campaigns={SPRING: campaign(holidays="RU", active=False)}, **moved))
    assert off.daemon.surroundings.troubles(off.clock.now()) == []
    home = build(plan(campaigns={SPRING: campaign(holidays="RU")}, **moved))
    (told,) = home.daemon.surroundings.troubles(home.clock.now())
    assert told.sentence.startswith("RU: no moved holidays of 2027 are known yet (write them")
