"""`make test`: format, lint, types, walls and every test.

The tests run as three processes, of which one reckons and the others mostly wait for servers
and daemons; the static checks run beside them. What is not shown as it happens is told at the
end. Everything is run even if something fails, and what failed is said again.

Arguments are pytest's: then one process runs just what they ask for.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

CHECKS = (
    ("format", ["ruff", "format", "--check", "."]),
    ("lint", ["ruff", "check", "."]),
    ("types", ["mypy", "dialer", "tests", "benchmarks"]),
    ("walls", ["lint-imports"]),
)


#: What reckons, and what mostly waits.
PARTS = (
    ("rules and rooms", ["tests/core", "tests/rooms"]),
    ("stores and engine", ["tests/contract", "tests/engine", "tests/cli", "tests/switch"]),
    ("whole daemons", ["tests/system"]),
)


def start_tests(words: list[str], told: IO[bytes] | None) -> subprocess.Popen[bytes]:
    """`told`: the file that keeps what it says; None: the terminal."""
    return subprocess.Popen(
        [str(BIN / "python"), "-m", "pytest", *words],
        cwd=ROOT,
        stdout=told,
        stderr=None if told is None else subprocess.STDOUT,
    )


def run_tests(asked: list[str]) -> Iterator[str]:
    """Starts at once; when asked, waits, tells, and yields the names of what failed."""
    if asked:
        only = start_tests(asked, None)
        yield ""
        if only.wait():
            yield "tests"
        return
    (first, seen), *others = PARTS
    with ExitStack() as kept:
        # Folders of their own: else each clears away old ones while another looks at them.
        folder = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="dialer-tests-")))
        shown = start_tests([*seen, f"--basetemp={folder / 'shown'}"], None)
        quiet = []
        for place, (name, words) in enumerate(others):
            told = kept.enter_context(tempfile.TemporaryFile())
            # One of them keeps pytest's notes of the last failures: else all write one file.
            own = ["-p", "no:cacheprovider", f"--basetemp={folder / str(place)}"]
            quiet.append((name, told, start_tests([*words, *own], told)))
        yield ""
        if shown.wait():
            yield first
        for name, told, tests in quiet:
            failed = tests.wait()
            told.seek(0)
            print(told.read().decode(errors="replace"), flush=True)
            if failed:
                yield name


def start(words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [str(BIN / words[0]), *words[1:]],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def main() -> int:
    """0 if everything is as it should be."""
    began_at = time.monotonic()
    failed = []
    tests = run_tests(sys.argv[1:])
    next(tests)
    for name, words in CHECKS:
        check = start(words)
        said, _ = check.communicate()
        if check.returncode:
            failed.append(name)
            print(f"\n== {name} failed\n{said.decode(errors='replace')}", flush=True)
    failed += tests
    took_s = time.monotonic() - began_at
    width = shutil.get_terminal_size().columns
    print("=" * min(width, 96))
    if failed:
        print(f"failed: {', '.join(failed)} ({took_s:.0f} s)")
        return 1
    print(f"format, lint, types, walls and tests are fine ({took_s:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
