"""`make test`: format, lint, types, walls and every test. The static checks run beside the
tests.

The machine has two cores: one runs pytest, the other the checks. Everything is run even if
something fails, and what failed is said again at the end.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

CHECKS = (
    ("format", ["ruff", "format", "--check", "."]),
    ("lint", ["ruff", "check", "."]),
    ("types", ["mypy", "dialer", "tests", "benchmarks"]),
    ("walls", ["lint-imports"]),
)


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
    tests = subprocess.Popen([str(BIN / "python"), "-m", "pytest", *sys.argv[1:]], cwd=ROOT)
    for name, words in CHECKS:
        check = start(words)
        said, _ = check.communicate()
        if check.returncode:
            failed.append(name)
            print(f"\n== {name} failed\n{said.decode(errors='replace')}", flush=True)
    if tests.wait():
        failed.append("tests")
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
