"""Patches gevent FIRST, then imports the command line.

psycopg picks its wait function at import: patched late it would block every greenlet while
PostgreSQL works (dependencies.md 2). Nothing may be imported above the patch.
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402

from dialer.cli.main import cli  # noqa: E402


def main() -> None:
    """The console script `dialer`."""
    sys.exit(cli.main(prog_name="dialer", standalone_mode=True))


if __name__ == "__main__":
    main()
