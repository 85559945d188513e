"""Recording of talks: begun after the bridge, never raced with a hang-up, accounted for.

The row is written before the switch is asked, so that no file is ever without one. What the
file came to (size, checksum, length) is read when the switch says that it has ended, or when
its call has been over for a while. One greenlet writes; `start` and `mask` are errands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from gevent.event import Event as Signal

from dialer.core.calls.attempts import Attempt, AttemptState
from dialer.core.calls.effects import StartRecording
from dialer.core.model import (
    AttemptId,
    Campaign,
    InstanceName,
    LegId,
    RecordingPlace,
    WhenFull,
)
from dialer.engine.calls import Calls
from dialer.engine.retention import prune
from dialer.engine.sealing import Sealing, key_of
from dialer.errors import CommandRefused, StoreError
from dialer.ports import (
    Clock,
    Ledger,
    Meter,
    RecordedFile,
    Recording,
    Recordings,
    Switch,
    SwitchEvent,
)

log = structlog.get_logger(__name__)

#: The folder is looked at so often; added up (every file of it) much more seldom.
LOOK_S, MEASURE_S = 2.0, 60.0
#: A call that has been over for so long without RECORD_STOP: its file is read all the same.
UNTOLD_S = 5.0
#: After files that did not come the switch is believed to be unable to write for so long.
DOUBT_S = 60.0
#: Files that did not come, one after the other, until it is.
MISSING_IN_A_ROW = 3
RETRY_S = 1.0
#: A talk of less may end before its recording begins.
TALK_S = 1.0
#: How long a hang-up waits for a recording that is being begun (freeswitch.md 3.5).
PATIENCE_S = 2.0
#: An erased person's file whose deletion could not be told goes then.
PRUNE_S = 3_600.0


@dataclass(frozen=True, slots=True)
class _Ended:
    """Over: `what` is where its file lies, or the sentence that says why there is none."""

    attempt: AttemptId
    what: tuple[RecordingPlace, str] | str


@dataclass(frozen=True, slots=True)
class _Masked:
    attempt: AttemptId
    masked: bool
    by: str


class Recorder:
    """Owns all recordings of this daemon. `place` None: nothing can be recorded."""

    def __init__(
        self,
        calls: Calls,
        switch: Switch,
        ledger: Ledger,
        files: Recordings | None,
        clock: Clock,
        meter: Meter,
        *,
        instance: InstanceName,
        place: RecordingPlace | None,
    ) -> None:
        self._calls = calls
        self._switch = switch
        self._ledger = ledger
        self._files = files
        self._clock = clock
        self._meter = meter
        self._instance = instance
        self._place = place
        self._sealing = Sealing(ledger, files, clock, meter, instance=instance)
        self._live: dict[AttemptId, tuple[RecordingPlace, str]] = {}
        self._over_since: dict[AttemptId, float] = {}
        self._starting: dict[AttemptId, Signal] = {}
        self._items: deque[Recording | _Ended | _Masked] = deque()
        self._signal = Signal()
        self._folder_trouble: str | None = None
        self._missing = 0
        self._doubt_until_s = 0.0
        self._free_bytes = self._used_bytes = 0
        self._measured_at_s = -MEASURE_S
        self._looked_at_s = -LOOK_S
        self._pruned_at_s: float | None = None

    def configure(self, place: RecordingPlace | None) -> None:
        """After a reload; what is being recorded stays where it is."""
        self._place = place
        self._looked_at_s = self._measured_at_s = -MEASURE_S
        self._sealing.begin()  # perhaps with another first key
        self._signal.set()

    # ------------------------------------------------------------------ what holds it back

    @property
    def trouble(self) -> str | None:
        """Why nothing can be recorded now, with the remedy; None: all is well."""
        if self._place is None:
            return None
        if self._folder_trouble is not None:
            return self._folder_trouble
        if self._clock.now().mono_s < self._doubt_until_s:
            return (
                f"{self._place.folder}: the switch says that it records and no file comes:"
                " is it the same folder there, and may its user write in it?"
            )
        return None

    def stops(self, campaign: Campaign) -> bool:
        """By its own rule it does not dial while its talks cannot be recorded."""
        return (
            campaign.record
            and campaign.when_full is WhenFull.STOP_DIALING
            and self.trouble is not None
        )

    def status(self) -> Mapping[str, Any] | None:
        """None where nothing is configured."""
        if self._place is None:
            return None
        return {
            "folder": self._place.folder,
            "free_bytes": self._free_bytes,
            "used_bytes": self._used_bytes,
            "recording": len(self._live),
            "trouble": self.trouble,
            "unsealed": self._sealing.trouble,
        }

    # ------------------------------------------------------------------ a talk begins

    def start(self, effect: StartRecording) -> None:
        """An errand. Raises LinkDown: whether it records is found out at the end."""
        attempt = self._calls.attempts.get(effect.attempt)
        if attempt is None or attempt.killed is not None or effect.attempt in self._live:
            return  # over already, on its way out, or adopted with its recording
        campaign = self._calls.campaigns[attempt.claimed.entry.campaign]
        place, why = self._place, self.trouble
        if place is None or why is not None:
            self._not_recorded(attempt, campaign, why or "no folder is configured", "no_room")
            return
        path = f"{attempt.claimed.number_day.isoformat()}/{effect.attempt}.wav"
        begun = self._starting.setdefault(effect.attempt, Signal())
        try:
            self._begin(attempt, campaign, place, path)
        finally:
            self._starting.pop(effect.attempt, None)
            begun.set()

    def _begin(
        self, attempt: Attempt, campaign: Campaign, place: RecordingPlace, path: str
    ) -> None:
        key = attempt.claimed.attempt_id
        legs = [LegId(key), *([attempt.operator_leg] if attempt.operator_leg else [])]
        if campaign.announce is not None:
            try:
                self._switch.announce(legs, campaign.announce)
            except CommandRefused as error:
                why = f"it could not be announced: {error.reply.strip()}"
                self._not_recorded(attempt, campaign, why, "announcement")
                return
        self._put(self._row(attempt, campaign, path, None))
        self._live[key] = (place, path)
        try:
            self._switch.record(LegId(key), f"{place.folder}/{path}")
        except CommandRefused as error:
            # Most often he has hung up in that very moment: no zombie, no file.
            del self._live[key]
            self._count_failure("refused")
            self._put(_Ended(key, f"the switch refused it: {error.reply.strip()}"))
            log.warning("recording refused", attempt=key, reply=error.reply)

    def _not_recorded(self, attempt: Attempt, campaign: Campaign, why: str, kind: str) -> None:
        """The campaign's rule is to go on without: the books say so for each talk."""
        self._count_failure(kind)
        self._put(self._row(attempt, campaign, "", why))
        log.warning("talk is not recorded", attempt=attempt.claimed.attempt_id, why=why)

    def _row(
        self, attempt: Attempt, campaign: Campaign, path: str, failure: str | None
    ) -> Recording:
        now = self._clock.now().wall
        return Recording(
            attempt=attempt.claimed.attempt_id,
            campaign=campaign.name,
            contact=attempt.claimed.entry.contact_id,
            operator=attempt.operator,
            instance=self._instance,
            path=path,
            at=now,
            keep_until=now + timedelta(seconds=campaign.keep_recordings_s),
            announced=campaign.announce if failure is None else None,
            failure=failure,
        )

    def await_start(self, attempt: AttemptId | None) -> None:
        """For who hangs up: uuid_record and uuid_kill at once leave a leg that never ends."""
        begun = None if attempt is None else self._starting.get(attempt)
        if begun is not None:
            begun.wait(PATIENCE_S)

    # ------------------------------------------------------------------ masks

    def mask(self, attempt: AttemptId, *, masked: bool, by: str) -> str | None:
        """None: done; else why not. Raises LinkDown."""
        known, found = self._live.get(attempt), self._calls.attempts.get(attempt)
        if known is None or found is None or found.state is not AttemptState.TALKING:
            return "this talk is not being recorded"
        place, path = known
        try:
            self._switch.mask(LegId(attempt), f"{place.folder}/{path}", masked=masked)
        except CommandRefused as error:
            return f"the switch refused it: {error.reply.strip()}"
        self._put(_Masked(attempt, masked, by))
        return None

    # ------------------------------------------------------------------ told by the switch

    def told(self, event: SwitchEvent) -> None:
        """From the reader of the event socket: cheap."""
        attempt = AttemptId(str(event.leg))
        if event.kind == "record_started" and attempt in self._live:
            found = self._calls.find_attempt(attempt)
            if found is not None:
                campaign = found.claimed.entry.campaign
                self._meter.count("dialer_recordings_started_total", campaign=campaign)
        elif event.kind == "record_stopped":
            self._over(attempt)

    def _over(self, attempt: AttemptId) -> None:
        known = self._live.pop(attempt, None)
        self._over_since.pop(attempt, None)
        if known is not None:
            self._put(_Ended(attempt, known))

    # ------------------------------------------------------------------ the greenlet

    def adopt(self) -> None:
        """At the start: recordings of an earlier life go on on their legs, or have ended."""
        found = self._ledger.open_recordings(self._instance)
        if self._place is not None:
            self._live.update({attempt: (self._place, path) for attempt, path in found})
        self.look()

    def run(self) -> None:
        while True:
            self._signal.wait(LOOK_S)
            self._signal.clear()
            try:
                self.work()
            except StoreError as error:
                self._meter.count("dialer_store_errors_total", store=error.store)
                log.warning("recordings wait for the ledger", error=str(error))
                self._signal.wait(RETRY_S)

    def work(self) -> None:
        """Raises StoreError; what is not written yet stays in front."""
        self.look()
        while self._items:
            self._write(self._items[0])
            self._items.popleft()
        self._prune_when_due()
        if self._sealing.turn(self._place):
            self._signal.set()

    def _put(self, item: Recording | _Ended | _Masked) -> None:
        self._items.append(item)
        self._signal.set()

    def _write(self, item: Recording | _Ended | _Masked) -> None:
        now = self._clock.now().wall
        match item:
            case Recording():
                self._ledger.save_recording(item)
            case _Masked():
                self._ledger.mask_recording(
                    item.attempt, masked=item.masked, by=item.by, now=now
                )
            case _Ended():
                self._ledger.finish_recording(item.attempt, self._file_of(item), now)

    def _was_a_talk(self, key: AttemptId) -> bool:
        """Who hangs up at once is gone before the switch begins: no file, and no trouble."""
        attempt = self._calls.find_attempt(key)
        if attempt is None or attempt.bridged_at is None or attempt.ended_at is None:
            return True
        return attempt.ended_at.mono_s - attempt.bridged_at.mono_s >= TALK_S

    def _file_of(self, item: _Ended) -> RecordedFile | str:
        if isinstance(item.what, str) or self._files is None:
            return str(item.what)
        place, path = item.what
        key = key_of(self._ledger, self._files, place, item.attempt, path)
        found = self._files.finish(place, path, key)
        if isinstance(found, RecordedFile):
            self._missing = 0
            if found.unsealed is not None:
                self._sealing.note_failure(item.attempt, found.unsealed)
            self._meter.count("dialer_recorded_bytes_total", found.size_bytes)
            return found
        if not self._was_a_talk(item.attempt):
            return found
        self._count_failure("missing")
        self._missing += 1
        if self._missing >= MISSING_IN_A_ROW:
            self._doubt_until_s = self._clock.now().mono_s + DOUBT_S
        log.warning("recording is missing", attempt=item.attempt, why=found)
        return found

    # ------------------------------------------------------------------ looks

    def look(self) -> None:
        """The folder, and calls that are over without a word about their recording."""
        now_s = self._clock.now().mono_s
        if now_s - self._looked_at_s >= LOOK_S:
            self._looked_at_s = now_s
            self._look_at_folder(now_s)
        for attempt in [key for key in self._live if key not in self._calls.attempts]:
            since_s = self._over_since.setdefault(attempt, now_s)
            if now_s - since_s >= UNTOLD_S:
                self._over(attempt)

    def _look_at_folder(self, now_s: float) -> None:
        if self._place is None or self._files is None:
            return
        measure = now_s - self._measured_at_s >= MEASURE_S
        found = self._files.check(self._place, measure=measure)
        if measure:
            self._measured_at_s = now_s
        elif found.trouble is None and self._over_quota():
            found = found._replace(trouble=self._folder_trouble)
        if found.used_bytes is not None:
            self._used_bytes = found.used_bytes
        self._free_bytes = found.free_bytes
        if (found.trouble is None) is not (self._folder_trouble is None):
            log.warning("recordings", trouble=found.trouble or "none any more")
        self._folder_trouble = found.trouble
        self._meter.gauge("dialer_recordings_free_bytes", found.free_bytes)
        self._meter.gauge("dialer_recordings_used_bytes", self._used_bytes)
        self._meter.gauge("dialer_recordings_trouble", float(self.trouble is not None))

    def _over_quota(self) -> bool:
        """As far as the last measurement goes: it holds until the next one."""
        quota = self._place.quota_bytes if self._place else None
        return quota is not None and self._used_bytes > quota

    def _count_failure(self, why: str) -> None:
        self._meter.count("dialer_recordings_failed_total", why=why)

    # ------------------------------------------------------------------ retention

    def _prune_when_due(self) -> None:
        """Hourly, the first time at the start."""
        now_s = self._clock.now().mono_s
        if self._pruned_at_s is None or now_s - self._pruned_at_s >= PRUNE_S:
            self._pruned_at_s = now_s
            self.prune()

    def prune(self) -> int:
        """Files whose time is over, and those of erased people; how many went."""
        if self._place is None or self._files is None:
            return 0
        count = prune(
            self._ledger, self._files, self._place, self._clock, instance=self._instance
        )
        self._meter.count("dialer_recordings_deleted_total", count)
        return count
