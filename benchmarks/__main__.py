"""`make bench`: every benchmark, each beside its floor in the same run; figures as a table.

`python -m benchmarks NAME ...` runs the named ones. Nothing here passes or fails.
"""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import importlib  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402

NAMES = ("attempts", "link", "claims", "imports", "pacing", "look")


def main() -> None:
    for name in sys.argv[1:] or NAMES:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"== {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        print(json.dumps(module.run(), indent=2, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
