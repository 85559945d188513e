"""How a file is named in messages: as short as a person standing here would write it."""

from __future__ import annotations

import os
from pathlib import Path


def shown(path: Path) -> str:
    """The path seen from the working directory, or in full where it lies outside of it."""
    full = Path(os.path.normpath(path.absolute()))
    here = Path.cwd()
    return str(full.relative_to(here)) if full.is_relative_to(here) else str(full)
