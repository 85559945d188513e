"""Who called back and pressed 9, as the switch kept it: global variables and a journal.

The variables (`dialer_caller_out_CALL=NUMBER`, set by config/freeswitch/dialplan/callback.xml)
live as long as the switch; the journal is a file of mod_cdr_csv and outlives it, but is only
read where it lies on the daemon's machine. Both are other people's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import structlog

from dialer.core.model import LegId
from dialer.core.numbers.forms import caller_of
from dialer.esl import commands
from dialer.ports import CallerStop

log = structlog.get_logger(__name__)

#: Of a journal that nobody empties only so much of its end is read.
MOST_BYTES = 4_000_000


def in_globals(text: str) -> Iterator[CallerStop]:
    """Lines NAME=VALUE of `global_getvar`."""
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name.startswith(commands.CALLER_OUT):
            yield from _stop(name.removeprefix(commands.CALLER_OUT), value)


def in_journal(text: str) -> Iterator[CallerStop]:
    """Lines EPOCH;CALL;CALLER;CALLED."""
    for line in text.splitlines():
        parts = line.split(";")
        if len(parts) == 4:
            yield from _stop(parts[1], parts[2])


def _stop(call: str, shown: str) -> Iterator[CallerStop]:
    if not commands.is_uuid(call):
        return
    caller = caller_of(shown.strip())
    if caller is None:
        log.warning("a caller pressed 9 and shows no number that we can call", call=call)
    yield CallerStop(call=LegId(call), caller=caller)


class Journal:
    """The file, read anew when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._trouble = ""

    def read(self) -> list[CallerStop]:
        """Empty while it is unchanged, not there or not to be read (said once)."""
        try:
            stat = self._path.stat()
            now = (stat.st_size, stat.st_mtime_ns)
            if now == self._seen:
                return []
            with self._path.open("rb") as file:
                file.seek(max(0, stat.st_size - MOST_BYTES))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return []  # nobody has pressed 9 yet
        except OSError as error:
            self._complain(error.strerror or str(error))
            return []
        self._seen, self._trouble = now, ""
        return list(in_journal(text))

    def _complain(self, why: str) -> None:
        if why != self._trouble:
            self._trouble = why
            log.warning("the journal of callers' stops cannot be read", why=why)
