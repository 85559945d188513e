"""Recordings whose time is over go: hourly by the daemon, or by `dialer recordings prune`.

The file goes first, then its row says so: whatever happens in between, the next run finds the
row again, and a file that is gone already is no error.
"""

from __future__ import annotations

import structlog

from dialer.core.model import InstanceName, RecordingPlace
from dialer.ports import Clock, Ledger, Recordings

log = structlog.get_logger(__name__)

AT_ONCE = 200


def prune(
    ledger: Ledger,
    files: Recordings,
    place: RecordingPlace,
    clock: Clock,
    *,
    instance: InstanceName,
    by: str = "retention",
) -> int:
    """Delete what is due: the file first, then its row says so. How many went."""
    total = 0
    while True:
        now = clock.now().wall
        due = ledger.due_recordings(instance, now, AT_ONCE)
        gone = []
        for one in due:
            why = files.delete(place, one.path) if one.path else None
            if why is None:
                gone.append(one.attempt)
            else:
                log.warning("recording cannot be deleted", attempt=one.attempt, why=why)
        total += ledger.recordings_deleted(gone, by=by, now=now) if gone else 0
        if len(due) < AT_ONCE or not gone:
            break
    if total:
        log.info("recordings deleted", recordings=total, by=by)
    return total
