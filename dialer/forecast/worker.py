"""One process of a forecast: a question on standard input, courses on standard output."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable

from dialer.forecast.course import course
from dialer.forecast.runs import Work

#: Progress is told each so many parts of a shift.
_PARTS = 50


def main() -> None:
    out = sys.stdout.buffer
    work = pickle.load(sys.stdin.buffer)
    if not isinstance(work, Work):
        sys.exit("no question on standard input")
    for seed in work.seeds:
        done = course(work.question, seed, _telling(seed, work.question.lasts_s))
        pickle.dump((seed, done), out)
        out.flush()


def _telling(seed: int, lasts_s: float) -> Callable[[float], None]:
    told = -1

    def tell(now_s: float) -> None:
        nonlocal told
        part = int(_PARTS * now_s / lasts_s)
        if part != told:
            told = part
            pickle.dump((seed, part / _PARTS), sys.stdout.buffer)
            sys.stdout.buffer.flush()

    return tell


if __name__ == "__main__":
    main()
