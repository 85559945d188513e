"""What processes, and the whole machine, kept busy (from /proc), in shares of one core."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
MACHINE = "machine"


class Load:
    """Adds up what `pids` (name -> process) and the machine took while it was `taken`."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self.busy_s = dict.fromkeys((*pids, MACHINE), 0.0)
        self.lasted_s = 0.0

    @contextmanager
    def taken(self) -> Iterator[None]:
        before, begun_s = self._now(), time.monotonic()
        yield
        self.lasted_s += time.monotonic() - begun_s
        for name, seconds in self._now().items():
            self.busy_s[name] += seconds - before[name]

    def _now(self) -> dict[str, float]:
        return {name: _of_process(pid) for name, pid in self._pids.items()} | {
            MACHINE: _of_machine()
        }


def shares(load: Load) -> dict[str, float]:
    return {name: round(busy / load.lasted_s, 2) for name, busy in load.busy_s.items()}


def _of_process(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S  # utime, stime: proc(5)


def _of_machine() -> float:
    """All but idle and iowait, of all cores."""
    ticks = [int(one) for one in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / TICKS_PER_S
