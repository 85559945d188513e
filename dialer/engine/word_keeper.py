"""People's words kept beside the database, and said again where a restored one has lost them.

Before anything is dialed, and each two seconds: does the base know the journal's last mark? If
not it is older than the journal (a backup was restored, or a stand-by that lagged took over):
the gate is shut until every stop, withdrawal and erasure since then holds again. Otherwise what
was said meanwhile, by whatever daemon or verb, is copied into the journal.
"""

from __future__ import annotations

from collections.abc import Sequence

import gevent
import structlog

from dialer.core.model import Moment
from dialer.core.permission.reasons import Reason
from dialer.core.trouble import Kind, Trouble
from dialer.engine.gate import Gate
from dialer.errors import StoreError
from dialer.ports import Clock, Journal, Ledger, Mark, Meter, Word

log = structlog.get_logger(__name__)

EVERY_S = 2.0
#: Changes copied at a time.
MOST = 1_000


class WordKeeper:
    """`start` before anything is dialed; `run` is a greenlet."""

    def __init__(
        self, journal: Journal, ledger: Ledger, gate: Gate, clock: Clock, meter: Meter
    ) -> None:
        self._journal = journal
        self._ledger = ledger
        self._gate = gate
        self._clock = clock
        self._meter = meter
        self._last = Mark()
        self._left: tuple[Word, ...] = ()
        self._trouble: str | None = None
        self._said: str | None = None  # logged once, not each 2 s of an outage

    def start(self, now: Moment) -> None:
        """Raises StoreError: then nothing may be dialed."""
        self._journal.open(self._ledger.base_id())
        last = self._journal.last()
        if last is None:
            # Nothing to compare with: from here on words are kept.
            last = self._ledger.words_head()
            self._journal.append((), last, now.wall)
            log.info("the journal of people's words begins", stops=last.stop)
        self._last = last
        self.look(now)

    def run(self) -> None:
        while True:
            gevent.sleep(EVERY_S)
            try:
                self.look(self._clock.now())
            except StoreError as error:
                self._fail(error)

    def look(self, now: Moment) -> None:
        """Raises StoreError."""
        if not self._ledger.knows_mark(self._last):
            self._say_again(now)
        self._gate.open(Reason.BASE_RESTORED)
        self._copy(now)
        if self._left:
            self._left = self._ledger.replay_words(self._left, now.wall).left
        self._trouble = self._said = None

    def _say_again(self, now: Moment) -> None:
        what = "the database is older than the journal of people's words"
        self._gate.shut(Reason.BASE_RESTORED, what)
        # From here on copied again: a second restore finds them behind this mark.
        begins = self._ledger.words_head()
        nth = self._ledger.newest_known_mark(self._journal.marks())
        done = self._ledger.replay_words(self._journal.words_after(nth), now.wall)
        self._journal.append((), begins, now.wall)
        self._last, self._left = begins, done.left
        for kind in ("stops", "withdrawals", "erasures"):
            self._meter.count("dialer_words_replayed_total", getattr(done, kind), kind=kind)
        log.error(
            "the database is older than the journal: people's words were said again",
            stops=done.stops,
            withdrawals=done.withdrawals,
            erasures=done.erasures,
            waiting=len(done.left),
        )

    def _copy(self, now: Moment) -> None:
        """All that is new."""
        while True:
            words, mark = self._ledger.words_after(self._last, MOST)
            if mark == self._last:
                return
            self._journal.append(words, mark, now.wall)
            self._last = mark

    def _fail(self, error: StoreError) -> None:
        """The ledger away is the store watch's business; without a journal dialing goes on."""
        self._meter.count("dialer_store_errors_total", store=error.store)
        of_journal = error.store == "journal"
        if of_journal:
            self._trouble = str(error)
        if self._said == str(error):
            return
        self._said = str(error)
        if of_journal:
            log.error("the journal of people's words cannot be written", error=str(error))
        else:
            log.warning("people's words are not copied", error=str(error))

    def troubles(self) -> Sequence[Trouble]:
        if self._trouble is None:
            return ()
        return (Trouble(kind=Kind.JOURNAL_FAILS, subject="journal", text=self._trouble),)
