"""A campaign's queue at one moment: who may be dialed, and why each other one is not.

The same two looks as the feeder's: the ledger's set-wise rules, then the core's last look at
each entry. Like the feeder's look it wakes what is due; nothing else changes. A long queue is
judged from its head, so far as `JUDGED`; what stands behind is counted, not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dialer.core.model import Campaign, ContactId, Entry, Window
from dialer.core.permission.decide import Denied, within_hours
from dialer.core.permission.reasons import SENTENCES, Reason
from dialer.ledger.reports import HeldBack, QueueState
from dialer.ledger.store import PostgresLedger
from dialer.ports import Due

#: Entries that are judged one by one.
JUDGED = 20_000
#: One look at the ledger wakes a part of what is due only; so often it is asked again.
WAKES = 10
#: More hot leads than ever wait at once.
HOT_LEADS = 1_000

#: The ledger's word for entries whose contact has left the list, and ours.
_LEFT, OFF_LIST = "campaign_ended", "off_list"
_OWN_SENTENCES = {OFF_LIST: "no longer on the campaign's list"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialable:
    """An entry that may be dialed now, with the contact's own windows; `until` they close."""

    entry: Entry
    own_windows: tuple[Window, ...]
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Contacts held back for one reason; `until`: when the first is looked at again."""

    reason: str
    contacts: int
    until: datetime | None = None

    @property
    def sentence(self) -> str:
        """For a person."""
        if self.reason in _OWN_SENTENCES:
            return _OWN_SENTENCES[self.reason]
        known = self.reason in Reason.__members__.values()
        return SENTENCES[Reason(self.reason)] if known else self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueNow:
    """`allowed` in the order in which they would be dialed; `held` the most first."""

    allowed: tuple[Dialable, ...]
    held: tuple[Held, ...]
    not_judged: int


def queue_now(
    ledger: PostgresLedger,
    campaign: Campaign,
    now: datetime,
    holidays: frozenset[date] = frozenset(),
    *,
    judged: int = JUDGED,
) -> QueueNow:
    """Everybody in the campaign's queue at `now` (aware)."""
    due, rest, entries = _look(ledger, campaign, now, judged)
    allowed: list[Dialable] = []
    held: list[Held] = []
    for one in due:
        verdict = _judge(one, campaign, now, holidays)
        if isinstance(verdict, Held):
            held.append(verdict)
        else:
            allowed.append(verdict)
    waiting = sum(one.entries for one in rest)
    return QueueNow(
        allowed=tuple(allowed),
        held=gathered([*held, *_of_rest(rest)]),
        not_judged=max(0, entries - waiting - len(due)),
    )


def refusal_of(
    ledger: PostgresLedger,
    campaign: Campaign,
    contact: ContactId,
    now: datetime,
    holidays: frozenset[date] = frozenset(),
) -> Held | None:
    """Why a hot lead, which stands at the head of the queue, is not dialed now; None: it is."""
    for one in ledger.due(campaign, now, HOT_LEADS):
        if one.entry.contact_id == contact:
            verdict = _judge(one, campaign, now, holidays)
            return verdict if isinstance(verdict, Held) else None
    # Not in the queue though it was put there: its call is going on.
    return Held(reason=Reason.ALREADY_BEING_CALLED.value, contacts=1)


def gathered(held: Iterable[Held]) -> tuple[Held, ...]:
    """One for each reason: the sum, and the earliest instant; the most first."""
    sums: dict[str, Held] = {}
    for one in held:
        known = sums.get(one.reason, Held(reason=one.reason, contacts=0))
        instants = [at for at in (known.until, one.until) if at is not None]
        sums[one.reason] = Held(
            reason=one.reason,
            contacts=known.contacts + one.contacts,
            until=min(instants, default=None),
        )
    return tuple(sorted(sums.values(), key=lambda one: (-one.contacts, one.reason)))


def _look(
    ledger: PostgresLedger, campaign: Campaign, now: datetime, judged: int
) -> tuple[Sequence[Due], Sequence[HeldBack], int]:
    """(the head, what waits or rests, entries in all), with everything woken that is due."""
    for _ in range(WAKES):
        due = ledger.due(campaign, now, judged)
        rest = ledger.reports.held_back(campaign.name, now)
        entries = _entries(ledger.reports.queue_states(campaign.name))
        if len(due) >= judged or len(due) + sum(one.entries for one in rest) >= entries:
            break
    return due, rest, entries


def _entries(states: Sequence[QueueState]) -> int:
    return sum(one.entries for one in states)


def _judge(
    one: Due, campaign: Campaign, now: datetime, holidays: frozenset[date]
) -> Dialable | Held:
    if one.held is not None:
        return Held(reason=one.held, contacts=1, until=one.held_until)
    hours = within_hours(one.entry, campaign, one.windows, now, holidays, segment=one.segment)
    if isinstance(hours, Denied):
        return Held(reason=hours.why.value, contacts=1, until=hours.until)
    return Dialable(entry=one.entry, own_windows=one.windows, until=hours.until)


def _of_rest(rest: Sequence[HeldBack]) -> Iterator[Held]:
    for one in rest:
        reason = OFF_LIST if one.reason == _LEFT else one.reason
        yield Held(reason=reason, contacts=one.entries, until=one.until)
