"""What becomes of a contact after an ending (R3.14, R5.2, R5.3): try again when, or which list.

A *try* is a charged ending; a *round* is all tries of one phone on one day in the called
zone. In a round the disposition's delay separates the tries. The round has failed when its
tries are used up, or the next would fall on another day, and nobody was reached: then comes
the campaign's pause, and after `failed_rounds` of them in a row the check list. An ending
that is not charged is nobody's try: it is repeated soon, ever later on the same day
(`uncharged_per_day` ends that: permission). Whoever answered was reached: no round fails by
it.

Dead numbers go to the archive, or to a person where part of the evidence is "unavailable"; but
never by the word of one day, nor of one gateway where there are two.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dialer.core.model import Campaign, Disposition, History, Next, Verdict

DAY_S = 86_400.0

#: Delay to the next try where the campaign says nothing (freeswitch.md 5.3, regulation.md UK).
DEFAULT_RETRY_S: Mapping[Disposition, float] = {
    Disposition.BUSY: 600.0,
    Disposition.NO_ANSWER: 7_200.0,
    Disposition.UNAVAILABLE: 5_400.0,
    Disposition.REJECTED: 7 * DAY_S,
    Disposition.MACHINE: 4 * 3_600.0,
    Disposition.SHORT_HANGUP: DAY_S,
    Disposition.ABANDONED: 3 * DAY_S,  # 72 h
    Disposition.INVALID_NUMBER: DAY_S,
    Disposition.BLOCKED: 3_600.0,
    Disposition.CARRIER_REFUSED: 120.0,
    Disposition.CARRIER_FAILURE: 120.0,
    Disposition.LOCAL_FAILURE: 120.0,
    Disposition.CODEC_FAILURE: 900.0,
    Disposition.ROUTING_FAILURE: 900.0,
    Disposition.CANCELLED: 60.0,
    Disposition.LOST: 7_200.0,
    Disposition.UNKNOWN: 7_200.0,
    Disposition.TALKED: DAY_S,  # never asked for: a talk is the end
}

#: Failures that come from a state of the line: each of a day doubles the delay.
_BACKED_OFF = frozenset(
    {
        Disposition.CARRIER_REFUSED,
        Disposition.CARRIER_FAILURE,
        Disposition.LOCAL_FAILURE,
        Disposition.CODEC_FAILURE,
        Disposition.ROUTING_FAILURE,
    }
)
LONGEST_BACK_OFF_S = 3_600.0

#: R3.9: from these the contact goes to a gateway of the campaign that was not tried yet, at
#: once. A failure of our own switch would be the same on any.
_FAILED_OVER = _BACKED_OFF - {Disposition.LOCAL_FAILURE}
FAILOVER_S = 1.0

#: A person answered, only nobody of ours talked with him.
_REACHED = frozenset({Disposition.ABANDONED, Disposition.SHORT_HANGUP})


class _Ending(NamedTuple):
    """Everything that the rules look at."""

    history: History
    verdict: Verdict
    campaign: Campaign
    now: datetime
    today: date
    gateway: str
    zone: str | None
    rang: bool

    def in_s(self, delay_s: float) -> datetime:
        return self.now + timedelta(seconds=delay_s)


def next_step(
    history: History,
    verdict: Verdict,
    campaign: Campaign,
    now: datetime,
    *,
    today: date,
    gateway: str,
    zone: str | None = None,
    rang: bool = False,
) -> Next:
    """The entry's next step; `history` is what was before this attempt, `now` (aware) its end,
    `rang` whether his phone may have rung.

    `today` is now's day in the called `zone`; without the zone a round ends by its tries
    only, or by a delay of a day. `gateway` is the one that this attempt went through.
    """
    ending = _Ending(history, verdict, campaign, now, today, gateway, zone, rang)
    disposition = verdict.disposition
    if disposition is Disposition.TALKED:
        return Next(step="done", due_at=None, reason="talked")
    if disposition in (Disposition.INVALID_NUMBER, Disposition.UNAVAILABLE):
        gone = _gone(ending)
        if gone is not None:
            return gone
    if disposition in _REACHED:
        return _after_answer(ending)
    if not verdict.charged:
        return _after_failure(ending)
    return _after_try(ending)


def retry_delay_s(verdict: Verdict, campaign: Campaign) -> float:
    """The disposition's delay: the campaign's, else the default. A cancelled call that rang
    was a ring that nobody answered.
    """
    disposition = verdict.disposition
    if disposition is Disposition.CANCELLED and verdict.charged:
        disposition = Disposition.NO_ANSWER
    return campaign.retry_s.get(disposition, DEFAULT_RETRY_S[disposition])


def _after_answer(ending: _Ending) -> Next:
    delay_s = retry_delay_s(ending.verdict, ending.campaign)
    if _tries(ending) >= ending.campaign.rounds.tries_per_day:
        delay_s = max(delay_s, DAY_S)
    reason = f"{_words(ending)}: again in {_span(delay_s)}"
    return Next(step="retry", due_at=ending.in_s(delay_s), reason=reason)


def _may_fail_over(ending: _Ending) -> bool:
    """Nobody was rung, and a gateway is left that has not failed.

    A gateway that fails again was no failover: whatever could have been shown elsewhere was
    not free, so it waits like any other.
    """
    failed = ending.history.failed_gateways
    return (
        not ending.rang
        and ending.verdict.disposition in _FAILED_OVER
        and ending.gateway not in failed
        and any(name not in {ending.gateway, *failed} for name in ending.campaign.gateways)
    )


def _after_failure(ending: _Ending) -> Next:
    if _may_fail_over(ending):
        return Next(
            step="retry",
            due_at=ending.in_s(FAILOVER_S),
            reason=f"{_words(ending)}, not counted as a try: now over another gateway",
            rounds_failed=ending.history.rounds_failed,
        )
    delay_s = retry_delay_s(ending.verdict, ending.campaign)
    if ending.verdict.disposition in _BACKED_OFF:
        doubled_s = delay_s * 2.0 ** min(ending.history.uncharged_today, 16)
        delay_s = max(delay_s, min(doubled_s, LONGEST_BACK_OFF_S))
    return Next(
        step="retry",
        due_at=ending.in_s(delay_s),
        reason=f"{_words(ending)}, not counted as a try: again in {_span(delay_s)}",
        rounds_failed=ending.history.rounds_failed,
    )


def _after_try(ending: _Ending) -> Next:
    rounds = ending.campaign.rounds
    delay_s = retry_delay_s(ending.verdict, ending.campaign)
    tries = _tries(ending)
    if tries < rounds.tries_per_day and _is_today(ending, delay_s):
        return Next(
            step="retry",
            due_at=ending.in_s(delay_s),
            reason=f"{_words(ending)}, try {tries} of {rounds.tries_per_day} today: "
            f"again in {_span(delay_s)}",
            rounds_failed=ending.history.rounds_failed,
        )
    failed = ending.history.rounds_failed + 1
    count = f"round {failed} of {rounds.failed_rounds} failed"
    if failed >= rounds.failed_rounds:
        reason = f"{_words(ending)}, {count}: to the check list"
        return Next(step="check_list", due_at=None, reason=reason, rounds_failed=failed)
    # A number that may be dead is asked again on the next day, not after the round's pause.
    if ending.verdict.disposition is not Disposition.INVALID_NUMBER:
        delay_s = max(delay_s, rounds.pause_s)
    return Next(
        step="retry",
        due_at=ending.in_s(delay_s),
        reason=f"{_words(ending)}, {count}: again in {_span(delay_s)}",
        rounds_failed=failed,
    )


def _gone(ending: _Ending) -> Next | None:
    """R5.2: enough such endings, on more than one day, over more than one gateway if there
    are two.

    Days and gateways are known of dead endings only; "unavailable" leads at most to a person's
    look, and there the day of the last try is enough.
    """
    history, verdict = ending.history, ending.verdict
    dead, silent = history.dead_attempts, history.unavailable_attempts
    days, gateways = set(history.dead_days), set(history.dead_gateways)
    if verdict.disposition is Disposition.UNAVAILABLE:
        silent += 1
    elif verdict.number_suspect:
        dead += 1
        gateways.add(ending.gateway)
    else:
        return None
    days.add(ending.today)
    if silent and history.last_try_on is not None:
        days.add(history.last_try_on)
    needed = ending.campaign.rounds.dead_attempts
    over_one_gateway = len(gateways) < 2 <= len(ending.campaign.gateways)
    if len(days) < 2 or dead + silent < needed:
        return None
    failed = history.rounds_failed
    says_dead = verdict.disposition is Disposition.INVALID_NUMBER
    if says_dead and dead >= needed and not over_one_gateway:
        reason = f"number dead: {dead} times on {len(days)} days"
        return Next(step="archive", due_at=None, reason=reason, rounds_failed=failed)
    if silent:
        reason = f"number dead {dead} times, unavailable {silent} times: to be looked at"
        return Next(step="review", due_at=None, reason=reason, rounds_failed=failed)
    return None


def _tries(ending: _Ending) -> int:
    return ending.history.tries_today + (1 if ending.verdict.charged else 0)


def _is_today(ending: _Ending, delay_s: float) -> bool:
    """Would a try after the delay still belong to today's round?"""
    if delay_s >= DAY_S:
        return False
    if ending.zone is None:
        return True
    due = ending.in_s(delay_s).astimezone(ZoneInfo(ending.zone))
    if due.date() != ending.today:
        return False
    windows = ending.campaign.windows
    # Evening: a retry for which no window of this weekday is left would be tomorrow's. A
    # closing time of 00:00 is the end of the day. (A holiday's earlier end only lets a round
    # live longer.)
    weekday = due.weekday()
    wall = due.time()
    return not windows or any(
        weekday in window.days and (window.closes == time() or wall < window.closes)
        for window in windows
    )


def _words(ending: _Ending) -> str:
    return ending.verdict.disposition.value.replace("_", " ")


def _span(seconds: float) -> str:
    """600 -> "10 min", 7200 -> "2 h", 259200 -> "3 d"."""
    for unit_s, unit in ((DAY_S, "d"), (3_600.0, "h"), (60.0, "min")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.3g} {unit}"
    return f"{seconds:.3g} s"
