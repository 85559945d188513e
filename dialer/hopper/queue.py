"""The hopper on Redis: queues by rank, leases, the numbers' counts. Implements `ports.Hopper`.

A claim whose reply was lost may have run. Its attempts are then revoked before the next claim
or renewal: a mark forbids the claim to run late, and what it took is given back. So a lease is
either known to the daemon that holds it, or it ends.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, TypeVar, cast

import redis
import structlog

from dialer.core.model import (
    AttemptId,
    CampaignName,
    Claimed,
    Entry,
    InstanceName,
    Moment,
    NumberId,
    OpenAttempt,
    PhoneId,
)
from dialer.core.numbers.choice import route
from dialer.errors import Bug, StoreError
from dialer.hopper.client import STORE, translated
from dialer.hopper.keys import Keys
from dialer.hopper.packing import (
    claimed_of,
    pack_entry,
    packed_phone,
    unpack_entry,
    unpack_lease,
)
from dialer.hopper.scripts import Scripts
from dialer.hopper.words import claim_words, rebuild_words, release_words
from dialer.ports import ClaimAnswer, ClaimRequest, Shown

log = structlog.get_logger(__name__)

OFFER_BATCH = 500
RELEASE_BATCH = 200
CLEAR_BATCH = 1000
#: So long no late claim may run after it was revoked.
REVOKED_S = 3600

#: A holder who has been dead so long is dropped; its leases are expired all the same.
FORGOTTEN_S = 86_400

T = TypeVar("T")


class RedisHopper:
    """One daemon's (one process life's) hand on the hopper; safe to use from many greenlets."""

    def __init__(self, client: redis.Redis, keys: Keys | None = None) -> None:
        self._client = client
        self._keys = keys or Keys()
        self._scripts = Scripts(client)
        self._life = secrets.token_hex(6)
        self._epoch = ""
        self._unsure: deque[ClaimRequest] = deque()

    # ------------------------------------------------------------------ loss and rebuild

    def epoch(self) -> str:
        with translated():
            found = self._client.get(self._keys.epoch)
        self._epoch = _text(found) if found is not None else ""
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
        """Put counts, leases and the epoch back, unless somebody was faster: then adopt his."""
        keys, args = rebuild_words(
            self._keys,
            charges,
            open_attempts,
            epoch=epoch,
            deadline_s=now.wall.timestamp() + lease_s,
        )
        with translated():
            stands = self._scripts.rebuild(keys=keys, args=args)
        self._epoch = stands.decode()
        log.info("hopper rebuilt", first=self._epoch == epoch, leases=len(open_attempts))

    # ------------------------------------------------------------------ queues

    def offer(self, campaign: CampaignName, entries: Sequence[Entry]) -> int:
        keys = self._keys
        queued = 0
        for batch in _batches(entries, OFFER_BATCH):
            args: list[Any] = [campaign]
            for entry in batch:
                args += (entry.contact_id, entry.phone_id, entry.rank, pack_entry(entry))
            with translated():
                queued += self._scripts.offer(
                    keys=[
                        *(keys.queue(campaign), keys.entries(campaign)),
                        *(keys.phones, keys.contacts, keys.campaigns),
                    ],
                    args=args,
                )
        return queued

    def size(self, campaign: CampaignName) -> int:
        with translated():
            return int(self._client.zcard(self._keys.queue(campaign)))

    def head(self, campaign: CampaignName, count: int) -> Sequence[Entry]:
        if count <= 0:
            return ()
        with translated():
            contacts = self._client.zrange(self._keys.queue(campaign), 0, count - 1)
            if not contacts:
                return ()
            packed = self._client.hmget(self._keys.entries(campaign), cast("Any", contacts))
        # A claim may come between the two commands: what it took is missing.
        return tuple(unpack_entry(cast("bytes", one)) for one in packed if one is not None)

    def void(self, phones: Sequence[PhoneId]) -> None:
        """Looks through all entries (the hopper is bounded; stops are rare), in small steps."""
        wanted = set(phones)
        with translated():
            for name in self._client.smembers(self._keys.campaigns):
                self._void(CampaignName(_text(name)), wanted)

    def _void(self, campaign: CampaignName, phones: set[PhoneId]) -> None:
        queue, entries = self._keys.queue(campaign), self._keys.entries(campaign)
        found = (
            part
            for contact, packed in self._client.hscan_iter(entries, count=500)
            if (phone := packed_phone(packed)) in phones
            for part in (contact, phone)
        )
        for batch in _batches(found, 2 * OFFER_BATCH):
            self._scripts.void(keys=[queue, entries], args=batch)

    def clear(self, campaign: CampaignName) -> None:
        keys = [self._keys.queue(campaign), self._keys.entries(campaign)]
        with translated():
            while self._scripts.clear(keys=keys, args=[CLEAR_BATCH]):
                pass
            self._client.srem(self._keys.campaigns, campaign)

    # ------------------------------------------------------------------ claims

    def claim(self, request: ClaimRequest) -> ClaimAnswer:
        if request.count > len(request.attempt_ids):
            raise Bug(f"claim of {request.count} with {len(request.attempt_ids)} attempt ids")
        if request.count <= 0:
            return ClaimAnswer(claimed=(), held_back={})
        self._revoke_unsure()
        if not self._epoch and not self.epoch():
            raise self._lost()
        holder = self._holder(request.owner)
        keys, args = claim_words(self._keys, request, epoch=self._epoch, holder=holder)
        try:
            with translated():
                answer = self._scripts.claim(keys=keys, args=args)
        except BaseException:  # a Timeout or a kill too: nobody knows whether it ran
            self._unsure.append(request)
            raise
        if answer[0] == b"rebuild":
            raise self._lost()
        if answer[0] == b"revoked":
            raise Bug(f"attempt ids were used again: {request.attempt_ids[0]}")
        return self._claim_answer(request, answer)

    def _lost(self) -> StoreError:
        self._epoch = ""
        return StoreError(STORE, "it has lost its data or was rebuilt", "a rebuild is needed")

    def _claim_answer(self, request: ClaimRequest, answer: list[Any]) -> ClaimAnswer:
        _, closed, passed_over, numbers, *taken = answer
        claimed = []
        for i, attempt in zip(range(0, len(taken), 2), request.attempt_ids, strict=False):
            shown: Shown = request.shown[taken[i] - 1]
            entry = unpack_entry(taken[i + 1])
            claimed.append(
                Claimed(
                    attempt_id=attempt,
                    entry=entry,
                    number=shown.number,
                    number_day=shown.day,
                    gateway=route(shown, entry.history.avoided_gateways),
                )
            )
        short = request.count - len(claimed)
        held_back = {
            "window_closed": closed,
            "already_being_called": passed_over,
            numbers.decode() or "hopper_empty": short,
        }
        return ClaimAnswer(
            claimed=claimed,
            held_back={reason: count for reason, count in held_back.items() if count},
        )

    def _revoke_unsure(self) -> None:
        """Undo claims of which nobody knows whether they ran, and forbid them to run later."""
        while self._unsure:
            request = self._unsure.popleft()
            keys, args = release_words(
                self._keys,
                [(attempt, request.campaign, True) for attempt in request.attempt_ids],
                {shown.day for shown in request.shown},
                requeue=True,
            )
            try:
                with translated(), self._client.pipeline(transaction=True) as steps:
                    steps.set(self._keys.revoked(request.attempt_ids[0]), 1, ex=REVOKED_S)
                    self._scripts.release(keys=keys, args=args, client=steps)
                    _, undone = steps.execute()
            except BaseException:
                self._unsure.appendleft(request)
                raise
            log.warning("claim without a reply revoked", leases=undone)

    # ------------------------------------------------------------------ leases

    def give_back(
        self, claimed: Sequence[Claimed], *, requeue: bool, owner: InstanceName
    ) -> None:
        self._release([(one, True) for one in claimed], requeue=requeue)

    def settle(
        self, claimed: Sequence[Claimed], *, number_charged: Sequence[bool], owner: InstanceName
    ) -> None:
        pairs = zip(claimed, number_charged, strict=True)
        self._release([(one, not charged) for one, charged in pairs], requeue=False)

    def _release(self, leases: Sequence[tuple[Claimed, bool]], *, requeue: bool) -> None:
        """End these; True beside one: its number gets the count back."""
        for batch in _batches(leases, RELEASE_BATCH):
            keys, args = release_words(
                self._keys,
                [(one.attempt_id, one.entry.campaign, back) for one, back in batch],
                {one.number_day for one, _ in batch},
                requeue=requeue,
            )
            with translated():
                self._scripts.release(keys=keys, args=args)

    def renew(self, owner: InstanceName, lease_s: float, now: Moment) -> None:
        """One deadline for all leases of this life, and of those that a rebuild put back."""
        self._revoke_unsure()
        deadline = now.wall.timestamp() + lease_s
        with translated(), self._client.pipeline(transaction=False) as steps:
            steps.zadd(self._keys.holders, {self._holder(owner): deadline}, gt=True)
            steps.zadd(self._keys.holders, {f"{owner}/": deadline}, xx=True, gt=True)
            steps.execute()

    def expired(self, now: Moment, limit: int) -> Sequence[Claimed]:
        """Looks through all leases (as many as there are live calls) for those of the dead."""
        keys, now_s = self._keys, now.wall.timestamp()
        with translated():
            found = [
                (AttemptId(attempt.decode()), unpack_lease(packed))
                for attempt, packed in self._client.hscan_iter(keys.leases, count=500)
            ]
            # After the leases: whoever made one of them stands here already.
            alive = self._client.zrangebyscore(keys.holders, f"({now_s!r}", "+inf")
            self._client.zremrangebyscore(keys.holders, "-inf", now_s - FORGOTTEN_S)
            names = {_text(cast("bytes", holder)) for holder in alive}
            dead = [pair for pair in found if pair[1].holder not in names][:limit]
            with self._client.pipeline(transaction=False) as steps:
                for _, lease in dead:
                    steps.hget(keys.entries(lease.campaign), str(lease.contact_id))
                entries = steps.execute()
        return [claimed_of(*pair, entry) for pair, entry in zip(dead, entries, strict=True)]

    def count(self, number: NumberId, day: date, calls: int) -> None:
        """A call that no claim made (a test call), or one that is given back.

        While the counts are gone nothing is added: the rebuild reads them from the ledger.
        """
        if self.epoch():
            with translated():
                self._client.hincrby(self._keys.day(day), number, calls)

    def used(self, numbers: Sequence[tuple[NumberId, date]]) -> Sequence[int]:
        if not numbers:
            return ()
        with translated(), self._client.pipeline(transaction=False) as steps:
            for number, day in numbers:
                steps.hget(self._keys.day(day), number)
            return [int(count or 0) for count in steps.execute()]

    def _holder(self, owner: InstanceName) -> str:
        if "|" in owner or "/" in owner:
            raise Bug(f"an instance's name may not hold | or /: {owner!r}")
        return f"{owner}/{self._life}"


def _text(value: bytes | str) -> str:
    """redis-py's types allow for both; our client gives bytes."""
    return value.decode() if isinstance(value, bytes) else value


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch
