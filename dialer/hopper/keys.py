"""Every key in Redis. One hash tag, so that one script may span them (Redis Cluster).

    {dialer}:epoch             STRING  marker of the last rebuild; absent = it came up empty
    {dialer}:campaigns         SET     campaigns that have a queue
    {dialer}:queue:CAMPAIGN    ZSET    contact id -> rank
    {dialer}:entries:CAMPAIGN  HASH    contact id -> packed entry (`packing`), queued or leased
    {dialer}:phones            HASH    phone id -> attempt that holds it
    {dialer}:contacts          HASH    contact id -> attempt that holds it
    {dialer}:leases            HASH    attempt -> packed lease (`packing`)
    {dialer}:holders           ZSET    holder -> deadline of all its leases, epoch seconds
    {dialer}:day:DATE          HASH    number -> calls charged that day (expires after 3 days)
    {dialer}:at_once           HASH    number -> leases open now
    {dialer}:last_at           HASH    number -> when it was last shown (numbers with a gap)
    {dialer}:hours             HASH    number -> "COUNT HOUR" (numbers with an hourly limit)
    {dialer}:revoked:ATTEMPT   STRING  a claim that began with this attempt must not run now
    {dialer}:instances         SET     daemons that have told their state (`presence`)
    {dialer}:status:INSTANCE   STRING  JSON, expires
    {dialer}:operators:INSTANCE  HASH  operator -> JSON, expires
    {dialer}:commands:INSTANCE   LIST  JSON, newest first, expires
    {dialer}:reply:ID            LIST  one JSON, expires

A holder is one life of a daemon ("INSTANCE/token"): a restarted daemon does not prolong what
its former life held. Leases put back by a rebuild are held by "INSTANCE/", whatever its life.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dialer.core.model import AttemptId, CampaignName, InstanceName


@dataclass(frozen=True, slots=True)
class Keys:
    """All names, under one `namespace` (two installations may share a server)."""

    namespace: str = "dialer"

    def _name(self, tail: str) -> str:
        return f"{{{self.namespace}}}:{tail}"

    @property
    def epoch(self) -> str:
        return self._name("epoch")

    @property
    def campaigns(self) -> str:
        return self._name("campaigns")

    @property
    def phones(self) -> str:
        return self._name("phones")

    @property
    def contacts(self) -> str:
        return self._name("contacts")

    @property
    def leases(self) -> str:
        return self._name("leases")

    @property
    def holders(self) -> str:
        return self._name("holders")

    @property
    def at_once(self) -> str:
        return self._name("at_once")

    @property
    def last_at(self) -> str:
        return self._name("last_at")

    @property
    def hours(self) -> str:
        return self._name("hours")

    @property
    def instances(self) -> str:
        return self._name("instances")

    def queue(self, campaign: CampaignName) -> str:
        return self._name(f"queue:{campaign}")

    def entries(self, campaign: CampaignName) -> str:
        return self._name(f"entries:{campaign}")

    def day(self, day: date) -> str:
        return self._name(f"day:{day.isoformat()}")

    def revoked(self, attempt: AttemptId) -> str:
        return self._name(f"revoked:{attempt}")

    def status(self, instance: InstanceName) -> str:
        return self._name(f"status:{instance}")

    def operators(self, instance: InstanceName) -> str:
        return self._name(f"operators:{instance}")

    def commands(self, instance: InstanceName) -> str:
        return self._name(f"commands:{instance}")

    def reply(self, command_id: str) -> str:
        return self._name(f"reply:{command_id}")
