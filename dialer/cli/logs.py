"""Logs: one JSON object a line on stderr, numbers of people masked (R7.5).

The mask is the last processor before the renderer: whatever a room or a library says, a run of
digits as long as a phone's shows its first and last two only. Ids are uuids or short, so they
stay.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog

#: Ten digits and more, with or without a plus, not within a uuid or a decimal number.
_PHONE = re.compile(r"(?<![0-9a-fA-F.-])\+?\d{10,15}(?![0-9a-fA-F.-])")


def mask(text: str) -> str:
    """`+79161234567` -> `+791*******67`."""
    return _PHONE.sub(_stars, text)


def _stars(found: re.Match[str]) -> str:
    digits = found.group()
    return f"{digits[:4]}{'*' * (len(digits) - 6)}{digits[-2:]}"


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: _masked(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(one) for one in value]
    return value


def _mask_all(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    return {key: _masked(value) for key, value in event.items()}


def _render(value: Any, **_: Any) -> str:
    return orjson.dumps(value, default=str).decode()


class _Library(logging.Handler):
    """What libraries say by the standard `logging` (psycopg's pool does) becomes our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        said = structlog.get_logger(record.name)
        said.log(record.levelno, "library", logger=record.name, said=record.getMessage())


def configure(level: str) -> None:
    """For the whole process; `level` is "debug", "info", "warning" or "error"."""
    logging.basicConfig(handlers=[_Library()], level=logging.WARNING, force=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.UnicodeDecoder(),
            _mask_all,
            structlog.processors.JSONRenderer(serializer=_render),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
