"""A stop that is in the ledger takes effect at once: queues void, calls being set up cancelled.

For whatever process took the stop (command line, API). From the ledger's commit on no intent
for the phone is committed; what was committed before is an open attempt with its daemon's name.
That daemon is told, and answers when the call is over. One that does not answer in time leaves
a call that may ring so long as the switch lets it: the caller says until when (R6.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from dialer.core.model import InstanceName, PhoneId
from dialer.errors import StoreError
from dialer.ports import Clock, Command, Hopper, Ledger, OpenCall, Presence

VERB = "stop_phones"
#: A daemon that has not confirmed by then is not waited for.
CONFIRM_S = 2.0
#: From the intent to the switch, and from the end of ringing to the channel's end.
GRACE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforced:
    """What became of the calls. `cancelled`: over before this answer. `may_ring_until`: the
    latest of those that nobody confirmed to be over; None = none is left. `unsure`: what kept
    the daemons from being told.
    """

    cancelled: int = 0
    not_confirmed: int = 0
    may_ring_until: datetime | None = None
    unsure: str = ""

    @property
    def sentence(self) -> str:
        """For a person, behind "in force"."""
        if self.may_ring_until is not None:
            calls = "one call" if self.not_confirmed == 1 else f"{self.not_confirmed} calls"
            local = self.may_ring_until.astimezone()
            return f"{calls} may ring until {local:%H:%M:%S}"
        if self.cancelled:
            return f"{self.cancelled} call{'s' if self.cancelled > 1 else ''} cancelled"
        return "no call was being set up"


def stop_everywhere(
    ledger: Ledger,
    hopper: Hopper,
    presence: Presence,
    clock: Clock,
    phones: Sequence[PhoneId],
    *,
    confirm_s: float = CONFIRM_S,
) -> Enforced:
    """After the stop is committed. Raises StoreError only where the ledger fails."""
    calls = ledger.open_calls(phones)
    unsure = ""
    confirmed: dict[InstanceName, int] = {}
    try:
        hopper.void(phones)
        if calls:
            confirmed = _tell(presence, clock, calls, phones, confirm_s)
    except StoreError as error:  # Redis: the ledger refuses every intent all the same
        unsure = str(error)
    left = [one for one in calls if one.instance not in confirmed]
    still = {one.attempt for one in ledger.open_calls(phones)} if left else set()
    over = sum(one.attempt not in still for one in left)  # its answer was late, not its end
    left = [one for one in left if one.attempt in still]
    until = max((_rings_until(one) for one in left), default=None)
    if until is not None and until <= clock.now().wall:
        until = None
    return Enforced(
        cancelled=sum(confirmed.values()) + over,
        not_confirmed=len(left),
        may_ring_until=until,
        unsure=unsure,
    )


def _tell(
    presence: Presence,
    clock: Clock,
    calls: Sequence[OpenCall],
    phones: Sequence[PhoneId],
    confirm_s: float,
) -> dict[InstanceName, int]:
    """Daemons that confirmed that none of these rings any more -> calls cancelled."""
    deadline_s = clock.now().mono_s + confirm_s
    sent: dict[InstanceName, str] = {}
    for instance in sorted({one.instance for one in calls}):
        command = Command(id=str(uuid4()), verb=VERB, words={"phones": list(phones)})
        presence.send(instance, command)
        sent[instance] = command.id
    confirmed: dict[InstanceName, int] = {}
    for instance, command_id in sent.items():
        left_s = max(0.05, deadline_s - clock.now().mono_s)
        answer = presence.await_reply(command_id, left_s)
        if answer is not None and answer.get("ok") and not answer.get("left"):
            confirmed[instance] = int(answer.get("cancelled", 0))
    return confirmed


def _rings_until(call: OpenCall) -> datetime:
    return call.committed_at + timedelta(seconds=call.ring_timeout_s + GRACE_S)
