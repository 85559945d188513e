"""Every reason for which a contact is not dialed now: one closed set for log, metric, person.

A value is the metric's label and the ledger's word; `SENTENCES` is what a person reads.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why not now. Grouped by who can change it."""

    # the person's word and the law
    STOP = "stop"
    CONSENT_MISSING = "consent_missing"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CONSENT_EXPIRED = "consent_expired"
    OUTSIDE_HOURS = "outside_hours"
    SEGMENT_HOURS = "segment_hours"
    OWN_HOURS = "own_hours"
    ZONE_UNKNOWN = "zone_unknown"
    TRIES_DAY = "tries_day"
    TRIES_WEEK = "tries_week"
    TRIES_MONTH = "tries_month"
    TALKS_DAY = "talks_day"
    TALKS_WEEK = "talks_week"
    TALKS_MONTH = "talks_month"
    TRIES_ROLLING = "tries_rolling"
    TALKS_ROLLING = "talks_rolling"
    MIN_GAP = "min_gap"
    RESTING = "resting"
    ALREADY_BEING_CALLED = "already_being_called"
    # the base
    DESTINATION = "destination"
    ARCHIVED = "archived"
    IN_REVIEW = "in_review"
    CHECK_LIST = "check_list"
    DONE = "done"
    NO_PHONE = "no_phone"
    NUMBER_UNREADABLE = "number_unreadable"
    RETRY_LATER = "retry_later"
    FAILURES_DAY = "failures_day"
    # our numbers and lines
    POOL_USED_UP = "pool_used_up"
    NUMBERS_BUSY = "numbers_busy"
    NUMBER_LIMIT = "number_limit"
    # the campaign's day
    BUDGET_CALLS = "budget_calls"
    BUDGET_MONEY = "budget_money"
    PERSISTENCE = "persistence"
    # the operator who was shown the contact (preview)
    CARD_SKIPPED = "card_skipped"
    CARD_WAITED = "card_waited"
    CARD_WITHDRAWN = "card_withdrawn"
    # us
    HALTED = "halted"
    PAUSED = "paused"
    NO_OPERATORS = "no_operators"
    HOPPER_EMPTY = "hopper_empty"
    WINDOW_CLOSED = "window_closed"
    CAP_REACHED = "cap_reached"
    SWITCH_BLIND = "switch_blind"
    GATEWAY_DOWN = "gateway_down"
    STORE_FAILED = "store_failed"
    CLOCK_OFF = "clock_off"
    NAME_TAKEN = "name_taken"
    BASE_RESTORED = "base_restored"
    CAMPAIGN_ENDED = "campaign_ended"


SENTENCES: dict[Reason, str] = {
    Reason.STOP: "on the stop list",
    Reason.CONSENT_MISSING: "no consent for this phone and purpose",
    Reason.CONSENT_WITHDRAWN: "the consent was withdrawn",
    Reason.CONSENT_EXPIRED: "the consent has expired",
    Reason.OUTSIDE_HOURS: "outside the calling hours where the phone is",
    Reason.SEGMENT_HOURS: "outside the hours of the contact's segment",
    Reason.OWN_HOURS: "outside the time that the contact named",
    Reason.ZONE_UNKNOWN: "no time zone is known for the phone and the campaign has no default",
    Reason.TRIES_DAY: "the day's tries of this phone or contact are used up",
    Reason.TRIES_WEEK: "the week's tries of this phone or contact are used up",
    Reason.TRIES_MONTH: "the month's tries of this phone or contact are used up",
    Reason.TALKS_DAY: "somebody has talked with this contact today",
    Reason.TALKS_WEEK: "the week's talks with this phone or contact are used up",
    Reason.TALKS_MONTH: "the month's talks with this phone or contact are used up",
    Reason.TRIES_ROLLING: "the tries allowed within so many hours are used up",
    Reason.TALKS_ROLLING: "the talks allowed within so many hours are used up",
    Reason.MIN_GAP: "the least gap between two calls to one person is not over",
    Reason.RESTING: "the phone rests after the ending of an earlier call",
    Reason.ALREADY_BEING_CALLED: "the phone or contact is being called now",
    Reason.DESTINATION: "the phone is not an allowed destination",
    Reason.ARCHIVED: "the phone is in the archive",
    Reason.IN_REVIEW: "the phone waits for a person to look at it",
    Reason.CHECK_LIST: "not reached in all its rounds: on the check list",
    Reason.DONE: "the contact is done in this campaign",
    Reason.NO_PHONE: "the contact has no phone that may be dialed",
    Reason.NUMBER_UNREADABLE: "the phone's number cannot be decrypted",
    Reason.RETRY_LATER: "the pause after the last try is not over",
    Reason.FAILURES_DAY: "too many failed calls on our side or the carrier's today",
    Reason.POOL_USED_UP: "all numbers of the pool have reached their daily limit",
    Reason.NUMBERS_BUSY: "all numbers of the pool are in use or within their gap",
    Reason.NUMBER_LIMIT: "the number that was to be shown has reached its daily limit",
    Reason.BUDGET_CALLS: "the campaign's calls of the day are used up",
    Reason.BUDGET_MONEY: "the campaign's money of the day is used up",
    Reason.PERSISTENCE: "the campaign has passed a limit of its persistence and rests",
    Reason.CARD_SKIPPED: "an operator has skipped the contact's card for now",
    Reason.CARD_WAITED: "nobody started the call from the contact's card in time",
    Reason.CARD_WITHDRAWN: "the operator who had the contact's card is gone",
    Reason.HALTED: "the emergency stop is on",
    Reason.PAUSED: "the campaign is paused",
    Reason.NO_OPERATORS: "no operator is logged in for the campaign's group",
    Reason.HOPPER_EMPTY: "nobody is due",
    Reason.WINDOW_CLOSED: "the calling window closed while the contact was queued",
    Reason.CAP_REACHED: "the abandonment cap leaves no room",
    Reason.SWITCH_BLIND: "the switch does not answer or its events do not flow",
    Reason.GATEWAY_DOWN: "no gateway of the campaign is up",
    Reason.STORE_FAILED: "Redis or PostgreSQL did not answer",
    Reason.CLOCK_OFF: "the clocks of daemon, database and switch differ too much",
    Reason.NAME_TAKEN: "another daemon has this daemon's name",
    Reason.BASE_RESTORED: "the database is older than the journal: stops are said again",
    Reason.CAMPAIGN_ENDED: "the campaign is switched off",
}


#: A claim refused for one of these goes back to its place in the hopper at once: the contact
#: may be dialed, only not with this number, by this daemon or at this moment. All others wait
#: in the ledger until they are due again.
REQUEUED: frozenset[Reason] = frozenset(
    {
        Reason.NUMBER_LIMIT,
        Reason.BUDGET_CALLS,
        Reason.BUDGET_MONEY,
        Reason.PERSISTENCE,
        Reason.CARD_WAITED,
        Reason.CARD_WITHDRAWN,
        Reason.HALTED,
        Reason.PAUSED,
        Reason.SWITCH_BLIND,
        Reason.GATEWAY_DOWN,
        Reason.STORE_FAILED,
        Reason.CLOCK_OFF,
        Reason.NAME_TAKEN,
        Reason.BASE_RESTORED,
    }
)
