"""What an operator does on the events of a call and by his own wish: pure handlers.

The switch tells that a leg is free again by CHANNEL_PARK, in no order with the customer's
hang-up (proofs 2): whichever comes first ends the talk; READY waits for the park. A leg that
does not come back is parked by order, then given up: paused if it was in a hand-over, else
called again.
"""

from __future__ import annotations

from dataclasses import replace

from dialer.core.calls import operator_value as value
from dialer.core.calls.effects import Beep, CleanLeg, KillOperator, ParkOperator
from dialer.core.calls.events import (
    Bridged,
    Disposed,
    Event,
    FoundTalking,
    LogoutAsked,
    Paired,
    Parked,
    PauseAsked,
    ResumeAsked,
    TimedOut,
)
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
from dialer.core.calls.operator_value import HAND_OVER_FAILED, Operator, OperatorState, Wish
from dialer.core.model import AttemptId, Moment
from dialer.errors import Bug

S = OperatorState

# ------------------------------------------------------------------ a call


def paired(operator: Operator, event: Paired, now: Moment) -> Step:
    """The attempt's step orders the bridge. Raises Bug for a leg that is not in park."""
    if not value.may_be_paired(operator) or event.operator_leg != operator.leg:
        raise Bug(f"operator {operator.id} may not be given a call")
    after = replace(
        enter(operator, S.OFFERED, now.mono_s + value.OFFER_S, now),
        attempt=event.attempt,
        parked=False,
        park_ordered=False,
        disposed=False,
        wrapup_s=event.wrapup_s,
        max_talk_s=event.max_talk_s,
        beep=event.beep,
        last_offered_at=now,
    )
    return after, ()


def bridged(operator: Operator, event: Bridged, now: Moment) -> Step:
    after, effects = talk(operator, event.attempt, now)
    if operator.beep is None or operator.leg is None:
        return after, effects
    return after, (*effects, Beep(operator.id, operator.leg, operator.beep))


def bridged_again(operator: Operator, event: Bridged | FoundTalking, now: Moment) -> Step:
    """In the talk, or told after its end: only another customer is news."""
    if event.attempt is None or event.attempt == operator.attempt:
        return operator, ()
    return talk(operator, event.attempt, now)


def found_talking(operator: Operator, event: FoundTalking, now: Moment) -> Step:
    return talk(operator, event.attempt or operator.attempt, now)


def talk(operator: Operator, attempt: AttemptId | None, now: Moment) -> Step:
    wish = operator.wish
    if operator.state is S.PAUSED and operator.pause_reason != HAND_OVER_FAILED:
        wish = wish or Wish.PAUSE  # he had paused when a late bridge came: after this call then
    keeps_reason = wish is Wish.PAUSE
    after = replace(
        enter(operator, S.TALKING, now.mono_s + operator.max_talk_s + value.TALK_GRACE_S, now),
        attempt=attempt,
        parked=False,
        park_ordered=False,
        disposed=False,
        wrapup_until=None,
        wish=wish,
        pause_reason=operator.pause_reason if keeps_reason else None,
    )
    return after, ()


def back_in_park(operator: Operator, event: Event, now: Moment) -> Step:
    """Out of a hand-over unharmed: by himself, by order, or never moved. He loses no turn."""
    return free(replace(operator, parked=True), now, idle_since=operator.idle_since)


def offer_failed(operator: Operator, event: Event, now: Moment) -> Step:
    """The customer is elsewhere; where this leg is, nobody knows: into park with it."""
    if operator.park_ordered:
        return operator, ()
    return order_park(operator, now)


def offer_timed_out(operator: Operator, event: TimedOut, now: Moment) -> Step:
    """No bridge and no park: order the park, then take him out, so that he swallows nobody."""
    if not operator.park_ordered:
        return order_park(operator, now)
    if operator.wish is Wish.LOGOUT:
        return log_out(operator, now, kill=True)
    if operator.wish is Wish.PAUSE:
        return pause_now(operator, operator.pause_reason, now), ()
    # The attempt is kept: a bridge that comes even later is known by it.
    return replace(pause_now(operator, HAND_OVER_FAILED, now), attempt=operator.attempt), ()


# ------------------------------------------------------------------ the end of a call


