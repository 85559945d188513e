"""What becomes of an operator whose leg comes, goes, or is out of sight: pure handlers.

A lost leg is called again at once, then after growing delays, for a minute; his wrap-up and his
wish are kept. A leg that comes up when nobody waits for it any more is hung up.
"""

from __future__ import annotations

from dataclasses import replace

from dialer.core.calls import operator_value as value
from dialer.core.calls.effects import CallOperator, KillOperator
from dialer.core.calls.events import Event, LegLost, LegUp, LoginAsked, Parked, TimedOut
from dialer.core.calls.operator_moves import (
    Step,
    call,
    enter,
    free,
    leg_of,
    log_out,
    order_park,
    pause_now,
)
from dialer.core.calls.operator_steps import (
    back_in_park,
    talk_parked,
    wrap_up,
    wrapup_parked,
)
from dialer.core.calls.operator_value import HAND_OVER_FAILED, Operator, OperatorState, Wish
from dialer.core.model import Moment

S = OperatorState

# ------------------------------------------------------------------ his leg


def login(operator: Operator, event: LoginAsked, now: Moment) -> Step:
    return call(replace(operator, idle_since=now), event.leg, S.READY, now)


def keep_on(operator: Operator, event: LoginAsked, now: Moment) -> Step:
    """He is here already; a wish to go home is taken back."""
    if operator.wish is not Wish.LOGOUT:
        return operator, ()
    return replace(operator, wish=None), ()


def _lost(operator: Operator, event: LegLost, return_to: S, now: Moment) -> Step:
    """Call him again at once; who wanted to go home anyway is gone."""
    if operator.wish is Wish.LOGOUT:
        return log_out(operator, now, kill=False)
    return call(operator, event.new_leg, return_to, now)


def lost_ready(operator: Operator, event: LegLost, now: Moment) -> Step:
    """Free, or in a hand-over whose customer goes to the next one."""
    return _lost(replace(operator, attempt=None), event, S.READY, now)


def lost_paused(operator: Operator, event: LegLost, now: Moment) -> Step:
    """His own pause goes on; one that we ordered was this leg's fault and ends with it."""
    own = operator.pause_reason != HAND_OVER_FAILED
    return _lost(replace(operator, attempt=None), event, S.PAUSED if own else S.READY, now)


def lost_in_talk(operator: Operator, event: LegLost, now: Moment) -> Step:
    """The customer falls too (hangup_after_bridge). His wrap-up runs while he is called."""
    until_s = now.mono_s + operator.wrapup_s
    return _lost(replace(operator, wrapup_until=until_s), event, S.WRAPUP, now)


def lost_in_wrapup(operator: Operator, event: LegLost, now: Moment) -> Step:
    return _lost(operator, event, S.WRAPUP, now)


def lost_adrift(operator: Operator, event: LegLost, now: Moment) -> Step:
    if operator.return_to is S.WRAPUP:
        return lost_in_talk(operator, event, now)
    return lost_ready(operator, event, now)


def lost_again(operator: Operator, event: LegLost, now: Moment) -> Step:
    """Not reached (busy, declined, unplugged): again after a while, until the time is over."""
    delay_s = min(
        value.REDIAL_FIRST_DELAY_S * 2.0 ** min(operator.redials, 10), value.REDIAL_MOST_DELAY_S
    )
    until_s = operator.redial_until or now.mono_s
    if now.mono_s + delay_s >= until_s:
        return log_out(operator, now, kill=False)
    after = replace(operator, leg=event.new_leg, redials=operator.redials + 1)
    return after, (CallOperator(operator.id, event.new_leg, delay_s),)


def leg_up(operator: Operator, event: LegUp, now: Moment) -> Step:
    if event.leg != operator.leg:
        return stray(operator, event, now)
    return _back(replace(operator, parked=True, redials=0, redial_until=None), now)


def up_by_park(operator: Operator, event: Parked, now: Moment) -> Step:
    """The park of a leg that is being called is its first: it is up."""
    return leg_up(operator, LegUp(leg_of(operator)), now)


def _back(operator: Operator, now: Moment) -> Step:
    """His phone is there again: as he was."""
    if operator.return_to is S.PAUSED:
        return pause_now(operator, operator.pause_reason, now), ()
    until_s = operator.wrapup_until
    wrapping = operator.return_to is S.WRAPUP and not operator.disposed
    if wrapping and until_s is not None and until_s > now.mono_s:
        return enter(operator, S.WRAPUP, until_s, now), ()
    idle_since = now if operator.return_to is S.WRAPUP else operator.idle_since
    return free(operator, now, idle_since=idle_since)


def stray(operator: Operator, event: LegUp, now: Moment) -> Step:
    """A leg that we gave up on has come up after all: nobody looks after it."""
    if event.leg == operator.leg:
        return operator, ()
    return operator, (KillOperator(operator.id, event.leg),)


def up_in_rest(operator: Operator, event: LegUp, now: Moment) -> Step:
    """A sweep found his leg in park."""
    if event.leg != operator.leg:
        return stray(operator, event, now)
    return parked_in_rest(operator, event, now)


def parked_in_rest(operator: Operator, event: Event, now: Moment) -> Step:
    """In a pause that we ordered it proves that the leg is well: the pause is over."""
    after = operator if operator.parked else replace(operator, parked=True)
    if after.state is S.PAUSED and after.pause_reason == HAND_OVER_FAILED:
        return free(after, now, idle_since=now)
    return after, ()


def redial_timed_out(operator: Operator, event: TimedOut, now: Moment) -> Step:
    return log_out(operator, now, kill=True)


def wrapup_up(operator: Operator, event: LegUp, now: Moment) -> Step:
    if event.leg != operator.leg:
        return stray(operator, event, now)
    return wrapup_parked(operator, Parked(), now)


# ------------------------------------------------------------------ ADRIFT


def link_lost(operator: Operator, event: Event, now: Moment) -> Step:
    return_to = S.WRAPUP if operator.state is S.TALKING else S.READY
    after = enter(operator, S.ADRIFT, now.mono_s + value.ADRIFT_S, now)
    return replace(after, return_to=return_to, park_ordered=False), ()


def adrift_parked(operator: Operator, event: Event, now: Moment) -> Step:
    if operator.return_to is S.WRAPUP:
        return talk_parked(operator, Parked(), now)
    return back_in_park(operator, event, now)


def adrift_up(operator: Operator, event: LegUp, now: Moment) -> Step:
    if event.leg != operator.leg:
        return stray(operator, event, now)
    return adrift_parked(operator, event, now)


def adrift_call_gone(operator: Operator, event: Event, now: Moment) -> Step:
    """The customer's leg is gone; of his own only the park tells where it is."""
    if operator.return_to is S.WRAPUP:
        return wrap_up(operator, now)
    return order_park(enter(operator, S.OFFERED, None, now), now)


def adrift_timed_out(operator: Operator, event: TimedOut, now: Moment) -> Step:
    """Nothing is hung up: if the link was down all the time, his talk may well go on."""
    return log_out(operator, now, kill=False)
