"""A duration's distribution as a table of quantiles: one kind of value for laws and for
samples.

Lognormal, gamma and mixtures become tables once, observations are their own table; drawing is
an interpolation at a uniform number. So what history gives and what somebody assumes are drawn
alike, and the same uniform gives the same luck in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Quantiles are kept at the middles of so many equal parts; a bound at each end beside them.
PARTS = 400
_MIDDLES = (np.arange(PARTS) + 0.5) / PARTS
_NORMAL = np.array([NormalDist().inv_cdf(one) for one in _MIDDLES])
#: Laws without a closed quantile are sampled so often.
_SAMPLES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spread:
    """Durations in seconds, rising with the quantile."""

    quantiles: Floats

    def draw(self, uniforms: Floats) -> Floats:
        """A duration for each uniform number of [0, 1)."""
        return np.interp(uniforms, _MIDDLES, self.quantiles)

    @property
    def mean(self) -> float:
        return float(self.quantiles.mean())

    @property
    def variation(self) -> float:
        """Standard deviation over the mean."""
        return float(self.quantiles.std() / max(self.mean, 1e-9))

    def below(self, limit_s: float) -> float:
        """The share that is at most so long."""
        return float(np.mean(self.quantiles <= limit_s))

    def scaled(self, factor: float) -> Spread:
        return Spread(quantiles=self.quantiles * factor)

    def with_mean(self, mean_s: float) -> Spread:
        """The same shape with this mean."""
        return self.scaled(mean_s / max(self.mean, 1e-9))

    def at_most(self, limit_s: float) -> Spread:
        """What is longer ends there."""
        return Spread(quantiles=np.minimum(self.quantiles, limit_s))


def lognormal(mean_s: float, variation: float) -> Spread:
    """By mean and standard deviation over mean."""
    sigma = float(np.sqrt(np.log1p(variation * variation)))
    return Spread(quantiles=np.exp(sigma * _NORMAL)).with_mean(mean_s)


def gamma(mean_s: float, shape: float) -> Spread:
    """By mean and shape (2.5 is a ring: few answer at once, few late)."""
    drawn = np.random.default_rng(20_251).gamma(shape, 1.0, _SAMPLES)
    return observed(drawn).with_mean(mean_s)


def mixture(parts: Sequence[tuple[float, Spread]]) -> Spread:
    """(share, spread) of each part; shares are made to sum up to 1."""
    total = sum(share for share, _ in parts)
    points = np.concatenate([one.quantiles for _, one in parts])
    weights = np.concatenate([np.full(PARTS, share / total / PARTS) for share, _ in parts])
    order = np.argsort(points, kind="stable")
    reached = np.cumsum(weights[order]) - weights[order] / 2
    return Spread(quantiles=np.interp(_MIDDLES, reached, points[order]))


def observed(durations_s: Sequence[float] | Floats) -> Spread:
    """What was seen; at least one observation."""
    return Spread(quantiles=np.quantile(np.asarray(durations_s, dtype=float), _MIDDLES))