def talk_parked(operator: Operator, event: Parked, now: Moment) -> Step:
    """CHANNEL_PARK: the talk is over for him, whatever is told of the customer."""
    after, effects = wrap_up(replace(operator, parked=True), now)
    return after, (CleanLeg(operator.id, leg_of(operator)), *effects)


def call_ended(operator: Operator, event: Event, now: Moment) -> Step:
    """The customer is gone; the leg comes back into park by itself."""
    return wrap_up(operator, now)


def talk_timed_out(operator: Operator, event: TimedOut, now: Moment) -> Step:
    """The customer's ceiling is past and the leg has not come back: fetch it."""
    after, effects = wrap_up(operator, now)
    if after.park_ordered or after.state is not S.WRAPUP:
        return after, effects
    return after, (ParkOperator(operator.id, leg_of(operator)), *effects)


def wrap_up(operator: Operator, now: Moment) -> Step:
    until_s = now.mono_s + operator.wrapup_s
    after = replace(enter(operator, S.WRAPUP, until_s, now), wrapup_until=until_s)
    done = operator.disposed or operator.wrapup_s <= 0.0
    return _finish(after, now) if done else (after, ())


def _finish(operator: Operator, now: Moment) -> Step:
    """The wrap-up is over; READY must wait for the park."""
    if operator.parked or operator.wish is Wish.LOGOUT:
        return free(operator, now, idle_since=now)
    return order_park(operator, now, wrapup_until=now.mono_s)


def disposed(operator: Operator, event: Disposed, now: Moment) -> Step:
    after = replace(operator, disposed=True)
    return (after, ()) if operator.park_ordered else _finish(after, now)


def disposed_early(operator: Operator, event: Disposed, now: Moment) -> Step:
    """In the talk, or while his phone is called: no wrap-up is left to wait for."""
    return replace(operator, disposed=True), ()


def wrapup_parked(operator: Operator, event: Parked, now: Moment) -> Step:
    if operator.parked:
        return operator, ()
    after = replace(operator, parked=True)
    clean = CleanLeg(operator.id, leg_of(operator))
    if not operator.park_ordered:
        return after, (clean,)
    after, effects = free(after, now, idle_since=now)
    return after, (clean, *effects)


def wrapup_timed_out(operator: Operator, event: TimedOut, now: Moment) -> Step:
    """Over; or the park that was ordered did not come, then the leg is given up."""
    return _recall(operator, S.READY, now) if operator.park_ordered else _finish(operator, now)


def _recall(operator: Operator, return_to: S, now: Moment) -> Step:
    """Hang up a leg that does not obey; its LegLost brings the next one."""
    leg = leg_of(operator)
    after, _ = call(replace(operator, attempt=None), leg, return_to, now)
    return after, (KillOperator(operator.id, leg),)


# ------------------------------------------------------------------ what he wants


def pause(operator: Operator, event: PauseAsked, now: Moment) -> Step:
    return pause_now(operator, event.reason, now), ()


def pause_later(operator: Operator, event: PauseAsked, now: Moment) -> Step:
    return replace(operator, wish=Wish.PAUSE, pause_reason=event.reason), ()


def pause_redialed(operator: Operator, event: PauseAsked, now: Moment) -> Step:
    if operator.return_to is S.WRAPUP:
        return pause_later(operator, event, now)
    return replace(operator, return_to=S.PAUSED, pause_reason=event.reason), ()


def resume(operator: Operator, event: ResumeAsked, now: Moment) -> Step:
    """Back from the pause. A leg that is not known to be in park is fetched first."""
    if operator.parked:
        return free(operator, now, idle_since=now)
    after, _ = call(replace(operator, attempt=None), leg_of(operator), S.READY, now)
    return after, (ParkOperator(operator.id, leg_of(operator)),)


def resume_later(operator: Operator, event: ResumeAsked, now: Moment) -> Step:
    return replace(operator, wish=None, pause_reason=None), ()


def resume_redialed(operator: Operator, event: ResumeAsked, now: Moment) -> Step:
    return_to = S.READY if operator.return_to is S.PAUSED else operator.return_to
    return replace(operator, wish=None, pause_reason=None, return_to=return_to), ()


def logout(operator: Operator, event: LogoutAsked, now: Moment) -> Step:
    return log_out(operator, now, kill=True)


def logout_later(operator: Operator, event: LogoutAsked, now: Moment) -> Step:
    return replace(operator, wish=Wish.LOGOUT), ()
