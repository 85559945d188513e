"""A forecast: the courses of many seeds, over the machine's cores, with one progress.

Seeds are shared out among worker processes (`python -m dialer.forecast.worker`), which answer
with pickled values on their own pipe: they are started by us and read nothing but the question.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dialer.errors import DialerError
from dialer.forecast.course import Course, course
from dialer.forecast.question import Question

#: (seed, shifts done so far as a number like 0.4)
Progress = Callable[[int, float], None]


class WorkerFailed(DialerError):
    """A simulation process ended before it was done; its own words went to standard error."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """What a worker is given."""

    question: Question
    seeds: tuple[int, ...]


def courses(
    question: Question, seeds: Sequence[int], *, jobs: int, progress: Progress | None = None
) -> list[Course]:
    """In the order of the seeds, whatever the number of jobs. Raises WorkerFailed."""
    jobs = max(1, min(jobs, len(seeds)))
    if jobs == 1:
        return [course(question, seed, _part(seed, question, progress)) for seed in seeds]
    gathered: dict[int, Course] = {}
    workers = [
        _Worker(Work(question=question, seeds=tuple(seeds[job::jobs])), gathered, progress)
        for job in range(jobs)
    ]
    try:
        for worker in workers:
            worker.join()
    finally:
        for worker in workers:
            worker.end()
    return [gathered[seed] for seed in seeds]


def cores() -> int:
    """How many processes are worth starting."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _part(
    seed: int, question: Question, progress: Progress | None
) -> Callable[[float], None] | None:
    if progress is None:
        return None
    return lambda now_s: progress(seed, now_s / question.lasts_s)


class _Worker:
    """One process and the thread that reads it."""

    def __init__(
        self, work: Work, gathered: dict[int, Course], progress: Progress | None
    ) -> None:
        self._work = work
        self._gathered = gathered
        self._progress = progress
        self._process = subprocess.Popen(
            [sys.executable, "-m", "dialer.forecast.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join()
        missing = [seed for seed in self._work.seeds if seed not in self._gathered]
        if self._process.wait() != 0 or missing:
            raise WorkerFailed("a simulation process ended before it was done")

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            with self._process.stdin as to_worker:
                pickle.dump(self._work, to_worker)
            with self._process.stdout as from_worker:
                while True:
                    seed, told = pickle.load(from_worker)
                    if isinstance(told, Course):
                        self._gathered[seed] = told
                    elif self._progress is not None:
                        self._progress(seed, told)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            return  # `join` finds out whether anything is missing
