"""The hopper in memory: the same behaviour as `queue.RedisHopper`, held by the same test suite.

For tests, the forecast, and as the readable statement of what the Lua scripts do. One process;
nothing here yields, so each verb is one step as it is on the server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from dialer.core.model import (
    AttemptId,
    CampaignName,
    Claimed,
    ContactId,
    Entry,
    InstanceName,
    Moment,
    NumberId,
    OpenAttempt,
    PhoneId,
)
from dialer.core.numbers.choice import choose, held_back, route
from dialer.core.numbers.limits import Usage
from dialer.errors import Bug, StoreError
from dialer.ports import ClaimAnswer, ClaimRequest, Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lease:
    holder: str
    hour: str
    claimed: Claimed


@dataclass(slots=True, kw_only=True)
class MemoryStore:
    """What the server would hold; several hoppers (daemons) may share one."""

    epoch: str = ""
    queues: dict[CampaignName, dict[ContactId, Entry]] = field(default_factory=dict)
    phones: dict[PhoneId, AttemptId] = field(default_factory=dict)
    contacts: dict[ContactId, AttemptId] = field(default_factory=dict)
    leases: dict[AttemptId, _Lease] = field(default_factory=dict)
    holders: dict[str, float] = field(default_factory=dict)
    days: Counter[tuple[NumberId, date]] = field(default_factory=Counter)
    at_once: Counter[NumberId] = field(default_factory=Counter)
    last_at: dict[NumberId, float] = field(default_factory=dict)
    hours: dict[NumberId, tuple[str, int]] = field(default_factory=dict)


class MemoryHopper:
    """Implements `ports.Hopper` on a `MemoryStore`."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self._life = object()
        self._epoch = ""

    # ------------------------------------------------------------------ loss and rebuild

    def lose(self) -> None:
        """What FLUSHALL does."""
        empty = MemoryStore()
        for name in MemoryStore.__slots__:
            setattr(self.store, name, getattr(empty, name))

    def epoch(self) -> str:
        self._epoch = self.store.epoch
        return self._epoch

    def rebuild(
        self,
        *,
        epoch: str,
        charges: Mapping[tuple[NumberId, date], int],
        open_attempts: Sequence[OpenAttempt],
        lease_s: float,
        now: Moment,
    ) -> None:
        store = self.store
        if not store.epoch:
            queues = store.queues
            self.lose()
            store.queues = queues
            store.days = Counter(charges)
            for one in open_attempts:
                holder = f"{one.instance}/"
                self._lease(holder, "", one.claimed)
                store.at_once[one.claimed.number] += 1
                store.holders[holder] = now.wall.timestamp() + lease_s
            store.epoch = epoch
        self._epoch = store.epoch

    # ------------------------------------------------------------------ queues

    def offer(self, campaign: CampaignName, entries: Sequence[Entry]) -> int:
        queue = self.store.queues.setdefault(campaign, {})
        free = [entry for entry in entries if not self._busy(entry)]
        queue.update((entry.contact_id, entry) for entry in free)
        return len(free)

    def size(self, campaign: CampaignName) -> int:
        return len(self.store.queues.get(campaign, ()))

    def head(self, campaign: CampaignName, count: int) -> Sequence[Entry]:
        return self._in_order(campaign)[: max(count, 0)]

    def void(self, phones: Sequence[PhoneId]) -> None:
        stopped = set(phones)
        for campaign, queue in self.store.queues.items():
            self.store.queues[campaign] = {
                contact: entry
                for contact, entry in queue.items()
                if entry.phone_id not in stopped
            }

    def clear(self, campaign: CampaignName) -> None:
        self.store.queues.pop(campaign, None)

    def _in_order(self, campaign: CampaignName) -> list[Entry]:
        queue = self.store.queues.get(campaign, {})
        return sorted(queue.values(), key=lambda entry: (entry.rank, str(entry.contact_id)))

    def _busy(self, entry: Entry) -> bool:
        return entry.phone_id in self.store.phones or entry.contact_id in self.store.contacts

    # ------------------------------------------------------------------ claims

    def claim(self, request: ClaimRequest) -> ClaimAnswer:
        if request.count > len(request.attempt_ids):
            raise Bug(f"claim of {request.count} with {len(request.attempt_ids)} attempt ids")
        if request.count <= 0:
            return ClaimAnswer(claimed=(), held_back={})
        self._epoch = self._epoch or self.store.epoch
        if not self._epoch or self._epoch != self.store.epoch:
            self._epoch = ""
            raise StoreError("redis", "it has lost its data or was rebuilt", "rebuild it")
        held: Counter[str] = Counter()
        claimed = list(self._take(request, held))
        if claimed:
            self._prolong(self._holder(request.owner), request.lease_s, request.now)
        if len(claimed) < request.count and not ({"pool_used_up", "numbers_busy"} & set(held)):
            held["hopper_empty"] = 1
        short = request.count - len(claimed)
        for reason in ("pool_used_up", "numbers_busy", "hopper_empty"):
            held[reason] *= short
        return ClaimAnswer(claimed=claimed, held_back={k: n for k, n in held.items() if n})

    def _take(self, request: ClaimRequest, held: Counter[str]) -> Iterator[Claimed]:
        """Whatever may be dialed, in order; why the rest may not is counted in `held`."""
        now_s = request.now.wall.timestamp()
        ids = iter(request.attempt_ids[: request.count])
        if self._numbers_end_it(request, now_s, held):
            return
        for entry in self._in_order(request.campaign):
            if entry.callable_until and entry.callable_until <= now_s:
                held["window_closed"] += 1
                del self.store.queues[request.campaign][entry.contact_id]
            elif self._busy(entry):
                held["already_being_called"] += 1
            else:
                i = choose(
                    request.shown,
                    self._usages(request.shown),
                    region=entry.region,
                    sticky=entry.sticky_number,
                    now_s=now_s,
                    avoided=entry.history.avoided_gateways,
                )
                if i is None:
                    self._numbers_end_it(request, now_s, held)
                    return
                attempt = next(ids)
                yield self._charge(attempt, entry, request.shown[i], request)
                if attempt == request.attempt_ids[request.count - 1]:
                    return

    def _numbers_end_it(self, request: ClaimRequest, now_s: float, held: Counter[str]) -> bool:
        why = held_back(request.shown, self._usages(request.shown), now_s)
        if why is None:
            return False
        held[why.value] = 1
        return True

    def _usages(self, shown: Sequence[Shown]) -> list[Usage]:
        store = self.store
        return [
            Usage(
                used_today=store.days[one.number, one.day],
                used_hour=self._in_hour(one.number, one.hour),
                at_once=store.at_once[one.number],
                last_at=store.last_at.get(one.number) if one.min_gap_s > 0 else None,
            )
            for one in shown
        ]

    def _in_hour(self, number: NumberId, hour: str) -> int:
        label, calls = self.store.hours.get(number, ("", 0))
        return calls if label == hour else 0

    def _charge(
        self, attempt: AttemptId, entry: Entry, shown: Shown, request: ClaimRequest
    ) -> Claimed:
        store, number = self.store, shown.number
        claimed = Claimed(
            attempt_id=attempt,
            entry=entry,
            number=number,
            number_day=shown.day,
            gateway=route(shown, entry.history.avoided_gateways),
        )
        hour = "" if shown.calls_per_hour is None else shown.hour
        del store.queues[request.campaign][entry.contact_id]
        self._lease(self._holder(request.owner), hour, claimed)
        store.days[number, shown.day] += 1
        store.at_once[number] += 1
        if shown.min_gap_s > 0:
            store.last_at[number] = request.now.wall.timestamp()
        if hour:
            store.hours[number] = (hour, self._in_hour(number, hour) + 1)
        return claimed

    # ------------------------------------------------------------------ leases

    def _lease(self, holder: str, hour: str, claimed: Claimed) -> None:
        key = claimed.attempt_id
        self.store.leases[key] = _Lease(holder=holder, hour=hour, claimed=claimed)
        self.store.phones[claimed.entry.phone_id] = key
        self.store.contacts[claimed.entry.contact_id] = key

    def give_back(
        self, claimed: Sequence[Claimed], *, requeue: bool, owner: InstanceName
    ) -> None:
        for one in claimed:
            lease = self._end(one.attempt_id, count_back=True)
            if lease is not None and requeue:
                entry = lease.claimed.entry
                self.store.queues.setdefault(entry.campaign, {})[entry.contact_id] = entry

    def settle(
        self, claimed: Sequence[Claimed], *, number_charged: Sequence[bool], owner: InstanceName
    ) -> None:
        for one, charged in zip(claimed, number_charged, strict=True):
            self._end(one.attempt_id, count_back=not charged)

    def _end(self, attempt: AttemptId, *, count_back: bool) -> _Lease | None:
        store = self.store
        lease = store.leases.pop(attempt, None)
        if lease is None:
            return None
        entry, number = lease.claimed.entry, lease.claimed.number
        if store.phones.get(entry.phone_id) == attempt:
            del store.phones[entry.phone_id]
        if store.contacts.get(entry.contact_id) == attempt:
            del store.contacts[entry.contact_id]
        store.at_once[number] = max(0, store.at_once[number] - 1)
        if count_back:
            day = (number, lease.claimed.number_day)
            store.days[day] = max(0, store.days[day] - 1)
            calls = self._in_hour(number, lease.hour)
            if lease.hour and calls:
                store.hours[number] = (lease.hour, calls - 1)
        return lease

    def renew(self, owner: InstanceName, lease_s: float, now: Moment) -> None:
        self._prolong(self._holder(owner), lease_s, now)
        if f"{owner}/" in self.store.holders:
            self._prolong(f"{owner}/", lease_s, now)

    def _prolong(self, holder: str, lease_s: float, now: Moment) -> None:
        deadline = now.wall.timestamp() + lease_s
        self.store.holders[holder] = max(deadline, self.store.holders.get(holder, 0.0))

    def expired(self, now: Moment, limit: int) -> Sequence[Claimed]:
        now_s = now.wall.timestamp()
        dead = sorted((at, one) for one, at in self.store.holders.items() if at <= now_s)
        found: list[Claimed] = []
        for _, holder in dead:
            held = [one for one in self.store.leases.values() if one.holder == holder]
            if not held:
                del self.store.holders[holder]
            held.sort(key=lambda lease: lease.claimed.attempt_id)
            found += (lease.claimed for lease in held)
        return found[:limit]

    def used(self, numbers: Sequence[tuple[NumberId, date]]) -> Sequence[int]:
        return [self.store.days[number, day] for number, day in numbers]

    def _holder(self, owner: InstanceName) -> str:
        return f"{owner}/{id(self._life):x}"
