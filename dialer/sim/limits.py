"""What the switch lets through: sessions per second and at once, pauses (freeswitch.md 1.4).

`sps N` admits N-1 a second, because the count is tested after it is lowered; every attempt
spends a token, also one that fails later. A refusal here makes no event at all.
"""

from __future__ import annotations


class Limits:
    """The switch's own fuse; `sessions` at once are counted by whoever holds the channels."""

    def __init__(self, sps: int, max_sessions: int) -> None:
        self.sps = sps
        self.max_sessions = max_sessions
        self.outbound_paused = False
        self.inbound_paused = False
        self.stopping = False
        self.last_sps = 0
        self.peak_sps = 0
        self.peak_sessions = 0
        self.sessions_since_start = 0
        self._second = 0
        self._used = 0

    def admit(self, now: float, sessions: int, *, no_limits: bool) -> bool:
        """May one more session begin? `no_limits` passes the counts, but not a pause."""
        if self.outbound_paused or self.stopping:
            return False
        self._turn(now)
        if not no_limits:
            self._used += 1
            if self._used >= self.sps or sessions >= self.max_sessions:
                return False
        self.sessions_since_start += 1
        self.peak_sessions = max(self.peak_sessions, sessions + 1)
        return True

    def remaining(self, now: float) -> int:
        """Tokens left in this second, as HEARTBEAT shows them."""
        self._turn(now)
        return max(self.sps - self._used, 0)

    def last_second(self, now: float) -> int:
        self._turn(now)
        return self.last_sps

    def _turn(self, now: float) -> None:
        second = int(now)
        if second == self._second:
            return
        self.last_sps = self._used if second == self._second + 1 else 0
        self.peak_sps = max(self.peak_sps, self._used)
        self._second, self._used = second, 0
