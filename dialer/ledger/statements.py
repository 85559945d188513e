"""The SQL of this room by name: `statements("attempts")["commit_intents"]` is psycopg's text.

aiosql reads sql/NOUN.sql (each statement is named, described, and takes `:name` parameters); we
use its text and not its execution, because our transactions are pipelined.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import aiosql

FOLDER = Path(__file__).parent / "sql"


@cache
def statements(noun: str) -> Mapping[str, bytes]:
    """All statements of sql/`noun`.sql, by name."""
    queries = aiosql.from_path(FOLDER / f"{noun}.sql", "psycopg")
    names = [name for name in queries.available_queries if not name.endswith("_cursor")]
    return {name: getattr(queries, name).sql.encode() for name in names}
