"""Everybody's luck in one shift: the nth call, talk and wrap-up each have a stream.

So two ways of pacing meet the same people, and a difference between them is the pacing's. A
stream is a function of (what it is for, scenario's name, seed): nothing else draws from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from dialer.forecast.scenario import Scenario
from dialer.forecast.spreads import Spread

_BLOCK = 4096


def stream(*key: object) -> Generator:
    """A generator of one's own for this key."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))


class Luck:
    """The streams of one scenario, endless."""

    def __init__(self, scenario: Scenario) -> None:
        key = (scenario.name, scenario.seed, scenario.staff.operators)
        people = scenario.people
        self.calls = _uniforms(stream("calls", *key), 6)
        self.waits = _uniforms(stream("waits", *key), 2)
        self.ring = _durations(stream("ring", *key), people.ring)
        self.talk = _durations(stream("talk", *key), people.talk)
        self.wrapup = _durations(stream("wrapup", *key), scenario.staff.wrapup)
        sd = scenario.staff.sd
        drawn = stream("operators", *key).normal(0.0, 1.0, scenario.staff.operators)
        self.factors: list[float] = np.exp(sd * drawn - sd * sd / 2.0).tolist()


def _uniforms(generator: Generator, many: int) -> Iterator[list[float]]:
    while True:
        yield from generator.uniform(size=(_BLOCK, many)).tolist()


def _durations(generator: Generator, spread: Spread) -> Iterator[float]:
    while True:
        yield from spread.draw(generator.uniform(size=_BLOCK)).tolist()
