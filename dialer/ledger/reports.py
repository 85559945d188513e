"""What reports ask of the ledger: counts as frozen values, no wording, no layout.

`campaign` None asks over all campaigns. Spans are [since, until) by the instant of the intent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from dialer.core.model import (
    AttemptId,
    Campaign,
    CampaignName,
    ContactId,
    NumberId,
    OperatorId,
)
from dialer.ledger import identity, queue
from dialer.ledger.pool import Pool, Row
from dialer.ledger.statements import statements
from dialer.ledger.vault import Vault
from dialer.ports import Due

SQL = statements("reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All attempts of a span. `tries` are those charged to the contact (R3.14)."""

    attempts: int
    unresolved: int
    contacts: int
    phones: int
    tries: int
    answered: int
    talked: int
    abandoned: int
    short_answers: int
    talk_ms: int
    mean_ring_ms: float | None
    mean_wait_ms: float | None
    opt_outs: int

    @property
    def abandoned_share(self) -> float:
        """Abandoned by us among those that a person answered and waited for (pacing.md 1)."""
        live = self.abandoned + self.talked
        return self.abandoned / live if live else 0.0


class NumberDay(NamedTuple):
    """What stands against one number on one day of its own zone."""

    number: NumberId
    day: date
    dialed: int
    hard_limit: int


class NumberUse(NamedTuple):
    """What one number has done."""

    number: NumberId
    attempts: int
    charged: int
    answered: int
    talked: int


class QueueState(NamedTuple):
    """Entries of one state; `reason` where they wait; tier 0 hot, 1 first, 2 repeat."""

    state: str
    reason: str | None
    tier: int
    entries: int


class ListMove(NamedTuple):
    """How many moved where and why."""

    moved_to: str
    reason: str
    moves: int


class Hour(NamedTuple):
    """One hour of the asked zone's clock."""

    hour: datetime
    attempts: int
    answered: int
    talked: int
    abandoned: int


class OperatorTime(NamedTuple):
    """How long an operator was in a state."""

    operator: OperatorId
    state: str
    seconds: float


class OperatorTalks(NamedTuple):
    """An operator's talks."""

    operator: OperatorId
    talks: int
    talk_ms: int


class LineCause(NamedTuple):
    """What the line said of attempts through one gateway."""

    gateway: str
    disposition: str
    sip_status: int | None
    q850: int | None
    cause: str | None
    attempts: int


class ImportTotals(NamedTuple):
    """What the imports onto one list came to. `kept_out`: rows without a card, by reason."""

    imports: int
    rows: int
    rejected: int
    kept_out: Mapping[str, int]


class HeldBack(NamedTuple):
    """Entries that are not offered now; `until`: when the first of them is looked at again."""

    reason: str
    entries: int
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInput:
    """The head of the queue as `due` gives it (the core has the last look), and the rest."""

    head: Sequence[Due]
    names: Mapping[ContactId, str | None]
    rest: Sequence[HeldBack]


