"""Do events flow, and does the switch answer? The difference between quiet and blind.

One stuck client freezes event delivery for everybody while `bgapi` goes on being carried out
(proofs 8): a blind dialer would go on calling people. So an own event goes round each second;
three missing, or a command without an answer for 2 s, and nothing may be originated.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

BLIND_TICKS = 3
_REMEMBERED = 64


class Pulse:
    """The ticks of one connection to the switch."""

    def __init__(self, tick_every_s: float, slow_answer_s: float) -> None:
        self._slow_answer_s = slow_answer_s
        self._blind_after_s = BLIND_TICKS * tick_every_s
        self._sent: OrderedDict[int, tuple[float, float]] = OrderedDict()
        self._number = 0
        self._seen_s: float | None = None
        self.lag_s: float | None = None  # from sending a tick to its event
        self.clock_offset_s: float | None = None  # the switch's clock minus ours (R10.7)

    def begin(self) -> None:
        """A new connection: nothing has come on it yet (the numbers go on)."""
        self._sent.clear()
        self._seen_s = None
        self.lag_s = None

    def sending(self, mono_s: float, wall_s: float) -> int:
        """The number of the tick that leaves now."""
        self._number += 1
        self._sent[self._number] = (mono_s, wall_s)
        while len(self._sent) > _REMEMBERED:
            self._sent.popitem(last=False)
        return self._number

    def seen(self, number: int, mono_s: float, made_at_s: float) -> bool:
        """A tick has come back; False for one that this connection did not send.

        The switch made it between sending and arrival; the middle of both is our best guess.
        """
        sent = self._sent.pop(number, None)
        if sent is None:
            return False
        sent_s, wall_s = sent
        self._seen_s = mono_s
        self.lag_s = mono_s - sent_s
        self.clock_offset_s = made_at_s - (wall_s + self.lag_s / 2)
        return True

    def why_blind(self, mono_s: float, oldest_wait_s: float) -> str | None:
        """None while all is well."""
        if oldest_wait_s > self._slow_answer_s:
            return "the switch does not answer commands"
        if self._seen_s is None:
            return "no event of this connection has come yet"
        if mono_s - self._seen_s > self._blind_after_s:
            return "events do not flow: another event-socket client may be stuck"
        # After a freeze the delayed events come first, up to minutes old: not yet the present.
        if self.lag_s is not None and self.lag_s > self._blind_after_s:
            return "events come late: another event-socket client may have been stuck"
        return None


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
