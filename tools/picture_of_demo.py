"""Makes docs/images/demo.svg: the live view of a real rehearsal, as it stands after a while.

    .venv/bin/python tools/picture_of_demo.py [SECONDS]      # default 60

Everything runs as in `dialer demo`: servers, simulated switch, the unchanged daemon; only the
terminal is one that is recorded. Fonts that rich would fetch from elsewhere are taken out.
"""

# ruff: noqa: E402 - gevent patches first, as in dialer.__main__

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import io
import re
import sys
from pathlib import Path

import gevent
from rich.console import Console

from dialer.cli.demo import HOME, Demo
from dialer.cli.rehearsal import Rehearsal, Rehearsed

PICTURE = HOME / "docs" / "images" / "demo.svg"
COLUMNS = 116
SECONDS = 60.0

_FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}\s*")
_GENERATOR = re.compile(r"<!--.*?-->\s*", re.DOTALL)


class Sitting(Demo):
    """A demo that is watched by nobody until its picture is taken."""

    picture = ""

    def _watch(self, seconds: float | None) -> None:
        gevent.sleep(seconds or SECONDS)
        terminal = Console(record=True, width=COLUMNS, file=io.StringIO())
        terminal.print(self._view())
        svg = terminal.export_svg(title="dialer demo")
        self.picture = _GENERATOR.sub("", _FONT_FACE.sub("", svg))


def main(seconds: float, picture: Path = PICTURE) -> None:
    rehearsed = Rehearsed(
        config=HOME / "config" / "demo.yaml",
        campaign_files=(),
        operators=None,
        seed=1,
        world=HOME / "config" / "demo_world.yaml",
    )
    with Rehearsal(rehearsed) as rehearsal:
        sitting = Sitting(rehearsal, Console(stderr=True), as_json=False)
        sitting.run(HOME / "campaigns" / "demo.csv", seconds)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(sitting.picture, encoding="utf-8")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