class ReportQueries:
    """All questions; each is one statement on a pooled connection."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    def _ask(self, question: str, **parameters: Any) -> list[Row]:
        with self._pool.sweep() as connection:
            return connection.execute(SQL[question], parameters).fetchall()

    def dispositions(
        self, campaign: CampaignName | None, since: datetime, until: datetime
    ) -> dict[str, int]:
        rows = self._ask("dispositions", campaign=campaign, since=since, until=until)
        return {str(name): int(count) for name, count in rows}

    def totals(self, campaign: CampaignName | None, since: datetime, until: datetime) -> Totals:
        row = self._ask("totals", campaign=campaign, since=since, until=until)[0]
        return Totals(**dict(zip(Totals.__dataclass_fields__, row, strict=True)))

    def calls_per_number(self, since: date, until: date) -> list[NumberDay]:
        """Days inclusive, each in the number's own zone."""
        rows = self._ask("calls_per_number", since_day=since, until_day=until)
        return [NumberDay(*row) for row in rows]

    def numbers_of_campaign(
        self, campaign: CampaignName | None, since: datetime, until: datetime
    ) -> list[NumberUse]:
        rows = self._ask("numbers_of_campaign", campaign=campaign, since=since, until=until)
        return [NumberUse(*row) for row in rows]

    def queue_states(self, campaign: CampaignName) -> list[QueueState]:
        return [QueueState(*row) for row in self._ask("queue_states", campaign=campaign)]

    def held_back(self, campaign: CampaignName, at: datetime) -> list[HeldBack]:
        """What waits and what rests, by reason (values of core.permission.reasons)."""
        rows = self._ask("plan_rest", campaign=campaign, at=at)
        return [HeldBack(*row) for row in rows]

    def rounds(self, campaign: CampaignName) -> dict[int, int]:
        return {int(n): int(count) for n, count in self._ask("rounds", campaign=campaign)}

    def list_moves(
        self, campaign: CampaignName | None, since: datetime, until: datetime
    ) -> list[ListMove]:
        rows = self._ask("list_moves", campaign=campaign, since=since, until=until)
        return [ListMove(*row) for row in rows]

    def hours(
        self, campaign: CampaignName | None, since: datetime, until: datetime, zone: str
    ) -> list[Hour]:
        rows = self._ask("hours", campaign=campaign, since=since, until=until, zone=zone)
        return [Hour(*row) for row in rows]

    def operator_times(self, since: datetime, until: datetime) -> list[OperatorTime]:
        rows = self._ask("operator_seconds", since=since, until=until)
        return [OperatorTime(*row) for row in rows]

    def operator_talks(self, since: datetime, until: datetime) -> list[OperatorTalks]:
        rows = self._ask("talks_of_operators", since=since, until=until)
        return [OperatorTalks(operator, talks, ms or 0) for operator, talks, ms in rows]

    def dialed_twice(self, since: datetime, until: datetime) -> int:
        """Overlapping attempts to one phone, plus phones over their day's cap: 0."""
        overlapping = self._ask("dialed_twice", since=since, until=until)[0][0]
        over = self._ask("over_the_cap", since=since, until=until)[0][0]
        return int(overlapping) + int(over)

    def causes(
        self, campaign: CampaignName | None, since: datetime, until: datetime
    ) -> list[LineCause]:
        rows = self._ask("causes", campaign=campaign, since=since, until=until)
        return [LineCause(*row) for row in rows]

    def imports(self, list_name: str, since: datetime, until: datetime) -> ImportTotals:
        span = {"list": list_name, "since": since, "until": until}
        count, rows, rejected = self._ask("imports", **span)[0]
        kept_out = {str(reason): int(n) for reason, n in self._ask("kept_out", **span)}
        return ImportTotals(int(count), int(rows), int(rejected), kept_out)

    def revision(self, campaign: CampaignName) -> str | None:
        """Of the definition that the base holds; None: it does not know the campaign."""
        rows = self._ask("campaign_known", campaign=campaign)
        return str(rows[0][0]) if rows else None

    def orphans(self) -> int:
        """Rows of the base that point nowhere: 0."""
        return int(self._ask("orphans")[0][0])

    def base_counts(self, list_name: str) -> dict[str, int]:
        row = self._ask("base_counts", list=list_name)[0]
        names = ("contacts", "phones_active", "phones_review", "phones_archived")
        return dict(zip(names, map(int, row), strict=True))

    def filled_shares(self, list_name: str) -> dict[str, float]:
        """For `core.base.priority.missing_fields`."""
        rows = self._ask("filled_shares", list=list_name)
        return {str(field): float(share) for field, share in rows}

    def plan(self, campaign: Campaign, now: datetime, limit: int) -> PlanInput:
        """What `dialer plan` shows; like the feeder's look, it wakes what is due."""
        head = queue.due(self._pool, campaign, now, limit)
        contacts = [due.entry.contact_id for due in head]
        with self._pool.connection() as connection:
            people = identity.of_contacts(connection, contacts, self._vault)
        return PlanInput(
            head=head,
            names={ContactId(contact): person.name for contact, person in people.items()},
            rest=self.held_back(campaign.name, now),
        )

    def explain(self, attempt: AttemptId) -> dict[str, Any] | None:
        """Everything that allowed this attempt, as decided then."""
        names = (
            "attempt",
            "campaign",
            "contact_id",
            "phone_id",
            "number",
            "number_day",
            "gateway",
            "committed_at",
            "ended_at",
            "disposition",
            "grounds",
            "cause",
            "sip_call_id",
        )
        rows = self._ask("explain_attempt", id=attempt)
        return dict(zip(names, rows[0], strict=True)) if rows else None
