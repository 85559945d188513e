"""Values of the line with defaults, a clock that the test moves, and drivers with books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from dialer.core.calls import attempts, operators
from dialer.core.calls import events as e
from dialer.core.calls.attempts import Attempt, CallRules
from dialer.core.calls.effects import Effect
from dialer.core.calls.events import Event
from dialer.core.calls.operators import Operator
from dialer.core.model import (
    AttemptId,
    CampaignName,
    Claimed,
    ContactId,
    Entry,
    Evidence,
    GatewayName,
    LegId,
    Moment,
    NumberId,
    OperatorId,
    PhoneId,
    Source,
)

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ANNA, BORIS = OperatorId("anna"), OperatorId("boris")
ANNAS, BORISS = LegId("leg-anna"), LegId("leg-boris")
CALL, OTHER = AttemptId("call-1"), AttemptId("call-2")

CLEARED = Evidence(
    channel=True,
    cause="NORMAL_CLEARING",
    q850=16,
    sip_term_status=200,
    hangup_disposition="recv_bye",
)
BUSY = Evidence(
    channel=True,
    cause="USER_BUSY",
    q850=17,
    sip_status=486,
    sip_term_status=486,
    hangup_disposition="recv_refuse",
)

K = TypeVar("K", bound=Effect)


def at(seconds: float) -> Moment:
    """So many seconds after the start, on both clocks."""
    return Moment(1000.0 + seconds, START + timedelta(seconds=seconds))


def claimed(attempt: AttemptId = CALL) -> Claimed:
    entry = Entry(
        campaign=CampaignName("spring"),
        contact_id=ContactId(1),
        phone_id=PhoneId(11),
        rank=1.0,
        position=1,
        source=Source.FIRST,
    )
    return Claimed(
        attempt_id=attempt,
        entry=entry,
        number=NumberId("+74951230001"),
        number_day=date(2026, 11, 24),
        gateway=GatewayName("gw"),
    )


def paired(
    operator: OperatorId = ANNA,
    leg: LegId = ANNAS,
    attempt: AttemptId = CALL,
    wrapup_s: float = 20.0,
) -> e.Paired:
    return e.Paired(operator, leg, attempt, wrapup_s, 7200.0)


@dataclass
class Call:
    """Drives one attempt and keeps all that it ordered."""

    value: Attempt = field(
        default_factory=lambda: attempts.claim(claimed(), CallRules(), at(0.0))
    )
    ordered: list[Effect] = field(default_factory=list)

    def take(self, seconds: float, *events: Event) -> Sequence[Effect]:
        """These events at that second; what they ordered."""
        before = len(self.ordered)
        for event in events:
            self.value, effects = attempts.step(self.value, event, at(seconds))
            self.ordered.extend(effects)
        return self.ordered[before:]

    def all(self, kind: type[K]) -> list[K]:
        return [one for one in self.ordered if isinstance(one, kind)]

    @property
    def state(self) -> Any:  # not narrowed by one assert: the next event moves it
        return self.value.state

    @property
    def deadline_s(self) -> Any:
        """Seconds after the start."""
        due_s = self.value.deadline_at
        return None if due_s is None else round(due_s - 1000.0, 6)


def shown(**rules: object) -> Call:
    """On anna's card since 0 s (preview)."""
    its_rules = CallRules(**rules)  # type: ignore[arg-type]
    return Call(attempts.show(claimed(), its_rules, ANNA, at(0.0)))


def dialed(**rules: object) -> Call:
    """Dialed at 1 s."""
    its_rules = CallRules(**rules)  # type: ignore[arg-type]
    call = Call(attempts.claim(claimed(), its_rules, at(0.0)))
    call.take(1.0, e.Go("+79161234567"))
    return call


def ringing(**rules: object) -> Call:
    """Rings from 2 s."""
    call = dialed(**rules)
    call.take(2.0, e.Created(), e.Progressed(early_media=False))
    return call


def waiting(**rules: object) -> Call:
    """Answered at 10.0 s, ready to be bridged at 10.02 s."""
    call = ringing(**rules)
    call.take(10.0, e.Answered())
    call.take(10.02, e.Ready())
    return call


def offered(**rules: object) -> Call:
    """Offered to Anna at 10.1 s."""
    call = waiting(**rules)
    call.take(10.1, paired())
    return call


def talking(**rules: object) -> Call:
    """Talks with Anna from 10.2 s."""
    call = offered(**rules)
    call.take(10.2, e.Bridged(ANNA, CALL))
    return call


@dataclass
class Desk:
    """Drives one operator and keeps all that he caused."""

    value: Operator = field(default_factory=lambda: operators.enrol(ANNA, at(0.0)))
    ordered: list[Effect] = field(default_factory=list)

    def take(self, seconds: float, *events: Event) -> Sequence[Effect]:
        before = len(self.ordered)
        for event in events:
            self.value, effects = operators.step(self.value, event, at(seconds))
            self.ordered.extend(effects)
        return self.ordered[before:]

    def all(self, kind: type[K]) -> list[K]:
        return [one for one in self.ordered if isinstance(one, kind)]

    @property
    def state(self) -> Any:
        return self.value.state

    @property
    def deadline_s(self) -> Any:
        due_s = self.value.deadline_at
        return None if due_s is None else round(due_s - 1000.0, 6)


def ready_desk() -> Desk:
    """Logged in, in park from 2 s."""
    desk = Desk()
    desk.take(1.0, e.LoginAsked(ANNAS))
    desk.take(2.0, e.LegUp(ANNAS))
    return desk


def offered_desk() -> Desk:
    """Offered a call at 10 s, wrap-up 20 s."""
    desk = ready_desk()
    desk.take(10.0, paired())
    return desk


def talking_desk() -> Desk:
    """Talks from 10.1 s."""
    desk = offered_desk()
    desk.take(10.1, e.Bridged(ANNA, CALL))
    return desk
