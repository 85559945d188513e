"""Verbs that a person runs: rooms' logs are no part of the answer, so only warnings, on stderr.

structlog's own default prints everything to standard output, where it would stand in the midst
of a verb's JSON.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from dialer.cli.logs import mask


def quiet() -> None:
    """For the whole process. Nothing is cached: a later `logs.configure` still counts."""
    # psycopg's pool tells of each connection that it throws away; a verb tells what that means.
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            _masked,
            structlog.processors.LogfmtRenderer(key_order=["level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def _masked(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {key: mask(str(value)) for key, value in event.items()}
