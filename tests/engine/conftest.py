"""Houses that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from dialer.engine.plan import Plan
from tests.engine.house import House, house


@pytest.fixture
def build() -> Iterator[Callable[..., House]]:
    """`build(plan)` -> a House whose dispatcher and outbox run."""
    with ExitStack() as stack:

        def make(configured: Plan | None = None, **options: Any) -> House:
            return stack.enter_context(house(configured, **options))

        yield make


@pytest.fixture
def home(build: Callable[..., House]) -> House:
    return build()
