"""One daemon for each name: whoever comes second waits, shows it, and takes over.

Two of one name would take each other's calls for strays of an earlier life and hang them up.
The name is a lock in the ledger that ends with its holder (decisions/0012). A holder that finds
its name with another ends itself: the other has adopted its calls.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
import structlog
from gevent.event import Event as Signal

from dialer.core.model import InstanceName
from dialer.core.permission.reasons import Reason
from dialer.engine.gate import Gate
from dialer.engine.supervision import Notifier
from dialer.errors import NameTaken, StoreError
from dialer.ports import Ledger

log = structlog.get_logger(__name__)

EVERY_S = 1.0
#: After the ledger was away its old holder asks first: he looks each second.
AFTER_LOSS_S = 10.0


class Name:
    """`wait` before anything is begun, `run` as long as the daemon lives."""

    def __init__(
        self, instance: InstanceName, ledger: Ledger, gate: Gate, notifier: Notifier
    ) -> None:
        self._instance = instance
        self._ledger = ledger
        self._gate = gate
        self._notifier = notifier
        self.ours = False

    def wait(self, stopping: Signal, show: Callable[[], None]) -> bool:
        """Until the name is ours, or False: we are to stop. `show` publishes that we wait."""
        while (other := self._other()) and not stopping.is_set():
            self._gate.shut(Reason.NAME_TAKEN, self._remedy(other))
            self._notifier.ready("waiting: another daemon has this name")
            self._notifier.alive()
            show()
            stopping.wait(EVERY_S)
        self._gate.open(Reason.NAME_TAKEN)
        self.ours = other is None
        return self.ours

    def _other(self) -> str | None:
        """Who has it; a ledger that is away is asked again later."""
        while True:
            try:
                return self._ledger.hold_name(self._instance)
            except StoreError as error:
                log.warning("the ledger does not say whose name it is", error=str(error))
                gevent.sleep(AFTER_LOSS_S)

    def run(self) -> None:
        while True:
            gevent.sleep(EVERY_S)
            self.check()

    def check(self) -> None:
        """Raises NameTaken. A ledger that is away is the store watch's business."""
        try:
            other = self._ledger.hold_name(self._instance)
        except StoreError:
            return
        self.ours = other is None
        if other is not None:
            raise NameTaken(self._remedy(other))

    def _remedy(self, other: str) -> str:
        return (
            f"the name {self._instance} is held by another daemon ({other}): stop one of the"
            " two, or give each a `name:` of its own"
        )
