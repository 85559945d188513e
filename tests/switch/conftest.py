"""One pair of FreeSWITCH instances for all tests here; without FREESWITCH they are skipped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from tests.switch.driven import Driven
from tests.switch.instances import FREESWITCH, Instances
from tests.switch.shipped import Shipped
from tests.switch.witness import Witness

OPERATORS = 40
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They take two minutes together (`runs`); alone among all tests they need a binary."""
    skip = pytest.mark.skip(reason="no real switch: FREESWITCH names no freeswitch binary")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.switch)
            if not os.environ.get(FREESWITCH):
                item.add_marker(skip)


@pytest.fixture(scope="session")
def instances() -> Iterator[Instances]:
    with Instances(OPERATORS) as running:
        yield running


@pytest.fixture(scope="session")
def shipped() -> Iterator[Shipped]:
    """A switch that runs the files of config/freeswitch."""
    with Shipped() as running:
        yield running


@pytest.fixture
def witness(instances: Instances) -> Iterator[Witness]:
    """Listens during this test; the switch is empty when it begins and when it ends."""
    with instances.switch.wire() as wire:
        wire.api("hupall MANAGER_REQUEST")
        with gevent.Timeout(10.0):
            while wire.api("show channels count") != "0 total.":
                gevent.sleep(0.1)
    listening = Witness(instances.switch)
    yield listening
    listening.close()


@pytest.fixture
def drive(
    instances: Instances,
    witness: Witness,
    tmp_path: Path,
    fresh_redis: str,
    new_database: Callable[..., str],
) -> Iterator[Callable[..., Driven]]:
    """`drive(numbers, **options)` -> a started daemon with this list."""
    begun: list[Driven] = []

    def start(numbers: list[str], operators: int = 30, **options: Any) -> Driven:
        stores = fresh_redis, new_database()
        driven = Driven(tmp_path, instances, stores, operators=operators, **options)
        begun.append(driven)
        driven.add(numbers)
        driven.start()
        return driven

    yield start
    for driven in begun:
        driven.stop()
