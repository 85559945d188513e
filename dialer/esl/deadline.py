"""A deadline for one of our own waits, which never swallows somebody else's gevent.Timeout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import gevent


class Expired(Exception):
    """The deadline of one of our own waits has passed."""


@contextmanager
def limited(timeout_s: float) -> Iterator[None]:
    """Raises Expired when the body takes longer than this."""
    mine = gevent.Timeout(timeout_s)
    mine.start()
    try:
        yield
    except gevent.Timeout as fired:
        if fired is not mine:
            raise
        raise Expired from None
    finally:
        mine.close()
